// SPDX-License-Identifier: Apache-2.0

package cloudfront_test

import (
	"crypto"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/presign/cloudfront"
	"github.com/stretchr/testify/require"
)

// PRE-54.
func TestCookies(t *testing.T) {
	for _, s := range []*cloudfront.Signer{rsaSigner(), ecSigner()} {
		for _, hash := range []cloudfront.Hash{cloudfront.SHA256, cloudfront.SHA1} {
			s.Hash, s.CookieDomain, s.CookiePath = hash, "example.com", "/films"
			p := hour()
			p.Resource = base + "/films/*"
			cookies, err := s.SignCookies(p)
			require.NoError(t, err)
			want := []string{"CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id"}
			if hash == cloudfront.SHA256 {
				want = append(want, "CloudFront-Hash-Algorithm")
			}
			for i, c := range cookies {
				require.Equal(t, want[i], c.Name)
				require.True(t, c.Secure && c.HttpOnly && c.Domain == "example.com" && c.Path == "/films" && c.MaxAge == 0 && c.Expires.IsZero())
				require.NoError(t, c.Valid())
			}
			require.Len(t, cookies, len(want))
			g, err := verifier().Verify(withCookies(get(base+"/films/a?x=1"), cookies))
			require.NoError(t, err)
			require.True(t, g.Cookie && g.Custom)
			_, err = verifier().Verify(withCookies(get(base+"/music/a"), cookies))
			require.ErrorIs(t, err, cloudfront.ErrResource)
		}
	}
}

func withCookies(r *http.Request, cookies []*http.Cookie) *http.Request {
	for _, c := range cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

func TestCannedCookies(t *testing.T) {
	p := hour()
	p.Resource = base + "/a?x=1"
	cookies, err := ecSigner().SignCookies(p)
	require.NoError(t, err)
	require.Equal(t, "CloudFront-Expires", cookies[0].Name)
	g, err := verifier().Verify(withCookies(get(base+"/a?x=1"), cookies))
	require.NoError(t, err)
	require.False(t, g.Custom)
	_, err = verifier().Verify(withCookies(get(base+"/a?x=2"), cookies))
	require.ErrorIs(t, err, cloudfront.ErrSignature)
}

func TestCookiesAreRefused(t *testing.T) {
	p := hour()
	p.Resource = base + "/*"
	cookies, err := ecSigner().SignCookies(p)
	require.NoError(t, err)
	fresh := func(url string) *http.Request { return withCookies(get(url), cookies) }
	for _, c := range []struct {
		name string
		r    *http.Request
		is   error
	}{
		// PRE-55: an application's own Expires makes the request a signed URL.
		{"cookies valid but query invalid", fresh(base + "/a?Expires=1900000000&Signature=AAAA&Key-Pair-Id=" + ecID), cloudfront.ErrSignature},
		{"cookies valid beside one parameter", fresh(base + "/a?Expires=tomorrow"), cloudfront.ErrMalformed},
		{"cookies valid beside an empty Signature", fresh(base + "/a?Signature"), cloudfront.ErrMalformed},
		{"duplicate cookie", withCookies(fresh(base+"/a"), cookies[:1]), cloudfront.ErrMalformed},
		{"Expires and Policy cookies", withCookies(fresh(base+"/a"), []*http.Cookie{{Name: "CloudFront-Expires", Value: "1900000000"}}), cloudfront.ErrMalformed},
		{"names in lower case", withCookies(get(base+"/a"), []*http.Cookie{{Name: "cloudfront-policy", Value: cookies[0].Value}}), cloudfront.ErrMissing},
		{"no signature cookie", withCookies(get(base+"/a"), []*http.Cookie{cookies[0], cookies[2], cookies[3]}), cloudfront.ErrMalformed},
		{"no hash cookie", withCookies(get(base+"/a"), cookies[:3]), cloudfront.ErrSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := verifier().Verify(c.r)
			require.ErrorIs(t, err, c.is)
		})
	}
	_, err = verifier().Verify(fresh(base + "/a?Hash-Algorithm=SHA1"))
	require.NoError(t, err, "Hash-Algorithm alone makes no signed URL")
}

func TestHandler(t *testing.T) {
	var refused []error
	v := verifier()
	v.OnReject = func(_ *http.Request, err error) { refused = append(refused, err) }
	h := v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g, ok := cloudfront.FromContext(r.Context())
		require.True(t, ok)
		require.Equal(t, ecID, g.KeyPairID)
		_, _ = io.WriteString(w, r.RequestURI+" "+r.URL.RequestURI())
	}))
	serve := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	r := get(sign(t, base+"/a?x=1&y=%20", hour()))
	before := r.URL.RawQuery
	w := serve(r)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "/a?x=1&y=%20 /a?x=1&y=%20", w.Body.String(), "PRE-63: the five parameters are gone")
	require.Equal(t, before, r.URL.RawQuery, "the request itself is not changed")
	require.Equal(t, "/a /a", serve(get(sign(t, base+"/a", hour()))).Body.String())
	require.Empty(t, refused)

	bodies := map[string]bool{}
	for _, url := range []string{
		base + "/a", sign(t, base+"/a", cloudfront.Policy{Expires: now}), sign(t, base+"/a", hour()) + "&x=1",
		sign(t, base+"/a", cloudfront.Policy{Expires: now.Add(time.Hour), Resource: base + "/b*"}),
	} {
		w := serve(get(url))
		require.Equal(t, http.StatusForbidden, w.Code)
		bodies[w.Body.String()] = true
	}
	require.Len(t, bodies, 1, "one public text for every cause")
	require.Len(t, refused, 4)
	_, ok := cloudfront.FromContext(t.Context())
	require.False(t, ok)
}

// Through a real server and client, URL and cookies.
func TestHandlerOverHTTP(t *testing.T) {
	v := &cloudfront.Verifier{Keys: keys}
	server := httptest.NewServer(v.Handler(http.FileServerFS(files)))
	defer server.Close()
	status := func(url string, cookies []*http.Cookie) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		resp, err := server.Client().Do(withCookies(r, cookies))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	p := cloudfront.Policy{Expires: time.Now().Add(time.Hour), Resource: server.URL + "/pub/*"}
	signed, err := ecSigner().SignURL(server.URL+"/pub/a.txt?v=1", p)
	require.NoError(t, err)
	require.Equal(t, 200, status(signed, nil))
	// The file server would clean /pub/../secret.txt and serve it.
	require.Equal(t, 403, status(strings.Replace(signed, "/pub/a.txt", "/pub/..%2fsecret.txt", 1), nil))
	cookies, err := ecSigner().SignCookies(p)
	require.NoError(t, err)
	require.Equal(t, 200, status(server.URL+"/pub/a.txt", cookies))
	require.Equal(t, 403, status(server.URL+"/secret.txt", cookies))
	require.Equal(t, 403, status(server.URL+"/pub/a.txt", nil))
}

var _ crypto.Signer = brokenKey{}
