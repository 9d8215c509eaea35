// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"encoding/xml"
	"io"
)

// The elements of a JUnit report.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string      `xml:"name,attr"`
	ClassName string      `xml:"classname,attr"`
	Failure   *junitFault `xml:"failure,omitempty"`
	Error     *junitFault `xml:"error,omitempty"`
	SystemOut string      `xml:"system-out,omitempty"`
}

type junitFault struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML, for CI systems: a suite for each
// chain and one for what concerns none, a test case for each chain that fails
// unless the chain is valid, and one for each finding. Tampered and incomplete
// are failures, what could not be examined is an error, and information passes.
func (rep *Report) WriteJUnit(w io.Writer) error {
	doc := junitSuites{Name: "trailcheck"}
	own := map[Chain][]*Finding{} // of the chains that have coverage
	for i := range rep.Coverage {
		own[rep.Coverage[i].Chain] = nil
	}
	var rest []*Finding
	for i := range rep.Findings {
		f := &rep.Findings[i]
		if f.Chain != nil {
			if list, covered := own[*f.Chain]; covered {
				own[*f.Chain] = append(list, f)
				continue
			}
		}
		rest = append(rest, f)
	}
	for i := range rep.Coverage {
		id, verdict := rep.Coverage[i].Chain, Valid
		for _, f := range own[id] {
			verdict = max(verdict, f.Verdict)
		}
		doc.add(id.String(), own[id], verdict)
	}
	doc.add("the run", rest, rep.Verdict)
	for _, s := range doc.Suites {
		doc.Tests += s.Tests
		doc.Failures += s.Failures
		doc.Errors += s.Errors
	}
	data, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(data)+"\n")
	return err
}

// add adds a suite: its findings, and what they come to.
func (d *junitSuites) add(name string, findings []*Finding, verdict Verdict) {
	s := junitSuite{Name: name}
	for _, f := range findings {
		s.add(f.Verdict, string(f.Code), f.Object, f.text())
	}
	s.add(verdict, "verdict", name, verdict.String())
	d.Suites = append(d.Suites, s)
}

func (s *junitSuite) add(verdict Verdict, code, object, text string) {
	if object == "" {
		object = code
	}
	c := junitCase{Name: plainText(object), ClassName: code}
	fault := &junitFault{Type: code, Message: plainText(text), Text: verdict.String()}
	switch verdict {
	case Valid:
		c.SystemOut = plainText(text)
	case Failed:
		c.Error = fault
		s.Errors++
	default:
		c.Failure = fault
		s.Failures++
	}
	s.Tests++
	s.Cases = append(s.Cases, c)
}
