// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestCheckpoint is CT-56: what was valid once must still be there.
func TestCheckpoint(t *testing.T) {
	trail, c := plainTrail()
	first := validate(t, trail.FS(), nil)
	require.NotNil(t, first.Checkpoint)
	data, err := json.Marshal(first.Checkpoint)
	require.NoError(t, err)
	with := func(t *testing.T, tr *testkit.Trail) *cloudtrail.Report {
		point, err := cloudtrail.ParseCheckpoint(data)
		require.NoError(t, err)
		return validate(t, tr.FS(), func(v *cloudtrail.Validator) { v.Checkpoint = point })
	}
	t.Run("nothing new", func(t *testing.T) {
		rep := with(t, trail)
		require.Empty(t, rep.Findings)
		require.Equal(t, 1, rep.Counts.Digests.Total, "it continues from the digest of the checkpoint")
		require.Equal(t, first.Checkpoint, rep.Checkpoint)
	})
	c.Hours(2, 1)
	t.Run("two hours more", func(t *testing.T) {
		rep := with(t, trail)
		require.Empty(t, rep.Findings)
		require.Equal(t, 3, rep.Counts.Digests.Total)
		require.True(t, strings.HasSuffix(rep.Checkpoint.Chains[0].Digest, c.Digests[4]))
	})
	t.Run("rolled back", func(t *testing.T) {
		old, _ := plainTrail()
		chain := old.Chain()
		clear(old.Objects)
		chain.Hours(2, 2)
		rep := with(t, old)
		require.Equal(t, []string{"digest-missing"}, codes(rep))
		require.Nil(t, rep.Checkpoint)
	})
	t.Run("everything gone", func(t *testing.T) {
		rep := with(t, testkit.NewTrail())
		require.Equal(t, []string{"digest-missing"}, codes(rep))
		require.Equal(t, cloudtrail.Incomplete, rep.Verdict)
	})
	t.Run("everything gone, tail expected", func(t *testing.T) { // CT-38, CT-43: no hour twice
		point, err := cloudtrail.ParseCheckpoint(data)
		require.NoError(t, err)
		end := point.Chains[0].End
		for after, want := range map[time.Duration][]string{time.Hour: {"digest-missing"}, time.Hour + 1: {"digest-missing", "tail-missing"}} {
			rep := validate(t, testkit.NewTrail().FS(), func(v *cloudtrail.Validator) { v.Checkpoint, v.ExpectThrough = point, end.Add(after) })
			require.Equal(t, want, codes(rep))
			for _, f := range rep.Findings {
				if f.Code == cloudtrail.TailMissing {
					require.Equal(t, cloudtrail.Interval{From: end, To: end.Add(after)}, cloudtrail.Interval{From: f.From, To: f.To})
				}
			}
		}
	})
	t.Run("its digest deleted", func(t *testing.T) {
		tr := testkit.NewTrail()
		tr.Keys = trail.Keys
		chain := tr.Chain()
		chain.Hours(5, 1)
		delete(tr.Objects, chain.Digests[2])
		require.Equal(t, []string{"digest-missing"}, codes(with(t, tr)))
	})
	t.Run("rewritten", func(t *testing.T) {
		other := testkit.NewTrail()
		other.Keys = trail.Keys
		other.Chain().Hours(5, 1) // another history, as well signed
		rep := with(t, other)
		require.Equal(t, []string{"chain-broken"}, codes(rep))
		require.Equal(t, cloudtrail.Tampered, rep.Verdict)
	})
	t.Run("a chain that was not met is kept", func(t *testing.T) {
		point, err := cloudtrail.ParseCheckpoint(data)
		require.NoError(t, err)
		stranger := point.Chains[0]
		stranger.Chain.Account = "999999999999"
		point.Chains = append(point.Chains, stranger)
		rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) {
			v.Checkpoint, v.Accounts = point, []string{"111122223333"}
		})
		require.Empty(t, rep.Findings)
		require.Len(t, rep.Checkpoint.Chains, 2)
		require.Equal(t, stranger, rep.Checkpoint.Chains[1])
	})
}

// TestCheckpointStrict: a damaged checkpoint is refused and not read as less.
func TestCheckpointStrict(t *testing.T) {
	trail, _ := plainTrail()
	data, err := json.Marshal(validate(t, trail.FS(), nil).Checkpoint)
	require.NoError(t, err)
	text := string(data)
	for name, bad := range map[string]string{
		"empty":          "",
		"truncated":      text[:len(text)-1],
		"no version":     strings.Replace(text, `"version":1,`, "", 1),
		"other version":  strings.Replace(text, `"version":1`, `"version":2`, 1),
		"unknown member": strings.Replace(text, `"version":1`, `"version":1,"x":1`, 1),
		"other account":  strings.Replace(text, `"account":"111122223333"`, `"account":"111122223334"`, 1),
		"other time":     strings.Replace(text, `"end":"2026-03-01T03`, `"end":"2026-03-01T02`, 1),
		"no hash":        strings.Replace(text, `"sha256":`, `"sha":`, 1),
		"hash not hex":   strings.Replace(text, `"sha256":"`, `"sha256":"zz`, 1),
		"no time":        strings.Replace(text, `"end":"2026-03-01T03:13:52Z"`, `"end":"soon"`, 1),
		"digest no URL":  strings.Replace(text, `"digest":"s3://`, `"digest":"`, 1),
		"chain twice":    strings.Replace(text, `"chains":[`, `"chains":[`+text[strings.Index(text, "[")+1:strings.LastIndex(text, "]")]+",", 1),
		"data behind":    text + "{}",
	} {
		_, err := cloudtrail.ParseCheckpoint([]byte(bad))
		require.ErrorIs(t, err, cloudtrail.ErrCheckpoint, name)
	}
}
