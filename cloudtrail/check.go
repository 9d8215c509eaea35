// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// digestCheck is the checks of one digest, in the order in which the first
// that fails is the digest's finding.
type digestCheck struct {
	run       *run
	chain     *chainState
	state     *state
	where     location
	meta      map[string]string
	signature *string // from the successor, nil when it says nothing
	walking   bool
	generated time.Time // backfill-generation-timestamp
}

// form is the checks that need no signature.
func (ch *digestCheck) form(res result, data []byte, err error) (*Digest, *fault) {
	switch {
	case errors.Is(err, ErrArchived):
		return nil, &fault{code: DigestUnreadable, detail: "archived"}
	case errors.Is(err, fs.ErrNotExist):
		return nil, &fault{code: DigestMissing, detail: "listed, and gone when it was read"}
	case err != nil:
		return nil, &fault{code: DigestUnreadable, detail: detailOf(err)}
	}
	for _, name := range []string{metaSignature, metaAlgorithm, metaGeneration} {
		if len(ch.meta[name]) > ch.run.v.Limits.Metadata {
			return nil, &fault{code: DigestUnreadable, detail: "limit"}
		}
	}
	if res.shape != shapeGood && res.shape != shapeTrailing {
		return nil, &fault{code: DigestInvalid, detail: res.shape.String(), reason: res.shape}
	}
	d, err := ParseDigest(data, ch.run.v.Limits)
	switch {
	case errors.Is(err, ErrLimit):
		return nil, &fault{code: DigestUnreadable, detail: "limit"}
	case err != nil:
		return nil, &fault{code: DigestInvalid, detail: err.Error()}
	}
	if ch.chain.id.Backfill {
		if ch.generated, err = generationTime(ch.meta[metaGeneration]); err != nil {
			return nil, &fault{code: DigestInvalid, detail: "no " + metaGeneration + " in its metadata"}
		}
	}
	if d.Bucket != ch.where.bucket || d.Object != ch.where.key {
		return nil, &fault{code: DigestMoved, want: location{d.Bucket, d.Object}.String(), got: ch.where.String()}
	}
	return d, nil
}

// generationTime reads the time at which a backfill digest was made. It is in
// ISO 8601, which lets a writer leave out more than RFC 3339 does; without a
// zone it is UTC.
func generationTime(text string) (t time.Time, err error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "20060102T150405Z0700", "20060102T150405"} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, err
}

// authenticity is the signature and what it has to vouch for.
func (ch *digestCheck) authenticity(ctx context.Context, d *Digest) *fault {
	text, ok := ch.meta[metaSignature]
	if ch.signature != nil {
		text = *ch.signature
	} else {
		got, named := ch.meta[metaAlgorithm]
		if !ok || !named {
			return &fault{code: DigestNoSig}
		}
		if got != algorithmSignature {
			return &fault{code: DigestAlgorithm, detail: "signature algorithm in the metadata", want: algorithmSignature, got: got}
		}
	}
	if d.Algorithm != algorithmSignature {
		return &fault{code: DigestAlgorithm, detail: "digestSignatureAlgorithm", want: algorithmSignature, got: d.Algorithm}
	}
	if f := ch.signed(ctx, d, text); f != nil {
		return f
	}
	if f := hashAlgorithms(d); f != nil {
		return f
	}
	if d.Account != ch.chain.id.Account {
		return &fault{code: DigestAccount, want: ch.chain.id.Account, got: d.Account}
	}
	switch {
	case !d.End.Equal(ch.state.end):
		return &fault{code: DigestTime, detail: "digestEndTime is not the time in the key", want: ch.state.end.Format(layoutTime), got: d.End.Format(layoutTime)}
	case !d.Start.Before(d.End):
		return &fault{code: DigestTime, detail: "digestStartTime is not before digestEndTime"}
	}
	return nil
}

// signed finds the key and verifies the signature with it.
func (ch *digestCheck) signed(ctx context.Context, d *Digest, text string) *fault {
	span := ch.run.span(d.Start, d.End, ch.generated, ch.chain.id.Backfill)
	set := ch.run.keys.lookup(ctx, ch.chain.id.Region, span)
	keys, unusable := set.find(d.Fingerprint)
	switch {
	case len(keys) == 0:
		f := &fault{code: DigestUnknownKey, detail: "no public key of region " + ch.chain.id.Region + " has its fingerprint", got: d.Fingerprint}
		if !set.anyMeets(span) {
			f.verdict = Failed
			f.detail = "no public key of region " + ch.chain.id.Region + " was valid when it was signed"
		}
		return f
	case unusable != "":
		return &fault{code: KeyUnusable, detail: unusable, got: d.Fingerprint}
	}
	signature, err := hex.DecodeString(text)
	if err != nil {
		return &fault{code: DigestBadSig, detail: signatureText(text)}
	}
	if size := keys[0].key.Size(); len(signature) != size {
		return &fault{code: DigestBadSig, detail: fmt.Sprintf("signature of %d bytes, not the %d of the key", len(signature), size)}
	}
	if verify(keys[0].key, d.StringToSign(ch.state.sum), signature) != nil {
		return &fault{code: DigestBadSig}
	}
	for i := range keys {
		if keys[i].meets(span.From, span.To) {
			ch.state.saved = signature
			ch.state.sig = sumText(text)
			return nil
		}
	}
	return &fault{
		code: KeyWindow, got: d.Fingerprint,
		want: span.From.Format(layoutTime) + " to " + span.To.Format(layoutTime),
	}
}

// signatureText names what is wrong with a signature that is not hex.
func signatureText(text string) string {
	if len(text)%2 == 1 {
		return "Odd-length string"
	}
	return "Non-hexadecimal digit found"
}

// hashAlgorithms requires SHA-256 of everything the digest names.
func hashAlgorithms(d *Digest) *fault {
	if d.Previous != nil && d.Previous.HashAlgorithm != algorithmHash {
		return &fault{code: DigestAlgorithm, detail: "previousDigestHashAlgorithm", want: algorithmHash, got: d.Previous.HashAlgorithm}
	}
	for i := range d.Logs {
		if got := d.Logs[i].HashAlgorithm; got != algorithmHash {
			return &fault{code: DigestAlgorithm, detail: "hashAlgorithm of " + d.Logs[i].Object, want: algorithmHash, got: got}
		}
	}
	return nil
}
