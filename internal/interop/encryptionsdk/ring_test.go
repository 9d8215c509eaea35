// SPDX-License-Identifier: Apache-2.0

package encryptionsdk

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/envelope/kmskeyring"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

// ring describes a keyring that every side builds in its own way.
type ring struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // aes, rsa, ecdh, kms, kms-mrk, kms-discovery, kms-mrk-discovery, kms-multi, kms-rsa, multi

	Key     []byte `json:"key,omitempty"`     // aes: bytes
	Padding string `json:"padding,omitempty"` // rsa
	Private string `json:"private,omitempty"` // PEM
	Public  string `json:"public,omitempty"`  // PEM

	Curve  string `json:"curve,omitempty"`
	Scheme string `json:"scheme,omitempty"`

	KeyID  string   `json:"keyId,omitempty"`
	KeyIDs []string `json:"keyIds,omitempty"`
	Region string   `json:"region,omitempty"`

	Children []ring `json:"children,omitempty"` // multi: the first generates

	ecPrivate *ecdsa.PrivateKey
	ecPublic  *ecdsa.PublicKey
	rsaKey    *rsa.PrivateKey
}

// pair is a keyring to write with and one to read with.
type pair struct{ write, read ring }

const (
	namespace = "interop"
	account   = "111122223333"
)

func aesRing(bits int) ring {
	key := make([]byte, bits/8)
	for i := range key {
		key[i] = byte(i * 3)
	}
	return ring{Name: fmt.Sprintf("aes%d", bits), Kind: "aes", Key: key}
}

