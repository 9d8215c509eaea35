// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

func tampered(t *testing.T, name string) *testkit.TrailCase {
	t.Helper()
	for _, tc := range append(testkit.GoodTrails(), testkit.TamperedTrails()...) {
		if tc.Name == name {
			return &tc
		}
	}
	t.Fatalf("no trail %q", name)
	return nil
}

// TestAWSCLI is CT-53, CT-54 and CT-55: the reasons in the AWS CLI's words, failures on
// stderr, the counts on stdout. That whole outputs are equal on valid trails is
// compared with the AWS CLI itself.
func TestAWSCLI(t *testing.T) {
	for _, tc := range []struct{ name, stderr, stdout string }{
		{"digest deleted", "INVALID: not found", "5/6 digest files valid, 1/6 digest files INVALID"},
		{"log deleted", "INVALID: not found", "14/15 log files valid, 1/15 log files INVALID"},
		{"digest replaced by text", "INVALID: invalid format", "5/6 digest files valid, 1/6"},
		{"digest copied to a later hour", "INVALID: has been moved from its original location", "6/7 digest files valid"},
		{"signature removed", "INVALID: signature verification failed", "5/6 digest files valid"},
		{"signature of odd length", "INVALID: Odd-length string", "5/6 digest files valid"},
		{"signature not hex", "INVALID: Non-hexadecimal digit found", "5/6 digest files valid"},
		{"digest by a key nobody lists", "INVALID: public key not found in region us-east-1 for fingerprint ", "5/6 digest files valid"},
		{"key with another fingerprint", "INVALID: Unable to load PKCS #1 key with fingerprint ", "No valid digests found in range\n\n0/6 digest files valid, 6/6"},
		{"log content changed", "INVALID: hash value doesn't match", "14/15 log files valid"},
		{"log truncated in the data", "INVALID: hash value doesn't match", "14/15 log files valid"},
		{"log empty", "INVALID: hash value doesn't match", "14/15 log files valid"},
		{"log without trailer", "INVALID: invalid format", "14/15 log files valid"},
		{"log CRC wrong", "INVALID: invalid format", "14/15 log files valid"},
		{"log stored without gzip", "INVALID: invalid format", "14/15 log files valid"},
		{"log with a zero byte behind", "INVALID: unexpected data after end of compressed stream", "14/15 log files valid"},
		{"digest of another account", "INVALID: digest-wrong-account", "5/6 digest files valid"},
		{"log forged and slipped in", "FORGEDforged0001.json.gz\tINVALID: log-unreferenced", "15/15 log files valid\n"},
		{"newest digests and logs deleted", "tail-missing: ", "4/4 digest files valid"},
		{"backfill digest deleted", "(backfill) Digest file\ts3://", "2/3 backfill digest files valid, 1/3 backfill digest files INVALID"},
		{"gap", "No log files were delivered by CloudTrail between 2026-03-01T02:13:52Z and 2026-03-01T04:13:52Z", "4/4 digest files valid\n"},
		{"everything deleted", "no-digests: ", "Results requested for "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tampered(t, tc.name)
			rep := validate(t, c.Make().FS(), func(v *cloudtrail.Validator) { ofCase(c)(v); v.KeepObjects = true })
			var stdout, stderr bytes.Buffer
			require.NoError(t, rep.WriteAWSCLI(&stdout, &stderr))
			require.Contains(t, stderr.String(), tc.stderr)
			require.Contains(t, stdout.String(), tc.stdout)
			require.True(t, strings.HasSuffix(stderr.String(), "\n\n"))
			require.NotContains(t, stdout.String(), "INVALID:")
		})
	}
	c := tampered(t, "two trails in a bucket")
	rep := validate(t, c.Make().FS(), func(v *cloudtrail.Validator) { v.KeepObjects = true })
	require.ErrorIs(t, rep.WriteAWSCLI(&bytes.Buffer{}, &bytes.Buffer{}), cloudtrail.ErrConfig)
}

