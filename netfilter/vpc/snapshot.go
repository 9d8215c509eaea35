// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"fmt"
	"io/fs"
	"net/netip"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Snapshot is what a set of documents says about VPCs. It does not change, and
// is safe for concurrent use.
type Snapshot struct {
	inv        *netfilter.Inventory
	objects    map[string]any // by "kind id", to find conflicts
	seen       map[string]bool
	vpcs       map[string][]netip.Prefix
	subnets    map[string]subnet
	tables     []*table
	gateways   map[string]gateway // internet, egress-only and VPN gateways
	nats       map[string]nat
	peerings   map[string]peering
	endpoints  map[string]endpoint
	states     map[string]string // of instances
	labels     map[string]string // descriptions of interfaces
	publics    []publicAddress
	shared     map[string][]string // group -> further VPCs
	tgw        transit
	access     publicAccess
	encryption map[string]encryption // by VPC
	index
	filters
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
		states: map[string]string{}, labels: map[string]string{}, shared: map[string][]string{}, encryption: map[string]encryption{},
		tgw: transit{
			attachments: map[attachmentKey]attachment{}, routes: map[string][]transitRoute{}, partial: map[string]bool{},
			peers: map[string]transitPeer{}, referencing: map[string]bool{}, states: map[string]string{},
		},
		access: publicAccess{exclusions: map[string]string{}},
	}
	for _, d := range docs {
		r := &reader{file: d.Name, data: d.Data}
		for _, page := range r.pages() {
			s.page(r, page)
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	s.objects = nil
	s.prepare()
	return s, nil
}

// Findings returns what the documents themselves lack: pages, entries.
func (s *Snapshot) Findings() []netfilter.Finding {
	return append([]netfilter.Finding{}, s.inv.Findings...)
}
