// SPDX-License-Identifier: Apache-2.0

package netfilter

import "slices"

// PortVerdict is the verdict on a range of destination ports.
type PortVerdict struct {
	// From and To are the first and the last port.
	From, To uint16
	// Verdict is the same for every port of the range.
	Verdict Verdict
}

// EphemeralRange is the range of ports that a kind of client sends from.
type EphemeralRange struct {
	// Client says which clients.
	Client string
	// From and To are the first and the last port.
	From, To uint16
}

// EphemeralRanges returns the ranges that AWS's page on network ACLs names, the
// default for any client first. It is a copy.
//
// See https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports.
func EphemeralRanges() []EphemeralRange {
	return []EphemeralRange{
		{"any client, load balancers, NAT gateways, Lambda functions", 1024, 65535},
		{"Linux", 32768, 60999}, // the page rounds it to 61000
		{"Windows Server 2008 and later", 49152, 65535},
		{"Windows Server 2003", 1025, 5000},
	}
}

// DecidePorts returns the verdicts on the packet for every destination port
// from the first to the last, as ranges in order that cover them exactly. It
// answers for replies to a client whose port is unknown. For a protocol without
// ports it is one range. Requires from <= to.
func (p *GroupPolicy) DecidePorts(d Direction, pk Packet, from, to uint16) []PortVerdict {
	return p.side(d).decidePorts(p, d, pk, from, to)
}

// DecidePorts is GroupPolicy.DecidePorts for a network ACL.
func (p *ACLPolicy) DecidePorts(d Direction, pk Packet, from, to uint16) []PortVerdict {
	return p.side(d).decidePorts(p, d, pk, from, to)
}

func (s *side) decidePorts(p Policy, d Direction, pk Packet, from, to uint16) []PortVerdict {
	if pk.Protocol != TCP && pk.Protocol != UDP {
		return []PortVerdict{{from, to, p.Decide(d, pk)}}
	}
	cuts := []int32{int32(from)}
	for i := range s.rules {
		t := s.rules[i].transport
		if t.kind != portRange || t.protocol != pk.Protocol {
			continue
		}
		for _, c := range []int32{t.a, t.b + 1} {
			if c > int32(from) && c <= int32(to) {
				cuts = append(cuts, c)
			}
		}
	}
	slices.Sort(cuts)
	var out []PortVerdict
	for _, c := range slices.Compact(cuts) {
		pk.DstPort = uint16(c)
		v := p.Decide(d, pk)
		if n := len(out); n > 0 {
			out[n-1].To = uint16(c - 1)
			if out[n-1].Verdict == v {
				continue
			}
		}
		out = append(out, PortVerdict{From: uint16(c), Verdict: v})
	}
	out[len(out)-1].To = to
	return out
}
