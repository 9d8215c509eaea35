// SPDX-License-Identifier: Apache-2.0

package strictjson_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// object is Scanner.Object by tokens alone: the offsets of each member and the
// text, or the error.
func object(s *strictjson.Scanner, data []byte) (text string, members []strictjson.Member, err error) {
	kind, err := s.Next()
	if err != nil {
		return "", nil, err
	}
	if kind != strictjson.ObjectOpen {
		return "", nil, s.Fail("expected an object, found " + kind.String())
	}
	open, _ := s.Offset()
	for {
		kind, err = s.Next()
		if err != nil {
			return "", nil, err
		}
		begin, end := s.Offset()
		if kind == strictjson.ObjectClose {
			return string(data[open:end]), members, nil
		}
		m := strictjson.Member{NameBegin: int(begin + 1 - open), NameEnd: int(end - 1 - open), Escaped: s.Escaped()}
		if _, err = s.Next(); err != nil {
			return "", nil, err
		}
		begin, _ = s.Offset()
		if err = s.Skip(); err != nil {
			return "", nil, err
		}
		_, end = s.Offset()
		m.ValueBegin, m.ValueEnd = int(begin-open), int(end-open)
		members = append(members, m)
	}
}

func sameObject(t *testing.T, data []byte, limits strictjson.Limits) {
	t.Helper()
	want, members, wantErr := object(strictjson.New(data, limits), data)
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for name, s := range map[string]*strictjson.Scanner{
		"slice":     strictjson.New(data, limits),
		"reader":    strictjson.NewReader(bytes.NewReader(data), limits),
		"bit a bit": strictjson.NewReader(iotest.OneByteReader(bytes.NewReader(data)), limits),
	} {
		var got []byte
		var list []strictjson.Member
		_, err := s.Next()
		if err == nil {
			got, list, err = s.Object(nil)
		}
		require.Equal(t, text(wantErr), text(err), name)
		if err != nil {
			continue
		}
		require.Equal(t, want, string(got), name)
		require.Empty(t, cmp.Diff(members, list), name)
		_, end := s.Offset()
		require.Equal(t, byte('}'), data[end-1])
		_, err = s.Next()
		other := strictjson.New(data, limits)
		_, errOther := value(other)
		require.Equal(t, errOther == nil, err == nil, "what follows the object")
	}
}

