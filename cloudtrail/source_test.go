// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// faulty is a Source in front of another that fails as a network does.
type faulty struct {
	cloudtrail.Source
	open    func(key string, try int) (wrap func(*cloudtrail.Object) *cloudtrail.Object, err error)
	list    func(prefix string) error
	shuffle bool

	mu    sync.Mutex
	tries map[string]int
}

func (f *faulty) Open(ctx context.Context, bucket, key string) (*cloudtrail.Object, error) {
	f.mu.Lock()
	if f.tries == nil {
		f.tries = map[string]int{}
	}
	f.tries[key]++
	try := f.tries[key]
	f.mu.Unlock()
	var wrap func(*cloudtrail.Object) *cloudtrail.Object
	if f.open != nil {
		var err error
		if wrap, err = f.open(key, try); err != nil {
			return nil, err
		}
	}
	o, err := f.Source.Open(ctx, bucket, key)
	if err == nil && wrap != nil {
		o = wrap(o)
	}
	return o, err
}

func (f *faulty) List(ctx context.Context, bucket, prefix, delimiter string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if f.list != nil {
			if err := f.list(prefix); err != nil {
				yield("", err)
				return
			}
		}
		var keys []string
		for key, err := range f.Source.List(ctx, bucket, prefix, delimiter) {
			if err != nil {
				yield("", err)
				return
			}
			keys = append(keys, key)
		}
		if f.shuffle {
			rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		}
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

// cut ends a body early, with an error or without.
func cut(after int, err error) func(*cloudtrail.Object) *cloudtrail.Object {
	return func(o *cloudtrail.Object) *cloudtrail.Object {
		rest := io.Reader(eofReader{})
		if err != nil {
			rest = errReader{err}
		}
		o.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(o.Body, int64(after)), rest), o.Body}
		return o
	}
}

type (
	eofReader struct{}
	errReader struct{ err error }
)

func (eofReader) Read([]byte) (int, error)   { return 0, io.EOF }
func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func plainTrail() (*testkit.Trail, *testkit.TrailChain) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Hours(3, 2)
	return trail, c
}

// TestSourceFaults is CT-20, CT-40 and CT-47: what the network broke is tried
// again and accuses nobody; what is refused, archived or gone is told apart, and
// the run goes on.
func TestSourceFaults(t *testing.T) {
	refused := errors.New("AccessDenied")
	reset := errors.New("connection reset")
	cases := []struct {
		name    string
		log     func(key string, try int) (func(*cloudtrail.Object) *cloudtrail.Object, error)
		digest  bool // the fault is in a digest
		codes   []string
		verdict string
		tries   int
	}{
		{"refused", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) { return nil, refused }, false, []string{"log-unreadable"}, "incomplete", 1},
		{"archived", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			return nil, cloudtrail.ErrArchived
		}, false, []string{"log-archived"}, "incomplete", 1},
		{"busy once", func(_ string, try int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			if try == 1 {
				return nil, cloudtrail.ErrTransient
			}
			return nil, nil
		}, false, nil, "valid", 2},
		{"busy always", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			return nil, cloudtrail.ErrTransient
		}, false, []string{"log-unreadable"}, "incomplete", 3},
		{"cut once", func(_ string, try int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			if try == 1 {
				return cut(40, nil), nil
			}
			return nil, nil
		}, false, nil, "valid", 2},
		{"cut always", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) { return cut(40, nil), nil }, false, []string{"log-unreadable"}, "incomplete", 3},
		{"reset once", func(_ string, try int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			if try == 1 {
				return cut(40, reset), nil
			}
			return nil, nil
		}, false, nil, "valid", 2},
		{"reset always", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) { return cut(40, reset), nil }, false, []string{"log-unreadable"}, "incomplete", 3},
		{"cut before the trailer", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) { return cut(200, nil), nil }, false, []string{"log-unreadable"}, "incomplete", 3},
		{"other bytes once", func(_ string, try int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			if try == 1 {
				return other, nil
			}
			return nil, nil
		}, false, nil, "valid", 2},
		{"other bytes twice", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) { return other, nil }, false, []string{"log-hash-mismatch"}, "tampered", 2},
		{"digest refused", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) { return nil, refused }, true, []string{"digest-unreadable"}, "incomplete", 1},
		{"digest archived", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			return nil, cloudtrail.ErrArchived
		}, true, []string{"digest-unreadable"}, "incomplete", 1},
		{"digest gone", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) { return nil, fs.ErrNotExist }, true, []string{"digest-missing"}, "incomplete", 1},
		{"digest cut always", func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) { return cut(100, reset), nil }, true, []string{"digest-unreadable"}, "incomplete", 3},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			trail, c := plainTrail()
			target := c.Logs[1][0]
			if tc.digest {
				target = c.Digests[1]
			}
			_, key, _ := strings.Cut(target, "/")
			// In a bubble: backoff costs no time, and a goroutine left behind fails.
			synctest.Test(t, func(t *testing.T) {
				f := &faulty{}
				f.open = func(k string, try int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
					if k == key {
						return tc.log(k, try)
					}
					return nil, nil
				}
				rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) { f.Source, v.Source = v.Source, f })
				require.Equal(t, tc.codes, codes(rep), "%s", asJSON(t, rep))
				require.Equal(t, tc.verdict, rep.Verdict.String())
				require.Equal(t, tc.tries, f.tries[key])
			})
		})
	}
}

