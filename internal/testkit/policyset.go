// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"encoding/json"
	"fmt"
	"testing"
)

// PolicyStatement is one statement of the set that policy engines are measured
// on, in a form that can be written in any engine's language.
type PolicyStatement struct {
	Deny      bool
	Action    string
	Resources []string // patterns that end in *, or "*"
	Agent     string   // aws:UserAgent must equal it; "" for no such condition
	Ranges    []string // aws:SourceIp must be in one of them
}

// PolicyStatements makes n statements: 1 in 4 has two resources, 1 in 5 a
// condition on a string, 1 in 10 is a Deny with address ranges. With flat the
// action is always the same and the resource *, so that nothing can be
// indexed, and every Allow has a condition.
func PolicyStatements(n int, flat bool) []PolicyStatement {
	list := make([]PolicyStatement, n)
	for i := range list {
		st := &list[i]
		st.Action = "s3:GetObject"
		if i%7 == 3 && !flat {
			st.Action = "s3:PutObject"
		}
		st.Resources = []string{fmt.Sprintf("arn:aws:s3:::bucket-%04d/data/*", i)}
		if i%4 == 1 {
			st.Resources = append(st.Resources, fmt.Sprintf("arn:aws:s3:::bucket-%04d/more/*", i))
		}
		if flat {
			st.Resources = []string{"*"}
		}
		switch {
		case i%10 == 9:
			st.Deny, st.Ranges = true, []string{"203.0.113.0/24", "198.51.100.0/24"}
		case i%5 == 2 || flat:
			st.Agent = fmt.Sprintf("agent-%d", i)
		}
	}
	return list
}

// PolicyDocument writes statements as an IAM policy.
func PolicyDocument(tb testing.TB, statements []PolicyStatement) []byte {
	tb.Helper()
	list := make([]map[string]any, len(statements))
	for i, s := range statements {
		st := map[string]any{"Sid": fmt.Sprintf("S%d", i), "Effect": "Allow", "Action": s.Action, "Resource": s.Resources}
		condition := map[string]any{}
		if s.Agent != "" {
			condition["StringEquals"] = map[string]any{"aws:UserAgent": s.Agent}
		}
		if s.Ranges != nil {
			condition["IpAddress"] = map[string]any{"aws:SourceIp": s.Ranges}
		}
		if s.Deny {
			st["Effect"] = "Deny"
		}
		if len(condition) > 0 {
			st["Condition"] = condition
		}
		list[i] = st
	}
	doc, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}
