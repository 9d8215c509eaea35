// SPDX-License-Identifier: Apache-2.0

package cloudfront_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/presign/cloudfront"
	"github.com/stretchr/testify/require"
)

var (
	now     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rsaKey  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	wideKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 3072)) })
)

const (
	base  = "https://media.example.com"
	rsaID = "K2RSAEXAMPLE"
	ecID  = "K2ECDSAEXAMPLE"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func keys(id string) (crypto.PublicKey, bool) {
	switch id {
	case rsaID:
		return &rsaKey().PublicKey, true
	case ecID:
		return &ecKey().PublicKey, true
	}
	return nil, false
}

func ecSigner() *cloudfront.Signer  { return &cloudfront.Signer{KeyPairID: ecID, Key: ecKey()} }
func rsaSigner() *cloudfront.Signer { return &cloudfront.Signer{KeyPairID: rsaID, Key: rsaKey()} }

func verifier() *cloudfront.Verifier {
	return &cloudfront.Verifier{Keys: keys, BaseURL: base, Now: func() time.Time { return now }}
}

func hour() cloudfront.Policy { return cloudfront.Policy{Expires: now.Add(time.Hour)} }

// get is the request a server sees for a URL.
func get(rawURL string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, base+"/", nil)
	if u, err := url.Parse(rawURL); err == nil {
		r.URL = u
	}
	r.RequestURI = strings.TrimPrefix(rawURL, base)
	r.RemoteAddr = "192.0.2.7:1234"
	return r
}

func verify(rawURL string) error {
	_, err := verifier().Verify(get(rawURL))
	return err
}

func sign(t testing.TB, rawURL string, p cloudfront.Policy) string {
	t.Helper()
	signed, err := ecSigner().SignURL(rawURL, p)
	require.NoError(t, err)
	return signed
}

// PRE-51: both keys and both hashes; PRE-52: the order; PRE-53: canned where the
// expiry says it all.
func TestRoundTrip(t *testing.T) {
	ranged := hour()
	ranged.SourceIP = netip.MustParsePrefix("192.0.2.99/24")
	later := hour()
	later.NotBefore = now.Add(-time.Second)
	wide := hour()
	wide.Resource = base + "/films/*"
	for _, c := range []struct {
		name, url string
		policy    cloudfront.Policy
		custom    bool
	}{
		{"canned", base + "/films/a.mp4", hour(), false},
		{"canned with a query", base + "/films/a.mp4?size=large&license=yes", hour(), false},
		{"canned with an empty query", base + "/films/a.mp4?", hour(), false},
		{"canned with odd pieces", base + "/films/a.mp4?&&a&=b&%41=%zz", hour(), false},
		{"canned without a path", base + "/", hour(), false},
		{"canned with HTML characters", base + "/films/<a>&b.mp4?x=<&y=>", hour(), false},
		{"address range", base + "/films/a.mp4?x=1", ranged, true},
		{"not before", base + "/films/a.mp4?x=1", later, true},
		{"wildcard", base + "/films/a/b.mp4?x=1", wide, true},
		{"star in the URL", base + "/films/*", hour(), true},
	} {
		for _, hash := range []cloudfront.Hash{cloudfront.SHA256, cloudfront.SHA1} {
			for _, s := range []*cloudfront.Signer{rsaSigner(), ecSigner()} {
				t.Run(c.name+"/"+hash.String()+"/"+s.KeyPairID, func(t *testing.T) {
					s.Hash = hash
					signed, err := s.SignURL(c.url, c.policy)
					require.NoError(t, err)
					require.True(t, strings.HasPrefix(signed, c.url))
					require.Equal(t, hash == cloudfront.SHA256, strings.HasSuffix(signed, "&Hash-Algorithm=SHA256"))
					g, err := verifier().Verify(get(signed))
					require.NoError(t, err)
					require.Equal(t, c.custom, g.Custom)
					require.Equal(t, s.KeyPairID, g.KeyPairID)
					require.Equal(t, hash, g.Hash)
					require.True(t, c.policy.Expires.Equal(g.Policy.Expires))
					require.Equal(t, c.policy.SourceIP.Masked(), g.Policy.SourceIP)
					all := map[string]crypto.PublicKey{rsaID: &rsaKey().PublicKey, ecID: &ecKey().PublicKey}
					require.True(t, refVerify(all, signed, "192.0.2.7", now), "reference")
				})
			}
		}
	}
}

