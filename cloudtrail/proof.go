// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"
)

// Proof is what a Bundle was found to prove. All but Report is zero unless the
// report's Verdict is Valid.
type Proof struct {
	Report *Report // the first check that failed, or none

	Chain   Chain           // of the digest
	Digest  *Digest         // which was signed
	Log     LogFile         // which it lists
	Content bool            // the file itself is in the bundle, and is that one
	Event   json.RawMessage // the one event, as it stands in the file; nil for none
	Through time.Time       // the end of the last link, or of the digest
}

// VerifyBundle judges a bundle by keys that the caller trusts, and by nothing
// else: it needs no network and no trail. It makes the checks that Run makes, in
// the same order: the digest is well formed and of the bundle's region, signed
// by a trusted key in its time, which is the bundle's; the entry is the log file
// that the bundle speaks of; each link continues the digest before it; the file
// has the signed hash and the event is in it. The first check that fails is the
// one finding of the report.
//
// It proves that CloudTrail delivered this file. That nothing beside it was
// delivered takes the trail.
func VerifyBundle(b *Bundle, trusted KeyRing) *Proof {
	v := &Validator{Limits: Limits{}.filled(), LateDelivery: defaultLate}
	r := &run{v: v, chains: map[Chain]*chainState{}, keys: newKeyCache(trusted)}
	// A ring lists the same keys for any time: they are read once, not for each link.
	r.keys.extend(b.Region, Interval{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10_001, 1, 1, 0, 0, 0, 0, time.UTC)})
	p := &proofCheck{run: r, bundle: b, inf: newInflater(nil)}
	f := p.all()
	if f != nil {
		n := newFinding(f.code, p.id(), time.Time{}, p.where, f.detail)
		n.Want, n.Got, n.reason = f.want, f.got, f.reason
		if f.verdict != Valid {
			n.Verdict = f.verdict
		}
		r.report(n)
		p.proof = Proof{}
	}
	p.proof.Report = r.finish()
	p.proof.Report.Checkpoint = nil // a bundle is no trail to continue from
	return &p.proof
}

// proofCheck is the checks of one bundle.
type proofCheck struct {
	run    *run
	bundle *Bundle
	inf    *inflater
	chain  *chainState // once the digest's name is read
	where  string      // the object that is being checked
	proof  Proof
}

func (p *proofCheck) id() *Chain {
	if p.chain == nil {
		return nil
	}
	return &p.chain.id
}

func (p *proofCheck) all() *fault {
	b := p.bundle
	first, d, f := p.digest(&b.Digest)
	if f != nil {
		return f
	}
	p.where = b.Object
	if b.Entry < 0 || b.Entry >= len(d.Logs) {
		return &fault{code: LogUnreferenced, detail: "the digest has no such entry"}
	}
	log := d.Logs[b.Entry]
	if got := log.location().String(); got != b.Object {
		return &fault{code: LogUnreferenced, detail: "the digest's entry is another log file", want: b.Object, got: got}
	}
	p.proof = Proof{Chain: p.chain.id, Digest: d, Log: log}
	end, f := p.links(first)
	if f != nil {
		return f
	}
	p.proof.Through = end
	p.where = b.Object
	return p.log(log)
}

// digest checks one signed digest and enters it in the chain.
func (p *proofCheck) digest(sd *SignedDigest) (*state, *Digest, *fault) {
	limits := p.run.v.Limits
	var text []byte
	res, err := p.inf.read(bytes.NewReader(sd.Body), int64(len(sd.Body)), limits.DigestStored, limits.DigestInflated,
		func(b []byte) { text = append(text, b...) })
	ch := digestCheck{run: p.run, chain: &chainState{tail: "unchecked"}, signature: &sd.Signature, meta: map[string]string{
		metaSignature: sd.Signature,
	}}
	if !sd.Generated.IsZero() {
		ch.meta[metaGeneration] = sd.Generated.UTC().Format(time.RFC3339)
	}
	var name DigestName
	if d, err := ParseDigest(text, limits); err == nil {
		ch.where = location{d.Bucket, d.Object}
		p.where = ch.where.String()
		if name, err = ParseDigestName(d.Object); err != nil {
			return nil, nil, &fault{code: DigestInvalid, detail: "digestS3Object is no digest's key"}
		}
		ch.chain.id = name.Chain
	}
	d, f := ch.form(res, text, err)
	if f != nil {
		return nil, nil, f
	}
	ch.state = &state{bucket: d.Bucket, prefix: name.Prefix, end: name.End, sum: res.sum, read: true, inRange: true, selected: true}
	if p.chain == nil {
		ch.chain.examined = true
		p.chain = ch.chain
		p.run.chains[ch.chain.id] = ch.chain
		if f := p.expected(d); f != nil {
			return nil, nil, f
		}
	} else if p.chain.id != ch.chain.id {
		return nil, nil, &fault{code: ChainBroken, detail: "a link of another chain", want: p.chain.id.String(), got: ch.chain.id.String()}
	}
	ch.chain = p.chain
	p.chain.digests = append(p.chain.digests, ch.state)
	if f := ch.authenticity(context.Background(), d); f != nil {
		return nil, nil, f
	}
	if res.shape == shapeTrailing {
		return nil, nil, &fault{code: DigestTrailing, reason: res.shape}
	}
	ch.state.accepted, ch.state.start = true, d.Start
	return ch.state, d, nil
}