func other(o *cloudtrail.Object) *cloudtrail.Object {
	body := testkit.Gzip([]byte("other"))
	o.Body, o.Size = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return o
}

// TestShuffledListings is CT-49: the report does not depend on the order of listings.
func TestShuffledListings(t *testing.T) {
	for _, name := range []string{"two trails in a bucket", "four digests deleted", "bucket change", "copy without metadata"} {
		for _, tc := range append(testkit.GoodTrails(), testkit.TamperedTrails()...) {
			if tc.Name != name {
				continue
			}
			t.Run(name, func(t *testing.T) {
				tree := tc.Make().FS()
				want := asJSON(t, validate(t, tree, ofCase(&tc)))
				for range 10 {
					got := validate(t, tree, func(v *cloudtrail.Validator) {
						ofCase(&tc)(v)
						v.Source = &faulty{Source: v.Source, shuffle: true}
					})
					require.Equal(t, want, asJSON(t, got))
				}
			})
		}
	}
}

// TestListingRefused is CT-42: the run fails and says so.
func TestListingRefused(t *testing.T) {
	trail, _ := plainTrail()
	for _, part := range []string{"", "AWSLogs/", "CloudTrail-Digest/", "CloudTrail/us-east-1/"} {
		v := validatorOf(t, trail.FS())
		v.Source = &faulty{Source: v.Source, list: func(prefix string) error {
			if strings.HasSuffix(prefix, part) && (part != "" || prefix == "") {
				return errors.New("AccessDenied")
			}
			return nil
		}}
		rep, err := v.Run(t.Context())
		require.ErrorIs(t, err, cloudtrail.ErrListing, part)
		require.NotContains(t, err.Error(), "\n", "on one line, as whoever prints it escapes line ends")
		require.Equal(t, cloudtrail.Failed, rep.Verdict)
		require.Equal(t, 3, rep.Verdict.ExitCode())
		require.Nil(t, rep.Checkpoint)
	}
}

// TestLongListings: an account with more digests than one answer holds is listed
// region by region, and log folders longer than what is held of them early are
// read to their end.
func TestLongListings(t *testing.T) {
	t.Parallel()
	trail, c := plainTrail()
	trail.AddKey("eu-west-1", testkit.TrailKeys[0]())
	west := trail.Chain()
	west.Region = "eu-west-1"
	west.Hours(3, 2)
	forged := c.Logs[1][1]
	forged = forged[:len(forged)-len("0123456789abcdef.json.gz")] + "zzzzforgedzzzzzz.json.gz"
	trail.Objects[forged] = trail.Objects[c.Logs[1][1]]
	for _, change := range []func(*cloudtrail.Validator){
		nil,
		func(v *cloudtrail.Validator) { v.Regions = []string{"us-east-1"} },
		func(v *cloudtrail.Validator) { v.Prefixes = []string{""} },
	} {
		want := validate(t, trail.FS(), change)
		require.Equal(t, []string{"log-unreferenced"}, codes(want))
		tree := trail.FS()
		for i := range 1500 {
			for _, path := range []string{c.Digests[0], c.Logs[0][0]} {
				tree[path[:strings.LastIndexByte(path, '/')]+fmt.Sprintf("/0%04d", i)] = &fstest.MapFile{}
			}
		}
		for _, workers := range []int{1, 16} {
			got := validate(t, tree, func(v *cloudtrail.Validator) {
				if change != nil {
					change(v)
				}
				v.Workers = workers
			})
			require.Equal(t, asJSON(t, want), asJSON(t, got))
		}
	}
}

