// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// collected is what an iteration yielded.
type collected struct {
	events   []string // object, a blank, the event
	findings []cloudtrail.Finding
	bad      []error // that wrap ErrEvent
}

func collect(t testing.TB, v *cloudtrail.Validator, f cloudtrail.Filter) (c collected) {
	t.Helper()
	for e, err := range v.Events(t.Context(), f) {
		var found *cloudtrail.Finding
		switch {
		case errors.As(err, &found):
			c.findings = append(c.findings, *found)
		case errors.Is(err, cloudtrail.ErrEvent):
			c.bad = append(c.bad, err)
		default:
			require.NoError(t, err)
			c.events = append(c.events, e.Object()+" "+string(e.Raw()))
			continue
		}
		require.Nil(t, e)
	}
	return c
}

func (c collected) sorted() []string { return slices.Sorted(slices.Values(c.events)) }

func (c collected) codes() []string {
	return codes(&cloudtrail.Report{Findings: c.findings})
}

// TestEventsOfTrails is CT-61 on every trail, good and tampered with: the
// findings are those of Run, and the events are those of the files that verify
// and no others, in the same order for one worker and for many.
func TestEventsOfTrails(t *testing.T) {
	yielding := 0
	for _, tc := range slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails()) {
		t.Run(tc.Name, func(t *testing.T) {
			trail := tc.Make()
			tree := trail.FS()
			v := validatorOf(t, tree)
			ofCase(&tc)(v)
			v.Workers = 1
			one := collect(t, v, cloudtrail.Filter{})
			require.Equal(t, tc.Codes, one.codes())
			require.Empty(t, one.bad)
			rep, err := v.Run(t.Context())
			require.NoError(t, err)
			require.ElementsMatch(t, rep.Findings, one.findings)
			require.NotContains(t, strings.Join(one.events, "\n"), "Forged")
			v.Workers = 16
			require.Equal(t, one, collect(t, v, cloudtrail.Filter{}))
			yielding += len(one.events)
		})
	}
	require.Greater(t, yielding, 1000, "the trails hold events")
}

// TestEventsReference compares the events with those of the slow reader on
// generated tamperings: a file that fails a check in any way yields none.
func TestEventsReference(t *testing.T) {
	n := 100
	switch {
	case testing.Short():
		n = 20
	case full():
		n = 1_000
	}
	some := 0
	for seed := range uint64(n) {
		g, from, to, expect := generate(seed+1e6, testkit.Classes{})
		if allWithoutMetadata(g) {
			continue
		}
		files := g.trail.Files()
		tree := fstest.MapFS{}
		for path, data := range files {
			tree[path] = &fstest.MapFile{Data: data, Mode: 0o644}
		}
		v := validatorOf(t, tree)
		v.From, v.To, v.ExpectThrough = from, to, expect
		got := collect(t, v, cloudtrail.Filter{})
		require.Equal(t, refEvents(files, from, to), got.sorted(), "seed %d: %v", seed, g.did)
		require.Equal(t, refCodes(files, from, to, expect), got.codes(), "seed %d: %v", seed, g.did)
		some += len(got.events)
	}
	require.Greater(t, some, n)
}

// eventTrail is a trail of one hour whose log files are texts.
func eventTrail(texts ...string) *testkit.Trail {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	var entries []any
	for i, text := range texts {
		at := c.Start.Add(time.Duration(i+1) * time.Minute)
		key := c.LogKey(at, fmt.Sprintf("%016d", i))
		trail.Objects[c.Bucket+"/"+key] = testkit.Gzip([]byte(text))
		entries = append(entries, testkit.LogEntry(c.Bucket, key, []byte(text), at))
	}
	c.Digest(c.Start.Add(time.Hour), entries)
	return trail
}

const plainEvent = `{"eventVersion":"1.11","eventName":"A","eventTime":"2026-03-01T00:20:00Z"}`

