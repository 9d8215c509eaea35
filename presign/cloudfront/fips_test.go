// SPDX-License-Identifier: Apache-2.0

package cloudfront_test

import (
	"crypto/fips140"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/presign/cloudfront"
	"github.com/stretchr/testify/require"
)

// SHA-256 works in every mode; SHA-1 is an error, and no panic, where the
// module enforces FIPS 140-3.
func TestFIPS(t *testing.T) {
	signed := sign(t, base+"/a", hour())
	require.NoError(t, verify(signed))
	s := ecSigner()
	s.Hash = cloudfront.SHA1
	_, err := s.SignURL(base+"/a", hour())
	old := verify(strings.TrimSuffix(signed, "&Hash-Algorithm=SHA256"))
	if fips140.Enforced() {
		require.ErrorIs(t, err, cloudfront.ErrFIPS)
		require.ErrorIs(t, old, cloudfront.ErrFIPS)
		return
	}
	require.NoError(t, err)
	require.ErrorIs(t, old, cloudfront.ErrSignature)
}
