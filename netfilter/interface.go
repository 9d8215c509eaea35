// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"net/netip"
	"slices"
)

// Interface is an elastic network interface: the addresses it gives to the
// groups it carries.
type Interface struct {
	// ID, Subnet and VPC are the interface's id and where it is; Instance is the
	// instance it is attached to.
	ID, Subnet, VPC, Instance string
	// Type is the InterfaceType and Status the state, as EC2 writes them.
	Type, Status string
	// Groups are the ids of its security groups, in order.
	Groups []string
	// Primary is the primary private IPv4 address.
	Primary netip.Addr
	// Addresses are the private IPv4 and the IPv6 addresses, each once.
	Addresses []Address
	// Prefixes are the prefixes delegated to the interface.
	Prefixes []netip.Prefix
	// NoCheck says that the source/destination check is off; NoInternet that
	// DenyAllIgwTraffic is on.
	NoCheck, NoInternet bool
}

// Address is an address of a network interface.
type Address struct {
	// Private is the address inside the VPC; for IPv6 it is the only one.
	Private netip.Addr
	// Public is the public or Elastic IPv4 address that an internet gateway
	// translates to Private; invalid without one.
	Public netip.Addr
}

// add records an address once.
func (i *Interface) add(private, public netip.Addr) {
	if !private.IsValid() {
		return
	}
	at := slices.IndexFunc(i.Addresses, func(a Address) bool { return a.Private == private })
	if at < 0 {
		i.Addresses = append(i.Addresses, Address{Private: private, Public: public})
	} else if public.IsValid() {
		i.Addresses[at].Public = public
	}
}

// Unfiltered reports whether the interface is of a kind that no security group
// filters: it has no groups and its type is a gateway's or a load balancer's.
// Any other interface without groups admits nothing.
func (i *Interface) Unfiltered() bool {
	if len(i.Groups) > 0 {
		return false
	}
	switch i.Type {
	case "nat_gateway", "natGateway", "transit_gateway", "gateway_load_balancer", "gateway_load_balancer_endpoint", "network_load_balancer":
		return true
	}
	return false
}

// members returns what the interface adds to each of its groups.
func (i *Interface) members(delegated bool) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range i.Addresses {
		out = append(out, netip.PrefixFrom(a.Private, a.Private.BitLen()))
	}
	if delegated {
		out = append(out, i.Prefixes...)
	}
	return out
}