// The texts of PRE-48 and PRE-49, byte for byte, in the encoding of PRE-50.
func TestPolicyText(t *testing.T) {
	key := &recordingKey{PrivateKey: ecKey()}
	s := &cloudfront.Signer{KeyPairID: ecID, Key: key}
	_, err := s.SignURL("http://d111111abcdef8.cloudfront.net/image.jpg?color=red&size=medium", cloudfront.Policy{Expires: time.Unix(1357034400, 0)})
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256([]byte(`{"Statement":[{"Resource":"http://d111111abcdef8.cloudfront.net/image.jpg?color=red&size=medium","Condition":{"DateLessThan":{"AWS:EpochTime":1357034400}}}]}`)), key.digest)
	signed, err := s.SignURL("http://d111111abcdef8.cloudfront.net/training/a.mp4", cloudfront.Policy{
		Resource: "http*://d111111abcdef8.cloudfront.net/training/*", SourceIP: netip.MustParsePrefix("192.0.2.0/24"),
		NotBefore: time.Unix(1357034000, 0), Expires: time.Unix(1357034400, 0),
	})
	require.NoError(t, err)
	const text = `{"Statement":[{"Resource":"http*://d111111abcdef8.cloudfront.net/training/*","Condition":{"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"},"DateGreaterThan":{"AWS:EpochTime":1357034000},"DateLessThan":{"AWS:EpochTime":1357034400}}}]}`
	require.Equal(t, sha256.Sum256([]byte(text)), key.digest)
	require.Contains(t, signed, "?Policy="+refEncode([]byte(text))+"&Signature=")
}

type recordingKey struct {
	*ecdsa.PrivateKey
	digest [32]byte
}

func (k *recordingKey) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	copy(k.digest[:], digest)
	return k.PrivateKey.Sign(r, digest, opts)
}

// PRE-51 and PRE-52: keys and URLs that cannot be signed.
func TestSignerRefuses(t *testing.T) {
	good := base + "/a"
	for _, c := range []struct {
		name   string
		signer *cloudfront.Signer
		url    string
		policy cloudfront.Policy
		is     error
	}{
		{"no key", &cloudfront.Signer{KeyPairID: "K"}, good, hour(), cloudfront.ErrConfig},
		{"no id", &cloudfront.Signer{Key: ecKey()}, good, hour(), cloudfront.ErrConfig},
		{"id with a parameter", &cloudfront.Signer{KeyPairID: "K&Policy=x", Key: ecKey()}, good, hour(), cloudfront.ErrConfig},
		{"unknown hash", &cloudfront.Signer{KeyPairID: "K", Key: ecKey(), Hash: 9}, good, hour(), cloudfront.ErrConfig},
		{"RSA of 3,072 bits", &cloudfront.Signer{KeyPairID: "K", Key: wideKey()}, good, hour(), cloudfront.ErrKey},
		{"P-384", &cloudfront.Signer{KeyPairID: "K", Key: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))}, good, hour(), cloudfront.ErrKey},
		{"key that fails", &cloudfront.Signer{KeyPairID: "K", Key: brokenKey{ecKey()}}, good, hour(), cloudfront.ErrKey},
		{"no expiry", ecSigner(), good, cloudfront.Policy{}, cloudfront.ErrInput},
		{"begins before 1970", ecSigner(), good, cloudfront.Policy{Expires: now, NotBefore: time.Unix(-5, 0)}, cloudfront.ErrInput},
		{"ends before it begins", ecSigner(), good, cloudfront.Policy{Expires: now, NotBefore: now}, cloudfront.ErrInput},
		{"IPv6 range", ecSigner(), good, cloudfront.Policy{Expires: now, SourceIP: netip.MustParsePrefix("2001:db8::/32")}, cloudfront.ErrInput},
		{"mapped range", ecSigner(), good, cloudfront.Policy{Expires: now, SourceIP: netip.MustParsePrefix("::ffff:192.0.2.0/120")}, cloudfront.ErrInput},
		{"fragment", ecSigner(), good + "#x", hour(), cloudfront.ErrInput},
		{"space", ecSigner(), base + "/a b", hour(), cloudfront.ErrInput},
		{"quote", ecSigner(), base + `/a"b`, hour(), cloudfront.ErrInput},
		{"backslash", ecSigner(), base + `/a\b`, hour(), cloudfront.ErrInput},
		{"not ASCII", ecSigner(), base + "/é", hour(), cloudfront.ErrInput},
		{"control character", ecSigner(), base + "/a\n", hour(), cloudfront.ErrInput},
		{"space, though the resource is fine", ecSigner(), base + "/a b", cloudfront.Policy{Expires: now, Resource: base + "/*"}, cloudfront.ErrInput},
		{"fragment, though the resource is fine", ecSigner(), base + "/a#b", cloudfront.Policy{Expires: now, Resource: base + "/*"}, cloudfront.ErrInput},
		{"another scheme", ecSigner(), "rtmp://media.example.com/a", hour(), cloudfront.ErrInput},
		{"relative", ecSigner(), "/a", hour(), cloudfront.ErrInput},
		{"no host", ecSigner(), "https:///a", hour(), cloudfront.ErrInput},
		{"Expires there already", ecSigner(), good + "?Expires=1", hour(), cloudfront.ErrInput},
		{"Policy there already", ecSigner(), good + "?a=1&Policy", hour(), cloudfront.ErrInput},
		{"Signature there already", ecSigner(), good + "?Signature=", hour(), cloudfront.ErrInput},
		{"Key-Pair-Id there already", ecSigner(), good + "?Key-Pair-Id=K", hour(), cloudfront.ErrInput},
		{"Hash-Algorithm there already", ecSigner(), good + "?Hash-Algorithm=SHA1", hour(), cloudfront.ErrInput},
		{"resource without protocol", ecSigner(), good, cloudfront.Policy{Expires: now, Resource: "media.example.com/*"}, cloudfront.ErrInput},
		{"resource of another protocol", ecSigner(), good, cloudfront.Policy{Expires: now, Resource: "ftp*://media.example.com/*"}, cloudfront.ErrInput},
		{"resource with an escaped question mark", ecSigner(), good, cloudfront.Policy{Expires: now, Resource: base + `/a\?x=1`}, cloudfront.ErrInput},
		{"17 question marks", ecSigner(), good, cloudfront.Policy{Expires: now, Resource: base + "/" + strings.Repeat("?", 17)}, cloudfront.ErrInput},
		{"policy too long", ecSigner(), good, cloudfront.Policy{Expires: now, Resource: base + "/" + strings.Repeat("a", 8000) + "*"}, cloudfront.ErrInput},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.signer.SignURL(c.url, c.policy)
			require.ErrorIs(t, err, c.is)
			var e *cloudfront.Error
			require.ErrorAs(t, err, &e)
			require.NotEmpty(t, e.Hint())
		})
	}
	_, err := ecSigner().SignCookies(hour())
	require.ErrorIs(t, err, cloudfront.ErrInput)
	_, err = ecSigner().SignURL(base+"/a", cloudfront.Policy{Expires: now, Resource: base + "/" + strings.Repeat("?", 16)})
	require.NoError(t, err, "16 question marks")
}

