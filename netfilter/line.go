// SPDX-License-Identifier: Apache-2.0

package netfilter

import "math/bits"

// line finds the class of an address among the sorted starts of the intervals.
type line struct {
	v4 []uint32
	// uppers are the distinct upper halves of IPv6 starts, lo all lower halves:
	// most blocks end within the first 64 bits, so the second search is rare.
	uppers []upper
	lo     []uint64
	at     []int32
	// finder finds the upper half; without one it is searched.
	finder *finder
}

// upper is the upper half of one or more starts.
type upper struct {
	hi    uint64
	class int32  // of the last of them, so of all addresses up to the next upper
	from  uint32 // the first of them, and whether it is the only one and at 0
}

// alone marks an upper whose only start has the lower half 0.
const alone = 1 << 31

func newLine(s *space) line {
	l := line{at: append([]int32(nil), s.at...)}
	if !s.v6 {
		l.v4 = make([]uint32, len(s.starts))
		for i, w := range s.starts {
			l.v4[i] = uint32(w.hi >> 32)
		}
		return l
	}
	n := 0
	for i, w := range s.starts {
		if i == 0 || w.hi != s.starts[i-1].hi {
			n++
		}
	}
	l.uppers, l.lo = make([]upper, 0, n), make([]uint64, len(s.starts))
	for i, w := range s.starts {
		l.lo[i] = w.lo
		if i == 0 || w.hi != s.starts[i-1].hi {
			u := upper{hi: w.hi, from: uint32(i)}
			if w.lo == 0 {
				u.from |= alone
			}
			l.uppers = append(l.uppers, u)
		} else {
			l.uppers[len(l.uppers)-1].from &^= alone
		}
		l.uppers[len(l.uppers)-1].class = s.at[i]
	}
	return l
}

func (l *line) class4(addr uint32) int32 {
	return l.at[floor(l.v4, addr)]
}

func (l *line) class6(w wide) int32 {
	i := 0
	if l.finder != nil {
		i = l.finder.floor(l.uppers, w.hi)
	} else {
		i = floorUpper(l.uppers, w.hi)
	}
	u := &l.uppers[i]
	if u.from >= alone || u.hi != w.hi {
		return u.class
	}
	first, end := u.from, uint32(len(l.lo))
	if i+1 < len(l.uppers) {
		end = l.uppers[i+1].from &^ alone
	}
	if w.lo < l.lo[first] {
		return l.at[first-1] // the interval that began under a lower upper half
	}
	return l.at[int(first)+floor(l.lo[first:end], w.lo)]
}

func (l *line) size() int {
	size := 4*(len(l.v4)+len(l.at)) + 8*len(l.lo) + 16*len(l.uppers)
	if l.finder != nil {
		size += l.finder.size()
	}
	return size
}

// floor returns the index of the last of keys that is at most key. Requires
// keys sorted with keys[0] <= key. The borrow of a subtraction takes the place
// of a branch, which on random keys is mispredicted half of the time and which
// the compiler would emit here.
func floor[T uint32 | uint64](keys []T, key T) int {
	base, n := 0, len(keys)
	for n > 1 {
		half := n >> 1
		_, below := bits.Sub64(uint64(key), uint64(keys[base+half]), 0)
		base += half & (int(below) - 1)
		n -= half
	}
	return base
}

// floorUpper is floor over upper halves.
func floorUpper(uppers []upper, hi uint64) int {
	base, n := 0, len(uppers)
	for n > 1 {
		half := n >> 1
		_, below := bits.Sub64(hi, uppers[base+half].hi, 0)
		base += half & (int(below) - 1)
		n -= half
	}
	return base
}