// TestEventsOfFiles is what CT-61 says of the forms of files, and of files that
// verify and are not what CloudTrail writes: refused where they go wrong, with
// the position, and the rest of the trail is read.
func TestEventsOfFiles(t *testing.T) {
	deep := func(n int) string {
		return `{"Records":[{"a":` + strings.Repeat("[", n-3) + strings.Repeat("]", n-3) + `}]}`
	}
	long := func(n int) string { return `{"Records":[{"a":"` + strings.Repeat("x", n-8) + `"}]}` }
	for _, tc := range []struct {
		name, text string
		events     int
		fault      string
	}{
		{"none", `{"Records":[]}`, 0, ""},
		{"several", `{"Records":[` + plainEvent + `, ` + plainEvent + "\n]}", 2, ""},
		{"members around", `{"x":{"Records":[1]},"Records":[` + plainEvent + `],"y":[{}]}`, 1, ""},
		{"escaped name", `{"\u0052ecords":[` + plainEvent + `]}`, 1, ""},
		{"a single event", plainEvent, 1, ""},
		{"a digest", `{"awsAccountId":"111122223333","digestS3Object":"x","logFiles":[]}`, 0, ""},
		{"neither", `{"a":1}`, 0, "line 1, column 7 (offset 6): neither Records nor an event"},
		{"no object", `[` + plainEvent + `]`, 0, "line 1, column 1 (offset 0): expected an object, found an array"},
		{"empty", ``, 0, "line 1, column 1 (offset 0): unexpected end"},
		{"Records no array", `{"Records":{}}`, 0, "line 1, column 12 (offset 11), at Records: expected an array, found an object"},
		{"Records null", `{"Records":null}`, 0, "line 1, column 12 (offset 11), at Records: expected an array, found null"},
		{"an event that is none", `{"Records":[` + plainEvent + `,7]}`, 1, "at Records[1]: expected an object, found a number"},
		{"Records twice", `{"Records":[` + plainEvent + `],"Records":[` + plainEvent + `]}`, 1, "member name occurs twice"},
		{"a member twice", `{"Records":[` + plainEvent + `,{"eventName":"B","eventName":"C"}]}`, 1, "line 1, column 106 (offset 105), at Records[1].eventName: member name occurs twice in one object"},
		{"a member twice, escaped", `{"Records":[{"eventName":"B","event\u004eame":"C"}]}`, 0, "member name occurs twice"},
		{"a member twice inside", `{"Records":[{"userIdentity":{"arn":"a","arn":"b"}}]}`, 0, "at Records[0].userIdentity.arn: member name"},
		{"invalid UTF-8", "{\"Records\":[{\"eventName\":\"\xff\"}]}", 0, "at Records[0].eventName: invalid UTF-8"},
		{"lone surrogate", `{"Records":[{"eventName":"\ud800"}]}`, 0, "half of a surrogate pair"},
		{"a second document", `{"Records":[` + plainEvent + `]}{"Records":[` + plainEvent + `]}`, 1, "where the end of the document should be"},
		{"cut", `{"Records":[` + plainEvent, 1, "unexpected end"},
		{"another major version", `{"Records":[{"eventVersion":"2.0","eventName":"B"},` + plainEvent + `]}`, 1, "event at offset 12: eventVersion of major version 2, not 1"},
		{"a version that is none", `{"Records":[{"eventVersion":"1","eventName":"B"}]}`, 0, "event at offset 12: eventVersion is not MAJOR.MINOR"},
		{"a minor version that is none", `{"Records":[{"eventVersion":"1.x","eventName":"B"}]}`, 0, "eventVersion is not MAJOR.MINOR"},
		{"a major version that is none", `{"Records":[{"eventVersion":".1","eventName":"B"}]}`, 0, "eventVersion is not MAJOR.MINOR"},
		{"a version that is a number", `{"Records":[{"eventVersion":1.1}]}`, 0, "eventVersion is not MAJOR.MINOR"},
		{"a newer minor version", `{"Records":[{"eventVersion":"1.99","eventName":"B","new":1}]}`, 1, ""},
		{"as deep as may be", deep(128), 1, ""},
		{"too deep", deep(129), 0, "nested too deeply"},
		{"as long as may be", long(4 << 20), 1, ""},
		{"too long", long(4<<20 + 1), 0, "value too large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := validatorOf(t, eventTrail(tc.text, `{"Records":[`+plainEvent+`]}`).FS())
			got := collect(t, v, cloudtrail.Filter{})
			require.Empty(t, got.findings)
			require.Len(t, got.events, tc.events+1, "and the event of the file behind")
			if tc.fault == "" {
				require.Empty(t, got.bad)
				return
			}
			require.Len(t, got.bad, 1)
			require.ErrorContains(t, got.bad[0], tc.fault)
			var typed *cloudtrail.Error
			require.ErrorAs(t, got.bad[0], &typed)
			require.True(t, strings.HasPrefix(typed.Subject, "s3://trail-logs/AWSLogs/"))
			require.NotEmpty(t, typed.Hint())
			require.Equal(t, strings.HasPrefix(tc.name, "too "), errors.Is(got.bad[0], cloudtrail.ErrLimit))
		})
	}
}

