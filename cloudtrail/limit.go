// SPDX-License-Identifier: Apache-2.0

package cloudtrail

// Limits bound what hostile objects can make a Validator hold or do. A field
// that is zero has its default. What is over a limit is reported as unreadable
// with the detail "limit". Of digests of more than 4 MiB one is held at a time.
type Limits struct {
	DigestStored   int64 // bytes of a digest object as stored; 8 MiB
	DigestInflated int64 // bytes of a digest uncompressed; 64 MiB
	DigestLogs     int   // entries of logFiles; 200,000
	LogInflated    int64 // bytes of a log file uncompressed; 256 MiB
	Depth          int   // JSON objects and arrays inside each other; 64
	Metadata       int   // bytes of signature metadata; 2 KiB
	Event          int64 // bytes of one event; 4 MiB
	EventDepth     int   // JSON objects and arrays inside each other in a log file; 128
}

func (l Limits) filled() Limits {
	set := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	set(&l.DigestStored, 8<<20)
	set(&l.DigestInflated, 64<<20)
	set(&l.LogInflated, 256<<20)
	set(&l.Event, 4<<20)
	if l.EventDepth == 0 {
		l.EventDepth = 128
	}
	if l.DigestLogs == 0 {
		l.DigestLogs = 200_000
	}
	if l.Depth == 0 {
		l.Depth = 64
	}
	if l.Metadata == 0 {
		l.Metadata = 2 << 10
	}
	return l
}
