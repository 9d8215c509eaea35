// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"encoding/binary"
	"math/bits"
)

// window is the length of the lines that are read many bytes at a time; other
// lines are read byte by byte.
const window = 512

// slack is the number of bytes behind a line that may be loaded with it. The
// first of them is a space, so that every field ends with one.
const slack = window + 64

// view is a line and what is loaded with it. Its length is known, so that a
// masked position needs no bounds check.
type view [window + 64]byte

const (
	sevens  = 0x7f7f7f7f7f7f7f7f
	tops    = 0x8080808080808080
	spaces  = 0x2020202020202020
	zeros   = 0x3030303030303030
	beyond  = 0x7676767676767676 // sets the highest bit of every byte above 9
	topBits = 0x0002040810204081 // brings the highest bits of eight bytes into the highest byte
)

// eight loads eight bytes, the first lowest.
func (v *view) eight(pos int) uint64 {
	i := pos & (window - 1)
	return binary.LittleEndian.Uint64(v[i : i+8])
}

// spaceTops returns the highest bit of each byte of w that is a space.
func spaceTops(w uint64) uint64 {
	w ^= spaces
	return ^(w&sevens + sevens | w) & tops
}

// spaceBits returns a bit for each of 64 bytes, set where it is a space.
func spaceBits(b *[64]byte) uint64 {
	at := func(i int) uint64 { return spaceTops(binary.LittleEndian.Uint64(b[8*i:8*i+8])) * topBits >> 56 }
	return at(0) | at(1)<<8 | at(2)<<16 | at(3)<<24 | at(4)<<32 | at(5)<<40 | at(6)<<48 | at(7)<<56
}

// space returns the position of the first space from pos.
func (v *view) space(pos int) int {
	for ; pos < window; pos += 8 {
		if m := spaceTops(v.eight(pos)); m != 0 {
			return pos + bits.TrailingZeros64(m)>>3
		}
	}
	return window
}

// mostFields is the number of fields that starts has room for.
const mostFields = 63

// starts is where the fields of a line start; each ends a space before the next.
type starts [128]uint16

// field returns where a field starts and where it ends.
func (s *starts) field(i uint8) (pos, end int) { return int(s[i&127]), int(s[(i+1)&127]) - 1 }

// find fills in the starts of a line of n bytes. All are known before any field is
// read, so that the processor reads many at a time: each alone would wait for the
// end of the one before it. It is false for another number of fields, and for a
// line that begins or ends with a space or has two together.
func (s *starts) find(v *view, n, fields int) bool {
	var doubled uint64
	count, before := 1, uint64(1)
	s[0] = 0
	for base := 0; base <= n; base += 64 {
		if count > mostFields+1 {
			return false
		}
		m := spaceBits((*[64]byte)(v[base&(window-64):]))
		if rest := n - base; rest < 63 {
			m &= 2<<rest - 1
		}
		doubled |= m & (m<<1 | before)
		before = m >> 63
		// Ten are written at a time and those that are none are written over: how
		// many spaces a block has is nothing the processor could guess.
		for left := bits.OnesCount64(m); ; left -= 10 {
			to := (*[10]uint16)(s[count:])
			for i := range to {
				to[i] = uint16(base + bits.TrailingZeros64(m) + 1)
				m &= m - 1
			}
			if left <= 10 {
				count += left
				break
			}
			count += 10
		}
	}
	return count == fields+1 && doubled == 0
}

// digits reads eight digits, or fewer of which the first bytes of y are zero; y
// holds their values.
func digits(y uint64) uint64 {
	y = y * (10<<8 + 1) >> 8 & 0x00ff00ff00ff00ff
	y = y * (100<<16 + 1) >> 16 & 0x0000ffff0000ffff
	return y * (10000<<32 + 1) >> 32
}

// number reads a decimal number of n bytes, at most 15.
func (v *view) number(pos, n int) (value uint64, ok bool) {
	y := v.eight(pos) ^ zeros
	if n <= 8 {
		y <<= -8 * n & 63
		return digits(y), ((y+beyond)|y)&tops == 0
	}
	if n > 15 {
		return 0, false
	}
	z := (v.eight(pos+8) ^ zeros) << (-8 * n & 63)
	return digits(y)*powers[n&7] + digits(z), ((y+beyond)|y|(z+beyond)|z)&tops == 0
}

var powers = [8]uint64{1, 10, 100, 1000, 10000, 100000, 1000000, 10000000}

// octet loads what may be an octet, less '0', and its number of digits, at most 4.
func (v *view) octet(pos int) (w uint32, size int) {
	i := pos & (window - 1)
	w = binary.LittleEndian.Uint32(v[i:i+4]) ^ zeros&0xffffffff
	return w, bits.TrailingZeros32(((w+beyond&0xffffffff)|w)&(tops&0xffffffff)) >> 3
}

// octetValue returns the value of an octet. It is negative if there are not 1 to 3
// digits, or zeros before them, or more than 255, or another byte behind them.
func octetValue(w uint32, size int, end uint32) (value, bad int32) {
	y := w << (-8 * size & 31)
	n := y>>24 + y>>16&0xff*10 + y>>8&0xff*100
	return int32(n), int32((n - leastOctet[size&7]) | (255 - n) | -(w>>(8*size&31)&0xff ^ '0' ^ end))
}

// leastOctet is the least value of an octet of 1, 2 or 3 digits, which has no zeros
// in front; there are none of other sizes.
var leastOctet = [8]uint32{1 << 30, 0, 10, 100, 1 << 30, 1 << 30, 1 << 30, 1 << 30}

// dottedAt reads the IPv4 address at pos, up to a space. ok is false for anything
// else, which address reads or refuses: no branch depends on the digits.
func (v *view) dottedAt(pos int) (addr uint32, next int, ok bool) {
	w, n := v.octet(pos)
	a, bad := octetValue(w, n, '.')
	pos += n + 1
	w, n = v.octet(pos)
	b, bad2 := octetValue(w, n, '.')
	pos += n + 1
	w, n = v.octet(pos)
	c, bad3 := octetValue(w, n, '.')
	pos += n + 1
	w, n = v.octet(pos)
	d, bad4 := octetValue(w, n, ' ')
	return uint32(a<<24 | b<<16 | c<<8 | d), pos + n + 1, bad|bad2|bad3|bad4 >= 0
}
