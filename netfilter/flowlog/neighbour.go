// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// neighbours are the addresses of a subnet's interfaces: what they send each
// other crosses no ACL.
type neighbours struct {
	v4       map[uint32]struct{}
	lo, hi   uint32 // bound v4, so that most peers need no look at the map
	v6       map[netip.Addr]struct{}
	prefixes []netip.Prefix
}

// neighbours returns those of a subnet. Interfaces of which the subnet is not
// known have none.
func (b *builder) neighbours(subnet string) *neighbours {
	n := b.subnets[subnet]
	if n == nil || subnet == "" {
		n = &neighbours{v4: map[uint32]struct{}{}, v6: map[netip.Addr]struct{}{}, lo: math.MaxUint32}
		b.subnets[subnet] = n
	}
	return n
}

func (n *neighbours) add(a netip.Addr) {
	if a.Is4() {
		v := v4Of(a)
		n.v4[v] = struct{}{}
		n.lo, n.hi = min(n.lo, v), max(n.hi, v)
		return
	}
	n.v6[a] = struct{}{}
}

func (n *neighbours) has(a netip.Addr) bool {
	var ok bool
	if a.Is4() {
		if v := v4Of(a); n.lo <= v && v <= n.hi {
			_, ok = n.v4[v]
		}
	} else {
		_, ok = n.v6[a]
	}
	for i := 0; !ok && i < len(n.prefixes); i++ {
		ok = n.prefixes[i].Contains(a)
	}
	return ok
}

func v4Of(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// exemption is the traffic of a VPC that is not logged. The blocks of IPv4 are
// laid out flat, since every record is compared with them.
type exemption struct {
	services []netfilter.Service
	v4       []block4
	v6       []netip.Prefix
	octets   [256]bool // first octets of the blocks
}

type block4 struct{ addr, mask uint32 }

func (b *builder) exemption(vpc string) *exemption {
	if e := b.exempt[vpc]; e != nil {
		return e
	}
	list := netfilter.Services
	if b.snapshot.Services != nil {
		list = b.snapshot.Services
	}
	e := &exemption{services: list(b.snapshot.Blocks[vpc]...)}
	for _, s := range e.services {
		for _, p := range s.Prefixes {
			if p = p.Masked(); p.Addr().Is4() {
				e.add(block4{v4Of(p.Addr()), ^uint32(0) << (32 - p.Bits())})
			} else {
				e.v6 = append(e.v6, p)
			}
		}
	}
	b.exempt[vpc] = e
	return e
}

func (e *exemption) add(b block4) {
	e.v4 = append(e.v4, b)
	for i := b.addr >> 24; i <= (b.addr|^b.mask)>>24; i++ {
		e.octets[i] = true
	}
}

// covers reports whether the packet is of a service that is not logged.
func (e *exemption) covers(a *Attribution) bool {
	d, p, peer := a.Direction, &a.Packet, a.peer
	if peer.Is4() {
		v := v4Of(peer)
		if !e.octets[v>>24] {
			return false
		}
		for _, b := range e.v4 {
			if v&b.mask == b.addr {
				_, ok := netfilter.Exempt(e.services, d, *p)
				return ok
			}
		}
		return false
	}
	for _, b := range e.v6 {
		if b.Contains(peer) {
			_, ok := netfilter.Exempt(e.services, d, *p)
			return ok
		}
	}
	return false
}

func (b block4) prefix() netip.Prefix {
	return netip.PrefixFrom(addr4(b.addr), 32-bits.TrailingZeros32(b.mask))
}

// blocks returns the addresses of IPv4.
func (n *neighbours) blocks() []netip.Prefix {
	out := slices.Clone(n.prefixes)
	for v := range n.v4 {
		out = append(out, netip.PrefixFrom(addr4(v), 32))
	}
	return out
}
