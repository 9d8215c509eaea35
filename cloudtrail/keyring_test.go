// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"crypto/rsa"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTwoKeysOneFingerprint is CT-13: two keys that are both good, as an MD5
// collision would make them, verify nothing, in whatever order they are listed.
// No such keys are at hand, so that the set is made by hand.
func TestTwoKeysOneFingerprint(t *testing.T) {
	a := PublicKey{Fingerprint: "00", Value: []byte("a"), key: &rsa.PublicKey{}}
	b := PublicKey{Fingerprint: "00", Value: []byte("b"), key: &rsa.PublicKey{}}
	for _, list := range [][]PublicKey{{a, b}, {b, a}, {a, a, b}} {
		_, unusable := (&keySet{keys: map[string][]PublicKey{"00": list}}).find("00")
		require.Equal(t, "two different keys have this fingerprint", unusable)
	}
	_, unusable := (&keySet{keys: map[string][]PublicKey{"00": {a, a}}}).find("00")
	require.Empty(t, unusable)
}

// spanKeys lists for each span one key of its own, and counts how often it is asked.
type spanKeys struct{ asked int }

func (s *spanKeys) Keys(_ context.Context, _ string, from, _ time.Time) ([]PublicKey, error) {
	s.asked++
	return []PublicKey{{Fingerprint: strconv.FormatInt(from.Unix(), 16)}}, nil
}

// TestKeySpansAreBounded: digests are looked up by the times they claim, before
// their signature is known. However many claim times of their own, the keys of a
// few spans are kept, and each has the keys of its span and of the region's.
func TestKeySpansAreBounded(t *testing.T) {
	source := &spanKeys{}
	k := newKeyCache(source)
	span := Interval{time.Unix(1<<30, 0), time.Unix(1<<30+3600, 0)}
	k.extend("us-east-1", span)
	ask := func(n int64) {
		set := k.lookup(t.Context(), "us-east-1", Interval{time.Unix(n, 0), time.Unix(n+1, 0)})
		for _, from := range []int64{n, span.From.Unix()} {
			keys, _ := set.find(strconv.FormatInt(from, 16))
			require.Len(t, keys, 1)
		}
	}
	for n := range int64(1000) {
		ask(n)
		ask(n) // is not asked for again
		require.LessOrEqual(t, len(k.regions["us-east-1"].more), 16)
	}
	require.Equal(t, 1001, source.asked)
}
