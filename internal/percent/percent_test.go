// SPDX-License-Identifier: Apache-2.0

package percent_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/percent"
)

// refAppend is SIG-2, a byte at a time.
func refAppend(s string, keepSlash bool) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x80 && strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", rune(c)) || c == '/' && keepSlash {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func compare(t *testing.T, s string) {
	t.Helper()
	for _, keepSlash := range []bool{false, true} {
		want := refAppend(s, keepSlash)
		require.Equal(t, "x"+want, string(percent.Append([]byte("x"), s, keepSlash)))
		require.Equal(t, want, string(percent.Append(nil, []byte(s), keepSlash)))
		require.Equal(t, s, string(percent.AppendDecoded(nil, []byte(want))))
		require.True(t, percent.Valid(want))
		for _, plus := range []bool{false, true} {
			decode := url.PathUnescape
			if plus {
				decode = url.QueryUnescape
			}
			decoded, err := decode(s)
			got, ok := percent.AppendRecoded([]byte("x"), s, keepSlash, plus)
			require.Equal(t, err == nil, ok)
			require.Equal(t, err == nil, percent.Valid(s))
			if ok {
				require.Equal(t, "x"+refAppend(decoded, keepSlash), string(got))
				want, _ := url.PathUnescape(s)
				require.Equal(t, want, string(percent.AppendDecoded(nil, []byte(s))))
			}
		}
	}
}

func TestPercent(t *testing.T) {
	var all strings.Builder
	for c := range 256 {
		compare(t, string([]byte{byte(c)}))
		compare(t, fmt.Sprintf("%%%02X", c))
		compare(t, fmt.Sprintf("%%%02x", c))
		compare(t, "%4"+string([]byte{byte(c)}))
		compare(t, "%"+string([]byte{byte(c)})+"4")
		all.WriteByte(byte(c))
	}
	for _, s := range []string{"", "a b+c/d%2F%2f", "%", "%4", "%%34", "a%", "%zz", "\u00e9\u1234", all.String(), strings.ReplaceAll(all.String(), "%", "")} {
		compare(t, s)
	}
	for c := range 256 {
		want := strings.IndexByte("0123456789abcdef", strings.ToLower(string([]byte{byte(c)}))[0])
		if want < 0 {
			want = 255
		}
		require.Equal(t, byte(want), percent.Unhex(byte(c)))
	}
}

func FuzzPercent(f *testing.F) {
	for _, s := range []string{"", "a b+c/d%2F%2f", "%", "%4", "%zz", "\u00e9", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { compare(t, s) })
}
