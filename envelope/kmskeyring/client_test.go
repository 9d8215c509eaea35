// SPDX-License-Identifier: Apache-2.0

package kmskeyring_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/envelope/kmskeyring"
	"github.com/stretchr/testify/require"
)

const keyARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// stub answers as KMS would, with a "wrapping" that only remembers.
type stub struct {
	generate *kms.GenerateDataKeyInput
	encrypt  *kms.EncryptInput
	decrypt  *kms.DecryptInput
	err      error
}

var dataKey = []byte("0123456789abcdef0123456789abcdef")

func (s *stub) GenerateDataKey(_ context.Context, in *kms.GenerateDataKeyInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	s.generate = in
	return &kms.GenerateDataKeyOutput{KeyId: aws.String(keyARN), Plaintext: append([]byte(nil), dataKey...), CiphertextBlob: []byte("blob")}, s.err
}

func (s *stub) Encrypt(_ context.Context, in *kms.EncryptInput, _ ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	s.encrypt = in
	return &kms.EncryptOutput{KeyId: aws.String(keyARN), CiphertextBlob: []byte("blob")}, s.err
}

func (s *stub) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	s.decrypt = in
	return &kms.DecryptOutput{KeyId: aws.String(keyARN), Plaintext: append([]byte(nil), dataKey...)}, s.err
}

func TestCallsAreTheSDKs(t *testing.T) {
	api := &stub{}
	c := kmskeyring.New(api)
	r := &envelope.KMSRequest{
		KeyID: keyARN, EncryptionContext: envelope.EncryptionContext{"a": "b"}, GrantTokens: []string{"grant"},
		NumberOfBytes: 24, Plaintext: []byte("p"), CiphertextBlob: []byte("c"),
	}
	out, err := c.GenerateDataKey(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, &envelope.KMSResponse{KeyID: keyARN, Plaintext: dataKey, CiphertextBlob: []byte("blob")}, out)
	require.Equal(t, &kms.GenerateDataKeyInput{KeyId: aws.String(keyARN), NumberOfBytes: aws.Int32(24), EncryptionContext: map[string]string{"a": "b"}, GrantTokens: []string{"grant"}}, api.generate)
	out, err = c.Encrypt(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, &envelope.KMSResponse{KeyID: keyARN, CiphertextBlob: []byte("blob")}, out)
	require.Equal(t, &kms.EncryptInput{KeyId: aws.String(keyARN), Plaintext: []byte("p"), EncryptionContext: map[string]string{"a": "b"}, GrantTokens: []string{"grant"}}, api.encrypt)
	out, err = c.Decrypt(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, &envelope.KMSResponse{KeyID: keyARN, Plaintext: dataKey}, out)
	require.Equal(t, &kms.DecryptInput{KeyId: aws.String(keyARN), CiphertextBlob: []byte("c"), EncryptionContext: map[string]string{"a": "b"}, GrantTokens: []string{"grant"}}, api.decrypt)
	require.Empty(t, c.Region())
	_, err = c.Decrypt(t.Context(), &envelope.KMSRequest{KeyID: keyARN, CiphertextBlob: []byte("c"), EncryptionAlgorithm: "RSAES_OAEP_SHA_256"})
	require.NoError(t, err)
	require.Equal(t, &kms.DecryptInput{KeyId: aws.String(keyARN), CiphertextBlob: []byte("c"), EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256}, api.decrypt)

	api.err = errors.New("throttled")
	_, err = c.GenerateDataKey(t.Context(), r)
	require.ErrorIs(t, err, api.err)
	_, err = c.Encrypt(t.Context(), r)
	require.ErrorIs(t, err, api.err)
	_, err = c.Decrypt(t.Context(), r)
	require.ErrorIs(t, err, api.err)
}

// A supplier makes one client for a Region, signs for that Region, and its
// clients are held to it.
func TestSupplier(t *testing.T) {
	var signed string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"NotFoundException","message":"no"}`))
	}))
	defer server.Close()
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	supply := kmskeyring.Supplier(cfg, func(o *kms.Options) { o.BaseEndpoint = &server.URL })
	c, err := supply("eu-west-1")
	require.NoError(t, err)
	again, err := supply("eu-west-1")
	require.NoError(t, err)
	require.Same(t, c, again)
	_, err = c.Decrypt(t.Context(), &envelope.KMSRequest{KeyID: keyARN, CiphertextBlob: []byte("c")})
	require.ErrorContains(t, err, "NotFoundException")
	require.Contains(t, signed, "/eu-west-1/kms/aws4_request")
	_, err = envelope.NewKMSDiscovery(envelope.KMSDiscoveryConfig{Client: c, MultiRegion: true, Region: "us-east-1"})
	require.ErrorIs(t, err, envelope.ErrConfig)
}

// TestSupplierKeepsSoMany: there are some 40 Regions, and whoever names more
// does not fill the memory with clients of them.
func TestSupplierKeepsSoMany(t *testing.T) {
	supply := kmskeyring.Supplier(aws.Config{})
	client := func(i int) envelope.KMS {
		c, err := supply(fmt.Sprintf("region-%d", i))
		require.NoError(t, err)
		return c
	}
	first := client(0)
	for i := range 128 {
		client(i)
	}
	require.Same(t, first, client(0), "so many are kept")
	client(128)
	require.NotSame(t, first, client(0))
}

func ExampleNew() {
	client := kmskeyring.New(&stub{}) // in a program: kms.NewFromConfig(cfg)
	ring, err := envelope.NewKMS(envelope.KMSConfig{Client: client, KeyID: keyARN})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := envelope.New(envelope.Config{Keyring: ring})
	if err != nil {
		fmt.Println(err)
		return
	}
	message, err := c.Encrypt(context.Background(), nil, []byte("hello"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	plaintext, _, err := c.Decrypt(context.Background(), nil, message, nil)
	fmt.Println(string(plaintext), err)
	// Output: hello <nil>
}

func ExampleSupplier() {
	cfg := aws.Config{Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")}
	ring, err := envelope.NewKMSMulti(envelope.KMSMultiConfig{
		Regions:   []string{"eu-west-1", "us-east-1"},
		Partition: "aws",
		Accounts:  []string{"111122223333"},
		Client:    kmskeyring.Supplier(cfg),
	})
	fmt.Println(ring != nil, err)
	// Output: true <nil>
}
