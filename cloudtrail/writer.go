// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Sink stores objects. Put must be atomic and durable: once it has returned the
// object is there, and after a crash it is there whole, metadata included, or
// not at all.
type Sink interface {
	Put(ctx context.Context, o *StoredObject) error
}

// Writer keeps one trail going: it writes log files, and from time to time a
// digest that lists those written since the last. Get one with NewWriter.
//
// Whatever moment the process dies at, the trail is valid up to the newest
// digest, and the next Writer continues it: it lists the log files that were
// written and not yet listed. It is safe for concurrent use; two Writers for one
// trail at a time are not.
type Writer struct {
	signer *Signer
	sink   Sink

	mu      sync.Mutex
	start   time.Time // of the next digest
	last    *Link
	pending []LogFile
}

// NewWriter opens a trail for writing and reads from source where it stands.
// begin is when coverage begins if there is no digest yet. The newest digest has
// to carry a good signature of the signer's key, or of one of older, keys it had
// before. Log files in the signer's folder that are newer than that digest and
// that it does not list are taken for this trail's own: nobody else may write
// there. It fails with ErrSigner when the trail cannot be continued.
func NewWriter(ctx context.Context, s *Signer, source Source, sink Sink, begin time.Time, older ...PublicKey) (*Writer, error) {
	own, err := s.PublicKey(time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	w := &Writer{signer: s, sink: sink, start: begin.UTC().Truncate(time.Second)}
	listed, err := w.resume(ctx, source, append(slices.Clone(older), own))
	if err != nil {
		return nil, err
	}
	return w, w.adopt(ctx, source, listed)
}

// resume finds the newest digest and returns the log files it lists.
func (w *Writer) resume(ctx context.Context, source Source, keys []PublicKey) (map[string]bool, error) {
	s := w.signer
	f := folder{root{s.Bucket, s.Prefix}, s.Org, s.Account, s.Region}
	chain := Chain{Account: s.Account, Region: s.Region, Trail: s.Trail, Home: s.Home, Org: s.Org}
	var newest DigestName
	for key, err := range source.List(ctx, s.Bucket, f.key("CloudTrail-Digest"), "") {
		if err != nil {
			return nil, errListing(location{s.Bucket, f.key("CloudTrail-Digest")}, err)
		}
		n, err := ParseDigestName(key)
		if err == nil && n.Chain == chain && n.End.After(newest.End) {
			newest = n
		}
	}
	if newest.End.IsZero() {
		return nil, nil
	}
	where := location{s.Bucket, newest.String()}
	var text bytes.Buffer
	res, meta, err := readObject(ctx, source, where, Limits{}.filled().DigestInflated, &text)
	if err != nil {
		return nil, &Error{where.String(), fmt.Errorf("%w: %w", ErrSigner, err)}
	}
	d, err := ParseDigest(text.Bytes(), Limits{})
	if err != nil {
		return nil, &Error{where.String(), fmt.Errorf("%w: %w", ErrSigner, err)}
	}
	signature, err := hex.DecodeString(meta[metaSignature])
	if err != nil || d.Bucket != where.bucket || d.Object != where.key || !signedBy(keys, d, res, signature) {
		return nil, &Error{where.String(), fmt.Errorf("%w: the newest digest is not signed by a key of this trail", ErrSigner)}
	}
	w.last = &Link{Bucket: where.bucket, Object: where.key, Hash: hexSum(res.sum), Signature: meta[metaSignature], End: d.End}
	w.start = d.End
	listed := map[string]bool{}
	for _, l := range d.Logs {
		listed[l.Object] = true
	}
	return listed, nil
}

func signedBy(keys []PublicKey, d *Digest, res result, signature []byte) bool {
	for i := range keys {
		k := &keys[i]
		if k.Usable() == nil && strings.EqualFold(k.Fingerprint, d.Fingerprint) &&
			verify(k.key, d.StringToSign(res.sum), signature) == nil {
			return true
		}
	}
	return false
}

// adopt enters the log files that were written after the newest digest.
func (w *Writer) adopt(ctx context.Context, source Source, listed map[string]bool) error {
	s := w.signer
	prefix := folder{root{s.Bucket, s.Prefix}, s.Org, s.Account, s.Region}.key("CloudTrail")
	var keys []string
	for key, err := range source.List(ctx, s.Bucket, prefix, "") {
		if err != nil {
			return errListing(location{s.Bucket, prefix}, err)
		}
		n, err := ParseLogName(key)
		if err == nil && !listed[key] && (w.last == nil || !n.Time.Before(w.start.Truncate(time.Minute))) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		where := location{s.Bucket, key}
		var text bytes.Buffer
		res, _, err := readObject(ctx, source, where, Limits{}.filled().LogInflated, &text)
		if err != nil {
			return &Error{where.String(), fmt.Errorf("%w: %w", ErrSigner, err)}
		}
		entry := LogFile{Bucket: s.Bucket, Object: key, Hash: hexSum(res.sum), HashAlgorithm: algorithmHash}
		entry.Oldest, entry.Newest = eventTimes(text.Bytes())
		w.pending = append(w.pending, entry)
	}
	return nil
}

// readObject inflates one object of a well formed kind.
func readObject(ctx context.Context, source Source, where location, most int64, text io.Writer) (result, map[string]string, error) {
	o, err := source.Open(ctx, where.bucket, where.key)
	if err != nil {
		return result{}, nil, err
	}
	defer o.Body.Close()
	res, err := newInflater(nil).read(o.Body, o.Size, most, most, func(p []byte) { _, _ = text.Write(p) })
	if err == nil && res.shape != shapeGood {
		err = errors.New(res.shape.String())
	}
	return res, o.Metadata, err
}

// eventTimes returns the times of the oldest and newest record of a log file.
func eventTimes(text []byte) (oldest, newest time.Time) {
	var file struct {
		Records []struct {
			EventTime time.Time `json:"eventTime"`
		}
	}
	if json.Unmarshal(text, &file) != nil {
		return oldest, newest // the digest then states none
	}
	for _, r := range file.Records {
		if oldest.IsZero() || r.EventTime.Before(oldest) {
			oldest = r.EventTime
		}
		if r.EventTime.After(newest) {
			newest = r.EventTime
		}
	}
	return oldest, newest
}

// maxPending is how many log files a digest lists: with the longest names it stays
// below the default Limits of those who read it.
const maxPending = 30_000

// WriteLog stores a log file of records, each the JSON object of one event. The
// next digest lists it. When 30,000 wait for one, it writes that first, up to at.
func (w *Writer) WriteLog(ctx context.Context, at time.Time, records []json.RawMessage) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	at = at.UTC()
	if at.Before(w.start) {
		at = w.start // the clock went back: the name must not lie before what was signed
	}
	if len(w.pending) >= maxPending {
		if err := w.writeDigest(ctx, at); err != nil {
			return err
		}
	}
	o, entry, err := w.signer.Log(at, records)
	if err != nil {
		return err
	}
	if err := w.sink.Put(ctx, o); err != nil {
		return &Error{location{o.Bucket, o.Key}.String(), err}
	}
	w.pending = append(w.pending, entry)
	return nil
}

// WriteDigest stores a digest of the time from the last one to end, which lists
// the log files written since. After an error it may be called again. It fails
// with ErrSigner when end is not at least a second after the last digest's.
func (w *Writer) WriteDigest(ctx context.Context, end time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writeDigest(ctx, end)
}

func (w *Writer) writeDigest(ctx context.Context, end time.Time) error {
	o, link, err := w.signer.Digest(DigestInput{Start: w.start, End: end, Logs: w.pending, Previous: w.last})
	if err != nil {
		return err
	}
	if err := w.sink.Put(ctx, o); err != nil {
		return &Error{location{o.Bucket, o.Key}.String(), err}
	}
	w.last, w.start, w.pending = link, link.End, nil
	return nil
}

// Last returns the link of the newest digest, nil when there is none yet, and
// how many log files wait for the next.
func (w *Writer) Last() (last *Link, pending int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, len(w.pending)
}
