// SPDX-License-Identifier: Apache-2.0

package moving

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"

	mpl "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygenerated"
	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	esdk "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygenerated"
	esdktypes "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygeneratedtypes"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/envelope"
)

var wrappingKey = bytes.Repeat([]byte{7}, 32)

func encryptBefore(ctx context.Context, plaintext []byte) ([]byte, error) {
	// page: encrypt before
	materials, err := mpl.NewClient(mpltypes.MaterialProvidersConfig{})
	if err != nil {
		return nil, err
	}
	ring, err := materials.CreateRawAesKeyring(ctx, mpltypes.CreateRawAesKeyringInput{
		KeyNamespace: "my app", KeyName: "key 2026", WrappingKey: wrappingKey, WrappingAlg: mpltypes.AesWrappingAlgAlgAes256GcmIv12Tag16,
	})
	if err != nil {
		return nil, err
	}
	client, err := esdk.NewClient(esdktypes.AwsEncryptionSdkConfig{})
	if err != nil {
		return nil, err
	}
	out, err := client.Encrypt(ctx, esdktypes.EncryptInput{Plaintext: plaintext, Keyring: ring, EncryptionContext: map[string]string{"tenant": "7"}})
	if err != nil {
		return nil, err
	}
	return out.Ciphertext, nil
	// page: end
}

func newClient() (*envelope.Client, error) {
	// page: encrypt after
	ring, err := envelope.NewRawAES("my app", "key 2026", wrappingKey)
	if err != nil {
		return nil, err
	}
	return envelope.New(envelope.Config{Keyring: ring}) // once: it is safe for concurrent use
	// page: end
}

func encryptAfter(ctx context.Context, client *envelope.Client, plaintext []byte) ([]byte, error) {
	// page: encrypt after, each message
	return client.Encrypt(ctx, nil, plaintext, envelope.EncryptionContext{"tenant": "7"})
	// page: end
}

func streamAfter(ctx context.Context, client *envelope.Client, dst io.Writer, src io.Reader) error {
	// page: encrypt after, a stream
	w, err := client.NewWriter(ctx, dst, envelope.EncryptionContext{"tenant": "7"})
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, src); err != nil {
		return err
	}
	return w.Close() // without it the message has no end, and no reader takes it
	// page: end
}

// TestEnvelope: what either side encrypts, the new one opens.
func TestEnvelope(t *testing.T) {
	client, err := newClient()
	require.NoError(t, err)
	before, err := encryptBefore(t.Context(), document)
	require.NoError(t, err)
	after, err := encryptAfter(t.Context(), client, document)
	require.NoError(t, err)
	var streamed bytes.Buffer
	require.NoError(t, streamAfter(t.Context(), client, &streamed, bytes.NewReader(document)))
	for _, message := range [][]byte{before, after, streamed.Bytes()} {
		got, header, err := client.Decrypt(t.Context(), nil, message, envelope.EncryptionContext{"tenant": "7"})
		require.NoError(t, err)
		require.Equal(t, document, got)
		require.Equal(t, "7", header.Context["tenant"])
	}
	_, _, err = client.Decrypt(t.Context(), nil, before, envelope.EncryptionContext{"tenant": "8"})
	require.ErrorIs(t, err, envelope.ErrEncryptionContext)
}

// TestPage: the page shows the code of these files, and nothing else in Go.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/moving-from.md")
	require.NoError(t, err)
	shown := blocks(string(page))
	require.NotEmpty(t, shown)
	here := snippets(t, "signer_test.go", "envelope_test.go", "../miniopolicy/moving_test.go")
	for name, text := range here {
		require.Contains(t, shown, text, "the page does not show %q as it is tested", name)
	}
	require.Len(t, shown, len(here)+1, "every block of the page but awsig's, which no module proxy offers, is tested")
}
