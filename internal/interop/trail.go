// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// ValidTrail requires that the audit trail of the gateway proves valid, once
// the gateway has signed what it and its predecessors logged.
func (g *GatewayServer) ValidTrail(tb testing.TB) {
	tb.Helper()
	dir := cloudtrail.Directory{FS: os.DirFS(filepath.Join(g.Dir, "audit"))}
	keys, err := dir.Keys()
	if err != nil {
		tb.Fatal(err)
	}
	v := &cloudtrail.Validator{Source: dir, Keys: keys, Buckets: []string{"gateway-audit"}, CountUnreferenced: true}
	var report *cloudtrail.Report
	for deadline := time.Now().Add(20 * time.Second); ; {
		report, err = v.Run(tb.Context())
		if err == nil && report.Counts.Digests.Valid > 0 || time.Now().After(deadline) {
			break
		}
		time.Sleep(100 * time.Millisecond) // between two looks at what another process writes
	}
	if err != nil {
		tb.Fatal(err)
	}
	if report.Counts.Digests.Valid == 0 || report.Verdict != cloudtrail.Valid {
		tb.Fatalf("interop: the trail is %s, with %d valid digests: %v", report.Verdict, report.Counts.Digests.Valid, report.Findings)
	}
}
