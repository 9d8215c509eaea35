// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/fips140"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"strings"
)

// checksumPrefix begins the names of the trailers that carry a digest of the
// body.
const checksumPrefix = "x-amz-checksum-"

// newChecksum returns the hash behind x-amz-checksum-NAME (SIG-54), nil for a
// name the standard library cannot serve, and ErrFIPS for SHA-1 and MD5 where
// only approved algorithms may run.
func newChecksum(name string, more map[string]func() hash.Hash) (hash.Hash, error) {
	switch name {
	case "crc32":
		return crc32.NewIEEE(), nil
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli)), nil
	case "crc64nvme":
		return newCRC64NVME(), nil
	case "sha1", "md5":
		if fips140.Enforced() {
			return nil, ErrFIPS
		}
		if name == "md5" {
			return md5.New(), nil
		}
		return sha1.New(), nil
	case "sha256":
		return sha256.New(), nil
	case "sha512":
		return sha512.New(), nil
	}
	if newHash := more[name]; newHash != nil {
		return newHash(), nil
	}
	return nil, nil
}

// digest is a checksum trailer in the making: the body runs through the hash
// while it is sent or received.
type digest struct {
	name string // the trailer, lower case
	hash hash.Hash
	sum  []byte
}

// encode returns the trailer's value.
func (d *digest) encode(dst []byte) []byte {
	d.sum = d.hash.Sum(d.sum[:0])
	return base64.StdEncoding.AppendEncode(dst, d.sum)
}

// check compares the body's digest with a received value; the error says
// whether the value is no digest at all (InvalidRequest) or another body's
// (BadDigest).
func (d *digest) check(value string) error {
	if len(value) != base64.StdEncoding.EncodedLen(d.hash.Size()) || strings.ContainsAny(value, "\r\n") {
		return errBadChecksumValue(d.name)
	}
	want, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(want) != d.hash.Size() {
		return errBadChecksumValue(d.name)
	}
	d.sum = d.hash.Sum(d.sum[:0])
	if subtle.ConstantTimeCompare(want, d.sum) != 1 {
		return errChecksumDiffers(d.name)
	}
	return nil
}