// expected compares the first digest with what the bundle says of it.
func (p *proofCheck) expected(d *Digest) *fault {
	b := p.bundle
	if p.chain.id.Region != b.Region {
		return &fault{code: DigestMoved, detail: "a digest of another region than the bundle's", want: b.Region, got: p.chain.id.Region}
	}
	keys, _ := p.run.keys.lookup(context.Background(), b.Region, Interval{d.Start, d.End}).find(d.Fingerprint)
	if len(keys) > 0 && !bytes.Equal(keys[0].Value, b.Key.Value) {
		return &fault{code: DigestUnknownKey, detail: "the bundle's key is not the trusted one that its digest names", got: d.Fingerprint}
	}
	return nil
}

// links checks that each digest continues the one before it.
func (p *proofCheck) links(last *state) (through time.Time, f *fault) {
	for i := range p.bundle.Links {
		s, d, f := p.digest(&p.bundle.Links[i])
		if f != nil {
			return through, f
		}
		want := p.chain.location(last)
		switch {
		case d.Previous == nil:
			return through, &fault{code: ChainBroken, detail: "a link that begins a chain"}
		case location{d.Previous.Bucket, d.Previous.Object} != want:
			return through, &fault{code: ChainBroken, detail: "a link names another digest", want: want.String(), got: location{d.Previous.Bucket, d.Previous.Object}.String()}
		case !strings.EqualFold(d.Previous.Hash, hexSum(last.sum)):
			return through, &fault{code: ChainBroken, detail: "previous hash differs", want: hexSum(last.sum), got: d.Previous.Hash}
		case sumText(d.Previous.Signature) != last.sig:
			return through, &fault{code: ChainBroken, detail: "previous signature differs"}
		case !p.chain.id.Backfill && d.Start.Before(last.end):
			return through, &fault{code: ChainBroken, detail: "a link begins before the digest before it ends"}
		case !p.chain.id.Backfill && d.Start.After(last.end): // both are signed: nothing is forged
			return through, &fault{code: CoverageHole, detail: "a link begins later than the digest before it ends"}
		}
		last = s
	}
	return last.end, nil
}

// log checks the file and takes the event out of it.
func (p *proofCheck) log(entry LogFile) *fault {
	b := p.bundle
	if b.Log == nil {
		if b.HasEvent {
			return &fault{code: LogMissing, detail: "an event without its log file"}
		}
		return nil
	}
	var text []byte
	var keep func([]byte)
	if b.HasEvent {
		keep = func(p []byte) { text = append(text, p...) }
	}
	most := p.run.v.Limits.LogInflated
	res, err := p.inf.read(bytes.NewReader(b.Log), int64(len(b.Log)), maxBundle, most, keep)
	f := logFault(res, err, entry.Hash)
	p.run.counts.Logs.Total++
	if f != nil {
		p.run.counts.Logs.Invalid++
		return f
	}
	p.run.counts.Logs.Valid++
	p.run.counts.Bytes += res.inflated
	p.proof.Content = true
	if !b.HasEvent {
		return nil
	}
	_, record, err := findRecord(text, most, func(i int, _ []byte) bool { return i == b.Event })
	switch {
	case err != nil:
		return &fault{code: LogInvalid, detail: "its events cannot be read: " + err.Error()}
	case record == nil:
		return &fault{code: LogInvalid, detail: "the log file has no such event"}
	}
	p.run.counts.Events = 1
	p.proof.Event = bytes.Clone(record)
	return nil
}
