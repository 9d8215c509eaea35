// SPDX-License-Identifier: Apache-2.0

package netfilter

// crossForm decides by loads alone: the class of the address and the class of
// the transport key meet in a table of all combinations.
//
// Everything is in one slice of pages of 256 entries, so that one bound and one
// pointer serve all loads. An IPv4 address takes three loads: its upper half
// leads to a page, its third octet from there to a page, its fourth to the
// class. There are always three: to leave early is a branch that traffic does
// not let the processor predict, and made a decision at 10 rules take 14 ns
// instead of 9. A key takes three as well, by protocol, upper and lower byte.
// Equal pages are one.
type crossForm struct {
	table []uint16
	tree  bool // IPv4, more than one class: table begins with the upper halves
	keys  int  // where the protocols are
	cells int  // where the cells begin: rank+1 at class*width+key class, 0 for no rule
	width int  // key classes
	line  line // IPv6
}

// maxCellRank is the highest number of ranks that cells can hold.
const maxCellRank = 1<<16 - 2

// maxPages is what an entry of 16 bits can number.
const maxPages = 1 << 16

// newCross builds the cross form unless it could take more than limit bytes or
// its numbers do not fit 16 bits; then it returns nil. Everything is counted
// before it is allocated.
func newCross(s *space, bundles [][]ranked, ranks, limit int) *crossForm {
	cuts := cutKeys(s.usedBundles(bundles)...)
	pages := s.pagesAtMost() + keyPagesAtMost(cuts)
	if ranks > maxCellRank || len(s.classes) > 1<<16 || len(cuts) > 1<<16 || pages > maxPages {
		return nil
	}
	cost := 512*int64(pages) + 2*int64(len(s.classes))*int64(len(cuts))
	index := int64(0)
	if s.v6 {
		index = (24 + 24*8) * int64(len(s.starts)) // the finder has at most some nodes of 8 buckets a start
	}
	if cost+index > int64(limit) {
		return nil
	}
	f := &crossForm{width: len(cuts), tree: !s.v6 && len(s.starts) > 1}
	f.table = make([]uint16, 0, cost/2)
	if f.tree {
		f.addTree(s)
	} else if s.v6 {
		f.line = newLine(s)
		index := newFinder(f.line.uppers)
		f.line.finder = &index
	}
	f.addKeys(cuts)
	f.addCells(s, cuts, bundles)
	f.table = append([]uint16(nil), f.table...)
	return f
}

// pagesAtMost counts the pages of the tree: those that some interval begins
// inside of, and one for each class that fills a page of the level.
func (s *space) pagesAtMost() int {
	if s.v6 || len(s.starts) == 1 {
		return 0
	}
	cuts := make([]uint32, len(s.starts))
	for i, w := range s.starts {
		cuts[i] = uint32(w.hi >> 32)
	}
	inLeafs, fullLeafs := countPages(cuts, 1<<32-1, 8)
	inPages, fullPages := countPages(cuts, 1<<32-1, 16)
	return 256 + inLeafs + inPages + min(fullLeafs, len(s.classes)) + min(fullPages, len(s.classes)) + min(fullPages, len(s.classes))
}

// keyPagesAtMost counts the pages of the keys: one of protocols, and those of
// upper and of lower bytes.
func keyPagesAtMost(cuts []uint32) int {
	inLower, fullLower := countPages(cuts, maxKey, 8)
	inUpper, fullUpper := countPages(cuts, maxKey, 16)
	return 1 + inLower + fullLower + inUpper + 2*fullUpper
}

// countPages divides the line into blocks of 2^bits and counts the blocks that a
// cut lies inside of, and the cuts whose range fills a block.
func countPages(cuts []uint32, last uint32, bits int) (inside, full int) {
	mask := uint32(1)<<bits - 1
	seen := int64(-1)
	for i, c := range cuts {
		if block := int64(c >> bits); c&mask != 0 && block != seen {
			inside, seen = inside+1, block
		}
		end := uint64(last) + 1
		if i+1 < len(cuts) {
			end = uint64(cuts[i+1])
		}
		if first := (uint64(c) + uint64(mask)) &^ uint64(mask); first+uint64(mask) < end {
			full++
		}
	}
	return inside, full
}

func (f *crossForm) addCells(s *space, cuts []uint32, bundles [][]ranked) {
	f.cells = len(f.table)
	f.table = f.table[:f.cells+len(s.classes)*f.width]
	cells := f.table[f.cells:]
	painted := make([][]ranked, len(bundles)) // a bundle may be in many classes
	for c, cl := range s.classes {
		row := cells[c*f.width:][:f.width]
		if cl.parent >= 0 {
			copy(row, cells[int(cl.parent)*f.width:][:f.width])
		}
		for _, b := range cl.bundles {
			if painted[b] == nil {
				painted[b] = disjoint(bundles[b])
			}
			lower(row, cuts, painted[b])
		}
	}
}

// lower puts the ranks of the list into the cells they improve.
func lower(row []uint16, cuts []uint32, list []ranked) {
	for _, r := range list {
		cell := uint16(r.rank + 1)
		for i := cutIndex(cuts, r.lo); i < len(cuts) && cuts[i] <= r.hi; i++ {
			if row[i] == 0 || row[i] > cell {
				row[i] = cell
			}
		}
	}
}

// usedBundles returns the bundles of this family.
func (s *space) usedBundles(bundles [][]ranked) [][]ranked {
	seen := make([]bool, len(bundles))
	var used [][]ranked
	for _, c := range s.classes {
		for _, b := range c.bundles {
			if !seen[b] {
				seen[b] = true
				used = append(used, bundles[b])
			}
		}
	}
	return used
}

// class4 returns the class of an IPv4 address.
func (f *crossForm) class4(addr uint32) int {
	if !f.tree {
		return 0
	}
	t := f.table
	page := uint32(t[addr>>16])
	page = uint32(t[page<<8|addr>>8&0xff])
	return int(t[page<<8|addr&0xff])
}

// cell returns one more than the lowest rank that matches at an address of a
// class, 0 for none.
func (f *crossForm) cell(class int, key uint32) uint16 {
	t := f.table
	k := uint32(t[f.keys+int(key>>16)])
	k = uint32(t[k<<8|key>>8&0xff])
	return t[f.cells+class*f.width+int(t[k<<8|key&0xff])]
}

func (f *crossForm) size() int { return f.line.size() + 2*len(f.table) }
