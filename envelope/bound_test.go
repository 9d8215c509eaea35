// SPDX-License-Identifier: Apache-2.0

//go:build !race

package envelope_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestRawAESManyKeys: of many keys that do not unwrap, in a message with a long
// context, the context is put in order once and not for each key: a header of
// 1 MiB made 1.4 GB of it.
func TestRawAESManyKeys(t *testing.T) {
	const n = 2000
	ring, err := envelope.NewRawAES("ns", "name", make([]byte, 32))
	require.NoError(t, err)
	ec := envelope.EncryptionContext{"long": strings.Repeat("x", 60_000)}
	wrapped := &envelope.EncryptionMaterials{Suite: envelope.Suite0478, Context: ec}
	require.NoError(t, ring.OnEncrypt(t.Context(), wrapped))
	good := wrapped.EncryptedDataKeys[0]
	keys := make([]envelope.EncryptedDataKey, n, n+1)
	for i := range keys {
		keys[i] = good
		keys[i].Ciphertext = make([]byte, 16+i%64)
	}
	testkit.BytesAtMost(t, n*2000, func() {
		m := &envelope.DecryptionMaterials{Suite: envelope.Suite0478, Context: ec}
		require.ErrorIs(t, ring.OnDecrypt(t.Context(), m, keys), envelope.ErrNoMatchingKey)
	})
	m := &envelope.DecryptionMaterials{Suite: envelope.Suite0478, Context: ec}
	require.NoError(t, ring.OnDecrypt(t.Context(), m, append(keys, good)))
	require.Equal(t, wrapped.DataKey, m.DataKey)
}
