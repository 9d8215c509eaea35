// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"crypto/fips140"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/percent"
)

// Options are what a request has besides its bucket and key. A nil *Options is
// the zero value. What is a header stays one and must be sent by the holder of
// the URL exactly as URL.Header has it: S3 would not enforce it in the query.
// Only RequestPayer, ExpectedOwner, ExpectedSourceOwner and ChecksumMode travel
// in the query, where S3 does enforce them.
type Options struct {
	// Expires is how long the URL works, in whole seconds, one second to seven
	// days; 0 means 15 minutes.
	Expires time.Duration
	// VersionID names a version of the object.
	VersionID string
	// Response overrides headers of the answer to Get and Head.
	Response Overrides
	// ContentType is the Content-Type that must be sent.
	ContentType string
	// ContentLength is the exact length, in bytes, of the body that must be
	// sent; 0 leaves it open. A range needs a POST policy. (For an empty body,
	// set Content-Length: 0 in Header.)
	ContentLength int64
	// SHA256 is the SHA-256 of the body that must be sent, 32 bytes; nil leaves
	// the body out of the signature.
	SHA256 []byte
	// Checksum is a checksum that S3 holds the body against.
	Checksum Checksum
	// Metadata is the object's user metadata, by name without x-amz-meta-.
	Metadata map[string]string
	// Tags are the object's tags.
	Tags map[string]string
	// ACL is a canned ACL such as "public-read".
	ACL string
	// StorageClass is a storage class such as "GLACIER_IR".
	StorageClass string
	// Encryption is how the object is encrypted at rest.
	Encryption Encryption
	// RequestPayer says that the requester pays.
	RequestPayer bool
	// ExpectedOwner is the account that must own the bucket.
	ExpectedOwner string
	// ExpectedSourceOwner is the account that must own the source bucket of a
	// copy.
	ExpectedSourceOwner string
	// ChecksumMode asks for the object's checksums in the answer.
	ChecksumMode bool
	// Header holds further headers, all of which are signed. The four that
	// have a field above move to the query from here too.
	Header http.Header
	// Query holds further query parameters.
	Query url.Values
}

// Overrides are headers that S3 puts into its answer in place of the object's
// own. Empty fields override nothing.
type Overrides struct {
	// ContentType is the Content-Type of the answer.
	ContentType string
	// ContentLanguage is the Content-Language of the answer.
	ContentLanguage string
	// Expires is the Expires header of the answer.
	Expires string
	// CacheControl is the Cache-Control of the answer.
	CacheControl string
	// ContentDisposition is the Content-Disposition of the answer, such as
	// attachment; filename="report.pdf".
	ContentDisposition string
	// ContentEncoding is the Content-Encoding of the answer.
	ContentEncoding string
}

// Checksum is a checksum of the body that the caller computed. None is made up:
// a URL for a body that is not there yet cannot know it.
type Checksum struct {
	// Algorithm is "crc32", "crc32c", "crc64nvme", "sha1" or "sha256".
	Algorithm string
	// Value is the checksum in base64.
	Value string
}

// Encryption is server-side encryption of an object.
type Encryption struct {
	// Algorithm is "AES256" for SSE-S3, "aws:kms" or "aws:kms:dsse" for
	// SSE-KMS; empty for the bucket's default or with a CustomerKey.
	Algorithm string
	// KMSKeyID is the KMS key of SSE-KMS; empty means the account's own.
	KMSKeyID string
	// KMSContext is the encryption context of SSE-KMS: base64 of JSON.
	KMSContext string
	// BucketKey asks for an S3 bucket key.
	BucketKey bool
	// CustomerKey is the key of SSE-C, 32 bytes. It travels in headers, never
	// in the URL, and whoever uses the URL must have it.
	CustomerKey []byte
}

// hoisted are the headers that S3 reads from the query too, under the same
// name, and enforces there.
var hoisted = [...]string{"x-amz-checksum-mode", "x-amz-expected-bucket-owner", "x-amz-request-payer", "x-amz-source-expected-bucket-owner"}

// draft collects the query and headers of a request.
type draft struct {
	query  []byte
	header http.Header
	err    error
}

// param adds a query parameter; an empty value adds a name only where it is
// one of S3's sub-resources.
func (d *draft) param(name, value string) {
	if len(d.query) > 0 {
		d.query = append(d.query, '&')
	}
	d.query = percent.Append(d.query, name, false)
	d.query = append(d.query, '=')
	d.query = percent.Append(d.query, value, false)
}

func (d *draft) optional(name, value string) {
	if value != "" {
		d.param(name, value)
	}
}

// set adds a header with one value.
func (d *draft) set(name, value string) {
	if d.header == nil {
		d.header = make(http.Header)
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	if _, twice := d.header[name]; twice {
		d.fail("the header " + name + " is given twice")
	}
	d.header[name] = []string{value}
	d.checkHeader(name, value)
}

func (d *draft) setOptional(name, value string) {
	if value != "" {
		d.set(name, value)
	}
}

func (d *draft) fail(message string) {
	if d.err == nil {
		d.err = fault(ErrInput, "%s", message)
	}
}

// checkHeader refuses a name or value that HTTP would not carry as it is.
func (d *draft) checkHeader(name, value string) {
	for i := range len(name) {
		if !isToken(name[i]) {
			d.fail("a header name is no token")
			return
		}
	}
	if name == "" {
		d.fail("a header has no name")
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			d.fail("the header " + name + " holds a control character")
			return
		}
	}
}

