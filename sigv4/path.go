// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport-go/sallyport/internal/percent"
)

// wirePath returns the path net/http puts on the wire, SIG-4: Opaque without
// its //host, else the escaped path.
func wirePath(u *url.URL) string {
	if u.Opaque == "" {
		return u.EscapedPath()
	}
	path := u.Opaque
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			return rest[slash:]
		}
		return "/"
	}
	return path
}

// originalTarget splits a request target as it arrived into path and query.
func originalTarget(r *http.Request) (path, query string, ok bool) {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") {
		_, rest, found := strings.Cut(target, "://")
		if !found {
			return "", "", false
		}
		if cut := strings.IndexAny(rest, "/?"); cut >= 0 {
			target = rest[cut:]
		} else {
			target = "/"
		}
	}
	path, query, _ = strings.Cut(target, "?")
	return path, query, true
}

// setURLPath is setPath for the path of a URL. Where the URL holds no encoding
// of its own, decoding what net/http would encode gives Path again: S3's
// canonical form is made from that, in one pass and not three.
func (sc *scratch) setURLPath(u *url.URL, p *Profile) bool {
	if u.RawPath == "" && u.Opaque == "" && u.Path != "" && u.Path[0] == '/' && p.SingleEncode && p.RawPath {
		sc.path = percent.Append(sc.path[:0], u.Path, true)
		return true
	}
	return sc.setPath(wirePath(u), p)
}

// setPath writes the canonical URI of a wire path to sc.path. It reports false
// where the path is none: it does not start with a slash, holds a query, or an
// escape is malformed.
func (sc *scratch) setPath(wire string, p *Profile) (ok bool) {
	sc.path = sc.path[:0]
	if wire == "" {
		sc.path = append(sc.path, '/')
		return true
	}
	if wire[0] != '/' || strings.IndexByte(wire, '?') >= 0 { // a query in URL.Opaque
		return false
	}
	if !p.RawPath && needsNormalizing(wire) {
		if !percent.Valid(wire) { // before a dot segment takes it out
			return false
		}
		sc.tmp = appendNormalized(sc.tmp[:0], wire)
		wire = string(sc.tmp)
	}
	if p.SingleEncode {
		sc.path, ok = percent.AppendRecoded(sc.path, wire, true, false)
		return ok
	}
	if !percent.Valid(wire) {
		return false
	}
	sc.path = percent.Append(sc.path, wire, true)
	return true
}

func needsNormalizing(path string) bool {
	for i := 1; i < len(path); i++ {
		if path[i-1] == '/' && (path[i] == '/' || path[i] == '.') {
			return true
		}
	}
	return false
}

// appendNormalized removes dot segments and repeated slashes, SIG-7. A slash
// at the end stays, unless nothing else does.
func appendNormalized(dst []byte, path string) []byte {
	start := len(dst)
	for rest := path; rest != ""; {
		rest = rest[1:] // the slash that the segment follows
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		segment := rest[:end]
		rest = rest[end:]
		switch segment {
		case "", ".":
		case "..":
			dst = dst[:start+max(0, bytes.LastIndexByte(dst[start:], '/'))]
		default:
			dst = append(dst, '/')
			dst = append(dst, segment...)
		}
	}
	if len(dst) == start || path[len(path)-1] == '/' {
		dst = append(dst, '/')
	}
	return dst
}
