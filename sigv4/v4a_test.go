// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

func v4aPublicKey(t testing.TB) *ecdsa.PublicKey {
	t.Helper()
	pub, err := streamCredentials.V4APublicKey()
	require.NoError(t, err)
	return pub
}

// signV4A returns a request signed in the header and one signed in the query.
func signV4A(t testing.TB, regions string, c sigv4.Credentials) (header, query *http.Request) {
	t.Helper()
	s := streamSigner(sigv4.AlgorithmV4A)
	s.Region = regions
	r, err := http.NewRequest("GET", "https://example.com/bucket/key?a=1", nil)
	require.NoError(t, err)
	signed, err := s.Sign(r, c, sigv4.Payload{})
	require.NoError(t, err)
	require.Equal(t, "20130524/s3/aws4_request", signed.Scope.String())
	require.Contains(t, signed.SignedHeaders, "x-amz-region-set")
	r2, _ := http.NewRequest("GET", "https://example.com/bucket/key?a=1", nil)
	url, err := s.Presign(r2, c, sigv4.Payload{}, time.Hour)
	require.NoError(t, err)
	require.Contains(t, url.URL, "&X-Amz-Signature="+url.Signature)
	return arriveWith(r, nil), httptest.NewRequest("GET", url.URL, nil)
}

// A server that holds the public key alone verifies as one that holds the
// secret.
func TestV4AVerifiesByPublicKey(t *testing.T) {
	header, query := signV4A(t, "us-east-1", streamCredentials)
	for name, key := range map[string]sigv4.Key{"secret": {Secret: streamSecret}, "public": {PublicKey: v4aPublicKey(t)}} {
		v := streamVerifier()
		v.Keys = sigv4.StaticKeys{streamAKID: key}
		for _, r := range []*http.Request{header, query} {
			id, err := v.Verify(r)
			require.NoError(t, err, name)
			require.Equal(t, sigv4.AlgorithmV4A, id.Algorithm)
			require.Equal(t, []string{"us-east-1"}, id.RegionSet)
			require.Empty(t, id.Scope.Region)
		}
	}
}

// SIG-105, SIG-45: what a region set may be, and that a change of it shows.
func TestV4ARegionSets(t *testing.T) {
	for regions, ok := range map[string]bool{
		"us-east-1": true, "*": true, "us-*": true, "eu-west-1,us-east-1": true, "eu-west-1": false, "us-west-*": false,
	} {
		header, query := signV4A(t, regions, streamCredentials)
		_, err := streamVerifier().Verify(header)
		_, errQuery := streamVerifier().Verify(query)
		if ok {
			require.NoError(t, err)
			require.NoError(t, errQuery)
			continue
		}
		e := requireRefusal(t, err, "AuthorizationHeaderMalformed", 400)
		require.Equal(t, []sigv4.ErrorField{{Name: "Region", Value: "us-east-1"}}, e.Fields)
		requireRefusal(t, errQuery, "AuthorizationQueryParametersError", 400)
		v := streamVerifier()
		v.AnyRegion = func(*http.Request) bool { return true }
		_, err = v.Verify(header)
		require.NoError(t, err)
	}
	for _, bad := range []string{"", "us-east-1,", ",", "a b", "a/b"} {
		s := streamSigner(sigv4.AlgorithmV4A)
		s.Region = bad
		r, _ := http.NewRequest("GET", "https://example.com/", nil)
		_, err := s.Sign(r, streamCredentials, sigv4.Payload{})
		require.ErrorIs(t, err, sigv4.ErrConfig, "%q", bad)
	}
	header, query := signV4A(t, "us-west-2", streamCredentials)
	header.Header.Set("X-Amz-Region-Set", "*")
	_, err := streamVerifier().Verify(header)
	requireRefusal(t, err, "SignatureDoesNotMatch", 403)
	query.URL.RawQuery = strings.Replace(query.URL.RawQuery, "Region-Set=us-west-2", "Region-Set=%2A", 1)
	_, err = streamVerifier().Verify(query)
	requireRefusal(t, err, "SignatureDoesNotMatch", 403)

	header, query = signV4A(t, "us-east-1", streamCredentials)
	auth := header.Header.Get("Authorization")
	header.Header.Set("Authorization", strings.Replace(auth, ";x-amz-region-set", "", 1))
	v := streamVerifier()
	v.Tolerate = func(string) bool { return true } // tolerance does not reach here
	_, err = v.Verify(header)
	requireRefusal(t, err, "AuthorizationHeaderMalformed", 400)
	header.Header.Set("Authorization", auth)
	for _, values := range [][]string{nil, {""}, {"us-east-1,"}, {"us-east-1", "us-east-1"}} {
		header.Header["X-Amz-Region-Set"] = values
		if values == nil {
			header.Header.Del("X-Amz-Region-Set")
		}
		_, err = streamVerifier().Verify(header)
		requireRefusal(t, err, "AuthorizationHeaderMalformed", 400)
	}
	for _, to := range []string{"", "&X-Amz-Region-Set=us-east-1&X-Amz-Region-Set=us-east-1"} {
		r := query.Clone(context.Background())
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "&X-Amz-Region-Set=us-east-1", to, 1)
		_, err = streamVerifier().Verify(r)
		requireRefusal(t, err, "AuthorizationQueryParametersError", 400)
	}
}

