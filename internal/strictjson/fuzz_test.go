// SPDX-License-Identifier: Apache-2.0

package strictjson_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/stretchr/testify/require"
)

// FuzzScanner holds the scanner against encoding/json, which lets repeated
// names, invalid UTF-8 and lone surrogates pass and agrees on all the rest.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`,
		`[1,-0,0.5,1e9,1E-2,true,false,null,"\ud83d\ude00\"\\\/\b\f\n\r\t"]`,
		`{"a":1,"\u0061":2}`, "\"\xff\"", `"\ud800"`, `{"":{}}`, " ", `[[[[[[]]]]]]`, `{"a":[1,]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := strictjson.Limits{Depth: 1000}
		got, err := value(strictjson.New(data, limits))
		slow, errSlow := value(strictjson.NewReader(bytes.NewReader(data), limits))
		require.Equal(t, err == nil, errSlow == nil)
		require.Empty(t, cmp.Diff(got, slow))
		want, strict := oracle(data)
		require.Equal(t, strict, err == nil, "%q: %v", data, err)
		if err == nil {
			require.Empty(t, cmp.Diff(want, got))
		}
	})
}

// oracle decodes data with encoding/json; strict is false where the scanner
// must refuse it.
func oracle(data []byte) (v any, strict bool) {
	if !json.Valid(data) || !utf8.Valid(data) || loneSurrogate(string(data)) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, ok := decode(d)
	return v, ok
}

// decode builds a value from encoding/json's tokens; ok is false when a name
// occurs twice.
func decode(d *json.Decoder) (v any, ok bool) {
	token, err := d.Token()
	if err != nil {
		return nil, false
	}
	switch token {
	case json.Delim('{'):
		m := map[string]any{}
		for d.More() {
			name, _ := d.Token()
			v, ok := decode(d)
			if _, twice := m[name.(string)]; twice || !ok {
				return nil, false
			}
			m[name.(string)] = v
		}
		_, err = d.Token()
		return m, err == nil
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, ok := decode(d)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err == nil
	}
	return token, true
}

// loneSurrogate reports whether valid JSON holds an escape that is half of a
// pair: pairs and all other escapes are removed, and what is left is searched.
func loneSurrogate(text string) bool {
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 {
			return false
		}
		if text = text[i+1:]; text[0] != 'u' {
			text = text[1:]
			continue
		}
		digit := strings.ToLower(text[1:5])
		text = text[5:]
		switch {
		case digit >= "dc00" && digit <= "dfff":
			return true
		case digit >= "d800" && digit <= "dbff":
			if !strings.HasPrefix(text, `\u`) {
				return true
			}
			if low := strings.ToLower(text[2:6]); low < "dc00" || low > "dfff" {
				return true
			}
			text = text[6:]
		}
	}
}

// value builds what encoding/json would from the scanner's tokens.
func value(s *strictjson.Scanner) (any, error) {
	v, err := next(s)
	if err != nil {
		return nil, err
	}
	kind, err := s.Next()
	if err == nil && kind != strictjson.End {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

func next(s *strictjson.Scanner) (any, error) {
	kind, err := s.Next()
	if err != nil {
		return nil, err
	}
	switch kind {
	case strictjson.ObjectOpen:
		m := map[string]any{}
		for {
			if kind, err = s.Next(); err != nil || kind == strictjson.ObjectClose {
				return m, err
			}
			name := string(s.Text())
			if m[name], err = next(s); err != nil {
				return nil, err
			}
		}
	case strictjson.ArrayOpen:
		list := []any{}
		for {
			v, err := next(s)
			if err == errClose {
				return list, nil
			}
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
	case strictjson.ArrayClose:
		return nil, errClose
	case strictjson.String:
		return string(s.Text()), nil
	case strictjson.Number:
		return json.Number(s.Raw()), nil
	case strictjson.True:
		return true, nil
	case strictjson.False:
		return false, nil
	}
	return nil, nil
}

var errClose = io.ErrNoProgress
