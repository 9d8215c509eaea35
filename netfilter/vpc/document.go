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
	page    int // which of the document's top-level objects it is in
	path    string
	members map[string]any
}

// reader reads one document and keeps the first fault.
type reader struct {
	file string
	data []byte
	err  error
}

// fail keeps a fault at the member of the node, or at the node itself for "".
func (n node) fail(name, why string) {
	if n.r.err != nil {
		return
	}
	path := n.path
	if name != "" {
		path = n.at(name)
	}
	e := &SnapshotError{File: n.r.file, Path: path, Why: why}
	e.Offset, e.Line, e.Column = place(n.r.data, n.page, path)
	n.r.err = e
}

// pages decodes the objects of a document that netfilter has found well formed.
func (r *reader) pages() []node {
	dec := json.NewDecoder(bytes.NewReader(r.data))
	dec.UseNumber()
	var out []node
	for dec.More() {
		n := node{r: r, page: len(out)}
		if err := dec.Decode(&n.members); err != nil {
			n.fail("", "not JSON")
			return nil
		}
		out = append(out, n)
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

// filled reports whether the member says something: nothing, null, an empty list
// and an empty object are the same.
func (n node) filled(name string) bool {
	switch v := n.members[name].(type) {
	case nil:
		return false
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

func (n node) object(name string) node {
	v, ok := n.members[name].(map[string]any)
	if !ok && n.has(name) {
		n.fail(name, "not an object")
	}
	return node{n.r, n.page, n.at(name), v}
}

func (n node) list(name string) []node {
	items, ok := n.members[name].([]any)
	if !ok && n.has(name) {
		n.fail(name, "not a list")
	}
	var out []node
	for i, it := range items {
		m, ok := it.(map[string]any)
		if !ok && it != nil {
			n.fail(fmt.Sprintf("%s[%d]", name, i), "not an object")
		}
		if ok {
			out = append(out, node{n.r, n.page, fmt.Sprintf("%s[%d]", n.at(name), i), m})
		}
	}
	return out
}

// texts returns a list of strings.
func (n node) texts(name string) []string {
	items, ok := n.members[name].([]any)
	if !ok && n.has(name) {
		n.fail(name, "not a list")
	}
	var out []string
	for i, it := range items {
		s, ok := it.(string)
		if !ok {
			n.fail(fmt.Sprintf("%s[%d]", name, i), "not a string")
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
	n.fail(name, "not a string")
	return ""
}

func (n node) truth(name string) bool {
	s := n.text(name)
	if s != "" && s != "true" && s != "false" {
		n.fail(name, "neither true nor false")
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
		n.fail(name, "not a CIDR block")
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
		n.fail(name, "not an address")
		return netip.Addr{}
	}
	return a.Unmap()
}
