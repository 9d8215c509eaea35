// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/sigv4"
)

// PostVerifier verifies form uploads (AWS: "POST Object", "Creating a POST
// policy"): who signed the policy, and that the form is what the policy
// allows. Both fields are required. It is safe for concurrent use as long as
// its fields do not change.
type PostVerifier struct {
	// Auth holds the keys, the region, the clock and the skew that the server
	// verifies all its requests with.
	Auth *sigv4.Verifier
	// Bucket returns the bucket that a request addresses, by host or by path;
	// "" refuses the request.
	Bucket func(r *http.Request) string
}

// PostUpload is a form that its policy allows. All of it was covered by a
// condition, but for fields whose name begins with x-ignore-. Headers of the
// request are not part of it: x-amz-* headers beside a form are nobody's word.
type PostUpload struct {
	// AccessKeyID is the key that signed the policy.
	AccessKeyID string
	// Scope is the credential scope.
	Scope sigv4.Scope
	// SessionToken says whether a session token came, and matched.
	SessionToken bool
	// SignedAt is x-amz-date.
	SignedAt time.Time
	// ExpiresAt is the policy's expiration.
	ExpiresAt time.Time
	// Bucket is the bucket that the request addresses.
	Bucket string
	// Key is the key to store under, ${filename} replaced.
	Key string
	// Fields are all submitted fields by lowercase name, ${filename} replaced,
	// without those that sign the form.
	Fields map[string]string
	// Filename is the base name of the uploaded file, as sent; it may be empty.
	Filename string
	// FileType is the Content-Type of the file's part, as sent, which no
	// condition covers. The field content-type is what counts.
	FileType string
	// MinSize and MaxSize are the range of sizes; MaxSize is -1 for no bound.
	MinSize, MaxSize int64
	// Status is what to answer an upload with when there is no Redirect: 200,
	// 201 or 204.
	Status int
	// Redirect is the http or https URL to redirect to, or empty.
	Redirect string
	// File is the content. It ends in io.EOF only when the whole form has
	// arrived and the size is in range; any other end is an *sigv4.Error, or
	// the error of the connection. Store nothing before io.EOF.
	File io.Reader
}

// refuse returns what a refused form is answered with.
func refuse(kind error, status int, code, message string) *sigv4.Error {
	return &sigv4.Error{Kind: kind, HTTPStatus: status, Code: code, Message: message}
}

func argument(message, name string) *sigv4.Error {
	e := refuse(ErrForm, http.StatusBadRequest, "InvalidArgument", message)
	e.Fields = []sigv4.ErrorField{{Name: "ArgumentName", Value: name}}
	return e
}

func denied(kind error, message string) *sigv4.Error {
	return refuse(kind, http.StatusForbidden, "AccessDenied", message)
}

// Verify reads the form up to the file and returns what it may upload. It
// reads r.Body as it goes; PostUpload.File goes on from there. A refusal is an
// *sigv4.Error whose Kind is ErrForm, ErrNoAuth, ErrPolicy, ErrPolicyExpired or
// ErrCondition, or a kind of sigv4.Verifier's; nothing of the file was then
// read but what a buffer held.
func (v *PostVerifier) Verify(r *http.Request) (*PostUpload, error) {
	if v.Auth == nil || v.Bucket == nil {
		return nil, refuse(ErrConfig, http.StatusInternalServerError, "InternalError", "PostVerifier.Auth or PostVerifier.Bucket is nil")
	}
	f, refusal := v.open(r)
	if refusal != nil {
		return nil, refusal
	}
	form, err := readForm(f)
	if err != nil {
		return nil, formError(err)
	}
	return v.judge(r, f, form)
}

