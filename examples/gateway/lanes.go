// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/md5"
	"hash"
	"sync"
	"sync/atomic"

	md5simd "github.com/minio/md5-simd"
)

// Two thirds of the processor time of a large upload is the MD5 of its entity
// tag. Bodies that arrive together are hashed together, each in a lane of the
// vector registers: puts of 64 MiB over 64 connections took 0.77 of the time.
const (
	laneBody  = 1 << 20 // bytes of a body that is worth it
	laneCrowd = 8       // such bodies at once: 16 lanes take 0.52 of crypto/md5's time, 4 take 1.4
)

var (
	lanes       = sync.OnceValue(func() *laneHashes { return &laneHashes{server: md5simd.NewServer()} })
	largeBodies atomic.Int64
)

// laneHashes gives out hashes, and takes them back for others: the library keeps
// each that it ever made, closed or not, and looks at all of them for every
// block: the last 5,000 of 20,000 took eight times as long as the first.
type laneHashes struct {
	server md5simd.Server
	mu     sync.Mutex
	idle   []md5simd.Hasher // no more than there were large bodies at once
}

func (l *laneHashes) get() md5simd.Hasher {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := len(l.idle) - 1; last >= 0 {
		h := l.idle[last]
		l.idle = l.idle[:last]
		return h
	}
	return l.server.NewHash()
}

func (l *laneHashes) put(h md5simd.Hasher) {
	h.Reset()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, h)
}

// bodyMD5 returns the MD5 for a body of a length, -1 where nobody knows it. done
// ends its use; its sum can still be read.
func bodyMD5(length int64) (h hash.Hash, done func()) {
	if length < laneBody {
		return md5.New(), func() {}
	}
	if largeBodies.Add(1) <= laneCrowd {
		return md5.New(), func() { largeBodies.Add(-1) }
	}
	lane := &laneMD5{Hasher: lanes().get()}
	return lane, func() {
		largeBodies.Add(-1)
		lane.Close()
	}
}

// laneMD5 keeps its sum when it gives back its hash, which another body has then.
type laneMD5 struct {
	md5simd.Hasher
	sum []byte
}

func (l *laneMD5) Close() {
	l.sum = l.Hasher.Sum(nil)
	lanes().put(l.Hasher)
	l.Hasher = nil // nothing is written into another body's sum
}

func (l *laneMD5) Sum(b []byte) []byte {
	if l.sum != nil {
		return append(b, l.sum...)
	}
	return l.Hasher.Sum(b)
}
