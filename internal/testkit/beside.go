// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"math"
	"testing"
	"time"
)

// Beside measures work beside floor, in turns of n calls each, and reports the
// least processor time of a call of either and the ratio of the two. Other
// processes disturb both alike, and the least of many short turns the least.
func Beside(b *testing.B, n int, work, floor func()) {
	least := [2]float64{math.Inf(1), math.Inf(1)}
	for b.Loop() {
		for i, f := range [2]func(){work, floor} {
			start := clock()
			for range n {
				f()
			}
			least[i] = min(least[i], float64(clock()-start)/float64(n))
		}
	}
	b.ReportMetric(least[0], "work-ns")
	b.ReportMetric(least[1], "floor-ns")
	b.ReportMetric(least[0]/least[1], "ratio")
}

// clock is CPUTime, or the wall's where that is not known.
func clock() time.Duration {
	if t := CPUTime(); t > 0 {
		return t
	}
	return time.Duration(time.Now().UnixNano())
}