type brokenKey struct{ *ecdsa.PrivateKey }

func (brokenKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the token was removed")
}

// forge signs any policy text, as nobody but the key's owner can.
func forge(t testing.TB, path, text string) string {
	t.Helper()
	digest := sha256.Sum256([]byte(text))
	signature, err := ecKey().Sign(rand.Reader, digest[:], crypto.SHA256)
	require.NoError(t, err)
	return base + path + "?Policy=" + refEncode([]byte(text)) + "&Signature=" + refEncode(signature) + "&Key-Pair-Id=" + ecID + "&Hash-Algorithm=SHA256"
}

// The negative tests of PRE-66 and of the rules of section 6.2, for URLs: what
// must come once (PRE-56), keys and hashes (PRE-57), canned policies (PRE-58).
func TestVerifierRefusesURL(t *testing.T) {
	canned := sign(t, base+"/a?x=1", hour())
	custom := sign(t, base+"/a?x=1", cloudfront.Policy{Expires: now.Add(time.Hour), NotBefore: now.Add(-time.Hour)})
	sha1Signer := ecSigner()
	sha1Signer.Hash = cloudfront.SHA1
	sha1Signed := must(sha1Signer.SignURL(base+"/a?x=1", hour()))
	other := must(rsaSigner().SignURL(base+"/a?x=1", hour()))
	require.NoError(t, verify(canned))
	require.NoError(t, verify(custom))
	require.NoError(t, verify(sha1Signed))
	replace := func(s, old, new string) string {
		t.Helper()
		require.Contains(t, s, old)
		return strings.Replace(s, old, new, 1)
	}
	signature := func(s string) string {
		_, tail, _ := strings.Cut(s, "Signature=")
		value, _, _ := strings.Cut(tail, "&")
		return value
	}
	for _, c := range []struct {
		name, url string
		is        error
	}{
		{"no credentials", base + "/a", cloudfront.ErrMissing},
		{"Hash-Algorithm alone", base + "/a?Hash-Algorithm=SHA256", cloudfront.ErrMissing},
		{"Expires and Policy together", canned + "&Policy=e30_", cloudfront.ErrMalformed},
		{"duplicate Expires", canned + "&Expires=1", cloudfront.ErrMalformed},
		{"duplicate Policy", custom + "&Policy=e30_", cloudfront.ErrMalformed},
		{"duplicate Signature", canned + "&Signature=" + signature(canned), cloudfront.ErrMalformed},
		{"duplicate Key-Pair-Id", canned + "&Key-Pair-Id=" + ecID, cloudfront.ErrMalformed},
		{"duplicate Hash-Algorithm", canned + "&Hash-Algorithm=SHA256", cloudfront.ErrMalformed},
		{"no Signature", replace(canned, "Signature=", "signature="), cloudfront.ErrMalformed},
		{"no Key-Pair-Id", replace(canned, "Key-Pair-Id=", "key-pair-id="), cloudfront.ErrMalformed},
		{"neither Expires nor Policy", replace(canned, "Expires=", "expires="), cloudfront.ErrMalformed},
		{"empty Signature", replace(canned, signature(canned), ""), cloudfront.ErrMalformed},
		{"Hash-Algorithm removed", replace(canned, "&Hash-Algorithm=SHA256", ""), cloudfront.ErrSignature},
		{"Hash-Algorithm added", sha1Signed + "&Hash-Algorithm=SHA256", cloudfront.ErrSignature},
		{"Hash-Algorithm changed", replace(canned, "=SHA256", "=SHA1"), cloudfront.ErrSignature},
		{"Hash-Algorithm unknown", replace(canned, "=SHA256", "=MD5"), cloudfront.ErrMalformed},
		{"Hash-Algorithm in lower case", replace(canned, "=SHA256", "=sha256"), cloudfront.ErrMalformed},
		{"unknown key id", replace(canned, ecID, "K2UNKNOWN"), cloudfront.ErrUnknownKey},
		{"RSA key with ECDSA signature", replace(canned, ecID, rsaID), cloudfront.ErrSignature},
		{"ECDSA key with RSA signature", replace(other, rsaID, ecID), cloudfront.ErrSignature},
		{"signature of another URL", replace(canned, signature(canned), signature(sign(t, base+"/b", hour()))), cloudfront.ErrSignature},
		{"path changed", replace(canned, "/a?", "/b?"), cloudfront.ErrSignature},
		{"path in other case", replace(canned, "/a?", "/A?"), cloudfront.ErrSignature},
		{"query changed", replace(canned, "x=1", "x=2"), cloudfront.ErrSignature},
		{"query removed", replace(canned, "x=1&", ""), cloudfront.ErrSignature},
		{"parameter added in front", replace(canned, "?x=1", "?y=2&x=1"), cloudfront.ErrSignature},
		{"parameter added behind", canned + "&y=2", cloudfront.ErrSignature},
		{"expiry changed", replace(canned, "Expires=", "Expires=9"), cloudfront.ErrSignature},
		{"expiry with a sign", replace(canned, "Expires=", "Expires=+"), cloudfront.ErrMalformed},
		{"expiry negative", replace(canned, "Expires=", "Expires=-"), cloudfront.ErrMalformed},
		{"expiry with a leading zero", replace(canned, "Expires=", "Expires=0"), cloudfront.ErrMalformed},
		{"expiry of 20 digits", replace(canned, "Expires=", "Expires=9999999999"), cloudfront.ErrMalformed},
		{"expiry empty", base + "/a?Expires=&Signature=AAAA&Key-Pair-Id=" + ecID, cloudfront.ErrMalformed},
		{"base64url instead of the alphabet", replace(custom, "Policy=eyJ", "Policy=e-J"), cloudfront.ErrSignature},
		{"base64 padding instead of _", custom[:strings.Index(custom, "Policy=")] + "Policy=e30=&Signature=AAAA&Key-Pair-Id=" + ecID, cloudfront.ErrMalformed},
		{"standard base64", base + "/a?Policy=a+b/&Signature=AAAA&Key-Pair-Id=" + ecID, cloudfront.ErrMalformed},
		{"line feed in the policy, escaped", base + "/a?Policy=e30_%0A&Signature=AAAA&Key-Pair-Id=" + ecID, cloudfront.ErrMalformed},
		{"policy over 8 KiB", base + "/a?Policy=" + strings.Repeat("AAAA", 2049) + "&Signature=AAAA&Key-Pair-Id=" + ecID, cloudfront.ErrMalformed},
		{"policy of 8 KiB", base + "/a?Policy=" + strings.Repeat("AAAA", 2048) + "&Signature=AAAA&Key-Pair-Id=" + ecID, cloudfront.ErrSignature},
		{"signature too long", replace(canned, signature(canned), strings.Repeat("AAAA", 87)), cloudfront.ErrMalformed},
		{"quote in the URL of a canned policy", replace(canned, "x=1", `x="`), cloudfront.ErrMalformed},
		{"expired", sign(t, base+"/a", cloudfront.Policy{Expires: now}), cloudfront.ErrExpired},
		{"expired, custom", sign(t, base+"/a", cloudfront.Policy{Expires: now, NotBefore: now.Add(-time.Hour)}), cloudfront.ErrExpired},
		{"DateGreaterThan is now", sign(t, base+"/a", cloudfront.Policy{Expires: now.Add(time.Hour), NotBefore: now}), cloudfront.ErrNotYetValid},
		{"DateGreaterThan in the future", sign(t, base+"/a", cloudfront.Policy{Expires: now.Add(time.Hour), NotBefore: now.Add(time.Minute)}), cloudfront.ErrNotYetValid},
		{"address outside the range", sign(t, base+"/a", cloudfront.Policy{Expires: now.Add(time.Hour), SourceIP: netip.MustParsePrefix("192.0.2.8/29")}), cloudfront.ErrIP},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.ErrorIs(t, verify(c.url), c.is)
		})
	}
}

