// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"cmp"
	"slices"
	"time"
)

// state is what is known of one digest object: of one the listing showed.
type state struct {
	bucket, prefix string
	end            time.Time // by the key

	inRange  bool // of the request
	selected bool // and of a chain the filters let through: counted and reported
	wanted   bool // selected, or read for the sake of unreferenced log files
	read     bool // it has been read
	deferred bool // a copy without signature, to be looked up in its successor
	accepted bool // every check passed; else present but unverified
	hasLogs  bool // it states which log files there are
	lists    bool // the log file that Prove looks for
	broken   bool // does not continue its predecessor, or overlaps it

	start    time.Time
	sum      [32]byte
	sig      [32]byte // SHA-256 of the signature in lower case
	previous *previousState
	saved    []byte    // the signature
	logs     []LogFile // with KeepObjects
	listed   logList   // for Events
}

// previousState is what an accepted digest says about its predecessor.
type previousState struct {
	bucket, object string
	sum            string // hex, lower case
	sig            [32]byte
}

// chainState is one chain during a run.
type chainState struct {
	id        Chain
	examined  bool // the filters let it through; else it is read for CT-57 only
	digests   []*state
	from      time.Time // where the range begins for it; zero is the beginning
	continued *ChainEnd // where the last run ended
	gone      location  // that digest, when it is missing

	hasSignature bool                // at least one digest has one
	signed       map[location]string // in a copy without metadata, what successors hold

	gaps, holes []Interval
	missing     []Interval // hours of missing digests
	lost        int        // missing digests
	tail        string
}

func (c *chainState) key(s *state) string {
	return DigestName{Prefix: s.prefix, Chain: c.id, End: s.end}.String()
}

func (c *chainState) location(s *state) location { return location{s.bucket, c.key(s)} }

// sort puts the digests in the order of their keys' times.
func (c *chainState) sort() {
	slices.SortFunc(c.digests, func(a, b *state) int {
		return cmp.Or(a.end.Compare(b.end), cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.prefix, b.prefix))
	})
}

// pointee is what a digest's pointer to its predecessor leads to.
type pointee struct {
	kind  pointeeKind
	state *state      // of a present one
	chain *chainState // of a present one
	end   time.Time   // by the key, zero when the key is no digest's
	where location
}

type pointeeKind uint8

const (
	present    pointeeKind = iota
	absent                 // the object does not exist
	unreadable             // its bucket cannot be listed, or is not part of the copy
	foreign                // it exists and is not a digest
)
