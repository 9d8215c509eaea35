// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// request is the text of a request, taken apart. It keeps the headers in the
// order and spelling in which they came, to be written out again.
type request struct {
	method string
	host   string // of an absolute-form target
	path   string // percent-encoded
	query  string // percent-encoded, with its question mark
	header []field
	body   string
	eol    string
}

type field struct{ name, value string }

// parseRequest reads "METHOD target HTTP/1.1", header lines, a blank line and
// the body, with LF or CRLF ends. The target may hold raw spaces and raw
// UTF-8; header lines may be folded.
func parseRequest(text string) (*request, error) {
	t := &request{eol: "\n"}
	line, rest := cutLine(text)
	if strings.HasPrefix(text, line+"\r") {
		t.eol = "\r\n"
	}
	if err := t.parseTarget(line); err != nil {
		return nil, err
	}
	for rest != "" {
		line, rest = cutLine(rest)
		if line == "" {
			t.body = rest
			return t, nil
		}
		if isBlank(line[0]) {
			return nil, errors.New("the first header line is a folded one")
		}
		parts := []string{line}
		for rest != "" && isBlank(rest[0]) { // folded: part of the line before
			line, rest = cutLine(rest)
			if line = strings.Trim(line, " \t"); line != "" {
				parts = append(parts, line)
			}
		}
		if err := t.parseField(strings.Join(parts, " ")); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func (t *request) parseTarget(line string) error {
	method, target, ok := strings.Cut(line, " ")
	target, version := strings.CutSuffix(target, " HTTP/1.1")
	if !ok || !version || !isToken(method) {
		return errors.New("the request line is not METHOD target HTTP/1.1")
	}
	t.method = method
	if rest, absolute := cutScheme(target); absolute {
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		t.host, target = rest[:end], rest[end:]
		if t.host == "" || strings.ContainsAny(t.host, "@ ") {
			return errors.New("the request target has no host")
		}
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
	}
	if !strings.HasPrefix(target, "/") {
		return errors.New("the request target does not begin with a slash")
	}
	path, query, hasQuery := strings.Cut(target, "?")
	t.path = escapeRaw(path)
	if hasQuery {
		t.query = "?" + escapeRaw(query)
	}
	return nil
}

func cutScheme(target string) (rest string, ok bool) {
	for _, scheme := range []string{"http://", "https://"} {
		if len(target) >= len(scheme) && strings.EqualFold(target[:len(scheme)], scheme) {
			return target[len(scheme):], true
		}
	}
	return "", false
}

func (t *request) parseField(line string) error {
	if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return errors.New("a header line holds a control byte")
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || !isToken(name) {
		return fmt.Errorf("the header line %d is not name:value", len(t.header)+1)
	}
	t.header = append(t.header, field{name, strings.Trim(value, " \t")})
	return nil
}

func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// escapeRaw encodes the bytes that no URL holds. An escape that is there stays
// one.
func escapeRaw(s string) string {
	const keep = "-._~!$&'()*+,;=:@/%?"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if alnum || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// http returns the request as net/http's server would hand it to a handler. The
// body is there only if it is signed: otherwise the payload hash is that of
// nothing.
func (t *request) http(signBody bool) *http.Request {
	path, err := url.PathUnescape(t.path)
	if err != nil {
		path = t.path // refused by whoever reads RequestURI
	}
	r := &http.Request{
		Method: t.method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL:        &url.URL{Path: path, RawPath: t.path, RawQuery: strings.TrimPrefix(t.query, "?")},
		RequestURI: t.path + t.query,
		Header:     http.Header{}, Host: t.host, ContentLength: -1,
	}
	for _, f := range t.header {
		if !strings.EqualFold(f.name, "Host") {
			r.Header.Add(f.name, f.value)
		} else if t.host == "" {
			r.Host = f.value
			r.Header.Add("Host", f.value) // for the verifier to count
		}
	}
	if signBody && t.body != "" {
		r.Body = io.NopCloser(strings.NewReader(t.body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(t.body)), nil }
	}
	return r
}

// render writes the request out with another target and header list.
func (t *request) render(target string, header []field) string {
	var b strings.Builder
	b.WriteString(t.method + " " + target + " HTTP/1.1" + t.eol)
	for _, f := range header {
		b.WriteString(f.name + ":" + f.value + t.eol)
	}
	b.WriteString(t.eol + t.body)
	return b.String()
}