// Policies that their owner signed and that still grant nothing, PRE-59.
func TestVerifierRefusesPolicy(t *testing.T) {
	const end = `"Condition":{"DateLessThan":{"AWS:EpochTime":1900000000}}`
	statement := `{"Resource":"` + base + `/a",` + end + `}`
	require.NoError(t, verify(forge(t, "/a", `{"Statement":[`+statement+`]}`)))
	require.NoError(t, verify(forge(t, "/a", " { \"Statement\" :\n[ "+statement+" ] } ")), "white space that was signed is no harm")
	for name, text := range map[string]string{
		"two statements":          `{"Statement":[` + statement + `,` + statement + `]}`,
		"no statement":            `{"Statement":[]}`,
		"statement no array":      `{"Statement":` + statement + `}`,
		"no Statement member":     `{}`,
		"not JSON":                `Statement`,
		"text behind":             `{"Statement":[` + statement + `]}{}`,
		"unknown member":          `{"Version":"2012-10-17","Statement":[` + statement + `]}`,
		"unknown statement":       `{"Statement":[{"Effect":"Allow",` + statement[1:] + `]}`,
		"duplicate Statement":     `{"Statement":[` + statement + `],"Statement":[` + statement + `]}`,
		"duplicate Resource":      `{"Statement":[{"Resource":"` + base + `/b",` + statement[1:] + `]}`,
		"escaped duplicate":       `{"Statement":[{"Reso\u0075rce":"` + base + `/b",` + statement[1:] + `]}`,
		"duplicate Condition":     `{"Statement":[{"Resource":"*",` + end + `,` + end + `}]}`,
		"no Resource":             `{"Statement":[{` + end + `}]}`,
		"empty Resource":          `{"Statement":[{"Resource":"",` + end + `}]}`,
		"Resource no string":      `{"Statement":[{"Resource":["*"],` + end + `}]}`,
		"no Condition":            `{"Statement":[{"Resource":"*"}]}`,
		"no DateLessThan":         `{"Statement":[{"Resource":"*","Condition":{"DateGreaterThan":{"AWS:EpochTime":1}}}]}`,
		"unknown condition":       `{"Statement":[{"Resource":"*","Condition":{"NotIpAddress":{},"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`,
		"unknown condition key":   `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"aws:EpochTime":1900000000}}}]}`,
		"empty condition":         `{"Statement":[{"Resource":"*","Condition":{"IpAddress":{},"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`,
		"duplicate condition key": `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1,"AWS:EpochTime":1900000000}}}]}`,
		"time as a string":        `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":"1900000000"}}}]}`,
		"time with a fraction":    `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1900000000.5}}}]}`,
		"time with an exponent":   `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":19e8}}}]}`,
		"time negative":           `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":-1}}}]}`,
		"time zero":               `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":0}}}]}`,
		"time over 2^53":          `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":9007199254740993}}}]}`,
		"IPv6 range":              `{"Statement":[{"Resource":"*","Condition":{"IpAddress":{"AWS:SourceIp":"::/0"},"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`,
		"range no address":        `{"Statement":[{"Resource":"*","Condition":{"IpAddress":{"AWS:SourceIp":"here"},"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`,
		"list of ranges":          `{"Statement":[{"Resource":"*","Condition":{"IpAddress":{"AWS:SourceIp":["0.0.0.0/0"]},"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`,
		"resource of no protocol": `{"Statement":[{"Resource":"media.example.com/a",` + end + `}]}`,
		"resource of ftp":         `{"Statement":[{"Resource":"ftp://media.example.com/a",` + end + `}]}`,
		"17 question marks":       `{"Statement":[{"Resource":"` + base + `/` + strings.Repeat("?", 17) + `",` + end + `}]}`,
		"nested deeply":           `{"Statement":[[[[[[[[[]]]]]]]]]}`,
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, verify(forge(t, "/a", text)), cloudfront.ErrMalformed)
		})
	}
	v := verifier()
	v.AllowNoResource = true
	g, err := v.Verify(get(forge(t, "/anything", `{"Statement":[{`+end+`}]}`)))
	require.NoError(t, err)
	require.Empty(t, g.Policy.Resource)
}