var objects = []string{
	`{}`, ` {"a":1} `, `{"a":{"b":[1,{"c":null}],"d":"\u00e9é"}, "e" : true}`, `{"a":1,"a":2}`, `{"a":{"b":1,"b":1}}`,
	`{"a":1,"\u0061":2}`, `{"\u0061":1}`, "{\"a\":\"\xff\"}", "{\"a\xff\":1}", `{"a":"\ud800"}`, `{"a":"\q"}`, `{"a":01}`, `{"a":-}`, `{"a":1e}`,
	`{"a":[1,]}`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"a":tru}`, `{"a":nul`, `{"a":"`, `{"a":"x`, `{"a":[`, `{"a":{`, `{"a"`, `{`, `{"a":1`, `{"a":1} x`,
	"{\"a\":\"\x01\"}", `[{}]`, `"x"`, `{"a":[]}`, `{"a":[[],{},"",0]}`, `{"a":[1 2]}`, `{"":{"":{"":0}}}`, `{"a":1;"b":2}`, `{"a":"\/\b\f\n\r\t\\\""}`,
}

// TestObject holds Object to reading by tokens: the same text, members, errors
// and positions.
func TestObject(t *testing.T) {
	for _, data := range objects {
		t.Run(data, func(t *testing.T) { sameObject(t, []byte(data), strictjson.Limits{}) })
	}
	many := func(n int, name func(int) string) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%s":%d`, name(i), i)
		}
		return []byte("{" + b.String()[1:] + "}")
	}
	for n := 30; n < 36; n++ {
		sameObject(t, many(n, func(i int) string { return fmt.Sprintf("name%d", i) }), strictjson.Limits{})
		sameObject(t, many(n, func(i int) string { return fmt.Sprintf("name%d", i%(n-1)) }), strictjson.Limits{})
		// Names of one length with the same first and last eight bytes have the same cheap hash.
		sameObject(t, many(n, func(i int) string { return fmt.Sprintf("aaaaaaaa%02dbbbbbbbb", i) }), strictjson.Limits{})
	}
}

// TestObjectLimits reads at and past each limit; the skimmer must not let
// anything through that the scanner refuses.
func TestObjectLimits(t *testing.T) {
	data := []byte(`{"abcd":{"e":["xyzxyz",12345678]},"f":"y","g":0}`)
	for n := range 60 {
		sameObject(t, data, strictjson.Limits{Depth: n + 1})
		sameObject(t, data, strictjson.Limits{Tokens: int64(n + 1)})
		sameObject(t, data, strictjson.Limits{Members: n + 1})
		sameObject(t, []byte(`{"a":{"b":1,"c":2,"d":3}}`), strictjson.Limits{Members: n + 1})
		sameObject(t, data, strictjson.Limits{String: n + 1})
		sameObject(t, data, strictjson.Limits{Size: int64(n + 1)})
		sameObject(t, []byte(`{"abcdefghij":1}`), strictjson.Limits{String: n + 1})
		sameObject(t, []byte(`{"a":"bcdefghijk"}`), strictjson.Limits{String: n + 1})
	}
	for _, tc := range []struct {
		value int64
		err   error
	}{{int64(len(data)), nil}, {int64(len(data)) - 1, strictjson.ErrLimit}} {
		for _, s := range []*strictjson.Scanner{
			strictjson.New(data, strictjson.Limits{Value: tc.value}),
			strictjson.NewReader(bytes.NewReader(data), strictjson.Limits{Value: tc.value}),
		} {
			_, err := s.Next()
			require.NoError(t, err)
			_, _, err = s.Object(nil)
			require.ErrorIs(t, err, tc.err)
		}
	}
}

// TestObjectBesideTokens mixes Object with Next: the scanner goes on where the
// object ended, and the tokens in it count.
func TestObjectBesideTokens(t *testing.T) {
	const data = `{"list":[{"a":1},{"b":{"c":2}},3],"list2":{"d":[]}}`
	for _, tokens := range []int64{22, 23} {
		s := strictjson.New([]byte(data), strictjson.Limits{Tokens: tokens})
		var got []string
		var err error
		for kind := strictjson.Invalid; kind != strictjson.End && err == nil; {
			if kind, err = s.Next(); err == nil && kind == strictjson.ObjectOpen && s.Depth() > 1 {
				var text []byte
				text, _, err = s.Object(nil)
				got = append(got, s.Path()+string(text))
			}
		}
		if tokens == 22 {
			require.ErrorIs(t, err, strictjson.ErrLimit)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []string{`list[0]{"a":1}`, `list[1]{"b":{"c":2}}`, `list2{"d":[]}`}, got)
	}
	s := strictjson.New([]byte(`[1]`), strictjson.Limits{})
	_, err := s.Next()
	require.NoError(t, err)
	_, _, err = s.Object(nil)
	require.ErrorIs(t, err, strictjson.ErrShape)
	_, _, err = s.Object(nil)
	require.ErrorIs(t, err, strictjson.ErrShape, "the first error stays")
}

// TestObjectReaderFails passes the reader's own error on.
func TestObjectReaderFails(t *testing.T) {
	s := strictjson.NewReader(io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(io.ErrClosedPipe)), strictjson.Limits{})
	_, err := s.Next()
	if err == nil {
		_, _, err = s.Object(nil)
	}
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// FuzzObject is TestObject with whatever.
func FuzzObject(f *testing.F) {
	for _, data := range objects {
		f.Add([]byte(data), byte(20))
	}
	f.Fuzz(func(t *testing.T, data []byte, depth byte) {
		sameObject(t, data, strictjson.Limits{Depth: int(depth%40) + 1})
	})
}