// SIG-105: forged signatures, of both sources.
func TestV4AForgeries(t *testing.T) {
	header, query := signV4A(t, "us-east-1", streamCredentials)
	otherHeader, otherQuery := signV4A(t, "us-east-1", sigv4.Credentials{AccessKeyID: streamAKID, SecretAccessKey: "another secret, of another key"})
	sigOf := func(r *http.Request) string {
		if auth := r.Header.Get("Authorization"); auth != "" {
			return auth[strings.LastIndex(auth, "=")+1:]
		}
		return r.URL.Query().Get("X-Amz-Signature")
	}
	for _, pair := range [][2]*http.Request{{header, otherHeader}, {query, otherQuery}} {
		good := sigOf(pair[0])
		malformed := "AuthorizationHeaderMalformed"
		if pair[0].Header.Get("Authorization") == "" {
			malformed = "AuthorizationQueryParametersError"
		}
		for name, tt := range map[string]struct{ sig, code string }{
			"other key":     {sigOf(pair[1]), "SignatureDoesNotMatch"},
			"padded":        {good + strings.Repeat("*", 144-len(good)) + "*", malformed},
			"trailing byte": {good + "00", malformed},
			"capitals":      {strings.ToUpper(good), malformed},
			"odd":           {good[1:], malformed},
			"HMAC":          {strings.Repeat("0", 64), malformed},
			"empty":         {"", malformed},
			"zero r":        {"3006020100020101", malformed},
			"one and one":   {"3006020101020101", "SignatureDoesNotMatch"},
			"long":          {strings.Repeat("0", 1<<20), malformed},
		} {
			r := pair[0].Clone(context.Background())
			if r.Header.Get("Authorization") != "" {
				r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), good, tt.sig, 1))
			} else {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, good, tt.sig, 1)
			}
			_, err := streamVerifier().Verify(r)
			var e *sigv4.Error
			require.ErrorAs(t, err, &e, name)
			require.Equal(t, tt.code, e.Code, name)
		}
	}
}

// SIG-41: the algorithm, the scope's form and the key go together.
func TestV4AConfusion(t *testing.T) {
	header, _ := signV4A(t, "us-east-1", streamCredentials)
	auth := header.Header.Get("Authorization")
	for name, forged := range map[string]string{
		"v4 name":         strings.Replace(auth, "AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA256", 1),
		"scope of v4":     strings.Replace(auth, "/s3/", "/us-east-1/s3/", 1),
		"other service":   strings.Replace(auth, "/s3/", "/ses/", 1),
		"other day":       strings.Replace(auth, "/20130524/", "/20130523/", 1),
		"no terminator":   strings.Replace(auth, "/aws4_request", "/aws4", 1),
		"no access key":   strings.Replace(auth, streamAKID, "", 1),
		"P384":            strings.Replace(auth, "P256", "P384", 1),
		"slash in the id": strings.Replace(auth, streamAKID, streamAKID+"/x", 1),
	} {
		r := header.Clone(context.Background())
		r.Header.Set("Authorization", forged)
		_, err := streamVerifier().Verify(r)
		require.Error(t, err, name)
	}
	// A key of the other kind refuses; it does not fail open or with a 500.
	v4, err := http.NewRequest("GET", "https://example.com/", nil)
	require.NoError(t, err)
	_, err = streamSigner(sigv4.AlgorithmV4).Sign(v4, streamCredentials, sigv4.Payload{})
	require.NoError(t, err)
	v := streamVerifier()
	v.Keys = sigv4.StaticKeys{streamAKID: {PublicKey: v4aPublicKey(t)}}
	_, err = v.Verify(arriveWith(v4, nil))
	requireRefusal(t, err, "AccessDenied", 403)
	derived, err := sigv4.DeriveKey(streamSecret, sigv4.Scope{Date: "20130524", Region: "us-east-1", Service: "s3"})
	require.NoError(t, err)
	v.Keys = sigv4.StaticKeys{streamAKID: {Derived: derived}}
	_, err = v.Verify(header)
	requireRefusal(t, err, "AccessDenied", 403)
	v.FlattenErrors = true
	_, err = v.Verify(header)
	requireRefusal(t, err, "SignatureDoesNotMatch", 403)
	// Keys that are none.
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	for _, key := range []sigv4.Key{{}, {PublicKey: &p384.PublicKey}, {PublicKey: v4aPublicKey(t), Secret: "x"}, {Secret: "x", Derived: derived}} {
		v.Keys = sigv4.StaticKeys{streamAKID: key}
		_, err = v.Verify(header)
		requireRefusal(t, err, "InternalError", 500)
	}
	// Unknown ids are told apart neither by the answer's form nor by the cache.
	v = streamVerifier()
	v.Keys = sigv4.StaticKeys{}
	_, err = v.Verify(header)
	requireRefusal(t, err, "InvalidAccessKeyId", 403)
	v.FlattenErrors = true
	_, err = v.Verify(header)
	requireRefusal(t, err, "SignatureDoesNotMatch", 403)
	// V4A must be allowed by name.
	v = streamVerifier()
	v.Modes = sigv4.ModeHeader | sigv4.ModeQuery
	_, err = v.Verify(header)
	requireRefusal(t, err, "AccessDenied", 403)
}