func isToken(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// options adds everything that the caller asked for.
func (d *draft) options(o *Options) {
	d.optional("versionId", o.VersionID)
	if r := &o.Response; *r != (Overrides{}) {
		d.optional("response-content-type", r.ContentType)
		d.optional("response-content-language", r.ContentLanguage)
		d.optional("response-expires", r.Expires)
		d.optional("response-cache-control", r.CacheControl)
		d.optional("response-content-disposition", r.ContentDisposition)
		d.optional("response-content-encoding", r.ContentEncoding)
	}
	d.setOptional("Content-Type", o.ContentType)
	if o.ContentLength != 0 {
		if o.ContentLength < 0 {
			d.fail("ContentLength is negative")
		}
		d.set("Content-Length", strconv.FormatInt(o.ContentLength, 10))
	}
	if o.SHA256 != nil {
		if len(o.SHA256) != 32 {
			d.fail("SHA256 is not 32 bytes")
		}
		d.set("X-Amz-Content-Sha256", hex.EncodeToString(o.SHA256))
	}
	d.checksum(&o.Checksum)
	for name, value := range o.Metadata {
		if name == "" {
			d.fail("Metadata has an empty name")
		}
		d.set("X-Amz-Meta-"+name, value)
	}
	d.setOptional("X-Amz-Tagging", tagging(o.Tags))
	d.setOptional("X-Amz-Acl", o.ACL)
	d.setOptional("X-Amz-Storage-Class", o.StorageClass)
	d.encryption(&o.Encryption)
	if o.RequestPayer {
		d.param("x-amz-request-payer", "requester")
	}
	d.optional("x-amz-expected-bucket-owner", o.ExpectedOwner)
	d.optional("x-amz-source-expected-bucket-owner", o.ExpectedSourceOwner)
	if o.ChecksumMode {
		d.param("x-amz-checksum-mode", "ENABLED")
	}
	d.further(o)
}

// further adds the headers and parameters that have no field.
func (d *draft) further(o *Options) {
	for name, values := range o.Header {
		lower := strings.ToLower(name)
		switch {
		case slices.Contains(hoisted[:], lower) && len(values) == 1:
			d.param(lower, values[0])
		case len(values) == 0:
		case len(values) > 1:
			d.fail("the header " + lower + " has several values")
		case isOwn(lower):
			d.fail("the header " + lower + " is the signer's own")
		case lower == "x-amz-content-sha256" && values[0] != "UNSIGNED-PAYLOAD" && !isHexDigest(values[0]):
			d.fail("x-amz-content-sha256 is neither a hash nor UNSIGNED-PAYLOAD")
		default:
			d.set(name, values[0])
		}
	}
	for name, values := range o.Query {
		if isOwn(strings.ToLower(name)) {
			d.fail("the query parameter " + name + " is the signer's own")
		}
		for _, v := range values {
			d.param(name, v)
		}
	}
}

// isHexDigest reports whether s is 64 lowercase hex digits.
func isHexDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// isOwn reports whether a header or parameter is one that signing brings.
func isOwn(lower string) bool {
	switch lower {
	case "host", "authorization", "x-amz-date", "x-amz-security-token", "x-amz-s3session-token", "x-amz-algorithm", "x-amz-credential",
		"x-amz-expires", "x-amz-signedheaders", "x-amz-signature", "x-amz-region-set":
		return true
	}
	return false
}

func (d *draft) checksum(c *Checksum) {
	switch c.Algorithm {
	case "":
		if c.Value != "" {
			d.fail("Checksum has no Algorithm")
		}
		return
	case "crc32", "crc32c", "crc64nvme", "sha1", "sha256":
	default:
		d.fail("the Checksum's Algorithm is unknown")
	}
	if _, err := base64.StdEncoding.DecodeString(c.Value); err != nil || c.Value == "" {
		d.fail("the Checksum's Value is not base64")
	}
	d.set("X-Amz-Checksum-"+c.Algorithm, c.Value)
}

func (d *draft) encryption(e *Encryption) {
	d.setOptional("X-Amz-Server-Side-Encryption", e.Algorithm)
	d.setOptional("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", e.KMSKeyID)
	d.setOptional("X-Amz-Server-Side-Encryption-Context", e.KMSContext)
	if e.BucketKey {
		d.set("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "true")
	}
	if e.CustomerKey != nil {
		if e.Algorithm != "" {
			d.fail("Encryption has both an Algorithm and a CustomerKey")
		}
		d.customerKey("X-Amz-Server-Side-Encryption-Customer-", e.CustomerKey)
	}
}

// customerKey adds the three headers of an SSE-C key.
func (d *draft) customerKey(prefix string, key []byte) {
	switch {
	case len(key) != 32:
		d.fail("a customer key is not 32 bytes")
		return
	case fips140.Enforced():
		d.err = fault(ErrFIPS, "a customer key needs its MD5")
		return
	}
	sum := md5.Sum(key)
	d.set(prefix+"Algorithm", "AES256")
	d.set(prefix+"Key", base64.StdEncoding.EncodeToString(key))
	d.set(prefix+"Key-Md5", base64.StdEncoding.EncodeToString(sum[:]))
}

// tagging writes tags as x-amz-tagging wants them.
func tagging(tags map[string]string) string {
	if len(tags) == 0 {
		return ""
	}
	v := make(url.Values, len(tags))
	for name, value := range tags {
		v.Set(name, value)
	}
	return v.Encode()
}
