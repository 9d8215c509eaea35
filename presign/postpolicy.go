// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/sigv4"
)

// PostPolicy says what an HTML form may upload (AWS: "POST Policy"). Bucket,
// one of Key and KeyPrefix, and one of MaxSize and AnySize are required.
type PostPolicy struct {
	// Bucket is the bucket's name.
	Bucket string
	// Key is the key that must be used. Where it holds ${filename}, which the
	// server replaces by the name of the uploaded file, the key must begin
	// with what stands before it.
	Key string
	// KeyPrefix is what the key must begin with, in place of Key; the form then
	// proposes KeyPrefix + "${filename}".
	KeyPrefix string
	// Expires is how long the form works, in whole seconds, at most seven
	// days; 0 means 15 minutes.
	Expires time.Duration
	// MinSize and MaxSize are the least and the greatest size of the file, in
	// bytes.
	MinSize, MaxSize int64
	// AnySize leaves the size open, in place of MaxSize: up to 5 GiB may come.
	AnySize bool
	// Fields are further fields with the value that each must have, such as
	// "acl", "success_action_status" and "x-amz-meta-…".
	Fields map[string]string
	// Prefixes are further fields that whoever sends the form may fill in, with
	// what each value must begin with; "" allows any. S3 documents acl,
	// Cache-Control, Content-Type, Content-Disposition, Content-Encoding,
	// Expires, redirect, success_action_redirect and x-amz-meta-….
	Prefixes map[string]string
}

// PostForm is a form that anybody may send who holds it.
type PostForm struct {
	// URL is the action of the form: the root of the bucket.
	URL string
	// Fields are the fields to send, in this order, before the file, whose
	// field is called "file" and comes last.
	Fields []FormField
	// ExpiresAt is when the form stops working: its own expiry or, where that
	// is known to be earlier, the end of the credentials.
	ExpiresAt time.Time
	// OutlivesCredentials says that the credentials end before the form's own
	// expiry, and so at ExpiresAt.
	OutlivesCredentials bool
	// CredentialsEndUnknown says that the credentials are temporary and that
	// nobody said until when.
	CredentialsEndUnknown bool
}

// FormField is one field of a form.
type FormField struct {
	// Name is the field's name.
	Name string
	// Value is its value or, for an Open field, the proposed one.
	Value string
	// Open says that whoever sends the form may change what follows the
	// prefix that the policy has for this field.
	Open bool
}

// filenameVariable is replaced by the name of the uploaded file.
const filenameVariable = "${filename}"

// Post returns a signed form for the policy. Signature Version 4A and S3
// Express have no forms: ErrEndpoint. It returns ErrPolicy for a policy that
// lacks something or that S3 would refuse, ErrExpiry, and what the other
// operations return.
func (s *S3) Post(c sigv4.Credentials, p *PostPolicy) (*PostForm, error) {
	expires := p.Expires
	if expires == 0 {
		expires = defaultExpires
	}
	if expires < time.Second || expires > maxExpires || expires%time.Second != 0 {
		return nil, fault(ErrExpiry, "%v is no whole number of seconds from one to seven days", expires)
	}
	t, err := s.locate(&opHeadBucket, &request{bucket: p.Bucket})
	if err != nil {
		return nil, err
	}
	l := t.join()
	if l.Service != "s3" || l.Algorithm != sigv4.AlgorithmV4 || strings.HasPrefix(p.Bucket, "arn:") {
		return nil, fault(ErrEndpoint, "forms are for buckets, signed with Signature Version 4")
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	form := &PostForm{CredentialsEndUnknown: c.SessionToken != "" && c.Expires.IsZero()}
	at := now().UTC().Truncate(time.Second)
	if form.ExpiresAt, form.OutlivesCredentials, err = s.lifetime(at, expires, &c); err != nil {
		return nil, err
	}
	if form.URL = l.Scheme + "://" + l.Host + l.Path; l.Path == "" {
		form.URL += "/"
	}
	b := policyBuilder{policy: p}
	if err := b.fields(&c, &l, at); err != nil {
		return nil, err
	}
	end := form.ExpiresAt
	if form.OutlivesCredentials {
		end = at.Add(expires)
	}
	text := base64.StdEncoding.EncodeToString(b.document(end))
	signature, err := c.Sign(sigv4.NewScope(at, l.Region, l.Service), []byte(text))
	if err != nil {
		return nil, &Error{Kind: err}
	}
	form.Fields = append(b.out, FormField{Name: "policy", Value: text}, FormField{Name: "x-amz-signature", Value: signature})
	return form, nil
}

// policyBuilder collects fields and their conditions.
type policyBuilder struct {
	policy     *PostPolicy
	out        []FormField
	conditions [][]byte
	err        error
}

func (b *policyBuilder) fail(message string) {
	if b.err == nil {
		b.err = fault(ErrPolicy, "%s", message)
	}
}

// fields adds every field with its condition.
func (b *policyBuilder) fields(c *sigv4.Credentials, l *Location, t time.Time) error {
	p := b.policy
	b.condition(map[string]string{"bucket": p.Bucket})
	b.key()
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		b.exact(name, p.Fields[name])
	}
	for _, name := range slices.Sorted(maps.Keys(p.Prefixes)) {
		if !mayBegin(lowerASCII(name)) {
			b.fail("S3 knows no starts-with for the field " + strconv.Quote(name))
		}
		b.open(name, p.Prefixes[name], p.Prefixes[name])
	}
	switch {
	case p.AnySize && (p.MinSize != 0 || p.MaxSize != 0):
		b.fail("AnySize stands beside MinSize or MaxSize")
	case p.AnySize:
	case p.MaxSize <= 0 || p.MinSize < 0 || p.MinSize > p.MaxSize:
		b.fail("MinSize and MaxSize are no range, and AnySize is not set")
	default:
		b.condition([]any{"content-length-range", p.MinSize, p.MaxSize})
	}
	b.own("x-amz-algorithm", sigv4.AlgorithmV4.String())
	b.own("x-amz-credential", c.AccessKeyID+"/"+sigv4.NewScope(t, l.Region, l.Service).String())
	b.own("x-amz-date", sigv4.FormatDate(t))
	if c.SessionToken != "" {
		b.own("x-amz-security-token", c.SessionToken)
	}
	return b.err
}

