// SPDX-License-Identifier: Apache-2.0

package encryptionsdk

import (
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	mpl "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygenerated"
	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	primitives "github.com/aws/aws-cryptographic-material-providers-library/releases/go/primitives/awscryptographyprimitivessmithygeneratedtypes"
	esdk "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygenerated"
	esdktypes "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygeneratedtypes"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

// officialVersion is the release of the SDK for Go that is compared with.
func officialVersion(tb testing.TB) string {
	tb.Helper()
	return interop.ModuleVersion(tb, "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk")
}

// official is the SDK for Go under one commitment policy.
type official struct {
	client    *esdk.Client
	materials *mpl.Client
	world     *world
}

func newOfficial(t testing.TB, w *world, committing bool) *official {
	t.Helper()
	policy := mpltypes.ESDKCommitmentPolicyForbidEncryptAllowDecrypt
	if committing {
		policy = mpltypes.ESDKCommitmentPolicyRequireEncryptAllowDecrypt
	}
	strict := esdktypes.NetV4_0_0_RetryPolicyForbidRetry
	c, err := esdk.NewClient(esdktypes.AwsEncryptionSdkConfig{CommitmentPolicy: &policy, NetV4_0_0_RetryPolicy: &strict})
	require.NoError(t, err)
	m, err := mpl.NewClient(mpltypes.MaterialProvidersConfig{})
	require.NoError(t, err)
	return &official{c, m, w}
}

var paddings = map[string]mpltypes.PaddingScheme{
	"pkcs1": mpltypes.PaddingSchemePkcs1, "oaep-sha1": mpltypes.PaddingSchemeOaepSha1Mgf1, "oaep-sha256": mpltypes.PaddingSchemeOaepSha256Mgf1,
	"oaep-sha384": mpltypes.PaddingSchemeOaepSha384Mgf1, "oaep-sha512": mpltypes.PaddingSchemeOaepSha512Mgf1,
}

// ring builds the SDK's keyring.
func (o *official) ring(t testing.TB, r ring) mpltypes.IKeyring {
	t.Helper()
	k, err := o.build(r)
	require.NoError(t, err, r.Name)
	return k
}

func (o *official) build(r ring) (mpltypes.IKeyring, error) {
	ctx, filter := context.Background(), &mpltypes.DiscoveryFilter{Partition: "aws", AccountIds: []string{account}}
	switch r.Kind {
	case "aes":
		alg := map[int]mpltypes.AesWrappingAlg{16: mpltypes.AesWrappingAlgAlgAes128GcmIv12Tag16, 24: mpltypes.AesWrappingAlgAlgAes192GcmIv12Tag16, 32: mpltypes.AesWrappingAlgAlgAes256GcmIv12Tag16}[len(r.Key)]
		return o.materials.CreateRawAesKeyring(ctx, mpltypes.CreateRawAesKeyringInput{KeyNamespace: namespace, KeyName: r.Name, WrappingKey: r.Key, WrappingAlg: alg})
	case "rsa":
		return o.materials.CreateRawRsaKeyring(ctx, mpltypes.CreateRawRsaKeyringInput{
			KeyNamespace: namespace, KeyName: r.Name, PaddingScheme: paddings[r.Padding], PublicKey: []byte(r.Public), PrivateKey: []byte(r.Private),
		})
	case "ecdh":
		return o.ecdh(r)
	case "kms":
		return o.materials.CreateAwsKmsKeyring(ctx, mpltypes.CreateAwsKmsKeyringInput{KmsClient: o.world.client(r.Region), KmsKeyId: r.KeyID})
	case "kms-mrk":
		return o.materials.CreateAwsKmsMrkKeyring(ctx, mpltypes.CreateAwsKmsMrkKeyringInput{KmsClient: o.world.client(r.Region), KmsKeyId: r.KeyID})
	case "kms-discovery":
		return o.materials.CreateAwsKmsDiscoveryKeyring(ctx, mpltypes.CreateAwsKmsDiscoveryKeyringInput{KmsClient: o.world.client(r.Region), DiscoveryFilter: filter})
	case "kms-mrk-discovery":
		return o.materials.CreateAwsKmsMrkDiscoveryKeyring(ctx, mpltypes.CreateAwsKmsMrkDiscoveryKeyringInput{KmsClient: o.world.client(r.Region), Region: r.Region, DiscoveryFilter: filter})
	case "kms-rsa":
		algorithm := map[string]kmstypes.EncryptionAlgorithmSpec{"oaep-sha1": kmstypes.EncryptionAlgorithmSpecRsaesOaepSha1, "oaep-sha256": kmstypes.EncryptionAlgorithmSpecRsaesOaepSha256}[r.Padding]
		return o.materials.CreateAwsKmsRsaKeyring(ctx, mpltypes.CreateAwsKmsRsaKeyringInput{
			KmsClient: o.world.client(r.Region), KmsKeyId: r.KeyID, EncryptionAlgorithm: algorithm, PublicKey: []byte(r.Public),
		})
	case "kms-multi": // the SDK's own multi builder makes its clients itself
		parts := []ring{{Kind: "kms", KeyID: r.KeyID, Region: "eu-west-1"}}
		for _, id := range r.KeyIDs {
			parts = append(parts, ring{Kind: "kms", KeyID: id, Region: "us-east-1"})
		}
		return o.build(ring{Kind: "multi", Children: parts})
	case "multi":
		var children []mpltypes.IKeyring
		for _, c := range r.Children {
			k, err := o.build(c)
			if err != nil {
				return nil, err
			}
			children = append(children, k)
		}
		return o.materials.CreateMultiKeyring(ctx, mpltypes.CreateMultiKeyringInput{Generator: children[0], ChildKeyrings: children[1:]})
	default:
		return nil, fmt.Errorf("kind %q", r.Kind)
	}
}

func (o *official) ecdh(r ring) (mpltypes.IKeyring, error) {
	var private, public []byte
	if r.ecPrivate != nil {
		der, err := x509.MarshalPKCS8PrivateKey(r.ecPrivate)
		if err != nil {
			return nil, err
		}
		private = []byte(pemText("PRIVATE KEY", der))
	}
	if r.ecPublic != nil {
		var err error
		if public, err = x509.MarshalPKIXPublicKey(r.ecPublic); err != nil {
			return nil, err
		}
	}
	var scheme mpltypes.RawEcdhStaticConfigurations
	switch r.Scheme {
	case "static":
		scheme = &mpltypes.RawEcdhStaticConfigurationsMemberRawPrivateKeyToStaticPublicKey{
			Value: mpltypes.RawPrivateKeyToStaticPublicKeyInput{RecipientPublicKey: public, SenderStaticPrivateKey: private},
		}
	case "ephemeral":
		scheme = &mpltypes.RawEcdhStaticConfigurationsMemberEphemeralPrivateKeyToStaticPublicKey{
			Value: mpltypes.EphemeralPrivateKeyToStaticPublicKeyInput{RecipientPublicKey: public},
		}
	default:
		scheme = &mpltypes.RawEcdhStaticConfigurationsMemberPublicKeyDiscovery{
			Value: mpltypes.PublicKeyDiscoveryInput{RecipientStaticPrivateKey: private},
		}
	}
	curve := map[string]primitives.ECDHCurveSpec{
		"P256": primitives.ECDHCurveSpecEccNistP256, "P384": primitives.ECDHCurveSpecEccNistP384, "P521": primitives.ECDHCurveSpecEccNistP521,
	}[r.Curve]
	return o.materials.CreateRawEcdhKeyring(context.Background(), mpltypes.CreateRawEcdhKeyringInput{CurveSpec: curve, KeyAgreementScheme: scheme})
}

// encrypt writes a message with the SDK.
func (o *official) encrypt(t testing.TB, k mpltypes.IKeyring, s envelope.Suite, frame int64, plaintext []byte, ec envelope.EncryptionContext, required ...string) []byte {
	t.Helper()
	id := mpltypes.ESDKAlgorithmSuiteId("0x" + suiteID(s))
	in := esdktypes.EncryptInput{Plaintext: plaintext, AlgorithmSuiteId: &id, FrameLength: &frame, EncryptionContext: ec, Keyring: k}
	if len(required) > 0 {
		in.Keyring, in.MaterialsManager = nil, o.requiring(t, k, required)
	}
	out, err := o.client.Encrypt(context.Background(), in)
	require.NoError(t, err)
	return out.Ciphertext
}

// requiring builds the SDK's required-context manager over a keyring.
func (o *official) requiring(t testing.TB, k mpltypes.IKeyring, required []string) mpltypes.ICryptographicMaterialsManager {
	t.Helper()
	def, err := o.materials.CreateDefaultCryptographicMaterialsManager(context.Background(), mpltypes.CreateDefaultCryptographicMaterialsManagerInput{Keyring: k})
	require.NoError(t, err)
	m, err := o.materials.CreateRequiredEncryptionContextCMM(context.Background(), mpltypes.CreateRequiredEncryptionContextCMMInput{UnderlyingCMM: def, RequiredEncryptionContextKeys: required})
	require.NoError(t, err)
	return m
}

// decrypt reads a message with the SDK.
func (o *official) decrypt(k mpltypes.IKeyring, message []byte, ec envelope.EncryptionContext) ([]byte, error) {
	out, err := o.client.Decrypt(context.Background(), esdktypes.DecryptInput{Ciphertext: message, Keyring: k, EncryptionContext: ec})
	if err != nil {
		return nil, err
	}
	return out.Plaintext, nil
}

// both checks one shape in both directions.
func both(t testing.TB, o *official, w *world, p pair, s envelope.Suite, frame, n int, ec envelope.EncryptionContext) int {
	t.Helper()
	want := pattern(n)
	name := fmt.Sprintf("%s to %s, %s, frame %d, length %d", p.write.Name, p.read.Name, suiteID(s), frame, n)
	message, err := client(t, w.ours(t, p.write), s, int64(frame)).Encrypt(t.Context(), nil, want, ec)
	require.NoError(t, err, name)
	got, err := o.decrypt(o.ring(t, p.read), message, ec)
	require.NoError(t, err, name)
	require.Equal(t, string(want), string(got), name)
	message = o.encrypt(t, o.ring(t, p.write), s, int64(frame), want, ec)
	got, h, err := client(t, w.ours(t, p.read), s, int64(frame)).Decrypt(t.Context(), nil, message, ec)
	require.NoError(t, err, name)
	require.Equal(t, string(want), string(got), name)
	for k, v := range ec {
		require.Equal(t, v, h.Context[k], name)
	}
	return 2
}

// Every suite, frame length and plaintext length, both directions (ENV-116).
func TestOfficialGoShapes(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for _, s := range suites {
		o := newOfficial(t, w, s.Committing())
		for _, frame := range []int{16, 512, 4096} {
			for _, n := range lengths(frame) {
				if testing.Short() && n > 1 {
					continue
				}
				cases += both(t, o, w, pair{aesRing(256), aesRing(256)}, s, frame, n, testContext)
			}
		}
		cases += both(t, o, w, pair{aesRing(256), aesRing(256)}, s, 1, 5, nil)
	}
	testkit.Report(t, "interop", "encryptionsdk/go/shapes", officialVersion(t), cases)
}

// Every keyring with every suite, both directions.
func TestOfficialGoKeyrings(t *testing.T) {
	w := newWorld(t)
	pairs := append(w.localPairs(t), w.kmsPairs()...)
	pairs = append(pairs, ecdhPairs(t, "P256", elliptic.P256())...)
	pairs = append(pairs, ecdhPairs(t, "P384", elliptic.P384())...)
	pairs = append(pairs, ecdhPairs(t, "P521", elliptic.P521())...)
	cases := 0
	for _, s := range suites {
		if testing.Short() && s < envelope.Suite0478 {
			continue
		}
		o := newOfficial(t, w, s.Committing())
		for _, p := range pairs {
			cases += both(t, o, w, p, s, 64, 100, testContext)
		}
	}
	testkit.Report(t, "interop", "encryptionsdk/go/keyrings", officialVersion(t), cases)
}

// The keyring of an asymmetric KMS key, with every suite that does not sign,
// both directions, replicas of the key included; and neither side unwraps
// under another encryption context (ENV-84).
func TestOfficialGoKMSRSA(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for _, s := range suites {
		if s.Signing() {
			continue
		}
		o := newOfficial(t, w, s.Committing())
		for _, p := range w.kmsRSAPairs(t) {
			cases += both(t, o, w, p, s, 64, 100, testContext)
			cases += both(t, o, w, p, s, 64, 0, nil)
			c := client(t, w.ours(t, p.write), s, 64, "r")
			message, err := c.Encrypt(t.Context(), nil, nil, envelope.EncryptionContext{"r": "x"})
			require.NoError(t, err)
			for _, ec := range []envelope.EncryptionContext{nil, {"r": "y"}} {
				_, err = o.decrypt(o.ring(t, p.read), message, ec)
				require.Error(t, err)
				_, _, err = client(t, w.ours(t, p.read), s, 64).Decrypt(t.Context(), nil, message, ec)
				require.ErrorIs(t, err, envelope.ErrNoMatchingKey)
				cases++
			}
		}
	}
	testkit.Report(t, "interop", "encryptionsdk/go/kms-rsa", officialVersion(t), cases)
}

// Messages that share a cached data key, and what the SDK wrote read with
// cached materials.
func TestOfficialGoCached(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for _, s := range suites {
		o := newOfficial(t, w, s.Committing())
		r := ring{Kind: "kms", KeyID: w.key, Region: "eu-west-1"}
		k := o.ring(t, r)
		cache, err := envelope.NewMaterialsCache(10)
		require.NoError(t, err)
		m, err := envelope.NewCachingManager(envelope.CachingConfig{Keyring: w.ours(t, r), Cache: cache, MaxAge: time.Hour})
		require.NoError(t, err)
		policy := envelope.RequireEncryptAllowDecrypt
		if !s.Committing() {
			policy = envelope.ForbidEncryptAllowDecrypt
		}
		c, err := envelope.New(envelope.Config{Manager: m, Suite: s, Commitment: policy, FrameLength: 64})
		require.NoError(t, err)
		theirs := o.encrypt(t, k, s, 64, pattern(100), testContext)
		before := len(w.kms.Calls())
		for range 3 {
			message, err := c.Encrypt(t.Context(), nil, pattern(100), testContext)
			require.NoError(t, err)
			got, err := o.decrypt(k, message, testContext)
			require.NoError(t, err)
			require.Equal(t, pattern(100), got)
			got, _, err = c.Decrypt(t.Context(), nil, theirs, testContext)
			require.NoError(t, err)
			require.Equal(t, pattern(100), got)
			cases += 2
		}
		calls := len(w.kms.Calls()) - before - 3 // the SDK's own
		if s == envelope.Suite0014 || s == envelope.Suite0046 || s == envelope.Suite0078 {
			require.Equal(t, 6, calls, "never cached")
		} else {
			require.Equal(t, 2, calls)
		}
	}
	testkit.Report(t, "interop", "encryptionsdk/go/cached", officialVersion(t), cases)
}

// Required context keys: authenticated and not stored, both directions, and
// refused by both sides when withheld or different (ENV-54).
func TestOfficialGoRequiredContext(t *testing.T) {
	w := newWorld(t)
	cases := 0
	ec := envelope.EncryptionContext{"purpose": "interop", "room": "12", "z": ""}
	for _, s := range suites {
		o := newOfficial(t, w, s.Committing())
		k, c := o.ring(t, aesRing(256)), client(t, w.ours(t, aesRing(256)), s, 64, "room", "z")
		reproduced := envelope.EncryptionContext{"room": "12", "z": ""}
		ours, err := c.Encrypt(t.Context(), nil, pattern(100), ec)
		require.NoError(t, err)
		theirs := o.encrypt(t, k, s, 64, pattern(100), ec, "room", "z")
		for _, message := range [][]byte{ours, theirs} {
			require.NotContains(t, string(message), "room")
			got, err := o.decrypt(k, message, reproduced)
			require.NoError(t, err)
			require.Equal(t, pattern(100), got)
			got, h, err := c.Decrypt(t.Context(), nil, message, reproduced)
			require.NoError(t, err)
			require.Equal(t, pattern(100), got)
			require.Equal(t, []string{"room", "z"}, h.RequiredKeys)
			for _, bad := range []envelope.EncryptionContext{nil, {"room": "12"}, {"room": "13", "z": ""}} {
				_, err := o.decrypt(k, message, bad)
				require.Error(t, err)
				_, _, err = client(t, w.ours(t, aesRing(256)), s, 64).Decrypt(t.Context(), nil, message, bad)
				require.Error(t, err)
			}
			cases += 2
		}
	}
	testkit.Report(t, "interop", "encryptionsdk/go/required", officialVersion(t), cases)
}

// What changes a small message of the SDK in one bit, cuts it or extends it is
// refused here.
func TestOfficialGoTampered(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for _, s := range suites {
		o := newOfficial(t, w, s.Committing())
		c := client(t, w.ours(t, aesRing(256)), s, 4)
		message := o.encrypt(t, o.ring(t, aesRing(256)), s, 4, pattern(6), nil)
		refuse := func(b []byte) {
			cases++
			got, _, err := c.Decrypt(t.Context(), nil, b, nil)
			if err == nil || got != nil {
				t.Errorf("%s: a changed message opens", suiteID(s))
			}
		}
		step := 1
		if testing.Short() {
			step = 13
		}
		for bit := 0; bit < 8*len(message); bit += step {
			message[bit/8] ^= 1 << (bit % 8)
			refuse(message)
			message[bit/8] ^= 1 << (bit % 8)
		}
		for n := range len(message) {
			refuse(message[:n])
		}
		refuse(append(message[:len(message):len(message)], 0))
	}
	testkit.Report(t, "interop", "encryptionsdk/go/tampered", officialVersion(t), cases)
}
