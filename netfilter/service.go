// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"net/netip"
	"slices"
)

// Service is traffic that security groups do not filter.
type Service struct {
	// Name is what the traffic is for, such as "instance metadata".
	Name string
	// Prefixes are the service's addresses.
	Prefixes []netip.Prefix
	// Protocols limits the exemption to these protocols; empty means all.
	Protocols []Protocol
	// Ports limits it to these destination ports (or, on the way in, source
	// ports) of TCP and UDP; empty means all.
	Ports []uint16
	// ACL says that network ACLs do not filter it either.
	ACL bool
}

// Services returns the traffic that AWS exempts from security groups, with the
// resolver and router addresses of the given CIDR blocks of a VPC, the primary
// one first: of the IPv4 blocks only that one has a resolver. It is a copy:
// take entries out or add some as AWS's list changes. A nil list exempts
// nothing.
//
// See https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html,
// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html and
// https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html.
func Services(vpc ...netip.Prefix) []Service {
	resolver := Service{Name: "resolver", ACL: true, Prefixes: hosts("169.254.169.253", "fd00:ec2::253")}
	router := Service{Name: "default router"}
	for _, p := range vpc {
		if p = unmapPrefix(p); p.Addr().Is4() && p.Bits() <= 30 {
			one := p.Addr().Next()
			router.Prefixes = append(router.Prefixes, netip.PrefixFrom(one, 32))
			if len(router.Prefixes) == 1 {
				resolver.Prefixes = append(resolver.Prefixes, netip.PrefixFrom(one.Next(), 32))
			}
		}
	}
	return []Service{
		resolver,
		{Name: "instance metadata", ACL: true, Prefixes: hosts("169.254.169.254", "fd00:ec2::254")},
		{Name: "time sync", Prefixes: hosts("169.254.169.123", "fd00:ec2::123")},
		{Name: "task metadata", Prefixes: hosts("169.254.170.2")},
		{Name: "DHCP", Prefixes: hosts("255.255.255.255"), Protocols: []Protocol{UDP}, Ports: []uint16{67, 68}},
		{Name: "Windows activation", Prefixes: hosts("169.254.169.250", "169.254.169.251")},
		router,
	}
}

func hosts(addrs ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(addrs))
	for i, s := range addrs {
		a := netip.MustParseAddr(s)
		out[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return out
}

// Exempt returns the first of the services that the packet belongs to: its peer
// is an address of the service. Decide does not ask: who models a whole
// interface asks Exempt first.
func Exempt(services []Service, d Direction, p Packet) (Service, bool) {
	peer, port := p.Src.Unmap(), p.SrcPort
	if d == Egress {
		peer, port = p.Dst.Unmap(), p.DstPort
	}
	for _, s := range services {
		if s.covers(peer, p.Protocol, port) {
			return s, true
		}
	}
	return Service{}, false
}

func (s *Service) covers(peer netip.Addr, proto Protocol, port uint16) bool {
	if len(s.Protocols) > 0 && !slices.Contains(s.Protocols, proto) || len(s.Ports) > 0 && !slices.Contains(s.Ports, port) {
		return false
	}
	for _, p := range s.Prefixes {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}
