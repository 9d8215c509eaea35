// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// URL is a request that anybody may send who holds it. Send Method and URL as
// they are, with exactly the headers in Header: each of them is signed, and a
// request that lacks one or changes one is refused.
//
// A URL is a bearer secret. String hides what makes it one; the fields do not.
type URL struct {
	// URL is the absolute URL, its query in canonical order.
	URL string
	// Method is the only method it is good for.
	Method string
	// Header is what must be sent with it; nil for nothing.
	Header http.Header
	// ExpiresAt is when it stops working: its own expiry or, where that is
	// known to be earlier, the end of the credentials.
	ExpiresAt time.Time
	// OutlivesCredentials says that the credentials end before the URL's own
	// expiry, and so at ExpiresAt.
	OutlivesCredentials bool
	// CredentialsEndUnknown says that the credentials are temporary and that
	// nobody said until when: the URL may die before ExpiresAt.
	CredentialsEndUnknown bool
}

// String returns method and URL with signature and token withheld.
func (u *URL) String() string { return u.Method + " " + redactURL(u.URL) }

// Request returns the request to send, with the method and headers of u. The
// body must be what was pinned, if anything was; its length is taken from a
// signed Content-Length.
func (u *URL) Request(ctx context.Context, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, u.Method, u.URL, body)
	if err != nil {
		return nil, fault(ErrURL, "the URL or the method cannot be sent")
	}
	for name, values := range u.Header {
		r.Header[name] = slices.Clone(values)
	}
	if text := r.Header.Get("Content-Length"); text != "" {
		if r.ContentLength, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fault(ErrURL, "the signed Content-Length is no number")
		}
	}
	return r, nil
}

// CurlLine returns a shell command that sends the request, with every header
// it needs; where there is a body, it is read from the file named FILE. Unless
// reveal is set, signature, token and customer keys are withheld, and the line
// is for reading.
func (u *URL) CurlLine(reveal bool) string {
	target := u.URL
	if !reveal {
		target = redactURL(target)
	}
	return curlLine(u.Method, u.Header, target, reveal)
}

func curlLine(method string, header http.Header, target string, reveal bool) string {
	var b strings.Builder
	b.WriteString("curl --path-as-is --globoff")
	switch method {
	case http.MethodGet:
	case http.MethodHead:
		b.WriteString(" --head")
	case http.MethodPut, http.MethodPost:
		b.WriteString(" -X " + method + " --data-binary @FILE")
		if header.Get("Content-Type") == "" {
			b.WriteString(" -H 'Content-Type:'") // or curl adds one of its own
		}
	default:
		b.WriteString(" -X " + quoteShell(method))
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			if !reveal && isSecretHeader(name) {
				value = redacted
			}
			b.WriteString(" -H " + quoteShell(strings.ToLower(name)+": "+value))
		}
	}
	b.WriteString(" " + quoteShell(target))
	return b.String()
}

// quoteShell quotes for a POSIX shell.
func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

const redacted = "REDACTED"

// isSecretHeader reports whether a header holds a customer key, whole or as a
// hash of it, or a token.
func isSecretHeader(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "-customer-key") || strings.HasSuffix(name, "-customer-key-md5") || isSecretParam(name)
}

// isSecretParam reports whether a query parameter is a signature or a token,
// of any version.
func isSecretParam(name string) bool {
	switch strings.ToLower(name) {
	case "x-amz-signature", "x-amz-security-token", "x-amz-s3session-token", "signature", "authorization":
		return true
	}
	return strings.HasSuffix(strings.ToLower(name), "-customer-key")
}

// redactURL withholds the values of secret parameters, keeping all else as it
// is.
func redactURL(rawURL string) string {
	head, query, has := strings.Cut(rawURL, "?")
	if !has {
		return rawURL
	}
	var b strings.Builder
	b.WriteString(head)
	separator := byte('?')
	for piece := range strings.SplitSeq(query, "&") {
		b.WriteByte(separator)
		separator = '&'
		name, _, _ := strings.Cut(piece, "=")
		if decoded, err := queryUnescape(name); err != nil || isSecretParam(decoded) {
			b.WriteString(name + "=" + redacted)
			continue
		}
		b.WriteString(piece)
	}
	return b.String()
}
