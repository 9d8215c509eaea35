// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Direction says which way a packet crosses the interface or the subnet's
// edge.
type Direction uint8

// The two directions. Ingress is the zero value.
const (
	Ingress Direction = iota
	Egress
)

// String returns "ingress" or "egress".
func (d Direction) String() string {
	switch d {
	case Ingress:
		return "ingress"
	case Egress:
		return "egress"
	}
	return "Direction(" + strconv.Itoa(int(d)) + ")"
}

// MarshalText writes the direction as "ingress" or "egress".
func (d Direction) MarshalText() ([]byte, error) {
	if d > Egress {
		return nil, fmt.Errorf("%w: direction %d", ErrPacket, uint8(d))
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads "ingress" or "egress".
func (d *Direction) UnmarshalText(text []byte) error {
	switch string(text) {
	case "ingress":
		*d = Ingress
	case "egress":
		*d = Egress
	default:
		return fmt.Errorf("%w: direction %.20q is neither ingress nor egress", ErrPacket, text)
	}
	return nil
}

// Protocol is an IP protocol number as IANA assigns them.
type Protocol uint8

// The protocols whose packets carry ports (TCP, UDP) or a type and a code
// (ICMP, ICMPv6). Every other number is matched by the number alone.
const (
	ICMP   Protocol = 1
	TCP    Protocol = 6
	UDP    Protocol = 17
	ICMPv6 Protocol = 58
)

// String returns the name AWS uses, or the number.
func (p Protocol) String() string {
	switch p {
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMPv6:
		return "icmpv6"
	}
	return strconv.Itoa(int(p))
}

// ParseProtocol reads the protocol of a rule: tcp, udp, icmp, icmpv6 in any
// case, a decimal number from 0 to 255, or -1 or "all", for which all is true.
func ParseProtocol(s string) (p Protocol, all bool, err error) {
	// EqualFold, not ToLower: that maps İ, no letter of any protocol, to i.
	switch {
	case s == "-1", strings.EqualFold(s, "all"):
		return 0, true, nil
	case strings.EqualFold(s, "tcp"):
		return TCP, false, nil
	case strings.EqualFold(s, "udp"):
		return UDP, false, nil
	case strings.EqualFold(s, "icmp"):
		return ICMP, false, nil
	case strings.EqualFold(s, "icmpv6"):
		return ICMPv6, false, nil
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, false, fmt.Errorf("netfilter: protocol %.20q is not tcp, udp, icmp, icmpv6, a number from 0 to 255, or -1", s)
	}
	return Protocol(n), false, nil
}

// Packet is the first packet of a flow, or one whole reassembled packet of it.
// Fragments are not modelled. Packets are comparable.
//
// SrcPort and DstPort count for TCP and UDP only, ICMPType and ICMPCode for
// ICMP and ICMPv6 only. IPv4-mapped IPv6 addresses count as the IPv4 addresses
// they hold.
type Packet struct {
	// Src and Dst are of one family and have no zone.
	Src, Dst netip.Addr
	// Protocol is the number of the IP header (IPv6: of the last one).
	Protocol Protocol
	// SrcPort is carried for the reply; no rule ever looks at it.
	SrcPort uint16
	// DstPort is the destination port of a TCP or UDP packet.
	DstPort uint16
	// ICMPType and ICMPCode are those of an ICMP or ICMPv6 packet.
	ICMPType, ICMPCode uint8
}

// Check returns an error wrapping ErrPacket when an address is missing or has
// a zone, or when the two are of different families. No policy decides such a
// packet: its verdict is a denial with the reason BadPacket.
func (p Packet) Check() error {
	for _, a := range []netip.Addr{p.Src, p.Dst} {
		if !a.IsValid() {
			return fmt.Errorf("%w: an address is missing", ErrPacket)
		}
		if a.Zone() != "" {
			return fmt.Errorf("%w: the address %s has a zone", ErrPacket, a)
		}
	}
	if p.Src.Unmap().Is4() != p.Dst.Unmap().Is4() {
		return fmt.Errorf("%w: source %s and destination %s are of different families", ErrPacket, p.Src, p.Dst)
	}
	return nil
}

// good is Check without a reason.
func (p *Packet) good() bool {
	return p.Src.IsValid() && p.Dst.IsValid() && p.Src.Zone() == "" && p.Dst.Zone() == "" &&
		p.Src.Unmap().Is4() == p.Dst.Unmap().Is4()
}

// Reply returns the packet that answers p: addresses and ports swapped, and
// for an ICMP or ICMPv6 echo request the echo reply.
func (p Packet) Reply() Packet {
	p.Src, p.Dst = p.Dst, p.Src
	p.SrcPort, p.DstPort = p.DstPort, p.SrcPort
	switch {
	case p.Protocol == ICMP && p.ICMPType == 8:
		p.ICMPType = 0
	case p.Protocol == ICMPv6 && p.ICMPType == 128:
		p.ICMPType = 129
	}
	return p
}

// String writes the packet as "tcp 10.0.0.5:40000 > 10.0.1.9:443".
func (p Packet) String() string {
	switch p.Protocol {
	case TCP, UDP:
		return fmt.Sprintf("%s %s > %s", p.Protocol, netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort))
	case ICMP, ICMPv6:
		return fmt.Sprintf("%s %d/%d %s > %s", p.Protocol, p.ICMPType, p.ICMPCode, p.Src, p.Dst)
	}
	return fmt.Sprintf("%s %s > %s", p.Protocol, p.Src, p.Dst)
}

// l4 is the packet's place on the line of transport keys: the protocol in bits
// 16 to 23, below it the destination port, or type and code, or nothing.
func (p *Packet) l4() uint32 {
	key := uint32(p.Protocol) << 16
	switch p.Protocol {
	case TCP, UDP:
		return key | uint32(p.DstPort)
	case ICMP, ICMPv6:
		return key | uint32(p.ICMPType)<<8 | uint32(p.ICMPCode)
	}
	return key
}

// key is l4 for lookups: for a protocol without ports, types and codes its lower
// bits are not cleared, since every rule covers all of them alike.
func (p *Packet) key() uint32 {
	port, typed := uint32(p.DstPort), uint32(p.ICMPType)<<8|uint32(p.ICMPCode)
	return uint32(p.Protocol)<<16 | port ^ (port^typed)&typeMask[p.Protocol]
}

// typeMask chooses type and code for the two protocols that carry them, without
// a branch that ICMP among other traffic would mispredict.
var typeMask = [256]uint32{ICMP: 0xffff, ICMPv6: 0xffff}

// setL4 is the inverse of l4.
func (p *Packet) setL4(key uint32) {
	p.Protocol = Protocol(key >> 16)
	switch p.Protocol {
	case TCP, UDP:
		p.DstPort = uint16(key)
	case ICMP, ICMPv6:
		p.ICMPType, p.ICMPCode = uint8(key>>8), uint8(key)
	}
}
