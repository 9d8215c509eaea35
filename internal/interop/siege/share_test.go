// SPDX-License-Identifier: Apache-2.0

package siege

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/envelope"
)

// BenchmarkLoadEncryption is encryption's share of [BenchmarkLoad]: what the
// gateway does of it for one object, on one processor and with neither disk nor
// network. A put encrypts the body under a new data key and the object's
// description under the index key; a get decrypts both. Its time is to be
// compared with server-cpu-ns/op.
func BenchmarkLoadEncryption(b *testing.B) {
	ring, err := envelope.NewRawAES("siege", "key", make([]byte, 32))
	require.NoError(b, err)
	c, err := envelope.New(envelope.Unsigned(ring))
	require.NoError(b, err)
	ec := envelope.EncryptionContext{"bucket": "load", "key": "1/1"}
	info := bytes.Repeat([]byte("i"), 400)
	for _, size := range []int{4 << 10, 64 << 20} {
		body := make([]byte, size)
		message, err := c.Encrypt(b.Context(), nil, body, ec)
		require.NoError(b, err)
		sealed, err := c.Encrypt(b.Context(), nil, info, ec)
		require.NoError(b, err)
		b.Run(sizeName(size)+"/put", func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				w, err := c.NewWriter(b.Context(), io.Discard, ec)
				require.NoError(b, err)
				_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{bytes.NewReader(body)}, make([]byte, 128<<10))
				require.NoError(b, err)
				require.NoError(b, w.Close())
				_, err = c.Encrypt(b.Context(), nil, info, ec)
				require.NoError(b, err)
			}
		})
		b.Run(sizeName(size)+"/get", func(b *testing.B) {
			b.SetBytes(int64(size))
			p := make([]byte, min(size, 256<<10))
			for b.Loop() {
				_, _, err := c.Decrypt(b.Context(), nil, sealed, ec)
				require.NoError(b, err)
				r, err := c.NewReaderAt(b.Context(), bytes.NewReader(message), int64(len(message)), ec)
				require.NoError(b, err)
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.NewSectionReader(r, 0, r.Size()), p)
				require.NoError(b, err)
				require.EqualValues(b, size, n)
			}
		})
	}
}
