// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// TestIAM78DynamoDB has the cases of the Amazon DynamoDB Developer Guide,
// "Using IAM policy conditions for fine-grained access control", and of the IAM
// User Guide, "Amazon DynamoDB: Allows access to specific attributes", each
// with requests on both sides of the line.
func TestIAM78DynamoDB(t *testing.T) {
	const (
		table = "arn:aws:dynamodb:us-west-2:111111111111:table/GameScores"
		index = table + "/index/TopScoreDateTimeIndex"
		user  = "amzn1.account.A1"
	)
	type keys = map[string]any
	list := func(values ...string) []string { return values }
	items := policy(`{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:BatchGetItem","dynamodb:Query","dynamodb:PutItem","dynamodb:UpdateItem","dynamodb:DeleteItem","dynamodb:BatchWriteItem"],
		"Resource":"` + table + `","Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["${www.amazon.com:user_id}"],"dynamodb:Attributes":["UserId","GameTitle","Wins"]},
		"StringEqualsIfExists":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES"}}}`)
	attributes := policy(`{"Effect":"Allow","Action":["dynamodb:UpdateItem","dynamodb:GetItem","dynamodb:Query","dynamodb:BatchGetItem","dynamodb:Scan"],"Resource":"` + table + `",
		"Condition":{"ForAllValues:StringEquals":{"dynamodb:Attributes":["UserId","TopScore"]},
		"StringEqualsIfExists":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES","dynamodb:ReturnValues":["NONE","UPDATED_OLD","UPDATED_NEW"]}}}`)
	protected := policy(`{"Effect":"Allow","Action":"dynamodb:UpdateItem","Resource":"` + table + `",
		"Condition":{"ForAllValues:StringNotLike":{"dynamodb:Attributes":["FreeGamesAvailable","BossLevel*"]},"StringEquals":{"dynamodb:ReturnValues":["NONE","UPDATED_OLD","UPDATED_NEW"]}}}`)
	projected := policy(`{"Effect":"Allow","Action":"dynamodb:Query","Resource":"` + index + `",
		"Condition":{"ForAllValues:StringEquals":{"dynamodb:Attributes":["TopScoreDateTime","GameTitle","Wins"]},"StringEqualsIfExists":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES"}}}`)
	noScan := policy(anything, `{"Effect":"Deny","Action":["dynamodb:Scan","dynamodb:Query"],"Resource":"*","Condition":{"Bool":{"dynamodb:FullTableScan":"true"}}}`)
	counts := policy(`{"Effect":"Allow","Action":"dynamodb:Query","Resource":"` + index + `","Condition":{"StringEquals":{"dynamodb:Select":"COUNT"}}}`)
	free := policy(anything, `{"Effect":"Deny","Action":"dynamodb:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"dynamodb:ReturnConsumedCapacity":"NONE"}}}`)
	guarded := policy(`{"Effect":"Allow","Action":"dynamodb:*","Resource":"` + table + `","Condition":{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":"${www.amazon.com:user_id}*"},"Null":{"dynamodb:LeadingKeys":"false"}}}`)
	for _, c := range []struct {
		name, policy, action, resource string
		context                        keys
		want                           bool
	}{
		{"own items", items, "dynamodb:GetItem", table, keys{"dynamodb:LeadingKeys": list(user), "dynamodb:Attributes": list("UserId", "Wins"), "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}, true},
		{"own items, Select not given", items, "dynamodb:PutItem", table, keys{"dynamodb:LeadingKeys": list(user), "dynamodb:Attributes": list("UserId")}, true},
		{"another's item", items, "dynamodb:GetItem", table, keys{"dynamodb:LeadingKeys": list("amzn1.account.B2"), "dynamodb:Attributes": list("UserId")}, false},
		{"own item and another's in one batch", items, "dynamodb:BatchGetItem", table, keys{"dynamodb:LeadingKeys": list(user, "amzn1.account.B2"), "dynamodb:Attributes": list("UserId")}, false},
		{"one attribute more", items, "dynamodb:GetItem", table, keys{"dynamodb:LeadingKeys": list(user), "dynamodb:Attributes": list("UserId", "Secret")}, false},
		{"all attributes", items, "dynamodb:Query", table, keys{"dynamodb:LeadingKeys": list(user), "dynamodb:Attributes": list("UserId"), "dynamodb:Select": "ALL_ATTRIBUTES"}, false},
		{"an action that is not listed", items, "dynamodb:Scan", table, keys{}, false},
		{"the trap: a request that names no key", items, "dynamodb:GetItem", table, keys{}, true},
		{"own items, the guard", guarded, "dynamodb:Query", table, keys{"dynamodb:LeadingKeys": list(user+".1", user)}, true},
		{"the guard against a request that names no key", guarded, "dynamodb:Scan", table, keys{}, false},
		{"the guard against an empty list", guarded, "dynamodb:Scan", table, keys{"dynamodb:LeadingKeys": list()}, false},
		{"named attributes", attributes, "dynamodb:UpdateItem", table, keys{"dynamodb:Attributes": list("UserId", "TopScore"), "dynamodb:ReturnValues": "UPDATED_NEW"}, true},
		{"attributes returned that were not named", attributes, "dynamodb:UpdateItem", table, keys{"dynamodb:Attributes": list("UserId", "TopScore"), "dynamodb:ReturnValues": "ALL_NEW"}, false},
		{"a scan for named attributes", attributes, "dynamodb:Scan", table, keys{"dynamodb:Attributes": list("TopScore"), "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}, true},
		{"attribute names are compared exactly", attributes, "dynamodb:GetItem", table, keys{"dynamodb:Attributes": list("topscore")}, false},
		{"other attributes than the protected", protected, "dynamodb:UpdateItem", table, keys{"dynamodb:Attributes": list("UserId", "Wins"), "dynamodb:ReturnValues": "NONE"}, true},
		{"a protected one among them", protected, "dynamodb:UpdateItem", table, keys{"dynamodb:Attributes": list("Wins", "FreeGamesAvailable"), "dynamodb:ReturnValues": "NONE"}, false},
		{"a protected one by its pattern", protected, "dynamodb:UpdateItem", table, keys{"dynamodb:Attributes": list("BossLevelUnlocked"), "dynamodb:ReturnValues": "NONE"}, false},
		{"ReturnValues has to be given", protected, "dynamodb:UpdateItem", table, keys{"dynamodb:Attributes": list("Wins")}, false},
		{"projected attributes of the index", projected, "dynamodb:Query", index, keys{"dynamodb:Attributes": list("GameTitle", "Wins"), "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}, true},
		{"all attributes of the index", projected, "dynamodb:Query", index, keys{"dynamodb:Attributes": list("GameTitle"), "dynamodb:Select": "ALL_ATTRIBUTES"}, false},
		{"the table, where the index is allowed", projected, "dynamodb:Query", table, keys{"dynamodb:Attributes": list("GameTitle")}, false},
		{"a full scan", noScan, "dynamodb:Scan", table, keys{"dynamodb:FullTableScan": "true"}, false},
		{"a query that is none", noScan, "dynamodb:Query", table, keys{"dynamodb:FullTableScan": "false"}, true},
		{"a count", counts, "dynamodb:Query", index, keys{"dynamodb:Select": "COUNT"}, true},
		{"items, where counts are allowed", counts, "dynamodb:Query", index, keys{"dynamodb:Select": "ALL_PROJECTED_ATTRIBUTES"}, false},
		{"consumed capacity asked for", free, "dynamodb:GetItem", table, keys{"dynamodb:ReturnConsumedCapacity": "TOTAL"}, false},
		{"consumed capacity not asked for", free, "dynamodb:GetItem", table, keys{"dynamodb:ReturnConsumedCapacity": "NONE"}, true},
		{"consumed capacity not said: IfExists holds in a Deny too", free, "dynamodb:GetItem", table, keys{}, false},
		{"a plain operator on a list", policy(conditioned("StringEquals", "dynamodb:LeadingKeys", user)), "dynamodb:GetItem", table, keys{"dynamodb:LeadingKeys": list(user)}, false},
		{"a request for every table", items, "dynamodb:GetItem", "arn:aws:dynamodb:us-west-2:111111111111:table/*", keys{"dynamodb:LeadingKeys": list(user)}, true},
		{"a request for every index", items, "dynamodb:Query", table + "/index/*", keys{"dynamodb:LeadingKeys": list(user)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.context["www.amazon.com:user_id"] = user
			rc := refCase{Identity: []string{c.policy}, Action: c.action, Resource: c.resource, Context: c.context}.filled()
			require.Equal(t, c.want, rc.build(t).Decide(rc.question(t)).Allowed())
			require.Equal(t, c.want, refDecide(&rc).Outcome == "allowed", "the reference")
		})
	}
	// The examples of the guide fall into the trap, and Validate says so.
	for _, doc := range []string{items, attributes, projected} {
		require.Contains(t, codesOf(iampolicy.KindIdentity, doc), "FORALLVALUES_WITHOUT_GUARD")
	}
	require.NotContains(t, codesOf(iampolicy.KindIdentity, guarded), "FORALLVALUES_WITHOUT_GUARD")
}
