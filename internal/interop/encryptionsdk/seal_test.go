// SPDX-License-Identifier: Apache-2.0

package encryptionsdk

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

// seal is the built command, with a KMS at an endpoint.
type seal struct {
	bin, endpoint string
}

func buildSeal(t testing.TB, endpoint string) *seal {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "seal")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./seal")
	cmd.Dir = filepath.Join(testkit.RepoRoot(t), "examples")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return &seal{bin, endpoint}
}

type object = map[string]any

func (s *seal) line(t testing.TB, q object) object {
	t.Helper()
	in, err := json.Marshal(q)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), s.bin, "jsonl")
	cmd.Stdin = bytes.NewReader(append(in, '\n'))
	cmd.Env = append(os.Environ(), "KMS_ENDPOINT="+s.endpoint)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var a object
	require.NoError(t, json.Unmarshal(out, &a))
	return a
}

// Every KMS keyring of "seal jsonl", and its messages and the SDK's.
func TestSealOverKMS(t *testing.T) {
	w := newWorld(t)
	s := buildSeal(t, w.endpoint)
	o := newOfficial(t, w, true)
	key := object{"type": "kms", "key": w.key, "region": "eu-west-1"}
	mrk := object{"type": "kms-mrk", "key": w.mrk[0], "region": "eu-west-1"}
	replica := object{"type": "kms-mrk", "key": w.mrk[1], "region": "us-east-1"}
	multi := object{"type": "kms-multi", "key": w.key, "keys": []string{w.mrk[1]}, "region": "eu-west-1"}
	discovery := func(kind, region string, accounts ...string) object {
		q := object{"type": kind, "region": region}
		if len(accounts) > 0 {
			q["partition"], q["accounts"] = "aws", accounts
		}
		return q
	}
	asymmetric := func(replica int, padding string) object {
		r := rsaRing(t, w.rsa, padding)
		return object{"type": "kms-rsa", "key": w.kmsRSA[replica], "padding": padding, "public": r.Public}
	}
	cases := 0
	for _, tt := range []struct {
		write, read object
		ok          bool
	}{
		{key, key, true},
		{mrk, replica, true},
		{replica, mrk, true},
		{mrk, object{"type": "kms", "key": w.mrk[1], "region": "us-east-1"}, false},
		{multi, key, true},
		{multi, replica, true},
		{multi, multi, true},
		{key, discovery("kms-discovery", "eu-west-1"), true},
		{key, discovery("kms-discovery", "eu-west-1", account), true},
		{key, discovery("kms-discovery", "eu-west-1", "444455556666"), false},
		{key, discovery("kms-discovery", "us-east-1"), false},
		{mrk, discovery("kms-mrk-discovery", "us-east-1"), true},
		{mrk, discovery("kms-mrk-discovery", "us-east-1", account), true},
		{key, discovery("kms-mrk-discovery", "us-east-1"), false},
		{discovery("kms-discovery", "eu-west-1"), nil, false},
		{object{"type": "kms", "key": w.mrk[0][:len(w.mrk[0])-3], "region": "eu-west-1"}, nil, false},
		{object{"type": "multi", "generator": key, "children": []object{mrk}}, replica, true},
		{asymmetric(0, "oaep-sha1"), asymmetric(1, "oaep-sha1"), true},
		{asymmetric(0, "oaep-sha256"), asymmetric(0, "oaep-sha256"), true},
		{asymmetric(0, "oaep-sha256"), asymmetric(0, "oaep-sha1"), false},
	} {
		cases++
		sealed := s.line(t, object{"id": 1, "op": "encrypt", "ec": object{"a": "b", "r": "x"}, "required_ec": []string{"r"}, "keyring": tt.write, "plaintext_len": 100, "frame": 16, "suite": suiteOf(tt.write)})
		if tt.read == nil {
			require.Equal(t, false, sealed["ok"])
			require.True(t, strings.HasPrefix(sealed["error"].(string), "ErrKeyring: "), sealed)
			continue
		}
		require.Equal(t, true, sealed["ok"], "%v: %v", tt.write, sealed)
		opened := s.line(t, object{"id": 1, "op": "decrypt", "ec": object{"r": "x"}, "keyring": tt.read, "ciphertext": sealed["ciphertext"]})
		require.Equal(t, tt.ok, opened["ok"], "%v: %v", tt.read, opened)
		if tt.ok {
			require.Equal(t, base64.StdEncoding.EncodeToString(pattern(100)), opened["plaintext"])
		} else {
			require.True(t, strings.HasPrefix(opened["error"].(string), "ErrNoMatchingKey: "), opened)
		}
	}
	message := o.encrypt(t, o.ring(t, ring{Kind: "kms", KeyID: w.key, Region: "eu-west-1"}), envelope.Suite0578, 16, pattern(40), nil)
	opened := s.line(t, object{"op": "decrypt", "keyring": key, "ciphertext": base64.StdEncoding.EncodeToString(message)})
	require.Equal(t, base64.StdEncoding.EncodeToString(pattern(40)), opened["plaintext"])
	testkit.Report(t, "interop", "encryptionsdk/seal/kms", "-", cases+1)
}

// suiteOf is a suite that the keyring takes.
func suiteOf(keyring object) string {
	if keyring["type"] == "kms-rsa" {
		return "0478"
	}
	return "0578"
}

// The adapter over a KMS of somebody else's (ENV-122 says what it is good for).
func TestSealOverMoto(t *testing.T) {
	interop.Require(t)
	moto := interop.Moto(t)
	w := &world{endpoint: moto.URL}
	api := w.client(moto.Region)
	made, err := api.CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	s := buildSeal(t, moto.URL)
	cases := 0
	key := object{"type": "kms", "key": *made.KeyMetadata.Arn, "region": moto.Region}
	for _, read := range []object{key, {"type": "kms-discovery", "region": moto.Region}, {"type": "kms-mrk", "key": *made.KeyMetadata.Arn, "region": moto.Region}} {
		sealed := s.line(t, object{"op": "encrypt", "ec": object{"a": "b"}, "keyring": key, "plaintext_len": 100})
		require.Equal(t, true, sealed["ok"], "%v", sealed)
		opened := s.line(t, object{"op": "decrypt", "keyring": read, "ciphertext": sealed["ciphertext"]})
		require.Equal(t, base64.StdEncoding.EncodeToString(pattern(100)), opened["plaintext"], "%v", opened)
		cases++
	}
	testkit.Report(t, "interop", "encryptionsdk/seal/moto", moto.Version, cases)
}
