// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/cloudtrail/s3source"
	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// library runs a validator of the package, and returns the codes of its
// findings, sorted.
func library(t *testing.T, v cloudtrail.Validator) []string {
	t.Helper()
	rep, err := v.Run(t.Context())
	require.NoError(t, err)
	var codes []string
	for _, f := range rep.Findings {
		codes = append(codes, string(f.Code))
	}
	slices.Sort(codes)
	return codes
}

// TestEveryCode: each code of the vocabulary is produced by the package and by
// trailcheck, on the same trail.
func TestEveryCode(t *testing.T) {
	bin, err := trailcheck()
	require.NoError(t, err)
	cases := slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails())
	for _, c := range cloudtrail.Codes() {
		t.Run(string(c.Code), func(t *testing.T) {
			if c.Code == cloudtrail.LogArchived {
				archived(t, bin)
				return
			}
			i := slices.IndexFunc(cases, func(tc testkit.TrailCase) bool { return slices.Contains(tc.Codes, string(c.Code)) })
			require.GreaterOrEqual(t, i, 0, "no trail produces it")
			tc := cases[i]
			dir := t.TempDir()
			require.NoError(t, tc.Make().WriteTo(dir))
			tree := cloudtrail.Directory{FS: os.DirFS(dir)}
			keys, err := tree.Keys()
			require.NoError(t, err)
			buckets, err := tree.Buckets()
			require.NoError(t, err)
			v := cloudtrail.Validator{
				Source: tree, Keys: keys, Buckets: buckets, From: tc.From, To: tc.Until(), ExpectThrough: tc.Expect, Trail: tc.Trail,
			}
			if tc.Account != "" {
				v.Accounts = []string{tc.Account}
			}
			require.Equal(t, tc.Codes, library(t, v))
			a := run(t, nil, bin, append(flags(&tc), "-dir", dir)...)
			require.Equal(t, tc.Codes, codesOf(t, a.stdout))
			require.Equal(t, exits[tc.Verdict], a.exit)
		})
	}
	testkit.Report(t, "interop", "awstrail/codes", "-", len(cloudtrail.Codes()))
}

// archived is the one code that a directory cannot show.
func archived(t *testing.T, bin string) {
	t.Helper()
	all := faultCases()
	tc := all[slices.IndexFunc(all, func(tc faultCase) bool { return tc.name == "archived" })]
	c := tc.serve(t)
	end := testkit.TrailStart.Add(5 * time.Hour)
	keys, err := cloudtrail.ParseKeys(c.trail.KeysJSON("us-east-1"))
	require.NoError(t, err)
	for _, source := range []*s3source.Source{s3source.New(c.client()), s3source.NewDirect(c.client())} {
		v := cloudtrail.Validator{Source: source, Keys: cloudtrail.KeyRing{"": keys}, Buckets: []string{"trail-logs"}, To: end}
		require.Equal(t, tc.codes, library(t, v))
	}
	a := run(t, awsEnv(c.URL), bin, "-bucket", "trail-logs", "-endpoint", c.URL, "-format", "json", "-end", end.Format(time.RFC3339))
	require.Equal(t, tc.codes, codesOf(t, a.stdout))
}

func (c *cloud) client() *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &c.URL, UsePathStyle: true, Credentials: aws.AnonymousCredentials{},
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
}

// TestVersions is CT-48 over S3: trailcheck -versions names the version of a log
// file from before it was overwritten, and of one from before it was deleted.
func TestVersions(t *testing.T) {
	bin, err := trailcheck()
	require.NoError(t, err)
	for _, deleted := range []bool{false, true} {
		trail := testkit.NewTrail()
		trail.AddKey("us-east-1", testkit.TrailKeys[0]())
		chain := trail.Chain()
		chain.Hours(4, 2)
		path := chain.Logs[1][1]
		_, key, _ := strings.Cut(path, "/")
		good := trail.Objects[path]
		trail.Objects[path] = testkit.Gzip([]byte("{}"))
		if deleted {
			delete(trail.Objects, path)
		}
		c := serve(t, trail)
		c.versions = func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case r.URL.Query().Has("versions"):
				var escaped bytes.Buffer
				assert.Equal(t, key, r.URL.Query().Get("prefix"))
				assert.NoError(t, xml.EscapeText(&escaped, []byte(key)))
				fmt.Fprintf(w, `<ListVersionsResult><Version><Key>%[1]s</Key><VersionId>newer</VersionId></Version><Version><Key>%[1]s</Key><VersionId>older</VersionId></Version><Version><Key>%[1]sx</Key><VersionId>other</VersionId></Version></ListVersionsResult>`, escaped.String())
			case r.URL.Query().Get("versionId") == "older":
				_, _ = w.Write(good)
			case r.URL.Query().Get("versionId") == "newer":
				_, _ = w.Write(testkit.Gzip([]byte("{}")))
			default:
				return false
			}
			return true
		}
		a := run(t, awsEnv(c.URL), bin, "-bucket", "trail-logs", "-endpoint", c.URL, "-versions", "-end", testkit.TrailStart.Add(5*time.Hour).Format(time.RFC3339))
		require.Contains(t, a.stdout, "; recoveredVersion older")
		require.Equal(t, map[bool]int{false: 1, true: 2}[deleted], a.exit, "tampered with, or incomplete")
	}
}

