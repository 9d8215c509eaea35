// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// ProofRequest says what to prove.
type ProofRequest struct {
	Bucket, Object string // the log file

	Event   string // eventID of one event in it; empty for the whole file
	OmitLog bool   // leave the file out and prove its hash; not with Event
	Links   int    // how many later digests to put in, if there are; at most 1,000
}

// lateListing is how long after the time in its name a log file is looked for
// in digests before the whole chain is searched.
const lateListing = 24 * hour

// Prove makes a bundle for a log file: of the earliest digest that passes every
// check and lists it. The same trail gives the same bundle. The bundle has been
// verified with the Validator's keys; when something does not hold, bundle is
// nil and the report says what: findings about the digests read on the way, and
// one about the file. From, To, Accounts and Regions narrow the search; they may
// be zero. It fails as Run does, and with ErrConfig for a request that makes no
// sense.
func (v *Validator) Prove(ctx context.Context, q ProofRequest) (*Bundle, *Report, error) {
	switch {
	case q.Bucket == "" || q.Object == "":
		return nil, nil, &Error{"ProofRequest.Bucket or Object is empty", ErrConfig}
	case q.OmitLog && q.Event != "":
		return nil, nil, &Error{"ProofRequest.OmitLog with an Event", ErrConfig}
	case q.Links < 0 || q.Links > maxLinks:
		return nil, nil, &Error{"ProofRequest.Links is not 0 to 1000", ErrConfig}
	}
	narrow := *v
	narrow.Checkpoint, narrow.Live, narrow.KeepObjects, narrow.ExpectThrough = nil, false, false, time.Time{}
	name, err := ParseLogName(q.Object)
	if err == nil && v.Accounts == nil && v.Regions == nil {
		narrow.Accounts, narrow.Regions = []string{name.Account}, []string{name.Region}
	}
	guess := err == nil && v.From.IsZero() && v.To.IsZero()
	if guess {
		narrow.From = name.Time.Add(-hour)
		narrow.To = name.Time.Add(lateListing + time.Duration(q.Links)*hour)
	}
	p, err := narrow.prove(ctx, q)
	if err == nil && p.bundle == nil && p.found == nil && guess {
		narrow.From, narrow.To = v.From, v.To
		p, err = narrow.prove(ctx, q)
	}
	if p == nil {
		return nil, nil, err
	}
	return p.bundle, p.rep, err
}

// prover is one search for a digest that lists a log file.
type prover struct {
	run    *run
	w      *worker
	target location
	found  *state
	chain  *chainState
	bundle *Bundle
	rep    *Report
}

func (v *Validator) prove(ctx context.Context, q ProofRequest) (*prover, error) {
	r, err := v.start()
	if err != nil {
		return nil, err
	}
	p := &prover{run: r, w: &worker{run: r}, target: location{q.Bucket, q.Object}}
	r.target = &p.target
	defer r.background.Wait()
	if err := r.discover(ctx); err != nil {
		return nil, err
	}
	r.selectRange()
	if err := r.readAll(ctx); err != nil {
		return nil, err
	}
	for _, c := range r.sorted() {
		for _, s := range c.digests {
			if p.found == nil && s.accepted && s.lists {
				p.found, p.chain = s, c
			}
		}
	}
	if p.found == nil {
		f := newFinding(LogUnreferenced, nil, time.Time{}, p.target.String(), "no digest that passed its checks lists it")
		f.Verdict = Incomplete
		r.report(f)
		p.rep = r.finish()
		return p, nil
	}
	return p, p.make(ctx, q)
}

// make reads what the bundle holds and verifies it.
func (p *prover) make(ctx context.Context, q ProofRequest) error {
	r, s, c := p.run, p.found, p.chain
	b := &Bundle{Region: c.id.Region, Object: p.target.String()}
	var d *Digest
	var err error
	if b.Digest, d, err = p.signed(ctx, s); err != nil {
		return err
	}
	b.Entry = slices.IndexFunc(d.Logs, func(l LogFile) bool { return l.location() == p.target })
	set := r.keys.lookup(ctx, c.id.Region, r.span(d.Start, d.End, b.Digest.Generated, c.id.Backfill))
	trusted, _ := set.find(d.Fingerprint)
	if len(trusted) == 0 || b.Entry < 0 {
		return errChanged(c.location(s))
	}
	b.Key = trusted[0]
	ring := KeyRing{c.id.Region: slices.Clone(trusted)}
	for at := s; len(b.Links) < q.Links; {
		if at = c.successor(at); at == nil {
			break
		}
		link, d, err := p.signed(ctx, at)
		if err != nil {
			return err
		}
		span := r.span(d.Start, d.End, link.Generated, c.id.Backfill)
		keys, _ := r.keys.lookup(ctx, c.id.Region, span).find(d.Fingerprint)
		ring[c.id.Region] = append(ring[c.id.Region], keys...)
		b.Links = append(b.Links, link)
	}
	if p.rep, err = p.log(ctx, q, b, d); err != nil || p.rep != nil {
		return err
	}
	if p.rep = VerifyBundle(b, ring).Report; p.rep.Verdict == Valid {
		p.bundle = b
	}
	return nil
}

