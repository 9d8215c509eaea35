// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// growing is the tree of a trail of six hours, of which some are there yet.
type growing struct {
	trail *testkit.Trail
	chain *testkit.TrailChain
	now   fs.FS
}

func newGrowing() *growing {
	trail, c := proofTrail()
	return &growing{trail: trail, chain: c}
}

func (g *growing) Open(name string) (fs.File, error) { return g.now.Open(name) }

// at makes the tree what it is after n hours.
func (g *growing) at(n int) fstest.MapFS {
	tree := g.trail.FS()
	for h := max(n, 0); h < 6; h++ {
		delete(tree, g.chain.Digests[h])
		delete(tree, g.chain.Digests[h]+".meta.json")
		for _, path := range g.chain.Logs[h] {
			delete(tree, path)
		}
	}
	g.now = tree
	return tree
}

func (g *growing) validator(t testing.TB) *cloudtrail.Validator {
	t.Helper()
	return validatorOf(t, g)
}

// TestFollow: each new digest is checked at the next look, from where the last
// valid run ended, and looks are as far apart as was asked for.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrowing()
		g.at(1)
		begin, n := time.Now(), 1
		for rep, err := range g.validator(t).Follow(t.Context(), 7*time.Minute) {
			require.NoError(t, err)
			require.Equal(t, cloudtrail.Valid, rep.Verdict, "%s", asJSON(t, rep))
			require.Equal(t, time.Duration(n-1)*7*time.Minute, time.Since(begin))
			require.Equal(t, min(n, 2), rep.Counts.Digests.Total, "the last one again, and the new one")
			require.Equal(t, "s3://"+g.chain.Digests[n-1], rep.Checkpoint.Chains[0].Digest)
			if n++; n > 6 {
				break
			}
			g.at(n)
		}
		require.Equal(t, 7, n)
	})
}

// TestFollowTampered: what is wrong is found again at every look until it is
// mended, and then everything since is checked.
func TestFollowTampered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrowing()
		g.at(2)
		var got []string
		for rep, err := range g.validator(t).Follow(t.Context(), time.Hour) {
			require.NoError(t, err)
			got = append(got, fmt.Sprint(codes(rep), rep.Counts.Digests.Total, rep.Checkpoint != nil))
			if len(got) == 4 {
				break
			}
			tree := g.at(2 + len(got))
			if len(got) < 3 {
				tree[g.chain.Logs[2][1]] = &fstest.MapFile{Data: testkit.Gzip([]byte("{}"))}
			}
		}
		require.Equal(t, []string{"[] 2 true", "[log-hash-mismatch] 2 false", "[log-hash-mismatch] 3 false", "[] 4 true"}, got)
	})
}

// TestFollowRollback is CT-56 between two looks: a digest that was checked and is
// gone or replaced is found.
func TestFollowRollback(t *testing.T) {
	for code, change := range map[string]func(*growing){
		"digest-missing": func(g *growing) { g.at(3) },
		"chain-broken": func(g *growing) {
			c := testkit.NewTrail().Chain() // the same hours, signed by the same key, of other files
			c.Hours(4, 1)
			tree := c.Trail.FS()
			for path, file := range g.at(0) {
				tree[path] = file
			}
			g.now = tree
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newGrowing()
			g.at(4)
			looks := 0
			for rep, err := range g.validator(t).Follow(t.Context(), time.Hour) {
				require.NoError(t, err)
				if looks++; looks == 2 {
					require.Contains(t, codes(rep), code)
					require.Nil(t, rep.Checkpoint)
					break
				}
				require.Equal(t, cloudtrail.Valid, rep.Verdict)
				change(g)
			}
		})
	}
}

// TestFollowCrash: wherever the process ends, before or after the checkpoint is
// saved, the runs whose checkpoint was saved leave no hour out.
func TestFollowCrash(t *testing.T) {
	for crash := 1; crash <= 6; crash++ {
		for _, saves := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				g := newGrowing()
				hours, looks := 1, 0
				reached := testkit.TrailStart
				var saved *cloudtrail.Checkpoint
				for reached.Before(testkit.TrailStart.Add(6 * time.Hour)) {
					require.Less(t, looks, 20)
					v := g.after(t, hours)
					v.Checkpoint = saved
					for rep, err := range v.Follow(t.Context(), time.Hour) {
						require.NoError(t, err)
						require.Equal(t, cloudtrail.Valid, rep.Verdict)
						looks++
						if looks == crash && !saves {
							break
						}
						saved = rep.Checkpoint
						span := rep.Coverage[0].Intervals
						require.Len(t, span, 1)
						require.False(t, span[0].From.After(reached), "no hour is left out")
						reached = span[0].To
						if looks == crash || hours == 6 {
							break
						}
						hours++
						g.at(hours)
					}
					hours = min(hours+2, 6) // more came while the process was away
				}
			})
		}
	}
}

func (g *growing) after(t testing.TB, hours int) *cloudtrail.Validator {
	g.at(hours)
	return g.validator(t)
}

// TestFollowErrors: a run that fails is said and tried again, what cannot be
// used ends at once, and the context ends it without half a report.
func TestFollowErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGrowing()
		v := g.after(t, 3)
		refuse := true
		v.Source = &faulty{Source: v.Source, list: func(string) error {
			if refuse {
				return errors.New("AccessDenied")
			}
			return nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var got []string
		for rep, err := range v.Follow(ctx, time.Minute) {
			got = append(got, fmt.Sprint(rep.Verdict, errors.Is(err, cloudtrail.ErrListing)))
			refuse = false
			if len(got) == 2 {
				cancel()
			}
		}
		require.Equal(t, []string{"error true", "valid false"}, got)
		for _, err := range g.validator(t).Follow(t.Context(), 0) {
			require.ErrorIs(t, err, cloudtrail.ErrConfig)
		}
		v.Keys = nil
		for _, err := range v.Follow(t.Context(), time.Minute) {
			require.ErrorIs(t, err, cloudtrail.ErrConfig)
		}
	})
}
