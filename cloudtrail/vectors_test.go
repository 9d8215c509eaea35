// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

func TestVectorsTrail(t *testing.T) {
	dir := testkit.Vectors(t, "cloudtrail")
	root, err := os.OpenRoot(filepath.Join(dir, "trail"))
	require.NoError(t, err)
	defer root.Close()
	tree := cloudtrail.Directory{FS: root.FS()}
	keys, err := tree.Keys()
	require.NoError(t, err)
	buckets, err := tree.Buckets()
	require.NoError(t, err)
	v := cloudtrail.Validator{Source: tree, Keys: keys, Buckets: buckets}
	rep, err := v.Run(t.Context())
	require.NoError(t, err)
	require.Empty(t, rep.Findings)
	require.Equal(t, cloudtrail.Valid, rep.Verdict)
	require.Equal(t, cloudtrail.Tally{Valid: 6, Total: 6}, rep.Counts.Digests)
	require.Equal(t, cloudtrail.Tally{Valid: 15, Total: 15}, rep.Counts.Logs)
	require.Zero(t, rep.Counts.UnreferencedUncovered)
	testkit.Report(t, "vectors", "cloudtrail", "-", 21)
}
