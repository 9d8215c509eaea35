// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

// regionalKMS is a KMS of one Region over the one in memory.
type regionalKMS struct {
	server *testkit.KMS
	region string
}

func (k regionalKMS) do(op string, r *KMSRequest) (*KMSResponse, error) {
	out, err := k.server.Do(k.region, op, &testkit.KMSRequest{
		KeyID: r.KeyID, Context: r.EncryptionContext, GrantTokens: r.GrantTokens,
		NumberOfBytes: r.NumberOfBytes, Plaintext: r.Plaintext, CiphertextBlob: r.CiphertextBlob,
		Algorithm: r.EncryptionAlgorithm,
	})
	if err != nil {
		return nil, err
	}
	return &KMSResponse{KeyID: out.KeyID, Plaintext: out.Plaintext, CiphertextBlob: out.CiphertextBlob}, nil
}

func (k regionalKMS) Region() string { return k.region }

func (k regionalKMS) GenerateDataKey(_ context.Context, r *KMSRequest) (*KMSResponse, error) {
	return k.do("GenerateDataKey", r)
}

func (k regionalKMS) Encrypt(_ context.Context, r *KMSRequest) (*KMSResponse, error) {
	return k.do("Encrypt", r)
}

func (k regionalKMS) Decrypt(_ context.Context, r *KMSRequest) (*KMSResponse, error) {
	return k.do("Decrypt", r)
}

const testAccount = "111122223333"

// kmsWorld is a KMS with an ordinary key and a multi-Region key.
type kmsWorld struct {
	*testkit.KMS
	key string
	mrk []string // eu-west-1, us-east-1
}

func newKMSWorld() *kmsWorld {
	s := testkit.NewKMS()
	return &kmsWorld{s, s.AddKey("eu-west-1", testAccount), s.AddMultiRegion(testAccount, "eu-west-1", "us-east-1")}
}

func (w *kmsWorld) in(region string) KMS { return regionalKMS{w.KMS, region} }

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

func clientOf(t testing.TB, k Keyring) *Client {
	t.Helper()
	c, err := New(Config{Keyring: k, Suite: Suite0478})
	require.NoError(t, err)
	return c
}

// Who can open what whom wrapped, over an interface of three methods (ENV-74): ENV-77, ENV-78, ENV-79, ENV-80, ENV-81, ENV-82
// and ENV-83.
func TestKMSKeyrings(t *testing.T) {
	w := newKMSWorld()
	alias := w.AddAlias("alias/app", w.key)
	clients := func(region string) (KMS, error) { return w.in(region), nil }
	writers := map[string]Keyring{
		"key":      must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.key})),
		"alias":    must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: alias})),
		"replica":  must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.mrk[0]})),
		"multi":    must[*Multi](t)(NewKMSMulti(KMSMultiConfig{Generator: w.key, Keys: []string{w.mrk[1]}, Client: clients})),
		"children": must[*Multi](t)(NewMulti(rawAES(t), must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("us-east-1"), KeyID: w.mrk[1], MultiRegion: true})))),
	}
	discovery := func(region string, mrk bool, partition string, accounts ...string) Keyring {
		return must[*KMSKeyring](t)(NewKMSDiscovery(KMSDiscoveryConfig{Client: w.in(region), Region: region, MultiRegion: mrk, Partition: partition, Accounts: accounts}))
	}
	readers := map[string]struct {
		ring Keyring
		can  string // space-separated writers
	}{
		"key":                   {writers["key"], "key alias multi"},
		"alias":                 {writers["alias"], ""},
		"replica":               {writers["replica"], "replica"},
		"replica, mrk":          {must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.mrk[0], MultiRegion: true})), "replica multi children"},
		"other replica":         {must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("us-east-1"), KeyID: w.mrk[1]})), "multi children"},
		"other replica, mrk":    {must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("us-east-1"), KeyID: w.mrk[1], MultiRegion: true})), "replica multi children"},
		"multi":                 {writers["multi"], "key alias multi children"},
		"discovery eu":          {discovery("eu-west-1", false, ""), "key alias replica multi"},
		"discovery us":          {discovery("us-east-1", false, ""), "multi children"},
		"discovery account":     {discovery("eu-west-1", false, "aws", testAccount), "key alias replica multi"},
		"discovery not account": {discovery("eu-west-1", false, "aws", "444455556666"), ""},
		"discovery partition":   {discovery("eu-west-1", false, "aws-cn", testAccount), ""},
		"mrk discovery us":      {discovery("us-east-1", true, ""), "replica multi children"},
		"mrk discovery eu":      {discovery("eu-west-1", true, "aws", testAccount), "key alias replica multi children"},
		"multi discovery": {
			must[*Multi](t)(NewKMSMulti(KMSMultiConfig{Regions: []string{"us-east-1", "eu-west-1"}, Client: clients})),
			"key alias replica multi children",
		},
	}
	ec := EncryptionContext{"purpose": "test"}
	for name, ring := range writers {
		message, err := clientOf(t, ring).Encrypt(t.Context(), nil, []byte("hello"), ec)
		require.NoError(t, err, name)
		for reader, tt := range readers {
			t.Run(name+" to "+reader, func(t *testing.T) {
				got, h, err := clientOf(t, tt.ring).Decrypt(t.Context(), nil, message, nil)
				if !slices.Contains(strings.Fields(tt.can), name) {
					require.ErrorIs(t, err, ErrNoMatchingKey)
					return
				}
				require.NoError(t, err)
				require.Equal(t, "hello", string(got))
				require.Equal(t, ec, h.Context)
			})
		}
	}
}

