// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"encoding/json"
	"io/fs"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// validate runs a Validator over a tree as trailcheck -dir does.
func validate(t testing.TB, tree fs.FS, change func(*cloudtrail.Validator)) *cloudtrail.Report {
	t.Helper()
	v := validatorOf(t, tree)
	if change != nil {
		change(v)
	}
	rep, err := v.Run(t.Context())
	require.NoError(t, err)
	return rep
}

func validatorOf(t testing.TB, tree fs.FS) *cloudtrail.Validator {
	t.Helper()
	d := cloudtrail.Directory{FS: tree}
	keys, err := d.Keys()
	require.NoError(t, err)
	buckets, err := d.Buckets()
	require.NoError(t, err)
	return &cloudtrail.Validator{Source: d, Keys: keys, Buckets: buckets}
}

func ofCase(tc *testkit.TrailCase) func(*cloudtrail.Validator) {
	return func(v *cloudtrail.Validator) {
		v.From, v.To, v.ExpectThrough, v.Trail = tc.From, tc.Until(), tc.Expect, tc.Trail
		if tc.Account != "" {
			v.Accounts = []string{tc.Account}
		}
	}
}

func codes(rep *cloudtrail.Report) []string {
	var list []string
	for _, f := range rep.Findings {
		list = append(list, string(f.Code))
	}
	slices.Sort(list)
	return list
}

func asJSON(t testing.TB, rep *cloudtrail.Report) string {
	t.Helper()
	data, err := json.MarshalIndent(rep, "", " ")
	require.NoError(t, err)
	return string(data)
}

// TestTrails is CT-69, and CT-49: each good trail and each tampering gives exactly the
// codes, the verdict and the exit status that the rules say, and the same
// report for one worker and for many. Among them are a log file compressed again
// and hashes in upper case (CT-10), algorithms that are absent or others (CT-15).
func TestTrails(t *testing.T) {
	for _, tc := range slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails()) {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			tree := tc.Make().FS()
			rep := validate(t, tree, ofCase(&tc))
			require.Equal(t, tc.Codes, codes(rep), "%s", asJSON(t, rep))
			require.Equal(t, tc.Verdict, rep.Verdict.String())
			for _, workers := range []int{1, 4, 64} {
				again := validate(t, tree, func(v *cloudtrail.Validator) {
					ofCase(&tc)(v)
					v.Workers = workers
				})
				require.Equal(t, asJSON(t, rep), asJSON(t, again), "with %d workers", workers)
			}
		})
	}
}

// TestEveryCode holds the catalogue to the closed vocabulary: each code is
// produced by a trail of it or by a test named here.
func TestEveryCode(t *testing.T) {
	elsewhere := map[string]string{
		"log-archived": "TestSourceFaults",
	}
	produced := map[string]bool{}
	for _, tc := range slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails()) {
		for _, code := range tc.Codes {
			produced[code] = true
		}
	}
	for _, c := range cloudtrail.Codes() {
		code := string(c.Code)
		require.True(t, produced[code] || elsewhere[code] != "", "no trail produces %s", code)
		delete(produced, code)
	}
	require.Empty(t, produced, "codes that are not in the vocabulary")
}
