// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// BenchmarkEventScan is CT-66: it goes over the events of an inflated log file and looks at
// who, what and when, and in turns with that decodes the file with encoding/json
// into structs: the floor. A ratio of 0.125 is eight times as fast.
func BenchmarkEventScan(b *testing.B) {
	const events = 1000
	data := benchLog(rand.New(rand.NewPCG(1, 2)), events)
	b.Run("all", func(b *testing.B) { benchScan(b, data, events, cloudtrail.Filter{}) })
	b.Run("filtered", func(b *testing.B) {
		benchScan(b, data, 0, cloudtrail.Filter{
			Principals: []string{"arn:aws:iam::111122223333:role/nobody"}, Names: []string{"GetObject"}, From: testkit.TrailStart.AddDate(0, 0, -1),
		})
	})
}

// BenchmarkEvents is Events over the day on disk, from gzip to the event, with
// everything that is verified on the way.
func BenchmarkEvents(b *testing.B) {
	dir, inflated := benchTrail()
	root, err := os.OpenRoot(dir)
	require.NoError(b, err)
	defer root.Close()
	v := validatorOf(b, root.FS())
	b.SetBytes(inflated)
	b.ReportAllocs()
	n := 0
	begin := testkit.CPUTime()
	for b.Loop() {
		for e, err := range v.Events(b.Context(), cloudtrail.Filter{}) {
			if err != nil || e.Text("eventName") == nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(n)/(testkit.CPUTime()-begin).Seconds(), "events/cpu-s")
}

func benchScan(b *testing.B, data []byte, want int, f cloudtrail.Filter) {
	scan, err := cloudtrail.NewLogScan(f, cloudtrail.Limits{})
	require.NoError(b, err)
	work := func() {
		n, length := 0, 0
		if err := scan.File(data, func(e *cloudtrail.Event, err error) bool {
			n++
			length += len(e.Text("eventName")) + len(e.Text("eventSource")) + len(e.Text("eventTime")) +
				len(e.Text("sourceIPAddress")) + len(e.Text("userIdentity", "arn"))
			return err == nil
		}); err != nil || n != want {
			b.Fatal(n, err)
		}
	}
	floor := func() {
		var log struct{ Records []cloudtrail.Record }
		if err := json.Unmarshal(data, &log); err != nil || len(log.Records) != 1000 {
			b.Fatal(len(log.Records), err)
		}
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	testkit.Beside(b, 1, work, floor)
}
