// SPDX-License-Identifier: Apache-2.0

package siege

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

const (
	victim = "/siege/victim" // an object that every attack has to leave as it is
	loot   = "/siege/loot"   // one that no attack may bring into being

	treasure = "a treasure that nobody without the right may read" // the content of /siege/secret
)

// attack is one request that has to be refused: with one of the codes, or, for
// the code "-", by closing the connection or an answer without a body of S3's.
type attack struct {
	name  string
	codes string // separated by spaces
	build func(a *attacker) []byte
}

// TestAttacks replays the incidents over the wire. Beside each group stands the
// request that it bends, which succeeds: what is refused is the attack.
func TestAttacks(t *testing.T) {
	interop.Require(t)
	a := besiege(t, interop.GatewayConfig{
		Users: []any{map[string]any{"name": "stranger", "access_key_id": strangerKey, "secret_access_key": strangerSecret}},
	})
	cases := 0
	for _, group := range []struct {
		name    string
		control func(a *attacker) []byte
		attacks []attack
	}{
		{"header", headerControl, headerAttacks()},
		{"url", urlControl, urlAttacks()},
		{"stream", streamControl, streamAttacks()},
		{"form", formControl, formAttacks()},
		{"policy", policyControl, policyAttacks()},
	} {
		got := a.send(group.control(a))
		require.Truef(t, got.status/100 == 2, "%s: the control is refused: %d %s", group.name, got.status, got.body)
		for _, attack := range group.attacks {
			cases++
			t.Run(group.name+"/"+attack.name, func(t *testing.T) {
				a.t = t
				a.refuse(attack.build(a), attack.codes)
			})
		}
		a.t = t
	}
	a.requireQuietLog()
	testkit.Report(t, "interop", "siege/attacks", "-", cases)
}

// besiege starts a gateway with the bucket, the victim and what is worth
// stealing.
func besiege(t testing.TB, config interop.GatewayConfig) *attacker {
	a := newAttacker(t, interop.Gateway(t, config))
	a.must(a.request("PUT", "/siege", "").headers())
	a.must(a.request("PUT", victim, "untouched").headers())
	a.must(a.request("PUT", "/siege/secret", treasure).headers())
	return a
}

// requireQuietLog requires that nothing the gateway printed holds a secret.
func (a *attacker) requireQuietLog() {
	a.t.Helper()
	for _, secret := range []string{a.g.SecretAccessKey, a.g.TemporarySecret, a.g.SessionToken, a.g.ExpiredToken, treasure} {
		require.NotContains(a.t, a.g.Process.Output(), secret)
	}
}

// refuse sends the bytes and requires the refusal, and no effect.
func (a *attacker) refuse(raw []byte, codes string) {
	a.t.Helper()
	got := a.send(raw)
	code := got.code
	if code == "" {
		code = "-"
	}
	require.Containsf(a.t, strings.Fields(codes), code, "%d %s", got.status, got.body)
	require.Falsef(a.t, got.status >= 200 && got.status < 400, "%d %s", got.status, got.body)
	require.NotEqualf(a.t, 500, got.status, "%s", got.body)
	body, _ := a.read(victim)
	require.Equal(a.t, "untouched", body)
	_, there := a.read(loot)
	require.False(a.t, there, "the attack stored an object")
	require.NotContains(a.t, got.body, a.g.SecretAccessKey)
	require.NotContains(a.t, got.body, a.g.SessionToken)
	require.NotContains(a.t, got.body, treasure)
}

func headerControl(a *attacker) []byte {
	return a.request("PUT", "/siege/control", "body").set("x-amz-meta-a", "1  2").headers().render()
}