// TestSARIF is CT-52.
func TestSARIF(t *testing.T) {
	c := tampered(t, "log renamed")
	rep := validate(t, c.Make().FS(), ofCase(c))
	var b bytes.Buffer
	require.NoError(t, rep.WriteSARIF(&b))
	var got struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Invocations []struct{ ExitCode int }
			Results     []struct {
				RuleID              string
				RuleIndex           int
				Level               string
				Message             struct{ Text string }
				PartialFingerprints map[string]string
				Locations           []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	require.Equal(t, "2.1.0", got.Version)
	require.Len(t, got.Runs, 1)
	run := got.Runs[0]
	require.Len(t, run.Tool.Driver.Rules, len(cloudtrail.Codes()))
	require.Equal(t, 1, run.Invocations[0].ExitCode)
	require.Len(t, run.Results, 2)
	for i, r := range run.Results {
		f := rep.Findings[i]
		require.Equal(t, string(f.Code), r.RuleID)
		require.Equal(t, r.RuleID, run.Tool.Driver.Rules[r.RuleIndex].ID)
		require.Equal(t, "error", r.Level)
		require.NotEmpty(t, r.Message.Text)
		sum := sha256.Sum256([]byte(r.RuleID + "|" + f.Object + "|"))
		require.Equal(t, hex.EncodeToString(sum[:]), r.PartialFingerprints["sallyport/v1"])
		uri, err := url.Parse(r.Locations[0].PhysicalLocation.ArtifactLocation.URI)
		require.NoError(t, err)
		require.Equal(t, f.Object, "s3://"+uri.Host+uri.Path)
	}
	info := tampered(t, "gap")
	b.Reset()
	require.NoError(t, validate(t, info.Make().FS(), ofCase(info)).WriteSARIF(&b))
	require.Contains(t, b.String(), `"level": "note"`)
}

// TestText: no object's name reaches a terminal with control characters.
func TestTextIsPlain(t *testing.T) {
	rep := &cloudtrail.Report{Findings: []cloudtrail.Finding{{
		Code: cloudtrail.LogMissing, Severity: cloudtrail.Fault, Object: "s3://b/\x1b[2Jx\ny", Detail: "a\tb\u202e",
	}}}
	var b bytes.Buffer
	require.NoError(t, rep.WriteText(&b))
	line, _, _ := strings.Cut(b.String(), "\n")
	require.Equal(t, "ERROR\tlog-missing\ts3://b/\uFFFD[2Jx\uFFFDy\ta\uFFFDb\uFFFD", line)
}

// TestGapsIncomplete is CT-31's policy.
func TestGapsIncomplete(t *testing.T) {
	c := tampered(t, "gap")
	rep := validate(t, c.Make().FS(), func(v *cloudtrail.Validator) { ofCase(c)(v); v.GapsIncomplete = true })
	require.Equal(t, cloudtrail.Incomplete, rep.Verdict)
	require.Equal(t, cloudtrail.Warning, rep.Findings[0].Severity)
}

// TestUncovered is CT-57: a log file that no digest can have listed yet is
// counted, and where the range was given, only in it.
func TestUncovered(t *testing.T) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Hours(2, 1)
	for i, after := range []time.Duration{150 * time.Minute, 50 * time.Hour} {
		trail.Objects["trail-logs/"+c.LogKey(testkit.TrailStart.Add(after), fmt.Sprintf("FORGEDforged000%d", i))] = testkit.Gzip([]byte("{}"))
	}
	for to, want := range map[time.Duration]int{0: 2, 2 * time.Hour: 0, 3 * time.Hour: 1} {
		rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) {
			if to > 0 {
				v.To = testkit.TrailStart.Add(to)
			}
		})
		require.Equal(t, cloudtrail.Valid, rep.Verdict)
		require.Equal(t, want, rep.Counts.UnreferencedUncovered, to)
	}
}

// CT-50: the times of findings are written as all others are, also where a clock
// gave one: in UTC and of whole seconds.
func TestFindingTimes(t *testing.T) {
	at := time.Date(2026, 3, 1, 1, 0, 0, 795_449_570, time.FixedZone("", 3600))
	f := cloudtrail.Finding{Code: cloudtrail.TailMissing, To: at}
	data, err := json.Marshal(&cloudtrail.Report{To: at, Findings: []cloudtrail.Finding{f}})
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(data), `"to":"2026-03-01T00:00:00Z"`), "%s", data)
	data, err = json.Marshal(f)
	require.NoError(t, err)
	require.NotContains(t, string(data), `"from"`)
}
