// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

func testSigner() *cloudtrail.Signer {
	return &cloudtrail.Signer{
		Bucket: "audit", Account: "111122223333", Trail: "own-trail", Home: "us-east-1", Region: "us-east-1", Key: testkit.TrailKeys[0](),
	}
}

func record(at time.Time, name string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"eventTime":%q,"eventName":%q}`, at.Format(time.RFC3339), name))
}

// ownTrail opens a writer over a folder, as a process that begins would.
func ownTrail(t *testing.T, root *os.Root, sink cloudtrail.Sink) *cloudtrail.Writer {
	t.Helper()
	w, err := cloudtrail.NewWriter(t.Context(), testSigner(), cloudtrail.Directory{FS: root.FS()}, sink, testkit.TrailStart)
	require.NoError(t, err)
	return w
}

func checkOwn(t *testing.T, root *os.Root, change func(*cloudtrail.Validator)) *cloudtrail.Report {
	t.Helper()
	key, err := testSigner().PublicKey(time.Time{}, time.Time{})
	require.NoError(t, err)
	v := &cloudtrail.Validator{
		Source: cloudtrail.Directory{FS: root.FS()}, Buckets: []string{"audit"},
		Keys: cloudtrail.KeyRing{"": []cloudtrail.PublicKey{key}},
	}
	if change != nil {
		change(v)
	}
	rep, err := v.Run(t.Context())
	require.NoError(t, err)
	return rep
}

func testRoot(t *testing.T) *os.Root {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "audit"), 0o755))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// TestWriterRoundTrip is CT-59: everything that is written verifies.
func TestWriterRoundTrip(t *testing.T) {
	for _, layout := range []struct{ prefix, org string }{{"", ""}, {"a/b", ""}, {"", "o-exampleorgid"}, {"p", "o-exampleorgid"}} {
		t.Run(layout.prefix+" "+layout.org, func(t *testing.T) {
			root := testRoot(t)
			s := testSigner()
			s.Prefix, s.Org = layout.prefix, layout.org
			w, err := cloudtrail.NewWriter(t.Context(), s, cloudtrail.Directory{FS: root.FS()}, cloudtrail.Folder{Root: root}, testkit.TrailStart)
			require.NoError(t, err)
			for h := range 3 {
				at := testkit.TrailStart.Add(time.Duration(h) * time.Hour)
				require.NoError(t, w.WriteLog(t.Context(), at.Add(10*time.Minute), []json.RawMessage{record(at, "A"), record(at.Add(time.Minute), "B/C")}))
				require.NoError(t, w.WriteLog(t.Context(), at.Add(20*time.Minute), nil))
				require.NoError(t, w.WriteDigest(t.Context(), at.Add(time.Hour)))
			}
			rep := checkOwn(t, root, func(v *cloudtrail.Validator) { v.To = testkit.TrailStart.Add(3 * time.Hour) })
			require.Empty(t, rep.Findings)
			require.Equal(t, 3, rep.Counts.Digests.Valid)
			require.Equal(t, 6, rep.Counts.Logs.Valid)
			last, pending := w.Last()
			require.Zero(t, pending)
			require.Equal(t, testkit.TrailStart.Add(3*time.Hour), last.End)
		})
	}
}

// dying is a Sink of a process that dies at its nth write: before it, in the
// middle of it, or after it.
type dying struct {
	to    cloudtrail.Folder
	root  *os.Root
	at    int
	how   string
	count int
}

var errDead = errors.New("the process is dead")

func (d *dying) Put(ctx context.Context, o *cloudtrail.StoredObject) error {
	d.count++
	switch {
	case d.count < d.at:
		return d.to.Put(ctx, o)
	case d.count > d.at || d.how == "before":
		return errDead
	case d.how == "after":
		if err := d.to.Put(ctx, o); err != nil {
			return err
		}
		return errDead
	}
	// In the middle: the metadata are there and a temporary file, the object is not.
	name := o.Bucket + "/" + o.Key
	if err := d.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if o.Metadata != nil {
		if err := d.root.WriteFile(name+".meta.json", []byte(`{"metadata":{"signature":"00"}}`), 0o644); err != nil {
			return err
		}
	}
	if err := d.root.WriteFile(filepath.Dir(name)+"/.half.tmp", o.Body[:len(o.Body)/2], 0o644); err != nil {
		return err
	}
	return errDead
}

// TestWriterCrash kills a writer at each of its writes, in each way, and lets
// another go on: the trail is valid at once and stays so, and no log file that
// was acknowledged is lost.
func TestWriterCrash(t *testing.T) {
	for _, how := range []string{"before", "in the middle", "after"} {
		for at := 1; at <= 9; at++ {
			t.Run(fmt.Sprintf("%s write %d", how, at), func(t *testing.T) {
				root := testRoot(t)
				acknowledged := write(t, ownTrail(t, root, &dying{to: cloudtrail.Folder{Root: root}, root: root, at: at, how: how}), 0)
				rep := checkOwn(t, root, nil)
				if at > 3 || at == 3 && how == "after" {
					require.Empty(t, rep.Findings)
					require.Equal(t, cloudtrail.Valid, rep.Verdict)
				} else {
					require.Equal(t, []string{"no-digests"}, codes(rep))
				}
				acknowledged += write(t, ownTrail(t, root, cloudtrail.Folder{Root: root}), 3)
				rep = checkOwn(t, root, nil)
				require.Empty(t, rep.Findings, "%s", asJSON(t, rep))
				require.Zero(t, rep.Counts.UnreferencedUncovered)
				require.GreaterOrEqual(t, rep.Counts.Logs.Valid, acknowledged)
				require.Len(t, rep.Coverage, 1)
				require.Equal(t, []cloudtrail.Interval{{From: testkit.TrailStart, To: testkit.TrailStart.Add(6 * time.Hour)}}, rep.Coverage[0].Intervals)
			})
		}
	}
}

// write writes three hours of two log files and a digest each, until it fails,
// and returns how many log files were acknowledged.
func write(t *testing.T, w *cloudtrail.Writer, from int) (acknowledged int) {
	t.Helper()
	for h := from; h < from+3; h++ {
		at := testkit.TrailStart.Add(time.Duration(h) * time.Hour)
		for i := range 2 {
			err := w.WriteLog(t.Context(), at.Add(time.Duration(i+1)*10*time.Minute), []json.RawMessage{record(at, "A")})
			if errors.Is(err, errDead) {
				return acknowledged
			}
			require.NoError(t, err)
			acknowledged++
		}
		err := w.WriteDigest(t.Context(), at.Add(time.Hour))
		if errors.Is(err, errDead) {
			return acknowledged
		}
		require.NoError(t, err)
	}
	return acknowledged
}

// TestWriterRetry: a digest that could not be stored is written later, whole.
func TestWriterRetry(t *testing.T) {
	root := testRoot(t)
	sink := &dying{to: cloudtrail.Folder{Root: root}, root: root, at: 2, how: "before"}
	w := ownTrail(t, root, sink)
	require.NoError(t, w.WriteLog(t.Context(), testkit.TrailStart, nil))
	require.ErrorIs(t, w.WriteDigest(t.Context(), testkit.TrailStart.Add(time.Hour)), errDead)
	sink.at = 100
	require.NoError(t, w.WriteDigest(t.Context(), testkit.TrailStart.Add(2*time.Hour)))
	rep := checkOwn(t, root, nil)
	require.Empty(t, rep.Findings)
	require.Equal(t, 1, rep.Counts.Logs.Valid)
}

// TestWriterRefuses: a trail whose newest digest is not its own, or a broken log
// file behind it, is not continued.
func TestWriterRefuses(t *testing.T) {
	root := testRoot(t)
	w := ownTrail(t, root, cloudtrail.Folder{Root: root})
	require.NoError(t, w.WriteDigest(t.Context(), testkit.TrailStart.Add(time.Hour)))
	source, sink := cloudtrail.Directory{FS: root.FS()}, cloudtrail.Folder{Root: root}
	stranger := testSigner()
	stranger.Key = testkit.TrailKeys[1]()
	_, err := cloudtrail.NewWriter(t.Context(), stranger, source, sink, testkit.TrailStart)
	require.ErrorIs(t, err, cloudtrail.ErrSigner)
	old, err := testSigner().PublicKey(time.Time{}, time.Time{})
	require.NoError(t, err)
	_, err = cloudtrail.NewWriter(t.Context(), stranger, source, sink, testkit.TrailStart, old)
	require.NoError(t, err, "an older key of the trail")
	o, _, err := testSigner().Log(testkit.TrailStart.Add(2*time.Hour), nil)
	require.NoError(t, err)
	o.Body = o.Body[:10]
	require.NoError(t, sink.Put(t.Context(), o))
	_, err = cloudtrail.NewWriter(t.Context(), testSigner(), source, sink, testkit.TrailStart)
	require.ErrorIs(t, err, cloudtrail.ErrSigner)
	require.ErrorContains(t, err, o.Key)
}

// TestWriterClockBack: a clock that goes back makes no name before what is
// signed, and no digest that ends before it begins.
func TestWriterClockBack(t *testing.T) {
	root := testRoot(t)
	w := ownTrail(t, root, cloudtrail.Folder{Root: root})
	require.NoError(t, w.WriteDigest(t.Context(), testkit.TrailStart.Add(time.Hour)))
	require.NoError(t, w.WriteLog(t.Context(), testkit.TrailStart, nil))
	require.ErrorIs(t, w.WriteDigest(t.Context(), testkit.TrailStart.Add(time.Hour)), cloudtrail.ErrSigner)
	require.NoError(t, w.WriteDigest(t.Context(), testkit.TrailStart.Add(time.Hour+time.Second)))
	require.Empty(t, checkOwn(t, root, nil).Findings)
}

// liar is a key service that answers with a signature of something else.
type liar struct{ crypto.Signer }

func (l liar) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return l.Signer.Sign(r, make([]byte, len(digest)), o)
}

// TestSignerRefuses: whatever a Signer cannot vouch for is an error.
func TestSignerRefuses(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for _, tc := range []struct {
		name string
		edit func(*cloudtrail.Signer)
		want error
	}{
		{"no bucket", func(s *cloudtrail.Signer) { s.Bucket = "" }, cloudtrail.ErrConfig},
		{"no account", func(s *cloudtrail.Signer) { s.Account = "1" }, cloudtrail.ErrConfig},
		{"no trail", func(s *cloudtrail.Signer) { s.Trail = "a b" }, cloudtrail.ErrConfig},
		{"no home", func(s *cloudtrail.Signer) { s.Home = "mars" }, cloudtrail.ErrConfig},
		{"no region", func(s *cloudtrail.Signer) { s.Region = "" }, cloudtrail.ErrConfig},
		{"organization", func(s *cloudtrail.Signer) { s.Org = "x" }, cloudtrail.ErrConfig},
		{"prefix", func(s *cloudtrail.Signer) { s.Prefix = "a/" }, cloudtrail.ErrConfig},
		{"no key", func(s *cloudtrail.Signer) { s.Key = nil }, cloudtrail.ErrConfig},
		{"EC key", func(s *cloudtrail.Signer) { s.Key = ec }, cloudtrail.ErrConfig},
		{"a key that lies", func(s *cloudtrail.Signer) { s.Key = liar{s.Key} }, cloudtrail.ErrSigner},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := testSigner()
			tc.edit(s)
			_, _, err := s.Digest(cloudtrail.DigestInput{Start: testkit.TrailStart, End: testkit.TrailStart.Add(time.Hour)})
			require.ErrorIs(t, err, tc.want)
		})
	}
	for _, bad := range []string{"", "[]", `{"a":1,"a":2}`, `{} {}`, "{\"a\":\"\xff\"}"} {
		_, _, err := testSigner().Log(testkit.TrailStart, []json.RawMessage{json.RawMessage(bad)})
		require.ErrorIs(t, err, cloudtrail.ErrSigner, bad)
	}
	require.ErrorIs(t, cloudtrail.Folder{}.Put(t.Context(), &cloudtrail.StoredObject{Bucket: "a", Key: "../b"}), cloudtrail.ErrName)
}

// TestFolderConcurrent puts objects into folders that are not there yet, all at
// once; one whose folder is a file is refused.
func TestFolderConcurrent(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	defer root.Close()
	f := cloudtrail.Folder{Root: root}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			key := fmt.Sprintf("a/b/%d/c/%d", i%3, i)
			if err := f.Put(t.Context(), &cloudtrail.StoredObject{Bucket: "logs", Key: key, Body: []byte(key)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 40 {
		key := fmt.Sprintf("a/b/%d/c/%d", i%3, i)
		got, err := fs.ReadFile(root.FS(), "logs/"+key)
		require.NoError(t, err)
		require.Equal(t, key, string(got))
	}
	require.Error(t, f.Put(t.Context(), &cloudtrail.StoredObject{Bucket: "logs", Key: "a/b/0/c/0/d", Body: nil}))
	require.Error(t, f.Put(t.Context(), &cloudtrail.StoredObject{Bucket: "logs", Key: "a/b/0/c/0/d/e", Body: nil}))
}

// TestSignerForm is CT-1, CT-3 and CT-7: one gzip member of one JSON object, its
// signature and, for a backfill digest, when it was made in the metadata; members
// in CloudTrail's order, slashes escaped.
func TestSignerForm(t *testing.T) {
	o, _, err := testSigner().Digest(cloudtrail.DigestInput{Start: testkit.TrailStart, End: testkit.TrailStart.Add(time.Hour)})
	require.NoError(t, err)
	require.Len(t, o.Metadata, 2)
	require.Regexp(t, "^[0-9a-f]{512}$", o.Metadata["signature"])
	require.Equal(t, "SHA256withRSA", o.Metadata["signature-algorithm"])
	text := string(testkit.Gunzip(o.Body))
	require.True(t, strings.HasPrefix(text, `{"awsAccountId":"111122223333","digestStartTime":"2026-03-01T00:13:52Z","digestEndTime":"2026-03-01T01:13:52Z","digestS3Bucket":"audit","digestS3Object":"AWSLogs\/111122223333\/CloudTrail-Digest\/us-east-1\/2026\/03\/01\/`), text)
	require.True(t, strings.HasSuffix(text, `"digestSignatureAlgorithm":"SHA256withRSA","newestEventTime":null,"oldestEventTime":null,"previousDigestS3Bucket":null,"previousDigestS3Object":null,"previousDigestHashValue":null,"previousDigestHashAlgorithm":null,"previousDigestSignature":null,"logFiles":[]}`), text)
	d, err := cloudtrail.ParseDigest([]byte(text), cloudtrail.Limits{})
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(d.StringToSign([32]byte{}), "\nnull"))
	require.Equal(t, 3, strings.Count(d.StringToSign([32]byte{}), "\n"))
}