// headerAttacks are those on the Authorization header.
func headerAttacks() []attack {
	put := func(a *attacker) *wire { return a.request("PUT", loot, "body") }
	list := []attack{
		{"SIG-88 CVE-2026-41145 credential in the query, none in the header", "AuthorizationQueryParametersError AccessDenied", func(a *attacker) []byte {
			w := put(a).param("X-Amz-Credential", a.g.AccessKeyID+"/20260101/us-east-1/s3/aws4_request")
			return w.set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER").set("X-Amz-Date", w.date).render()
		}},
		{"SIG-88 CVE-2026-41145 credential in both", "InvalidArgument", func(a *attacker) []byte {
			return put(a).param("X-Amz-Credential", "AKIAOTHER/20260101/us-east-1/s3/aws4_request").headers().render()
		}},
		{"SIG-89 CVE-2026-40344 unknown payload literal", "InvalidRequest", func(a *attacker) []byte {
			w := put(a)
			w.payload = "STREAMING-AWS4-HMAC-SHA512-PAYLOAD"
			return w.headers().render()
		}},
		{"SIG-89 CVE-2026-40344 ECDSA literal with an HMAC signature", "InvalidRequest AuthorizationHeaderMalformed", func(a *attacker) []byte {
			w := put(a).set("x-amz-decoded-content-length", "4")
			w.payload = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
			return w.headers().render()
		}},
		{"SIG-89 CVE-2026-40344 events literal", "InvalidRequest AccessDenied", func(a *attacker) []byte {
			w := put(a)
			w.payload = "STREAMING-AWS4-HMAC-SHA256-EVENTS"
			return w.headers().render()
		}},
		{"SIG-89 unknown algorithm", "AuthorizationHeaderMalformed InvalidArgument", func(a *attacker) []byte {
			w := put(a)
			w.algorithm = "AWS4-HMAC-SHA1"
			return w.headers().render()
		}},
		{"SIG-89 basic authentication", "InvalidArgument", func(a *attacker) []byte {
			return put(a).set("Authorization", "Basic cm9vdDpyb290").render()
		}},
		{"SIG-89 version 2", "InvalidRequest", func(a *attacker) []byte {
			return put(a).set("Authorization", "AWS "+a.g.AccessKeyID+":frJIUN8DYpKDtOLCwo//yllqDzg=").render()
		}},
		{"SIG-90 CVE-2026-54330 unsigned copy source", "AccessDenied", func(a *attacker) []byte {
			return a.request("PUT", loot, "").headers().set("x-amz-copy-source", "/siege/secret").render()
		}},
		{"SIG-90 CVE-2026-54330 unsigned ACL", "AccessDenied", func(a *attacker) []byte {
			return put(a).headers().set("x-amz-acl", "public-read-write").render()
		}},
		{"SIG-90 CVE-2026-54330 unsigned metadata", "AccessDenied", func(a *attacker) []byte {
			return put(a).headers().set("x-amz-meta-owner", "mallory").render()
		}},
		{"SIG-90 CVE-2026-54330 unsigned tags", "AccessDenied", func(a *attacker) []byte {
			return put(a).headers().set("x-amz-tagging", "a=b").render()
		}},
		{"SIG-93 a form's signature as a header's", "AuthorizationHeaderMalformed SignatureDoesNotMatch AccessDenied", func(a *attacker) []byte {
			return put(a).set("X-Amz-Algorithm", "AWS4-HMAC-SHA256").set("X-Amz-Signature", strings.Repeat("0", 64)).render()
		}},
		{"SIG-97 host is not signed", "AuthorizationHeaderMalformed", func(a *attacker) []byte {
			w := put(a)
			w.signed = []string{"x-amz-content-sha256", "x-amz-date"}
			return w.headers().render()
		}},
		{"SIG-97 unsorted names", "AuthorizationHeaderMalformed", func(a *attacker) []byte {
			w := put(a)
			w.signed = []string{"x-amz-content-sha256", "host", "x-amz-date"}
			return w.headers().render()
		}},
		{"SIG-97 a name twice", "AuthorizationHeaderMalformed", func(a *attacker) []byte {
			w := put(a)
			w.signed = []string{"host", "host", "x-amz-content-sha256", "x-amz-date"}
			return w.headers().render()
		}},
		{"SIG-97 upper case", "AuthorizationHeaderMalformed", func(a *attacker) []byte {
			w := put(a)
			w.signed = []string{"Host", "x-amz-content-sha256", "x-amz-date"}
			return w.headers().render()
		}},
		{"SIG-97 a listed header that is not there", "AuthorizationHeaderMalformed SignatureDoesNotMatch", func(a *attacker) []byte {
			w := put(a)
			w.signed = []string{"host", "x-amz-content-sha256", "x-amz-date", "x-amz-meta-a"}
			return w.headers().render()
		}},
		{"SIG-97 a listed header that is a parameter", "AuthorizationHeaderMalformed SignatureDoesNotMatch", func(a *attacker) []byte {
			w := put(a).param("x-amz-meta-a", "1")
			w.signed = []string{"host", "x-amz-content-sha256", "x-amz-date", "x-amz-meta-a"}
			return w.headers().render()
		}},
		{"SIG-98 two dates", "AuthorizationHeaderMalformed AccessDenied", func(a *attacker) []byte {
			w := put(a).headers()
			return w.set("X-Amz-Date", w.date).render()
		}},
		{"SIG-98 two Authorization headers", "AuthorizationHeaderMalformed InvalidArgument", func(a *attacker) []byte {
			w := put(a).headers()
			return w.set("Authorization", "AWS4-HMAC-SHA256 Credential=x").render()
		}},
		{"SIG-98 two hosts", "-", func(a *attacker) []byte { return put(a).headers().set("Host", "other").render() }},
		{"SIG-102 a body that is longer than its hash says", "XAmzContentSHA256Mismatch", func(a *attacker) []byte {
			w := put(a).headers()
			w.body += "more"
			return w.render()
		}},
		{"SIG-102 another body of the same length", "XAmzContentSHA256Mismatch", func(a *attacker) []byte {
			w := put(a).headers()
			w.body = "b0dy"
			return w.render()
		}},
		{"SIG-104 the old secret", "SignatureDoesNotMatch", func(a *attacker) []byte {
			w := put(a)
			w.secret = "the secret before the last rotation"
			return w.headers().render()
		}},
		{"SIG-105 SigV4A with a region set of others", "AuthorizationHeaderMalformed SignatureDoesNotMatch", func(a *attacker) []byte {
			w := put(a).set("X-Amz-Region-Set", "eu-*")
			w.algorithm = "AWS4-ECDSA-P256-SHA256"
			return []byte(strings.Replace(string(w.headers().render()), "/us-east-1/", "/", 1))
		}},
		{"SIG-106 a token for a key that has none", "InvalidToken", func(a *attacker) []byte {
			w := put(a)
			w.token = "FwoGZXIvYXdzEXAMPLE"
			return w.headers().render()
		}},
		{"SIG-106 the token left out", "InvalidToken", func(a *attacker) []byte {
			w := put(a)
			w.key, w.secret = a.g.TemporaryKeyID, a.g.TemporarySecret
			return w.headers().render()
		}},
		{"SIG-106 the token unsigned", "AccessDenied", func(a *attacker) []byte {
			w := put(a)
			w.key, w.secret = a.g.TemporaryKeyID, a.g.TemporarySecret
			return w.headers().set("X-Amz-Security-Token", a.g.SessionToken).render()
		}},
		{"SIG-106 the token of another", "InvalidToken", func(a *attacker) []byte {
			w := put(a)
			w.key, w.secret, w.token = a.g.TemporaryKeyID, a.g.TemporarySecret, a.g.ExpiredToken
			return w.headers().render()
		}},
		{"SIG-106 an expired token", "ExpiredToken", func(a *attacker) []byte {
			w := put(a)
			w.key, w.secret, w.token = a.g.ExpiredKeyID, a.g.ExpiredSecret, a.g.ExpiredToken
			return w.headers().render()
		}},
		{"SIG-107 X-Forwarded-Host does not stand for Host", "SignatureDoesNotMatch", func(a *attacker) []byte {
			w := put(a)
			w.header[0] = "Host: s3.us-east-1.amazonaws.com"
			w.headers().header[0] = "Host: " + a.addr
			return w.set("X-Forwarded-Host", "s3.us-east-1.amazonaws.com").render()
		}},
		{"unknown key", "InvalidAccessKeyId", func(a *attacker) []byte {
			w := put(a)
			w.key = "AKIANOBODY"
			return w.headers().render()
		}},
		{"another region", "AuthorizationHeaderMalformed", func(a *attacker) []byte {
			w := put(a)
			w.region = "eu-west-1"
			return w.headers().render()
		}},
		{"another service", "AuthorizationHeaderMalformed", func(a *attacker) []byte {
			w := put(a)
			w.service = "sts"
			return w.headers().render()
		}},
		{"CRLF in a header's value", "- AccessDenied SignatureDoesNotMatch InvalidArgument", func(a *attacker) []byte {
			return put(a).set("x-amz-meta-a", "1\r\nx-amz-acl: public-read").headers().render()
		}},
		{"request smuggling: two lengths", "-", func(a *attacker) []byte {
			return put(a).set("Content-Length", "4").set("Content-Length", "40").headers().render()
		}},
		{"request smuggling: length and chunked", "- XAmzContentSHA256Mismatch AuthorizationHeaderMalformed", func(a *attacker) []byte {
			return put(a).set("Content-Length", "4").set("Transfer-Encoding", "chunked").headers().render()
		}},
		{"dot segments out of the bucket", "NoSuchKey", func(a *attacker) []byte {
			return a.request("GET", "/siege/../../../../etc/passwd", "").headers().render()
		}},
		{"escaped dot segments", "NoSuchKey", func(a *attacker) []byte {
			w := a.request("GET", "/siege/../../etc/passwd", "").headers()
			w.path = "/siege/%2E%2E/%2E%2E/etc/passwd" // signed as S3 reads it
			return w.render()
		}},
	}
	return append(list, append(dateAttacks(), presenceAttacks()...)...)
}

