// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// algorithms makes the checksums that S3 knows, but for the ones that the
// standard library lacks.
var algorithms = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"crc64nvme": func() hash.Hash { return crc64.New(nvmeTable) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
	"sha512":    sha512.New,
	"md5":       md5.New,
}

// nvmeTable is of the polynomial that the NVM Express specification names, bits
// reversed.
var nvmeTable = crc64.MakeTable(0x9A6C9329AC4BC9B5)

// digests hashes a body while it is stored: MD5 for the entity tag, and the
// checksum that the client chose.
type digests struct {
	md5     hash.Hash
	wantMD5 []byte
	sums    map[string]hash.Hash
	want    map[string]string // base64, as the headers had it
}

// newDigests reads Content-MD5 and the checksum headers. A checksum that comes
// as a trailer is announced, and checked by the verifier of the signature; here
// it is only computed, to be stored.
func newDigests(h http.Header) (*digests, error) {
	d := &digests{md5: md5.New(), sums: map[string]hash.Hash{}, want: map[string]string{}}
	if text := h.Values("Content-MD5"); len(text) > 0 {
		sum, err := base64.StdEncoding.DecodeString(text[0])
		if err != nil || len(sum) != md5.Size || len(text) > 1 {
			return nil, refuse("InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		d.wantMD5 = sum
	}
	for name, values := range h {
		algorithm, ok := statesChecksum(name)
		if !ok {
			continue
		}
		if err := d.add(algorithm); err != nil {
			return nil, err
		}
		sum, err := base64.StdEncoding.DecodeString(values[0])
		if err != nil || len(sum) != d.sums[algorithm].Size() || len(values) > 1 {
			return nil, refuse("InvalidRequest", "Value for %s header is invalid.", name)
		}
		d.want[algorithm] = values[0]
	}
	for name := range strings.SplitSeq(strings.Join(h.Values("x-amz-trailer"), ","), ",") {
		if algorithm, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), "x-amz-checksum-"); ok {
			if err := d.add(algorithm); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case len(d.sums) > 1:
		return nil, refuse("InvalidRequest", "Expecting a single x-amz-checksum- header")
	case len(d.sums) == 0 && h.Get("x-amz-sdk-checksum-algorithm") != "":
		return nil, refuse("InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	return d, nil
}

// statesChecksum says whether a header states a checksum, and by which
// algorithm.
func statesChecksum(name string) (algorithm string, ok bool) {
	algorithm, ok = strings.CutPrefix(strings.ToLower(name), "x-amz-checksum-")
	return algorithm, ok && !slices.Contains([]string{"mode", "type", "algorithm"}, algorithm)
}

// add computes an algorithm's checksum too.
func (d *digests) add(algorithm string) error {
	make, ok := algorithms[algorithm]
	if !ok {
		return refuse("InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid.")
	}
	if d.sums[algorithm] == nil {
		d.sums[algorithm] = make()
	}
	return nil
}

func (d *digests) Write(p []byte) (int, error) {
	d.md5.Write(p)
	for _, h := range d.sums {
		h.Write(p)
	}
	return len(p), nil
}

// check compares with what the client said.
func (d *digests) check() error {
	if d.wantMD5 != nil && subtle.ConstantTimeCompare(d.wantMD5, d.md5.Sum(nil)) != 1 {
		return refuse("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	got := d.values()
	for algorithm, want := range d.want {
		if subtle.ConstantTimeCompare([]byte(want), []byte(got[algorithm])) != 1 {
			return refuse("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(algorithm))
		}
	}
	return nil
}

func (d *digests) etag() string { return hex.EncodeToString(d.md5.Sum(nil)) }

// describe notes in an object's info what was computed of all its bytes.
func (d *digests) describe(info *store.Info) {
	info.ETag, info.Checksums = d.etag(), d.values()
	if len(info.Checksums) > 0 {
		info.ChecksumType = fullObject
	}
}

// values are the checksums in base64.
func (d *digests) values() map[string]string {
	all := map[string]string{}
	for algorithm, h := range d.sums {
		all[algorithm] = base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	return all
}

// write puts the checksums into an answer's headers.
func (d *digests) write(h http.Header) {
	for algorithm, sum := range d.values() {
		h.Set("x-amz-checksum-"+algorithm, sum)
		h.Set("x-amz-checksum-type", fullObject)
	}
}

// The kinds of checksum that an object in parts has.
const (
	fullObject = "FULL_OBJECT" // of all its bytes
	composite  = "COMPOSITE"   // of the parts' checksums
)
