// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Bundle is everything that proves one log file, or one event in it, without
// the trail: the signed digest that lists the file, the key that signed it, and
// the file. Validator.Prove makes one, VerifyBundle judges one. Nothing in a
// bundle is to be believed before that, its key least of all.
type Bundle struct {
	Region string       // whose key signed the digest
	Object string       // s3://bucket/key of the log file
	Digest SignedDigest // which lists it
	Entry  int          // where in the digest's list, from 0
	Key    PublicKey    // that signed the digest; proves nothing by itself

	// Log is the log file as it is stored, compressed. Without it a bundle
	// proves the file's hash, and the file may be shown later.
	Log []byte

	// Event, with HasEvent, is the index from 0 of the one event of the log
	// file that the bundle is about.
	Event    int
	HasEvent bool

	// Links are the digests that followed in the chain, oldest first. They show
	// that the chain went on from this digest: up to one that the verifier may
	// know from elsewhere, such as a Checkpoint.
	Links []SignedDigest
}

// SignedDigest is a digest as it is stored and what its metadata say.
type SignedDigest struct {
	Body      []byte    // one gzip member
	Signature string    // hex
	Generated time.Time // when a backfill digest was signed; else zero
}

// Limits of a bundle. The largest log files that CloudTrail delivers are some
// megabytes.
const (
	maxBundle = 128 << 20
	maxLinks  = 1000
)

// signedDigestJSON and bundleJSON are the form of a bundle in a file.
type signedDigestJSON struct {
	Digest    []byte  `json:"digest"`
	Signature string  `json:"signature"`
	Generated *string `json:"generated,omitempty"`
}

type bundleKeyJSON struct {
	Value     []byte  `json:"value"`
	NotBefore *string `json:"notBefore,omitempty"`
	NotAfter  *string `json:"notAfter,omitempty"`
}

type bundleJSON struct {
	Version int    `json:"version"`
	Region  string `json:"region"`
	Object  string `json:"object"`
	signedDigestJSON
	Key   bundleKeyJSON      `json:"key"`
	Entry int                `json:"entry"`
	Log   []byte             `json:"log,omitempty"`
	Event *int               `json:"event,omitempty"`
	Links []signedDigestJSON `json:"links,omitempty"`
}

func (d *SignedDigest) form() signedDigestJSON {
	return signedDigestJSON{d.Body, d.Signature, seconds(d.Generated)}
}

// MarshalJSON returns the bundle as ParseBundle reads it: one JSON object whose
// members have one order, binary ones in base64, times in UTC to the second.
//
//	{"version":1,"region","object":"s3://…","digest":base64,"signature":hex,"generated"?:time,
//	 "key":{"value":base64 DER,"notBefore"?:time,"notAfter"?:time},"entry":N,
//	 "log"?:base64,"event"?:N,"links"?:[{"digest","signature","generated"?}]}
func (b *Bundle) MarshalJSON() ([]byte, error) {
	form := bundleJSON{
		Version: 1, Region: b.Region, Object: b.Object, signedDigestJSON: b.Digest.form(),
		Key:   bundleKeyJSON{b.Key.Value, seconds(b.Key.NotBefore), seconds(b.Key.NotAfter)},
		Entry: b.Entry, Log: b.Log,
	}
	if b.HasEvent {
		form.Event = &b.Event
	}
	for i := range b.Links {
		form.Links = append(form.Links, b.Links[i].form())
	}
	data, err := json.Marshal(form)
	if err == nil && len(data) > maxBundle {
		err = fmt.Errorf("%w: %w: bundle of more than %d bytes", ErrBundle, ErrLimit, maxBundle)
	}
	return data, err
}

// ParseBundle reads a bundle, strictly: at most 128 MiB and 1,000 links, no
// member twice and none that is not known. It decides nothing about what the
// bundle says; VerifyBundle does. It fails with ErrBundle, whose text says where,
// and ErrLimit.
func ParseBundle(data []byte) (*Bundle, error) {
	p := bundleParser{jsonReader: newJSONReader(data, strictjson.Limits{Size: maxBundle, Depth: 4})}
	p.b.Entry, p.b.Event = -1, -1
	err := p.document(p.member)
	if err == nil {
		err = p.complete()
	}
	if err != nil {
		return nil, wrapJSON(ErrBundle, err)
	}
	return &p.b, nil
}