// dateAttacks are SIG-92 (no check of the clock) and SIG-96 (a scope of another
// day).
func dateAttacks() []attack {
	var list []attack
	for name, at := range map[string]func(now time.Time) time.Time{
		"-16 minutes": func(now time.Time) time.Time { return now.Add(-16 * time.Minute) },
		"+16 minutes": func(now time.Time) time.Time { return now.Add(16 * time.Minute) },
		"year 2000":   func(time.Time) time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"year 9999":   func(time.Time) time.Time { return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) },
	} {
		list = append(list, attack{"SIG-92 " + name, "RequestTimeTooSkewed", func(a *attacker) []byte {
			w := a.request("PUT", loot, "body")
			w.date, w.scopeDate = at(a.now).Format(isoBasic), at(a.now).Format("20060102")
			return w.headers().render()
		}})
	}
	return append(list, attack{"SIG-96 a scope of yesterday", "AuthorizationHeaderMalformed", func(a *attacker) []byte {
		w := a.request("PUT", loot, "body")
		w.scopeDate = a.now.AddDate(0, 0, -1).Format("20060102")
		return w.headers().render()
	}})
}

// presenceAttacks are SIG-95: that something is there proves nothing.
func presenceAttacks() []attack {
	var list []attack
	for name, signature := range map[string]string{
		"an empty signature": "", "64 zeros": strings.Repeat("0", 64), "63 digits": strings.Repeat("a", 63), "upper case": strings.Repeat("A", 64),
		"a megabyte": strings.Repeat("a", 1<<20),
	} {
		list = append(list, attack{"SIG-95 " + name, "AuthorizationHeaderMalformed SignatureDoesNotMatch -", func(a *attacker) []byte {
			w := a.request("PUT", loot, "body")
			w.headers()
			last := len(w.header) - 1
			w.header[last] = strings.Replace(w.header[last], w.seed, signature, 1)
			return w.render()
		}})
		list = append(list, attack{"SIG-95 in the query: " + name, "AuthorizationQueryParametersError SignatureDoesNotMatch -", func(a *attacker) []byte {
			w := a.request("GET", "/siege/secret", "").presign("60")
			w.query[len(w.query)-1] = "X-Amz-Signature=" + signature
			return w.render()
		}})
	}
	list = append(list, attack{"SIG-95 a signature alone", "AuthorizationQueryParametersError", func(a *attacker) []byte {
		return a.request("GET", "/siege/secret", "").param("X-Amz-Signature", strings.Repeat("0", 64)).render()
	}})
	return append(list, attack{"no signature", "AccessDenied", func(a *attacker) []byte {
		return a.request("GET", "/siege/secret", "").render()
	}})
}

