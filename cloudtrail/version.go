// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"iter"
)

// VersionSource reads the versions of objects that a versioned bucket keeps. Its
// methods are called from many goroutines at once.
type VersionSource interface {
	// Versions yields the ids of the versions of an object, newest first, with
	// the current one and without marks of deletion.
	Versions(ctx context.Context, bucket, key string) iter.Seq2[string, error]

	// OpenVersion is Source.Open for one version.
	OpenVersion(ctx context.Context, bucket, key, version string) (*Object, error)
}

// maxVersions is how many versions of an object are tried.
const maxVersions = 100

// recoverable says of which findings an older version may hold the evidence: the
// object is there in another form than was signed, or not any more.
func (f *Finding) recoverable(hash string) bool {
	switch f.Code {
	case LogHashMismatch, LogInvalid, LogNotGzip, LogTrailingData, LogMissing:
		return hash != ""
	case DigestInvalid, DigestTrailing, DigestBadSig, DigestNoSig, DigestAlgorithm, DigestMoved, DigestAccount, DigestTime, DigestMissing:
		return f.Chain != nil && !f.Inferred
	}
	return false
}

// recoverVersions looks for versions that pass the checks that the current
// objects failed, and names them in the findings, which stay.
func (r *run) recoverVersions(ctx context.Context) error {
	if r.v.Versions == nil {
		return nil
	}
	var list []*Finding
	for i := range r.findings {
		if r.findings[i].recoverable(r.hashes[r.findings[i].Object]) {
			list = append(list, &r.findings[i])
		}
	}
	return r.each(ctx, len(list), func(ctx context.Context, i int) error {
		where, ok := parseLocation(list[i].Object)
		if !ok {
			return nil
		}
		tried := 0
		for id, err := range r.v.Versions.Versions(ctx, where.bucket, where.key) {
			if err != nil || tried == maxVersions {
				break // what cannot be listed cannot be recovered
			}
			tried++
			w := &worker{run: r, version: id}
			if w.versionPasses(ctx, where, list[i]) {
				list[i].Detail += "; recoveredVersion " + id
				break
			}
		}
		return context.Cause(ctx)
	})
}

// versionPasses makes the checks that the current object failed.
func (w *worker) versionPasses(ctx context.Context, where location, f *Finding) bool {
	if hash := w.run.hashes[f.Object]; hash != "" {
		_, wrong := w.readLog(ctx, where, hash, nil, nil)
		return wrong == nil && ctx.Err() == nil
	}
	name, err := ParseDigestName(where.key)
	if err != nil || name.Chain != *f.Chain {
		return false
	}
	var meta map[string]string
	limits := w.run.v.Limits
	defer w.release()
	w.buf = w.buf[:0]
	res, err := w.fetch(ctx, where, limits.DigestStored, limits.DigestInflated,
		func(o *Object) { w.buf, meta = w.buf[:0], o.Metadata }, w.keep)
	ch := digestCheck{
		run: w.run, chain: &chainState{id: name.Chain}, where: where, meta: meta,
		state: &state{bucket: where.bucket, prefix: name.Prefix, end: name.End, sum: res.sum},
	}
	d, wrong := ch.form(res, w.buf, err)
	return wrong == nil && res.shape == shapeGood && ch.authenticity(ctx, d) == nil
}
