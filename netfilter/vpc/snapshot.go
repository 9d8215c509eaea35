// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Snapshot is what a set of documents says about VPCs. It does not change, and
// is safe for concurrent use.
type Snapshot struct {
	inv       *netfilter.Inventory
	objects   map[string]any // by "kind id", to find conflicts
	seen      map[string]bool
	vpcs      map[string][]netip.Prefix
	subnets   map[string]subnet
	tables    []*table
	gateways  map[string]gateway // internet and egress-only gateways
	nats      map[string]nat
	peerings  map[string]peering
	endpoints map[string]endpoint
	states    map[string]string // of instances
	labels    map[string]string // descriptions of interfaces
	publics   []publicAddress
	shared    map[string][]string // group -> further VPCs
	tgw       transit
	access    publicAccess

	interfaces map[string]*netfilter.Interface
	private    map[placed]*netfilter.Interface
	public     map[netip.Addr]*netfilter.Interface
	natOf      map[string]string // interface -> NAT gateway
	endpointOf map[string]string // interface -> endpoint
	delegated  []*netfilter.Interface
	routing    map[string]*table // by subnet; main ones by VPC
	lists      map[string][]netip.Prefix
	resolver   netfilter.Resolver
	acls       map[string]*netfilter.NetworkACL // by subnet; default ones by VPC

	mu       sync.Mutex
	policies map[string]*netfilter.GroupPolicy
	filters  map[string]*netfilter.ACLPolicy
}

type placed struct {
	vpc  string
	addr netip.Addr
}

type subnet struct {
	vpc, zone string
	blocks    []netip.Prefix
}

type gateway struct {
	vpc, state string
}

type nat struct {
	id, vpc, subnet, state, iface string
	private, public               netip.Addr
	inside, regional              bool
}

type peering struct {
	state  string
	sides  [2]string
	region [2]string
	blocks [2][]netip.Prefix
}

type endpoint struct {
	kind, state, vpc, family string
	subnets, ifaces          []string
}

type publicAddress struct {
	iface           string
	private, public netip.Addr
}

