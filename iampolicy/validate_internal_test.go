// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestValidateComparesForSoLong: lists held against lists stop when the
// document's effort is spent, and none of it is left then; what is no
// comparison is found all the same. A document that fills AWS's quotas spends
// next to nothing.
func TestValidateComparesForSoLong(t *testing.T) {
	type object = map[string]any
	prefix := strings.Repeat("*a", 400)
	statement := func(effect string, n int) object {
		return object{"Effect": effect, "Action": listed("s3:Get%d", n), "Resource": listed("arn:aws:s3:::*/%d", n)}
	}
	conditions := func(effect, value string) object {
		st := object{"Effect": effect, "Action": "*", "Resource": "*"}
		keys := object{}
		for _, key := range listed("aws:RequestTag/k%d", 5_000) {
			keys[key] = value
		}
		st["Condition"] = object{"StringEquals": keys}
		return st
	}
	quota := make([]object, 0, 100)
	for i := range cap(quota) {
		quota = append(quota, object{"Effect": []string{"Allow", "Deny"}[i%2], "Action": []string{"s3:Get*", fmt.Sprintf("s3:Put%d*", i)}, "Resource": listed("arn:aws:s3:::bucket*/%d", 3)})
	}
	for name, tt := range map[string]struct {
		list  []object
		spent bool
	}{
		"quota":            {quota, false},
		"long lists":       {[]object{statement("Allow", 5_000), statement("Deny", 5_001)}, true},
		"wild lists":       {[]object{{"Effect": "Allow", "Action": listed("a:"+prefix+"%d*b", 60), "Resource": listed("arn:aws:s3:::"+prefix+"%d*b", 60)}}, true},
		"many conditions":  {[]object{conditions("Allow", "a"), conditions("Deny", "a")}, true},
		"ranges":           {[]object{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": object{"IpAddress": object{"aws:SourceIp": listed("2001:db8:%d::/48", 5_000)}, "NotIpAddress": object{"aws:SourceIp": listed("2001:db9:%d::/48", 5_000)}}}}, true},
		"patterns of text": {[]object{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": object{"StringEquals": object{"aws:userid": strings.Repeat("a", 20_000)}, "StringLike": object{"aws:userid": "*" + strings.Repeat("a", 20_000) + "?b*"}}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			tt.list = append(tt.list, object{"Effect": "Allow", "NotAction": "s3:*", "Resource": "arn:aws:iam::111122223333:r*le/*"})
			doc, err := json.Marshal(object{"Version": "2012-10-17", "Statement": tt.list})
			require.NoError(t, err)
			p, err := Parse(doc)
			require.NoError(t, err)
			v := validator{p: p, kind: KindIdentity, left: mostEffort}
			v.run()
			if !tt.spent {
				require.Greater(t, v.left, mostEffort-mostEffort/64)
				return
			}
			require.Zero(t, v.left)
			require.Equal(t, "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", v.found[len(v.found)-2].Code)
		})
	}
}
