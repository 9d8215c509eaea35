// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

type junitDoc struct {
	XMLName  xml.Name `xml:"testsuites"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Suites   []struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Cases    []struct {
			Name      string    `xml:"name,attr"`
			ClassName string    `xml:"classname,attr"`
			Failure   *struct{} `xml:"failure"`
			Error     *struct{} `xml:"error"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func junit(t testing.TB, rep *cloudtrail.Report) (doc junitDoc) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, rep.WriteJUnit(&b))
	d := xml.NewDecoder(&b)
	require.NoError(t, d.Decode(&doc))
	_, err := d.Token() // the line feed
	require.NoError(t, err)
	_, err = d.Token()
	require.ErrorIs(t, err, io.EOF)
	return doc
}

// TestJUnit: whatever is wrong with a trail, each finding is a test case once, a
// suite fails when its chain is not valid, and the counts are those of the cases.
func TestJUnit(t *testing.T) {
	for _, tc := range slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails()) {
		rep := validate(t, tc.Make().FS(), ofCase(&tc))
		doc := junit(t, rep)
		require.Len(t, doc.Suites, len(rep.Coverage)+1, tc.Name)
		var found []string
		tests, failures, errors := 0, 0, 0
		for i, s := range doc.Suites {
			f, e := 0, 0
			for _, c := range s.Cases {
				if c.Failure != nil {
					f++
				}
				if c.Error != nil {
					e++
				}
				if c.ClassName != "verdict" {
					found = append(found, c.ClassName)
				}
			}
			require.Equal(t, []int{len(s.Cases), f, e}, []int{s.Tests, s.Failures, s.Errors}, tc.Name)
			if i < len(rep.Coverage) {
				require.Equal(t, rep.Coverage[i].Chain.String(), s.Name)
			}
			tests, failures, errors = tests+s.Tests, failures+s.Failures, errors+s.Errors
		}
		slices.Sort(found)
		require.Equal(t, tc.Codes, found, tc.Name)
		require.Equal(t, []int{tests, failures, errors}, []int{doc.Tests, doc.Failures, doc.Errors})
		require.Equal(t, rep.Verdict == cloudtrail.Valid, failures+errors == 0, tc.Name)
		require.Equal(t, rep.Verdict == cloudtrail.Failed, doc.Suites[len(rep.Coverage)].Errors == 1+countNone(rep), tc.Name)
	}
}

// countNone counts the findings that are errors and concern no chain.
func countNone(rep *cloudtrail.Report) (n int) {
	for _, f := range rep.Findings {
		if f.Verdict == cloudtrail.Failed && f.Chain == nil {
			n++
		}
	}
	return n
}

// TestJUnitHostile: what stands in names and details is text, and no more.
func TestJUnitHostile(t *testing.T) {
	const text = "</failure>\x00\x1b[31m\n]]>&<x y='\"'>\xff"
	rep := &cloudtrail.Report{Verdict: cloudtrail.Tampered, Findings: []cloudtrail.Finding{
		{Code: cloudtrail.LogInvalid, Verdict: cloudtrail.Tampered, Object: "s3://b/" + text, Detail: text},
	}}
	doc := junit(t, rep)
	require.Len(t, doc.Suites, 1)
	require.Equal(t, "s3://b/</failure>\ufffd\ufffd[31m\ufffd]]>&<x y='\"'>\ufffd", doc.Suites[0].Cases[0].Name)
}