// A key that is rotated under its ARN opens what it wrapped before: no message
// is touched (ENV-105).
func TestKMSRotation(t *testing.T) {
	w := newKMSWorld()
	c := clientOf(t, must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.key})))
	old, err := c.Encrypt(t.Context(), nil, []byte("old"), nil)
	require.NoError(t, err)
	w.Rotate(w.key)
	fresh, err := c.Encrypt(t.Context(), nil, []byte("new"), nil)
	require.NoError(t, err)
	for want, message := range map[string][]byte{"old": old, "new": fresh} {
		got, _, err := c.Decrypt(t.Context(), nil, message, nil)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}

// Every call carries the whole context and the grant tokens, and names the
// key that was configured; never is a key asked for that the message named and
// the keyring did not.
func TestKMSCalls(t *testing.T) {
	w := newKMSWorld()
	ring := must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.key, GrantTokens: []string{"grant"}}))
	c := must[*Client](t)(New(Config{Keyring: ring, RequiredContextKeys: []string{"secret-room"}}))
	ec := EncryptionContext{"secret-room": "12", "a": "b"}
	message := must[[]byte](t)(c.Encrypt(t.Context(), nil, []byte("x"), ec))
	_, h, err := c.Decrypt(t.Context(), nil, message, ec)
	require.NoError(t, err)
	calls := w.Calls()
	require.Len(t, calls, 2)
	for _, call := range calls {
		require.Equal(t, map[string]string(h.Context), call.Request.Context, "required pairs and public key too")
		require.Equal(t, []string{"grant"}, call.Request.GrantTokens)
		require.Equal(t, w.key, call.Request.KeyID)
	}
	require.Equal(t, 32, calls[0].Request.NumberOfBytes)
	for _, s := range []Suite{Suite0114, Suite0146} { // ENV-117: 24 bytes exist as NumberOfBytes only
		c := suiteClient(t, s, 64, func(cfg *Config) { cfg.Keyring = ring })
		must[[]byte](t)(c.Encrypt(t.Context(), nil, nil, nil))
		calls = w.Calls()
		require.Equal(t, s.DataKeyLen(), calls[len(calls)-1].Request.NumberOfBytes)
	}
}

