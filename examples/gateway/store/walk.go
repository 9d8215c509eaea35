// SPDX-License-Identifier: Apache-2.0

package store

import (
	"container/heap"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// How many names are held at a time: of one folder, and of it and the folders
// that it is in together. Where these are many, few are held of one.
const (
	batch    = 1024
	maxHeld  = 16 * batch
	minBatch = batch / 16
)

// walker visits keys in the order of their bytes. Every entry of a folder
// stands for the keys that begin with its text, and of two entries of a folder
// neither text is the beginning of the other, except that an object may be
// shorter than a long component; so sorting entries by text sorts the keys.
type walker struct {
	prefix string // only keys that begin with it
	after  string // only keys behind it
	skip   string // no keys that begin with it, where not empty
	visit  func(key string) error

	// common is what a text is rolled up to, or "". Of the keys that are rolled up
	// to one text, some are visited, each by its beginning; nil rolls up nothing.
	common func(text string) string

	held int // names of the folders that are being walked
}

// errStop ends a walk early.
var errStop = errors.New("stop")

// folder walks one folder whose keys begin with base.
func (w *walker) folder(dir, base string) error {
	last := ""
	for {
		entries, more, err := w.smallest(dir, base, last)
		if err != nil {
			return err
		}
		w.held += len(entries)
		for _, e := range entries {
			if err := w.entry(dir, base, e); err != nil {
				return err
			}
		}
		w.held -= len(entries)
		if !more {
			return nil
		}
		last = entries[len(entries)-1].text
	}
}

func (w *walker) entry(dir, base string, e entry) error {
	text := base + e.text
	if !w.wanted(text, e.below) {
		return nil
	}
	if !e.below {
		return w.visit(text)
	}
	if e.common != "" {
		if e.common == text { // nothing else is rolled up to it, or smallest has looked
			if some, err := occupied(filepath.Join(dir, e.name)); err != nil || !some {
				return err
			}
		}
		return w.visit(text)
	}
	err := w.folder(filepath.Join(dir, e.name), text)
	if errors.Is(err, fs.ErrNotExist) { // emptied and removed meanwhile
		return nil
	}
	return err
}

// wanted says whether an entry's keys can be among those asked for.
func (w *walker) wanted(text string, below bool) bool {
	if w.skip != "" && strings.HasPrefix(text, w.skip) {
		return false
	}
	if !below {
		return text > w.after && strings.HasPrefix(text, w.prefix)
	}
	if text < w.after && !strings.HasPrefix(w.after, text) {
		return false
	}
	return strings.HasPrefix(text, w.prefix) || strings.HasPrefix(w.prefix, text)
}

func (w *walker) rolled(text string) string {
	if w.common == nil {
		return ""
	}
	return w.common(text)
}

// occupied says whether there is an object below a folder. Folders without any go
// with their last object: any way down leads to one, but when a call is at work
// there or was killed.
func occupied(dir string) (bool, error) {
	for down := dir; ; {
		f, err := os.Open(down)
		if err != nil {
			break
		}
		names, _ := f.ReadDir(minBatch)
		_ = f.Close()
		next := ""
		for _, d := range names {
			switch _, below, ok := entryText(d.Name()); {
			case ok && !below:
				return true, nil
			case ok:
				next = d.Name()
			}
		}
		if next == "" {
			break
		}
		down = filepath.Join(down, next)
	}
	some := false
	w := walker{visit: func(string) error { some = true; return errStop }}
	err := w.folder(dir, "")
	if errors.Is(err, errStop) || errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return some, err
}

// entry is a name in a folder and the key text that it adds.
type entry struct {
	name, text string
	common     string // that it is rolled up to, or ""
	below      bool
}

// smallest reads a folder and returns its smallest wanted entries behind last,
// in order, and whether there are more. One entry stands for all those that are
// rolled up to the same text: each would be read again for the next.
func (w *walker) smallest(dir, base, last string) (entries []entry, more bool, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }()
	best := nearest{limit: max(minBatch, min(batch, maxHeld-w.held)), rolled: map[string]bool{}}
	for {
		names, err := f.ReadDir(batch)
		for _, d := range names {
			text, below, ok := entryText(d.Name())
			if !ok || text <= last && last != "" || !w.wanted(base+text, below) {
				continue
			}
			e := entry{d.Name(), text, w.rolled(base + text), below}
			if best.rolled[e.common] {
				continue
			}
			if below && e.common != "" && e.common != base+text && best.takes(text) { // what stands for others has to be there
				some, err := occupied(filepath.Join(dir, e.name))
				if err != nil {
					return nil, false, err
				}
				if !some {
					continue
				}
			}
			best.add(e)
		}
		if errors.Is(err, io.EOF) {
			entries := best.entries
			slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.text, b.text) })
			return slices.CompactFunc(entries, func(a, b entry) bool { return a.name == b.name }), best.more, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
}

// nearest are the smallest entries of a folder so far.
type nearest struct {
	entries entryHeap
	limit   int
	rolled  map[string]bool // what entries are rolled up to
	more    bool            // there are others
}

func (n *nearest) takes(text string) bool {
	return len(n.entries) < n.limit || text < n.entries[0].text
}

func (n *nearest) add(e entry) {
	switch {
	case len(n.entries) < n.limit:
		heap.Push(&n.entries, e)
	case n.takes(e.text): // it takes the greatest one's place
		delete(n.rolled, n.entries[0].common)
		n.entries[0] = e
		heap.Fix(&n.entries, 0)
		n.more = true
	default:
		n.more = true
		return
	}
	if e.common != "" {
		n.rolled[e.common] = true
	}
}

// entryHeap has the greatest text on top.
type entryHeap []entry

func (h entryHeap) Len() int           { return len(h) }
func (h entryHeap) Less(i, j int) bool { return h[i].text > h[j].text }
func (h entryHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *entryHeap) Push(x any)        { *h = append(*h, x.(entry)) }
func (h *entryHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
