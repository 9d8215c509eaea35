// SPDX-License-Identifier: Apache-2.0

package cloudfront

import (
	"net/url"
	"strings"

	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// location is a URL in the four parts that a wildcard does not leave.
type location struct {
	protocol, domain, path, query string
}

// maxQuestions bounds the plain question marks of a resource, each of which
// may be the one where the query begins.
const maxQuestions = 16

// validText reports whether a URL or resource holds only printable ASCII
// without the characters that JSON would have to escape.
func validText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// checkResource refuses a resource that no verifier would accept.
func checkResource(resource string) error {
	if resource == "" || !validText(resource) || strings.Contains(resource, "#") {
		return fault(ErrInput, "the resource is empty or holds a character that a URL may not")
	}
	if _, err := matchResource(resource, &location{}); err != nil {
		return fault(ErrInput, err.(*Error).Reason)
	}
	return nil
}

// matchResource reports whether a policy's resource covers a URL. An error
// says that the resource is malformed.
func matchResource(resource string, u *location) (bool, error) {
	if resource == "*" {
		return true, nil
	}
	protocol, rest, found := strings.Cut(resource, "://")
	if !found {
		if !strings.HasPrefix(resource, "*") {
			return false, fault(ErrMalformed, "the resource has no protocol and does not begin with *")
		}
		protocol, rest = "*", resource
	}
	if !wildcard.Match(protocol, "http") && !wildcard.Match(protocol, "https") {
		return false, fault(ErrMalformed, "the protocol of the resource is neither http nor https")
	}
	if head, query, old := strings.Cut(rest, `\?`); old {
		return wildcard.Match(protocol, u.protocol) && matchParts(head, query, true, u), nil
	}
	if strings.Count(rest, "?") > maxQuestions {
		return false, fault(ErrMalformed, "the resource has too many question marks")
	}
	if !wildcard.Match(protocol, u.protocol) {
		return false, nil
	}
	if matchParts(rest, "", false, u) {
		return true, nil
	}
	for i := 0; i < len(rest); i++ {
		if rest[i] == '?' && matchParts(rest[:i], rest[i+1:], true, u) {
			return true, nil
		}
	}
	return false, nil
}

// matchParts tries one reading of a resource: head is what stands before the
// query, which is separated when a question mark was taken to begin it.
func matchParts(head, query string, separated bool, u *location) bool {
	slash := strings.IndexByte(head, '/')
	domain, path := head, "/"
	if slash >= 0 {
		domain, path = head[:slash], head[slash:]
	}
	switch {
	case separated:
	case slash < 0 && strings.HasSuffix(domain, "*"):
		path, query = "/*", "*"
	case strings.HasSuffix(path, "*"):
		query = "*"
	}
	return wildcard.Match(domain, u.domain) && wildcard.Match(path, u.path) && wildcard.Match(query, u.query)
}

// hasDotSegment reports whether a path, its escapes decoded once, has a
// segment . or .., which a handler may resolve into a place that the pattern
// never meant. A path with a malformed escape counts as one.
func hasDotSegment(path string) bool {
	if strings.IndexByte(path, '%') < 0 && !strings.Contains(path, "/.") && strings.IndexByte(path, '\\') < 0 {
		return false
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return true
	}
	for segment := range strings.FieldsFuncSeq(decoded, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
