// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Inspect shows what a header says, and takes the info of wrapped keys apart
// (ENV-98, ENV-23).
func TestInspect(t *testing.T) {
	for _, s := range []Suite{Suite0178, Suite0478, Suite0578} {
		c := suiteClient(t, s, 7)
		ec := EncryptionContext{"tenant": "a"}
		message := must[[]byte](t)(c.Encrypt(t.Context(), nil, pattern(23), ec))
		_, proven, err := c.Decrypt(t.Context(), nil, message, nil)
		require.NoError(t, err)
		h, err := Inspect(bytes.NewReader(message))
		require.NoError(t, err)
		require.Equal(t, s, h.Suite)
		require.Equal(t, proven.MessageID, h.MessageID)
		require.Equal(t, proven.Context, h.Context)
		require.Equal(t, proven.EncryptedDataKeys, h.EncryptedDataKeys)
		require.True(t, h.Framed)
		require.EqualValues(t, 7, h.FrameLength)
		name, iv, ok := h.EncryptedDataKeys[0].RawAES()
		require.True(t, ok)
		require.NotEmpty(t, name)
		require.Len(t, iv, 12)
		_, _, _, _, ok = h.EncryptedDataKeys[0].KMS()
		require.False(t, ok)
		idLen, commitLen := 16, 0
		if s.Committing() {
			idLen, commitLen = 32, 32
		}
		require.Len(t, h.MessageID, idLen)
		require.Len(t, h.CommitKey, commitLen)
		size, err := h.PlaintextSize(int64(len(message)))
		if s.Signing() {
			require.ErrorIs(t, err, ErrUnsupported)
		} else {
			require.NoError(t, err)
			require.EqualValues(t, 23, size)
		}
	}
	key := EncryptedDataKey{ProviderID: "aws-kms", ProviderInfo: []byte("arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1")}
	partition, region, account, id, ok := key.KMS()
	require.True(t, ok)
	require.Equal(t, []string{"aws-cn", "cn-north-1", "111122223333", "mrk-1"}, []string{partition, region, account, id})
	key.ProviderInfo = []byte("arn:aws-cn:kms:cn-north-1:111122223333:alias/a")
	_, _, _, _, ok = key.KMS()
	require.False(t, ok, "an alias is no key")
}

// Inspect keeps to the limits of reading (ENV-7, ENV-98).
func TestInspectLimits(t *testing.T) {
	ec := EncryptionContext{}
	for i := range defaultMaxPairs {
		ec[strconv.Itoa(i)] = ""
	}
	at := must[*Client](t)(New(Config{Keyring: rawAES(t), Suite: Suite0478}))
	message := must[[]byte](t)(at.Encrypt(t.Context(), nil, nil, ec))
	_, err := Inspect(bytes.NewReader(message))
	require.NoError(t, err)
	ec["one more"] = ""
	past := must[*Client](t)(New(Config{Keyring: rawAES(t), Suite: Suite0478, MaxContextPairs: defaultMaxPairs + 1}))
	message = must[[]byte](t)(past.Encrypt(t.Context(), nil, nil, ec))
	_, err = Inspect(bytes.NewReader(message))
	require.ErrorIs(t, err, ErrLimit)
}

// A signed message is read in ranges only where that is asked for (ENV-96), and
// a range proves no more than its frames (ENV-97).
func TestReaderAtOfSigned(t *testing.T) {
	c := suiteClient(t, Suite0578, 7)
	message := must[[]byte](t)(c.Encrypt(t.Context(), nil, pattern(23), nil))
	_, err := c.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil)
	require.ErrorIs(t, err, ErrUnsupported)
	c = suiteClient(t, Suite0578, 7, func(cfg *Config) { cfg.AllowUnverifiedSignature = true })
	h := must[*UnauthenticatedHeader](t)(Inspect(bytes.NewReader(message)))
	second := h.Length + 7 + regularOverhead + regularOverhead/2
	for name, tc := range map[string]struct {
		change func([]byte)
		second error // of the range in the second frame
		whole  error
	}{
		"as it is":     {func([]byte) {}, nil, nil},
		"another byte": {func(m []byte) { m[second] ^= 1 }, ErrFrameAuth, ErrFrameAuth},
		"signature":    {func(m []byte) { m[len(m)-1] ^= 1 }, nil, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			changed := bytes.Clone(message)
			tc.change(changed)
			r, err := c.NewReaderAt(t.Context(), bytes.NewReader(changed), int64(len(changed)), nil)
			require.NoError(t, err)
			require.EqualValues(t, 23, r.Size())
			p := make([]byte, 7)
			_, err = r.ReadAt(p, 0)
			require.NoError(t, err)
			require.Equal(t, pattern(7), p)
			_, err = r.ReadAt(p, 7)
			require.ErrorIs(t, err, tc.second)
			require.ErrorIs(t, r.VerifyAll(), tc.whole)
		})
	}
}
