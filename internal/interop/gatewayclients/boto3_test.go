// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
)

// testBoto3 runs testdata/boto3_client.py, which asserts for itself and prints how
// many operations it compared.
func testBoto3(t *testing.T, w *world) string {
	python := interop.Python(t, "boto3")
	script, err := filepath.Abs("testdata/boto3_client.py")
	require.NoError(t, err)
	s := newShell(t, w, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
	args := []string{python, script, w.URL, w.CA}
	for _, u := range append([]user{w.root(), w.temporary()}, w.strangers()...) {
		args = append(args, strings.Join([]string{u.id, u.secret, u.token, u.code}, "|"))
	}
	out, err := s.try(args...)
	require.NoError(t, err, out)
	n, err := strconv.Atoi(strings.TrimSpace(out))
	require.NoError(t, err, out)
	w.cases += n
	return "boto3 " + interop.Version(t, python, "-c", "import boto3; print(boto3.__version__)")
}
