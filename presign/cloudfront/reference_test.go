// SPDX-License-Identifier: Apache-2.0

package cloudfront_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

func TestReferenceImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_test.go", "github.com/sallyport-go/sallyport/internal/testkit")
}

// refDecode reverses PRE-50 with the standard alphabet.
func refDecode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "+/=\r\n") {
		return nil, fmt.Errorf("not in the alphabet")
	}
	s = strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(s)
	return base64.StdEncoding.Strict().DecodeString(s)
}

func refEncode(b []byte) string {
	return strings.NewReplacer("+", "-", "=", "_", "/", "~").Replace(base64.StdEncoding.EncodeToString(b))
}

// refCanned is PRE-48.
func refCanned(url string, expires int64) string {
	return `{"Statement":[{"Resource":"` + url + `","Condition":{"DateLessThan":{"AWS:EpochTime":` + strconv.FormatInt(expires, 10) + `}}}]}`
}

func refSigned(key crypto.PublicKey, hash string, text, signature []byte) bool {
	id, digest := crypto.SHA1, sha1.Sum(text)
	sum := digest[:]
	if hash == "SHA256" {
		long := sha256.Sum256(text)
		id, sum = crypto.SHA256, long[:]
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, id, sum, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, sum, signature)
	}
	return false
}

// refVerify decides about a signed URL: scheme://host/path?query.
func refVerify(keys map[string]crypto.PublicKey, rawURL, clientIP string, now time.Time) bool {
	base, query, _ := strings.Cut(rawURL, "?")
	params := map[string][]string{}
	var kept []string
	for _, piece := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(piece, "=")
		switch name {
		case "Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm":
			params[name] = append(params[name], value)
		default:
			kept = append(kept, piece)
		}
	}
	if len(params["Expires"])+len(params["Policy"]) != 1 || len(params["Signature"]) != 1 || len(params["Key-Pair-Id"]) != 1 || len(params["Hash-Algorithm"]) > 1 {
		return false
	}
	hash := "SHA1"
	if h := params["Hash-Algorithm"]; h != nil {
		if hash = h[0]; hash != "SHA1" && hash != "SHA256" {
			return false
		}
	}
	signature, err := refDecode(params["Signature"][0])
	key, known := keys[params["Key-Pair-Id"][0]]
	if err != nil || !known {
		return false
	}
	query = strings.Join(kept, "&")
	if params["Expires"] != nil {
		if kept != nil {
			base += "?" + query
		}
		expires, err := strconv.ParseInt(params["Expires"][0], 10, 64)
		return err == nil && refSigned(key, hash, []byte(refCanned(base, expires)), signature) && now.Before(time.Unix(expires, 0))
	}
	text, err := refDecode(params["Policy"][0])
	if err != nil || !refSigned(key, hash, text, signature) {
		return false
	}
	return refPolicy(text, base, query, clientIP, now)
}

// refPolicy is PRE-59 to PRE-62 for policies without repeated members, which
// encoding/json does not see.
func refPolicy(text []byte, base, query, clientIP string, now time.Time) bool {
	type seconds struct {
		N *int64 `json:"AWS:EpochTime"`
	}
	var doc struct {
		Statement []struct {
			Resource  string
			Condition struct {
				IpAddress *struct {
					IP string `json:"AWS:SourceIp"`
				}
				DateGreaterThan, DateLessThan *seconds
			}
		}
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if d.Decode(&doc) != nil || d.More() || len(doc.Statement) != 1 {
		return false
	}
	s := doc.Statement[0]
	c := s.Condition
	if c.DateLessThan == nil || c.DateLessThan.N == nil || !now.Before(time.Unix(*c.DateLessThan.N, 0)) {
		return false
	}
	if c.DateGreaterThan != nil && !now.After(time.Unix(*c.DateGreaterThan.N, 0)) {
		return false
	}
	if !refResource(s.Resource, base, query) {
		return false
	}
	if c.IpAddress == nil {
		return true
	}
	if !strings.Contains(c.IpAddress.IP, "/") {
		c.IpAddress.IP += "/32"
	}
	_, network, err := net.ParseCIDR(c.IpAddress.IP)
	ip := net.ParseIP(clientIP).To4()
	return err == nil && ip != nil && network.IP.To4() != nil && network.Contains(ip)
}

// refResource is PRE-60: every reading of the resource as four patterns, each
// turned into a regular expression.
func refResource(resource, base, query string) bool {
	protocol, rest, _ := strings.Cut(base, "://")
	domain, path, _ := strings.Cut(rest, "/")
	url := [4]string{protocol, domain, "/" + path, query}
	if resource == "*" {
		return true
	}
	if !strings.Contains(resource, "://") {
		if resource == "" || resource[0] != '*' {
			return false
		}
		resource = "*://" + resource
	}
	for _, reading := range refReadings(resource) {
		all := true
		for i, pattern := range reading {
			all = all && refGlob(pattern, url[i])
		}
		if all {
			return true
		}
	}
	return false
}

func refReadings(resource string) (readings [][4]string) {
	protocol, rest, _ := strings.Cut(resource, "://")
	if !refGlob(protocol, "http") && !refGlob(protocol, "https") {
		return nil
	}
	cut := func(head, query string, separated bool) {
		domain, path, slash := strings.Cut(head, "/")
		path = "/" + path
		if !separated && !slash && strings.HasSuffix(domain, "*") {
			path, query = "/*", "*"
		}
		if !separated && slash && strings.HasSuffix(path, "*") {
			query = "*"
		}
		readings = append(readings, [4]string{protocol, domain, path, query})
	}
	if head, query, old := strings.Cut(rest, `\?`); old {
		cut(head, query, true)
		return readings
	}
	cut(rest, "", false)
	count := 0
	for i, c := range rest {
		if c == '?' {
			cut(rest[:i], rest[i+1:], true)
			count++
		}
	}
	if count > 16 {
		return nil
	}
	return readings
}

func refGlob(pattern, s string) bool {
	var b strings.Builder
	for _, r := range pattern {
		switch r {
		case '*':
			b.WriteString("(?s:.*)")
		case '?':
			b.WriteString("(?s:.)")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile("^" + b.String() + "$").MatchString(s)
}
