// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Change is a change to try on a copy of a snapshot.
type Change struct {
	// Remove are the ids of what goes, as answers write them: rules of groups
	// ("sgr-1", "sg-1/ingress/0/10.0.0.0/8"), entries of ACLs
	// ("acl-1/ingress/100") and routes ("rtb-1/0.0.0.0/0", "rtb-1/pl-1").
	Remove []string
	// Add is what comes, in the shape of describe output: the rules in
	// SecurityGroups, the entries in NetworkAcls and the routes in RouteTables are
	// added to the group, ACL or table of the same id, which has to exist.
	Add netfilter.Document
}

// Apply returns a copy of the snapshot with the change made. The snapshot itself
// stays as it is. An id that names nothing is an error that wraps ErrQuery.
func (s *Snapshot) Apply(c Change) (*Snapshot, error) {
	after := s.copy()
	for _, id := range c.Remove {
		if !after.remove(id) {
			return nil, fmt.Errorf("%w: there is no rule, entry or route %.200q", ErrQuery, id)
		}
	}
	if len(c.Add.Data) > 0 {
		add, err := Read(c.Add)
		if err != nil {
			return nil, err
		}
		if err := after.add(add); err != nil {
			return nil, err
		}
	}
	after.prepare()
	return after, nil
}

// copy returns a snapshot whose groups, ACLs, tables and interfaces are its own.
// Its index is to be prepared.
func (s *Snapshot) copy() *Snapshot {
	inv := &netfilter.Inventory{}
	*inv = *s.inv
	inv.Groups, inv.ACLs, inv.Interfaces = slices.Clone(inv.Groups), slices.Clone(inv.ACLs), slices.Clone(inv.Interfaces)
	for i := range inv.Interfaces {
		inv.Interfaces[i].Addresses = slices.Clone(inv.Interfaces[i].Addresses)
	}
	after := &Snapshot{
		inv: inv, seen: s.seen, vpcs: s.vpcs, subnets: s.subnets, gateways: s.gateways, nats: maps.Clone(s.nats), peerings: s.peerings,
		endpoints: s.endpoints, states: s.states, labels: s.labels, publics: s.publics, shared: s.shared, tgw: s.tgw, access: s.access, encryption: s.encryption,
	}
	for _, t := range s.tables {
		own := *t
		own.routes = slices.Clone(t.routes)
		after.tables = append(after.tables, &own)
	}
	return after
}

// remove takes out what the id names, and reports whether there was any.
func (s *Snapshot) remove(id string) bool {
	found := false
	for i := range s.inv.Groups {
		g, missing := netfilter.Edit{Remove: []string{id}}.Apply(s.inv.Groups[i])
		if len(missing) == 0 {
			s.inv.Groups[i], found = g, true
		}
	}
	for i := range s.inv.ACLs {
		a := &s.inv.ACLs[i]
		for d, list := range map[netfilter.Direction]*[]netfilter.ACLEntry{netfilter.Ingress: &a.Ingress, netfilter.Egress: &a.Egress} {
			n := len(*list)
			*list = slices.DeleteFunc(slices.Clone(*list), func(e netfilter.ACLEntry) bool {
				return a.ID+"/"+d.String()+"/"+strconv.Itoa(e.Number) == id
			})
			found = found || len(*list) < n
		}
	}
	for _, t := range s.tables {
		n := len(t.routes)
		t.routes = slices.DeleteFunc(t.routes, func(r route) bool { return t.id+"/"+r.text() == id })
		found = found || len(t.routes) < n
	}
	return found
}

// text is the route's destination.
func (r *route) text() string {
	if r.list != "" {
		return r.list
	}
	return r.dest.String()
}

// add joins the rules, entries and routes of another snapshot to those of the
// same ids.
func (s *Snapshot) add(o *Snapshot) error {
	for _, g := range o.inv.Groups {
		i := slices.IndexFunc(s.inv.Groups, func(x netfilter.SecurityGroup) bool { return x.ID == g.ID })
		if i < 0 {
			return unknown("group", g.ID)
		}
		s.inv.Groups[i], _ = netfilter.Edit{Ingress: g.Ingress, Egress: g.Egress}.Apply(s.inv.Groups[i])
	}
	for _, a := range o.inv.ACLs {
		i := slices.IndexFunc(s.inv.ACLs, func(x netfilter.NetworkACL) bool { return x.ID == a.ID })
		if i < 0 {
			return unknown("ACL", a.ID)
		}
		x := &s.inv.ACLs[i]
		x.Ingress, x.Egress = slices.Concat(x.Ingress, a.Ingress), slices.Concat(x.Egress, a.Egress)
		for d, list := range map[string][]netfilter.ACLEntry{"ingress": x.Ingress, "egress": x.Egress} {
			if n, twice := repeated(list); twice {
				return fmt.Errorf("%w: %s has two %s entries %d: remove one", ErrQuery, x.ID, d, n)
			}
		}
	}
	for _, t := range o.tables {
		i := slices.IndexFunc(s.tables, func(x *table) bool { return x.id == t.id })
		if i < 0 {
			return unknown("route table", t.id)
		}
		s.tables[i].routes = append(s.tables[i].routes, t.routes...)
	}
	return nil
}

