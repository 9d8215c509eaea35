// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"cmp"
	"slices"
	"strings"
)

// index finds the statements that can match a request without looking at the
// others. A statement is entered once for each pair of an action and a resource
// that it lists, unless it is very long. Entries are grouped by action (one group for each action that
// is spelled out, one for each service whose actions are listed with wildcards,
// one for the rest); in a group they lie by the service of the resource and
// then sorted by the text that its sixth field begins with. All the beginnings
// of a given text are found from its place in the sorted list, by one binary
// search: each beginning links to the next shorter one.
//
// With 1,200 statements a search looks at 3 groups and some 10 texts in each;
// a linear scan took 40 times as long.
type index struct {
	built     bool
	exact     bool  // there are groups of one action
	byService bool  // and of one service
	rest      int32 // the group of all other actions, +1
	groups    []group
	table     []int32 // open addressing over group.hash; group number + 1
	services  []serviceNode
	nodes     []prefixNode
	refs      []ref
}

// group holds the entries of one action, or of all actions of a service.
type group struct {
	hash   uint64
	key    string // "s3:getobject", "s3" or ""
	lo, hi int32  // index.services
	rootLo int32  // index.refs whose resource is anything, or of any service
	rootHi int32
}

type serviceNode struct {
	service string
	lo, hi  int32 // index.nodes, sorted by prefix
}

type prefixNode struct {
	prefix string
	parent int32 // the node with the next shorter prefix of this one, or -1
	lo, hi int32 // index.refs
}

// ref is a statement and which of its resource patterns to compare; -1 is all
// of them.
type ref struct{ stmt, pattern int32 }

// entering is a ref on its way into the index.
type entering struct {
	ref
	group        int32
	rooted, deny bool
}

const (
	// indexFrom is the number of statements from which an index pays: 3
	// statements took 70 ns scanned and 110 ns through the index.
	indexFrom = 8
	// spelledActions is the number of actions up to which a statement is
	// entered under each; one that lists more would be entered too often.
	spelledActions = 8
	// spelledResources is the number of resources up to which a statement is
	// entered under each, whatever else it lists: where one of them matches, all
	// the rest of the statement is looked at again.
	spelledResources = 64
)

func (x *index) build(s *Set) {
	if len(s.stmts) < indexFrom {
		return
	}
	b := indexBuilder{x: x, s: s, groups: make(map[string]int32), all: make([]entering, 0, len(s.resources)+len(s.stmts))}
	for i := range s.stmts {
		b.enter(int32(i))
	}
	all := b.sorted()
	b.lay(all)
	x.hashGroups()
	x.built = true
}

// indexBuilder collects entries.
type indexBuilder struct {
	x      *index
	s      *Set
	groups map[string]int32
	all    []entering
}

// sorted returns the entries group by group, and sorted in each.
func (b *indexBuilder) sorted() []entering {
	ends := make([]int32, len(b.x.groups)+1)
	for i := range b.all {
		ends[b.all[i].group+1]++
	}
	for i := range b.x.groups {
		ends[i+1] += ends[i]
	}
	out := make([]entering, len(b.all))
	for i := range b.all {
		g := b.all[i].group
		out[ends[g]] = b.all[i]
		ends[g]++
	}
	from := int32(0)
	for _, end := range ends[:len(b.x.groups)] {
		slices.SortStableFunc(out[from:end], b.compare)
		from = end
	}
	return out
}

func (b *indexBuilder) compare(x, y entering) int {
	if x.rooted != y.rooted {
		return -compareBool(x.rooted, y.rooted)
	}
	if !x.rooted {
		if c := strings.Compare(b.s.resources[x.pattern].service(), b.s.resources[y.pattern].service()); c != 0 {
			return c
		}
		if c := strings.Compare(b.prefix(x), b.prefix(y)); c != 0 {
			return c
		}
	}
	return -compareBool(x.deny, y.deny)
}

