// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// proofTrail is six hours of three log files.
func proofTrail() (*testkit.Trail, *testkit.TrailChain) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Hours(6, 3)
	return trail, c
}

// target is the second log file of the third hour of a plain trail.
func target(c *testkit.TrailChain) (bucket, key string) {
	bucket, key, _ = strings.Cut(c.Logs[2][1], "/")
	return bucket, key
}

// prove makes a bundle of a plain trail, and its keys.
func prove(t testing.TB, trail *testkit.Trail, c *testkit.TrailChain, change func(*cloudtrail.ProofRequest)) (*cloudtrail.Bundle, cloudtrail.KeyRing) {
	t.Helper()
	v := validatorOf(t, trail.FS())
	var q cloudtrail.ProofRequest
	q.Bucket, q.Object = target(c)
	if change != nil {
		change(&q)
	}
	b, rep, err := v.Prove(t.Context(), q)
	require.NoError(t, err)
	require.NotNil(t, b, "%s", asJSON(t, rep))
	return b, v.Keys.(cloudtrail.KeyRing)
}

func withEvent(q *cloudtrail.ProofRequest) { q.Event = "main-31" }

// TestBundle is CT-58: what Prove makes is read back equal and proves the file
// and the event with the keys alone; the same trail gives the same bytes.
func TestBundle(t *testing.T) {
	trail, c := proofTrail()
	for _, tc := range []struct {
		name           string
		change         func(*cloudtrail.ProofRequest)
		content, event bool
		through        int // hours
	}{
		{"file", nil, true, false, 3},
		{"event", withEvent, true, true, 3},
		{"hash alone", func(q *cloudtrail.ProofRequest) { q.OmitLog = true }, false, false, 3},
		{"two links", func(q *cloudtrail.ProofRequest) { q.Links = 2 }, true, false, 5},
		{"as many links as there are", func(q *cloudtrail.ProofRequest) { q.Links = 1000 }, true, false, 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, keys := prove(t, trail, c, tc.change)
			data, err := json.Marshal(b)
			require.NoError(t, err)
			again, _ := prove(t, trail, c, tc.change)
			twice, err := json.Marshal(again)
			require.NoError(t, err)
			require.Equal(t, string(data), string(twice))
			read, err := cloudtrail.ParseBundle(data)
			require.NoError(t, err)
			back, err := json.Marshal(read)
			require.NoError(t, err)
			require.Equal(t, string(data), string(back))
			p := cloudtrail.VerifyBundle(read, keys)
			require.Equal(t, cloudtrail.Valid, p.Report.Verdict, "%s", asJSON(t, p.Report))
			bucket, key := target(c)
			require.Equal(t, bucket, p.Log.Bucket)
			require.Equal(t, key, p.Log.Object)
			require.Equal(t, tc.content, p.Content)
			require.Equal(t, "main", p.Chain.Trail)
			require.Equal(t, c.Digests[2], p.Digest.Bucket+"/"+p.Digest.Object)
			require.Equal(t, testkit.TrailStart.Add(time.Duration(tc.through)*time.Hour), p.Through)
			require.Nil(t, p.Report.Checkpoint)
			require.Equal(t, 1+tc.through-3, p.Report.Counts.Digests.Valid)
			if !tc.event {
				require.Nil(t, p.Event)
				return
			}
			var event struct{ EventID string }
			require.NoError(t, json.Unmarshal(p.Event, &event))
			require.Equal(t, "main-31", event.EventID)
			require.Contains(t, string(testkit.Gunzip(trail.Objects[bucket+"/"+key])), string(p.Event))
		})
	}
}

