// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// digestText is a signed digest with two log files.
func digestText(t *testing.T) string {
	t.Helper()
	trail, c := plainTrail()
	return string(testkit.Gunzip(trail.Objects[c.Digests[1]]))
}

// TestDigestMembers is CT-4: what is required, what may be null, what may be
// absent, of each member; an absent algorithm is another rule's.
func TestDigestMembers(t *testing.T) {
	text := digestText(t)
	for _, tc := range []struct {
		member             string
		absent, null, typo bool // whether it is read without the member, with null, with a number
	}{
		{"awsAccountId", false, false, false},
		{"digestStartTime", false, false, false},
		{"digestEndTime", false, false, false},
		{"digestS3Bucket", false, false, false},
		{"digestS3Object", false, false, false},
		{"digestPublicKeyFingerprint", false, false, false},
		{"digestSignatureAlgorithm", true, false, false},
		{"newestEventTime", true, true, false},
		{"oldestEventTime", true, true, false},
		{"previousDigestHashAlgorithm", true, false, false}, // null beside the others is half a pointer
		{"previousDigestSignature", false, false, false},
		{"logFiles", false, true, false},
		{"s3Bucket", false, false, false},
		{"s3Object", false, false, false},
		{"hashValue", false, false, false},
		{"hashAlgorithm", true, false, false},
		{"unknown", true, true, true},
	} {
		t.Run(tc.member, func(t *testing.T) {
			quoted := `"` + tc.member + `":`
			change := func(to string) error {
				var changed string
				begin := strings.Index(text, quoted)
				if begin < 0 {
					require.Equal(t, "unknown", tc.member)
					changed = strings.Replace(text, "{", "{"+to, 1)
				} else {
					end := begin + len(quoted)
					switch text[end] {
					case '[':
						end = strings.IndexByte(text[end:], ']') + end + 1
					case '"':
						end += 1 + strings.IndexByte(text[end+1:], '"') + 1
					default:
						end += strings.IndexAny(text[end:], ",}")
					}
					if to == "" && text[end] == ',' {
						end++
					}
					changed = text[:begin] + strings.TrimSuffix(to, ",") + text[end:]
					changed = strings.ReplaceAll(changed, ",}", "}")
				}
				_, err := cloudtrail.ParseDigest([]byte(changed), cloudtrail.Limits{})
				if err != nil {
					require.ErrorIs(t, err, cloudtrail.ErrDigest)
				}
				return err
			}
			require.Equal(t, tc.absent, change("") == nil, "absent")
			require.Equal(t, tc.null, change(quoted+"null,") == nil, "null")
			require.Equal(t, tc.typo, change(quoted+"1,") == nil, "a number")
		})
	}
}

// TestStrictDigest is CT-6: one JSON value in valid UTF-8, white space behind it
// and nothing else, no name twice at any level.
func TestStrictDigest(t *testing.T) {
	text := digestText(t)
	for _, tc := range []struct {
		name, text string
		ok         bool
	}{
		{"as it is", text, true},
		{"white space around", " \t\r\n" + text + " \t\r\n", true},
		{"an unknown member", strings.Replace(text, "{", `{"x":{"y":[1]},`, 1), true},
		{"a byte order mark", "\ufeff" + text, false},
		{"a zero byte behind", text + "\x00", false},
		{"a form feed behind", text + "\f", false},
		{"a second value", text + "{}", false},
		{"a name twice", strings.Replace(text, "{", `{"awsAccountId":"111122223333",`, 1), false},
		{"a name twice, one escaped", strings.Replace(text, "{", `{"\u0061wsAccountId":"111122223333",`, 1), false},
		{"a name twice in an entry", strings.Replace(text, `"hashValue":`, `"hashValue":"","hashValue":`, 1), false},
		{"a name twice in an unknown member", strings.Replace(text, "{", `{"x":{"y":1,"y":1},`, 1), false},
		{"invalid UTF-8", strings.Replace(text, "{", "{\"x\":\"\xc3\",", 1), false},
		{"half a surrogate pair", strings.Replace(text, "{", `{"x":"\ud800",`, 1), false},
		{"a comment", "/**/" + text, false},
		{"an array", "[" + text + "]", false},
		{"nothing", "", false},
	} {
		_, err := cloudtrail.ParseDigest([]byte(tc.text), cloudtrail.Limits{})
		require.Equal(t, tc.ok, err == nil, "%s: %v", tc.name, err)
	}
}

