// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMeter(t *testing.T) {
	var b strings.Builder
	start := time.Unix(1000, 0)
	m := &Meter{w: &b, total: 4_000_000, start: start, next: start.Add(after)}
	m.add(1_000_000, start.Add(after/2))
	require.Empty(t, b.String(), "a short input is left in peace")
	m.add(1_000_000, start.Add(2*time.Second))
	require.Equal(t, "\r 50% of 4 MB, 1 MB/s\x1b[K", b.String())
	m.add(1, start.Add(2*time.Second+every/2))
	require.Equal(t, 1, strings.Count(b.String(), "\r"))
	m.End()
	require.True(t, strings.HasSuffix(b.String(), "\r\x1b[K"))
	m.total = 0
	require.Equal(t, "2 MB, 1 MB/s", m.text(start.Add(2*time.Second)))

	quiet := New(&b, 1)
	r := strings.NewReader("x")
	require.Equal(t, io.Reader(r), quiet.Reader(r), "no terminal")
	quiet.End()
}