// TestBundleSources: a copy without metadata takes the signature from the digest
// that follows, a backfill digest has its own time, and a file that is listed
// late is found.
func TestBundleSources(t *testing.T) {
	t.Run("without metadata", func(t *testing.T) {
		trail, c := proofTrail()
		clear(trail.Meta)
		b, keys := prove(t, trail, c, func(q *cloudtrail.ProofRequest) { q.Links = 1 })
		require.Equal(t, cloudtrail.Valid, cloudtrail.VerifyBundle(b, keys).Report.Verdict)
	})
	t.Run("backfill", func(t *testing.T) {
		trail, _ := proofTrail()
		c := trail.Chain()
		c.Backfill = true
		c.Hours(3, 2)
		for _, path := range c.Logs[2] {
			require.NotEmpty(t, trail.Objects[path])
		}
		b, keys := prove(t, trail, c, func(q *cloudtrail.ProofRequest) { q.Links = 3 })
		require.False(t, b.Digest.Generated.IsZero())
		require.True(t, cloudtrail.VerifyBundle(b, keys).Chain.Backfill)
		b.Digest.Generated = b.Digest.Generated.AddDate(1, 0, 0)
		require.Equal(t, "key-window", one(t, cloudtrail.VerifyBundle(b, keys)))
	})
	t.Run("listed late", func(t *testing.T) {
		trail, c := proofTrail()
		key := c.LogKey(testkit.TrailStart.AddDate(0, 0, -3), "0123456789abcdef")
		text := []byte(`{"eventID":"single","eventTime":"2026-02-26T00:00:00Z"}`)
		trail.Objects[c.Bucket+"/"+key] = testkit.Gzip(text)
		c.Digest(c.Start.Add(time.Hour), []any{testkit.LogEntry(c.Bucket, key, text, c.Start)})
		b, keys := prove(t, trail, c, func(q *cloudtrail.ProofRequest) { q.Object, q.Event = key, "single" })
		require.Equal(t, string(text), string(cloudtrail.VerifyBundle(b, keys).Event))
	})
}

// one is the code of the one finding of a refused bundle, of which nothing is
// handed out.
func one(t testing.TB, p *cloudtrail.Proof) string {
	t.Helper()
	require.NotEqual(t, cloudtrail.Valid, p.Report.Verdict)
	require.Len(t, p.Report.Findings, 1)
	require.Nil(t, p.Digest)
	require.Nil(t, p.Event)
	require.Empty(t, p.Log)
	require.False(t, p.Content)
	require.Zero(t, p.Chain)
	return string(p.Report.Findings[0].Code)
}

// publicKey is a key that CloudTrail does not list.
func publicKey(key *rsa.PublicKey) cloudtrail.PublicKey {
	return cloudtrail.NewPublicKey(x509.MarshalPKCS1PublicKey(key), time.Time{}, time.Time{})
}

// attack is a way to make a bundle lie.
type attack struct {
	name  string
	forge func(b *cloudtrail.Bundle, keys cloudtrail.KeyRing)
	code  string
	exit  int
}

// stored returns a digest as a bundle holds it.
func stored(trail *testkit.Trail, path string) cloudtrail.SignedDigest {
	return cloudtrail.SignedDigest{Body: trail.Objects[path], Signature: trail.Meta[path]["signature"]}
}

