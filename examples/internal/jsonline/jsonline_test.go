// SPDX-License-Identifier: Apache-2.0

package jsonline_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/internal/jsonline"
)

// echo answers with the line, and blank ones not at all.
func echo(line []byte) any {
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	return string(line)
}

func TestServe(t *testing.T) {
	long := strings.Repeat("x", 1<<17) // longer than any buffer
	for name, tt := range map[string]struct{ in, want string }{
		"nothing":           {"", ""},
		"a line":            {"a\n", `"a\n"` + "\n"},
		"no end":            {"a\nb", `"a\n"` + "\n" + `"b"` + "\n"},
		"blank lines":       {"\n \r\na\r\n\n", `"a\r\n"` + "\n"},
		"as it was":         {"<a&b>\n", `"<a&b>\n"` + "\n"},
		"longer than usual": {long + "\nb\n", `"` + long + `\n"` + "\n" + `"b\n"` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
				var out bytes.Buffer
				require.NoError(t, jsonline.Serve(in, &out, echo))
				require.Equal(t, tt.want, out.String())
			}
		})
	}
}

// TestServeFailures: a failure is reported, and what was answered before it is
// there.
func TestServeFailures(t *testing.T) {
	broken := errors.New("broken")
	var out bytes.Buffer
	err := jsonline.Serve(io.MultiReader(strings.NewReader("a\nhalf"), iotest.ErrReader(broken)), &out, echo)
	require.ErrorIs(t, err, broken)
	require.Equal(t, `"a\n"`+"\n"+`"half"`+"\n", out.String())

	out.Reset()
	err = jsonline.Serve(strings.NewReader("a\nb\n"), &out, func(line []byte) any {
		if line[0] == 'b' {
			return json.RawMessage(`{`)
		}
		return echo(line)
	})
	require.ErrorContains(t, err, "JSON")
	require.Equal(t, `"a\n"`+"\n", out.String())

	err = jsonline.Serve(strings.NewReader("a\n"), failing{broken}, echo)
	require.ErrorIs(t, err, broken)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestServeAnswersAtOnce: who writes a line and waits gets its answer before
// the input ends.
func TestServeAnswersAtOnce(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := jsonline.Serve(inR, outW, echo)
		_ = outW.CloseWithError(err)
		done <- err
	}()
	answers := bufio.NewReader(outR)
	for _, line := range []string{"a\n", "b\n"} {
		_, err := io.WriteString(inW, line)
		require.NoError(t, err)
		got, err := answers.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, `"`+line[:1]+`\n"`+"\n", got)
	}
	require.NoError(t, inW.Close())
	require.NoError(t, <-done)
}
