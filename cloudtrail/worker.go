// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// worker reads objects one after the other. Its buffers live as long as it.
type worker struct {
	run     *run
	queue   *queue
	inf     *inflater
	version string // of the objects to read; empty for the current one
	buf     []byte // a digest, uncompressed
	large   bool   // it holds run.large
}

// largeDigest is the size from which digests are held one at a time, by all
// workers together: CloudTrail's have a few thousand bytes.
const largeDigest = 4 << 20

// keep appends a piece of a digest to buf.
func (w *worker) keep(p []byte) {
	n := len(w.buf) + len(p)
	if n > largeDigest && !w.large {
		w.run.large.Lock()
		w.large = true
	}
	if n > cap(w.buf) {
		w.buf = slices.Grow(w.buf, max(len(p), len(w.buf)))
	}
	w.buf = append(w.buf, p...)
}

// release lets the next large digest be held.
func (w *worker) release() {
	if cap(w.buf) > 1<<20 {
		w.buf = nil
	}
	if w.large {
		w.large = false
		w.run.large.Unlock()
	}
}

// tries is how often an object is opened before a transport fault counts.
const tries = 3

// fetch opens and inflates an object, again after a transport fault. begin is
// called before each try.
func (w *worker) fetch(ctx context.Context, where location, stored, inflated int64, begin func(*Object), each func([]byte)) (res result, err error) {
	if w.inf == nil {
		var gz Gunzip
		if w.run.v.NewGunzip != nil {
			gz = w.run.v.NewGunzip()
		}
		w.inf = newInflater(gz)
	}
	if len(where.key) > maxKey {
		return res, fmt.Errorf("%w: object key of more than %d bytes", ErrLimit, maxKey)
	}
	wait := 100 * time.Millisecond
	for try := 1; ; try++ {
		res, err = w.fetchOnce(ctx, where, stored, inflated, begin, each)
		var fault *errTransport
		if err == nil || try == tries || !errors.As(err, &fault) && !errors.Is(err, ErrTransient) {
			return res, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return res, context.Cause(ctx)
		case <-timer.C:
		}
		wait *= 4
	}
}

func (w *worker) open(ctx context.Context, where location) (*Object, error) {
	if w.version != "" {
		return w.run.v.Versions.OpenVersion(ctx, where.bucket, where.key, w.version)
	}
	return w.run.v.Source.Open(ctx, where.bucket, where.key)
}

func (w *worker) fetchOnce(ctx context.Context, where location, stored, inflated int64, begin func(*Object), each func([]byte)) (result, error) {
	o, err := w.open(ctx, where)
	if err != nil {
		return result{}, err
	}
	defer o.Body.Close()
	if o.Size > stored {
		return result{}, fmt.Errorf("%w: stored object of more than %d bytes", ErrLimit, stored)
	}
	if begin != nil {
		begin(o)
	}
	return w.inf.read(contextReader{ctx, o.Body}, o.Size, stored, inflated, each)
}

// contextReader ends when its context does, so that no long object keeps a run
// that was cancelled.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// digest does one digest task.
func (w *worker) digest(ctx context.Context, t digestTask) {
	c := t.chain
	if !t.walk {
		w.checkDigest(ctx, c, c.digests[t.index], nil, false)
		return
	}
	w.walk(ctx, c, t.index)
	if t.index > 0 && !c.digests[t.index-1].end.Before(c.from.Add(-hour)) {
		w.queue.addDigest(digestTask{c, t.index - 1, true})
	}
}

// walk checks the digest of a copy without metadata whose turn it is. Its
// signature stands in the digest that follows; the newest has none, which is no
// reason to doubt what it says about the one before it, since that is proved
// by the signature itself.
func (w *worker) walk(ctx context.Context, c *chainState, index int) {
	s := c.digests[index]
	if s.read && !s.deferred {
		return // it has its finding, and supplies nothing
	}
	var signature *string // an empty one is a statement too, and a false one
	text, ok := c.signed[c.location(s)]
	if ok {
		signature = &text
	}
	newest := true
	if index+1 < len(c.digests) {
		next := c.digests[index+1]
		newest = next.accepted && next.previous == nil
	}
	s.deferred = false
	d := w.checkDigest(ctx, c, s, signature, true)
	switch {
	case d == nil || ok && !s.accepted:
		return
	case !ok && s.selected:
		f := newFinding(DigestNoSig, &c.id, s.end, c.location(s).String(), "copy without metadata, and the digest after it supplies no signature")
		if newest {
			f.Severity, f.Detail = Warning, "newest digest of a copy without metadata"
		}
		w.run.report(f)
	}
	if d.Previous != nil && (ok || newest) {
		c.signed[location{d.Previous.Bucket, d.Previous.Object}] = d.Previous.Signature
	}
}

// fault is the first check that a digest failed.
type fault struct {
	code      Code
	detail    string
	want, got string
	verdict   Verdict // where it is not the code's own
	reason    shape
}