// Load reads every file of fsys whose name ends in .json, in all folders:
// outputs of `aws ec2 describe-…`, search-transit-gateway-routes and
// get-managed-prefix-list-entries. Errors wrap ErrSnapshot or the errors of
// netfilter.ReadInventory.
func Load(fsys fs.FS) (*Snapshot, error) {
	var docs []netfilter.Document
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".json") {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		docs = append(docs, netfilter.Document{Name: name, Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("vpc: %w", err)
	}
	return Read(docs...)
}

// Read reads documents in any order. Objects described alike are taken once.
func Read(docs ...netfilter.Document) (*Snapshot, error) {
	inv, err := netfilter.ReadInventory(docs...)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{
		inv: inv, objects: map[string]any{}, seen: map[string]bool{}, vpcs: map[string][]netip.Prefix{}, subnets: map[string]subnet{},
		gateways: map[string]gateway{}, nats: map[string]nat{}, peerings: map[string]peering{}, endpoints: map[string]endpoint{},
		states: map[string]string{}, labels: map[string]string{}, shared: map[string][]string{},
		tgw:      transit{attachments: map[attachmentKey]attachment{}, routes: map[string][]transitRoute{}, partial: map[string]bool{}, peers: map[string]transitPeer{}, referencing: map[string]bool{}},
		access:   publicAccess{exclusions: map[string]string{}},
		policies: map[string]*netfilter.GroupPolicy{}, filters: map[string]*netfilter.ACLPolicy{},
	}
	for _, d := range docs {
		r := &reader{file: d.Name}
		for _, page := range r.pages(d.Data) {
			s.page(r, page)
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	s.index()
	return s, nil
}

// Findings returns what the documents themselves lack: pages, entries.
func (s *Snapshot) Findings() []netfilter.Finding {
	return append([]netfilter.Finding{}, s.inv.Findings...)
}

// once reports whether an object is new; a different one of the same id is a
// fault.
func (s *Snapshot) once(n node, kind, id string, v any) bool {
	old, twice := s.objects[kind+" "+id]
	if twice && !reflect.DeepEqual(old, v) {
		n.r.fail(n.path, id+" is described differently elsewhere")
	}
	s.objects[kind+" "+id] = v
	return !twice
}

func (s *Snapshot) page(r *reader, p node) {
	for name := range p.members {
		s.seen[name] = s.seen[name] || p.has(name)
	}
	s.networks(p)
	s.gatewaysOf(p)
	for _, n := range p.list("RouteTables") {
		if t := readTable(n); s.once(n, "table", t.id, *t) {
			s.tables = append(s.tables, t)
		}
	}
	for _, res := range p.list("Reservations") {
		for _, n := range res.list("Instances") {
			s.states[n.text("InstanceId")] = n.object("State").text("Name")
		}
	}
	for _, n := range p.list("NetworkInterfaces") {
		s.labels[n.text("NetworkInterfaceId")] = n.text("Description")
	}
	for _, n := range p.list("Addresses") {
		s.publics = append(s.publics, publicAddress{n.text("NetworkInterfaceId"), n.addr("PrivateIpAddress"), n.addr("PublicIp")})
	}
	for _, n := range p.list("SecurityGroupVpcAssociations") {
		if id := n.text("GroupId"); n.text("State") == "associated" {
			s.shared[id] = append(s.shared[id], n.text("VpcId"))
		}
	}
	s.access.read(p)
	s.tgw.read(p, tableInName.FindString(path.Base(r.file)))
}

var tableInName = regexp.MustCompile(`tgw-rtb-[0-9a-z]+`)

func (s *Snapshot) networks(p node) {
	for _, n := range p.list("Vpcs") {
		blocks := blocksOf(n, "CidrBlock", "CidrBlockAssociationSet", "CidrBlockState")
		blocks = append(blocks, blocksOf(n, "Ipv6CidrBlock", "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlockState")...)
		if id := n.text("VpcId"); s.once(n, "vpc", id, blocks) {
			s.vpcs[id] = blocks
		}
	}
	for _, n := range p.list("Subnets") {
		v := subnet{vpc: n.text("VpcId"), zone: n.text("AvailabilityZone"), blocks: blocksOf(n, "CidrBlock", "", "")}
		v.blocks = append(v.blocks, blocksOf(n, "Ipv6CidrBlock", "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlockState")...)
		if id := n.text("SubnetId"); s.once(n, "subnet", id, v) {
			s.subnets[id] = v
		}
	}
}

// blocksOf reads an object's own block and the associated ones of its set.
func blocksOf(n node, name, set, state string) []netip.Prefix {
	var out []netip.Prefix
	add := func(p netip.Prefix) {
		for _, o := range out {
			if o == p {
				return
			}
		}
		if p.IsValid() {
			out = append(out, p)
		}
	}
	add(n.prefix(name))
	if set == "" {
		return out
	}
	for _, a := range n.list(set) {
		if st := a.object(state).text("State"); st == "" || st == "associated" {
			add(a.prefix(name))
		}
	}
	return out
}

func (s *Snapshot) gatewaysOf(p node) {
	for _, kind := range [][2]string{{"InternetGateways", "InternetGatewayId"}, {"EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId"}} {
		for _, n := range p.list(kind[0]) {
			var g gateway
			for _, a := range n.list("Attachments") {
				g = gateway{a.text("VpcId"), a.text("State")}
			}
			if id := n.text(kind[1]); s.once(n, "gateway", id, g) {
				s.gateways[id] = g
			}
		}
	}
	for _, n := range p.list("NatGateways") {
		v := readNAT(n)
		if s.once(n, "nat", v.id, v) {
			s.nats[v.id] = v
		}
	}
	for _, n := range p.list("VpcPeeringConnections") {
		v := peering{state: n.object("Status").text("Code")}
		for i, side := range []node{n.object("RequesterVpcInfo"), n.object("AccepterVpcInfo")} {
			v.sides[i], v.region[i] = side.text("VpcId"), side.text("Region")
			v.blocks[i] = blocksOf(side, "CidrBlock", "CidrBlockSet", "")
			v.blocks[i] = append(v.blocks[i], blocksOf(side, "Ipv6CidrBlock", "Ipv6CidrBlockSet", "")...)
		}
		if id := n.text("VpcPeeringConnectionId"); s.once(n, "peering", id, v) {
			s.peerings[id] = v
		}
	}
	for _, n := range p.list("VpcEndpoints") {
		v := endpoint{n.text("VpcEndpointType"), n.text("State"), n.text("VpcId"), n.text("IpAddressType"), n.texts("SubnetIds"), n.texts("NetworkInterfaceIds")}
		if id := n.text("VpcEndpointId"); s.once(n, "endpoint", id, v) {
			s.endpoints[id] = v
		}
	}
}

func readNAT(n node) nat {
	v := nat{
		id: n.text("NatGatewayId"), vpc: n.text("VpcId"), subnet: n.text("SubnetId"), state: n.text("State"),
		inside: n.text("ConnectivityType") == "private", regional: n.text("AvailabilityMode") == "regional",
	}
	for _, a := range n.list("NatGatewayAddresses") {
		if !v.private.IsValid() || a.truth("IsPrimary") {
			v.private, v.public, v.iface = a.addr("PrivateIp"), a.addr("PublicIp"), a.text("NetworkInterfaceId")
		}
	}
	v.regional = v.regional || v.subnet == ""
	return v
}

// index prepares what paths look up.
func (s *Snapshot) index() {
	s.interfaces, s.private, s.public = map[string]*netfilter.Interface{}, map[placed]*netfilter.Interface{}, map[netip.Addr]*netfilter.Interface{}
	s.natOf, s.lists, s.acls = map[string]string{}, map[string][]netip.Prefix{}, map[string]*netfilter.NetworkACL{}
	for i := range s.inv.Interfaces {
		e := &s.inv.Interfaces[i]
		s.interfaces[e.ID] = e
		if len(e.Prefixes) > 0 {
			s.delegated = append(s.delegated, e)
		}
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
	for _, e := range s.interfaces {
		for _, a := range e.Addresses {
			s.private[placed{e.VPC, a.Private}] = e
			if a.Public.IsValid() {
				s.public[a.Public] = e
			}
		}
	}
	s.endpointOf, s.routing = map[string]string{}, map[string]*table{}
	for _, n := range s.nats {
		s.natOf[n.iface] = n.id
	}
	for id, p := range s.endpoints {
		for _, e := range p.ifaces {
			s.endpointOf[e] = id
		}
	}
	for _, t := range s.tables {
		for _, id := range t.subnets {
			s.routing[id] = t
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
	s.resolver = s.inv.Resolver(true)
	s.lists = s.resolver.PrefixLists
}

// owner returns the interface of the VPC that has the address, nil for none.
func (s *Snapshot) owner(vpc string, a netip.Addr) *netfilter.Interface {
	if e := s.private[placed{vpc, a}]; e != nil {
		return e
	}
	for _, e := range s.delegated {
		if e.VPC == vpc && owns(e, a) {
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

// translated returns the public address that goes with a private one.
func translated(e *netfilter.Interface, a netip.Addr) netip.Addr {
	for _, x := range e.Addresses {
		if x.Private == a {
			return x.Public
		}
	}
	return netip.Addr{}
}

func within(blocks []netip.Prefix, a netip.Addr) bool {
	for _, b := range blocks {
		if b.Contains(a) {
			return true
		}
	}
	return false
}