// TestStringToSign is CT-8 and CT-7: four lines and no end of line, JSON strings
// decoded, the hash of the bytes as they came.
func TestStringToSign(t *testing.T) {
	text := `{"awsAccountId":"111122223333","digestStartTime":"2026-03-01T03:13:52Z","digestEndTime":"2026-03-01T04:13:52Z",` +
		`"digestS3Bucket":"logs","digestS3Object":"AWSLogs\/a\u0062c","digestPublicKeyFingerprint":"00","digestSignatureAlgorithm":"SHA256withRSA",` +
		`"previousDigestSignature":%s,"logFiles":[]%s}`
	d, err := cloudtrail.ParseDigest(fmt.Appendf(nil, text, "null", ""), cloudtrail.Limits{})
	require.NoError(t, err)
	sum := [32]byte{0x9f, 0x86, 31: 0x08}
	hash := "9f86" + strings.Repeat("0", 58) + "08"
	require.Equal(t, "2026-03-01T04:13:52Z\nlogs/AWSLogs/abc\n"+hash+"\nnull", d.StringToSign(sum))
	d, err = cloudtrail.ParseDigest(fmt.Appendf(nil, text, `"AbCd"`,
		`,"previousDigestS3Bucket":"b","previousDigestS3Object":"o","previousDigestHashValue":"h","previousDigestHashAlgorithm":"SHA-256"`), cloudtrail.Limits{})
	require.NoError(t, err)
	require.Equal(t, "2026-03-01T04:13:52Z\nlogs/AWSLogs/abc\n"+hash+"\nAbCd", d.StringToSign(sum), "not in lower case: it is signed as it stands")
}

// TestNullLogFiles is CT-5: an empty list says that nothing was delivered, null
// says nothing, and only in the time of the first is an unlisted file forged.
func TestNullLogFiles(t *testing.T) {
	for list, want := range map[string][]string{"[]": {"log-unreferenced"}, "null": nil} {
		trail := testkit.NewTrail()
		trail.AddKey("us-east-1", testkit.TrailKeys[0]())
		c := trail.Chain()
		c.Hours(2, 1)
		if list == "null" {
			c.Edit = func(m map[string]any) { m["logFiles"] = nil }
		}
		c.Hour(0)
		c.Hours(2, 1)
		trail.Objects["trail-logs/"+c.LogKey(testkit.TrailStart.Add(150*time.Minute), "FORGEDforged0001")] = testkit.Gzip([]byte("{}"))
		rep := validate(t, trail.FS(), nil)
		require.Equal(t, want, codes(rep), list)
		require.Equal(t, 5, rep.Counts.Digests.Valid, list)
		require.Equal(t, 1-len(want), rep.Counts.UnreferencedUncovered, list)
	}
}

// TestUnverified is CT-17: nothing in a digest that failed is believed, its log
// files are neither read nor counted, and its hour is not called missing.
func TestUnverified(t *testing.T) {
	trail, c := plainTrail()
	trail.Meta[c.Digests[1]]["signature"] = strings.Repeat("ab", 256)
	for _, log := range c.Logs[1] {
		trail.Objects[log] = []byte("rubbish")
	}
	opened := &faulty{}
	rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) { opened.Source, v.Source = v.Source, opened })
	require.Equal(t, []string{"digest-bad-signature"}, codes(rep))
	require.Equal(t, cloudtrail.Tally{Valid: 4, Total: 4}, rep.Counts.Logs)
	require.Equal(t, cloudtrail.Tally{Valid: 2, Invalid: 1, Total: 3}, rep.Counts.Digests)
	for _, log := range c.Logs[1] {
		require.Zero(t, opened.tries[strings.TrimPrefix(log, "trail-logs/")])
	}
	// CT-39: what is covered is what accepted digests cover, the rest is named.
	at := func(hours int) time.Time { return testkit.TrailStart.Add(time.Duration(hours) * time.Hour) }
	require.Equal(t, []cloudtrail.Coverage{{
		Chain:      cloudtrail.Chain{Account: "111122223333", Region: "us-east-1", Trail: "main", Home: "us-east-1"},
		Intervals:  []cloudtrail.Interval{{From: at(0), To: at(1)}, {From: at(2), To: at(3)}},
		Unverified: []cloudtrail.Interval{{From: at(1), To: at(2)}}, Tail: "unchecked",
	}}, rep.Coverage)
}