// checkDigest reads a digest, checks it, and accepts it or reports why not. With
// walking, signature is what its successor holds, and a digest for which that
// is nil is returned unreported after the checks that need none.
func (w *worker) checkDigest(ctx context.Context, c *chainState, s *state, signature *string, walking bool) *Digest {
	r := w.run
	where := c.location(s)
	var meta map[string]string
	copied := false
	begin := func(o *Object) { w.buf, meta, copied = w.buf[:0], o.Metadata, o.Copied }
	defer w.release()
	res, err := w.fetch(ctx, where, r.v.Limits.DigestStored, r.v.Limits.DigestInflated, begin, w.keep)
	if ctx.Err() != nil {
		return nil
	}
	if !s.read && s.selected {
		r.step(func(p *Progress) { p.Digests++; p.Bytes += res.inflated })
	}
	s.read, s.sum = true, res.sum
	_, has := meta[metaSignature]
	if has {
		r.mu.Lock()
		c.hasSignature = true
		r.mu.Unlock()
	}
	ch := digestCheck{run: r, chain: c, state: s, where: where, meta: meta, signature: signature, walking: walking}
	d, f := ch.form(res, w.buf, err)
	if f == nil && signature == nil {
		switch {
		case walking:
			return d
		case !has && copied:
			s.deferred = true
			return nil
		}
	}
	if f == nil {
		f = ch.authenticity(ctx, d)
	}
	if f == nil && res.shape == shapeTrailing {
		w.refuse(c, s, fault{code: DigestTrailing, reason: res.shape})
	}
	if f != nil {
		w.refuse(c, s, *f)
		return d
	}
	r.accept(c, s, d, w.queue)
	w.continues(c, s)
	return d
}

// refuse reports what is wrong with a digest, if it was asked for.
func (w *worker) refuse(c *chainState, s *state, why fault) {
	if !s.selected {
		return
	}
	f := newFinding(why.code, &c.id, s.end, c.location(s).String(), why.detail)
	f.Want, f.Got, f.reason = why.want, why.got, why.reason
	if why.verdict != Valid {
		f.Verdict = why.verdict
	}
	w.run.report(f)
}

// continues compares an accepted digest with the checkpoint that names it.
func (w *worker) continues(c *chainState, s *state) {
	end := c.continued
	if end == nil || !s.selected || end.Digest != c.location(s).String() {
		return
	}
	switch {
	case !strings.EqualFold(end.SHA256, hexSum(s.sum)):
		s.broken = true
		w.refuse(c, s, fault{code: ChainBroken, detail: "not the digest the checkpoint names: hash differs", want: end.SHA256, got: hexSum(s.sum)})
	case !strings.EqualFold(end.Signature, hex.EncodeToString(s.saved)):
		s.broken = true
		w.refuse(c, s, fault{code: ChainBroken, detail: "not the digest the checkpoint names: signature differs"})
	}
}

// checkLog reads one log file and compares its hash with the signed one.
func (w *worker) checkLog(ctx context.Context, t logTask) {
	where := t.log.location()
	res, f := w.readLog(ctx, where, t.log.Hash, nil, nil)
	if ctx.Err() == nil {
		w.run.countLog(res, f)
		if f != nil {
			w.run.report(logFinding(f, &t.chain.id, t.digest.end, where))
			w.run.failed(&t.log, f)
		}
	}
}

// readLog reads a log file. begin is called before each read, each with what is
// read. A hash that differs is computed once more from a second read.
func (w *worker) readLog(ctx context.Context, where location, hash string, begin func(*Object), each func([]byte)) (res result, f *fault) {
	limit := w.run.v.Limits.LogInflated
	for range 2 {
		var err error
		res, err = w.fetch(ctx, where, limit+limit>>8+1<<20, limit, begin, each)
		if ctx.Err() != nil {
			return res, nil
		}
		f = logFault(res, err, hash)
		if f == nil || f.code != LogHashMismatch {
			break
		}
	}
	return res, f
}

// countLog counts a log file that was read.
func (r *run) countLog(res result, f *fault) {
	r.step(func(p *Progress) {
		p.Logs++
		p.Bytes += res.inflated
		r.counts.Bytes += res.inflated
		if f == nil {
			r.counts.Logs.Valid++
		} else {
			r.counts.Logs.Invalid++
		}
	})
}

// recount makes a log file that was counted as valid an invalid one.
func (r *run) recount() {
	r.mu.Lock()
	r.counts.Logs.Valid--
	r.counts.Logs.Invalid++
	r.mu.Unlock()
}

// logFinding is what is wrong with a log file that a digest ending at a time
// lists.
func logFinding(f *fault, chain *Chain, end time.Time, where location) Finding {
	n := newFinding(f.code, chain, end, where.String(), f.detail)
	n.Want, n.Got, n.reason = f.want, f.got, f.reason
	return n
}

func logFault(res result, err error, want string) *fault {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fault{code: LogMissing}
	case errors.Is(err, ErrArchived):
		return &fault{code: LogArchived}
	case err != nil:
		return &fault{code: LogUnreadable, detail: detailOf(err)}
	}
	switch res.shape {
	case shapeNotGzip:
		return &fault{code: LogNotGzip, reason: res.shape}
	case shapeBroken:
		return &fault{code: LogInvalid, detail: res.shape.String(), reason: res.shape}
	case shapeCut:
		if strings.EqualFold(hexSum(res.sum), want) {
			return &fault{code: LogInvalid, detail: "the gzip trailer is missing or short", reason: shapeBroken}
		}
		return &fault{code: LogInvalid, detail: res.shape.String(), reason: res.shape}
	case shapeTrailing:
		return &fault{code: LogTrailingData, reason: res.shape}
	}
	if got := hexSum(res.sum); !strings.EqualFold(got, want) {
		return &fault{code: LogHashMismatch, want: want, got: got}
	}
	return nil
}

// detailOf says why an object could not be read.
func detailOf(err error) string {
	if errors.Is(err, ErrLimit) {
		return "limit"
	}
	return err.Error()
}

func hexSum(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:]) }

// sumText is the SHA-256 of a hex text without regard to case.
func sumText(s string) [sha256.Size]byte { return sha256.Sum256([]byte(strings.ToLower(s))) }

// verify checks an RSASSA-PKCS1-v1_5 signature with SHA-256 over text.
func verify(key *rsa.PublicKey, text string, signature []byte) error {
	sum := sha256.Sum256([]byte(text))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
}
