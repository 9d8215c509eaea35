// SPDX-License-Identifier: Apache-2.0

package envelope_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

type vectorCase struct {
	ID             string `json:"id"`
	Source         string `json:"source"`
	Suite          string `json:"suite"`
	CiphertextFile string `json:"ciphertext_file"`
	PlaintextFile  string `json:"plaintext_file"`
	Keyrings       []struct {
		Type, Key, Namespace, Name, Padding string
	} `json:"keyrings"`
	Context envelope.EncryptionContext `json:"encryption_context"`
	CMM     string                     `json:"cmm"`
	Expect  string                     `json:"expect"`
}

type vectorKey struct {
	Algorithm, Type, Encoding, Material string
}

func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

// keyring builds the multi-keyring of a vector case.
func (v *vectorCase) keyring(t *testing.T, keys map[string]vectorKey) envelope.Keyring {
	t.Helper()
	var all []envelope.Keyring
	for _, k := range v.Keyrings {
		key := keys[k.Key]
		switch k.Type {
		case "raw-aes":
			material, err := base64.StdEncoding.DecodeString(key.Material)
			require.NoError(t, err)
			ring, err := envelope.NewRawAES(k.Namespace, k.Name, material)
			require.NoError(t, err)
			all = append(all, ring)
		case "raw-rsa":
			cfg := envelope.RawRSAConfig{Namespace: k.Namespace, Name: k.Name}
			require.NoError(t, cfg.Padding.UnmarshalText([]byte(strings.Replace(k.Padding, "oaep-mgf1-", "oaep-", 1))))
			block, _ := pem.Decode([]byte(key.Material))
			require.NotNil(t, block)
			if key.Type == "private" {
				parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
				require.NoError(t, err)
				cfg.Private = parsed.(*rsa.PrivateKey)
			} else {
				parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
				require.NoError(t, err)
				cfg.Public = parsed.(*rsa.PublicKey)
			}
			ring, err := envelope.NewRawRSA(cfg)
			require.NoError(t, err)
			all = append(all, ring)
		default:
			t.Fatalf("keyring type %q", k.Type)
		}
	}
	multi, err := envelope.NewMulti(nil, all...)
	require.NoError(t, err)
	return multi
}

// TestVectors runs the public vectors of the official implementations, as
// their manifest says (ENV-116): also with the context withheld, with a bit
// flipped, and the faulty ones under the switch that forgives them. Those of raw
// RSA keys hold ENV-71.
func TestVectors(t *testing.T) {
	dir := testkit.Vectors(t, "envelope")
	var manifest struct{ Cases []vectorCase }
	var keys struct{ Keys map[string]vectorKey }
	readJSON(t, filepath.Join(dir, "manifest.json"), &manifest)
	readJSON(t, filepath.Join(dir, "keys.json"), &keys)
	n := 0
	for _, v := range manifest.Cases {
		t.Run(v.ID, func(t *testing.T) {
			message, err := os.ReadFile(filepath.Join(dir, v.CiphertextFile))
			require.NoError(t, err)
			want, err := os.ReadFile(filepath.Join(dir, v.PlaintextFile))
			require.NoError(t, err)
			cfg := envelope.Config{Keyring: v.keyring(t, keys.Keys), Commitment: envelope.RequireEncryptAllowDecrypt}
			strict, err := envelope.New(cfg)
			require.NoError(t, err)
			if v.Expect == "reject" {
				_, _, err := strict.Decrypt(t.Context(), nil, message, v.Context)
				require.Error(t, err)
				require.ErrorIs(t, err, envelope.ErrHeaderAuth)
				cfg.NetV4Retry = true
				forgiving, err := envelope.New(cfg)
				require.NoError(t, err)
				got, _, err := forgiving.Decrypt(t.Context(), nil, message, v.Context)
				require.NoError(t, err)
				require.Equal(t, want, got)
				message[len(message)/2]++
				_, _, err = forgiving.Decrypt(t.Context(), nil, message, v.Context)
				require.Error(t, err)
				return
			}
			required := v.CMM == "RequiredEncryptionContext"
			var ec envelope.EncryptionContext
			if required {
				_, _, err := strict.Decrypt(t.Context(), nil, message, nil)
				require.Error(t, err, "context withheld")
				ec = v.Context
			}
			got, header, err := strict.Decrypt(t.Context(), nil, message, ec)
			require.NoError(t, err)
			require.Equal(t, want, got)
			for k, value := range v.Context {
				require.Equal(t, value, header.Context[k])
			}
			require.Equal(t, required && len(v.Context) > 0, len(header.RequiredKeys) > 0)
			message[len(message)-30]++
			_, _, err = strict.Decrypt(t.Context(), nil, message, ec)
			require.Error(t, err)
			var typed *envelope.Error
			require.True(t, errors.As(err, &typed))
		})
		n++
	}
	testkit.Report(t, "vectors", "envelope", "-", n)
}
