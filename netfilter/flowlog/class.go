// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"cmp"
	"net/netip"
	"slices"
)

// addressClasses divides the IPv4 addresses into classes that nothing of a
// network tells apart: what is known of one address is known of its whole class.
//
// Pages have 256 entries: the upper half of an address leads to a page, its third
// octet from there to a page, its fourth to the class.
type addressClasses struct {
	table []uint16 // nil if it would be too large
}

const (
	// maxClassPages bounds the table: 16 MiB.
	maxClassPages = 1 << 15
	// maxIntervals bounds those that sets consist of, all sets together: 64 MiB, and
	// half a second. It bounds the steps by which settings divide classes as well.
	maxIntervals = 1 << 24
	// maxPortSteps bounds those by which settings merge classes of ports: two seconds.
	maxPortSteps = 1 << 27
)

func (c *addressClasses) of(addr uint32) uint16 {
	t := c.table
	page := uint32(t[addr>>16])
	page = uint32(t[page<<8|addr>>8&0xff])
	return t[page<<8|addr&0xff]
}

// partition gives each of some things its class, of which there are at most next.
type partition struct {
	of   []int32
	next int32
}

// newPartition puts all things into one class.
func newPartition(things int) *partition { return &partition{make([]int32, things), 1} }

// split divides each class that has some things of the subset and others not.
func (p *partition) split(subset []int32) {
	if len(subset) == len(p.of) {
		return
	}
	into := map[int32]int32{}
	for _, i := range subset {
		to, ok := into[p.of[i]]
		if !ok {
			to = p.next
			p.next++
			into[p.of[i]] = to
		}
		p.of[i] = to
	}
}

// compact numbers the classes from 0 and returns how many there are.
func (p *partition) compact() int {
	numbers := map[int32]int32{}
	for i, class := range p.of {
		n, ok := numbers[class]
		if !ok {
			n = int32(len(numbers))
			numbers[class] = n
		}
		p.of[i] = n
	}
	p.next = int32(len(numbers))
	return len(numbers)
}

// short compacts the classes of at most 65,536 things and returns them in 16 bits.
func (p *partition) short() []uint16 {
	p.compact()
	out := make([]uint16, len(p.of))
	for i, class := range p.of {
		out[i] = uint16(class)
	}
	return out
}

// addressLine is the IPv4 addresses in intervals, by the first address of each:
// cut where some block begins or has ended.
type addressLine []uint32

func newAddressLine(sets [][]netip.Prefix) addressLine {
	l := addressLine{0}
	for _, blocks := range sets {
		for _, p := range blocks {
			if first, last, ok := bounds4(p); ok {
				if l = append(l, first); last+1 > 0 {
					l = append(l, last+1)
				}
			}
		}
	}
	slices.Sort(l)
	return slices.Compact(l)
}

// bounds4 returns the first and the last address of a block of IPv4.
func bounds4(p netip.Prefix) (first, last uint32, ok bool) {
	bits := p.Bits() - p.Addr().BitLen() + 32
	if a := p.Addr().Unmap(); a.Is4() && bits >= 0 {
		host := uint32(1<<(32-bits) - 1)
		return v4Of(a) &^ host, v4Of(a) | host, true
	}
	return 0, 0, false
}

// intervals returns those that the blocks consist of, each once. ok is false if
// they are more than limit, counted before any is left out.
func (l addressLine) intervals(blocks []netip.Prefix, limit int) (out []int32, ok bool) {
	for _, p := range blocks {
		first, last, ok := bounds4(p)
		if !ok {
			continue
		}
		i, _ := slices.BinarySearch(l, first)
		for ; i < len(l) && l[i] <= last; i++ {
			if len(out) == limit {
				return nil, false
			}
			out = append(out, int32(i))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), true
}

// table returns that of the classes of the intervals, nil if it is too large.
func (l addressLine) table(classes []int32) []uint16 {
	b := classPages{line: l, classes: classes, table: make([]uint16, 1<<16), ids: map[[256]uint16]uint16{}, full: map[[2]int32]uint16{}}
	for i := range 1 << 16 {
		b.table[i] = b.page(uint32(i)<<16, 16)
		if len(b.table) > maxClassPages<<8 {
			return nil
		}
	}
	return b.table
}

// classPages builds the table, equal pages once. Requires addresses in ascending
// order.
type classPages struct {
	line    addressLine
	classes []int32
	i       int // the interval of the last address
	table   []uint16
	ids     map[[256]uint16]uint16
	full    map[[2]int32]uint16 // pages all of one class, by it and by their width
}

// page returns the number of the page of 2^width addresses, of one address its class.
func (b *classPages) page(addr uint32, width int) uint16 {
	for b.i+1 < len(b.line) && b.line[b.i+1] <= addr {
		b.i++
	}
	class := b.classes[b.i]
	if width == 0 {
		return uint16(class)
	}
	all := b.i+1 == len(b.line) || b.line[b.i+1]-addr >= 1<<width
	key := [2]int32{class, int32(width)}
	if id, ok := b.full[key]; all && ok {
		return id
	}
	var entries [256]uint16
	for i := range entries {
		entries[i] = b.page(addr+uint32(i)<<(width-8), width-8)
	}
	id, ok := b.ids[entries]
	if !ok {
		id = uint16(len(b.table) >> 8)
		b.ids[entries] = id
		b.table = append(b.table, entries[:]...)
	}
	if all {
		b.full[key] = id
	}
	return id
}

// portClasses divides the ports into the ranges between which some rule of a
// network changes: one page of 256 for each upper byte, equal pages one, so that
// clients' ports are near each other in memory.
type portClasses struct {
	pages   [256]uint8
	classes [][256]uint16
	starts  []int
}

func (p *portClasses) of(port uint16) uint16 { return p.classes[p.pages[port>>8]][port&0xff] }

// newPortClasses divides at the first port of each range and behind its last.
func newPortClasses(ranges []portSpan) portClasses {
	p := portClasses{starts: []int{0}}
	for _, r := range ranges {
		if p.starts = append(p.starts, int(r.from)); r.to < 65535 {
			p.starts = append(p.starts, int(r.to)+1)
		}
	}
	slices.Sort(p.starts)
	p.starts = slices.Compact(p.starts)
	class := 0
	for upper := range 256 {
		var page [256]uint16
		for lower := range page {
			if class+1 < len(p.starts) && p.starts[class+1] == upper<<8|lower {
				class++
			}
			page[lower] = uint16(class)
		}
		i := slices.Index(p.classes, page)
		if i < 0 {
			i = len(p.classes)
			p.classes = append(p.classes, page)
		}
		p.pages[upper] = uint8(i)
	}
	return p
}

// portSpan is the ports of a rule.
type portSpan struct{ from, to uint16 }

// merged returns, for each class, that for who tells only the ranges apart; nil if
// that takes more than the steps that are left.
func (p *portClasses) merged(ranges []portSpan, left *int) []uint16 {
	part := newPartition(len(p.starts))
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b portSpan) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	ranges = slices.Compact(ranges) // rules have few
	for _, r := range ranges {
		first, last := int32(p.of(r.from)), int32(p.of(r.to))
		steps := int(last-first) + 1
		if steps > *left {
			return nil
		}
		*left -= steps
		var in []int32
		for class := first; class <= last; class++ {
			in = append(in, class)
		}
		part.split(in)
	}
	return part.short()
}
