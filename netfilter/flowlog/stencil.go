// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// tail is the length of what ends nearly all lines of the default format: two times
// of ten digits, ACCEPT or REJECT, and OK.
const tail = len("1700000000 1700000060 ACCEPT OK")

// readDefault reads a line of the default format, of a version 2 record with data of
// IPv4, straight from its begin and from its end, which has one length. It knows
// the order of the fields, and needs less than half of the time of the loops. What
// is not as it should be is gathered, and asked about once.
func (r *Record) readDefault(line []byte) bool {
	if len(line) >= window || cap(line) < len(view{}) {
		return false
	}
	v, last := (*view)(line[:len(view{})]), len(line)-tail
	account, iface := v.head()
	if account == 2 || iface-account < 3 || iface+16 > last {
		return false
	}
	base := iface + 1
	src, pos, m, bad := v.dotted(base, base, v.marks(base))
	dst, pos, m, bad2 := v.dotted(base, pos, m)
	var ends [4]int // of the ports, the protocol and the packets
	for i := range ends {
		ends[i] = base + bits.TrailingZeros64(m)
		m &= m - 1
	}
	a, b, c, d := ends[0], ends[1], ends[2], ends[3]
	if d >= last-2 || bad|bad2 != 0 {
		return false
	}
	sport, odd := v.short(pos, a-pos)
	dport, odd2 := v.short(a+1, b-a-1)
	proto, odd3 := v.short(b+1, c-b-1)
	packets, odd4 := v.short(c+1, d-c-1)
	size, ok := v.number(d+1, last-2-d)
	from, odd5 := v.ten(last)
	to, odd6 := v.ten(last + 11)
	gaps := v.gap(1) | v.gap(a) | v.gap(b) | v.gap(c) | v.gap(d) | v.gap(last-1) | v.gap(last+10) | v.gap(last+21)
	if (odd|odd2|odd3|odd4|odd5|odd6)&tops != 0 || ((a-pos-1)|(b-a-2)|(c-b-2)|(d-c-2))&^7 != 0 || gaps != 0 || v[0] != '2' || !ok ||
		sport|dport > math.MaxUint16 || proto > math.MaxUint8 ||
		!r.quickAction(v.eight(last+22)) || v.eight(last+29)&(1<<24-1) != 'O'|'K'<<8|' '<<16 {
		return false
	}
	r.text, r.present = line, defaultKinds
	r.Interface = line[account+1 : iface : iface]
	r.Src, r.Dst = addr4(src), addr4(dst)
	r.SrcPort, r.DstPort, r.Protocol, r.Version, r.Status = uint16(sport), uint16(dport), protocol(proto), 2, OK
	r.Packets, r.Bytes, r.Start, r.End = packets, size, int64(from), int64(to)
	return true
}

// defaultKinds are the fields of the default format that have a value when none is
// absent, bits 1<<kind.
const defaultKinds = 1<<kindText | 1<<kindVersion | 1<<kindInterface | 1<<kindSrc | 1<<kindDst | 1<<kindSrcPort | 1<<kindDstPort |
	1<<kindProtocol | 1<<kindPackets | 1<<kindBytes | 1<<kindStart | 1<<kindEnd | 1<<kindAction | 1<<kindStatus

// head returns where account-id and interface-id end: of 12 and 21 bytes in nearly
// all lines.
func (v *view) head() (account, iface int) {
	const a, i = 2 + 12, 2 + 12 + 1 + 21
	any := hasSpace(v.eight(2)) | hasSpace(v.eight(a-8)) | hasSpace(v.eight(a+1)) | hasSpace(v.eight(a+9)) | hasSpace(v.eight(i-8))
	if any == 0 && v[a] == ' ' && v[i] == ' ' {
		return a, i
	}
	account = v.space(2)
	return account, v.space(account + 1)
}

// hasSpace is not zero if a byte of w is a space.
func hasSpace(w uint64) uint64 {
	w ^= spaces
	return (w - ones) &^ w & tops
}

