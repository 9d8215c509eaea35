// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bytes"
	"container/heap"
	"context"
	"crypto/sha256"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// ReplayGuard remembers requests, so that none is accepted twice. A Verifier
// with a Replay asks it once per request, after the signature was found good:
// nobody without a key can fill it. A presigned URL works once then.
//
// [ReplayCache] serves one process; several servers behind one name need a
// store that they share, in which Admit is a set-if-absent with expiry.
type ReplayGuard interface {
	// Admit records the request until the given time, after which the Verifier
	// refuses it by its date. It returns nil for a request not seen before, an
	// error that wraps ErrReplayed for one that was, and any other error where
	// it cannot tell; the Verifier refuses the request then.
	Admit(ctx context.Context, id [32]byte, until time.Time) error
}

// replayID names a request in a guard: access key and signature. An ECDSA
// signature (r, s) has a twin (r, N-s) that anybody can compute and that
// verifies as well, so of the two the lesser s counts.
func replayID(a Algorithm, accessKeyID string, sig []byte) [32]byte {
	if a == AlgorithmV4A {
		sig = lowS(sig)
	}
	h := sha256.New()
	h.Write([]byte(accessKeyID))
	h.Write([]byte{0})
	h.Write(sig)
	return [32]byte(h.Sum(nil))
}

// lowS returns r and the lesser of s and N-s, of a canonical DER signature.
// Nothing here is secret.
func lowS(der []byte) []byte {
	r := der[4 : 4+int(der[3])]
	tail := der[4+len(r):]
	s := new(big.Int).SetBytes(tail[2:])
	if twin := new(big.Int).Sub(p256Order(), s); twin.Cmp(s) < 0 {
		s = twin
	}
	return append(bytes.Clone(r), s.Bytes()...)
}

// p256Order is N.
func p256Order() *big.Int {
	n := new(big.Int).SetBytes([]byte(p256NMinus2))
	return n.Add(n, big.NewInt(2))
}

// defaultReplays is the capacity of a ReplayCache that names none: about 5 MiB
// when full.
const defaultReplays = 65536

// ReplayCache is a ReplayGuard in memory, bounded: an entry takes some 80 bytes
// until its request has expired. The zero value is ready to use. It is safe for
// concurrent use and must not be copied.
type ReplayCache struct {
	// Capacity is the number of requests remembered at once; 0 means 65536.
	// A server that accepts n requests a second needs 1,800 n for header
	// authentication with the usual 15 minutes of skew.
	Capacity int
	// FailOpen lets requests pass unrecorded while the cache is full. The
	// default refuses them.
	FailOpen bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	mu   sync.Mutex
	seen map[[32]byte]struct{}
	due  replayHeap
}

type replayEntry struct {
	id    [32]byte
	until int64 // Unix nanoseconds
}

// Admit implements ReplayGuard. It never waits, and does not use ctx.
func (c *ReplayCache) Admit(_ context.Context, id [32]byte, until time.Time) error {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	capacity := c.Capacity
	if capacity <= 0 {
		capacity = defaultReplays
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire(now())
	if _, ok := c.seen[id]; ok {
		return fmt.Errorf("%w: it was accepted before", ErrReplayed)
	}
	if len(c.due) >= capacity {
		if c.FailOpen {
			return nil
		}
		return fmt.Errorf("%w or may be: the replay cache is full", ErrReplayed)
	}
	if c.seen == nil {
		c.seen = make(map[[32]byte]struct{})
	}
	c.seen[id] = struct{}{}
	heap.Push(&c.due, replayEntry{id, until.UnixNano()})
	return nil
}

// expire forgets requests that the Verifier refuses by their date. The last
// moment itself still counts.
func (c *ReplayCache) expire(now time.Time) {
	for len(c.due) > 0 && c.due[0].until < now.UnixNano() {
		entry := heap.Pop(&c.due).(replayEntry)
		delete(c.seen, entry.id)
	}
}

// replayHeap orders entries by their end.
type replayHeap []replayEntry

func (h replayHeap) Len() int           { return len(h) }
func (h replayHeap) Less(i, j int) bool { return h[i].until < h[j].until }
func (h replayHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *replayHeap) Push(x any)        { *h = append(*h, x.(replayEntry)) }
func (h *replayHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
