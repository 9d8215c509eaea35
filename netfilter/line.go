// SPDX-License-Identifier: Apache-2.0

package netfilter

// line finds the class of an address by binary search over the starts of the
// intervals. An IPv6 start is split into halves: most blocks end within the
// first 64 bits, so the second search is short.
type line struct {
	v4 []uint32
	// hi holds the distinct upper halves; lo[from[i]:from[i+1]] are the lower
	// halves of the starts with upper half hi[i], and index the intervals.
	hi, lo []uint64
	from   []uint32
	at     []int32
}

func newLine(s *space) line {
	l := line{at: append([]int32(nil), s.at...)}
	if !s.v6 {
		l.v4 = make([]uint32, len(s.starts))
		for i, w := range s.starts {
			l.v4[i] = uint32(w.hi >> 32)
		}
		return l
	}
	l.lo = make([]uint64, len(s.starts))
	for i, w := range s.starts {
		if i == 0 || w.hi != s.starts[i-1].hi {
			l.hi, l.from = append(l.hi, w.hi), append(l.from, uint32(i))
		}
		l.lo[i] = w.lo
	}
	l.from = append(l.from, uint32(len(s.starts)))
	return l
}

func (l *line) class4(addr uint32) int32 {
	return l.at[floor(l.v4, addr)]
}

func (l *line) class6(w wide) int32 {
	i := floor(l.hi, w.hi)
	first, end := l.from[i], l.from[i+1]
	switch {
	case l.hi[i] != w.hi:
		return l.at[end-1]
	case w.lo < l.lo[first]:
		return l.at[first-1] // the interval that began under a lower upper half
	}
	return l.at[int(first)+floor(l.lo[first:end], w.lo)]
}

func (l *line) size() int {
	return 4*(len(l.v4)+len(l.from)+len(l.at)) + 8*(len(l.hi)+len(l.lo))
}