// attacks are those that a bundle of withEvent and two links has to withstand.
func attacks(trail *testkit.Trail, c *testkit.TrailChain) []attack {
	other := trail.Chain()
	other.Name = "other"
	other.Hours(3, 2)
	west := trail.Chain()
	west.Region = "eu-west-1"
	west.Hours(3, 2)
	forger := testkit.NewTrail().Chain()
	forger.Key = testkit.TrailKeys[1]()
	forger.Hours(3, 3)
	paths := testkit.NewTrail().Chain()
	paths.Edit = func(m map[string]any) {
		m["digestS3Object"] = "../../../etc/AWSLogs/../" + m["digestS3Object"].(string) + "/../x"
	}
	paths.Hour(1)
	swap := func(d cloudtrail.SignedDigest) func(*cloudtrail.Bundle, cloudtrail.KeyRing) {
		return func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Digest = d }
	}
	gz := func(f func([]byte) []byte) func(*cloudtrail.Bundle, cloudtrail.KeyRing) {
		return func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Log = testkit.Gzip(f(testkit.Gunzip(b.Log))) }
	}
	return []attack{
		{"swapped digest", swap(stored(trail, c.Digests[1])), "log-unreferenced", 1},
		{"digest of another trail", swap(stored(trail, other.Digests[2])), "log-unreferenced", 1},
		{"digest of another region", swap(stored(trail, west.Digests[2])), "digest-moved", 1},
		{"digest signed by another key", swap(stored(forger.Trail, forger.Digests[2])), "digest-unknown-key", 1},
		{"digest and key of a forger", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) {
			b.Digest = stored(forger.Trail, forger.Digests[2])
			b.Key = publicKey(&forger.Key.PublicKey)
		}, "digest-unknown-key", 1},
		{"substituted key", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Key = publicKey(&forger.Key.PublicKey) }, "digest-unknown-key", 1},
		{"no trusted key", func(_ *cloudtrail.Bundle, keys cloudtrail.KeyRing) { clear(keys) }, "digest-unknown-key", 3},
		{"key trusted elsewhere", func(_ *cloudtrail.Bundle, keys cloudtrail.KeyRing) {
			keys["eu-west-1"] = keys["us-east-1"]
			delete(keys, "us-east-1")
		}, "digest-unknown-key", 3},
		{"key not trusted yet", func(_ *cloudtrail.Bundle, keys cloudtrail.KeyRing) {
			keys["us-east-1"][0].NotBefore = testkit.TrailStart.AddDate(0, 0, 5)
		}, "key-window", 1},
		{"fingerprint in the key list exchanged", func(b *cloudtrail.Bundle, keys cloudtrail.KeyRing) {
			forged := publicKey(&forger.Key.PublicKey)
			forged.Fingerprint = b.Key.Fingerprint
			keys["us-east-1"] = []cloudtrail.PublicKey{forged}
		}, "digest-unknown-key", 1},
		{"signature of another digest", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) {
			b.Digest.Signature = trail.Meta[c.Digests[1]]["signature"]
		}, "digest-bad-signature", 1},
		{"digest with a space more", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) {
			b.Digest.Body = testkit.Gzip(append(testkit.Gunzip(b.Digest.Body), ' '))
		}, "digest-bad-signature", 1},
		{"digest with a byte behind", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) {
			b.Digest.Body = append(bytes.Clone(b.Digest.Body), 0)
		}, "digest-trailing-data", 1},
		{"digest cut", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Digest.Body = b.Digest.Body[:40] }, "digest-invalid", 1},
		{"digest that names a path outside", swap(stored(paths.Trail, paths.Digests[0])), "digest-invalid", 1},
		{"entry of another file", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Entry = 0 }, "log-unreferenced", 1},
		{"entry past the end", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Entry = 3 }, "log-unreferenced", 1},
		{"entry below the first", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Entry = -1 }, "log-unreferenced", 1},
		{"another file's name", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Object = "s3://" + c.Logs[2][0] }, "log-unreferenced", 1},
		{"event altered", gz(func(text []byte) []byte { return bytes.Replace(text, []byte("GetObject"), []byte("PutObject"), 1) }), "log-hash-mismatch", 1},
		{"another file's content", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Log = trail.Objects[c.Logs[2][0]] }, "log-hash-mismatch", 1},
		{"second member behind the file", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) {
			b.Log = append(bytes.Clone(b.Log), testkit.Gzip([]byte(`{"Records":[{"eventID":"forged"}]}`))...)
		}, "log-trailing-data", 1},
		{"file not compressed", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Log = testkit.Gunzip(b.Log) }, "log-not-gzip", 1},
		{"file cut", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Log = b.Log[:len(b.Log)-4] }, "log-invalid", 1},
		{"event past the end", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Event = 4 }, "log-invalid", 1},
		{"event without its file", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Log = nil }, "log-missing", 2},
		{"link left out", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Links = b.Links[1:] }, "chain-broken", 1},
		{"links exchanged", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) {
			b.Links = []cloudtrail.SignedDigest{b.Links[1], b.Links[0]}
		}, "chain-broken", 1},
		{"link to the digest itself", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) { b.Links = []cloudtrail.SignedDigest{b.Digest} }, "chain-broken", 1},
		{"link of another trail", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) {
			b.Links = []cloudtrail.SignedDigest{stored(trail, other.Digests[0])}
		}, "chain-broken", 1},
		{"link of a forger", func(b *cloudtrail.Bundle, _ cloudtrail.KeyRing) {
			b.Links = []cloudtrail.SignedDigest{stored(forger.Trail, forger.Digests[2])}
		}, "digest-unknown-key", 1},
	}
}