// TestCancel: a run ends soon after its context, with an error, and leaves no
// goroutine.
func TestCancel(t *testing.T) {
	trail, _ := plainTrail()
	for _, after := range []int64{1, 3, 6} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var opened atomic.Int64
			v := validatorOf(t, trail.FS())
			v.Source = &faulty{Source: v.Source, open: func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
				if opened.Add(1) == after {
					cancel()
				}
				return nil, nil
			}}
			rep, err := v.Run(ctx)
			require.ErrorIs(t, err, context.Canceled)
			require.NotEqual(t, cloudtrail.Valid, rep.Verdict)
			require.Nil(t, rep.Checkpoint)
		})
	}
}

// TestSymlinks is CT-45: links are not followed out of the tree, and a digest
// that is one is not passed over.
func TestSymlinks(t *testing.T) {
	trail, c := plainTrail()
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, trail.Objects[c.Logs[1][0]], 0o644))
	link := func(t *testing.T, path, to string) *cloudtrail.Report {
		dir := t.TempDir()
		require.NoError(t, trail.WriteTo(dir))
		name := filepath.Join(dir, filepath.FromSlash(path))
		require.NoError(t, os.Remove(name))
		if err := os.Symlink(to, name); err != nil {
			t.Skip("no symbolic links here:", err)
		}
		root, err := os.OpenRoot(dir)
		require.NoError(t, err)
		defer root.Close()
		return validate(t, root.FS(), nil)
	}
	require.Equal(t, []string{"log-unreadable"}, codes(link(t, c.Logs[1][0], outside)))
	require.Equal(t, []string{"digest-unreadable"}, codes(link(t, c.Digests[1], outside)))
	require.Equal(t, []string{"log-missing"}, codes(link(t, c.Logs[1][0], "nowhere")))
	require.Equal(t, []string{"log-hash-mismatch"}, codes(link(t, c.Logs[1][0], filepath.Base(c.Logs[1][1]))), "inside the tree a link is a file")
}

// TestLimits is CT-63: each limit at it and past it.
func TestLimits(t *testing.T) {
	trail, c := plainTrail()
	text := int64(len(testkit.Gunzip(trail.Objects[c.Logs[1][0]])))
	for _, path := range append(c.Logs[0], append(c.Logs[1], c.Logs[2]...)...) {
		text = max(text, int64(len(testkit.Gunzip(trail.Objects[path]))))
	}
	var digest, stored int64
	for _, path := range c.Digests {
		digest = max(digest, int64(len(testkit.Gunzip(trail.Objects[path]))))
		stored = max(stored, int64(len(trail.Objects[path])))
	}
	cases := []struct {
		name string
		at   cloudtrail.Limits
		past cloudtrail.Limits
		code string
	}{
		{"log", cloudtrail.Limits{LogInflated: text}, cloudtrail.Limits{LogInflated: text - 1}, "log-unreadable"},
		{"digest inflated", cloudtrail.Limits{DigestInflated: digest}, cloudtrail.Limits{DigestInflated: digest - 1}, "digest-unreadable"},
		{"digest stored", cloudtrail.Limits{DigestStored: stored}, cloudtrail.Limits{DigestStored: stored - 1}, "digest-unreadable"},
		{"digest entries", cloudtrail.Limits{DigestLogs: 2}, cloudtrail.Limits{DigestLogs: 1}, "digest-unreadable"},
		{"depth", cloudtrail.Limits{Depth: 3}, cloudtrail.Limits{Depth: 2}, "digest-unreadable"},
		{"metadata", cloudtrail.Limits{Metadata: 512}, cloudtrail.Limits{Metadata: 511}, "digest-unreadable"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) { v.Limits = tc.at })
			require.Empty(t, rep.Findings)
			rep = validate(t, trail.FS(), func(v *cloudtrail.Validator) { v.Limits = tc.past })
			require.Contains(t, codes(rep), tc.code)
			require.Equal(t, "limit", rep.Findings[0].Detail)
			require.Equal(t, cloudtrail.Incomplete, rep.Verdict)
		})
	}
}

