// SPDX-License-Identifier: Apache-2.0

package strictjson_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/stretchr/testify/require"
)

// tokens reads a document through both forms of the scanner and returns each
// token as its kind and text.
func tokens(t testing.TB, text string, limits strictjson.Limits) ([]string, error) {
	t.Helper()
	got, err := drain(strictjson.New([]byte(text), limits))
	slow, errSlow := drain(strictjson.NewReader(iotest.OneByteReader(strings.NewReader(text)), limits))
	require.Empty(t, cmp.Diff(got, slow), "slice and reader differ on %q", text)
	if err == nil {
		require.NoError(t, errSlow)
		return got, nil
	}
	var a, b *strictjson.Error
	require.ErrorAs(t, err, &a)
	require.ErrorAs(t, errSlow, &b)
	if !errors.Is(err, strictjson.ErrLimit) {
		require.Equal(t, a, b)
	}
	return got, err
}

func drain(s *strictjson.Scanner) ([]string, error) {
	var got []string
	for {
		kind, err := s.Next()
		if err != nil {
			return got, err
		}
		switch kind {
		case strictjson.End:
			return got, nil
		case strictjson.Name, strictjson.String, strictjson.Number:
			got = append(got, kind.String()+" "+string(s.Text()))
		default:
			got = append(got, kind.String())
		}
	}
}