// prefix returns what the sixth field of an entry begins with.
func (b *indexBuilder) prefix(e entering) string {
	return b.s.resources[e.pattern].rest.literalPrefix(b.s.parts)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// group returns the number of the group of a key.
func (b *indexBuilder) group(key string) int32 {
	g, ok := b.groups[key]
	if !ok {
		g = int32(len(b.x.groups))
		b.groups[key] = g
		b.x.groups = append(b.x.groups, group{key: key, hash: hashFold(key)})
		switch {
		case key == "":
			b.x.rest = g + 1
		case strings.Contains(key, ":"):
			b.x.exact = true
		default:
			b.x.byService = true
		}
	}
	return g
}

// enter lists the places of one statement.
func (b *indexBuilder) enter(i int32) {
	s, st := b.s, &b.s.stmts[i]
	var keys [spelledActions]string
	for _, action := range s.actionKeys(st, keys[:0]) {
		e := entering{group: b.group(action), deny: st.deny, ref: ref{stmt: i, pattern: -1}}
		if st.resourceForm != elementPositive || st.unknown&elResource != 0 || s.long(st) {
			e.rooted = true
			b.all = append(b.all, e)
			continue
		}
		for j := st.resLo; j < st.resHi; j++ {
			r := &s.resources[j]
			e.pattern = j
			e.rooted = r.all || r.wild&wildService != 0
			b.all = append(b.all, e)
		}
	}
}

// long reports whether a statement lists so many resources, and so much else,
// that looking at the one for each of the other costs too much.
func (s *Set) long(st *stmt) bool {
	if st.resHi-st.resLo <= spelledResources {
		return false
	}
	rest := st.actHi - st.actLo + st.entHi - st.entLo + st.condHi - st.condLo
	for i := st.condLo; i < st.condHi; i++ {
		rest += s.conds[i].hi - s.conds[i].lo
	}
	return rest > spelledResources
}

// actionKeys returns the groups that a statement belongs to.
func (s *Set) actionKeys(st *stmt, keys []string) []string {
	actions := s.actions[st.actLo:st.actHi]
	if st.notAction || st.unknown&elAction != 0 {
		return append(keys, "")
	}
	if len(actions) <= spelledActions {
		for i := range actions {
			key := ""
			switch a := &actions[i]; {
			case a.exact():
				key = a.text
			case !a.all && !a.glob:
				key = a.service()
			}
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		return keys
	}
	for i := range actions {
		if actions[i].all || actions[i].glob || actions[i].shape == shapeNever || actions[i].service() != actions[0].service() {
			return append(keys, "")
		}
	}
	return append(keys, actions[0].service())
}

// lay makes groups, services and nodes of sorted entries.
func (b *indexBuilder) lay(all []entering) {
	x := b.x
	x.refs = make([]ref, len(all))
	x.nodes = make([]prefixNode, 0, len(all))
	for i := range all {
		x.refs[i] = all[i].ref
	}
	for n, i := 0, 0; n < len(x.groups); n++ {
		g := &x.groups[n]
		g.lo, g.rootLo = int32(len(x.services)), int32(i)
		for ; i < len(all) && all[i].group == int32(n) && all[i].rooted; i++ {
		}
		g.rootHi = int32(i)
		for i < len(all) && all[i].group == int32(n) {
			i = b.layService(all, i)
		}
		g.hi = int32(len(x.services))
	}
	x.groups, x.services = slices.Clip(x.groups), slices.Clip(x.services)
}

func (b *indexBuilder) layService(all []entering, i int) int {
	x, group := b.x, all[i].group
	n := serviceNode{service: b.s.resources[all[i].pattern].service(), lo: int32(len(x.nodes))}
	same := func(i int) bool {
		return i < len(all) && all[i].group == group && b.s.resources[all[i].pattern].service() == n.service
	}
	last := int32(-1) // the chain of prefixes of the node at hand
	for same(i) {
		prefix := b.prefix(all[i])
		for last >= 0 && !strings.HasPrefix(prefix, x.nodes[last].prefix) {
			last = x.nodes[last].parent
		}
		node := prefixNode{prefix: prefix, parent: last, lo: int32(i)}
		for ; same(i) && b.prefix(all[i]) == prefix; i++ {
		}
		node.hi = int32(i)
		last = int32(len(x.nodes))
		x.nodes = append(x.nodes, node)
	}
	n.hi = int32(len(x.nodes))
	x.services = append(x.services, n)
	return i
}

func (x *index) hashGroups() {
	size := 4
	for size < 2*len(x.groups) {
		size *= 2
	}
	x.table = make([]int32, size)
	for i := range x.groups {
		at := x.groups[i].hash & uint64(size-1)
		for x.table[at] != 0 {
			at = (at + 1) & uint64(size-1)
		}
		x.table[at] = int32(i + 1)
	}
}

// group returns the group of a key in any case, or nil.
func (x *index) group(key string, hash uint64) *group {
	mask := uint64(len(x.table) - 1)
	for at := hash & mask; x.table[at] != 0; at = (at + 1) & mask {
		if g := &x.groups[x.table[at]-1]; g.hash == hash && equalFold(g.key, key) {
			return g
		}
	}
	return nil
}

// search considers every statement that can match.
func (x *index) search(s *Set, e *evaluation, r *result) {
	if x.exact && e.service != "" && x.visit(s, e, r, x.group(e.req.Action, hashFold(e.req.Action))) {
		return
	}
	if x.byService && e.service != "" && x.visit(s, e, r, x.group(e.service, hashFold(e.service))) {
		return
	}
	if x.rest > 0 {
		x.visit(s, e, r, &x.groups[x.rest-1])
	}
}

func (x *index) visit(s *Set, e *evaluation, r *result, g *group) (done bool) {
	if g == nil {
		return false
	}
	if g.lo < g.hi {
		if n := x.service(g, e.arn.Service); n != nil && x.descend(s, e, r, n) {
			return true
		}
	}
	return x.considerAll(s, e, r, g.rootLo, g.rootHi)
}

func (x *index) considerAll(s *Set, e *evaluation, r *result, lo, hi int32) (done bool) {
	for _, ref := range x.refs[lo:hi] {
		if s.consider(&s.stmts[ref.stmt], ref.pattern, e, r) {
			return true
		}
	}
	return false
}

// service returns the node of a service in any case.
func (x *index) service(g *group, name string) *serviceNode {
	nodes := x.services[g.lo:g.hi]
	if len(nodes) == 1 {
		if equalFold(nodes[0].service, name) {
			return &nodes[0]
		}
		return nil
	}
	at, ok := slices.BinarySearchFunc(nodes, name, func(n serviceNode, name string) int {
		return compareFold(n.service, name)
	})
	if !ok {
		return nil
	}
	return &nodes[at]
}

// compareFold compares a, which is in lower case, with b in any.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if c := cmp.Compare(a[i], lower(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// descend considers the statements whose prefix the resource begins with,
// longest first.
func (x *index) descend(s *Set, e *evaluation, r *result, n *serviceNode) (done bool) {
	text := e.arn.Resource
	lo, hi := n.lo, n.hi
	for lo < hi {
		if mid := int32(uint32(lo+hi) >> 1); x.nodes[mid].prefix <= text {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for at := lo - 1; at >= n.lo; at = x.nodes[at].parent {
		node := &x.nodes[at]
		if strings.HasPrefix(text, node.prefix) && x.considerAll(s, e, r, node.lo, node.hi) {
			return true
		}
	}
	return false
}
