// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKeyCacheIsBoundedSIG31: the oldest key makes room, a new day drops the
// old one's keys, and a secret rotated under the same id is another entry.
func TestKeyCacheIsBoundedSIG31(t *testing.T) {
	var c keyCache
	get := func(secret, date string, size int) *signingKey {
		k, err := c.get(secret, &Scope{Date: date, Region: "us-east-1", Service: "s3"}, size)
		require.NoError(t, err)
		return k
	}
	for i := range 1000 {
		get(fmt.Sprint("secret number ", i), "20130524", 0)
		require.LessOrEqual(t, len(c.keys), defaultKeyCache)
		require.LessOrEqual(t, len(c.order), defaultKeyCache)
	}
	require.Len(t, c.keys, defaultKeyCache)
	newest := get("secret number 999", "20130524", 0)
	require.Same(t, newest, get("secret number 999", "20130524", 0), "kept")
	require.Same(t, get("secret number 800", "20130524", 0), get("secret number 800", "20130524", 0))
	require.NotEqual(t, newest.key, get("secret number 998", "20130524", 0).key)

	tomorrow := get("secret number 999", "20130525", 0)
	require.NotEqual(t, newest.key, tomorrow.key)
	require.Len(t, c.keys, 1, "the day before is gone")
	require.Equal(t, newest.key, get("secret number 999", "20130524", 0).key, "and can come back")
	require.Len(t, c.keys, 2)
	require.Same(t, tomorrow, get("secret number 999", "20130525", 0))

	var none keyCache
	c = keyCache{}
	k, err := none.get("secret number 1", &Scope{"20130524", "r", "s"}, -1)
	require.NoError(t, err)
	require.NotNil(t, k)
	require.Empty(t, none.keys)
	_, err = none.get("", &Scope{"20130524", "r", "s"}, 0)
	require.ErrorIs(t, err, ErrCredentials)
}

// TestPooledMemoryForgets: what went through a request does not stay in the
// pool, and a large buffer is not kept.
func TestPooledMemoryForgets(t *testing.T) {
	sc := &scratch{buf: []byte("token"), arena: []byte("token"), block: []byte("token")}
	sc.reset()
	for _, b := range [][]byte{sc.buf[:5], sc.arena[:5], sc.block[:5]} {
		require.Equal(t, make([]byte, 5), b)
	}
	var c claim
	token := param{hi: 5}
	sc = &scratch{arena: []byte("token")}
	sc.decodeParams([authParams]*param{}, &token, &c)
	require.Equal(t, "token", c.token)
	require.Equal(t, make([]byte, 5), sc.tmp[:5], "the copy that was decoded")
	for name, sc := range map[string]*scratch{
		"buf":    {buf: make([]byte, maxPooled+1)},
		"arena":  {arena: make([]byte, maxPooled+1)},
		"path":   {path: make([]byte, maxPooled+1)},
		"block":  {block: make([]byte, maxPooled+1)},
		"names":  {names: make([]byte, maxPooled+1)},
		"tmp":    {tmp: make([]byte, maxPooled+1)},
		"params": {params: make([]param, maxPooledItems+1)},
		"heads":  {heads: make([]head, maxPooledItems+1)},
		"ranks":  {ranks: make([]rank, maxPooledItems+1)},
	} {
		sc.reset()
		require.Equal(t, &scratch{}, sc, name)
	}
	sc = &scratch{path: make([]byte, maxPooled), params: make([]param, maxPooledItems)}
	sc.reset()
	require.Equal(t, maxPooled, cap(sc.path), "as much is kept")
	require.Equal(t, maxPooledItems, cap(sc.params))
}