// TestBundleAttacks: each way to make a bundle lie is one finding, and nothing
// of what it claims is handed out.
func TestBundleAttacks(t *testing.T) {
	trail, c := proofTrail()
	for _, a := range attacks(trail, c) {
		t.Run(a.name, func(t *testing.T) {
			b, keys := prove(t, trail, c, func(q *cloudtrail.ProofRequest) { withEvent(q); q.Links = 2 })
			require.Equal(t, cloudtrail.Valid, cloudtrail.VerifyBundle(b, keys).Report.Verdict)
			a.forge(b, keys)
			p := cloudtrail.VerifyBundle(b, keys)
			require.Equal(t, a.code, one(t, p), "%s", asJSON(t, p.Report))
			require.Equal(t, a.exit, p.Report.Verdict.ExitCode())
		})
	}
}

// TestBundleBits: turning over a bit of a bundle's digest or file is noticed, or
// it is one of the few of the gzip format that say nothing and proves the same.
func TestBundleBits(t *testing.T) {
	trail, c := proofTrail()
	b, keys := prove(t, trail, c, withEvent)
	want := *cloudtrail.VerifyBundle(b, keys)
	step := 7
	if full() {
		step = 1
	}
	for name, data := range map[string][]byte{"digest": b.Digest.Body, "log": b.Log} {
		same := 0
		for i := 0; i < 8*len(data); i += step {
			data[i/8] ^= 1 << (i % 8)
			if p := *cloudtrail.VerifyBundle(b, keys); p.Report.Verdict == cloudtrail.Valid {
				same++
				p.Report = want.Report
				require.Equal(t, want, p, "bit %d of the %s", i, name)
			}
			data[i/8] ^= 1 << (i % 8)
		}
		require.Less(t, same, 80, "the header's time, system and text flag, and what fills the last byte")
	}
}

// TestProveRefuses: what does not hold is said, and no bundle is made of it.
func TestProveRefuses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		tamper  func(*testkit.Trail, *testkit.TrailChain, *cloudtrail.ProofRequest)
		codes   []string
		verdict cloudtrail.Verdict
	}{
		{"a file nobody lists", func(_ *testkit.Trail, _ *testkit.TrailChain, q *cloudtrail.ProofRequest) {
			q.Object = strings.Replace(q.Object, "T0", "T1", 1)
		}, []string{"log-unreferenced"}, cloudtrail.Incomplete},
		{"a name that is none", func(_ *testkit.Trail, _ *testkit.TrailChain, q *cloudtrail.ProofRequest) { q.Object = "x" }, []string{"log-unreferenced"}, cloudtrail.Incomplete},
		{"file altered", func(tr *testkit.Trail, c *testkit.TrailChain, _ *cloudtrail.ProofRequest) {
			tr.Objects[c.Logs[2][1]] = testkit.Gzip([]byte("{}"))
		}, []string{"log-hash-mismatch"}, cloudtrail.Tampered},
		{"file gone", func(tr *testkit.Trail, c *testkit.TrailChain, _ *cloudtrail.ProofRequest) {
			delete(tr.Objects, c.Logs[2][1])
		}, []string{"log-missing"}, cloudtrail.Incomplete},
		{"digest altered", func(tr *testkit.Trail, c *testkit.TrailChain, _ *cloudtrail.ProofRequest) {
			tr.Meta[c.Digests[2]]["signature"] = tr.Meta[c.Digests[1]]["signature"]
		}, []string{"digest-bad-signature", "log-unreferenced"}, cloudtrail.Tampered},
		{"no such event", func(_ *testkit.Trail, _ *testkit.TrailChain, q *cloudtrail.ProofRequest) { q.Event = "none" }, []string{"log-missing"}, cloudtrail.Incomplete},
	} {
		t.Run(tc.name, func(t *testing.T) {
			trail, c := proofTrail()
			var q cloudtrail.ProofRequest
			q.Bucket, q.Object = target(c)
			tc.tamper(trail, c, &q)
			b, rep, err := validatorOf(t, trail.FS()).Prove(t.Context(), q)
			require.NoError(t, err)
			require.Nil(t, b)
			require.Equal(t, tc.codes, codes(rep), "%s", asJSON(t, rep))
			require.Equal(t, tc.verdict, rep.Verdict)
		})
	}
	trail, _ := proofTrail()
	v := validatorOf(t, trail.FS())
	for _, q := range []cloudtrail.ProofRequest{
		{Object: "x"},
		{Bucket: "b"},
		{Bucket: "b", Object: "x", OmitLog: true, Event: "e"},
		{Bucket: "b", Object: "x", Links: 1001},
		{Bucket: "b", Object: "x", Links: -1},
	} {
		_, _, err := v.Prove(t.Context(), q)
		require.ErrorIs(t, err, cloudtrail.ErrConfig)
	}
	v.Source = nil
	_, _, err := v.Prove(t.Context(), cloudtrail.ProofRequest{Bucket: "b", Object: "x"})
	require.ErrorIs(t, err, cloudtrail.ErrConfig)
}

