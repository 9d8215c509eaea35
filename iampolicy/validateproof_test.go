// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// without returns a document without one of its statements.
func without(t *testing.T, doc string, i int) string {
	t.Helper()
	var d struct {
		Version   string
		Statement []json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(doc), &d))
	d.Statement = slices.Delete(d.Statement, i, i+1)
	text, err := json.Marshal(d)
	require.NoError(t, err)
	return string(text)
}

// provable makes a document whose statements often say the same, deny each
// other, or contradict themselves.
func (g *generator) provable(kind string) string {
	var list []any
	for range 3 + g.IntN(6) {
		st := map[string]any{"Effect": pick(g, "Allow", "Allow", "Deny")}
		st[pick(g, "Action", "Action", "Action", "NotAction")] = g.some([]string{"*", "s3:*", "s3:Get*", "s3:GetObject", "s*:Get*", "s3:GetBucket?olicy", "sqs:SendMessage"}, 2)
		st[pick(g, "Resource", "Resource", "Resource", "NotResource")] = g.some([]string{"*", "arn:aws:s3:::*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/?", "arn:*:s3:::*"}, 2)
		if kind == "resource" {
			st[pick(g, "Principal", "Principal", "Principal", "Principal", "Principal", "NotPrincipal")] = pick[any](g, "*", "*", "*", "*", "*", map[string]any{"AWS": "*"}, map[string]any{"AWS": []string{"arn:aws:iam::111111111111:user/ana", "111111111111"}})
		}
		switch g.IntN(6) {
		case 0, 1:
			st["Condition"] = g.contradiction()
		case 2:
			st["Condition"] = map[string]any{"StringLike": map[string]any{"aws:username": pick[any](g, "a*", "ana", []string{"ana", "a*"}, []string{"a*", "ana"})}}
		}
		list = append(list, st)
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// contradiction makes conditions on one key, which often exclude each other.
func (g *generator) contradiction() map[string]any {
	key := pick(g, genKeys...)
	ops := genOperators[key]
	if ops == nil || g.IntN(6) == 0 {
		ops = genStrings
	}
	out := map[string]any{}
	for range 2 + g.IntN(2) {
		op := pick(g, "", "", "", "", "ForAnyValue:", "ForAllValues:") + pick(g, ops...) + pick(g, "", "", "IfExists")
		out[op] = map[string]any{key: g.some(genWanted[key], 2)}
	}
	if g.IntN(2) == 0 {
		out["Null"] = map[string]any{key: g.some([]string{"true", "false", "maybe"}, 2)}
	}
	return out
}

// TestProofs (IAM-92): what Validate says of a statement without a request holds for
// every request of a sample: one that never applies, that a Deny shadows, or
// that another makes redundant can be left out.
func TestProofs(t *testing.T) {
	documents := 6000
	if testing.Short() {
		documents /= 10
	}
	if full() {
		documents *= 5
	}
	g := newGenerator(92)
	found := testkit.Classes{}
	requests := 0
	for n := range documents {
		kind, kindName := iampolicy.KindIdentity, "identity"
		if n%2 == 1 {
			kind, kindName = iampolicy.KindResource, "resource"
		}
		doc := g.provable(kindName)
		for _, f := range iampolicy.Validate(kind, []byte(doc)) {
			switch f.Code {
			case "NEVER_TRUE_CONDITION", "SHADOWED_ALLOW", "REDUNDANT_STATEMENT":
			default:
				continue
			}
			var at int
			_, err := fmt.Sscanf(f.Span.Path, "Statement[%d]", &at)
			require.NoError(t, err)
			found.Add(f.Code+" "+kindName, true)
			c := &refCase{decoded: map[string][]map[string]any{}, compared: g.compared}
			less := *c
			if kind == iampolicy.KindIdentity {
				c.Identity, less.Identity = []string{doc}, []string{without(t, doc, at)}
			} else {
				c.Resources, less.Resources = doc, without(t, doc, at)
			}
			p, q := c.build(t), less.build(t)
			for range 60 {
				requests++
				g.request(c)
				if strings.HasPrefix(c.Action, "sts:") {
					c.Action = "s3:GetObject"
				}
				r := c.question(t)
				if a, b := p.Decide(r), q.Decide(r); a.Outcome != b.Outcome && !(f.Code == "SHADOWED_ALLOW" && b.Outcome != iampolicy.Allowed) {
					t.Fatalf("%s of %s in\n%s\nwith it %v, without %v: %+v", f.Code, f.Span.Path, doc, a.Outcome, b.Outcome, r)
				}
			}
		}
	}
	t.Logf("%d documents, %d requests, %v", documents, requests, found)
	require.Len(t, found, 6)
	found.Require(t, documents)
}

// TestNeverTrueCondition has a contradiction of every sort, and the nearest
// conditions that some request satisfies.
func TestNeverTrueCondition(t *testing.T) {
	for _, c := range []struct{ name, never, sometimes string }{
		{"there and not there", `"Null":{"x:k":"true"},"StringEquals":{"x:k":"a"}`, `"Null":{"x:k":"true"},"StringEqualsIfExists":{"x:k":"a"}`},
		{"there and not there, any value", `"Null":{"x:k":"true"},"ForAnyValue:StringEquals":{"x:k":"a"}`, `"Null":{"x:k":"true"},"ForAllValues:StringEquals":{"x:k":"a"}`},
		{"two texts", `"StringEquals":{"x:k":"a"},"StringLike":{"x:k":"b*"}`, `"StringEquals":{"x:k":["a","b"]},"StringLike":{"x:k":"b*"}`},
		{"a text and not it", `"StringEquals":{"x:k":"a"},"StringNotEqualsIgnoreCase":{"x:k":"A"}`, `"StringEquals":{"x:k":"a"},"StringNotEquals":{"x:k":"A"}`},
		{"a variable may be anything", `"StringEquals":{"x:k":"a"},"StringNotEquals":{"x:k":"a"}`, `"StringEquals":{"x:k":"a"},"StringNotEquals":{"x:k":"${aws:username}"}`},
		{"a variable may be that", `"StringEquals":{"x:k":"a"},"StringLike":{"x:k":"b"}`, `"StringEquals":{"x:k":"a"},"StringLike":{"x:k":"${aws:username}"}`},
		{"a wildcard", `"StringLike":{"x:k":"a"},"StringNotEquals":{"x:k":"a"}`, `"StringLike":{"x:k":"a*"},"StringNotEquals":{"x:k":"a"}`},
		{"true and false", `"Bool":{"x:k":"true"},"BoolIfExists":{"x:k":"false"}`, `"Bool":{"x:k":"true"},"BoolIfExists":{"x:k":"True"}`},
		{"above and below", `"NumericLessThan":{"x:k":"5"},"NumericGreaterThan":{"x:k":"5"}`, `"NumericLessThan":{"x:k":"5.1"},"NumericGreaterThan":{"x:k":"5"}`},
		{"at both ends", `"NumericLessThanEquals":{"x:k":"5"},"NumericGreaterThan":{"x:k":"5"}`, `"NumericLessThanEquals":{"x:k":"5"},"NumericGreaterThanEquals":{"x:k":"5"}`},
		{"a number outside", `"NumericEquals":{"x:k":"5"},"NumericGreaterThan":{"x:k":"5"}`, `"NumericEquals":{"x:k":["5","6"]},"NumericGreaterThan":{"x:k":"5"}`},
		{"the least of several", `"NumericLessThan":{"x:k":"5"},"NumericGreaterThan":{"x:k":["6","7"]}`, `"NumericLessThan":{"x:k":"5"},"NumericGreaterThan":{"x:k":["4","7"]}`},
		{"before and after", `"DateLessThan":{"x:k":"2024"},"DateGreaterThan":{"x:k":"2024-01-01T00:00:00Z"}`, `"DateLessThan":{"x:k":"2024"},"DateGreaterThan":{"x:k":"2023-12-31"}`},
		{"a date outside", `"DateEquals":{"x:k":"2024"},"DateNotEquals":{"x:k":"1704067200"}`, `"DateEquals":{"x:k":"2024"},"DateNotEquals":{"x:k":"1704067201"}`},
		{"a range inside", `"IpAddress":{"x:k":"203.0.113.0/25"},"NotIpAddress":{"x:k":"203.0.113.0/24"}`, `"IpAddress":{"x:k":"203.0.113.0/24"},"NotIpAddress":{"x:k":"203.0.113.0/25"}`},
		{"ranges apart", `"IpAddress":{"x:k":"203.0.113.0/25"},"IpAddressIfExists":{"x:k":"203.0.113.128/25"}`, `"IpAddress":{"x:k":"203.0.113.0/25"},"IpAddressIfExists":{"x:k":"203.0.113.0/24"}`},
		{"two ARNs", `"ArnEquals":{"x:k":"arn:aws:s3:::a"},"ArnNotLike":{"x:k":"arn:aws:s3:::*"}`, `"ArnEquals":{"x:k":"arn:aws:s3:::a"},"ArnNotLike":{"x:k":"arn:aws:sns:*"}`},
		{"keys in another case", `"StringEquals":{"x:k":"a"},"StringLike":{"X:K":"b"}`, `"StringEquals":{"x:k":"a"},"StringLike":{"X:L":"b"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := func(conditions string) string {
				return policy(allow("s3:GetObject", "arn:aws:s3:::b/*", `"Condition":{`+conditions+`}`))
			}
			require.Contains(t, codesOf(iampolicy.KindIdentity, doc(c.never)), "NEVER_TRUE_CONDITION")
			require.NotContains(t, codesOf(iampolicy.KindIdentity, doc(c.sometimes)), "NEVER_TRUE_CONDITION")
		})
	}
}

// TestListAllMyBucketsIsNotCovered: arn:aws:s3:::* stands for
// s3:ListAllMyBuckets too, which a wider ARN does not.
func TestListAllMyBucketsIsNotCovered(t *testing.T) {
	for resource, want := range map[string]bool{"arn:*:s3:::*": false, "arn:aws:s3:::*": true, "*": true} {
		doc := policy(allow("s3:*", "arn:aws:s3:::*", ""), deny("s3:*", resource, ""))
		require.Equal(t, want, slices.Contains(codesOf(iampolicy.KindIdentity, doc), "SHADOWED_ALLOW"), resource)
	}
}
