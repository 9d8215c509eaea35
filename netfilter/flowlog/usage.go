// SPDX-License-Identifier: Apache-2.0

package flowlog

import "math"

// Usage counts records and what they carried. Sums stop at the highest number.
type Usage struct {
	// Records is the number of records, Packets and Bytes the sums of theirs.
	Records, Packets, Bytes uint64
	// First and Last are the earliest start and the latest end, in Unix seconds; 0
	// where no record has one.
	First, Last int64
}

func (u *Usage) add(r *Record) {
	u.Records++
	u.Packets = sum(u.Packets, r.Packets)
	u.Bytes = sum(u.Bytes, r.Bytes)
	u.First, u.Last = earlier(u.First, r.Start), max(u.Last, r.End)
}

func (u *Usage) merge(o Usage) {
	u.Records = sum(u.Records, o.Records)
	u.Packets, u.Bytes = sum(u.Packets, o.Packets), sum(u.Bytes, o.Bytes)
	u.First, u.Last = earlier(u.First, o.First), max(u.Last, o.Last)
}

func sum(a, b uint64) uint64 {
	if s := a + b; s >= a {
		return s
	}
	return math.MaxUint64
}

// earlier is the lower of two times; 0 is none.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