func urlControl(a *attacker) []byte {
	return a.request("GET", "/siege/secret", "").presign("60").render()
}

// urlAttacks are those on presigned URLs (PRE-64).
func urlAttacks() []attack {
	put := func(a *attacker) *wire { return a.request("PUT", loot, "body") }
	list := []attack{
		{"SIG-90 CVE-2026-54330 unsigned copy source", "AccessDenied", func(a *attacker) []byte {
			return a.request("PUT", loot, "").presign("60").set("x-amz-copy-source", "/siege/secret").render()
		}},
		{"SIG-90 CVE-2026-54330 unsigned ACL", "AccessDenied", func(a *attacker) []byte {
			return put(a).presign("60").set("x-amz-acl", "public-read").render()
		}},
		{"SIG-90 CVE-2026-54330 unsigned metadata", "AccessDenied", func(a *attacker) []byte {
			return put(a).presign("60").set("X-Amz-Meta-A", "1").render()
		}},
		{"SIG-98 two expiries", "AuthorizationQueryParametersError", func(a *attacker) []byte {
			return put(a).presign("60").param("X-Amz-Expires", "604800").render()
		}},
		{"SIG-98 two signatures", "AuthorizationQueryParametersError", func(a *attacker) []byte {
			return put(a).presign("60").param("X-Amz-Signature", strings.Repeat("0", 64)).render()
		}},
		{"SIG-98 two credentials", "AuthorizationQueryParametersError", func(a *attacker) []byte {
			return put(a).presign("60").param("X-Amz-Credential", a.g.AccessKeyID).render()
		}},
		{"PRE-64 expired", "AccessDenied", func(a *attacker) []byte {
			w := put(a)
			at := a.now.Add(-2 * time.Minute)
			w.date, w.scopeDate = at.Format(isoBasic), at.Format("20060102")
			return w.presign("60").render()
		}},
		{"PRE-64 not yet valid", "AccessDenied", func(a *attacker) []byte {
			w := put(a)
			at := a.now.Add(17 * time.Minute)
			w.date, w.scopeDate = at.Format(isoBasic), at.Format("20060102")
			return w.presign("60").render()
		}},
		{"PRE-64 an extra parameter", "SignatureDoesNotMatch", func(a *attacker) []byte {
			return a.request("GET", "/siege/secret", "").presign("60").param("response-content-type", "text/html").render()
		}},
		{"PRE-64 another method", "SignatureDoesNotMatch", func(a *attacker) []byte {
			w := a.request("GET", victim, "").presign("60")
			w.method = "DELETE"
			return w.render()
		}},
		{"PRE-64 another key", "SignatureDoesNotMatch", func(a *attacker) []byte {
			w := a.request("GET", victim, "").presign("60")
			w.path = "/siege/secret"
			return w.render()
		}},
		{"PRE-64 an escaped slash", "SignatureDoesNotMatch NoSuchKey NoSuchBucket InvalidBucketName", func(a *attacker) []byte {
			w := a.request("GET", victim, "").presign("60")
			w.path = "/siege%2Fsecret"
			return w.render()
		}},
		{"PRE-64 another host", "SignatureDoesNotMatch", func(a *attacker) []byte {
			w := put(a).presign("60")
			w.header[0] = "Host: siege.s3.localhost"
			return w.render()
		}},
		{"PRE-64 the token as a header", "AccessDenied InvalidToken", func(a *attacker) []byte {
			w := put(a)
			w.key, w.secret, w.token = a.g.TemporaryKeyID, a.g.TemporarySecret, a.g.SessionToken
			w.presign("60")
			var query []string
			for _, pair := range w.query {
				if !strings.HasPrefix(pair, "X-Amz-Security-Token=") {
					query = append(query, pair)
				}
			}
			w.query = query
			return w.set("X-Amz-Security-Token", a.g.SessionToken).render()
		}},
		{"PRE-64 an Authorization header beside", "InvalidArgument", func(a *attacker) []byte {
			return put(a).presign("60").set("Authorization", "AWS4-HMAC-SHA256 x").render()
		}},
		{"SIG-103 a hundred thousand parameters", "- InvalidArgument InvalidRequest AuthorizationQueryParametersError", func(a *attacker) []byte {
			w := put(a)
			for range 100_000 {
				w.query = append(w.query, "a=")
			}
			return w.presign("60").render()
		}},
		{"PRE-26 a streaming payload", "InvalidRequest AuthorizationQueryParametersError", func(a *attacker) []byte {
			return put(a).set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER").presign("60").render()
		}},
	}
	for _, expires := range []string{"0", "-1", "1h1", " 60", "6e2", "604801", "99999999999999999999", "+60", "0x3C", ""} {
		list = append(list, attack{fmt.Sprintf("PRE-64 expires in %q", expires), "AuthorizationQueryParametersError AccessDenied", func(a *attacker) []byte {
			return put(a).presign(expires).render()
		}})
	}
	for i, name := range []string{"Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"} {
		list = append(list, attack{"PRE-64 without " + name, "AuthorizationQueryParametersError", func(a *attacker) []byte {
			w := put(a).presign("60")
			w.query = append(w.query[:i:i], w.query[i+1:]...)
			return w.render()
		}})
	}
	return list
}