// TestParseBundleRefuses: a bundle that is not exactly one is refused, with the
// place where.
func TestParseBundleRefuses(t *testing.T) {
	trail, c := proofTrail()
	b, _ := prove(t, trail, c, func(q *cloudtrail.ProofRequest) { withEvent(q); q.Links = 1 })
	data, err := json.Marshal(b)
	require.NoError(t, err)
	good := string(data)
	digest := base64.StdEncoding.EncodeToString(b.Digest.Body)
	for _, tc := range []struct{ name, old, text, want string }{
		{"version", `"version":1`, `"version":2`, "version is not 1"},
		{"version in quotes", `"version":1`, `"version":"1"`, "at version"},
		{"member twice", `"entry":1`, `"entry":1,"entry":1`, "entry"},
		{"member in capitals", `"entry":1`, `"Entry":1`, "not a member of a bundle"},
		{"member nobody knows", `"entry":1`, `"entry":1,"note":1`, "not a member of a bundle"},
		{"entry below 0", `"entry":1`, `"entry":-1`, "not an index"},
		{"entry no whole number", `"entry":1`, `"entry":1.0`, "not an index"},
		{"entry too large", `"entry":1`, `"entry":99999999999`, "not an index"},
		{"entry absent", `"entry":1,`, ``, "is missing"},
		{"object no location", `"object":"s3://`, `"object":"file:///`, "s3://bucket/key"},
		{"region no region", `"region":"us-east-1"`, `"region":"../.."`, "region"},
		{"base64 with a line feed", digest, digest[:4] + `\n` + digest[4:], "not base64"},
		{"base64 not canonical", `"value":"`, `"value":"AB==","notAfter":"2026-01-01T00:00:00Z","x":"`, "not base64"},
		{"empty base64", digest, "", "not base64"},
		{"no signature", `"signature":"`, `"signature":"","generated":"`, "an empty signature"},
		{"time no time", `"notBefore":"2026`, `"notBefore":"99`, "not a time"},
		{"key member", `"notBefore"`, `"notbefore"`, "not a member of a bundle's key"},
		{"link without digest", `"links":[{`, `"links":[{"signature":"00"},{`, "of a link is missing"},
		{"two documents", `{"version"`, `{}{"version"`, "offset 2"},
		{"nested deeply", `"entry":1`, `"entry":[[[[[[1]]]]]]`, "at entry"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Contains(t, good, tc.old)
			_, err := cloudtrail.ParseBundle([]byte(strings.Replace(good, tc.old, tc.text, 1)))
			require.ErrorIs(t, err, cloudtrail.ErrBundle)
			require.ErrorContains(t, err, tc.want)
		})
	}
	b.Log = nil
	bare, err := json.Marshal(b)
	require.NoError(t, err)
	_, err = cloudtrail.ParseBundle(bare)
	require.ErrorContains(t, err, "an event without its log file")
	for i := range len(good) {
		if i > 2000 && !full() {
			break
		}
		_, err := cloudtrail.ParseBundle([]byte(good[:i]))
		require.ErrorIs(t, err, cloudtrail.ErrBundle, "the first %d bytes", i)
	}
}

