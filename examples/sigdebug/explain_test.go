// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

type explained struct {
	ID          string `json:"id"`
	Error       string `json:"error"`
	Differences []struct{ Where, Ours, Theirs, Cause string }
}

// explain sends one line.
func (s sigdebug) explain(t *testing.T, line object) explained {
	t.Helper()
	data, err := json.Marshal(line)
	require.NoError(t, err)
	out := s.output(t, bytes.NewReader(data))
	var e explained
	require.NoError(t, json.Unmarshal([]byte(out), &e), out)
	return e
}

func TestExplain(t *testing.T) {
	cmd := sigdebug{}
	const get = "GET /a%20b?x=1 HTTP/1.1\nHost: example.com\nX-Amz-Meta-A: 1\n\n"
	s3 := suiteContext(object{"service": "s3"})
	signed := cmd.ask(t, object{"id": "h", "op": "sign", "request": get, "context": s3}, object{"id": "q", "op": "presign", "request": get, "context": s3})
	wheres := func(e explained) string {
		require.Empty(t, e.Error)
		require.NotNil(t, e.Differences)
		var all []string
		for _, d := range e.Differences {
			require.NotEmpty(t, d.Cause)
			all = append(all, d.Where)
		}
		return strings.Join(all, ",")
	}
	other := func(old, new string) string { return strings.Replace(get, old, new, 1) }
	for _, tt := range []struct{ name, other, want string }{
		{"same", get, ""},
		{"host", other("example.com", "example.com:80"), "header host"},
		{"plus", other("x=1", "x=+1"), "query x"},
		{"signed by itself", signed[0].SignedRequest, ""},
		{"signed by itself, changed", strings.Replace(signed[0].SignedRequest, "X-Amz-Meta-A:1", "X-Amz-Meta-A:2", 1), "header x-amz-meta-a"},
		{"other signature", strings.Replace(signed[0].SignedRequest, "Signature=", "Signature=0", 1), "signature"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, wheres(cmd.explain(t, object{"id": "1", "op": "explain", "request": get, "other": tt.other, "context": s3})))
			require.Equal(t, tt.want, wheres(cmd.explain(t, object{"id": "1", "op": "explain", "requests": []string{get, tt.other}, "context": s3})))
		})
	}
	q := signed[1].SignedRequest
	raw := strings.Replace(q, "%3B", ";", 1) // SIG-10: no separator, and it need not be escaped
	require.NotEqual(t, q, raw)
	require.Empty(t, wheres(cmd.explain(t, object{"op": "explain", "request": q, "other": raw, "context": s3})))
	require.Equal(t, "path", wheres(cmd.explain(t, object{"id": "1", "op": "explain", "request": q, "other": strings.Replace(q, "a%20b", "a%2520b", 1), "context": s3})))

	server := "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>" + signed[0].StringToSign + "</StringToSign><CanonicalRequest>" +
		strings.ReplaceAll(strings.Replace(signed[0].CanonicalRequest, "host:example.com", "host:10.0.0.1", 1), "&", "&amp;") + "</CanonicalRequest></Error>"
	for _, request := range []string{get, signed[0].SignedRequest} {
		require.Equal(t, "header host", wheres(cmd.explain(t, object{"id": "1", "op": "explain", "request": request, "server_error": server, "context": s3})))
	}
	server = strings.Replace(server, "10.0.0.1", "example.com", 1)
	require.Equal(t, "signature", wheres(cmd.explain(t, object{"id": "1", "op": "explain", "request": get, "server_error": server, "context": s3})))
	for _, bad := range []object{
		{"id": "1", "op": "explain", "request": get},
		{"id": "1", "op": "explain"},
		{"id": "1", "op": "explain", "request": get, "other": get},
		{"id": "1", "op": "explain", "request": get, "other": "x", "context": s3},
	} {
		require.NotEmpty(t, cmd.explain(t, bad).Error)
	}
}

// TestExplainPresignedPayload: PRE-2: a URL presigned for S3 signs
// UNSIGNED-PAYLOAD, and the server's canonical request says so: no difference is
// to be found there, whether the secret is right or not.
func TestExplainPresignedPayload(t *testing.T) {
	cmd := sigdebug{}
	s3 := suiteContext(object{"service": "s3"})
	presign := func(secret string) *sigv4.Presigned {
		r, err := http.NewRequest("GET", "https://bucket.s3.us-east-1.amazonaws.com/a%20b", nil)
		require.NoError(t, err)
		signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Debug: true, Now: func() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) }}
		p, err := signer.Presign(r, sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret}, sigv4.Payload{}, time.Hour)
		require.NoError(t, err)
		return p
	}
	for _, secret := range []string{suiteSecret, "another"} {
		p := presign(secret)
		request := "GET " + strings.TrimPrefix(p.URL, "https://bucket.s3.us-east-1.amazonaws.com") + " HTTP/1.1\nHost: bucket.s3.us-east-1.amazonaws.com\n\n"
		answer := func(canonical string) explained {
			return cmd.explain(t, object{"op": "explain", "request": request, "context": s3, "server_error": "<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>" +
				strings.ReplaceAll(canonical, "&", "&amp;") + "</CanonicalRequest></Error>"})
		}
		e := answer(p.Canonical.String())
		require.Len(t, e.Differences, 1, secret)
		require.Equal(t, "signature", e.Differences[0].Where)
		e = answer(strings.Replace(p.Canonical.String(), "/a%20b", "/a%2520b", 1))
		require.Len(t, e.Differences, 1, secret)
		require.Equal(t, "path", e.Differences[0].Where)
		e = cmd.explain(t, object{"op": "explain", "request": request, "other": strings.Replace(request, "/a%20b", "/a", 1), "context": s3})
		require.Len(t, e.Differences, 1, "one payload for both")
		require.Equal(t, "path", e.Differences[0].Where)
	}
	// What the URL states counts (PRE-26).
	e := cmd.explain(t, object{"op": "explain", "context": s3, "requests": []string{
		"GET /?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-SignedHeaders=host&X-Amz-Signature=00 HTTP/1.1\nHost: h\n\n",
		"GET /?X-Amz-Content-Sha256=UNSIGNED-PAYLOADS&X-Amz-SignedHeaders=host&X-Amz-Signature=00 HTTP/1.1\nHost: h\n\n",
	}})
	require.Len(t, e.Differences, 2)
	require.Equal(t, "payload hash", e.Differences[1].Where)
}