// log puts the log file and the event into the bundle. A report says what is
// wrong with them.
func (p *prover) log(ctx context.Context, q ProofRequest, b *Bundle, d *Digest) (*Report, error) {
	if q.OmitLog {
		return nil, nil
	}
	most := p.run.v.Limits.LogInflated
	body, text, res, _, err := p.stored(ctx, p.target, maxBundle/2, most)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	refuse := func(f *fault) *Report {
		n := newFinding(f.code, &p.chain.id, p.found.end, p.target.String(), f.detail)
		n.Want, n.Got, n.reason = f.want, f.got, f.reason
		p.run.report(n)
		return p.run.finish()
	}
	if f := logFault(res, err, d.Logs[b.Entry].Hash); f != nil {
		return refuse(f), nil
	}
	b.Log = body
	if q.Event == "" {
		return nil, nil
	}
	i, record, err := findRecord(text, most, func(_ int, record []byte) bool { return recordID(record) == q.Event })
	switch {
	case err != nil:
		return refuse(&fault{code: LogInvalid, detail: "not the JSON of a log file"}), nil
	case record == nil:
		return refuse(&fault{code: LogMissing, detail: "the log file has no such event"}), nil
	}
	b.Event, b.HasEvent = i, true
	return nil, nil
}

func errChanged(where location) error {
	return &Error{where.String(), fmt.Errorf("%w: changed while it was read", ErrTransient)}
}

// signed reads an accepted digest again, with its bytes as stored.
func (p *prover) signed(ctx context.Context, s *state) (SignedDigest, *Digest, error) {
	where := p.chain.location(s)
	limits := p.run.v.Limits
	body, text, res, meta, err := p.stored(ctx, where, limits.DigestStored, limits.DigestInflated)
	if err != nil {
		return SignedDigest{}, nil, &Error{where.String(), err}
	}
	d, err := ParseDigest(text, limits)
	if err != nil || res.sum != s.sum || res.shape != shapeGood {
		return SignedDigest{}, nil, errChanged(where)
	}
	sd := SignedDigest{Body: body, Signature: hex.EncodeToString(s.saved)}
	if p.chain.id.Backfill {
		sd.Generated, _ = generationTime(meta[metaGeneration]) // checked when it was accepted, and by VerifyBundle
	}
	return sd, d, nil
}

// stored reads an object and returns it as stored and uncompressed.
func (p *prover) stored(ctx context.Context, where location, stored, inflated int64) (body, text []byte, res result, meta map[string]string, err error) {
	var raw bytes.Buffer
	res, err = p.w.fetch(ctx, where, stored, inflated, func(o *Object) {
		raw.Reset()
		text, meta = text[:0], o.Metadata
		o.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(o.Body, &raw), o.Body}
	}, func(b []byte) { text = append(text, b...) })
	return raw.Bytes(), text, res, meta, err
}

// successor returns the accepted digest that names s as the one before it.
func (c *chainState) successor(s *state) *state {
	where := c.location(s)
	for _, n := range c.digests {
		if n.accepted && n.previous != nil && (location{n.previous.bucket, n.previous.object}) == where {
			return n
		}
	}
	return nil
}

// Limits of the JSON of a log file.
const maxEventDepth = 128

// findRecord returns the first event of a log file that want picks, and its
// index; a nil record means none. A file is {"Records":[…]} or one event.
func findRecord(text []byte, most int64, want func(i int, record []byte) bool) (index int, record []byte, err error) {
	r := newJSONReader(text, strictjson.Limits{Size: most, Depth: maxEventDepth})
	list, n := false, 0
	err = r.document(func(name string) error {
		if name != "Records" || r.kind != strictjson.ArrayOpen {
			return r.skip()
		}
		list = true
		return r.elements(func() error {
			one, err := r.scan.Value()
			if err == nil && record == nil && want(n, one) {
				index, record = n, one
			}
			n++
			return err
		})
	})
	if err == nil && !list && want(0, text) {
		return 0, text, nil
	}
	return index, record, err
}

// recordID returns the eventID of an event, or nothing.
func recordID(record []byte) (id string) {
	r := newJSONReader(record, strictjson.Limits{Size: int64(len(record)) + 1, Depth: maxEventDepth})
	err := r.document(func(name string) error {
		if name == "eventID" && r.kind == strictjson.String {
			id = string(r.scan.Text())
		}
		return r.skip()
	})
	if err != nil {
		return ""
	}
	return id
}