func rsaRing(t testing.TB, key *rsa.PrivateKey, padding string) ring {
	t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	return ring{
		Name: "rsa-" + padding, Kind: "rsa", Padding: padding, rsaKey: key,
		Private: pemText("PRIVATE KEY", private), Public: pemText("PUBLIC KEY", public),
	}
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// ecdhPairs returns the schemes on a curve.
func ecdhPairs(t testing.TB, name string, curve elliptic.Curve) []pair {
	t.Helper()
	alice, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	bob, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	side := func(scheme string, private *ecdsa.PrivateKey, public *ecdsa.PublicKey) ring {
		return ring{Name: "ecdh-" + name + "-" + scheme, Kind: "ecdh", Curve: name, Scheme: scheme, ecPrivate: private, ecPublic: public}
	}
	static := side("static", alice, &bob.PublicKey)
	return []pair{
		{static, static},
		{static, side("static", bob, &alice.PublicKey)},
		{static, side("discovery", bob, nil)},
		{side("ephemeral", nil, &bob.PublicKey), side("discovery", bob, nil)},
	}
}

// world is the keys of a test run and a KMS that serves them over HTTP.
type world struct {
	kms      *testkit.KMS
	endpoint string
	key      string
	mrk      []string // eu-west-1, us-east-1
	rsa      *rsa.PrivateKey
	kmsRSA   []string // the same key in KMS: eu-west-1, us-east-1
}

func newWorld(t testing.TB) *world {
	t.Helper()
	server := testkit.NewKMS()
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return &world{
		kms: server, endpoint: web.URL, rsa: key,
		key: server.AddKey("eu-west-1", account), mrk: server.AddMultiRegion(account, "eu-west-1", "us-east-1"),
		kmsRSA: server.AddRSA(key, account, "eu-west-1", "us-east-1"),
	}
}

// localPairs returns the keyrings that need no KMS and both SDKs know.
func (w *world) localPairs(t testing.TB) []pair {
	t.Helper()
	var all []pair
	for _, bits := range []int{128, 192, 256} {
		all = append(all, pair{aesRing(bits), aesRing(bits)})
	}
	for _, padding := range []string{"pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"} {
		all = append(all, pair{rsaRing(t, w.rsa, padding), rsaRing(t, w.rsa, padding)})
	}
	multi := ring{Name: "multi", Kind: "multi", Children: []ring{aesRing(256), rsaRing(t, w.rsa, "oaep-sha256")}}
	return append(all, pair{multi, aesRing(256)}, pair{multi, rsaRing(t, w.rsa, "oaep-sha256")}, pair{multi, multi})
}

// kmsPairs returns the KMS keyrings.
func (w *world) kmsPairs() []pair {
	key := ring{Name: "kms", Kind: "kms", KeyID: w.key, Region: "eu-west-1"}
	mrk := ring{Name: "kms-mrk", Kind: "kms-mrk", KeyID: w.mrk[0], Region: "eu-west-1"}
	replica := ring{Name: "kms-mrk-replica", Kind: "kms-mrk", KeyID: w.mrk[1], Region: "us-east-1"}
	multi := ring{Name: "kms-multi", Kind: "kms-multi", KeyID: w.key, KeyIDs: []string{w.mrk[1]}}
	discovery := ring{Name: "kms-discovery", Kind: "kms-discovery", Region: "eu-west-1"}
	mrkDiscovery := ring{Name: "kms-mrk-discovery", Kind: "kms-mrk-discovery", Region: "us-east-1"}
	return []pair{{key, key}, {mrk, mrk}, {mrk, replica}, {multi, key}, {multi, multi}, {multi, replica}, {key, discovery}, {mrk, mrkDiscovery}}
}

// kmsRSAPairs returns the keyrings of an asymmetric KMS key.
func (w *world) kmsRSAPairs(t testing.TB) []pair {
	t.Helper()
	var all []pair
	for _, padding := range []string{"oaep-sha1", "oaep-sha256"} {
		at := func(replica int) ring {
			r := rsaRing(t, w.rsa, padding)
			r.Name, r.Kind, r.KeyID, r.Region = "kms-"+r.Name, "kms-rsa", w.kmsRSA[replica], []string{"eu-west-1", "us-east-1"}[replica]
			return r
		}
		all = append(all, pair{at(0), at(0)}, pair{at(0), at(1)})
	}
	return all
}

func awsConfig(region string) aws.Config {
	return aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")}
}

func (w *world) client(region string) *kms.Client {
	return kms.NewFromConfig(awsConfig(region), func(o *kms.Options) { o.BaseEndpoint = &w.endpoint })
}

// ours builds the keyring of this library.
func (w *world) ours(t testing.TB, r ring) envelope.Keyring {
	t.Helper()
	k, err := w.build(r)
	require.NoError(t, err)
	return k
}

func (w *world) build(r ring) (envelope.Keyring, error) {
	switch r.Kind {
	case "aes":
		return envelope.NewRawAES(namespace, r.Name, r.Key)
	case "rsa":
		cfg := envelope.RawRSAConfig{Namespace: namespace, Name: r.Name, Public: &r.rsaKey.PublicKey, Private: r.rsaKey}
		if err := cfg.Padding.UnmarshalText([]byte(r.Padding)); err != nil {
			return nil, err
		}
		return envelope.NewRawRSA(cfg)
	case "ecdh":
		return r.buildECDH()
	case "kms", "kms-mrk":
		return envelope.NewKMS(envelope.KMSConfig{Client: kmskeyring.New(w.client(r.Region)), KeyID: r.KeyID, MultiRegion: r.Kind == "kms-mrk"})
	case "kms-discovery", "kms-mrk-discovery":
		return envelope.NewKMSDiscovery(envelope.KMSDiscoveryConfig{
			Client: kmskeyring.New(w.client(r.Region)), Region: r.Region, MultiRegion: r.Kind == "kms-mrk-discovery",
			Partition: "aws", Accounts: []string{account},
		})
	case "kms-rsa":
		cfg := envelope.KMSRSAConfig{Client: kmskeyring.New(w.client(r.Region)), KeyID: r.KeyID, Public: &r.rsaKey.PublicKey}
		if err := cfg.Padding.UnmarshalText([]byte(r.Padding)); err != nil {
			return nil, err
		}
		return envelope.NewKMSRSA(cfg)
	case "kms-multi":
		supplier := kmskeyring.Supplier(awsConfig(""), func(o *kms.Options) { o.BaseEndpoint = &w.endpoint })
		return envelope.NewKMSMulti(envelope.KMSMultiConfig{Generator: r.KeyID, Keys: r.KeyIDs, Client: supplier})
	case "multi":
		var children []envelope.Keyring
		for _, c := range r.Children {
			k, err := w.build(c)
			if err != nil {
				return nil, err
			}
			children = append(children, k)
		}
		return envelope.NewMulti(children[0], children[1:]...)
	default:
		return nil, fmt.Errorf("kind %q", r.Kind)
	}
}

func (r ring) buildECDH() (envelope.Keyring, error) {
	var cfg envelope.RawECDHConfig
	var err error
	if r.ecPrivate != nil {
		if cfg.Private, err = r.ecPrivate.ECDH(); err != nil {
			return nil, err
		}
	}
	if r.ecPublic != nil {
		var public *ecdh.PublicKey
		if public, err = r.ecPublic.ECDH(); err != nil {
			return nil, err
		}
		cfg.Public = public
	}
	return envelope.NewRawECDH(cfg)
}

var suites = []envelope.Suite{
	envelope.Suite0014, envelope.Suite0046, envelope.Suite0078, envelope.Suite0114, envelope.Suite0146, envelope.Suite0178,
	envelope.Suite0214, envelope.Suite0346, envelope.Suite0378, envelope.Suite0478, envelope.Suite0578,
}

func suiteID(s envelope.Suite) string {
	text, _ := s.MarshalText()
	return string(text)
}

// client makes this library's client for one suite.
func client(t testing.TB, k envelope.Keyring, s envelope.Suite, frame int64, required ...string) *envelope.Client {
	t.Helper()
	cfg := envelope.Config{Keyring: k, Suite: s, FrameLength: frame, RequiredContextKeys: required, Commitment: envelope.RequireEncryptAllowDecrypt}
	if !s.Committing() {
		cfg.Commitment = envelope.ForbidEncryptAllowDecrypt
	}
	c, err := envelope.New(cfg)
	require.NoError(t, err)
	return c
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte((7*i + 3) % 251)
	}
	return b
}

// lengths are the plaintext lengths worth trying around a frame length.
func lengths(frame int) []int {
	return []int{0, 1, frame - 1, frame, frame + 1, 3 * frame, 3*frame + 1}
}

// testContext has keys whose order differs between UTF-8 and UTF-16.
var testContext = envelope.EncryptionContext{"purpose": "interop", "": "empty", "é": "", "\uff5e": "bmp", "\U0001f600": "astral"}
