// SPDX-License-Identifier: Apache-2.0

//go:build !race

package cloudtrail_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestEventScanAllocates goes over a log file of a thousand events: nothing is
// allocated for any of them, with a filter that looks at everything too.
func TestEventScanAllocates(t *testing.T) {
	data := benchLog(rand.New(rand.NewPCG(1, 2)), 1000)
	yes := false
	for _, f := range []cloudtrail.Filter{
		{},
		{
			From: testkit.TrailStart.AddDate(0, 0, -1), To: testkit.TrailStart.AddDate(0, 0, 1),
			Principals: []string{"nobody", "arn:aws:iam::111122223333:role/service-role"}, Accounts: []string{"x", "111122223333"},
			Names: []string{"GetObject"}, Sources: []string{"s3.amazonaws.com"}, Regions: []string{"us-east-1"},
			Addresses: []string{"192.0.2.0/24", "AWS Internal"}, Categories: []string{"Data"}, ReadOnly: new(true),
		},
		{Names: []string{"nothing"}, Errors: true, ReadOnly: &yes},
	} {
		scan, err := cloudtrail.NewLogScan(f, cloudtrail.Limits{})
		require.NoError(t, err)
		length := 0
		yield := func(e *cloudtrail.Event, err error) bool {
			length += len(e.Text("eventName")) + len(e.Text("userIdentity", "sessionContext", "sessionIssuer", "arn")) + len(e.Value("resources")) + len(e.Object())
			return err == nil
		}
		testkit.AllocsAtMost(t, 0, func() {
			if err := scan.File(data, yield); err != nil {
				t.Fatal(err)
			}
		})
		require.Equal(t, f.Errors, length == 0)
	}
}

// TestLinksAllocate: what a link of a bundle costs does not follow the number of
// trusted keys, of which it was read for each link.
func TestLinksAllocate(t *testing.T) {
	trail, c := proofTrail()
	const links, keys = 8, 500
	c.Hours(links, 0)
	b, ring := prove(t, trail, c, func(q *cloudtrail.ProofRequest) { q.OmitLog, q.Links = true, links })
	require.Equal(t, links, len(b.Links))
	for i := range keys {
		ring[c.Region] = append(ring[c.Region], cloudtrail.NewPublicKey(b.Key.Value, time.Unix(0, 0), testkit.TrailStart.AddDate(1, 0, i)))
	}
	judge := func() { require.Equal(t, cloudtrail.Valid, cloudtrail.VerifyBundle(b, ring).Report.Verdict) }
	with := testing.AllocsPerRun(2, judge)
	b.Links = nil
	require.Less(t, with-testing.AllocsPerRun(2, judge), float64(links*keys))
}
