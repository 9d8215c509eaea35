// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Document is one JSON file: the output of `aws ec2 describe-…` or
// `get-managed-prefix-list-entries`, the JSON of the SDK's value, or several
// of them one after the other.
type Document struct {
	// Name is the file's name. Entries of a managed prefix list do not say which
	// list they belong to: the "pl-…" in the name does.
	Name string
	// Data is the JSON text.
	Data []byte
}

// Inventory is what documents describe, merged by id, in the order of first
// appearance.
type Inventory struct {
	// Groups, ACLs, PrefixLists and Interfaces are the objects read.
	Groups      []SecurityGroup
	ACLs        []NetworkACL
	PrefixLists []PrefixList
	Interfaces  []Interface
	// Findings are faults of the documents themselves: shape-mismatch,
	// incomplete-page and unattached-entries.
	Findings []Finding

	sawInterfaces bool
	groups        map[string]int // index of Groups by id
}

// PrefixList is a managed prefix list.
type PrefixList struct {
	// ID, Name and Owner name the list; Owner is "AWS" for AWS's own lists.
	ID, Name, Owner string
	// MaxEntries is what the list counts for in a quota, 0 when not stated.
	MaxEntries int
	// Entries are the list's blocks, and Known says whether they were read.
	Entries []netip.Prefix
	Known   bool
}

// ParseGroup reads one security group as it stands in SecurityGroups.
func ParseGroup(data []byte) (SecurityGroup, error) {
	r, v, err := parseOne(data)
	if err != nil {
		return SecurityGroup{}, err
	}
	g := r.group(v)
	return g, r.err
}

// ParseACL reads one network ACL as it stands in NetworkAcls. Standing alone, it
// may lack its NetworkAclId.
func ParseACL(data []byte) (NetworkACL, error) {
	r, v, err := parseOne(data)
	if err != nil {
		return NetworkACL{}, err
	}
	a := r.acl(v)
	return a, r.err
}

func parseOne(data []byte) (*reader, *value, error) {
	doc, pages, err := parseDocument("", data)
	if err != nil {
		return nil, nil, err
	}
	if len(pages) != 1 {
		return nil, nil, doc.fault(nil, pages[1].offset, "more than one value")
	}
	return &reader{doc: doc}, &pages[0], nil
}

// ReadInventory reads documents in any order. Objects that several documents
// describe alike are taken once; described differently they are an error that
// wraps ErrConflict. Syntax and types are strict and wrap ErrDocument; what a
// rule says is judged later, by the compiler.
func ReadInventory(docs ...Document) (*Inventory, error) {
	m := merger{inv: &Inventory{}}
	for _, d := range docs {
		if err := m.document(d); err != nil {
			return nil, err
		}
	}
	m.finish()
	return m.inv, nil
}