// TestForeignDigest is CT-25: a digest of another chain at a chain's key does
// not join it; a pointer into a bucket that is not there names what cannot be
// read, one into a bucket that is there is followed.
func TestForeignDigest(t *testing.T) {
	for name, change := range map[string]func(c *testkit.TrailChain){
		"account": func(c *testkit.TrailChain) { c.Account = "444455556666" },
		"region":  func(c *testkit.TrailChain) { c.Region = "eu-west-1" },
		"trail":   func(c *testkit.TrailChain) { c.Name = "other" },
	} {
		trail, c := plainTrail()
		trail.AddKey("eu-west-1", testkit.TrailKeys[0]())
		other := trail.Chain()
		change(other)
		other.Hours(3, 0)
		trail.Objects[c.Digests[1]], trail.Meta[c.Digests[1]] = trail.Objects[other.Digests[1]], trail.Meta[other.Digests[1]]
		require.Equal(t, []string{"digest-moved"}, codes(validate(t, trail.FS(), nil)), name)
	}
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Hours(2, 1)
	c.Bucket = "new-logs"
	c.Hours(2, 1)
	rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) { v.Buckets = []string{"new-logs"} })
	require.Empty(t, rep.Findings, "the predecessor of the oldest is not looked for without a beginning")
	from := func(v *cloudtrail.Validator) { v.Buckets, v.From = []string{"new-logs"}, testkit.TrailStart }
	rep = validate(t, trail.FS(), from)
	require.Empty(t, rep.Findings)
	require.Equal(t, 4, rep.Counts.Digests.Valid)
	for path := range trail.Objects {
		if strings.HasPrefix(path, "trail-logs/") {
			delete(trail.Objects, path)
		}
	}
	rep = validate(t, trail.FS(), from)
	require.Equal(t, []string{"digest-unreadable"}, codes(rep))
	require.Equal(t, "s3://"+c.Digests[1], rep.Findings[0].Object)
}

// TestShortHole is CT-30: a digest that names the one before and begins a second
// after its end leaves a hole.
func TestShortHole(t *testing.T) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Hour(1)
	c.Start = c.Start.Add(time.Second)
	c.Hours(2, 1)
	rep := validate(t, trail.FS(), nil)
	require.Equal(t, []string{"coverage-hole"}, codes(rep))
	f := rep.Findings[0]
	require.Equal(t, time.Second, f.To.Sub(f.From))
	require.Equal(t, []cloudtrail.Interval{{From: f.From, To: f.To}}, rep.Coverage[0].Holes)
}

// TestDeliveryTimes is CT-36: events may be older than their digest, and a log
// file may be listed hours after the time in its name.
func TestDeliveryTimes(t *testing.T) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Hours(2, 1)
	late := c.LogKey(testkit.TrailStart.Add(30*time.Minute), "LATElateLATE0001")
	body := []byte(`{"Records":[]}`)
	trail.Objects["trail-logs/"+late] = testkit.Gzip(body)
	c.Digest(c.Start.Add(time.Hour), []any{testkit.LogEntry("trail-logs", late, body, testkit.TrailStart.Add(-24*time.Hour))})
	require.Empty(t, validate(t, trail.FS(), nil).Findings)
	// It is not unlisted either for who asks about the hours before its digest.
	rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) {
		v.From, v.To = testkit.TrailStart, testkit.TrailStart.Add(time.Hour)
	})
	require.Empty(t, rep.Findings)
}

// TestListedTwice is CT-40 and CT-41: a log file is read once however many
// entries name it, each entry has its own finding, and only a hash that differs
// is computed again.
func TestListedTwice(t *testing.T) {
	for _, tc := range []struct {
		name   string
		tamper func(trail *testkit.Trail, log string)
		code   string
		opened int
	}{
		{"good", func(*testkit.Trail, string) {}, "", 1},
		{"missing", func(trail *testkit.Trail, log string) { delete(trail.Objects, log) }, "log-missing", 1},
		{"another", func(trail *testkit.Trail, log string) { trail.Objects[log] = testkit.Gzip([]byte("x")) }, "log-hash-mismatch", 2},
		{"damaged", func(trail *testkit.Trail, log string) { trail.Objects[log][20] ^= 1 }, "log-invalid", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			trail := testkit.NewTrail()
			trail.AddKey("us-east-1", testkit.TrailKeys[0]())
			c := trail.Chain()
			var entry any
			c.Edit = func(m map[string]any) {
				list := m["logFiles"].([]any)
				entry = list[0]
				m["logFiles"] = append(list, entry)
			}
			c.Hour(2)
			c.Edit = func(m map[string]any) { m["logFiles"] = append(m["logFiles"].([]any), entry) }
			c.Hour(1)
			tc.tamper(trail, c.Logs[0][0])
			for _, workers := range []int{1, 8} {
				opened := &faulty{}
				rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) {
					opened.Source, v.Source, v.Workers, v.KeepObjects = v.Source, opened, workers, true
				})
				require.Equal(t, tc.opened, opened.tries[strings.TrimPrefix(c.Logs[0][0], "trail-logs/")])
				var want []string
				if tc.code != "" {
					want = []string{tc.code, tc.code, tc.code}
				}
				require.Equal(t, want, codes(rep))
				require.Equal(t, cloudtrail.Tally{Valid: 5 - len(want), Invalid: len(want), Total: 5}, rep.Counts.Logs)
				var out, errs strings.Builder
				require.NoError(t, rep.WriteAWSCLI(&out, &errs))
				require.Equal(t, len(want), strings.Count(errs.String(), "INVALID"))
			}
		})
	}
}

