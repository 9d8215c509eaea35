// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

// fullSink keeps what it is given last, unless it is broken.
type fullSink struct {
	last   []*StoredObject
	broken error
}

func (s *fullSink) Put(_ context.Context, o *StoredObject) error {
	s.last = append(s.last, o)
	return s.broken
}

// TestWriterPendingIsBounded: of log files that wait for a digest, a Writer holds as
// many as one can list that validators read, with the longest names. One more writes
// the digest; while that fails there is no more.
func TestWriterPendingIsBounded(t *testing.T) {
	signer := &Signer{
		Bucket: strings.Repeat("b", 63), Prefix: strings.Repeat("p/", 440) + "p", Org: "o-0123456789", Account: "111122223333",
		Trail: "main", Home: "us-east-1", Region: "us-east-1", Key: testkit.TrailKeys[0](),
	}
	sink := &fullSink{}
	start := testkit.TrailStart
	w := &Writer{signer: signer, sink: sink, start: start}
	record := []json.RawMessage{json.RawMessage(`{"eventTime":"2026-03-01T00:13:52Z"}`)}
	for i := range maxPending - 1 {
		entry := LogFile{
			Bucket: signer.Bucket, Hash: fmt.Sprintf("%064x", i*i), HashAlgorithm: algorithmHash, Newest: start, Oldest: start,
			Object: LogName{Prefix: signer.Prefix, Org: signer.Org, Account: signer.Account, Kind: "CloudTrail", Region: signer.Region, Time: start, ID: fmt.Sprintf("%016d", i)}.String(),
		}
		require.LessOrEqual(t, len(entry.Object), maxKey)
		w.pending = append(w.pending, entry)
	}
	require.NoError(t, w.WriteLog(t.Context(), start.Add(time.Minute), record))
	require.Len(t, sink.last, 1, "no digest yet")

	sink.broken = errors.New("broken")
	require.ErrorIs(t, w.WriteLog(t.Context(), start.Add(2*time.Minute), record), sink.broken)
	_, pending := w.Last()
	require.Equal(t, maxPending, pending)

	sink.broken, sink.last = nil, nil
	require.NoError(t, w.WriteLog(t.Context(), start.Add(2*time.Minute), record))
	last, pending := w.Last()
	require.Equal(t, 1, pending)
	require.Equal(t, start.Add(2*time.Minute), last.End)
	require.Len(t, sink.last, 2)
	limits := Limits{}.filled()
	require.Less(t, int64(len(sink.last[0].Body)), limits.DigestStored)
	d, err := ParseDigest(testkit.Gunzip(sink.last[0].Body), limits)
	require.NoError(t, err)
	require.Len(t, d.Logs, maxPending)
}