func TestTokens(t *testing.T) {
	got, err := tokens(t, " {\"a\" : [1, -0.5e+3,true ,false,null,\"x\\n\\u00e9\\ud83d\\ude00\"],\n\"b\":{},\"\":[]}\r\n\t", strictjson.Limits{})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]string{
		"an object", "a member name a", "an array", "a number 1", "a number -0.5e+3", "true", "false", "null",
		"a string x\né😀", "the end of an array", "a member name b", "an object", "the end of an object",
		"a member name ", "an array", "the end of an array", "the end of an object",
	}, got))
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, text string
		is         error
		offset     int64
		path       string
	}{
		{"empty", "", strictjson.ErrSyntax, 0, ""},
		{"white space only", " \n", strictjson.ErrSyntax, 2, ""},
		{"two documents", "1 2", strictjson.ErrSyntax, 2, ""},
		{"text after an object", "{}x", strictjson.ErrSyntax, 2, ""},
		{"byte order mark", "\ufeff{}", strictjson.ErrSyntax, 0, ""},
		{"trailing comma in an object", `{"a":1,}`, strictjson.ErrSyntax, 7, "a"},
		{"trailing comma in an array", `[1,]`, strictjson.ErrSyntax, 3, "[0]"},
		{"leading comma", `[,1]`, strictjson.ErrSyntax, 1, ""},
		{"missing comma", `[1 2]`, strictjson.ErrSyntax, 3, "[0]"},
		{"missing comma between members", `{"a":1 "b":2}`, strictjson.ErrSyntax, 7, "a"},
		{"missing colon", `{"a" 1}`, strictjson.ErrSyntax, 5, "a"},
		{"name without value", `{"a"}`, strictjson.ErrSyntax, 4, "a"},
		{"name no string", `{a:1}`, strictjson.ErrSyntax, 1, ""},
		{"single quotes", `['a']`, strictjson.ErrSyntax, 1, ""},
		{"comment", `[1/**/]`, strictjson.ErrSyntax, 2, "[0]"},
		{"wrong closing", `[1}`, strictjson.ErrSyntax, 2, "[0]"},
		{"wrong closing of an object", `{"a":1]`, strictjson.ErrSyntax, 6, "a"},
		{"unclosed", `{"a":[1`, strictjson.ErrSyntax, 7, "a[0]"},
		{"half a literal", `tru`, strictjson.ErrSyntax, 3, ""},
		{"wrong literal", `nulL`, strictjson.ErrSyntax, 0, ""},
		{"longer literal", `truee`, strictjson.ErrSyntax, 4, ""},
		{"upper case literal", `True`, strictjson.ErrSyntax, 0, ""},
		{"NaN", `NaN`, strictjson.ErrSyntax, 0, ""},
		{"leading zero", `01`, strictjson.ErrSyntax, 1, ""},
		{"leading plus", `+1`, strictjson.ErrSyntax, 0, ""},
		{"bare minus", `-`, strictjson.ErrSyntax, 1, ""},
		{"minus and letter", `-x`, strictjson.ErrSyntax, 1, ""},
		{"no digits behind the point", `[1.]`, strictjson.ErrSyntax, 3, ""},
		{"no digits in the exponent", `1.5e.`, strictjson.ErrSyntax, 4, ""},
		{"hexadecimal", `0x10`, strictjson.ErrSyntax, 1, ""},
		{"unclosed string", `"abc`, strictjson.ErrSyntax, 4, ""},
		{"string ends in a backslash", `"abc\`, strictjson.ErrSyntax, 5, ""},
		{"line feed in a string", "\"a\nb\"", strictjson.ErrSyntax, 2, ""},
		{"NUL in a string", "\"abcdefghij\x00\"", strictjson.ErrSyntax, 11, ""},
		{"unknown escape", `"\x41"`, strictjson.ErrSyntax, 1, ""},
		{"short escape", `"\u12"`, strictjson.ErrSyntax, 1, ""},
		{"dollar escape", `"\$"`, strictjson.ErrSyntax, 1, ""},
		{"invalid UTF-8", "\"a\xffb\"", strictjson.ErrUTF8, 2, ""},
		{"overlong UTF-8", "\"\xc0\xaf\"", strictjson.ErrUTF8, 1, ""},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", strictjson.ErrUTF8, 1, ""},
		{"half a character at the end", "\"\xe2\x82", strictjson.ErrUTF8, 1, ""},
		{"lone high surrogate", `"\ud800"`, strictjson.ErrUTF8, 1, ""},
		{"high surrogate and text", `"\ud800abcdefgh"`, strictjson.ErrUTF8, 1, ""},
		{"high surrogate and another escape", `"\ud800\n12345"`, strictjson.ErrUTF8, 1, ""},
		{"lone low surrogate", `"\udc00"`, strictjson.ErrUTF8, 1, ""},
		{"two low surrogates", `"\udc00\udc00"`, strictjson.ErrUTF8, 1, ""},
		{"two high surrogates", `"\ud800\ud800"`, strictjson.ErrUTF8, 1, ""},
		{"duplicate", `{"a":1,"a":2}`, strictjson.ErrDuplicate, 8, "a"},
		{"duplicate, one escaped", `{"Effect":1,"\u0045ffect":2}`, strictjson.ErrDuplicate, 13, "Effect"},
		{"duplicate deep inside", `{"s":[{"x":{"a:b":1,"c":2,"a:b":3}}]}`, strictjson.ErrDuplicate, 27, `s[0].x["c"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := tokens(t, c.text, strictjson.Limits{})
			require.ErrorIs(t, err, c.is)
			var e *strictjson.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.offset, e.Offset, err.Error())
			if c.name == "duplicate deep inside" {
				return
			}
			require.Equal(t, c.path, e.Path)
		})
	}
}

func TestSameNameInDifferentObjectsIsNoDuplicate(t *testing.T) {
	_, err := tokens(t, `{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"A":1}`, strictjson.Limits{})
	require.NoError(t, err)
}

// Beyond a few dozen members names are found through an index.
func TestDuplicateInALargeObject(t *testing.T) {
	for _, n := range []int{2, 31, 32, 33, 34, 64, 65, 500} {
		names := make([]string, n)
		for i := range names {
			names[i] = `"` + strings.Repeat("k", i/26) + string(rune('a'+i%26)) + `":{"x":1}`
		}
		for _, again := range []int{0, n / 2, n - 1} {
			all := strings.Join(names, ",")
			_, err := tokens(t, `{"o":0,"large":{`+all+`},"p":{`+all+`}}`, strictjson.Limits{})
			require.NoError(t, err, "%d members", n)
			_, err = tokens(t, `{"o":0,"large":{`+all+`},"p":{`+all+`,`+names[again]+`}}`, strictjson.Limits{})
			require.ErrorIs(t, err, strictjson.ErrDuplicate, "%d members, number %d again", n, again)
		}
	}
}