// TestListedTwiceOtherwise: an entry with another hash is judged by that hash.
func TestListedTwiceOtherwise(t *testing.T) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Edit = func(m map[string]any) {
		list := m["logFiles"].([]any)
		other := map[string]any{}
		for k, v := range list[0].(map[string]any) {
			other[k] = v
		}
		other["hashValue"] = strings.Repeat("ab", 32)
		m["logFiles"] = append(list, other)
	}
	c.Hour(1)
	rep := validate(t, trail.FS(), nil)
	require.Equal(t, []string{"log-hash-mismatch"}, codes(rep))
	require.Equal(t, cloudtrail.Tally{Valid: 1, Invalid: 1, Total: 2}, rep.Counts.Logs)
}

// TestOneCause is CT-43: findings are in the order of chain, time, object and
// code, and one cause has one of them.
func TestOneCause(t *testing.T) {
	trail, c := plainTrail()
	trail.AddKey("eu-west-1", testkit.TrailKeys[0]())
	west := trail.Chain()
	west.Region = "eu-west-1"
	west.Hours(3, 2)
	first := trail.Chain()
	first.Account = "000011112222"
	first.Hours(3, 1)
	delete(trail.Objects, first.Logs[2][0])
	delete(trail.Objects, west.Logs[0][1])
	delete(trail.Objects, west.Logs[0][0])
	trail.Objects[west.Digests[2]] = []byte("junk")
	trail.Objects[c.Digests[1]] = []byte("junk") // its log files are not called forged, nor the chain broken
	rep := validate(t, trail.FS(), nil)
	got := make([]string, 0, len(rep.Findings))
	for _, f := range rep.Findings {
		got = append(got, string(f.Code)+" "+strings.TrimPrefix(f.Object, "s3://"))
	}
	logs := []string{"log-missing " + west.Logs[0][0], "log-missing " + west.Logs[0][1]}
	require.Equal(t, []string{
		"log-missing " + first.Logs[2][0], logs[0], logs[1],
		"digest-invalid " + west.Digests[2], "digest-invalid " + c.Digests[1],
	}, got)
}

// TestLayout is CT-44: buckets are the folders of the tree, other files at its
// top are nothing, a sidecar is never an object, and a log file needs none.
func TestLayout(t *testing.T) {
	trail, c := plainTrail()
	tree := trail.FS()
	for _, name := range []string{"README", "keys", "notkeys.us-east-1.json.txt", "trail-logs.meta.json"} {
		tree[name] = tree["keys.us-east-1.json"]
	}
	junk := c.Logs[1][0]
	tree[junk+".meta.json"] = tree["README"] // beside a log file: not looked at
	tree[junk[:strings.LastIndexByte(junk, '/')]+"/.DS_Store"] = tree["README"]
	require.Empty(t, validate(t, tree, nil).Findings)
	for name, text := range map[string]string{
		"no JSON": "{", "a name twice": `{"metadata":{"signature":"00","signature":"00"}}`, "no object": `[]`, "no text": `{"metadata":{"signature":1}}`,
	} {
		tree := trail.FS()
		tree[c.Digests[1]+".meta.json"].Data = []byte(text)
		require.Equal(t, []string{"digest-no-signature"}, codes(validate(t, tree, nil)), name)
	}
	long := trail.FS()
	long[c.Digests[1]+".meta.json"].Data = []byte(strings.Repeat(" ", 64<<10) + string(long[c.Digests[1]+".meta.json"].Data))
	rep := validate(t, long, nil)
	require.Equal(t, []string{"digest-unreadable"}, codes(rep))
	require.Equal(t, "limit", rep.Findings[0].Detail)
}

