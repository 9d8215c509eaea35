// SPDX-License-Identifier: Apache-2.0

//go:build !race

package cloudtrail_test

import (
	"math/rand/v2"
	"testing"

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
