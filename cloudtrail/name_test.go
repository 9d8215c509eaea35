// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

const dayFolder = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/01/"

// digestNames feed the table test and the fuzz corpus alike.
var digestNames = []struct {
	name string
	key  string
	want cloudtrail.DigestName // zero: refused
}{
	{"trail with underscores", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_my_org_trail_us-east-1_20260301T041352Z.json.gz", cloudtrail.DigestName{
		Chain: cloudtrail.Chain{Account: "111122223333", Region: "eu-west-1", Trail: "my_org_trail", Home: "us-east-1"},
	}},
	{"backfill", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_us-east-1_20260301T041352Z_backfill.json.gz", cloudtrail.DigestName{
		Chain: cloudtrail.Chain{Account: "111122223333", Region: "eu-west-1", Trail: "main", Home: "us-east-1", Backfill: true},
	}},
	{"trail that looks like a region and a time", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_us-east-1_20260301T041352Z_us-gov-west-1_20260301T041352Z.json.gz", cloudtrail.DigestName{
		Chain: cloudtrail.Chain{Account: "111122223333", Region: "eu-west-1", Trail: "us-east-1_20260301T041352Z", Home: "us-gov-west-1"},
	}},
	{"prefix and organization", "a/b/" + strings.Replace(dayFolder, "AWSLogs/", "AWSLogs/o-exampleorgid/", 1) + "111122223333_CloudTrail-Digest_eu-west-1_main_eusc-de-east-1_20260301T041352Z.json.gz", cloudtrail.DigestName{
		Prefix: "a/b", Chain: cloudtrail.Chain{Account: "111122223333", Region: "eu-west-1", Trail: "main", Home: "eusc-de-east-1", Org: "o-exampleorgid"},
	}},
	{"prefix named AWSLogs", "AWSLogs/" + dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_eu-isoe-west-1_20260301T041352Z.json.gz", cloudtrail.DigestName{
		Prefix: "AWSLogs", Chain: cloudtrail.Chain{Account: "111122223333", Region: "eu-west-1", Trail: "main", Home: "eu-isoe-west-1"},
	}},
	{"prefix with an empty element", "a//" + dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_us-east-1_20260301T041352Z.json.gz", cloudtrail.DigestName{
		Prefix: "a/", Chain: cloudtrail.Chain{Account: "111122223333", Region: "eu-west-1", Trail: "main", Home: "us-east-1"},
	}},
	{"empty", "", cloudtrail.DigestName{}},
	{"leading slash", "/" + dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_us-east-1_20260301T041352Z.json.gz", cloudtrail.DigestName{}},
	{"account of the file differs", dayFolder + "111122223334_CloudTrail-Digest_eu-west-1_main_us-east-1_20260301T041352Z.json.gz", cloudtrail.DigestName{}},
	{"region of the file differs", dayFolder + "111122223333_CloudTrail-Digest_eu-west-2_main_us-east-1_20260301T041352Z.json.gz", cloudtrail.DigestName{}},
	{"day of the file differs", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_us-east-1_20260302T041352Z.json.gz", cloudtrail.DigestName{}},
	{"no such time", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_us-east-1_20260301T246060Z.json.gz", cloudtrail.DigestName{}},
	{"trail of two letters", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_ab_us-east-1_20260301T041352Z.json.gz", cloudtrail.DigestName{}},
	{"trail of 129 letters", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_" + strings.Repeat("a", 129) + "_us-east-1_20260301T041352Z.json.gz", cloudtrail.DigestName{}},
	{"no home region", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_20260301T041352Z.json.gz", cloudtrail.DigestName{}},
	{"not compressed", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_us-east-1_20260301T041352Z.json", cloudtrail.DigestName{}},
	{"a log file", strings.Replace(dayFolder, "-Digest", "", 1) + "111122223333_CloudTrail_eu-west-1_20260301T0413Z_0123456789abcdef.json.gz", cloudtrail.DigestName{}},
	{"too long", strings.Repeat("p", 1024) + "/" + dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_us-east-1_20260301T041352Z.json.gz", cloudtrail.DigestName{}},
}

// TestDigestNames is CT-21 and CT-23.
func TestDigestNames(t *testing.T) {
	for _, tc := range digestNames {
		t.Run(tc.name, func(t *testing.T) {
			got, err := cloudtrail.ParseDigestName(tc.key)
			if tc.want == (cloudtrail.DigestName{}) {
				require.ErrorIs(t, err, cloudtrail.ErrName)
				return
			}
			require.NoError(t, err)
			tc.want.End = time.Date(2026, 3, 1, 4, 13, 52, 0, time.UTC)
			require.Empty(t, cmp.Diff(tc.want, got))
			require.Equal(t, tc.key, got.String())
		})
	}
}

var logNames = []struct {
	name string
	key  string
	want cloudtrail.LogName
}{
	{"plain", "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/111122223333_CloudTrail_eu-west-1_20260301T0413Z_0123456789abcDEF.json.gz", cloudtrail.LogName{
		Account: "111122223333", Kind: "CloudTrail", Region: "eu-west-1", ID: "0123456789abcDEF",
	}},
	{"insight in an organization", "p/AWSLogs/o-abc/111122223333/CloudTrail-Insight/eu-west-1/2026/03/01/111122223333_CloudTrail-Insight_eu-west-1_20260301T0413Z_0123456789abcDEF.json.gz", cloudtrail.LogName{
		Prefix: "p", Org: "o-abc", Account: "111122223333", Kind: "CloudTrail-Insight", Region: "eu-west-1", ID: "0123456789abcDEF",
	}},
	{"id too short", "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/111122223333_CloudTrail_eu-west-1_20260301T0413Z_0123456789abcDE.json.gz", cloudtrail.LogName{}},
	{"kind differs", "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/111122223333_CloudTrail-Insight_eu-west-1_20260301T0413Z_0123456789abcDEF.json.gz", cloudtrail.LogName{}},
	{"another service", "AWSLogs/111122223333/Config/eu-west-1/2026/03/01/111122223333_Config_eu-west-1_20260301T0413Z_0123456789abcDEF.json.gz", cloudtrail.LogName{}},
	{"a digest", dayFolder + "111122223333_CloudTrail-Digest_eu-west-1_main_us-east-1_20260301T041352Z.json.gz", cloudtrail.LogName{}},
}

// TestLogNames is CT-22.
func TestLogNames(t *testing.T) {
	for _, tc := range logNames {
		t.Run(tc.name, func(t *testing.T) {
			got, err := cloudtrail.ParseLogName(tc.key)
			if tc.want == (cloudtrail.LogName{}) {
				require.ErrorIs(t, err, cloudtrail.ErrName)
				return
			}
			require.NoError(t, err)
			tc.want.Time = time.Date(2026, 3, 1, 4, 13, 0, 0, time.UTC)
			require.Empty(t, cmp.Diff(tc.want, got))
			require.Equal(t, tc.key, got.String())
		})
	}
}
