// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"crypto/rsa"
	"testing"

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
