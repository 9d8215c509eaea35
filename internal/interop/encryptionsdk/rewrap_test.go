// SPDX-License-Identifier: Apache-2.0

package encryptionsdk

import (
	"bytes"
	"crypto/elliptic"
	"fmt"
	"testing"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

// renewals are keyrings to write a message with, to give it to, and to read it
// with then.
func renewals(t testing.TB, w *world) [][3]ring {
	t.Helper()
	aes := aesRing(256)
	key := ring{Name: "kms", Kind: "kms", KeyID: w.key, Region: "eu-west-1"}
	oaep := rsaRing(t, w.rsa, "oaep-sha256")
	agreed := ecdhPairs(t, "P256", elliptic.P256())[0]
	return [][3]ring{
		{aes, aesRing(128), aesRing(128)},
		{aes, key, key},
		{key, oaep, oaep},
		{oaep, aes, aes},
		{aes, agreed.write, agreed.read},
	}
}

// renew gives a message of either side to another keyring, in the ways its
// suite allows.
func renew(t testing.TB, w *world, s envelope.Suite, r [3]ring, message []byte, ec envelope.EncryptionContext) map[string][]byte {
	t.Helper()
	from := client(t, w.ours(t, r[0]), s, 64)
	out := map[string][]byte{}
	var dst bytes.Buffer
	_, err := from.Rewrap(t.Context(), &dst, bytes.NewReader(message), w.ours(t, r[1]), ec)
	if s.Committing() {
		require.ErrorIs(t, err, envelope.ErrRewrapUnsafe)
	} else {
		require.NoError(t, err)
		out["rewrapped"] = dst.Bytes()
	}
	var again bytes.Buffer
	_, err = from.Reencrypt(t.Context(), &again, bytes.NewReader(message), client(t, w.ours(t, r[1]), s, 100), ec)
	require.NoError(t, err)
	out["encrypted again"] = again.Bytes()
	return out
}

// Messages of the SDK and of this library, given to other wrapping keys, open
// with the SDK (ENV-102, ENV-103, ENV-104).
func TestOfficialGoRewrap(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for _, s := range suites {
		o := newOfficial(t, w, s.Committing())
		for _, r := range renewals(t, w) {
			want := pattern(200)
			ours, err := client(t, w.ours(t, r[0]), s, 64).Encrypt(t.Context(), nil, want, testContext)
			require.NoError(t, err)
			for writer, message := range map[string][]byte{"ours": ours, "theirs": o.encrypt(t, o.ring(t, r[0]), s, 64, want, testContext)} {
				for way, renewed := range renew(t, w, s, r, message, testContext) {
					name := fmt.Sprintf("%s, %s, %s to %s, %s", suiteID(s), writer, r[0].Name, r[1].Name, way)
					got, err := o.decrypt(o.ring(t, r[2]), renewed, testContext)
					require.NoError(t, err, name)
					require.Equal(t, string(want), string(got), name)
					_, err = o.decrypt(o.ring(t, r[0]), renewed, testContext)
					require.Error(t, err, name)
					got, _, err = client(t, w.ours(t, r[2]), s, 64).Decrypt(t.Context(), nil, renewed, testContext)
					require.NoError(t, err, name)
					require.Equal(t, string(want), string(got), name)
					cases += 2
				}
			}
		}
	}
	testkit.Report(t, "interop", "encryptionsdk/go/rewrap", officialVersion(t), cases)
}

// Pairs that are authenticated and not stored stay so, and the SDK asks for
// them.
func TestOfficialGoRewrapRequired(t *testing.T) {
	w := newWorld(t)
	cases := 0
	ec := envelope.EncryptionContext{"kept": "here", "secret": "not stored"}
	for _, s := range suites {
		o := newOfficial(t, w, s.Committing())
		r := [3]ring{aesRing(256), aesRing(128), aesRing(128)}
		message := o.encrypt(t, o.ring(t, r[0]), s, 64, pattern(200), ec, "secret")
		for way, renewed := range renew(t, w, s, r, message, ec) {
			require.NotContains(t, string(renewed), "not stored", way)
			got, err := o.decrypt(o.ring(t, r[2]), renewed, envelope.EncryptionContext{"secret": "not stored"})
			require.NoError(t, err, way)
			require.Equal(t, string(pattern(200)), string(got))
			_, err = o.decrypt(o.ring(t, r[2]), renewed, nil)
			require.Error(t, err, way)
			cases += 2
		}
	}
	testkit.Report(t, "interop", "encryptionsdk/go/rewrap-required", officialVersion(t), cases)
}

// The same with the SDK for JavaScript, which reads the header's stored IV too.
func TestNodeRewrap(t *testing.T) {
	w := newWorld(t)
	n := startNode(t, w)
	cases := 0
	for _, s := range suites {
		r := [3]ring{aesRing(256), aesRing(128), aesRing(128)}
		want := pattern(200)
		message, err := n.do(nodeRequest{Op: "encrypt", Committing: s.Committing(), Suite: suiteID(s), Frame: 64, Context: nodeContext, Ring: r[0], Plaintext: want})
		require.NoError(t, err)
		for way, renewed := range renew(t, w, s, r, message, nodeContext) {
			got, err := n.do(nodeRequest{Op: "decrypt", Committing: s.Committing(), Ring: r[2], Ciphertext: renewed})
			require.NoError(t, err, "%s, %s", suiteID(s), way)
			require.Equal(t, string(want), string(got))
			cases++
		}
	}
	testkit.Report(t, "interop", "encryptionsdk/node/rewrap", nodeVersion, cases)
}
