// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"encoding/json"
	"slices"
	"time"
)

// Interval is a span of time, [From, To). It is written to JSON as a pair of
// RFC 3339 times.
type Interval struct {
	From, To time.Time // UTC
}

// MarshalJSON returns ["from","to"].
func (i Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]string{i.From.UTC().Format(layoutTime), i.To.UTC().Format(layoutTime)})
}

// union returns the intervals sorted and merged where they meet. It reuses the
// slice; empty ones are dropped.
func union(list []Interval) []Interval {
	list = slices.DeleteFunc(list, func(i Interval) bool { return !i.From.Before(i.To) })
	slices.SortFunc(list, func(a, b Interval) int { return a.From.Compare(b.From) })
	merged := list[:0]
	for _, i := range list {
		if n := len(merged); n > 0 && !merged[n-1].To.Before(i.From) {
			if i.To.After(merged[n-1].To) {
				merged[n-1].To = i.To
			}
			continue
		}
		merged = append(merged, i)
	}
	return merged
}

// subtract returns what of a is not in b; both are unions. It goes over each once.
func subtract(a, b []Interval) []Interval {
	var rest []Interval
	for _, i := range a {
		for len(b) > 0 && !b[0].To.After(i.From) {
			b = b[1:]
		}
		for _, j := range b {
			if !j.From.Before(i.To) {
				break
			}
			if j.From.After(i.From) {
				rest = append(rest, Interval{i.From, j.From})
			}
			i.From = j.To
		}
		if i.From.Before(i.To) {
			rest = append(rest, i)
		}
	}
	return rest
}

// within reports whether [from, to] lies inside one interval of a union.
func within(list []Interval, from, to time.Time) bool {
	n, _ := slices.BinarySearchFunc(list, from, func(i Interval, t time.Time) int {
		if i.From.After(t) {
			return 1
		}
		return -1
	})
	return n > 0 && !list[n-1].To.Before(to)
}