// gap is zero at a space.
func (v *view) gap(pos int) byte { return v[pos&(window-1)] ^ ' ' }

// short reads a number of 1 to 8 bytes. A highest bit of odd is set if some byte is
// no digit.
func (v *view) short(pos, n int) (value, odd uint64) {
	y := (v.eight(pos) ^ zeros) << (-8 * n & 63)
	return digits(y), (y + beyond) | y
}

// ten reads a number of ten digits.
func (v *view) ten(pos int) (value, odd uint64) {
	i := pos & (window - 1)
	x := uint64(binary.LittleEndian.Uint16(v[i:i+2])) ^ '0' ^ '0'<<8
	y := v.eight(pos+2) ^ zeros
	return (10*(x&0xff)+x>>8)*1e8 + digits(y), (x + 0x7676) | x | (y + beyond) | y
}

// marks returns a bit for each of the 64 bytes from pos, set where bit 4 of the byte
// is not: at the space, the dot and the hyphen among what numbers and addresses are
// written with, and at no digit. It tells in 12 cycles where all octets and numbers
// end, which otherwise wait for one another.
func (v *view) marks(pos int) uint64 {
	i := pos & (window - 1)
	b := (*[64]byte)(v[i : i+64])
	at := func(i int) uint64 {
		return binary.LittleEndian.Uint64(b[8*i:8*i+8]) & fours * fourBits >> 56
	}
	return ^(at(0) | at(1)<<8 | at(2)<<16 | at(3)<<24 | at(4)<<32 | at(5)<<40 | at(6)<<48 | at(7)<<56)
}

const (
	ones     = 0x0101010101010101
	fours    = 0x1010101010101010
	fourBits = 0x0010204081020408 // brings bit 4 of eight bytes into the highest byte
)

// dotted reads the IPv4 address from pos, up to a space. The first four bits of m,
// which are counted from base, are where its octets end; rest is without them.
// bad is zero for an address.
func (v *view) dotted(base, pos int, m uint64) (addr uint32, next int, rest uint64, bad uint32) {
	a := base + bits.TrailingZeros64(m)
	m &= m - 1
	b := base + bits.TrailingZeros64(m)
	m &= m - 1
	c := base + bits.TrailingZeros64(m)
	m &= m - 1
	d := base + bits.TrailingZeros64(m)
	m &= m - 1
	i, j, k, l := a-pos, b-a-1, c-b-1, d-c-1
	w, odd, low := v.octetEnd(a, i, '.')
	x, odd2, low2 := v.octetEnd(b, j, '.')
	y, odd3, low3 := v.octetEnd(c, k, '.')
	z, odd4, low4 := v.octetEnd(d, l, ' ')
	bad = (odd|odd2|odd3|odd4)&0xff808080 | (low|low2|low3|low4)&(1<<31) | uint32((i|j|k|l)&^3)
	return w<<24 | x<<16 | y<<8 | z, d + 1, m, bad
}

// octetEnd reads the octet of a size that ends before pos, where end has to be. odd
// has a bit set of 0xff808080 if a byte is none of it, low the highest if the octet
// has a zero in front or is too large: of three digits the first is at most 2, and
// 256 to 299 are 0 to 43 in eight bits, less than 100.
func (v *view) octetEnd(pos, size int, end uint32) (value, odd, low uint32) {
	i := (pos - 3) & (window - 1)
	y := (binary.LittleEndian.Uint32(v[i:i+4]) ^ (end<<24 | zeros>>40)) & keep[size&3]
	value = y * (100<<16 | 10<<8 | 1) >> 16 & 0xff
	return value, (y + 0x0076767d) | y, value - least[size&3]
}

var (
	keep  = [4]uint32{1: 0xffff0000, 2: 0xffffff00, 3: 0xffffffff} // by size, the bytes of an octet and behind it
	least = [4]uint32{1 << 30, 0, 10, 100}                         // by size, the least octet
)