// TestGatewayTrail: the trail that examples/gateway signs of its own calls is
// valid to the AWS CLI and to trailcheck.
func TestGatewayTrail(t *testing.T) {
	interop.Require(t)
	version := interop.Version(t, interop.Program(t, "aws"), "--version")
	bin, err := trailcheck()
	require.NoError(t, err)
	start := time.Now().UTC().Add(-time.Second).Truncate(time.Second)
	g := interop.Gateway(t, interop.GatewayConfig{Fields: map[string]any{"audit": map[string]any{"rotate": "100ms", "digest": "1100ms"}}})
	client := s3.New(s3.Options{
		Region: g.Region, BaseEndpoint: &g.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(g.AccessKeyID, g.SecretAccessKey, ""),
	})
	_, err = client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("work")})
	require.NoError(t, err)
	audit := filepath.Join(g.Dir, "audit")
	count := func(kind string) (n int) {
		for path := range readTree(t, audit).Objects {
			if strings.Contains(path, kind) {
				n++
			}
		}
		return n
	}
	for i := 0; i < 200 && (count("/CloudTrail-Digest/") < 4 || count("/CloudTrail/") < 3); i++ {
		_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("work"), Key: aws.String("key"), Body: strings.NewReader("body")})
		require.NoError(t, err)
		time.Sleep(100 * time.Millisecond) // what is waited for is the gateway's clock
	}
	g.Process.Stop()
	end := time.Now().UTC()
	trail := readTree(t, audit)
	for path := range trail.Objects {
		if !strings.HasPrefix(path, "gateway-audit/") {
			delete(trail.Objects, path)
		}
	}
	keys, err := os.ReadFile(filepath.Join(audit, "keys."+g.Region+".json"))
	require.NoError(t, err)
	c := serve(t, trail)
	c.keyList = keys
	a := validateLogsOf(t, c, trail, start, end)
	require.Zero(t, a.exit, "%s%s", a.stdout, a.stderr)
	require.Contains(t, a.stdout, "log files valid")
	require.NotContains(t, a.stdout+a.stderr, "INVALID")
	b := run(t, nil, bin, "-dir", audit, "-bucket", "gateway-audit")
	require.Zero(t, b.exit, "%s%s", b.stdout, b.stderr)
	testkit.Report(t, "interop", "awstrail/gateway", version, 1)
}

// validateLogsOf runs the AWS CLI over the one chain of a trail.
func validateLogsOf(t *testing.T, c *cloud, trail *testkit.Trail, start, end time.Time) answer {
	t.Helper()
	for path := range trail.Meta {
		_, key, _ := strings.Cut(path, "/")
		name, err := cloudtrail.ParseDigestName(key)
		require.NoError(t, err)
		arn := fmt.Sprintf("arn:aws:cloudtrail:%s:%s:trail/%s", name.Chain.Home, name.Chain.Account, name.Chain.Trail)
		c.describe["Name"], c.describe["S3BucketName"], c.describe["HomeRegion"], c.describe["TrailARN"] = name.Chain.Trail, "gateway-audit", name.Chain.Home, arn
		return run(t, awsEnv(c.URL), interop.Program(t, "aws"), "cloudtrail", "validate-logs", "--verbose", "--trail-arn", arn,
			"--start-time", start.Format(time.RFC3339), "--end-time", end.Format(time.RFC3339))
	}
	t.Fatal("no digests")
	return answer{}
}