// TestBomb: a log file that inflates to 300 MiB costs no memory, and a digest
// that does what the largest digest would.
func TestBomb(t *testing.T) {
	trail, c := plainTrail()
	bomb := testkit.Gzip(make([]byte, 300<<20))
	trail.Objects[c.Logs[1][0]] = bomb
	trail.Objects[c.Digests[2]] = bomb
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rep := validate(t, trail.FS(), nil)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20), "a digest may have 64 MiB, which grow by doubling; neither bomb is held whole")
	require.Equal(t, []string{"digest-unreadable", "log-unreadable"}, codes(rep))
	for _, f := range rep.Findings {
		require.Equal(t, "limit", f.Detail)
	}
}

// lateReader says when it is read from behind a place, and closed after that.
type lateReader struct {
	io.ReadCloser
	after  int
	inside *atomic.Int64
	most   *atomic.Int64
}

func (r *lateReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if r.after >= 0 {
		if r.after -= n; r.after < 0 {
			r.most.Store(max(r.most.Load(), r.inside.Add(1)))
		}
	}
	return n, err
}

func (r *lateReader) Close() error {
	if r.after < 0 {
		r.inside.Add(-1)
	}
	return r.ReadCloser.Close()
}

// TestLargeDigests: however many digests are large, and however many workers
// there are, one of them is held at a time.
func TestLargeDigests(t *testing.T) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Hours(12, 0)
	for _, path := range c.Digests[:8] { // not compressed: what is read is what is held
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
		require.NoError(t, err)
		_, err = z.Write(append(testkit.Gunzip(trail.Objects[path]), bytes.Repeat([]byte(" "), 6<<20)...))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		trail.Objects[path] = b.Bytes()
	}
	var inside, most atomic.Int64
	rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) {
		v.Source = &faulty{Source: v.Source, open: func(string, int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			return func(o *cloudtrail.Object) *cloudtrail.Object {
				o.Body = &lateReader{o.Body, 5 << 20, &inside, &most}
				return o
			}, nil
		}}
	})
	require.Equal(t, slices.Repeat([]string{"digest-bad-signature"}, 8), codes(rep))
	require.EqualValues(t, 1, most.Load())
	require.Zero(t, inside.Load())
}

// TestProgress: it ends with everything counted.
func TestProgress(t *testing.T) {
	trail, _ := plainTrail()
	var last cloudtrail.Progress
	calls := 0
	validate(t, trail.FS(), func(v *cloudtrail.Validator) {
		v.Progress = func(p cloudtrail.Progress) { last = p; calls++ }
	})
	require.Equal(t, 9, calls)
	require.Equal(t, 3, last.Digests)
	require.Equal(t, 3, last.DigestsTotal)
	require.Equal(t, 6, last.Logs)
	require.Equal(t, 6, last.LogsKnown)
	require.Positive(t, last.Bytes)
}

// TestLive is CT-38: with a clock the tail is due an hour after its end.
func TestLive(t *testing.T) {
	trail, _ := plainTrail() // ends at 03:13:52
	for _, tc := range []struct {
		name   string
		now    time.Time
		codes  []string
		expect time.Time
	}{
		{"an hour later", testkit.TrailStart.Add(4 * time.Hour), nil, time.Time{}},
		{"two hours later", testkit.TrailStart.Add(5 * time.Hour), nil, time.Time{}},
		{"and a second", testkit.TrailStart.Add(5*time.Hour + time.Second), []string{"tail-missing"}, time.Time{}},
		{"more is expected", testkit.TrailStart.Add(4 * time.Hour), []string{"tail-missing"}, testkit.TrailStart.Add(5 * time.Hour)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) {
				v.Live, v.Now, v.ExpectThrough = true, func() time.Time { return tc.now }, tc.expect
			})
			require.Equal(t, tc.codes, codes(rep))
		})
	}
}
