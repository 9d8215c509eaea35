// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// index is what paths look up.
type index struct {
	vpcIDs     []string // sorted
	places     []string // VPCs that have interfaces, sorted
	interfaces map[string]*netfilter.Interface
	instances  map[string][]*netfilter.Interface // by interface and by instance
	private    map[placed]*netfilter.Interface
	public     map[netip.Addr]*netfilter.Interface
	natOf      map[string]string                 // interface -> NAT gateway
	endpointOf map[string]string                 // interface -> endpoint
	delegated  map[string][]*netfilter.Interface // by VPC
	routing    map[string]*table                 // by subnet; main ones by VPC
	edges      map[string]*table                 // by gateway
	doors      map[string]string                 // VPC -> internet gateway
	lists      map[string][]netip.Prefix
	resolver   netfilter.Resolver
	acls       map[string]*netfilter.NetworkACL // by subnet; default ones by VPC
	services   map[string][]netfilter.Service   // by VPC
}

// prepare fills the index.
func (s *Snapshot) prepare() {
	s.index = index{
		vpcIDs: slices.Sorted(maps.Keys(s.vpcs)), interfaces: map[string]*netfilter.Interface{}, instances: map[string][]*netfilter.Interface{},
		private: map[placed]*netfilter.Interface{}, public: map[netip.Addr]*netfilter.Interface{}, natOf: map[string]string{}, endpointOf: map[string]string{},
		delegated: map[string][]*netfilter.Interface{}, routing: map[string]*table{}, edges: map[string]*table{}, doors: map[string]string{},
		acls: map[string]*netfilter.NetworkACL{}, services: map[string][]netfilter.Service{"": netfilter.Services()},
	}
	s.placeInterfaces()
	s.placeNATs()
	for _, id := range slices.Sorted(maps.Keys(s.endpoints)) {
		for _, e := range s.endpoints[id].ifaces {
			s.endpointOf[e] = id
		}
	}
	for _, t := range s.tables {
		for _, id := range t.subnets {
			s.routing[id] = t
		}
		for _, id := range t.gateways {
			s.edges[id] = t
		}
		if t.main {
			s.routing[t.vpc] = t
		}
	}
	for i := range s.inv.ACLs {
		a := &s.inv.ACLs[i]
		for _, id := range a.Subnets {
			s.acls[id] = a
		}
		if a.Default {
			s.acls[a.VPC] = a
		}
	}
	for _, id := range s.vpcIDs {
		s.services[id] = netfilter.Services(s.vpcs[id]...)
	}
	s.findDoors()
	s.resolver = s.inv.Resolver(true)
	s.lists = s.resolver.PrefixLists
	s.filters.prepare(s)
}

// placeInterfaces finds interfaces by id, instance and address.
func (s *Snapshot) placeInterfaces() {
	for i := range s.inv.Interfaces {
		s.interfaces[s.inv.Interfaces[i].ID] = &s.inv.Interfaces[i]
	}
	for _, p := range s.publics {
		if e := s.interfaces[p.iface]; e != nil {
			for i := range e.Addresses {
				if a := &e.Addresses[i]; a.Private == p.private && !a.Public.IsValid() {
					a.Public = p.public
				}
			}
		}
	}
	for i := range s.inv.Interfaces {
		s.place(&s.inv.Interfaces[i])
	}
}

func (s *Snapshot) place(e *netfilter.Interface) {
	s.interfaces[e.ID] = e
	s.instances[e.ID] = []*netfilter.Interface{e}
	if e.Instance != "" && e.Instance != e.ID {
		s.instances[e.Instance] = append(s.instances[e.Instance], e)
	}
	for _, a := range e.Addresses {
		s.private[placed{e.VPC, a.Private}] = e
		if a.Public.IsValid() {
			s.public[a.Public] = e
		}
	}
	if len(e.Prefixes) > 0 {
		s.delegated[e.VPC] = append(s.delegated[e.VPC], e)
	}
	if at, found := slices.BinarySearch(s.places, e.VPC); !found {
		s.places = slices.Insert(s.places, at, e.VPC)
	}
}

// placeNATs joins NAT gateways to their interfaces. One whose interface the
// documents lack gets one.
func (s *Snapshot) placeNATs() {
	for _, id := range slices.Sorted(maps.Keys(s.nats)) {
		n := s.nats[id]
		if n.regional || !n.private.IsValid() {
			if n.iface != "" {
				s.natOf[n.iface] = id
			}
			continue
		}
		if n.iface == "" {
			n.iface = id
			s.nats[id] = n
		}
		s.natOf[n.iface] = id
		if s.interfaces[n.iface] == nil {
			s.place(&netfilter.Interface{ID: n.iface, Subnet: n.subnet, VPC: n.vpc, Type: "nat_gateway", Primary: n.private, Addresses: []netfilter.Address{{Private: n.private, Public: n.public}}})
		}
	}
}

// findDoors finds the internet gateway of each VPC: an attached one, or where no
// gateways are known one that a route of the VPC names.
func (s *Snapshot) findDoors() {
	for _, id := range slices.Sorted(maps.Keys(s.gateways)) {
		g := s.gateways[id]
		if has(id, "igw-") && g.vpc != "" && (s.doors[g.vpc] == "" || !ready(s.gateways[s.doors[g.vpc]].state)) {
			s.doors[g.vpc] = id
		}
	}
	if s.seen["InternetGateways"] {
		return
	}
	for _, t := range s.tables {
		for _, r := range t.routes {
			if has(r.target, "igw-") && s.doors[t.vpc] == "" {
				s.doors[t.vpc] = r.target
			}
		}
	}
}

// servicesOf returns what groups do not filter in the VPC.
func (s *Snapshot) servicesOf(vpc string) []netfilter.Service {
	if list, ok := s.services[vpc]; ok {
		return list
	}
	return s.services[""]
}

// owner returns the interface of the VPC that has the address, nil for none.
func (s *Snapshot) owner(vpc string, a netip.Addr) *netfilter.Interface {
	if e := s.private[placed{vpc, a}]; e != nil {
		return e
	}
	for _, e := range s.delegated[vpc] {
		if owns(e, a) {
			return e
		}
	}
	return nil
}

// owns reports whether the address, or the prefix it is in, is the interface's.
func owns(e *netfilter.Interface, a netip.Addr) bool {
	for _, x := range e.Addresses {
		if x.Private == a {
			return true
		}
	}
	for _, p := range e.Prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func within(blocks []netip.Prefix, a netip.Addr) bool {
	for _, b := range blocks {
		if b.Contains(a) {
			return true
		}
	}
	return false
}
