// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

// The slow canonicalizer. It is written from the rules alone, one function per
// rule, with no thought for speed.

func TestReferenceImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_test.go",
		"github.com/sallyport-go/sallyport/sigv4", "github.com/sallyport-go/sallyport/internal/testkit")
}

// refEncode is SIG-2.
func refEncode(s string, slashStays bool) string {
	out := ""
	for _, c := range []byte(s) {
		if strings.Contains("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", string(rune(c))) && c < 0x80 ||
			c == '/' && slashStays {
			out += string(rune(c))
		} else {
			out += fmt.Sprintf("%%%02X", c)
		}
	}
	return out
}

// refDecode undoes percent-encoding once; ok is false at a malformed escape
// (SIG-13).
func refDecode(s string, plusIsSpace bool) (out string, ok bool) {
	var b []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '%':
			if i+3 > len(s) {
				return "", false
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil || strings.ContainsAny(s[i+1:i+3], "+-_") {
				return "", false
			}
			b = append(b, byte(n))
			i += 2
		case s[i] == '+' && plusIsSpace:
			b = append(b, ' ')
		default:
			b = append(b, s[i])
		}
	}
	return string(b), true
}

// refPath is SIG-4 to SIG-8 for a path as it is on the wire.
func refPath(wire string, p sigv4.Profile) (string, bool) {
	if wire == "" {
		return "/", true
	}
	decoded, ok := refDecode(wire, false)
	if !ok || !strings.HasPrefix(wire, "/") || strings.Contains(wire, "?") {
		return "", false
	}
	if !p.RawPath {
		var kept []string
		for _, segment := range strings.Split(wire, "/") {
			if segment == ".." && len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if segment != "" && segment != "." && segment != ".." {
				kept = append(kept, segment)
			}
		}
		normal := "/" + strings.Join(kept, "/")
		if strings.HasSuffix(wire, "/") && normal != "/" {
			normal += "/"
		}
		wire = normal
		decoded, _ = refDecode(wire, false)
	}
	if p.SingleEncode {
		return refEncode(decoded, true), true
	}
	return refEncode(wire, true), true
}

// refQuery is SIG-10 and SIG-12.
func refQuery(raw string, p sigv4.Profile) (string, bool) {
	type pair struct{ name, value string }
	var pairs []pair
	for _, piece := range strings.Split(raw, "&") {
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		name, ok := refDecode(name, true)
		value, ok2 := refDecode(value, true)
		if !ok || !ok2 {
			return "", false
		}
		if name == "X-Amz-Signature" || name == "X-Amz-Security-Token" && p.Token == sigv4.TokenOmitted {
			continue
		}
		pairs = append(pairs, pair{refEncode(name, false), refEncode(value, false)})
	}
	sort.Slice(pairs, func(i, j int) bool {
		if pairs[i].name != pairs[j].name {
			return pairs[i].name < pairs[j].name
		}
		return pairs[i].value < pairs[j].value
	})
	var out []string
	for _, q := range pairs {
		out = append(out, q.name+"="+q.value)
	}
	return strings.Join(out, "&"), true
}

// refHeaders is SIG-14 and SIG-15: the block and the list of names.
func refHeaders(r *http.Request, names []string) (block, list string, ok bool) {
	sorted := append([]string(nil), names...)
	sort.Strings(sorted)
	for _, name := range sorted {
		var values []string
		if name == "host" {
			values = []string{r.Host}
		} else {
			for key, lines := range r.Header {
				if strings.ToLower(key) == name {
					values = lines
				}
			}
		}
		if len(values) == 0 || name == "host" && r.Host == "" {
			return "", "", false
		}
		var trimmed []string
		for _, v := range values {
			v = strings.NewReplacer("\t", " ", "\r", " ", "\n", " ").Replace(v)
			for strings.Contains(v, "  ") {
				v = strings.ReplaceAll(v, "  ", " ")
			}
			trimmed = append(trimmed, strings.Trim(v, " "))
		}
		block += name + ":" + strings.Join(trimmed, ",") + "\n"
	}
	return block, strings.Join(sorted, ";"), true
}

// refCanonical is SIG-1.
func refCanonical(r *http.Request, wirePath string, p sigv4.Profile, names []string, payloadHash string) (string, bool) {
	path, ok := refPath(wirePath, p)
	query, ok2 := refQuery(r.URL.RawQuery, p)
	block, list, ok3 := refHeaders(r, names)
	return strings.Join([]string{r.Method, path, query, block, list, payloadHash}, "\n"), ok && ok2 && ok3
}

// refSignature is SIG-28 and SIG-29.
func refSignature(secret, amzDate, region, service, canonical string) string {
	h := func(key []byte, text string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	scope := amzDate[:8] + "/" + region + "/" + service + "/aws4_request"
	sum := sha256.Sum256([]byte(canonical))
	text := "AWS4-HMAC-SHA256\n" + amzDate + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	key := h(h(h(h([]byte("AWS4"+secret), amzDate[:8]), region), service), "aws4_request")
	return hex.EncodeToString(h(key, text))
}
