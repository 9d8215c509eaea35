// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
)

// WriteSARIF writes the report as SARIF 2.1.0, for code scanning and ticketing:
// one run, a rule for each code, a result for each finding. Fingerprints stay
// the same from run to run for the same finding.
func (rep *Report) WriteSARIF(w io.Writer) error {
	type object = map[string]any
	rules := make([]object, 0, len(codeTable))
	index := map[Code]int{}
	for i, c := range codeTable {
		index[c.code] = i
		rules = append(rules, object{
			"id": c.code, "shortDescription": object{"text": c.meaning},
			"defaultConfiguration": object{"level": sarifLevel(c.severity)},
		})
	}
	results := make([]object, 0, len(rep.Findings))
	for i := range rep.Findings {
		f := &rep.Findings[i]
		result := object{
			"ruleId": f.Code, "ruleIndex": index[f.Code], "level": sarifLevel(f.Severity), "message": object{"text": f.Detail},
			"partialFingerprints": object{"sallyport/v1": f.fingerprint()},
			"properties":          f,
		}
		if bucket, ok := parseLocation(f.Object); ok {
			uri := url.URL{Scheme: "s3", Host: bucket.bucket, Path: "/" + bucket.key}
			result["locations"] = []object{{"physicalLocation": object{"artifactLocation": object{"uri": uri.String()}}}}
		}
		results = append(results, result)
	}
	data, err := json.MarshalIndent(object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []object{{
			"tool": object{"driver": object{
				"name": "trailcheck", "informationUri": "https://github.com/sallyport-go/sallyport", "rules": rules,
			}},
			"invocations": []object{{
				"executionSuccessful": rep.Verdict != Failed, "exitCode": rep.Verdict.ExitCode(),
			}},
			"results": results,
		}},
	}, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

func sarifLevel(s Severity) string {
	if s == Info {
		return "note"
	}
	return string(s)
}

// fingerprint is the same for the same finding in every run.
func (f *Finding) fingerprint() string {
	from := ""
	if !f.From.IsZero() {
		from = f.From.UTC().Format(layoutTime)
	}
	sum := sha256.Sum256([]byte(string(f.Code) + "|" + f.Object + "|" + from))
	return hex.EncodeToString(sum[:])
}