// TestV4A signs and verifies with the asymmetric algorithm: the region set
// stands in the request, and the verifier uses the public key only.
func TestV4A(t *testing.T) {
	cmd := sigdebug{}
	const get = "GET /a b?x=1 HTTP/1.1\nHost:example.amazonaws.com\n\n"
	ctx := suiteContext(nil)
	ctx["credentials"].(object)["token"] = "TOKEN"
	signed := cmd.ask(t,
		object{"id": "h", "op": "sign", "algorithm": "v4a", "request": get, "context": ctx},
		object{"id": "q", "op": "presign", "algorithm": "v4a", "request": get, "context": ctx},
	)
	h, q := signed[0], signed[1]
	require.Equal(t, "GET\n/a%20b\nx=1\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\nx-amz-region-set:us-east-1\nx-amz-security-token:TOKEN\n\n"+
		"host;x-amz-date;x-amz-region-set;x-amz-security-token\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", h.CanonicalRequest)
	require.True(t, strings.HasPrefix(h.StringToSign, "AWS4-ECDSA-P256-SHA256\n20150830T123600Z\n20150830/service/aws4_request\n"), h.StringToSign)
	require.Contains(t, h.SignedRequest, "X-Amz-Date:20150830T123600Z\nX-Amz-Security-Token:TOKEN\nX-Amz-Region-Set:us-east-1\nAuthorization:AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20150830/service/aws4_request, ")
	require.Contains(t, q.SignedRequest, "X-Amz-Region-Set=us-east-1")
	require.Contains(t, q.SignedRequest, "&X-Amz-Signature="+q.Signature+" HTTP/1.1")
	verify := func(request string, changes object) reply {
		c := suiteContext(changes)
		c["credentials"].(object)["token"] = "TOKEN"
		return cmd.ask(t, object{"id": "v", "op": "verify", "algorithm": "v4a", "request": request, "context": c})[0]
	}
	for _, answer := range signed {
		r := answer.SignedRequest
		v := verify(r, nil)
		require.True(t, *v.OK, v.Error)
		require.Equal(t, "SignatureDoesNotMatch", verify(strings.Replace(r, "x=1", "x=2", 1), nil).Error)
		require.Equal(t, "AuthorizationHeaderMalformed", strings.Replace(verify(r, object{"region": "eu-west-1", "service": "s3"}).Error, "QueryParametersError", "HeaderMalformed", 1))
		require.False(t, *verify(r, object{"region": "eu-west-1"}).OK)
		require.False(t, *verify(strings.Replace(r, answer.Signature[:8], "30460201", 1), nil).OK)
		asV4 := cmd.ask(t, object{"id": "v", "op": "verify", "algorithm": "v4", "request": r, "context": ctx})[0]
		require.False(t, *asV4.OK)
	}
	v4 := cmd.ask(t, object{"id": "h", "op": "sign", "request": get, "context": ctx})[0]
	require.Equal(t, "AccessDenied", verify(v4.SignedRequest, nil).Error)
}

// TestExplainUnusable: a request that is refused by every server is not taken
// apart, signed or not.
func TestExplainUnusable(t *testing.T) {
	cmd := sigdebug{}
	const get = "GET /a HTTP/1.1\nHost: h\n\n"
	signed := cmd.ask(t, object{"id": "h", "op": "sign", "request": get, "context": suiteContext(nil)})[0].SignedRequest
	for name, request := range map[string]string{
		"path":      strings.Replace(get, "/a", "/%zz", 1),
		"path, too": strings.Replace(signed, "/a", "/%zz", 1),
		"hosts":     strings.Replace(get, "Host", "Host: other\nHost", 1),
		"hosts too": strings.Replace(signed, "Host", "Host: other\nHost", 1),
	} {
		e := cmd.explain(t, object{"id": name, "op": "explain", "request": request, "other": signed, "context": suiteContext(nil)})
		require.Contains(t, e.Error, "request 1: ", name)
	}
}
