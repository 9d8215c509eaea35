// SPDX-License-Identifier: Apache-2.0

package exact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
)

func TestUnmarshal(t *testing.T) {
	var id json.RawMessage
	name, port := "as it was", 7
	members := []exact.Member{{Name: "id", To: &id}, {Name: "name", To: &name}, {Name: "port", To: &port}}

	require.NoError(t, exact.Unmarshal([]byte(`{"id":1.50,"ID":2,"Name":"no","PORT":1,"port":80,"extra":[{}]}`), members...))
	require.Equal(t, `1.50`, string(id), "unchanged, whatever is spelled like it")
	require.Equal(t, "as it was", name)
	require.Equal(t, 80, port)

	require.NoError(t, exact.Unmarshal([]byte(`{"port":1,"id":null}`), members...))
	require.Equal(t, 1, port)
	require.Equal(t, `null`, string(id))
	require.NoError(t, exact.Unmarshal([]byte(`null`), members...))

	require.ErrorContains(t, exact.Unmarshal([]byte(`{"id":3,"port":1,"port":2}`), members...), `"port" occurs twice`)
	require.Equal(t, `3`, string(id), "the answer says which line it was")
	require.ErrorContains(t, exact.Unmarshal([]byte(`{"x":1,"x":1}`), members...), `"x" occurs twice`)

	require.EqualError(t, exact.Unmarshal([]byte(`{"port":"x"}`), members...), "port: no place for this JSON: string")
	require.EqualError(t, exact.Unmarshal([]byte(`{"port":1.5}`), members...), "port: no place for this JSON: number 1.5")
	require.EqualError(t, exact.Unmarshal([]byte(`[]`), members...), "no place for this JSON: array")
	require.NoError(t, exact.Unmarshal([]byte(`{"name":"\uD83d\uDe00\\ud800\"\u0041","\ud83d\ude00":1}`), members...))
	require.Equal(t, "😀\\ud800\"A", name)
	for _, s := range []string{
		`\ud800`, `\uDBFF`, `\udc00`, `\uDFFF`, `\ud800\ud800`, `\ud83d\ude00\ude00`, `\\\ud83d`, `\ud83d\\ude00`, `\ud83d \ude00`, `\ud83d\n`, `\ud83d\u0041`,
	} {
		for _, at := range []string{`{"id":1,"name":"%"}`, `{"id":1,"name%":2}`, `{"other":[{"x":"%"}]}`} {
			require.ErrorContains(t, exact.Unmarshal([]byte(strings.Replace(at, "%", s, 1)), members...), "surrogate", s)
		}
	}
	require.ErrorContains(t, exact.Unmarshal([]byte(`{"name":"\ud800","id":4}`), members...), "surrogate")
	require.Equal(t, `4`, string(id), "the answer says which line it was")
	for _, s := range []string{``, `[]`, `1`, `\`, `{"a":"\`, `{"a":"\ud`, `{"a":"\ud83d\`, `{"port":1`, `{"port":1} {}`, "{\"id\":\"\xff\"}"} {
		require.Error(t, exact.Unmarshal([]byte(s), members...), s)
	}
}