// pipes is a tree in which files are pipes that nobody writes to: opening one
// would never return.
type pipes struct {
	fstest.MapFS
	t *testing.T
}

func (p pipes) Open(name string) (fs.File, error) {
	if f := p.MapFS[name]; f != nil && f.Mode&fs.ModeNamedPipe != 0 {
		p.t.Errorf("%s was opened", name)
		return nil, fs.ErrPermission
	}
	return p.MapFS.Open(name)
}

func (p pipes) Stat(name string) (fs.FileInfo, error) { return p.MapFS.Stat(name) }

// TestPipes: what is no file in a copy is reported as unreadable, and not waited
// for.
func TestPipes(t *testing.T) {
	trail, c := plainTrail()
	for path, code := range map[string]string{
		c.Logs[1][0]: "log-unreadable", c.Digests[1]: "digest-unreadable", c.Digests[1] + ".meta.json": "digest-unreadable",
	} {
		tree := trail.FS()
		tree[path].Mode = fs.ModeNamedPipe
		require.Equal(t, []string{code}, codes(validate(t, pipes{tree, t}, nil)))
	}
	tree := trail.FS()
	tree["keys.us-east-1.json"].Mode = fs.ModeNamedPipe
	_, err := cloudtrail.Directory{FS: pipes{tree, t}}.Keys()
	require.ErrorIs(t, err, cloudtrail.ErrKeys)
}

// TestForgedInAnotherFolder is CT-57: the whole log folder of a copy is listed,
// so that a file in the folder of a day that was not asked for is found.
func TestForgedInAnotherFolder(t *testing.T) {
	trail, c := plainTrail()
	key := c.LogKey(testkit.TrailStart.Add(90*time.Minute), "FORGEDforged0001")
	trail.Objects["trail-logs/"+strings.Replace(key, "2026/03/01", "2020/01/01", 1)] = testkit.Gzip([]byte("{}"))
	rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) {
		v.From, v.To = testkit.TrailStart, testkit.TrailStart.Add(3*time.Hour)
	})
	require.Equal(t, []string{"log-unreferenced"}, codes(rep))
}

// TestEventsReport is CT-61 and CT-50: the report of what Events read is Run's,
// with the events; a loop that is left has none.
func TestEventsReport(t *testing.T) {
	for _, tc := range append(testkit.GoodTrails(), testkit.TamperedTrails()...) {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			tree := tc.Make().FS()
			want := validate(t, tree, ofCase(&tc))
			var got *cloudtrail.Report
			v := validatorOf(t, tree)
			ofCase(&tc)(v)
			v.Done = func(rep *cloudtrail.Report) {
				require.Nil(t, got)
				got = rep
			}
			events := 0
			for e := range v.Events(t.Context(), cloudtrail.Filter{}) {
				if e != nil {
					events++
				}
			}
			require.NotNil(t, got)
			require.Equal(t, events, got.Counts.Events)
			got.Counts.Events = 0
			require.Equal(t, asJSON(t, want), asJSON(t, got))
			got = nil
			for range v.Events(t.Context(), cloudtrail.Filter{}) {
				break
			}
			if events+len(want.Findings) > 0 {
				require.Nil(t, got)
			}
		})
	}
}

// TestEventsReportFails: a run that could not be done says so, and a range that
// begins after it ends is a usage error.
func TestEventsReportFails(t *testing.T) {
	trail, c := plainTrail()
	var got []*cloudtrail.Report
	var mu sync.Mutex
	run := func(change func(*cloudtrail.Validator)) (last error) {
		v := validatorOf(t, trail.FS())
		v.Done = func(rep *cloudtrail.Report) { mu.Lock(); got = append(got, rep); mu.Unlock() }
		change(v)
		for _, err := range v.Events(t.Context(), cloudtrail.Filter{}) {
			last = err
		}
		return last
	}
	require.ErrorIs(t, run(func(v *cloudtrail.Validator) {
		v.Source = &faulty{Source: v.Source, list: func(string) error { return fmt.Errorf("AccessDenied") }}
	}), cloudtrail.ErrListing)
	require.Error(t, run(func(v *cloudtrail.Validator) { v.From, v.To = c.Start, testkit.TrailStart }))
	require.ErrorIs(t, run(func(v *cloudtrail.Validator) { v.Workers = -1 }), cloudtrail.ErrConfig)
	require.Len(t, got, 2)
	require.Equal(t, cloudtrail.Failed, got[0].Verdict)
	require.Nil(t, got[0].Checkpoint)
	require.Equal(t, []string{"usage-error"}, codes(got[1]))
}