// ENV-121: what a broken or hostile KMS answers is refused.
func TestKMSFaults(t *testing.T) {
	w := newKMSWorld()
	other := w.AddKey("eu-west-1", testAccount)
	alias := w.AddAlias("alias/app", w.key)
	ring := must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.key}))
	c := clientOf(t, ring)
	message := must[[]byte](t)(c.Encrypt(t.Context(), nil, []byte("x"), nil))
	generated := must[*Multi](t)(NewMulti(rawAES(t), ring))
	throttled := &testkit.KMSError{Code: "ThrottlingException"}
	for name, tt := range map[string]struct {
		fault            func(*testkit.KMSCall, *testkit.KMSResponse) error
		encrypt, decrypt error
	}{
		"throttled":       {func(*testkit.KMSCall, *testkit.KMSResponse) error { return throttled }, ErrKeyring, ErrNoMatchingKey},
		"other key":       {func(_ *testkit.KMSCall, r *testkit.KMSResponse) error { r.KeyID = other; return nil }, nil, ErrNoMatchingKey},
		"alias in answer": {func(_ *testkit.KMSCall, r *testkit.KMSResponse) error { r.KeyID = alias; return nil }, ErrKeyring, ErrNoMatchingKey},
		"no key id":       {func(_ *testkit.KMSCall, r *testkit.KMSResponse) error { r.KeyID = ""; return nil }, ErrKeyring, ErrNoMatchingKey},
		"short key": {func(_ *testkit.KMSCall, r *testkit.KMSResponse) error {
			if len(r.Plaintext) > 0 {
				r.Plaintext = r.Plaintext[1:]
			}
			return nil
		}, ErrKeyring, ErrNoMatchingKey},
		"long key": {func(_ *testkit.KMSCall, r *testkit.KMSResponse) error {
			r.Plaintext = append(r.Plaintext, 0)
			return nil
		}, ErrKeyring, ErrNoMatchingKey},
		"no key":  {func(_ *testkit.KMSCall, r *testkit.KMSResponse) error { r.Plaintext = nil; return nil }, ErrKeyring, ErrNoMatchingKey},
		"no blob": {func(_ *testkit.KMSCall, r *testkit.KMSResponse) error { r.CiphertextBlob = nil; return nil }, ErrKeyring, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w.Fault = tt.fault
			defer func() { w.Fault = nil }()
			_, err := c.Encrypt(t.Context(), nil, []byte("x"), nil)
			require.Equal(t, tt.encrypt == nil, err == nil, "%v", err)
			require.True(t, tt.encrypt == nil || errors.Is(err, tt.encrypt), "%v", err)
			_, _, err = c.Decrypt(t.Context(), nil, message, nil)
			require.Equal(t, tt.decrypt == nil, err == nil, "%v", err)
			require.True(t, tt.decrypt == nil || errors.Is(err, tt.decrypt), "%v", err)
			if name == "throttled" {
				require.ErrorIs(t, err, error(throttled))
				_, err := clientOf(t, generated).Encrypt(t.Context(), nil, nil, nil)
				require.ErrorIs(t, err, ErrKeyring)
			}
		})
	}
}

// ENV-78: an aws-kms key whose info is not the ARN of a key fails the call,
// before any key is tried.
func TestKMSBadInfoFailsTheCall(t *testing.T) {
	w := newKMSWorld()
	ring := must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.key}))
	c := clientOf(t, ring)
	m := &EncryptionMaterials{Suite: Suite0478}
	require.NoError(t, ring.OnEncrypt(t.Context(), m))
	for _, info := range []string{"", "alias/a", w.AddAlias("alias/app", w.key), "arn:aws:kms:eu-west-1:1:key:x", "arn:aws:kms::1:key/x", "arn:aws:s3:eu-west-1:1:key/x"} {
		before := len(w.Calls())
		d := &DecryptionMaterials{Suite: Suite0478}
		keys := append(slices.Clone(m.EncryptedDataKeys), EncryptedDataKey{"aws-kms", []byte(info), []byte("x")})
		require.ErrorIs(t, ring.OnDecrypt(t.Context(), d, keys), ErrNoMatchingKey, "%q", info)
		require.Nil(t, d.DataKey)
		require.Len(t, w.Calls(), before)
	}
	_ = c
}