// TestEventsListedTwice reads a file once that two digests list, and a digest
// that a digest lists as a log file never.
func TestEventsListedTwice(t *testing.T) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Hour(1)
	path := c.Logs[0][0]
	key := strings.TrimPrefix(path, c.Bucket+"/")
	digest := strings.TrimPrefix(c.Digests[0], c.Bucket+"/")
	again := testkit.LogEntry(c.Bucket, key, testkit.Gunzip(trail.Objects[path]), c.Start)
	c.Digest(c.Start.Add(time.Hour), []any{
		again, testkit.LogEntry(c.Bucket, digest, testkit.Gunzip(trail.Objects[c.Digests[0]]), c.Start),
	})
	c.Start = c.Start.Add(time.Hour)
	again["hashValue"] = strings.Repeat("0", 64)
	c.Digest(c.Start.Add(time.Hour), []any{again})
	got := collect(t, validatorOf(t, trail.FS()), cloudtrail.Filter{})
	require.Len(t, got.events, 4)
	require.Empty(t, got.bad)
	require.Equal(t, []string{"log-hash-mismatch"}, got.codes(), "another hash is another statement")
}

// TestEventsRefuse ends the iteration where nothing can be read.
func TestEventsRefuse(t *testing.T) {
	trail, _ := plainTrail()
	refused := errors.New("refused")
	for _, tc := range []struct {
		name   string
		change func(*cloudtrail.Validator, *cloudtrail.Filter)
		want   error
	}{
		{"no source", func(v *cloudtrail.Validator, _ *cloudtrail.Filter) { v.Source = nil }, cloudtrail.ErrConfig},
		{"block that is none", func(_ *cloudtrail.Validator, f *cloudtrail.Filter) { f.Addresses = []string{"192.0.2.0/33"} }, cloudtrail.ErrConfig},
		{"block with bits behind", func(_ *cloudtrail.Validator, f *cloudtrail.Filter) { f.Addresses = []string{"192.0.2.1/24"} }, cloudtrail.ErrConfig},
		{"time reversed", func(_ *cloudtrail.Validator, f *cloudtrail.Filter) {
			f.From, f.To = testkit.TrailStart, testkit.TrailStart.Add(-1)
		}, cloudtrail.ErrConfig},
		{"listing", func(v *cloudtrail.Validator, _ *cloudtrail.Filter) {
			v.Source = &faulty{Source: v.Source, list: func(string) error { return refused }}
		}, refused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := validatorOf(t, trail.FS())
			var f cloudtrail.Filter
			tc.change(v, &f)
			var errs []error
			for e, err := range v.Events(t.Context(), f) {
				require.Nil(t, e)
				errs = append(errs, err)
			}
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], tc.want)
		})
	}
	v := validatorOf(t, trail.FS())
	v.From, v.To = testkit.TrailStart.Add(time.Hour), testkit.TrailStart
	require.Equal(t, []string{"usage-error"}, collect(t, v, cloudtrail.Filter{}).codes())
}

// TestEventViews reads one event through its view, with and without escapes,
// and shows that a clone survives the step where the view does not.
func TestEventViews(t *testing.T) {
	first := `{"eventVersion":"1.10","event\u004eame":"Get\u0041","userIdentity":{"arn":"x","sessionContext":{"sessionIssuer":{"arn":"\/y"}}},"n":{"a":[{"b":1}]},"readOnly":true,"z":null}`
	v := validatorOf(t, eventTrail(`{"Records":[`+first+`,{"eventName":"B","userIdentity":{"arn":"longer than the other","sessionContext":{"sessionIssuer":{"arn":"z"}}}}]}`).FS())
	var clones []*cloudtrail.Event
	for e, err := range v.Events(t.Context(), cloudtrail.Filter{}) {
		require.NoError(t, err)
		_ = e.Text("userIdentity", "sessionContext", "sessionIssuer", "arn") // so that the next step has something to forget
		clones = append(clones, e.Clone())
		if len(clones) == 2 {
			require.Equal(t, "z", string(e.Text("userIdentity", "sessionContext", "sessionIssuer", "arn")))
			require.Equal(t, "longer than the other", string(e.Text("userIdentity", "arn")))
		}
	}
	require.Len(t, clones, 2)
	e := clones[0]
	require.Equal(t, first, string(e.Raw()))
	require.Equal(t, first, string(e.Value()))
	require.Equal(t, "GetA", string(e.Text("eventName")))
	require.Equal(t, `"Get\u0041"`, string(e.Value("eventName")))
	require.Equal(t, "x", string(e.Text("userIdentity", "arn")))
	require.Equal(t, "/y", string(e.Text("userIdentity", "sessionContext", "sessionIssuer", "arn")))
	require.Equal(t, `{"a":[{"b":1}]}`, string(e.Value("n")))
	require.Equal(t, "true", string(e.Value("readOnly")))
	require.Equal(t, "null", string(e.Value("z")))
	require.Nil(t, e.Text("readOnly"), "no string")
	require.Nil(t, e.Value("eventname"), "names are exact")
	require.Nil(t, e.Value("n", "b"))
	require.Nil(t, e.Value("readOnly", "x"))
	require.Nil(t, e.Value("n", "a", "b"), "arrays have no members")
	require.Equal(t, "B", string(clones[1].Text("eventName")))
	require.True(t, strings.HasSuffix(e.Object(), ".json.gz"))
}

