// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"crypto/fips140"
	"testing"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/stretchr/testify/require"
)

// Everything works in every FIPS mode but customer keys, which travel with
// their MD5: under enforcement they are an error, and no panic.
func TestFIPS(t *testing.T) {
	u, err := newS3().Get(docKeys, demo, "k", nil)
	require.NoError(t, err)
	_, err = verifier().Verify(arrive(t, u, ""))
	require.NoError(t, err)
	form, err := newS3().Post(docKeys, &presign.PostPolicy{Bucket: demo, Key: "k", MaxSize: 10})
	require.NoError(t, err)
	_, _, err = upload(post(encode(formFields(form), "f", "x")))
	require.NoError(t, err)
	_, err = newS3().Get(docKeys, demo, "k", &presign.Options{Encryption: presign.Encryption{CustomerKey: make([]byte, 32)}})
	if fips140.Enforced() {
		require.ErrorIs(t, err, presign.ErrFIPS)
		return
	}
	require.NoError(t, err)
}
