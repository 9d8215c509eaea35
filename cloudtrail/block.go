// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"slices"
)

// eventWorker reads log files for the consumer of events. It has one buffer,
// which comes back when the consumer is done with it, and for files that are
// too long for that the hashes of their blocks.
//
// Of a long file nothing may be passed on before all of it was verified, and
// all of it is more than memory should hold. So it is read twice: the first
// time its hash is verified, and on the way each block is hashed; the second
// time each block has to be what it was. Nothing is spooled to a disk, and an
// object that is replaced between the two reads gets nothing past. What it
// costs is the second read, and 32 bytes for each block.
type eventWorker struct {
	worker
	back  chan []byte
	sums  blockSums
	block [2][]byte // of a stream; the consumer has one, the worker the other
}

func newEventWorker(r *run) *eventWorker {
	w := &eventWorker{worker: worker{run: r}, back: make(chan []byte, 1), sums: blockSums{block: sha256.New()}}
	w.back <- nil
	return w
}

// do reads one log file and hands it over.
func (w *eventWorker) do(ctx context.Context, t *eventTask) {
	var data []byte
	select {
	case <-ctx.Done():
		return
	case data = <-w.back:
	}
	long := false
	begin := func(*Object) { data, long = data[:0], false; w.sums.reset() }
	res, f := w.readLog(ctx, t.where, t.hash, begin, func(p []byte) {
		switch {
		case !long && len(data)+len(p) <= holdLog:
			if len(p) > cap(data)-len(data) { // doubling; append would by then grow by quarters
				data = slices.Grow(data, max(len(p), min(cap(data), holdLog-len(data))))
			}
			data = append(data, p...)
			return
		case !long:
			long = true
			w.sums.add(data)
		}
		w.sums.add(p)
	})
	if ctx.Err() != nil {
		return
	}
	w.run.countLog(res, f)
	if f == nil && !long {
		t.out <- eventFile{data: data, back: w.back}
		return
	}
	w.back <- data
	if f != nil {
		t.out <- eventFile{fault: f}
		return
	}
	w.sums.finish()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &blockStream{blocks: make(chan []byte), cancel: cancel}
	t.out <- eventFile{stream: s}
	s.fault = w.stream(ctx, t, s.blocks)
	close(s.blocks)
}

// stream reads a verified long file again and sends its blocks.
func (w *eventWorker) stream(ctx context.Context, t *eventTask, blocks chan<- []byte) (changed *fault) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	again := blockSums{block: w.sums.block}
	sent := 0 // how many blocks; a read that is begun anew sends none twice
	if w.block[0] == nil {
		w.block = [2][]byte{make([]byte, 0, blockLog), make([]byte, 0, blockLog)}
	}
	check := func() {
		again.finish()
		n := len(again.sums)
		switch {
		case changed != nil || n <= sent && n <= len(w.sums.sums) && again.sums[n-1] == w.sums.sums[n-1]:
		case n > len(w.sums.sums) || again.sums[n-1] != w.sums.sums[n-1]:
			changed = &fault{code: LogHashMismatch, detail: "changed between two reads", want: t.hash}
			cancel()
		default:
			select {
			case <-ctx.Done():
			case blocks <- w.block[0]:
				sent++
				w.block[0], w.block[1] = w.block[1], w.block[0]
			}
		}
		w.block[0] = w.block[0][:0]
	}
	begin := func(*Object) { again.reset(); w.block[0] = w.block[0][:0] }
	limit := w.run.v.Limits.LogInflated
	res, err := w.fetch(ctx, t.where, limit+limit>>8+1<<20, limit, begin, func(p []byte) {
		for len(p) > 0 && changed == nil {
			n := min(len(p), blockLog-len(w.block[0]))
			w.block[0] = append(w.block[0], p[:n]...)
			again.add(p[:n])
			if p = p[n:]; len(w.block[0]) == blockLog {
				check()
			}
		}
	})
	if changed == nil && len(w.block[0]) > 0 && err == nil {
		check()
	}
	if changed == nil {
		changed = logFault(res, err, t.hash)
	}
	return changed
}

// blockSums are the SHA-256 hashes of the blocks of a file.
type blockSums struct {
	sums  [][sha256.Size]byte
	block hash.Hash
	n     int // bytes in it
}

func (b *blockSums) reset() {
	b.sums, b.n = b.sums[:0], 0
	b.block.Reset()
}

func (b *blockSums) add(p []byte) {
	for len(p) > 0 {
		n := min(len(p), blockLog-b.n)
		b.block.Write(p[:n])
		b.n += n
		if p = p[n:]; b.n == blockLog {
			b.finish()
		}
	}
}

// finish ends the block, if one is begun.
func (b *blockSums) finish() {
	if b.n == 0 {
		return
	}
	b.sums = append(b.sums, [sha256.Size]byte(b.block.Sum(nil)))
	b.block.Reset()
	b.n = 0
}

// blockStream is the verified blocks of a long file on their way to the
// consumer, who cancels it when he wants no more of them. fault may be read
// when blocks is closed.
type blockStream struct {
	blocks chan []byte
	cancel func()
	fault  *fault
}

// Error makes a fault what blockReader returns for a file that changed.
func (f *fault) Error() string { return string(f.code) + ": " + f.detail }

// blockReader reads a blockStream.
type blockReader struct {
	ctx    context.Context
	stream *blockStream
	block  []byte
}

func (r *blockReader) Read(p []byte) (int, error) {
	if len(r.block) == 0 {
		var more bool
		select {
		case <-r.ctx.Done():
			return 0, context.Cause(r.ctx)
		case r.block, more = <-r.stream.blocks:
		}
		switch {
		case !more && r.stream.fault != nil:
			return 0, r.stream.fault
		case !more:
			return 0, io.EOF
		}
	}
	n := copy(p, r.block)
	r.block = r.block[n:]
	return n, nil
}
