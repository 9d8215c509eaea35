// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// listed is the texts made of the numbers under n.
func listed(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}

// TestIndexEntersLongStatementsOnce: a statement that lists many resources and
// many of anything else is entered once, since each of its entries that matches
// would have all the others looked at.
func TestIndexEntersLongStatementsOnce(t *testing.T) {
	type object = map[string]any
	const many = 64
	for name, tt := range map[string]struct {
		st      object
		entries int
	}{
		"few actions":      {object{"Action": listed("s3:Get%d", 8), "Resource": listed("arn:aws:s3:::*%d", 1000)}, 8 * 1000},
		"as many":          {object{"Action": listed("s3:Get%d", many-1), "Resource": listed("arn:aws:s3:::*%d", 1000)}, 1000},
		"as many patterns": {object{"Action": listed("s3:Get%d", 1000), "Resource": listed("arn:aws:s3:::*%d", many)}, many},
		"more of both":     {object{"Action": listed("s3:Get%d", many+1), "Resource": listed("arn:aws:s3:::*%d", many+1)}, 1},
		"principals":       {object{"Action": "s3:Get0", "Principal": object{"AWS": listed("%012d", many+1)}, "Resource": listed("arn:aws:s3:::*%d", many+1)}, 1},
		"values":           {object{"Action": "s3:Get0", "Resource": listed("arn:aws:s3:::*%d", many+1), "Condition": object{"StringNotEquals": object{"aws:userid": listed("u%d", many)}}}, 1},
		"conditions": {object{"Action": "s3:Get0", "Resource": listed("arn:aws:s3:::*%d", many+1), "Condition": object{"StringNotEquals": func() object {
			keys := object{}
			for _, key := range listed("aws:RequestTag/k%d", many) {
				keys[key] = []string{}
			}
			return keys
		}()}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tt.st["Effect"] = "Allow"
			if tt.st["Principal"] == nil {
				tt.st["Principal"] = "*"
			}
			list := []object{tt.st}
			for i := range indexFrom {
				list = append(list, object{"Effect": "Deny", "Principal": "*", "Action": fmt.Sprintf("nosuch:Action%d", i), "Resource": "*"})
			}
			doc, err := json.Marshal(object{"Version": "2012-10-17", "Statement": list})
			require.NoError(t, err)
			p, err := Parse(doc)
			require.NoError(t, err)
			s, err := Compile(KindResource, p)
			require.NoError(t, err)
			entries := 0
			for _, r := range s.index.refs {
				if r.stmt == 0 {
					entries++
				}
			}
			require.Equal(t, tt.entries, entries)

			caller, err := ParsePrincipal("arn:aws:iam::000000000007:root")
			require.NoError(t, err)
			policies := Policies{Resource: s}
			r := Request{Principal: caller, Action: "s3:Get0", Resource: "arn:aws:s3:::some7", ResourceAccount: "000000000007"}
			require.Equal(t, Allowed, policies.Decide(&r).Outcome)
			r.Principal = ServicePrincipal("sns.amazonaws.com")
			r.Resource = "arn:aws:s3:::some"
			require.Equal(t, ImplicitDeny, policies.Decide(&r).Outcome)
		})
	}
}