// A policy that was re-spaced on the way is another text.
func TestRespacedPolicyIsRefused(t *testing.T) {
	signed := sign(t, base+"/a", cloudfront.Policy{Expires: now.Add(time.Hour), NotBefore: now.Add(-time.Hour)})
	_, tail, _ := strings.Cut(signed, "Policy=")
	encoded, _, _ := strings.Cut(tail, "&")
	text := must(refDecode(encoded))
	spaced := strings.Replace(string(text), `":`, `": `, 1)
	require.ErrorIs(t, verify(strings.Replace(signed, encoded, refEncode([]byte(spaced)), 1)), cloudfront.ErrSignature)
}

// PRE-60, section by section.
func TestResource(t *testing.T) {
	for _, c := range []struct {
		name, resource, url string
		want                bool
	}{
		{"exact", base + "/a", base + "/a", true},
		{"other host", "https://other.example.com/a", base + "/a", false},
		{"other scheme", "http://media.example.com/a", base + "/a", false},
		{"other path case", base + "/A", base + "/a", false},
		{"scheme pattern", "http*://media.example.com/a", base + "/a", true},
		{"any scheme", "*://media.example.com/a", base + "/a", true},
		{"scheme with a question mark", "http?://media.example.com/a", base + "/a", true},
		{"everything", "*", base + "/a/b?c", true},
		{"domain suffix", "*example.com/a", base + "/a", true},
		{"domain suffix alone is its root", "*example.com", base + "/", true},
		{"domain suffix alone is no other path", "*example.com", base + "/a", false},
		{"domain star, nothing after it", "https://media*", base + "/a/b?c=d", true},
		{"domain star and a path", "https://media*/a", base + "/a?c=d", false},
		{"domain star does not reach into the path", "https://*/a", base + "/x/a", false},
		{"path star crosses slashes", base + "/f/*.jpg", base + "/f/g/h.jpg", true},
		{"path star does not reach into the query", base + "/hello*world", base + "/hello?world", false},
		{"path star does not reach another host", base + "/hello*world", "https://other.example.com/helloworld", false},
		{"trailing star without a query", base + "/f/*", base + "/f/g", true},
		{"trailing star with a query", base + "/f/*", base + "/f/g?x=1&y=2", true},
		{"star not trailing, with a query", base + "/f/*.jpg", base + "/f/g.jpg?x=1", false},
		{"question mark is one character", base + "/f/?.jpg", base + "/f/g.jpg", true},
		{"question mark is not two", base + "/f/?.jpg", base + "/f/gh.jpg", false},
		{"question mark begins the query", base + "/f/a.jpg?size=*", base + "/f/a.jpg?size=large", true},
		{"question mark begins the query, other query", base + "/f/a.jpg?size=*", base + "/f/a.jpg?kind=large", false},
		{"both kinds of question mark", base + "/f/?.jpg?s=?", base + "/f/a.jpg?s=1", true},
		{"escaped question mark", base + `/f/?.jpg\?s=*`, base + "/f/a.jpg?s=1", true},
		{"escaped question mark is no wildcard", base + `/f/a\?jpg`, base + "/f/a.jpg", false},
		{"no query equals the empty one", base + "/a?", base + "/a", true},
		{"empty query equals none", base + "/a", base + "/a?", true},
		{"query star", base + "/a?*", base + "/a?x=1", true},
		{"query star without a query", base + "/a?*", base + "/a", true},
		{"brackets are text", base + "/[ab]", base + "/a", false},
		{"dot is text", base + "/a.jpg", base + "/axjpg", false},
		{"query before any slash", "https://media.example.com?x=1", base + "/?x=1", true},
		{"dot segment under a wildcard", base + "/pub/*", base + "/pub/../secret", false},
		{"escaped dot segment under a wildcard", base + "/pub/*", base + "/pub/%2e%2E/secret", false},
		{"escaped slash of a dot segment", base + "/pub/*", base + "/pub/..%2fsecret", false},
		{"backslash of a dot segment", base + "/pub/*", base + "/pub/..%5csecret", false},
		{"dot segment at the end", base + "/pub/*", base + "/pub/..", false},
		{"single dot segment", base + "/pub/*", base + "/pub/./a", false},
		{"malformed escape under a wildcard", base + "/pub/*", base + "/pub/%zz", false},
		{"dots in a name", base + "/pub/*", base + "/pub/..a/b..", true},
		{"dot segment that was signed as it is", base + "/pub/../secret", base + "/pub/../secret", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := `{"Statement":[{"Resource":"` + strings.ReplaceAll(c.resource, `\`, `\\`) + `","Condition":{"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`
			path, query, has := strings.Cut(strings.TrimPrefix(c.url, base), "?")
			signed := forge(t, path, text)
			if has {
				signed += "&" + query
			}
			v := verifier()
			r := httptest.NewRequest(http.MethodGet, base+"/", nil)
			r.RequestURI = strings.TrimPrefix(signed, base)
			if host, ok := strings.CutPrefix(c.url, "https://other.example.com"); ok {
				v.BaseURL = "https://other.example.com"
				_, credentials, _ := strings.Cut(signed, "?")
				r.RequestURI = host + "?" + credentials
			}
			_, err := v.Verify(r)
			if c.want {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, cloudfront.ErrResource)
			}
		})
	}
}

// PRE-62.
func TestClientAddress(t *testing.T) {
	p := hour()
	p.SourceIP = netip.MustParsePrefix("192.0.2.0/24")
	signed := sign(t, base+"/a", p)
	for _, c := range []struct {
		name, remote string
		is           error
	}{
		{"inside", "192.0.2.255:1", nil},
		{"outside", "192.0.3.0:1", cloudfront.ErrIP},
		{"mapped", "[::ffff:192.0.2.1]:1", nil},
		{"IPv6 client", "[2001:db8::1]:1", cloudfront.ErrIP},
		{"no address", "@", cloudfront.ErrIP},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := get(signed)
			r.RemoteAddr = c.remote
			r.Header.Set("X-Forwarded-For", "192.0.2.1")
			_, err := verifier().Verify(r)
			require.ErrorIs(t, err, c.is)
		})
	}
	v := verifier()
	v.ClientIP = func(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("X-Forwarded-For")) }
	r := get(signed)
	r.RemoteAddr = "[::1]:1"
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	_, err := v.Verify(r)
	require.NoError(t, err)

	p.SourceIP = netip.MustParsePrefix("0.0.0.0/0")
	r = get(sign(t, base+"/a", p))
	r.RemoteAddr = "[2001:db8::1]:1"
	_, err = verifier().Verify(r)
	require.ErrorIs(t, err, cloudfront.ErrIP, "no IPv6 client is in an IPv4 range, however wide")
	single := strings.NewReplacer("PATH", base+"/a").Replace(`{"Statement":[{"Resource":"PATH","Condition":{"IpAddress":{"AWS:SourceIp":"192.0.2.7"},"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`)
	require.NoError(t, verify(forge(t, "/a", single)), "an address without a length")
}

// PRE-61: both ends, to the nanosecond.
func TestTimes(t *testing.T) {
	v := verifier()
	at := func(d time.Duration) { v.Now = func() time.Time { return now.Add(d) } }
	signed := sign(t, base+"/a", cloudfront.Policy{Expires: now.Add(time.Minute), NotBefore: now})
	check := func(want error) {
		t.Helper()
		_, err := v.Verify(get(signed))
		require.ErrorIs(t, err, want)
	}
	at(0)
	check(cloudfront.ErrNotYetValid)
	at(1)
	check(nil)
	at(time.Minute - 1)
	check(nil)
	at(time.Minute)
	check(cloudfront.ErrExpired)
	v.Leeway = 5 * time.Second
	check(nil)
	at(time.Minute + 5*time.Second)
	check(cloudfront.ErrExpired)
	at(-5*time.Second + 1)
	check(nil)
	at(-5 * time.Second)
	check(cloudfront.ErrNotYetValid)
	v.Now = nil
	_, err := v.Verify(get(sign(t, base+"/a", cloudfront.Policy{Expires: time.Now().Add(time.Hour)})))
	require.NoError(t, err)
}

func TestVerifierConfiguration(t *testing.T) {
	signed := sign(t, base+"/a", hour())
	_, err := (&cloudfront.Verifier{}).Verify(get(signed))
	require.ErrorIs(t, err, cloudfront.ErrConfig)
	require.ErrorContains(t, err, "Keys")
	for _, bad := range []string{"media.example.com", "ftp://media.example.com", "https://", base + "/", base + "?x", base + "#x"} {
		v := verifier()
		v.BaseURL = bad
		_, err := v.Verify(get(signed))
		require.ErrorIs(t, err, cloudfront.ErrConfig, bad)
	}
	v := verifier()
	v.BaseURL, v.Aliases = "https://d111111abcdef8.cloudfront.net", []string{base}
	_, err = v.Verify(get(signed))
	require.NoError(t, err, "alias")
	v.Aliases = nil
	_, err = v.Verify(get(signed))
	require.ErrorIs(t, err, cloudfront.ErrSignature)

	v = verifier()
	v.BaseURL = ""
	_, err = v.Verify(get(signed)) // httptest sets TLS for https
	require.NoError(t, err, "host as received")
	r := get(signed)
	r.TLS = nil
	_, err = v.Verify(r)
	require.ErrorIs(t, err, cloudfront.ErrSignature)
	r = get(signed)
	r.Host = "evil.example"
	_, err = v.Verify(r)
	require.ErrorIs(t, err, cloudfront.ErrSignature)

	v = verifier()
	v.SHA256Only = true
	_, err = v.Verify(get(signed))
	require.NoError(t, err)
	s := ecSigner()
	s.Hash = cloudfront.SHA1
	_, err = v.Verify(get(must(s.SignURL(base+"/a", hour()))))
	require.ErrorIs(t, err, cloudfront.ErrMalformed)

	v.Keys = func(string) (crypto.PublicKey, bool) { return &wideKey().PublicKey, true }
	_, err = v.Verify(get(signed))
	require.ErrorIs(t, err, cloudfront.ErrKey)
	v.Keys = func(string) (crypto.PublicKey, bool) { return nil, true }
	_, err = v.Verify(get(signed))
	require.ErrorIs(t, err, cloudfront.ErrUnknownKey)
	v.Keys = func(string) (crypto.PublicKey, bool) { return []byte("a shared secret"), true }
	_, err = v.Verify(get(signed))
	require.ErrorIs(t, err, cloudfront.ErrKey)
}

func TestRequestTarget(t *testing.T) {
	signed := sign(t, base+"/a%20b?x=1", hour())
	r := get(signed)
	r.RequestURI = signed // absolute form, as a proxy gets it
	_, err := verifier().Verify(r)
	require.NoError(t, err)
	r.RequestURI = "" // a request that no server made
	_, err = verifier().Verify(r)
	require.NoError(t, err)
	for _, target := range []string{"*", "media.example.com:443", "https://media.example.com", "https://media.example.com?x=/"} {
		r.RequestURI = target
		_, err = verifier().Verify(r)
		require.ErrorIs(t, err, cloudfront.ErrMalformed, target)
	}
}

func TestErrorsHaveHintsAndNoSecrets(t *testing.T) {
	signed := sign(t, base+"/a", cloudfront.Policy{Expires: now})
	err := verify(signed)
	_, tail, _ := strings.Cut(signed, "Signature=")
	require.NotContains(t, err.Error(), tail[:20])
	for _, sentinel := range []error{
		cloudfront.ErrConfig, cloudfront.ErrInput, cloudfront.ErrKey, cloudfront.ErrFIPS, cloudfront.ErrMissing, cloudfront.ErrMalformed,
		cloudfront.ErrUnknownKey, cloudfront.ErrSignature, cloudfront.ErrExpired, cloudfront.ErrNotYetValid, cloudfront.ErrResource, cloudfront.ErrIP,
	} {
		e := &cloudfront.Error{Err: sentinel}
		require.NotEqual(t, "See the message.", e.Hint())
		require.Equal(t, sentinel.Error(), e.Error())
	}
	require.NotEmpty(t, (&cloudfront.Error{Err: io.EOF}).Hint())
}

func TestHashText(t *testing.T) {
	for _, h := range []cloudfront.Hash{cloudfront.SHA256, cloudfront.SHA1} {
		text, err := h.MarshalText()
		require.NoError(t, err)
		var back cloudfront.Hash = 7
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, h, back)
	}
	_, err := cloudfront.Hash(7).MarshalText()
	require.ErrorIs(t, err, cloudfront.ErrConfig)
	require.Equal(t, "unknown hash", cloudfront.Hash(7).String())
	require.ErrorIs(t, new(cloudfront.Hash).UnmarshalText([]byte("MD5")), cloudfront.ErrConfig)
}

// encoding/base64 skips line breaks and, unless strict, ignores left-over
// bits: a second spelling of one signature would get past a cache or a list of
// revoked URLs.
func TestLineBreaksAreRefused(t *testing.T) {
	signed := sign(t, base+"/a", hour())
	for _, end := range []string{"\n", "\r", "\r\n"} {
		r := get(base + "/a")
		r.RequestURI = strings.Replace(strings.TrimPrefix(signed, base), "Signature=", "Signature="+end, 1)
		_, err := verifier().Verify(r)
		require.ErrorIs(t, err, cloudfront.ErrMalformed, "%q", end)
	}
}

// A verifier uses its memory again: nothing of one request may be seen in the
// grant of another, or help it after a refusal.
func TestGrantsAreTheirOwn(t *testing.T) {
	v := verifier()
	wild, narrow := hour(), hour()
	wild.Resource, narrow.Resource = base+"/films/*", base+"/films/2026/*"
	narrow.SourceIP = netip.MustParsePrefix("192.0.2.0/24")
	first, err := v.Verify(get(sign(t, base+"/films/2026/a.mp4", wild)))
	require.NoError(t, err)
	for range 3 {
		second, err := v.Verify(get(sign(t, base+"/films/2026/a.mp4", narrow)))
		require.NoError(t, err)
		require.Equal(t, narrow.Resource, second.Policy.Resource)
		require.Equal(t, narrow.SourceIP, second.Policy.SourceIP)

		_, err = v.Verify(get(strings.Replace(sign(t, base+"/films/2026/a.mp4", narrow), "Signature=", "Signature=AAAA", 1)))
		require.Error(t, err)
		_, err = v.Verify(get(sign(t, base+"/else", narrow)))
		require.ErrorIs(t, err, cloudfront.ErrResource)

		third, err := v.Verify(get(sign(t, base+"/films/b.mp4", wild)))
		require.NoError(t, err)
		require.Equal(t, wild.Resource, third.Policy.Resource)
		require.False(t, third.Policy.SourceIP.IsValid())
	}
	require.Equal(t, wild.Resource, first.Policy.Resource)
	require.True(t, first.Policy.Expires.Equal(wild.Expires))
}

func TestTrailingBitsAreRefused(t *testing.T) {
	signed := must(rsaSigner().SignURL(base+"/a", hour())) // 256 bytes: one padding digit pair, four idle bits
	i := strings.Index(signed, "__&Key-Pair-Id")
	require.Positive(t, i)
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~"
	last := strings.IndexByte(digits, signed[i-1])
	require.Zero(t, last%16)
	other := signed[:i-1] + digits[last+1:last+2] + signed[i:]
	require.ErrorIs(t, verify(other), cloudfront.ErrMalformed)
}

func TestUnknownKeyIsRefusedWhateverKeysReturns(t *testing.T) {
	v := verifier()
	v.Keys = func(string) (crypto.PublicKey, bool) { return &ecKey().PublicKey, false }
	_, err := v.Verify(get(sign(t, base+"/a", hour())))
	require.ErrorIs(t, err, cloudfront.ErrUnknownKey)
}