func unknown(what, id string) error {
	return fmt.Errorf("%w: there is no %s %.64q to add to", ErrQuery, what, id)
}

// repeated returns a number that two entries have.
func repeated(list []netfilter.ACLEntry) (number int, twice bool) {
	seen := map[int]bool{}
	for _, e := range list {
		if seen[e.Number] {
			return e.Number, true
		}
		seen[e.Number] = true
	}
	return 0, false
}

// Difference is what a change opens and closes to the internet at one address of
// an interface.
type Difference struct {
	// Interface is the id, Instance what it is attached to.
	Interface, Instance string
	// Public is the address that the internet sends to.
	Public netip.Addr
	// Changes are the packets, as disjoint sets: Prefixes are their sources,
	// Before and After say whether they arrive. The witness goes to Public.
	Changes []netfilter.Change
}

// Compare returns how exposure differs between two snapshots, exactly: for each
// address of an interface of either, the packets from the internet that arrive
// in one and not in the other, in the order of the earlier one's interfaces.
func Compare(before, after *Snapshot) []Difference {
	type sides struct{ a, b []netfilter.Leg }
	nobody, maybe := extremes()
	var order []entry
	by := map[string]*sides{}
	for i, s := range []*Snapshot{before, after} {
		for _, d := range s.entries() {
			k := strings.Join([]string{d.iface.ID, d.public.String()}, " ")
			if by[k] == nil {
				by[k] = &sides{a: nobody, b: nobody}
				order = append(order, d)
			}
			legs := s.legsTo(d, nobody, maybe)
			if i == 0 {
				by[k].a = legs
			} else {
				by[k].b = legs
			}
		}
	}
	var out []Difference
	for _, d := range order {
		both := by[strings.Join([]string{d.iface.ID, d.public.String()}, " ")]
		changes := fromInternet(netfilter.DiffLegs(d.public.Is6(), both.a, both.b), d.public)
		if len(changes) > 0 {
			out = append(out, Difference{d.iface.ID, d.iface.Instance, d.public, changes})
		}
	}
	return out
}

// extremes are a way that nothing passes and one of which that is not known.
func extremes() (nobody, maybe []netfilter.Leg) {
	closed, _ := netfilter.CompileACL(netfilter.NetworkACL{})
	unknown, _ := netfilter.CompileGroups([]netfilter.SecurityGroup{{Ingress: []netfilter.Rule{{Protocol: "-1", Peer: netfilter.Peer{PrefixList: "unknown"}}}}}, netfilter.Resolver{})
	return []netfilter.Leg{{Policy: closed}}, []netfilter.Leg{{Policy: unknown}}
}

// legsTo returns the filters on the way to an address. Several ways are taken as
// one of which nothing is known beyond the first's filters.
func (s *Snapshot) legsTo(d entry, nobody, maybe []netfilter.Leg) []netfilter.Leg {
	ways := s.waysTo(d)
	if len(ways) == 0 {
		return nobody
	}
	if ways[0].answer == Unresolved {
		return append(ways[0].legs[:len(ways[0].legs):len(ways[0].legs)], maybe...)
	}
	return ways[0].legs
}

// fromInternet keeps the changes whose sources the internet has.
func fromInternet(changes []netfilter.Change, to netip.Addr) []netfilter.Change {
	var out []netfilter.Change
	for _, c := range changes {
		var kept []netip.Prefix
		for _, p := range c.Prefixes {
			if a := firstGlobal(p); a.IsValid() {
				if kept == nil {
					c.Witness.Src, c.Witness.Dst = a, to
				}
				kept = append(kept, p)
			}
		}
		if c.Prefixes = kept; kept != nil {
			out = append(out, c)
		}
	}
	return out
}
