// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"
)

// MaterialsCache holds data keys, and what belongs to them, for the
// [CachingManager]s that share it: those used last, up to its capacity. A data
// key that leaves the cache is zeroed. It is safe for concurrent use; using
// what it holds takes no lock for longer than a map read and a copy of 32
// bytes.
type MaterialsCache struct {
	capacity int
	tick     atomic.Uint64 // uses so far, which put the entries in order

	mu      sync.RWMutex
	entries map[cacheID]*cached
	order   cacheOrder
	flights map[cacheID]*flight
}

// NewMaterialsCache returns a cache of so many entries, one for each message's
// worth of materials to encrypt with, and one for each message that was
// decrypted. A cache of capacity 0 keeps nothing; a negative one is
// [ErrConfig].
func NewMaterialsCache(capacity int) (*MaterialsCache, error) {
	if capacity < 0 {
		return nil, fail(ErrConfig, "the capacity of a cache is negative")
	}
	return &MaterialsCache{capacity: capacity, entries: map[cacheID]*cached{}, flights: map[cacheID]*flight{}}, nil
}

// Clear drops everything, what is being fetched included, and zeroes it. It is
// for when a wrapping key must no longer be used, before its entries expire.
func (c *MaterialsCache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.order) > 0 {
		c.drop(c.order[0])
	}
	clear(c.flights)
}

// cached is an entry. Its materials do not change and are without data key.
type cached struct {
	id       cacheID
	encrypt  *EncryptionMaterials // this,
	decrypt  *DecryptionMaterials // or this
	created  time.Time
	maxAge   time.Duration
	messages atomic.Int64  // used for so far
	bytes    atomic.Int64  // of their plaintext
	renew    atomic.Int64  // age in nanoseconds past which one request fetches anew
	used     atomic.Uint64 // tick of the last use

	// Guarded by the cache's mu.
	dataKey []byte // zeroed when the entry leaves
	rank    uint64 // used, as order knows it
	place   int    // in order
}

// wipe zeroes the data key. Nobody reads it any more, or the lock is held.
func (e *cached) wipe() { clear(e.dataKey) }

// read returns the entry and copies its data key, under the lock: nothing
// zeroes it meanwhile.
func (c *MaterialsCache) read(id *cacheID, room *[maxDataKey]byte) *cached {
	c.mu.RLock()
	e := c.entries[*id]
	if e != nil {
		copy(room[:], e.dataKey)
	}
	c.mu.RUnlock()
	if e != nil && e.used.Load() != c.tick.Load() { // else it was the last one used already
		e.used.Store(c.tick.Add(1))
	}
	return e
}

// evict drops an entry that may not be used any more.
func (c *MaterialsCache) evict(e *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[e.id] == e {
		c.drop(e)
	}
}

// drop takes an entry out and zeroes its key. The lock is held.
func (c *MaterialsCache) drop(e *cached) {
	delete(c.entries, e.id)
	heap.Remove(&c.order, e.place)
	e.wipe()
}

// prune drops expired entries as long as they are the ones used longest ago.
// The lock is held.
func (c *MaterialsCache) prune() {
	for len(c.order) > 0 {
		if e := c.oldest(); time.Since(e.created) <= e.maxAge {
			return
		}
		c.drop(c.order[0])
	}
}

// oldest returns the entry used longest ago. Uses do not reorder the heap, as
// that would need the lock: an entry at the top that was used since it was
// placed goes to its new place now. The lock is held.
func (c *MaterialsCache) oldest() *cached {
	for {
		e := c.order[0]
		used := e.used.Load()
		if used == e.rank {
			return e
		}
		e.rank = used
		heap.Fix(&c.order, 0)
	}
}

// put adds an entry and drops what it replaces and what there is no room for.
// The lock is held.
func (c *MaterialsCache) put(e *cached) {
	if old := c.entries[e.id]; old != nil {
		c.drop(old)
	}
	c.prune()
	for len(c.order) >= c.capacity {
		c.drop(c.oldest())
	}
	e.rank = c.tick.Add(1)
	e.used.Store(e.rank)
	c.entries[e.id] = e
	heap.Push(&c.order, e)
}

// flight is one call for materials that everybody who misses them waits for.
type flight struct {
	done      chan struct{}
	err       error
	abandoned bool // whoever called gave up, or may not keep the result: call again
	unkept    bool // the result is not for others
}

// begin joins the flight for the id, or starts one (first). Both are nil and
// false when there is another entry than the one seen by now.
func (c *MaterialsCache) begin(id *cacheID, seen *cached) (f *flight, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prune()
	if e := c.entries[*id]; e != nil && e != seen {
		return nil, false
	}
	if f = c.flights[*id]; f != nil {
		return f, false
	}
	f = &flight{done: make(chan struct{}), abandoned: true}
	c.flights[*id] = f
	return f, true
}

// land ends a flight and stores the entry, if there is one and the cache was
// not cleared since.
func (c *MaterialsCache) land(id *cacheID, f *flight, e *cached) {
	c.mu.Lock()
	if c.flights[*id] == f {
		delete(c.flights, *id)
		if e != nil {
			c.put(e)
		}
	} else if e != nil {
		e.wipe()
	}
	c.mu.Unlock()
	close(f.done)
}

// cacheOrder is a heap of the entries by rank, the lowest first.
type cacheOrder []*cached

func (o cacheOrder) Len() int           { return len(o) }
func (o cacheOrder) Less(i, j int) bool { return o[i].rank < o[j].rank }

func (o cacheOrder) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].place, o[j].place = i, j
}

// Push implements heap.Interface.
func (o *cacheOrder) Push(x any) {
	e := x.(*cached)
	e.place = len(*o)
	*o = append(*o, e)
}

// Pop implements heap.Interface.
func (o *cacheOrder) Pop() any {
	all := *o
	e := all[len(all)-1]
	all[len(all)-1] = nil
	*o = all[:len(all)-1]
	return e
}
