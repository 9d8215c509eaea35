// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

// node is an object of a document with its place. Names are matched exactly.
type node struct {
	r       *reader
	path    string
	members map[string]any
}

// reader reads one document and keeps the first fault.
type reader struct {
	file string
	err  error
}

func (r *reader) fail(path, why string) {
	if r.err == nil {
		r.err = &SnapshotError{File: r.file, Path: path, Why: why}
	}
}

// pages decodes the objects of a document that netfilter has found well formed.
func (r *reader) pages(data []byte) []node {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var out []node
	for dec.More() {
		var m map[string]any
		if err := dec.Decode(&m); err != nil {
			r.fail("", "not JSON")
			return nil
		}
		out = append(out, node{r, "", m})
	}
	return out
}

func (n node) at(name string) string {
	if n.path == "" {
		return name
	}
	return n.path + "." + name
}

func (n node) has(name string) bool { return n.members[name] != nil }

func (n node) object(name string) node {
	v, ok := n.members[name].(map[string]any)
	if !ok && n.has(name) {
		n.r.fail(n.at(name), "not an object")
	}
	return node{n.r, n.at(name), v}
}

func (n node) list(name string) []node {
	items, ok := n.members[name].([]any)
	if !ok && n.has(name) {
		n.r.fail(n.at(name), "not a list")
	}
	var out []node
	for i, it := range items {
		path := fmt.Sprintf("%s[%d]", n.at(name), i)
		m, ok := it.(map[string]any)
		if !ok && it != nil {
			n.r.fail(path, "not an object")
		}
		if ok {
			out = append(out, node{n.r, path, m})
		}
	}
	return out
}

// texts returns a list of strings.
func (n node) texts(name string) []string {
	items, ok := n.members[name].([]any)
	if !ok && n.has(name) {
		n.r.fail(n.at(name), "not a list")
	}
	var out []string
	for _, it := range items {
		s, ok := it.(string)
		if !ok {
			n.r.fail(n.at(name), "not a list of strings")
		}
		out = append(out, s)
	}
	return out
}

// text returns a string; a number or a truth value counts as its letters.
func (n node) text(name string) string {
	switch v := n.members[name].(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	n.r.fail(n.at(name), "not a string")
	return ""
}

func (n node) truth(name string) bool {
	s := n.text(name)
	if s != "" && s != "true" && s != "false" {
		n.r.fail(n.at(name), "neither true nor false")
	}
	return s == "true"
}

// prefix returns a CIDR block with its host bits cleared, invalid when missing.
func (n node) prefix(name string) netip.Prefix {
	s := n.text(name)
	if s == "" {
		return netip.Prefix{}
	}
	p, err := netfilter.ParseMember(s)
	if err != nil {
		n.r.fail(n.at(name), "not a CIDR block")
	}
	return p
}

func (n node) addr(name string) netip.Addr {
	s := n.text(name)
	if s == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		n.r.fail(n.at(name), "not an address")
		return netip.Addr{}
	}
	return a.Unmap()
}
