// SPDX-License-Identifier: Apache-2.0

package siege

import (
	"os"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// requireTrail requires that the audit trail in the folder proves valid, once
// the gateway has signed what it logged.
func (a *attacker) requireTrail(path string) *cloudtrail.Report {
	a.t.Helper()
	dir := cloudtrail.Directory{FS: os.DirFS(path)}
	keys, err := dir.Keys()
	require.NoError(a.t, err)
	v := &cloudtrail.Validator{Source: dir, Keys: keys, Buckets: []string{"gateway-audit"}, CountUnreferenced: true}
	var report *cloudtrail.Report
	require.Eventually(a.t, func() bool {
		report, err = v.Run(a.t.Context())
		return err == nil && report.Counts.Digests.Valid > 0
	}, 20*time.Second, 100*time.Millisecond)
	require.NoError(a.t, err)
	require.Equal(a.t, cloudtrail.Valid, report.Verdict, "%v", report.Findings)
	return report
}
