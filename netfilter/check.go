// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"fmt"
	"net/netip"
)

// fieldFault is a rule error before the rule's name is known.
type fieldFault struct{ field, why string }

// transportOf judges protocol, ports, type and code of a group's rule.
func (r *Rule) transportOf() (transport, *fieldFault) {
	proto, all, err := ParseProtocol(r.Protocol)
	if err != nil {
		return transport{}, &fieldFault{"IpProtocol", err.Error()[len("netfilter: "):]}
	}
	if all {
		return transport{kind: anyProtocol}, nil
	}
	t := transport{kind: wholeProtocol, protocol: proto}
	switch proto {
	case TCP, UDP:
		return portTransport(t, r.From, r.To, "FromPort", "ToPort")
	case ICMP, ICMPv6:
		if r.From == -1 && r.To != -1 {
			return t, &fieldFault{"ToPort", fmt.Sprintf("a code (%d) without a type", r.To)}
		}
		return icmpTransport(t, r.From, r.To, "FromPort", "ToPort")
	}
	return t, nil
}

// portTransport completes t with a port range; -1 stands for an absent bound.
func portTransport(t transport, from, to int, fromField, toField string) (transport, *fieldFault) {
	if from < -1 || from > 65535 {
		return t, &fieldFault{fromField, fmt.Sprintf("%d is not a port", from)}
	}
	if to < -1 || to > 65535 {
		return t, &fieldFault{toField, fmt.Sprintf("%d is not a port", to)}
	}
	if from == -1 {
		from = 0
	}
	if to == -1 {
		to = 65535
	}
	if from > to {
		return t, &fieldFault{fromField, fmt.Sprintf("the first port %d is above the last port %d", from, to)}
	}
	t.kind, t.a, t.b = portRange, int32(from), int32(to)
	return t, nil
}

// icmpTransport completes t with a type and a code; -1 stands for any.
func icmpTransport(t transport, typ, code int, typeField, codeField string) (transport, *fieldFault) {
	if typ < -1 || typ > 255 {
		return t, &fieldFault{typeField, fmt.Sprintf("%d is not an ICMP type", typ)}
	}
	if code < -1 || code > 255 {
		return t, &fieldFault{codeField, fmt.Sprintf("%d is not an ICMP code", code)}
	}
	t.kind, t.a, t.b = typeAndCode, int32(typ), int32(code)
	return t, nil
}

// peerOf judges the peer of a group's rule. The block is valid for a CIDR peer.
func (r *Rule) peerOf() (netip.Prefix, *fieldFault) {
	n := 0
	for _, s := range []string{r.Peer.IPv4, r.Peer.IPv6, r.Peer.PrefixList, r.Peer.Group} {
		if s != "" {
			n++
		}
	}
	if n != 1 {
		return netip.Prefix{}, &fieldFault{"Peer", fmt.Sprintf("%d peers; a rule has exactly one", n)}
	}
	return cidrOf(r.Peer.IPv4, r.Peer.IPv6, "CidrIp", "CidrIpv6")
}

// cidrOf reads one of two CIDR fields and holds each to its family; an
// IPv4-mapped block counts as IPv4 in either.
func cidrOf(v4, v6, v4Field, v6Field string) (netip.Prefix, *fieldFault) {
	field, text := v4Field, v4
	if v6 != "" {
		field, text = v6Field, v6
	}
	if text == "" {
		return netip.Prefix{}, nil
	}
	pfx, _, err := parsePrefix(text)
	if err != nil {
		return netip.Prefix{}, &fieldFault{field, fmt.Sprintf("%.60q is not a CIDR block", text)}
	}
	plain, _ := netip.ParsePrefix(text)
	if v4 != "" && !pfx.Addr().Is4() || v6 != "" && plain.Addr().Is4() {
		return netip.Prefix{}, &fieldFault{field, fmt.Sprintf("%s is of the other address family", pfx)}
	}
	return pfx, nil
}

// check judges an ACL entry: its transport, its block and whether it allows.
func (e *ACLEntry) check() (t transport, pfx netip.Prefix, allow bool, fault *fieldFault) {
	switch e.Action {
	case "allow":
		allow = true
	case "deny":
	default:
		return t, pfx, false, &fieldFault{"RuleAction", fmt.Sprintf("%.20q is neither allow nor deny", e.Action)}
	}
	if (e.IPv4 != "") == (e.IPv6 != "") {
		return t, pfx, allow, &fieldFault{"CidrBlock", "an entry has exactly one of CidrBlock and Ipv6CidrBlock"}
	}
	if pfx, fault = cidrOf(e.IPv4, e.IPv6, "CidrBlock", "Ipv6CidrBlock"); fault != nil {
		return t, pfx, allow, fault
	}
	t, fault = e.transportOf(pfx.Addr().Is4())
	return t, pfx, allow, fault
}

func (e *ACLEntry) transportOf(v4 bool) (transport, *fieldFault) {
	proto, all, err := ParseProtocol(e.Protocol)
	if err != nil {
		return transport{}, &fieldFault{"Protocol", err.Error()[len("netfilter: "):]}
	}
	if all {
		return transport{kind: anyProtocol}, nil
	}
	t := transport{kind: wholeProtocol, protocol: proto}
	switch {
	case proto == TCP || proto == UDP:
		return portTransport(t, e.From, e.To, "PortRange.From", "PortRange.To")
	case proto == ICMP, proto == ICMPv6 && !v4:
		return icmpTransport(t, e.Type, e.Code, "IcmpTypeCode.Type", "IcmpTypeCode.Code")
	}
	return t, nil
}
