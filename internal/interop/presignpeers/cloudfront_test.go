// SPDX-License-Identifier: Apache-2.0

package presignpeers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"
	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/presign/cloudfront"
	"github.com/stretchr/testify/require"
)

const (
	base      = "https://d111111abcdef8.cloudfront.net"
	keyPairID = "K2JCJMDEHXQW5F"
)

func newRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

// cdn verifies for one key.
func cdn(public crypto.PublicKey) *cloudfront.Verifier {
	return &cloudfront.Verifier{BaseURL: base, Keys: func(id string) (crypto.PublicKey, bool) { return public, id == keyPairID }}
}

// arriving is the request for a URL, from 192.0.2.7.
func arriving(rawURL string, cookies map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, base+"/", nil)
	r.RequestURI, r.RemoteAddr = strings.TrimPrefix(rawURL, base), "192.0.2.7:1234"
	for name, value := range cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// TestCloudFrontGo verifies what feature/cloudfront/sign signs.
func TestCloudFrontGo(t *testing.T) {
	key := newRSA(t)
	v := cdn(&key.PublicKey)
	cases := 0
	expires := time.Now().Add(time.Hour)
	urls := sign.NewURLSigner(keyPairID, key)
	cookies := sign.NewCookieSigner(keyPairID, key)
	check := func(rawURL string, cookies []*http.Cookie) {
		t.Helper()
		set := make(map[string]string)
		for _, c := range cookies {
			set[c.Name] = c.Value
		}
		_, err := v.Verify(arriving(rawURL, set))
		require.NoError(t, err, rawURL)
		cases++
	}
	for _, path := range []string{"/films/a.mp4", "/films/a.mp4?size=large&license=yes", "/films/a%20b/c.mp4?x=%26&y="} {
		signed, err := urls.Sign(base+path, expires)
		require.NoError(t, err)
		check(signed, nil)
		_, err = v.Verify(arriving(strings.Replace(signed, "/films/", "/other/", 1), nil))
		require.ErrorIs(t, err, cloudfront.ErrSignature)
		for _, resource := range []string{base + "/films/*", "http*://*.cloudfront.net/*", base + "/films/?*"} {
			policy := sign.NewCannedPolicy(resource, expires)
			policy.Statements[0].Condition.DateGreaterThan = sign.NewAWSEpochTime(time.Now().Add(-time.Hour))
			policy.Statements[0].Condition.IPAddress = &sign.IPAddress{SourceIP: "192.0.2.0/24"}
			signed, err := urls.SignWithPolicy(base+path, policy)
			require.NoError(t, err)
			check(signed, nil)
			set, err := cookies.SignWithPolicy(policy)
			require.NoError(t, err)
			check(base+path, set)
		}
		set, err := cookies.Sign(base+path, expires)
		require.NoError(t, err)
		check(base+path, set)
	}
	testkit.Report(t, "interop", "presignpeers/cloudfront/aws-sdk-go-v2", interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"), cases)
}

// TestCloudFrontNode verifies what @aws-sdk/cloudfront-signer signs.
func TestCloudFrontNode(t *testing.T) {
	interop.Require(t)
	node, dir := interop.Node(t, strings.Fields(nodePackages)...)
	key := newRSA(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file := writePEM(t, "PRIVATE KEY", der)
	cmd := exec.CommandContext(t.Context(), node, testdata(t, "cloudfront.mjs"), file, keyPairID, base, strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))
	cmd.Dir = dir
	text, err := cmd.Output()
	require.NoError(t, err)
	var out struct {
		Version string
		URLs    []string
		Cookies []struct {
			URL     string
			Cookies map[string]any // Expires is a number
		}
	}
	require.NoError(t, json.Unmarshal(text, &out))
	v := cdn(&key.PublicKey)
	cases := 0
	for _, signed := range out.URLs {
		_, err := v.Verify(arriving(signed, nil))
		require.NoError(t, err, signed)
		cases++
	}
	for _, c := range out.Cookies {
		set := make(map[string]string)
		for name, value := range c.Cookies {
			if n, ok := value.(float64); ok {
				value = strconv.FormatInt(int64(n), 10)
			}
			set[name] = value.(string)
		}
		_, err := v.Verify(arriving(c.URL, set))
		require.NoError(t, err, c.URL)
		cases++
	}
	testkit.Report(t, "interop", "presignpeers/cloudfront/aws-sdk-js", out.Version, cases)
}

func writePEM(t testing.TB, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}

// TestCloudFrontOpenSSL has openssl check our signatures, over the text that
// the documentation prescribes.
func TestCloudFrontOpenSSL(t *testing.T) {
	interop.Require(t)
	openssl := interop.Program(t, "openssl")
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	cases := 0
	for _, key := range []crypto.Signer{newRSA(t), ec} {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		require.NoError(t, err)
		public := writePEM(t, "PUBLIC KEY", der)
		for hash, flag := range map[cloudfront.Hash]string{cloudfront.SHA256: "-sha256", cloudfront.SHA1: "-sha1"} {
			s := &cloudfront.Signer{KeyPairID: keyPairID, Key: key, Hash: hash}
			end := time.Unix(1900000000, 0)
			for text, p := range map[string]cloudfront.Policy{
				`{"Statement":[{"Resource":"` + base + `/a.mp4?x=1&y=<>","Condition":{"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`: {Expires: end},
				`{"Statement":[{"Resource":"` + base + `/*","Condition":{"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"},"DateGreaterThan":{"AWS:EpochTime":1800000000},"DateLessThan":{"AWS:EpochTime":1900000000}}}]}`: {
					Expires: end, NotBefore: time.Unix(1800000000, 0), SourceIP: netip.MustParsePrefix("192.0.2.0/24"), Resource: base + "/*",
				},
			} {
				signed, err := s.SignURL(base+"/a.mp4?x=1&y=<>", p)
				require.NoError(t, err)
				_, tail, _ := strings.Cut(signed, "&Signature=")
				if i := strings.Index(signed, "?Signature="); tail == "" && i >= 0 {
					tail = signed[i+len("?Signature="):]
				}
				encoded, _, _ := strings.Cut(tail, "&")
				signature, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(encoded))
				require.NoError(t, err)
				dir := t.TempDir()
				require.NoError(t, os.WriteFile(filepath.Join(dir, "text"), []byte(text), 0o600))
				require.NoError(t, os.WriteFile(filepath.Join(dir, "signature"), signature, 0o600))
				cmd := exec.CommandContext(t.Context(), openssl, "dgst", flag, "-verify", public, "-signature", "signature", "text")
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, string(out))
				require.Contains(t, string(out), "Verified OK")
				cases++
			}
		}
	}
	testkit.Report(t, "interop", "presignpeers/cloudfront/openssl", interop.Version(t, openssl, "version"), cases)
}
