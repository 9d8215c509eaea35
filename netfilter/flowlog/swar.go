// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"encoding/binary"
	"math/bits"
)

// slack is the number of bytes behind a line that may be loaded with it. The
// first of them is a space, so that every field ends with one.
const slack = 72

const (
	sevens  = 0x7f7f7f7f7f7f7f7f
	spaces  = 0x2020202020202020
	zeros   = 0x3030303030303030
	lowBits = 0x0102040810204080 // brings the low bits of eight bytes into the highest byte
)

// spaceBits returns a bit for each of 64 bytes, set where it is a space. All ends
// of fields are known before any field is read, so that the processor reads many
// at a time: each alone begins where the one before it ends.
func spaceBits(b *[64]byte) uint64 {
	return eightBits(b[0:8]) | eightBits(b[8:16])<<8 | eightBits(b[16:24])<<16 | eightBits(b[24:32])<<24 |
		eightBits(b[32:40])<<32 | eightBits(b[40:48])<<40 | eightBits(b[48:56])<<48 | eightBits(b[56:64])<<56
}

func eightBits(b []byte) uint64 {
	w := binary.LittleEndian.Uint64(b) ^ spaces
	return ^(w&sevens + sevens | w | sevens) >> 7 * lowBits >> 56
}

// cursor goes from space to space of a line of n bytes.
type cursor struct {
	bits    uint64
	base, n int
}

// load finds the next block of the line with a space. Behind the line it makes
// one up.
func (c *cursor) load(b []byte) {
	for c.bits == 0 {
		if c.base += 64; c.base > c.n {
			c.base, c.bits = c.n+1, 1
			return
		}
		c.bits = spaceBits((*[64]byte)(b[c.base:]))
	}
}

// next returns the position of the next space, more than n when there is none.
func (c *cursor) next(b []byte) int {
	if c.bits == 0 {
		c.load(b)
	}
	at := c.base + bits.TrailingZeros64(c.bits)
	c.bits &= c.bits - 1
	return at
}

// eight returns the number that eight digits write; w holds the first in its
// lowest byte.
func eight(w uint64) (v uint64, ok bool) {
	ok = w&0xf0f0f0f0f0f0f0f0|(w+0x0606060606060606)&0xf0f0f0f0f0f0f0f0>>4 == 0x3333333333333333
	w = w & 0x0f0f0f0f0f0f0f0f * (10<<8 + 1) >> 8
	w = w & 0x00ff00ff00ff00ff * (100<<16 + 1) >> 16
	return w & 0x0000ffff0000ffff * (10000<<32 + 1) >> 32, ok
}

// digits reads a decimal number of at most 15 digits from pos to end. ok is false
// for anything else, which number reads or refuses. It has no loop over the
// digits, whose number no processor guesses: 3 ns instead of 9 for a port.
func digits(b []byte, pos, end int) (v uint64, ok bool) {
	n := uint(end - pos)
	w := binary.LittleEndian.Uint64(b[pos:])
	if n <= 8 {
		return eight(lastOf(w, n))
	}
	if n > 15 {
		return 0, false
	}
	head, ok := eight(w)
	tail, good := eight(lastOf(binary.LittleEndian.Uint64(b[pos+8:]), n-8))
	return head*powers[n&7] + tail, ok && good
}

// lastOf makes the first n bytes of w, 1 to 8, the last ones, behind zeros.
func lastOf(w uint64, n uint) uint64 {
	shift := (64 - 8*n) & 63
	return w<<shift | zeros&^(^uint64(0)<<shift)
}

var powers = [8]uint64{1, 10, 100, 1000, 10000, 100000, 1000000, 10000000}

// leastOctet is the least value of an octet of 1, 2 or 3 digits; other numbers of
// digits have none.
var leastOctet = [8]uint32{1 << 9, 0, 10, 100, 1 << 9, 1 << 9, 1 << 9, 1 << 9}

// dotted reads an IPv4 address from pos to end. ok is false for anything else,
// which address reads or refuses. Digits are told from "." and " " by the one bit
// 0x10, and no branch that is taken depends on them: 10 ns instead of 24.
func dotted(b []byte, pos, end int) (v uint32, ok bool) {
	var bad, dots uint32
	for range 4 {
		w := binary.LittleEndian.Uint32(b[pos:])
		n := uint(bits.TrailingZeros32(^w&0x10101010)) >> 3
		shift := (32 - 8*n) & 31
		w <<= shift
		want := uint32(0x30303030) << shift
		bad |= (w&0xf0f0f0f0 ^ want) | ((w+0x06060606)&0xf0f0f0f0 ^ want)
		octet := w>>8&15*100 + w>>16&15*10 + w>>24&15
		if octet < leastOctet[n&7] || octet > 255 {
			return 0, false
		}
		v = v<<8 | octet
		pos += int(n) + 1
		dots = dots<<8 | uint32(b[pos-1])
	}
	return v, bad == 0 && dots>>8 == '.'<<16|'.'<<8|'.' && pos == end+1
}
