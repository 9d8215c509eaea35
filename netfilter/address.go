// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"encoding/binary"
	"net/netip"
)

// wide is an address of either family as one 128-bit number. IPv4 addresses
// stand in the top 32 bits, so that a prefix length means the same bits in
// both families; the families never meet in one structure.
type wide struct{ hi, lo uint64 }

func wideOf(a netip.Addr) wide {
	if a.Is4() {
		b := a.As4()
		return wide{hi: uint64(binary.BigEndian.Uint32(b[:])) << 32}
	}
	b := a.As16()
	return wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (w wide) addr(v6 bool) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], w.hi)
	binary.BigEndian.PutUint64(b[8:], w.lo)
	if v6 {
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte(b[:4]))
}

func (w wide) compare(o wide) int {
	switch {
	case w.hi != o.hi && w.hi < o.hi, w.hi == o.hi && w.lo < o.lo:
		return -1
	case w == o:
		return 0
	}
	return 1
}

// last returns the last address of the block of the given length that starts
// at w.
func (w wide) last(bits int) wide {
	switch {
	case bits >= 128:
		return w
	case bits >= 64:
		return wide{w.hi, w.lo | ^uint64(0)>>(bits-64)}
	}
	return wide{w.hi | ^uint64(0)>>bits, ^uint64(0)}
}

// next returns w+1; ok is false past the last address.
func (w wide) next() (n wide, ok bool) {
	n = wide{w.hi, w.lo + 1}
	if n.lo == 0 {
		n.hi++
	}
	return n, n != wide{}
}

// prev returns w-1. Requires w > 0.
func (w wide) prev() wide {
	if w.lo == 0 {
		return wide{w.hi - 1, ^uint64(0)}
	}
	return wide{w.hi, w.lo - 1}
}

// maxWide is the last address, of IPv6 and, in this representation, of IPv4.
var maxWide = wide{^uint64(0), ^uint64(0)}