// open checks that the request is a form upload and nothing else.
func (v *PostVerifier) open(r *http.Request) (*formReader, error) {
	if r.Method != http.MethodPost {
		return nil, refuse(ErrForm, http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	if len(r.Header["Authorization"]) > 0 || r.URL != nil && hasQueryAuth(r.URL.RawQuery) {
		return nil, argument("Only one auth mechanism allowed", "Authorization")
	}
	types := r.Header["Content-Type"]
	if len(types) != 1 {
		return nil, notAForm()
	}
	kind, params, err := mime.ParseMediaType(types[0])
	if err != nil || kind != "multipart/form-data" {
		return nil, notAForm()
	}
	boundary := params["boundary"]
	if boundary == "" || len(boundary) > 70 || strings.ContainsAny(boundary, "\r\n") {
		return nil, malformedForm()
	}
	if r.Body == nil {
		return nil, malformedForm()
	}
	f, err := newFormReader(r.Body, boundary)
	if err != nil {
		return nil, formError(err)
	}
	return f, nil
}

func notAForm() error {
	e := refuse(ErrForm, http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	e.Fields = []sigv4.ErrorField{{Name: "Condition", Value: "Bucket POST must be of the enclosure-type multipart/form-data"}}
	return e
}

func malformedForm() error {
	return refuse(ErrForm, http.StatusBadRequest, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
}

// formError turns an error of the reader into what is answered.
func formError(err error) error {
	var e *sigv4.Error
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, errFormTooLong):
		return refuse(ErrForm, http.StatusBadRequest, "MaxPostPreDataLengthExceededError", "Your POST request fields preceding the upload file were too large.")
	case errors.Is(err, errFormSyntax), errors.Is(err, io.ErrUnexpectedEOF):
		return malformedForm()
	}
	return fmt.Errorf("%w: %w", malformedForm(), err)
}

// hasQueryAuth reports whether a query signs the request. Names that cannot be
// decoded count.
func hasQueryAuth(query string) bool {
	for piece := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(piece, "=")
		decoded, err := queryUnescape(name)
		if err != nil || isAuthParam(decoded) && decoded != "X-Amz-Region-Set" || decoded == "AWSAccessKeyId" || decoded == "Signature" {
			return true
		}
	}
	return false
}

// form is what stands before the file.
type form struct {
	names  []string // in order of arrival
	values map[string]string
	file   partHeader
}

// readForm reads the fields, up to the content of the file.
func readForm(f *formReader) (*form, error) {
	out := &form{values: make(map[string]string)}
	for {
		last, err := f.afterDelim()
		if err != nil {
			return nil, err
		}
		if last {
			return nil, argument("POST requires exactly one file upload per request.", "file")
		}
		h, err := f.header()
		if err != nil {
			return nil, err
		}
		name := lowerASCII(h.name)
		if name == "file" {
			out.file = h
			return out, nil
		}
		if len(out.names) == maxFields {
			return nil, argument("POST has too many fields.", "fields")
		}
		if _, twice := out.values[name]; twice {
			return nil, argument("A field occurs twice.", name)
		}
		value, err := f.value()
		if err != nil {
			return nil, err
		}
		out.names = append(out.names, name)
		out.values[name] = value
	}
}

// judge decides about a form that was read.
func (v *PostVerifier) judge(r *http.Request, f *formReader, in *form) (*PostUpload, error) {
	up := &PostUpload{Bucket: v.Bucket(r), Fields: in.values, FileType: in.file.contentType, File: nil}
	if err := v.authenticate(r.Context(), in, up); err != nil {
		return nil, err
	}
	text, ok := decodePolicy(in.values["policy"])
	if !ok {
		return nil, refuse(ErrPolicy, http.StatusBadRequest, "InvalidPolicyDocument", "Invalid Policy: the policy is not base64")
	}
	p, err := parsePolicy(text)
	if err != nil {
		return nil, refuse(ErrPolicy, http.StatusBadRequest, "InvalidPolicyDocument", "Invalid Policy: "+reasonOf(err))
	}
	if v.now().After(p.expiration) {
		return nil, denied(ErrPolicyExpired, "Invalid according to Policy: Policy expired.")
	}
	up.ExpiresAt = p.expiration
	if refusal := up.expand(in); refusal != nil {
		return nil, refusal
	}
	if refusal := up.check(p, in); refusal != nil {
		return nil, refusal
	}
	for _, name := range formAuth {
		delete(up.Fields, name)
	}
	delete(up.Fields, "x-amz-security-token")
	up.success()
	up.File = &postFile{form: f, min: up.MinSize, max: up.MaxSize}
	return up, nil
}

func (v *PostVerifier) now() time.Time {
	if v.Auth.Now != nil {
		return v.Auth.Now()
	}
	return time.Now()
}

// authenticate checks who signed the policy, as it was sent.
func (v *PostVerifier) authenticate(ctx context.Context, in *form, up *PostUpload) error {
	present := 0
	missing := ""
	for _, name := range formAuth {
		if _, ok := in.values[name]; ok {
			present++
		} else if missing == "" {
			missing = name
		}
	}
	switch {
	case present == 0:
		return denied(ErrNoAuth, "Access Denied")
	case missing != "":
		return argument("Bucket POST must contain a field named '"+missing+"'.", missing)
	case in.values["x-amz-algorithm"] != sigv4.AlgorithmV4.String():
		return argument("x-amz-algorithm must be "+sigv4.AlgorithmV4.String(), "x-amz-algorithm")
	}
	id, scope, err := sigv4.ParseCredential(in.values["x-amz-credential"])
	if err != nil {
		return refuse(sigv4.ErrScope, http.StatusBadRequest, "AuthorizationHeaderMalformed", "x-amz-credential is not ID/DATE/REGION/SERVICE/aws4_request")
	}
	if up.SignedAt, err = sigv4.ParseDate(in.values["x-amz-date"]); err != nil {
		return argument("x-amz-date is not YYYYMMDDTHHMMSSZ", "x-amz-date")
	}
	if err := v.checkDate(scope, up.SignedAt); err != nil {
		return err
	}
	signature, err := sigv4.ParseSignature(in.values["x-amz-signature"])
	if err != nil {
		return refuse(sigv4.ErrMalformed, http.StatusForbidden, "SignatureDoesNotMatch", "x-amz-signature is not 64 lowercase hex digits")
	}
	token, hasToken := in.values["x-amz-security-token"]
	q := sigv4.KeyQuery{AccessKeyID: id, SessionToken: token, Scope: scope}
	if err := v.Auth.VerifyText(ctx, q, []byte(in.values["policy"]), signature); err != nil {
		return err
	}
	up.AccessKeyID, up.Scope, up.SessionToken = id, scope, hasToken
	return nil
}

// checkDate holds the date against the scope and the clock: a signing key lives
// for seven days.
func (v *PostVerifier) checkDate(scope sigv4.Scope, t time.Time) error {
	skew := v.Auth.Skew
	if skew == 0 {
		skew = 15 * time.Minute
	}
	now := v.now()
	switch {
	case scope.Date != t.Format("20060102"):
		return refuse(sigv4.ErrScope, http.StatusBadRequest, "AuthorizationHeaderMalformed", "the date of x-amz-credential is not that of x-amz-date")
	case t.After(now.Add(skew)), now.Sub(t) > maxExpires:
		return refuse(sigv4.ErrSkew, http.StatusForbidden, "RequestTimeTooSkewed", "x-amz-date is in the future or more than seven days old")
	}
	return nil
}

// expand replaces ${filename} by the base name of the file, once, in every
// field but those that sign the form, and takes the key.
func (u *PostUpload) expand(in *form) error {
	u.Filename = in.file.filename[strings.LastIndexAny(in.file.filename, `/\`)+1:]
	room := maxPreData // for what comes of it too: a name of 10 KB a thousand times is 10 MB
	for name, value := range u.Fields {
		n := strings.Count(value, filenameVariable)
		if n == 0 || isFormAuth(name) || name == "x-amz-security-token" {
			continue
		}
		if room -= len(value) + n*(len(u.Filename)-len(filenameVariable)); room < 0 {
			return formError(errFormTooLong)
		}
		u.Fields[name] = strings.ReplaceAll(value, filenameVariable, u.Filename)
	}
	u.Key = u.Fields["key"]
	switch {
	case u.Bucket == "":
		return refuse(ErrForm, http.StatusBadRequest, "InvalidArgument", "The request addresses no bucket.")
	case u.Key == "":
		return argument("Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.", "key")
	case len(u.Key) > 1024:
		return refuse(ErrForm, http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	case !utf8.ValidString(u.Key):
		return argument("The key is not UTF-8.", "key")
	}
	return nil
}

// check evaluates every condition, and that every field has one.
func (u *PostUpload) check(p *policy, in *form) error {
	u.MaxSize = -1
	covered := make(map[string]bool, len(p.conditions))
	for i := range p.conditions {
		c := &p.conditions[i]
		if c.compare == compareSize {
			u.MinSize = max(u.MinSize, c.min)
			if u.MaxSize < 0 || c.max < u.MaxSize {
				u.MaxSize = c.max
			}
			continue
		}
		covered[c.name] = true
		if !u.meets(c) {
			return denied(ErrCondition, "Invalid according to Policy: Policy Condition failed: "+c.text)
		}
	}
	if !covered["bucket"] {
		return denied(ErrCondition, "Invalid according to Policy: Extra input fields: bucket")
	}
	for _, name := range in.names {
		if !covered[name] && name != "x-amz-signature" && name != "policy" && !strings.HasPrefix(name, "x-ignore-") {
			return denied(ErrCondition, "Invalid according to Policy: Extra input fields: "+name)
		}
	}
	return nil
}

// meets reports whether the form meets a condition. A field that was not
// submitted meets none. The bucket is the one that the request addresses, and a
// field of that name has to be the same.
func (u *PostUpload) meets(c *condition) bool {
	value, submitted := u.Fields[c.name]
	if c.name != "bucket" {
		return submitted && c.matches(value)
	}
	return c.matches(u.Bucket) && (!submitted || value == u.Bucket)
}

// success says how to answer.
func (u *PostUpload) success() {
	u.Status = http.StatusNoContent
	switch u.Fields["success_action_status"] {
	case "200":
		u.Status = http.StatusOK
	case "201":
		u.Status = http.StatusCreated
	}
	target, ok := u.Fields["success_action_redirect"]
	if !ok {
		target = u.Fields["redirect"]
	}
	lower := lowerASCII(target)
	if (strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://")) && !strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		u.Redirect = target
	}
}
