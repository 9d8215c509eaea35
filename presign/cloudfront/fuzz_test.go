// SPDX-License-Identifier: Apache-2.0

package cloudfront_test

import (
	"crypto"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/presign/cloudfront"
	"github.com/stretchr/testify/require"
)

// FuzzVerify throws requests at the verifier: none may pass, since none holds
// a signature that the fuzzer could make, and none may panic.
func FuzzVerify(f *testing.F) {
	signed := sign(f, base+"/a?x=1", hour())
	for _, seed := range []string{signed, base + "/?Policy=e30_&Signature=AAAA&Key-Pair-Id=" + ecID, base + "/?Expires=1", base + "/"} {
		f.Add(strings.TrimPrefix(seed, base), "CloudFront-Policy=e30_; CloudFront-Signature=AAAA; CloudFront-Key-Pair-Id="+ecID, "192.0.2.1:1")
	}
	f.Fuzz(func(t *testing.T, target, cookie, remote string) {
		r := httptest.NewRequest("GET", base+"/", nil)
		r.RequestURI, r.RemoteAddr = target, remote
		r.Header.Set("Cookie", cookie)
		g, err := verifier().Verify(r)
		if err == nil {
			require.Equal(t, base+"/a?x=1", g.Policy.Resource)
		}
	})
}

// FuzzPolicy signs whatever the fuzzer writes and compares the verdict with
// the reference, which is built on encoding/json and regular expressions.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Statement":[{"Resource":"https://media.example.com/a*","Condition":{"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"},"DateGreaterThan":{"AWS:EpochTime":1},"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`, "/a/b?x=1")
	f.Add(`{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`, "/")
	f.Add(`{"Statement":[{"Resource":"http?://*/?.jpg?s=*","Condition":{"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`, "/a.jpg?s=1")
	f.Fuzz(func(t *testing.T, text, target string) {
		if len(text) > 4<<10 || len(target) > 1<<10 || !strings.HasPrefix(target, "/") {
			return
		}
		path, query, has := strings.Cut(target, "?")
		signed := forge(t, path, text)
		if has {
			signed += "&" + query
		}
		if err := verify(signed); err == nil {
			// The reference is laxer than the verifier about repeated
			// members, dot segments and the like, never stricter.
			require.True(t, refVerify(map[string]crypto.PublicKey{ecID: &ecKey().PublicKey}, signed, "192.0.2.7", now), "%q %q", text, target)
		}
	})
}

// TestResourceAgainstReference compares the resource match with the reference
// on generated resources and URLs.
func TestResourceAgainstReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 60))
	classes := testkit.Classes{}
	total := 200_000
	if testing.Short() {
		total /= 10
	}
	piece := func(alphabet []string, most int) string {
		var b strings.Builder
		for range rng.IntN(most + 1) {
			b.WriteString(alphabet[rng.IntN(len(alphabet))])
		}
		return b.String()
	}
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	for range total {
		domain, path := pick("a.b", "a", "b"), "/"+piece([]string{"a", "b", "/"}, 4)
		base, query := "https://"+domain, piece([]string{"a", "b", "="}, 3)
		resource := pick("https://", "http*://", "*://", "http://", "*", "", "ftp://") + pick("a.b", "a*", "*", "a", domain, "?.b") +
			pick("", "/", path, path) + piece([]string{"a", "b", "/", "*", "?"}, 3) + pick("", "", "?", `\?`) + piece([]string{"a", "b", "=", "*", "?"}, 2)
		got, err := cloudfront.MatchResource(resource, base, path, query)
		want := refResource(resource, base+path, query)
		require.Equal(t, want, got && err == nil, "%q %s %s ?%s", resource, base, path, query)
		classes.Add("match", want)
		classes.Add("no match", !want)
		classes.Add("malformed", err != nil)
		classes.Add("match with a query", want && query != "")
		classes.Add("match through a question mark", want && strings.Contains(resource, "?"))
		classes.Add("match without a protocol", want && !strings.Contains(resource, "://"))
		classes.Add("star in the domain", strings.Contains(resource, "://a*"))
		classes.Add("escaped question mark", strings.Contains(resource, `\?`))
	}
	classes.Require(t, total)
}
