// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// bucket is a Sink over an S3 client.
type bucket struct{ client *s3.Client }

func (b bucket) Put(ctx context.Context, o *cloudtrail.StoredObject) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &o.Bucket, Key: &o.Key, Body: bytes.NewReader(o.Body), Metadata: o.Metadata,
		ContentType: aws.String("application/json"), ContentEncoding: aws.String("gzip"),
	})
	return err
}

// writeTrail writes six hours of a trail with the package's own Writer.
func writeTrail(t *testing.T, s *cloudtrail.Signer, source cloudtrail.Source, sink cloudtrail.Sink) {
	t.Helper()
	w, err := cloudtrail.NewWriter(t.Context(), s, source, sink, testkit.TrailStart)
	require.NoError(t, err)
	for h := range 6 {
		at := testkit.TrailStart.Add(time.Duration(h) * time.Hour)
		for i := range h % 3 {
			when := at.Add(time.Duration(i+1) * 15 * time.Minute)
			record := fmt.Sprintf(`{"eventVersion":"1.11","eventTime":%q,"eventName":"Put/Object","note":"naïve <&>"}`, when.Format(time.RFC3339))
			require.NoError(t, w.WriteLog(t.Context(), when, []json.RawMessage{[]byte(record), []byte(record)}))
		}
		require.NoError(t, w.WriteDigest(t.Context(), at.Add(time.Hour)))
	}
}

// TestSignerAccepted: the AWS CLI accepts every layout of trail that the
// package signs, and trailcheck does, over S3 and from a directory.
func TestSignerAccepted(t *testing.T) {
	interop.Require(t)
	version := interop.Version(t, interop.Program(t, "aws"), "--version")
	bin, err := trailcheck()
	require.NoError(t, err)
	layouts := []struct{ name, prefix, org string }{{"plain", "", ""}, {"prefix", "team/audit", ""}, {"organization", "", "o-exampleorgid"}}
	for _, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "trail-logs"), 0o755))
			root, err := os.OpenRoot(dir)
			require.NoError(t, err)
			defer root.Close()
			s := &cloudtrail.Signer{
				Bucket: "trail-logs", Prefix: layout.prefix, Org: layout.org, Account: "111122223333", Trail: "main",
				Home: "us-east-1", Region: "us-east-1", Key: testkit.TrailKeys[0](),
			}
			writeTrail(t, s, cloudtrail.Directory{FS: root.FS()}, cloudtrail.Folder{Root: root})
			c := serve(t, readTree(t, dir))
			a := validateLogs(t, c.URL, testkit.TrailStart, testkit.TrailStart.Add(6*time.Hour), more(c, layout.name)...)
			require.Zero(t, a.exit, a.stderr)
			require.Contains(t, a.stdout, "6/6 digest files valid\n6/6 log files valid")
			data := c.trail.KeysJSON("us-east-1")
			require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.us-east-1.json"), data, 0o644))
			end := testkit.TrailStart.Add(6 * time.Hour).Format(time.RFC3339)
			b := run(t, nil, bin, "-dir", dir, "-end", end)
			require.Zero(t, b.exit, b.stdout)
			b = run(t, awsEnv(c.URL), bin, "-bucket", "trail-logs", "-endpoint", c.URL, "-end", end)
			require.Zero(t, b.exit, "%s%s", b.stdout, b.stderr)
		})
	}
	testkit.Report(t, "interop", "awstrail/signer", version, len(layouts))
}

// readTree reads a directory back into a trail that the server can serve.
func readTree(t *testing.T, dir string) *testkit.Trail {
	t.Helper()
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if object, ok := bytes.CutSuffix([]byte(rel), []byte(".meta.json")); ok {
			var side struct{ Metadata map[string]string }
			require.NoError(t, json.Unmarshal(data, &side))
			trail.Meta[string(object)] = side.Metadata
			return nil
		}
		trail.Objects[rel] = data
		return nil
	}))
	return trail
}

// TestVersitygw: a trail written by the Writer straight into a foreign S3
// server is valid to the AWS CLI and to trailcheck, and a deleted log file is
// missing to both. Its events are read from there, none out of a file that was
// deleted, replaced or slipped in.
func TestVersitygw(t *testing.T) {
	interop.Require(t)
	server := interop.Versitygw(t)
	testServer(t, server)
	testkit.Report(t, "interop", "awstrail/versitygw", server.Version, serverCases)
}

// TestMinio is the same with another server.
func TestMinio(t *testing.T) {
	interop.Require(t)
	server := interop.Minio(t)
	testServer(t, server)
	testkit.Report(t, "interop", "awstrail/minio", server.Version, serverCases)
}

// serverCases is how many states of a trail testServer reads.
const serverCases = 4

