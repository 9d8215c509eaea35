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

// batch is how many names of one folder are held at a time.
const batch = 1024

// walker visits keys in the order of their bytes. Every entry of a folder
// stands for the keys that begin with its text, and of two entries of a folder
// neither text is the beginning of the other, except that an object may be
// shorter than a long component; so sorting entries by text sorts the keys.
type walker struct {
	prefix string // only keys that begin with it
	after  string // only keys behind it
	skip   string // no keys that begin with it, where not empty
	visit  func(key string) error
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
		for _, e := range entries {
			if err := w.entry(dir, base, e); err != nil {
				return err
			}
		}
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

// entry is a name in a folder and the key text that it adds.
type entry struct {
	name, text string
	below      bool
}

// smallest reads a folder and returns its smallest wanted entries behind last,
// in order, and whether there are more.
func (w *walker) smallest(dir, base, last string) (entries []entry, more bool, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }()
	var h entryHeap
	for {
		names, err := f.ReadDir(batch)
		for _, d := range names {
			text, below, ok := entryText(d.Name())
			if !ok || text <= last && last != "" || !w.wanted(base+text, below) {
				continue
			}
			switch e := (entry{d.Name(), text, below}); {
			case len(h) < batch:
				heap.Push(&h, e)
			case text < h[0].text: // it takes the greatest one's place
				h[0] = e
				heap.Fix(&h, 0)
				more = true
			default:
				more = true
			}
		}
		if errors.Is(err, io.EOF) {
			slices.SortFunc(h, func(a, b entry) int { return strings.Compare(a.text, b.text) })
			return slices.CompactFunc(h, func(a, b entry) bool { return a.name == b.name }), more, nil
		}
		if err != nil {
			return nil, false, err
		}
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