// TestEventsCancelled stops when the context does, with its error.
func TestEventsCancelled(t *testing.T) {
	trail, _ := plainTrail()
	v := validatorOf(t, trail.FS())
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	n := 0
	var last error
	for _, err := range v.Events(ctx, cloudtrail.Filter{}) {
		if err != nil {
			last = err
			continue
		}
		if n++; n == 5 {
			cancel(why)
		}
	}
	require.ErrorIs(t, last, why)
	require.Equal(t, 5, n, "and not the rest of the file")
	require.Len(t, collect(t, v, cloudtrail.Filter{}).events, 24)
}

// TestEventViewsForget reads files of one length in the same memory, as the
// workers do: nothing that was looked up in one is found in the next.
func TestEventViewsForget(t *testing.T) {
	scan, err := cloudtrail.NewLogScan(cloudtrail.Filter{}, cloudtrail.Limits{})
	require.NoError(t, err)
	data := []byte(`{"Records":[{"userIdentity":{"arn":"ann","type":"x"}}]}`)
	for _, want := range []string{"ann", "bob"} {
		copy(data[bytes.Index(data, []byte("ann")):], want)
		require.NoError(t, scan.File(data, func(e *cloudtrail.Event, err error) bool {
			require.Equal(t, want, string(e.Text("userIdentity", "arn")))
			return true
		}))
		copy(data, strings.Replace(string(data), `{"arn":"ann","type":"x"}`, `{"id":"ann","arn":"bob"}`, 1))
	}
}

// TestEndlessObject stops reading an object when the context ends, however
// much of it there is.
func TestEndlessObject(t *testing.T) {
	trail, c := plainTrail()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reads := 0
	block := append([]byte{0, 0, 0x40, 0xff, 0xbf}, make([]byte, 0x4000)...) // a stored block that is not the last
	v := validatorOf(t, trail.FS())
	v.Workers = 1
	v.Limits.LogInflated = 1 << 28
	v.Source = &faulty{Source: v.Source, open: func(key string, _ int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
		if !strings.HasSuffix(c.Logs[0][0], key) {
			return nil, nil
		}
		return func(*cloudtrail.Object) *cloudtrail.Object {
			rest := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
			return &cloudtrail.Object{Size: -1, Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
				if reads++; reads == 10 {
					cancel()
				}
				if len(rest) == 0 {
					rest = block
				}
				n := copy(p, rest)
				rest = rest[n:]
				return n, nil
			}))}
		}, nil
	}}
	for _, err := range v.Events(ctx, cloudtrail.Filter{}) {
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Equal(t, 10, reads)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestEventsUnderADigestsKey yields nothing from an object whose key is a
// digest's, whatever it holds.
func TestEventsUnderADigestsKey(t *testing.T) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	other := trail.Chain()
	other.Name = "other"
	key, text := other.DigestKey(c.Start), []byte(`{"Records":[`+plainEvent+`]}`)
	trail.Objects[c.Bucket+"/"+key] = testkit.Gzip(text)
	c.Digest(c.Start.Add(time.Hour), []any{testkit.LogEntry(c.Bucket, key, text, c.Start)})
	v := validatorOf(t, trail.FS())
	v.Trail = "main"
	got := collect(t, v, cloudtrail.Filter{})
	require.Empty(t, got.events)
	require.Empty(t, got.findings)
}

// TestEventsWaits: a listing that was begun ahead is over when the iteration is,
// however it ends: whoever closes what the Source reads from closes it then.
func TestEventsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trail, _ := plainTrail()
		v := validatorOf(t, trail.FS())
		source := &slowLists{Source: v.Source}
		v.Source = source
		for _, err := range v.Events(t.Context(), cloudtrail.Filter{}) {
			require.ErrorIs(t, err, cloudtrail.ErrListing)
		}
		require.EqualValues(t, 1, source.begun.Load())
		require.EqualValues(t, 1, source.ended.Load())
	})
}

// slowLists refuses to list the top of a bucket, and takes its time to notice that
// nobody wants the rest.
type slowLists struct {
	cloudtrail.Source
	begun, ended atomic.Int64
}

func (s *slowLists) List(ctx context.Context, _, prefix, _ string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if prefix == "" {
			time.Sleep(time.Second) // the other has begun
			yield("", fs.ErrPermission)
			return
		}
		s.begun.Add(1)
		<-ctx.Done()
		time.Sleep(time.Minute)
		s.ended.Add(1)
	}
}
