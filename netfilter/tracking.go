// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"net/netip"
	"strconv"
)

// Tracking says how security groups keep the state of a flow.
//
// See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html.
type Tracking uint8

// The kinds of tracking.
const (
	// NotAdmitted: no rule surely admits the flow.
	NotAdmitted Tracking = iota
	// Tracked: the flow lives on until it is idle, even when its rule goes.
	Tracked
	// Untracked: the flow stops at once when its rule goes.
	Untracked
)

// String returns "not admitted", "tracked" or "untracked".
func (t Tracking) String() string {
	switch t {
	case NotAdmitted:
		return "not admitted"
	case Tracked:
		return "tracked"
	case Untracked:
		return "untracked"
	}
	return "Tracking(" + strconv.Itoa(int(t)) + ")"
}

// Tracked says whether the flow that the packet begins is tracked. A TCP or UDP
// flow is untracked when a rule for all addresses of its family admits it and
// the other direction has a rule for all addresses of that family and all its
// ports. Flows through the gateways and endpoints of AlwaysTracked are tracked
// in any case, which only the caller can know.
func (p *GroupPolicy) Tracked(d Direction, pk Packet) Tracking {
	return p.tracked(d, pk, -1)
}

// tracked is Tracked as if the rule were not there.
func (p *GroupPolicy) tracked(d Direction, pk Packet, without int32) Tracking {
	if d > Egress || pk.Check() != nil {
		return NotAdmitted
	}
	peer := pk.Src.Unmap()
	if d == Egress {
		peer = pk.Dst.Unmap()
	}
	admitted, fromAll := false, false
	for i := range p.sides[d].rules {
		r := &p.sides[d].rules[i]
		if m, _ := r.match(peer, &pk); m == Yes && int32(i) != without {
			admitted = true
			fromAll = fromAll || r.wholeFamily(peer.Is4())
		}
	}
	switch {
	case !admitted:
		return NotAdmitted
	case fromAll && (pk.Protocol == TCP || pk.Protocol == UDP) && p.sides[1-d].openBack(peer.Is4(), pk.Protocol):
		return Untracked
	}
	return Tracked
}

// openBack reports whether a rule admits every port of the protocol to or from
// all addresses of the family.
func (s *side) openBack(v4 bool, proto Protocol) bool {
	for i := range s.rules {
		r := &s.rules[i]
		t := r.transport
		ports := t.kind == anyProtocol || t.kind == portRange && t.protocol == proto && t.a == 0 && t.b == 65535
		if ports && !r.invalid && !r.possible() && r.wholeFamily(v4) {
			return true
		}
	}
	return false
}

func (r *rule) wholeFamily(v4 bool) bool {
	whole := false
	r.each(func(p netip.Prefix) { whole = whole || p.Bits() == 0 && p.Addr().Is4() == v4 })
	return whole
}

// SurvivesRemoval reports whether the running flow that the packet began lives
// on when the rule is removed: because another rule admits it, or because it is
// tracked. It is false for a flow that nothing admits.
func (p *GroupPolicy) SurvivesRemoval(d Direction, pk Packet, rule int32) bool {
	return p.tracked(d, pk, rule) != NotAdmitted || p.Tracked(d, pk) == Tracked
}

// AlwaysTracked returns the kinds of paths whose flows are tracked whatever the
// rules say. It is a copy.
func AlwaysTracked() []string {
	return []string{
		"egress-only internet gateway", "Gateway Load Balancer", "Global Accelerator", "NAT gateway",
		"Network Firewall endpoint", "Network Load Balancer", "interface endpoint", "transit gateway attachment",
		"Lambda Hyperplane interface", "DynamoDB gateway endpoint",
	}
}