// TestBundleLimits: at the limit and past it.
func TestBundleLimits(t *testing.T) {
	trail, c := proofTrail()
	b, _ := prove(t, trail, c, nil)
	for _, tc := range []struct {
		n    int
		fits bool
	}{{1000, true}, {1001, false}} {
		b.Links = make([]cloudtrail.SignedDigest, tc.n)
		for i := range b.Links {
			b.Links[i] = cloudtrail.SignedDigest{Body: []byte{1}, Signature: "00"}
		}
		data, err := json.Marshal(b)
		require.NoError(t, err)
		_, err = cloudtrail.ParseBundle(data)
		require.Equal(t, tc.fits, err == nil, err)
		require.Equal(t, !tc.fits, errors.Is(err, cloudtrail.ErrLimit))
	}
	b.Links = nil
	b.Log = make([]byte, 100<<20)
	_, err := json.Marshal(b)
	require.ErrorIs(t, err, cloudtrail.ErrLimit)
	_, err = cloudtrail.ParseBundle(bytes.Repeat([]byte{' '}, 128<<20+1))
	require.ErrorIs(t, err, cloudtrail.ErrLimit)
}

// FuzzBundle: what is accepted is written and read back equal, and no bundle
// makes the verifier panic or prove more than the one that was made.
func FuzzBundle(f *testing.F) {
	trail, c := proofTrail()
	b, keys := prove(f, trail, c, func(q *cloudtrail.ProofRequest) { withEvent(q); q.Links = 1 })
	data, err := json.Marshal(b)
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"version":1,"region":"us-east-1","object":"s3://b/k","digest":"AAAA","signature":"00","key":{"value":"AAAA"},"entry":0}`))
	for _, a := range attacks(trail, c) {
		forged, ring := prove(f, trail, c, func(q *cloudtrail.ProofRequest) { withEvent(q); q.Links = 2 })
		a.forge(forged, ring)
		if data, err := json.Marshal(forged); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := cloudtrail.ParseBundle(data)
		if err != nil {
			require.ErrorIs(t, err, cloudtrail.ErrBundle)
			return
		}
		out, err := json.Marshal(b)
		require.NoError(t, err)
		again, err := cloudtrail.ParseBundle(out)
		require.NoError(t, err)
		require.Equal(t, b, again)
		if p := cloudtrail.VerifyBundle(b, keys); p.Report.Verdict == cloudtrail.Valid {
			require.Contains(t, fmt.Sprint(c.Logs), strings.TrimPrefix(b.Object, "s3://"))
		} else {
			require.Nil(t, p.Digest)
		}
	})
}

// TestBundleLinkHash is CT-29 for links: a link that names the digest before it
// with another hash, signature or end does not continue it, whoever signed it. One
// that begins later leaves a hole, as in a trail (CT-30), and contradicts nothing.
func TestBundleLinkHash(t *testing.T) {
	for name, edit := range map[string]func(map[string]any){
		"hash":      func(m map[string]any) { m["previousDigestHashValue"] = strings.Repeat("0", 64) },
		"signature": func(m map[string]any) { m["previousDigestSignature"] = strings.Repeat("0", 512) },
		"object": func(m map[string]any) {
			m["previousDigestS3Object"] = strings.Replace(m["previousDigestS3Object"].(string), "T03", "T02", 1)
		},
		"start": func(m map[string]any) { m["digestStartTime"] = "2026-03-01T03:13:51Z" },
		"hole":  func(m map[string]any) { m["digestStartTime"] = "2026-03-01T03:13:53Z" },
		"none": func(m map[string]any) {
			for _, name := range []string{"S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"} {
				m["previousDigest"+name] = nil
			}
		},
		"trail": func(m map[string]any) {
			m["digestS3Object"] = strings.Replace(m["digestS3Object"].(string), "_main_", "_other_", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			trail, c := proofTrail()
			c.Restart(testkit.TrailStart)
			c.Hours(3, 3)
			c.Edit = edit
			c.Hour(1)
			for _, p := range slices.Concat(c.Logs[:6]...) {
				delete(trail.Objects, p)
			}
			b, keys := prove(t, trail, c, func(q *cloudtrail.ProofRequest) { q.Bucket, q.Object, _ = strings.Cut(c.Logs[8][1], "/") })
			b.Links = []cloudtrail.SignedDigest{stored(trail, c.Digests[9])}
			require.Equal(t, cmp.Or(map[string]string{"hole": "coverage-hole"}[name], "chain-broken"), one(t, cloudtrail.VerifyBundle(b, keys)))
		})
	}
}