type bundleParser struct {
	*jsonReader
	b       Bundle
	version string
}

func (p *bundleParser) member(name string) (err error) {
	switch name {
	case "version":
		if err = p.want(strictjson.Number); err == nil {
			p.version = string(p.scan.Text())
		}
	case "region":
		p.b.Region, err = p.text()
	case "object":
		if p.b.Object, err = p.text(); err == nil {
			if where, ok := parseLocation(p.b.Object); !ok || len(where.key) > maxKey {
				err = p.scan.Fail("not the location of an object, s3://bucket/key")
			}
		}
	case "key":
		p.b.Key, err = p.key()
	case "entry":
		p.b.Entry, err = p.index()
	case "log":
		p.b.Log, err = p.bytes()
	case "event":
		p.b.HasEvent = true
		p.b.Event, err = p.index()
	case "links":
		err = p.elements(func() error {
			if len(p.b.Links) == maxLinks {
				return fmt.Errorf("%w: more than %d links", ErrLimit, maxLinks)
			}
			var d SignedDigest
			err := p.members(func(name string) error { return p.digest(&d, name) })
			if err == nil && (d.Body == nil || d.Signature == "") {
				err = p.scan.Fail("digest or signature of a link is missing")
			}
			p.b.Links = append(p.b.Links, d)
			return err
		})
	default:
		err = p.digest(&p.b.Digest, name)
	}
	return err
}

// digest reads a member about a digest.
func (p *bundleParser) digest(d *SignedDigest, name string) (err error) {
	switch name {
	case "digest":
		d.Body, err = p.bytes()
	case "signature":
		if d.Signature, err = p.text(); err == nil && d.Signature == "" {
			err = p.scan.Fail("an empty signature")
		}
	case "generated":
		d.Generated, err = p.time()
	default:
		err = p.scan.Fail("not a member of a bundle")
	}
	return err
}

func (p *bundleParser) key() (k PublicKey, err error) {
	var value []byte
	var from, to time.Time
	err = p.members(func(name string) (err error) {
		switch name {
		case "value":
			value, err = p.bytes()
		case "notBefore":
			from, err = p.time()
		case "notAfter":
			to, err = p.time()
		default:
			err = p.scan.Fail("not a member of a bundle's key")
		}
		return err
	})
	return NewPublicKey(value, from, to), err
}

// bytes reads base64 in its one canonical form.
func (p *bundleParser) bytes() ([]byte, error) {
	text, err := p.text()
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(text) == 0 || strings.ContainsAny(text, "\r\n") {
		return nil, p.scan.Fail("not base64")
	}
	return data, nil
}

func (p *bundleParser) time() (time.Time, error) {
	text, err := p.text()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(layoutTime, text)
	if err != nil || t.Format(layoutTime) != text || t.IsZero() {
		return time.Time{}, p.scan.Fail("not a time like " + layoutTime)
	}
	return t, nil
}

func (p *bundleParser) index() (int, error) {
	if err := p.want(strictjson.Number); err != nil {
		return 0, err
	}
	text := string(p.scan.Text())
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, p.scan.Fail("not an index from 0")
	}
	return int(n), nil
}

// complete checks what no single member shows.
func (p *bundleParser) complete() error {
	b := &p.b
	switch {
	case p.version != "1":
		return errors.New("version is not 1")
	case !validRegion(b.Region):
		return errors.New("region is no region")
	case b.Object == "" || b.Digest.Body == nil || b.Digest.Signature == "" || b.Entry < 0 || b.Key.Value == nil:
		return errors.New("object, digest, signature, entry or key is missing")
	case b.HasEvent && b.Log == nil:
		return errors.New("an event without its log file")
	}
	return nil
}