func TestKMSConfigurations(t *testing.T) {
	w := newKMSWorld()
	client := w.in("eu-west-1")
	clients := func(region string) (KMS, error) { return w.in(region), nil }
	for name, make := range map[string]func() error{
		"no client": func() error { _, err := NewKMS(KMSConfig{KeyID: w.key}); return err },
		"no key":    func() error { _, err := NewKMS(KMSConfig{Client: client}); return err },
		"malformed ARN": func() error {
			_, err := NewKMS(KMSConfig{Client: client, KeyID: "arn:aws:kms:eu-west-1:1:key"})
			return err
		},
		"empty alias": func() error { _, err := NewKMS(KMSConfig{Client: client, KeyID: "alias/"}); return err },
		"other Region": func() error {
			_, err := NewKMSDiscovery(KMSDiscoveryConfig{Client: client, MultiRegion: true, Region: "us-east-1"})
			return err
		},
		"no Region": func() error {
			_, err := NewKMSDiscovery(KMSDiscoveryConfig{Client: client, MultiRegion: true})
			return err
		},
		"no accounts": func() error {
			_, err := NewKMSDiscovery(KMSDiscoveryConfig{Client: client, Partition: "aws"})
			return err
		},
		"no partition": func() error {
			_, err := NewKMSDiscovery(KMSDiscoveryConfig{Client: client, Accounts: []string{"1"}})
			return err
		},
		"nothing": func() error { _, err := NewKMSMulti(KMSMultiConfig{Client: clients}); return err },
		"keys and Regions": func() error {
			_, err := NewKMSMulti(KMSMultiConfig{Client: clients, Generator: w.key, Regions: []string{"eu-west-1"}})
			return err
		},
		"bare generator": func() error { _, err := NewKMSMulti(KMSMultiConfig{Client: clients, Generator: "alias/a"}); return err },
		"empty Region": func() error {
			_, err := NewKMSMulti(KMSMultiConfig{Client: clients, Regions: []string{""}})
			return err
		},
	} {
		require.ErrorIs(t, make(), ErrConfig, name)
	}
	_, err := NewKMSMulti(KMSMultiConfig{Client: clients, Generator: w.mrk[0], Keys: []string{w.key, w.mrk[1]}, MultiRegion: true})
	require.ErrorIs(t, err, ErrConfig)
	require.ErrorContains(t, err, w.mrk[0])
	require.ErrorContains(t, err, w.mrk[1])
	_, err = NewKMSMulti(KMSMultiConfig{Client: clients, Generator: w.mrk[0], Keys: []string{w.mrk[1]}})
	require.NoError(t, err, "strict keyrings know no replicas")
}

// What is an identifier of a key, and which are of multi-Region keys (ENV-75,
// ENV-76).
func TestKeyIDs(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:111122223333:key/"
	for id, good := range map[string]bool{
		key + "a": true, key + "mrk-a": true, "arn:aws:kms:eu-west-1:111122223333:alias/a/b": true, "alias/a": true, "a": true, "mrk-a": true,
		"": false, key: false, "arn:aws:kms:eu-west-1:111122223333:key": false, "arn:aws:kms:eu-west-1:111122223333:grant/a": false,
		"arn::kms:eu-west-1:111122223333:key/a": false, "arn:aws:s3:eu-west-1:111122223333:key/a": false, "arn:aws:kms::111122223333:key/a": false,
		"arn:aws:kms:eu-west-1::key/a": false, "arm:aws:kms:eu-west-1:111122223333:key/a": false, "alias/": false, "key/a": false, "a\xff": false,
	} {
		require.Equal(t, good, checkKeyID(id) == nil, id)
	}
	for id, multi := range map[string]bool{key + "mrk-a": true, key + "a": false, "arn:aws:kms:eu-west-1:111122223333:alias/mrk-a": false} {
		a, ok := parseARN(id)
		require.True(t, ok, id)
		require.Equal(t, multi, a.multiRegion(), id)
	}
}

// A call that is cancelled is not an unwrapping that failed.
func TestKMSCancel(t *testing.T) {
	w := newKMSWorld()
	ring := must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.key}))
	message := must[[]byte](t)(clientOf(t, ring).Encrypt(t.Context(), nil, nil, nil))
	ctx, cancel := context.WithCancel(t.Context())
	w.Fault = func(*testkit.KMSCall, *testkit.KMSResponse) error {
		cancel()
		return ctx.Err()
	}
	_, _, err := clientOf(t, ring).Decrypt(ctx, nil, message, nil)
	require.Equal(t, context.Canceled, err)
}