// SIG-108: one bit anywhere in a V4A request.
func TestV4AEveryBit(t *testing.T) {
	header, _ := signV4A(t, "us-east-1", streamCredentials)
	v := streamVerifier()
	for key, values := range header.Header {
		if key == "Content-Length" {
			continue
		}
		for bit := range 8 * len(values[0]) {
			r := header.Clone(context.Background())
			b := []byte(values[0])
			b[bit/8] ^= 1 << (bit % 8)
			r.Header[key] = []string{string(b)}
			_, err := v.Verify(r)
			require.Error(t, err, "%s bit %d", key, bit)
		}
	}
	for name, change := range map[string]func(*http.Request){
		"method": func(r *http.Request) { r.Method = "PUT" }, "host": func(r *http.Request) { r.Host += "x" },
		"path": func(r *http.Request) { r.URL.Path += "x" }, "query": func(r *http.Request) { r.URL.RawQuery += "&x" },
	} {
		r := header.Clone(context.Background())
		change(r)
		_, err := v.Verify(r)
		require.ErrorIs(t, err, sigv4.ErrSignatureMismatch, name)
	}
}

func TestReplayGuard(t *testing.T) {
	header, query := signV4A(t, "us-east-1", streamCredentials)
	v4, err := http.NewRequest("GET", "https://example.com/", nil)
	require.NoError(t, err)
	_, err = streamSigner(sigv4.AlgorithmV4).Sign(v4, streamCredentials, sigv4.Payload{})
	require.NoError(t, err)
	now := streamNow
	v := streamVerifier()
	v.Now = func() time.Time { return now }
	v.Replay = &sigv4.ReplayCache{Now: v.Now}
	for _, r := range []*http.Request{header, query, arriveWith(v4, nil)} {
		_, err := v.Verify(r)
		require.NoError(t, err)
		_, err = v.Verify(r)
		requireRefusal(t, err, "AccessDenied", 403)
		require.ErrorIs(t, err, sigv4.ErrReplayed)
	}
	// To the last moment in which the request is good.
	now = streamNow.Add(15 * time.Minute)
	_, err = v.Verify(header)
	require.ErrorIs(t, err, sigv4.ErrReplayed)
	now = streamNow.Add(time.Hour)
	_, err = v.Verify(query)
	require.ErrorIs(t, err, sigv4.ErrReplayed)
	now = now.Add(time.Second)
	_, err = v.Verify(query)
	require.ErrorIs(t, err, sigv4.ErrExpired)

	// What does not verify never reaches the guard.
	asked := guard(func() error { t.Error("asked"); return nil })
	v = streamVerifier()
	v.Replay = asked
	bad := header.Clone(context.Background())
	bad.Header.Set("X-Amz-Date", "20130524T000001Z")
	_, err = v.Verify(bad)
	require.Error(t, err)
	// A guard that fails refuses.
	v.Replay = guard(func() error { return errors.New("the store is away") })
	_, err = v.Verify(header)
	requireRefusal(t, err, "InternalError", 500)
}

type guard func() error

func (g guard) Admit(context.Context, [32]byte, time.Time) error { return g() }

func TestReplayCacheIsBounded(t *testing.T) {
	now := streamNow
	ctx := context.Background()
	id := func(n int) (id [32]byte) { id[0], id[1] = byte(n), byte(n>>8); return id }
	for _, open := range []bool{false, true} {
		c := &sigv4.ReplayCache{Capacity: 3, FailOpen: open, Now: func() time.Time { return now }}
		for i := range 3 {
			require.NoError(t, c.Admit(ctx, id(i), now.Add(time.Duration(3-i)*time.Minute)))
		}
		err := c.Admit(ctx, id(3), now.Add(time.Hour))
		require.Equal(t, open, err == nil)
		require.ErrorIs(t, c.Admit(ctx, id(0), now), sigv4.ErrReplayed)
		now = now.Add(time.Minute)
		require.ErrorIs(t, c.Admit(ctx, id(2), now), sigv4.ErrReplayed, "its last moment")
		now = now.Add(time.Nanosecond)
		require.NoError(t, c.Admit(ctx, id(3), now.Add(time.Hour)), "the soonest to expire made room")
		require.ErrorIs(t, c.Admit(ctx, id(1), now), sigv4.ErrReplayed)
		now = streamNow
	}
	// One of many goroutines is admitted.
	c := &sigv4.ReplayCache{}
	admitted := make(chan bool)
	for range 50 {
		go func() { admitted <- c.Admit(ctx, id(1), time.Now().Add(time.Hour)) == nil }()
	}
	n := 0
	for range 50 {
		if <-admitted {
			n++
		}
	}
	require.Equal(t, 1, n)
}