func TestPolicyEscapes(t *testing.T) {
	got, err := tokens(t, `["\$key\v","\\$"]`, strictjson.Limits{PolicyEscapes: true})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]string{"an array", "a string $key\v", `a string \$`, "the end of an array"}, got))
	_, err = tokens(t, `{"\$a":1,"$a":2}`, strictjson.Limits{PolicyEscapes: true})
	require.ErrorIs(t, err, strictjson.ErrDuplicate)
}

// Each limit at and past it.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name     string
		limits   strictjson.Limits
		at, past string
	}{
		{"size", strictjson.Limits{Size: 4}, `"ab"`, `"abc"`},
		{"depth", strictjson.Limits{Depth: 2}, `[{}]`, `[{"a":[]}]`},
		{"default depth", strictjson.Limits{}, strings.Repeat("[", 16) + strings.Repeat("]", 16), strings.Repeat("[", 17) + strings.Repeat("]", 17)},
		{"tokens", strictjson.Limits{Tokens: 4}, `[1,2]`, `[1,2,3]`},
		{"members", strictjson.Limits{Members: 2}, `[{"a":1,"b":2},{"c":3}]`, `[{"a":1,"b":2,"c":3}]`},
		{"string", strictjson.Limits{String: 3}, `"abc"`, `"abcd"`},
		{"string as written", strictjson.Limits{String: 6}, `"\u0041"`, `"\u0041B"`},
		{"name", strictjson.Limits{String: 3}, `{"abc":1}`, `{"abcd":1}`},
		{"number", strictjson.Limits{String: 3}, `[123]`, `[1234]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := tokens(t, c.at, c.limits)
			require.NoError(t, err)
			_, err = tokens(t, c.past, c.limits)
			require.ErrorIs(t, err, strictjson.ErrLimit)
		})
	}
}

func TestValueLimit(t *testing.T) {
	for _, s := range []*strictjson.Scanner{
		strictjson.New([]byte(`[[1,2],[1,23]]`), strictjson.Limits{Value: 5}),
		strictjson.NewReader(strings.NewReader(`[[1,2],[1,23]]`), strictjson.Limits{Value: 5}),
	} {
		advance(t, s, strictjson.ArrayOpen, strictjson.ArrayOpen)
		got, err := s.Value()
		require.NoError(t, err)
		require.Equal(t, "[1,2]", string(got))
		advance(t, s, strictjson.ArrayOpen)
		_, err = s.Value()
		require.ErrorIs(t, err, strictjson.ErrLimit)
	}
}

func advance(t testing.TB, s *strictjson.Scanner, kinds ...strictjson.Kind) {
	t.Helper()
	for _, want := range kinds {
		kind, err := s.Next()
		require.NoError(t, err)
		require.Equal(t, want, kind)
	}
}

// A stream far larger than the buffer is read in the memory of one element.
func TestReaderHoldsOneValue(t *testing.T) {
	const element = `{"name":"v\u0061lue","list":[1,2,{"x":null}]}`
	const count = 200_000
	doc := io.MultiReader(strings.NewReader(`{"Records":[`+element), &repeat{text: "\n ,\n" + element, left: count - 1}, strings.NewReader(`]}`))
	s := strictjson.NewReader(doc, strictjson.Limits{Size: 1 << 30, Value: 100})
	advance(t, s, strictjson.ObjectOpen, strictjson.Name, strictjson.ArrayOpen)
	for i := range count {
		advance(t, s, strictjson.ObjectOpen)
		if i == count-1 {
			require.Equal(t, "Records[199999]", s.Path())
		}
		value, err := s.Value()
		require.NoError(t, err)
		if string(value) != element {
			require.Equal(t, element, string(value))
		}
	}
	advance(t, s, strictjson.ArrayClose, strictjson.ObjectClose, strictjson.End, strictjson.End)
	require.LessOrEqual(t, strictjson.Window(s), 64<<10)
}

// repeat reads a text again and again.
type repeat struct {
	text string
	left int
	at   int
}

func (r *repeat) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if r.left == 0 {
			return n, io.EOF
		}
		k := copy(p[n:], r.text[r.at:])
		n, r.at = n+k, r.at+k
		if r.at == len(r.text) {
			r.at, r.left = 0, r.left-1
		}
	}
	return n, nil
}

func TestReaderErrorIsPassedOn(t *testing.T) {
	broken := errors.New("the disk is gone")
	s := strictjson.NewReader(io.MultiReader(strings.NewReader(`[1,`), iotest.ErrReader(broken)), strictjson.Limits{})
	_, err := drain(s)
	require.ErrorIs(t, err, broken)
	_, err = s.Next()
	require.ErrorIs(t, err, broken, "the first error stays")
}

func TestSkipAndValue(t *testing.T) {
	s := strictjson.New([]byte(`{"a":{"b":[1,{"c":2}]},"d":"x","e":[],"f":1.5}`), strictjson.Limits{})
	advance(t, s, strictjson.ObjectOpen, strictjson.Name)
	require.NoError(t, s.Skip())
	advance(t, s, strictjson.Name)
	value, err := s.Value()
	require.NoError(t, err)
	require.Equal(t, `"x"`, string(value))
	advance(t, s, strictjson.Name, strictjson.ArrayOpen)
	require.NoError(t, s.Skip())
	advance(t, s, strictjson.Name)
	value, err = s.Value()
	require.NoError(t, err)
	require.Equal(t, "1.5", string(value))
	advance(t, s, strictjson.ObjectClose, strictjson.End)
}

func TestSkipChecksWhatItSkips(t *testing.T) {
	s := strictjson.New([]byte(`[{"a":1,"a":2}]`), strictjson.Limits{})
	advance(t, s, strictjson.ArrayOpen)
	require.ErrorIs(t, s.Skip(), strictjson.ErrDuplicate)
	_, err := s.Value()
	require.ErrorIs(t, err, strictjson.ErrDuplicate)
}

func TestPositionAndPath(t *testing.T) {
	text := "{\n  \"Statement\": [\n    {\"Condition\": {\"StringLike\": {\"s3:prefix\": [\"é\", \"here\"]}}}\n  ]\n}"
	s := strictjson.New([]byte(text), strictjson.Limits{})
	for string(s.Text()) != "here" {
		_, err := s.Next()
		require.NoError(t, err)
	}
	require.Equal(t, `Statement[0].Condition.StringLike["s3:prefix"][1]`, s.Path())
	begin, end := s.Offset()
	require.Equal(t, `"here"`, text[begin:end])
	err := s.Fail("no such thing")
	var e *strictjson.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, strictjson.ErrShape)
	line, column := strictjson.Position([]byte(text), begin)
	require.Equal(t, []int{line, column}, []int{e.Line, e.Column})
	require.Equal(t, 3, line)
	require.Equal(t, 55, column)
	require.EqualError(t, err, `line 3, column 55 (offset 73), at Statement[0].Condition.StringLike["s3:prefix"][1]: no such thing`)
	_, err = s.Next()
	require.ErrorIs(t, err, strictjson.ErrShape)
}

func TestLongNamesAreCutInPaths(t *testing.T) {
	_, err := tokens(t, `{"`+strings.Repeat("é", 500)+`":x}`, strictjson.Limits{})
	var e *strictjson.Error
	require.ErrorAs(t, err, &e)
	require.Less(t, len(e.Path), 150)
}

func TestResetKeepsNothing(t *testing.T) {
	s := strictjson.New([]byte(`{"a":1,`), strictjson.Limits{})
	_, err := drain(s)
	require.Error(t, err)
	s.Reset([]byte(`{"a":1}`), strictjson.Limits{})
	got, err := drain(s)
	require.NoError(t, err)
	require.Len(t, got, 4)
	s.ResetReader(strings.NewReader(`{"a":1}`), strictjson.Limits{})
	again, err := drain(s)
	require.NoError(t, err)
	require.Equal(t, got, again)
}

func TestAppendDecodedNeverLooksBehindItsInput(t *testing.T) {
	for _, raw := range []string{`\`, `\u`, `\u00`, `\ud800`, `\ud800\`, `\ud800\u`, `\ud800\udc`} {
		require.NotPanics(t, func() { strictjson.AppendDecoded(nil, []byte(raw)) }, raw)
	}
}
