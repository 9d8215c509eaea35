// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestTrailcheckEvents reads the events of each trail from a directory and over
// S3: they are the same, in the same order, with the exit status of the check.
// That they are those of the files that nobody touched is held in the package,
// against its reference.
func TestTrailcheckEvents(t *testing.T) {
	bin, err := trailcheck()
	require.NoError(t, err)
	cases := slices.DeleteFunc(slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails()), func(tc testkit.TrailCase) bool {
		return tc.Offline || tc.NoTo || tc.Name == "everything deleted" || strings.HasPrefix(tc.Name, "key valid") ||
			tc.Name == "digest moved to another bucket" || tc.Name == "bucket change"
	})
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			trail := tc.Make()
			dir := t.TempDir()
			require.NoError(t, trail.WriteTo(dir))
			local := run(t, nil, bin, append(append([]string{"events"}, flags(&tc)...), "-dir", dir, "-workers", "3")...)
			require.Equal(t, exits[tc.Verdict], local.exit, local.stderr)
			c := serve(t, trail)
			remote := run(t, awsEnv(c.URL), bin, append([]string{"events"}, served(c, &tc)...)...)
			require.Equal(t, local.stdout, remote.stdout)
			require.Equal(t, local.exit, remote.exit, remote.stderr)
			require.NotContains(t, local.stdout, "Forged")
			for line := range strings.Lines(local.stdout) {
				require.True(t, json.Valid([]byte(line)), line)
			}
		})
	}
	testkit.Report(t, "interop", "awstrail/trailcheck-events", "-", len(cases))
}
