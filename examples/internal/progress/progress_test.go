// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Nothing for a second, then a line that goes away; nothing at all but on a
// terminal.
func TestMeter(t *testing.T) {
	for total, want := range map[int64]string{4_000_000: "\r 50% of 4 MB, 1 MB/s\x1b[K", 0: "\r2 MB, 1 MB/s\x1b[K", -1: "\r2 MB, 1 MB/s\x1b[K"} {
		synctest.Test(t, func(t *testing.T) {
			var b, errs strings.Builder
			m := New(&b, total)
			require.Nil(t, m.w, "no terminal")
			m.w = &b
			time.Sleep(after / 2)
			m.Add(1_000_000)
			m.Say(&errs, "a line")
			require.Empty(t, b.String(), "a short input is left in peace")
			require.Equal(t, "a line\n", errs.String())
			time.Sleep(2*time.Second - after/2)
			n, err := m.Reader(strings.NewReader(strings.Repeat("x", 1_000_000))).Read(make([]byte, 1_000_000))
			require.NoError(t, err)
			require.Equal(t, 1_000_000, n)
			require.Equal(t, want, b.String())
			time.Sleep(every / 2)
			m.Add(9_000_000) // more than there was
			require.Equal(t, 1, strings.Count(b.String(), "\r"))
			m.Say(&errs, "another")
			require.Equal(t, want+"\r\x1b[K", b.String(), "it makes room")
			time.Sleep(every)
			m.Add(1)
			require.NotContains(t, b.String(), "275%")
			m.End()
			require.True(t, strings.HasSuffix(b.String(), "\r\x1b[K"))
			b.Reset()
			time.Sleep(every)
			m.Add(1)
			m.End()
			require.Empty(t, b.String())
		})
	}
	quiet := New(io.Discard, 1)
	r := strings.NewReader("x")
	require.Equal(t, io.Reader(r), quiet.Reader(r), "no terminal")
	quiet.Add(1)
	quiet.End()
}
