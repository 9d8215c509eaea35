// SPDX-License-Identifier: Apache-2.0

package main

// polynomial is that of a reflected CRC: the coefficient of x^0 is its highest
// bit.
type polynomial struct {
	width int
	bits  uint64
}

var polynomials = map[string]polynomial{
	"crc32":     {32, 0xEDB88320},
	"crc32c":    {32, 0x82F63B78},
	"crc64nvme": {64, 0x9A6C9329AC4BC9B5},
}

// join is the CRC of a and b, one behind the other, from their own CRCs and the
// length of b in bytes: a's is multiplied by x^(8·length).
func (p polynomial) join(a, b uint64, length int64) uint64 {
	power, square := p.one(), p.one()>>1 // x^0 and x^1
	for n := uint64(length) * 8; n > 0; n >>= 1 {
		if n&1 == 1 {
			power = p.multiply(power, square)
		}
		square = p.multiply(square, square)
	}
	return p.multiply(a, power) ^ b
}

func (p polynomial) one() uint64 { return 1 << (p.width - 1) }

// multiply is the product of two residues.
func (p polynomial) multiply(a, b uint64) uint64 {
	product := uint64(0)
	for bit := p.one(); bit > 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry == 1 {
			b ^= p.bits
		}
	}
	return product
}