func testServer(t *testing.T, server *interop.Server) {
	t.Helper()
	bin, err := trailcheck()
	require.NoError(t, err)
	client := s3.New(s3.Options{
		Region: server.Region, BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKeyID, server.SecretAccessKey, ""),
	})
	_, err = client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("trail-logs")})
	require.NoError(t, err)
	s := &cloudtrail.Signer{
		Bucket: "trail-logs", Account: "111122223333", Trail: "main", Home: "us-east-1", Region: "us-east-1", Key: testkit.TrailKeys[0](),
	}
	writeTrail(t, s, newSource(client), bucket{client})
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	api := serve(t, trail) // DescribeTrails and ListPublicKeys alone
	env := append(awsEnv(api.URL), "AWS_ENDPOINT_URL_S3="+server.URL,
		"AWS_ACCESS_KEY_ID="+server.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+server.SecretAccessKey)
	end := testkit.TrailStart.Add(6 * time.Hour)
	cli := func() answer {
		return run(t, env, interop.Program(t, "aws"), "cloudtrail", "validate-logs", "--verbose",
			"--trail-arn", "arn:aws:cloudtrail:us-east-1:111122223333:trail/main",
			"--start-time", testkit.TrailStart.Format(time.RFC3339), "--end-time", end.Format(time.RFC3339))
	}
	own := func() answer {
		return run(t, env, bin, "-bucket", "trail-logs", "-endpoint", server.URL, "-format", "json", "-end", end.Format(time.RFC3339))
	}
	a := cli()
	require.Zero(t, a.exit, "%s%s", a.stdout, a.stderr)
	require.Contains(t, a.stdout, "6/6 digest files valid\n6/6 log files valid")
	b := own()
	require.Zero(t, b.exit, "%s%s", b.stdout, b.stderr)
	events := func(exit, n int, logs string) answer {
		t.Helper()
		a := run(t, env, bin, "events", "-bucket", "trail-logs", "-endpoint", server.URL, "-format", "json", "-end", end.Format(time.RFC3339))
		require.Equal(t, exit, a.exit, a.stderr)
		require.Equal(t, n, strings.Count(a.stdout, `"eventName":"Put/Object"`), a.stdout)
		require.Equal(t, n, strings.Count(a.stdout, "\n"))
		require.Contains(t, a.stderr, fmt.Sprintf("%d events\ndigests: 6/6 valid\nlogs: %s", n, logs))
		return a
	}
	events(0, 12, "6/6 valid")

	list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("trail-logs"), Prefix: aws.String("AWSLogs/111122223333/CloudTrail/")})
	require.NoError(t, err)
	_, err = client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("trail-logs"), Key: list.Contents[0].Key})
	require.NoError(t, err)
	require.Contains(t, cli().stderr, "INVALID: not found")
	b = own()
	require.Equal(t, 2, b.exit)
	require.Equal(t, []string{"log-missing"}, codesOf(t, b.stdout))
	require.Contains(t, events(2, 10, "5/6 valid, 1 invalid").stderr, "ERROR\tlog-missing\ts3://trail-logs/"+*list.Contents[0].Key)

	forged := testkit.Gzip([]byte(`{"Records":[{"eventVersion":"1.11","eventName":"Forged"}]}`))
	replaced, added := *list.Contents[1].Key, *list.Contents[1].Key
	added = added[:len(added)-len("0123456789abcdef.json.gz")] + "FORGEDforged0001.json.gz"
	for _, key := range []string{replaced, added} {
		require.NoError(t, bucket{client}.Put(t.Context(), &cloudtrail.StoredObject{Bucket: "trail-logs", Key: key, Body: forged}))
	}
	b = own()
	require.Equal(t, 1, b.exit)
	require.Equal(t, []string{"log-hash-mismatch", "log-missing", "log-unreferenced"}, codesOf(t, b.stdout))
	b = events(1, 8, "4/6 valid, 2 invalid")
	require.Contains(t, b.stderr, "ERROR\tlog-hash-mismatch\ts3://trail-logs/"+replaced)
	require.Contains(t, b.stderr, "ERROR\tlog-unreferenced\ts3://trail-logs/"+added)
}

// TestCompatible is CT-53 to CT-55: on valid trails `-format awscli` is the AWS
// CLI's output byte for byte, over S3 and from a directory.
func TestCompatible(t *testing.T) {
	interop.Require(t)
	version := interop.Version(t, interop.Program(t, "aws"), "--version")
	bin, err := trailcheck()
	require.NoError(t, err)
	compared := 0
	for _, tc := range testkit.GoodTrails() {
		if slices.Contains(strict, tc.Name) || tc.NoTo || tc.Name == "organization" {
			continue
		}
		t.Run(tc.Name, func(t *testing.T) {
			trail := tc.Make()
			c := serve(t, trail)
			start := from(&tc)
			theirs := validateLogs(t, c.URL, start, tc.Until(), more(c, tc.Name)...)
			require.Zero(t, theirs.exit, theirs.stderr)
			dir := t.TempDir()
			require.NoError(t, trail.WriteTo(dir))
			ours := run(t, nil, bin, "-dir", dir, "-format", "awscli", "-trail", "main", "-region", "us-east-1",
				"-start", start.Format(time.RFC3339), "-end", tc.Until().Format(time.RFC3339))
			require.Equal(t, theirs.stdout, ours.stdout)
			require.Equal(t, theirs.stderr, ours.stderr)
			require.Zero(t, ours.exit)
		})
		compared++
	}
	testkit.Report(t, "interop", "awstrail/compatible", version, compared)
}