// LoadInventory reads every file of fsys whose name ends in .json.
func LoadInventory(fsys fs.FS) (*Inventory, error) {
	var docs []Document
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".json") {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		docs = append(docs, Document{Name: name, Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("netfilter: %w", err)
	}
	return ReadInventory(docs...)
}

// Group returns the group with the id, nil when there is none.
func (inv *Inventory) Group(id string) *SecurityGroup {
	if i, ok := inv.groups[id]; ok && i < len(inv.Groups) && inv.Groups[i].ID == id {
		return &inv.Groups[i]
	}
	for i := range inv.Groups {
		if inv.Groups[i].ID == id {
			return &inv.Groups[i]
		}
	}
	return nil
}

// Resolver returns what the inventory knows of members and prefix lists.
// Members of a group are the addresses of the interfaces that carry it, with
// the prefixes delegated to them if delegated is set. A list without entries
// in the documents is unknown. A group is known when interfaces were read and
// it is one of Groups; a reference to a group that is not, within the account
// and without a peering connection, is stale and matches nothing.
func (inv *Inventory) Resolver(delegated bool) Resolver {
	r := Resolver{Members: map[string][]netip.Prefix{}, PrefixLists: map[string][]netip.Prefix{}}
	for _, l := range inv.PrefixLists {
		if l.Known {
			r.PrefixLists[l.ID] = l.Entries
		}
	}
	for _, id := range inv.staleGroups() {
		r.Members[id] = nil
	}
	if !inv.sawInterfaces {
		return r
	}
	for _, g := range inv.Groups {
		r.Members[g.ID] = nil
	}
	for _, i := range inv.Interfaces {
		for _, g := range i.Groups {
			r.Members[g] = append(r.Members[g], i.members(delegated)...)
		}
	}
	return r
}

// staleGroups lists referenced groups that do not exist.
func (inv *Inventory) staleGroups() []string {
	exists, owners, listed := map[string]bool{}, map[string]bool{"": true}, map[string]bool{}
	for _, g := range inv.Groups {
		exists[g.ID], owners[g.Owner] = true, true
	}
	var stale []string
	for _, g := range inv.Groups {
		for _, d := range []Direction{Ingress, Egress} {
			for _, r := range g.Rules(d) {
				p := r.Peer
				if p.Group != "" && !exists[p.Group] && p.Peering == "" && owners[p.Owner] && !listed[p.Group] {
					listed[p.Group] = true
					stale = append(stale, p.Group)
				}
			}
		}
	}
	return stale
}

// merger gathers documents.
type merger struct {
	inv       *Inventory
	groups    catalog[SecurityGroup]
	acls      catalog[NetworkACL]
	ifaces    catalog[Interface]
	instances catalog[Interface] // interfaces as instances list them
	lists     catalog[PrefixList]
	rules     catalog[listedRule]
	entries   map[string][]netip.Prefix
}

// catalog holds objects by id in order of appearance.
type catalog[T any] struct {
	items []T
	index map[string]int
	seen  bool // the member appeared, if only as an empty list
}

// put adds the object, or compares it with the one of the same id.
func (t *catalog[T]) put(id string, item T) error {
	if t.index == nil {
		t.index = map[string]int{}
	}
	at, twice := t.index[id]
	if !twice {
		t.index[id] = len(t.items)
		t.items = append(t.items, item)
		return nil
	}
	if !reflect.DeepEqual(t.items[at], item) {
		return fmt.Errorf("%w: %s", ErrConflict, id)
	}
	return nil
}

var prefixListInName = regexp.MustCompile(`pl-[0-9a-z]+`)

func (m *merger) document(d Document) error {
	doc, pages, err := parseDocument(d.Name, d.Data)
	if err != nil {
		return err
	}
	for i := range pages {
		r := &reader{doc: doc}
		if err := m.page(r, &pages[i]); err != nil {
			return err
		}
		if r.text(&pages[i], "NextToken") != "" {
			m.find(Finding{Code: "incomplete-page", Where: d.Name, Detail: "a NextToken says that more pages exist"})
		}
		if r.err != nil {
			return r.err
		}
	}
	return nil
}

func (m *merger) find(f Finding) { m.inv.Findings = append(m.inv.Findings, f) }

// page reads the members of one top-level object.
func (m *merger) page(r *reader, v *value) error {
	err := readAll(r, v, "SecurityGroups", &m.groups, r.group, func(g SecurityGroup) string { return g.ID })
	if err == nil {
		err = readAll(r, v, "SecurityGroupRules", &m.rules, r.listedRule, func(l listedRule) string { return l.Rule.ID })
	}
	if err == nil {
		err = readAll(r, v, "NetworkAcls", &m.acls, r.listedACL, func(a NetworkACL) string { return a.ID })
	}
	if err == nil {
		err = readAll(r, v, "NetworkInterfaces", &m.ifaces, r.iface, func(i Interface) string { return i.ID })
	}
	for _, res := range r.list(v, "Reservations") {
		for _, inst := range r.list(res, "Instances") {
			if err == nil {
				err = readAll(r, inst, "NetworkInterfaces", &m.instances, func(v *value) Interface {
					i := r.iface(v)
					i.Instance = r.text(inst, "InstanceId")
					return i
				}, func(i Interface) string { return i.ID })
			}
		}
	}
	if v.member("Reservations") != nil {
		m.instances.seen = true
	}
	if err == nil {
		err = m.prefixLists(r, v)
	}
	if err == nil {
		err = r.err
	}
	return err
}

// readAll reads a top-level member's objects into a catalog.
func readAll[T any](r *reader, v *value, name string, into *catalog[T], read func(*value) T, id func(T) string) error {
	into.seen = into.seen || v.member(name) != nil
	for _, item := range r.list(v, name) {
		obj := read(item)
		if r.err != nil {
			return r.err
		}
		if err := into.put(id(obj), obj); err != nil {
			return fmt.Errorf("%s: %w", r.doc.name, err)
		}
	}
	return r.err
}

// prefixLists reads lists of both commands and entries. The two commands
// describe one list by different members, so they are joined, not compared.
func (m *merger) prefixLists(r *reader, v *value) error {
	for _, item := range r.list(v, "PrefixLists") {
		l := r.prefixList(item)
		if r.err != nil {
			return r.err
		}
		at, twice := m.lists.index[l.ID]
		if !twice {
			if err := m.lists.put(l.ID, l); err != nil {
				return err
			}
			continue
		}
		if err := m.lists.items[at].join(l); err != nil {
			return fmt.Errorf("%s: %w", r.doc.name, err)
		}
	}
	return m.listEntries(r, v)
}

// join completes a list with what another description adds.
func (l *PrefixList) join(o PrefixList) error {
	switch {
	case l.Known && o.Known && !reflect.DeepEqual(l.Entries, o.Entries),
		l.MaxEntries != 0 && o.MaxEntries != 0 && l.MaxEntries != o.MaxEntries:
		return fmt.Errorf("%w: %s", ErrConflict, l.ID)
	}
	if o.Known {
		l.Entries, l.Known = o.Entries, true
	}
	l.MaxEntries = max(l.MaxEntries, o.MaxEntries)
	if l.Name == "" {
		l.Name = o.Name
	}
	if l.Owner == "" {
		l.Owner = o.Owner
	}
	return nil
}

// listEntries reads Entries of a managed prefix list, named by its file.
func (m *merger) listEntries(r *reader, v *value) error {
	if v.member("Entries") == nil {
		return nil
	}
	entries := []netip.Prefix{}
	for _, e := range r.list(v, "Entries") {
		entries = append(entries, r.prefixMember(e, "Cidr"))
	}
	if r.err != nil {
		return r.err
	}
	id := prefixListInName.FindString(path.Base(r.doc.name))
	if id == "" {
		m.find(Finding{Code: "unattached-entries", Where: r.doc.name, Detail: "entries of a prefix list whose id is not in the file's name"})
		return nil
	}
	if m.entries == nil {
		m.entries = map[string][]netip.Prefix{}
	}
	m.entries[id] = append(m.entries[id], entries...)
	return nil
}

// finish completes the inventory.
func (m *merger) finish() {
	inv := m.inv
	inv.Groups, inv.ACLs, inv.Interfaces = m.groups.items, m.acls.items, m.ifaces.items
	inv.sawInterfaces = m.ifaces.seen
	if len(m.ifaces.items) == 0 && m.instances.seen {
		inv.Interfaces, inv.sawInterfaces = m.instances.items, true
	}
	for _, id := range slices.Sorted(maps.Keys(m.entries)) {
		entries := m.entries[id]
		at, ok := m.lists.index[id]
		if !ok {
			_ = m.lists.put(id, PrefixList{ID: id})
			at = m.lists.index[id]
		}
		m.lists.items[at].Entries, m.lists.items[at].Known = dedupe(entries), true
	}
	inv.PrefixLists = m.lists.items
	m.joinRules()
	inv.groups = make(map[string]int, len(inv.Groups))
	for i := range inv.Groups {
		inv.groups[inv.Groups[i].ID] = i
	}
}

// dedupe drops repeated blocks: pages of one list may overlap in two dumps.
func dedupe(in []netip.Prefix) []netip.Prefix {
	seen := map[netip.Prefix]bool{}
	out := []netip.Prefix{}
	for _, p := range in {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}