// key adds the key and its condition.
func (b *policyBuilder) key() {
	p := b.policy
	if p.Key != "" && p.KeyPrefix != "" || p.Key == "" && p.KeyPrefix == "" {
		b.fail("one of Key and KeyPrefix is needed")
		return
	}
	if len(p.Key) > 1024 || len(p.KeyPrefix) > 1024 {
		b.fail("the key is longer than 1024 bytes")
	}
	if p.KeyPrefix != "" {
		b.open("key", p.KeyPrefix, p.KeyPrefix+filenameVariable)
		return
	}
	if head, _, variable := strings.Cut(p.Key, filenameVariable); variable {
		b.condition([]any{"starts-with", "$key", head})
		b.out = append(b.out, FormField{Name: "key", Value: p.Key})
		return
	}
	b.exact("key", p.Key)
}

// exact adds a field that must have this value.
func (b *policyBuilder) exact(name, value string) {
	if b.check(name, value) {
		b.condition(map[string]string{name: value})
		b.out = append(b.out, FormField{Name: name, Value: value})
	}
}

// open adds a field that must begin so.
func (b *policyBuilder) open(name, prefix, proposal string) {
	if b.check(name, proposal) {
		b.condition([]any{"starts-with", "$" + name, prefix})
		b.out = append(b.out, FormField{Name: name, Value: proposal, Open: true})
	}
}

// own adds a field of the signature.
func (b *policyBuilder) own(name, value string) {
	b.condition(map[string]string{name: value})
	b.out = append(b.out, FormField{Name: name, Value: value})
}

// check refuses names and values that the caller may not give.
func (b *policyBuilder) check(name, value string) bool {
	lower := lowerASCII(name)
	switch {
	case isFormAuth(lower) || lower == "bucket" || lower == "file" || lower == "x-amz-security-token":
		b.fail("the field " + strconv.Quote(name) + " is not the caller's to set")
	case name == "" || !utf8.ValidString(name) || !utf8.ValidString(value) || strings.ContainsAny(name, "\"\r\n"):
		b.fail("a field has an unusable name or value")
	case strings.Contains(value, filenameVariable) && lower != "key":
		b.fail("the field " + strconv.Quote(name) + " holds " + filenameVariable + ", which is for the key")
	case slices.ContainsFunc(b.out, func(f FormField) bool { return lowerASCII(f.Name) == lower }):
		b.fail("the field " + strconv.Quote(name) + " is given twice")
	default:
		return true
	}
	return false
}

// condition adds the JSON of one condition. What is marshalled are maps and
// lists of strings and integers, which cannot fail.
func (b *policyBuilder) condition(v any) { b.conditions = append(b.conditions, marshal(v)) }

func marshal(v any) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// document returns the policy.
func (b *policyBuilder) document(end time.Time) []byte {
	out := append([]byte(`{"expiration":"`), end.UTC().Format("2006-01-02T15:04:05.000Z")...)
	out = append(out, `","conditions":[`...)
	out = append(out, bytes.Join(b.conditions, []byte(","))...)
	return append(out, "]}"...)
}

// mayBegin reports whether S3 documents starts-with for a field.
func mayBegin(lower string) bool {
	switch lower {
	case "acl", "cache-control", "content-type", "content-disposition", "content-encoding", "expires", "redirect", "success_action_redirect":
		return true
	}
	return strings.HasPrefix(lower, "x-amz-meta-")
}

// isFormAuth reports whether a field is one of those that sign the form.
func isFormAuth(lower string) bool { return slices.Contains(formAuth[:], lower) }

// formAuth are the fields that sign a form: all of them, or none.
var formAuth = [...]string{"policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"}

// lowerASCII lowers A to Z. Unicode's rules would make a K of U+212A, the
// Kelvin sign, and so a second spelling of "key".
func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
