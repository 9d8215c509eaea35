// SPDX-License-Identifier: Apache-2.0

package netfilter

// page is 256 entries of a cross form's table: numbers of pages, or classes.
type page [256]uint16

// pager adds pages to a table, equal ones once.
type pager struct {
	form *crossForm
	ids  map[page]uint16
}

func (p *pager) add(entries *page) uint16 {
	id, ok := p.ids[*entries]
	if !ok {
		id = uint16(len(p.form.table) >> 8)
		p.ids[*entries] = id
		p.form.table = append(p.form.table, entries[:]...)
	}
	return id
}

// fill adds a page of 256 equal entries.
func (p *pager) fill(entry uint16) uint16 {
	var entries page
	for i := range entries {
		entries[i] = entry
	}
	return p.add(&entries)
}

// addTree adds the three levels that lead from an IPv4 address to its class.
func (f *crossForm) addTree(s *space) {
	f.table = f.table[:1<<16]
	b := treeBuilder{
		space: s, pages: pager{f, map[page]uint16{}}, leafs: pager{f, map[page]uint16{}},
		fullPage: map[int32]uint16{}, fullLeaf: map[int32]uint16{},
	}
	for i := range 1 << 16 {
		f.table[i] = b.page(uint64(i) << 16)
	}
}

type treeBuilder struct {
	space        *space
	i            int // the interval that holds the last address seen
	pages, leafs pager
	// fullPage and fullLeaf are the pages that are all of one class.
	fullPage, fullLeaf map[int32]uint16
}

// class returns the class of the address, and whether the block of 2^width
// addresses that begins there is all of it. Requires blocks in ascending order.
func (b *treeBuilder) class(addr uint64, width int) (c int32, all bool) {
	starts := b.space.starts
	for b.i+1 < len(starts) && starts[b.i+1].hi>>32 <= addr {
		b.i++
	}
	return b.space.at[b.i], b.i+1 == len(starts) || starts[b.i+1].hi>>32 >= addr+1<<width
}

func (b *treeBuilder) page(addr uint64) uint16 {
	c, all := b.class(addr, 16)
	if all {
		id, ok := b.fullPage[c]
		if !ok {
			id = b.pages.fill(b.leaf(addr))
			b.fullPage[c] = id
		}
		return id
	}
	var entries page
	for i := range entries {
		entries[i] = b.leaf(addr + uint64(i)<<8)
	}
	return b.pages.add(&entries)
}

func (b *treeBuilder) leaf(addr uint64) uint16 {
	c, all := b.class(addr, 8)
	if all {
		id, ok := b.fullLeaf[c]
		if !ok {
			id = b.leafs.fill(uint16(c))
			b.fullLeaf[c] = id
		}
		return id
	}
	var entries page
	for i := range entries {
		c, _ = b.class(addr+uint64(i), 0)
		entries[i] = uint16(c)
	}
	return b.leafs.add(&entries)
}

// addKeys adds the three levels that lead from a transport key to its class:
// the range of cuts that it lies in.
func (f *crossForm) addKeys(cuts []uint32) {
	b := keyBuilder{cuts: cuts, uppers: pager{f, map[page]uint16{}}, lowers: pager{f, map[page]uint16{}}}
	var protocols page
	for p := range uint32(256) {
		protocols[p] = b.upper(p << 16)
	}
	f.keys = len(f.table)
	f.table = append(f.table, protocols[:]...)
}

type keyBuilder struct {
	cuts           []uint32
	i              int // the range that holds the last key seen
	uppers, lowers pager
}

// class returns the class of a key, and whether all keys to last are of it.
// Requires keys in ascending order.
func (b *keyBuilder) class(key, last uint32) (c uint16, all bool) {
	for b.i+1 < len(b.cuts) && b.cuts[b.i+1] <= key {
		b.i++
	}
	return uint16(b.i), b.i+1 == len(b.cuts) || b.cuts[b.i+1] > last
}

func (b *keyBuilder) upper(base uint32) uint16 {
	if _, all := b.class(base, base|0xffff); all {
		return b.uppers.fill(b.lower(base))
	}
	var entries page
	for i := range entries {
		entries[i] = b.lower(base | uint32(i)<<8)
	}
	return b.uppers.add(&entries)
}

func (b *keyBuilder) lower(base uint32) uint16 {
	c, all := b.class(base, base|0xff)
	if all {
		return b.lowers.fill(c)
	}
	var entries page
	for i := range entries {
		entries[i], _ = b.class(base|uint32(i), 0)
	}
	return b.lowers.add(&entries)
}
