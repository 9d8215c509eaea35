// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"encoding/binary"
	"net/netip"
)

// address reads the address that begins at pos and ends at a space or the end.
// netip's own parser takes a string and would allocate one for each address.
func address(line []byte, pos int) (a netip.Addr, next int, ok bool) {
	if v, next, ok := address4(line, pos); ok {
		return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), next, true
	}
	return address6(line, pos)
}

// address4 reads four octets without leading zeros.
func address4(line []byte, pos int) (v uint32, next int, ok bool) {
	for octet := 0; ; octet++ {
		n, first := uint32(0), pos
		for pos < len(line) && line[pos]-'0' <= 9 && pos-first < 3 {
			n = n*10 + uint32(line[pos]-'0')
			pos++
		}
		if pos == first || n > 255 || line[first] == '0' && pos-first > 1 {
			return 0, 0, false
		}
		v = v<<8 | n
		if octet == 3 {
			return v, pos, pos == len(line) || line[pos] == ' '
		}
		if pos == len(line) || line[pos] != '.' {
			return 0, 0, false
		}
		pos++
	}
}

// address6 reads an IPv6 address without a zone.
func address6(line []byte, pos int) (netip.Addr, int, bool) {
	end := fieldEnd(line, pos)
	a, ok := parse6(line[pos:end])
	return a.Unmap(), end, ok
}

// parse6 reads the forms of RFC 4291, 2.2: groups of up to four hex digits, one
// run of zeros as "::", the last 32 bits as an IPv4 address.
func parse6(s []byte) (netip.Addr, bool) {
	var b [16]byte
	n, gap := 0, -1
	if len(s) >= 2 && s[0] == ':' && s[1] == ':' {
		gap, s = 0, s[2:]
	}
	for len(s) > 0 {
		group, digits := hexGroup(s)
		if digits < len(s) && s[digits] == '.' {
			v, next, ok := address4(s, 0)
			if !ok || next != len(s) || n > 12 {
				return netip.Addr{}, false
			}
			binary.BigEndian.PutUint32(b[n:], v)
			n += 4
			break
		}
		if digits == 0 || n == 16 {
			return netip.Addr{}, false
		}
		b[n], b[n+1] = byte(group>>8), byte(group)
		n += 2
		if s = s[digits:]; len(s) == 0 {
			break
		}
		if s[0] != ':' || len(s) == 1 {
			return netip.Addr{}, false
		}
		if s = s[1:]; s[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, s = n, s[1:]
		}
	}
	switch {
	case gap < 0 && n < 16, gap >= 0 && n == 16:
		return netip.Addr{}, false
	case gap >= 0:
		tail := n - gap
		copy(b[16-tail:], b[gap:n])
		clear(b[gap : 16-tail])
	}
	return netip.AddrFrom16(b), true
}

// hexGroup reads up to four hex digits.
func hexGroup(s []byte) (v uint16, digits int) {
	for digits < len(s) && digits < 4 {
		c := s[digits]
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return v, digits
		}
		v = v<<4 | uint16(c)
		digits++
	}
	return v, digits
}
