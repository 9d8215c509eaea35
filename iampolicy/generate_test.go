// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// generator makes policies and requests of a universe so small that they meet
// each other often.
type generator struct {
	*rand.Rand
	classes  testkit.Classes
	compared map[string]string
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 6)), classes: testkit.Classes{}, compared: map[string]string{}}
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// some returns n of the values, wrapped as a policy may have them.
func (g *generator) some(from []string, most int) any {
	n := 1 + g.IntN(most)
	if g.IntN(40) == 0 {
		n = 0
	}
	list := make([]string, n)
	for i := range list {
		list[i] = pick(g, from...)
	}
	if n == 1 && g.IntN(2) == 0 {
		return list[0]
	}
	return list
}

var (
	genActions   = []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket", "sqs:SendMessage", "s3:GetBucketPolicy", "kms:Decrypt", "ec2:StopInstances"}
	genPattern   = []string{"*", "s3:*", "s3:Get*", "s3:GetObject", "S3:getobject", "s3:PutObject", "s?:*", "s*:Get*", "sqs:*", "kms:Decrypt", "s3:", "s3", "s3:G?tObject", "*:*", "ec2:*"}
	genBuckets   = []string{"arn:aws:s3:::b", "arn:aws:s3:::b/k", "arn:aws:s3:::b/ana/x", "arn:aws:s3:::b/a:b/c", "arn:aws:s3:::c/k", "arn:aws-cn:s3:::b/k", "arn:aws:sqs:us-east-1:111111111111:q", "arn:AWS:S3:::b/k", "arn:aws:s3:::b/ü"}
	genWildcards = []string{"*", "arn:aws:s3:::b/*", "arn:aws:s3:::*", "arn:aws:s3:::b*", "arn:aws:s3:::*/k", "arn:aws:s3:::b/?", "arn:*"}
	genResources = []string{
		"*", "arn:aws:s3:::*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::b/?", "arn:aws:s3:::b/${aws:username}/*",
		"arn:aws:s3:::b/${aws:PrincipalTag/t}", "arn:aws:s3:::${aws:PrincipalTag/t, 'b'}/k", "arn:aws:s3:::b/${*}", "arn:*:s3:::*", "arn:aws:s*:::b/k", "arn:aws:sqs:*:111111111111:q",
		"arn:aws:s3", "arn:aws:s3*", "arn:aws:s3:::*/k", "arn:aws:s3:::b/a*c", "arn:aws:sqs:*:q", "arn:aws:S3:::b/k", "arn:aws:s3:::?/*k", "arn:aws:kms:us-east-1:111111111111:key/*", "arn:aws:s3:::b/*/**?",
	}
	genCallers = []string{
		"arn:aws:iam::111111111111:user/ana", "arn:aws:iam::111111111111:user/p/ana", "arn:aws:iam::222222222222:user/bob", "arn:aws:sts::111111111111:assumed-role/app/s1",
		"arn:aws:sts::222222222222:assumed-role/app/s1", "arn:aws:iam::111111111111:role/app", "arn:aws:iam::111111111111:role/p/app", "arn:aws:sts::111111111111:federated-user/ana",
		"arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root", "sns.amazonaws.com", "", "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
		"arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForX/s", "arn:aws:iam::111111111111:oidc-provider/idp.example",
	}
	genEntries = []string{
		"*", "111111111111", "arn:aws:iam::111111111111:root", "222222222222", "arn:aws:iam::111111111111:user/ana", "arn:aws:iam::222222222222:user/bob",
		"arn:aws:iam::111111111111:role/app", "arn:aws:iam::111111111111:role/p/app", "arn:aws:sts::111111111111:assumed-role/app/s1", "arn:aws:sts::111111111111:federated-user/ana",
		"arn:aws:iam::111111111111:user/*", "AIDAAAAAAAAAAAAAAAAA", "AROAAAAAAAAAAAAAAAAA", "arn:aws-cn:iam::111111111111:root",
	}
	genKeys   = []string{"aws:username", "aws:PrincipalTag/t", "aws:TagKeys", "aws:SourceIp", "aws:CurrentTime", "s3:max-keys", "aws:SecureTransport", "aws:SourceArn", "x:bin", "aws:SourceVpce", "aws:userid"}
	genValues = map[string][]string{
		"aws:username":        {"ana", "Ana", "bob", "", "*", "a?"},
		"aws:PrincipalTag/t":  {"k", "b", "*", "", "x:y", "${aws:username}"},
		"aws:TagKeys":         {"a", "b", "c", "", "A"},
		"aws:SourceIp":        {"10.1.2.3", "192.0.2.1", "::ffff:10.1.2.3", "2001:db8::1", "2001:0db8:0:0::1", "nonsense", ""},
		"aws:CurrentTime":     {"2024-01-01T00:00:00Z", "2025-06-01T12:00:00.5Z", "1717200000", "2024", "never", "1717200000000"},
		"s3:max-keys":         {"10", "10.0", "9", "-1", "10abc", "100000000000000000001", ""},
		"aws:SecureTransport": {"true", "false", "TRUE", "yes"},
		"aws:SourceArn":       {"arn:aws:x:us-east-2:111111111111:store/abc:1:finance/doc", "arn:aws:s3:::b", "text", "arn:aws:x:y", "arn:aws:iam::111111111111:role/app"},
		"x:bin":               {"YWJj", "YWJk", "!!", "YWI="},
		"aws:SourceVpce":      {"vpce-1", "vpce-2"},
		"aws:userid":          {"AIDAAAAAAAAAAAAAAAAA", "AROAAAAAAAAAAAAAAAAA:s1"},
	}
	genWanted = map[string][]string{
		"aws:username":        {"ana", "a*", "${aws:PrincipalTag/t}", "b?b", "${aws:PrincipalTag/none, 'ana'}", "${*}", "*"},
		"aws:PrincipalTag/t":  {"k", "${aws:username}", "*", "x*", "${aws:TagKeys}", "K"},
		"aws:TagKeys":         {"a", "b", "?", "A", "${aws:username}"},
		"aws:SourceIp":        {"10.0.0.0/8", "10.9.9.9/8", "0.0.0.0/0", "::/0", "192.0.2.1", "2001:db8::/32", "bad", "8.0.0.0/5"},
		"aws:CurrentTime":     {"2024-01-01", "2025-06-01T12:00:00.5Z", "2025-06-01T14:00:00.500+02:00", "1717200000", "2024-13-01", "1704067200"},
		"s3:max-keys":         {"10", "10.00", "5", "1e2", "-1", "100000000000000000000", "x"},
		"aws:SecureTransport": {"true", "False", "maybe", "${aws:username}"},
		"aws:SourceArn":       {"arn:aws:x:*:111111111111:store/*", "arn:aws:x:*:1:finance/*", "*", "arn:aws:s3:::b", "arn:aws:*", "arn:*:*:*:*:*", "arn:aws:iam::111111111111:role/${aws:username}"},
		"x:bin":               {"YWJj", "###", "YWI="},
		"aws:SourceVpce":      {"vpce-1", "vpce-*", "vpce-2"},
		"aws:userid":          {"AIDAAAAAAAAAAAAAAAAA", "AROA*"},
	}
	genOperators = map[string][]string{
		"aws:SourceIp":        {"IpAddress", "NotIpAddress"},
		"aws:CurrentTime":     {"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
		"s3:max-keys":         {"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
		"aws:SecureTransport": {"Bool"},
		"aws:SourceArn":       {"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringLike"},
		"x:bin":               {"BinaryEquals"},
	}
	genStrings = []string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"}
)

// condition makes a Condition element.
func (g *generator) condition() map[string]any {
	out := map[string]any{}
	for range 1 + g.IntN(2) {
		key := pick(g, genKeys...)
		ops := genOperators[key]
		if ops == nil {
			ops = genStrings
		}
		op := pick(g, ops...)
		op = pick(g, "", "", "", "ForAllValues:", "ForAnyValue:") + op + pick(g, "", "", "IfExists")
		values := g.some(genWanted[key], 3)
		switch g.IntN(20) {
		case 0, 1:
			op, values = "Null", g.some([]string{"true", "false", "maybe"}, 2)
		case 2:
			op = "BogusEquals"
		}
		if _, ok := out[op]; !ok {
			out[op] = map[string]any{key: values}
		}
		g.classes.Add("set operator", strings.HasPrefix(op, "For"))
		g.classes.Add("null operator", op == "Null")
		g.classes.Add("unknown operator", op == "BogusEquals")
	}
	return out
}

func (g *generator) principal() any {
	switch g.IntN(8) {
	case 0:
		return "*"
	case 1:
		return map[string]any{"Service": "sns.amazonaws.com"}
	case 2:
		return map[string]any{"AWS": g.some(genEntries, 2), "Federated": "arn:aws:iam::111111111111:oidc-provider/idp.example"}
	}
	return map[string]any{"AWS": g.some(genEntries, 3)}
}

func (g *generator) statement(kind string) map[string]any {
	st := map[string]any{"Effect": pick(g, "Allow", "Allow", "Allow", "Deny")}
	if g.IntN(3) == 0 {
		st["Sid"] = pick(g, "one", "two", "")
	}
	st[pick(g, "Action", "Action", "Action", "Action", "NotAction")] = g.some(g.actionsFor(kind), 2)
	if kind != "trust" {
		st[pick(g, "Resource", "Resource", "Resource", "Resource", "NotResource")] = g.some(genResources, 2)
	}
	switch kind {
	case "resource", "trust", "endpoint", "rcp":
		if g.IntN(12) > 0 {
			st[pick(g, "Principal", "Principal", "Principal", "Principal", "NotPrincipal")] = g.principal()
		}
	}
	if g.IntN(3) == 0 {
		st["Condition"] = g.condition()
	}
	if st["Effect"] == "Deny" && g.IntN(3) == 0 {
		st["Condition"] = map[string]any{"BogusEquals": map[string]any{"aws:username": "x"}}
	}
	g.classes.Add("not principal", st["NotPrincipal"] != nil)
	g.classes.Add("not resource", st["NotResource"] != nil)
	g.classes.Add("not action", st["NotAction"] != nil)
	return st
}

func (g *generator) actionsFor(kind string) []string {
	if kind == "trust" {
		return []string{"sts:AssumeRole", "sts:*", "*", "sts:TagSession"}
	}
	return append([]string{"*", "*", "sts:*"}, genPattern...)
}

// document makes a policy of a kind; many is the chance in 20 of one so long
// that it is indexed.
func (g *generator) document(kind string) string {
	n := 1 + g.IntN(3)
	if g.IntN(6) == 0 {
		n = 9 + g.IntN(12)
	}
	list := make([]any, n)
	for i := range list {
		list[i] = g.statement(kind)
	}
	doc := map[string]any{"Version": pick(g, "2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"), "Statement": list}
	if n == 1 && g.IntN(2) == 0 {
		doc["Statement"] = list[0]
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (g *generator) documents(kind string, most int) []string {
	var list []string
	for range g.IntN(most + 1) {
		list = append(list, g.document(kind))
	}
	return list
}

// policies makes everything but the request.
func (g *generator) policies() *refCase {
	c := &refCase{Identity: g.documents("identity", 3), Trust: g.IntN(8) == 0, BlockPublic: g.IntN(6) == 0, decoded: map[string][]map[string]any{}, compared: g.compared}
	if g.IntN(4) > 0 {
		c.Resources = g.document(map[bool]string{true: "trust", false: "resource"}[c.Trust])
	}
	if g.IntN(4) == 0 {
		c.Boundary = append(c.Boundary, g.document("boundary"))
	}
	if g.IntN(3) == 0 {
		c.Session = g.document("session")
	}
	if g.IntN(8) == 0 {
		c.Endpoint = append(c.Endpoint, g.document("endpoint"))
	}
	for range max(0, g.IntN(6)-3) {
		c.SCP = append(c.SCP, g.documents("scp", 2))
	}
	for range max(0, g.IntN(6)-3) {
		c.RCP = append(c.RCP, g.documents("rcp", 1))
	}
	return c
}

// request fills in the request.
func (g *generator) request(c *refCase) {
	c.Principal = pick(g, genCallers...)
	c.Owner = pick(g, "111111111111", "111111111111", "222222222222", "")
	c.Action = pick(g, genActions...)
	c.Resource = pick(g, genBuckets...)
	c.WildcardOnly, c.UserID = false, pick(g, "", "AIDAAAAAAAAAAAAAAAAA", "AROAAAAAAAAAAAAAAAAA:s1")
	c.ManagementPrincipal, c.ManagementResource = g.IntN(20) == 0, g.IntN(20) == 0
	if g.IntN(5) == 0 {
		c.Resource = pick(g, genWildcards...)
	}
	switch {
	case c.Trust:
		c.Action, c.Resource = pick(g, "sts:AssumeRole", "sts:TagSession"), pick(g, "arn:aws:iam::111111111111:role/app", "arn:aws:iam::111111111111:role/aws-service-role/x/AWSServiceRoleForX")
	case g.IntN(20) == 0:
		c.Action, c.Resource, c.WildcardOnly = "s3:ListAllMyBuckets", "*", true
	case g.IntN(12) == 0:
		c.Action, c.Resource = pick(g, "kms:Decrypt", "kms:RetireGrant"), "arn:aws:kms:us-east-1:111111111111:key/1"
	case g.IntN(15) == 0:
		c.Action = pick(g, "sts:GetCallerIdentity", "sts:GetSessionToken", "sts:GetFederationToken")
		c.Resource = "*"
	case g.IntN(15) == 0:
		c.Action = pick(g, "iam:DeletePolicy", "iam:PassRole")
		c.Resource = pick(g, "arn:aws:iam::aws:policy/X", "arn:aws:iam::111111111111:role/aws-reserved/x")
	}
	c.Context = map[string]any{}
	for _, key := range genKeys {
		switch {
		case g.IntN(2) == 0:
		case key == "aws:TagKeys" || g.IntN(12) == 0:
			list := []string{}
			for range g.IntN(3) {
				list = append(list, pick(g, genValues[key]...))
			}
			c.Context[key] = list
			g.classes.Add("empty list", len(list) == 0)
		default:
			text := pick(g, genValues[key]...)
			c.Context[pick(g, key, strings.ToUpper(key))] = text
			g.classes.Add("empty string", text == "")
		}
	}
}

// build compiles the policies of a case.
func (c *refCase) build(tb testing.TB) *iampolicy.Policies {
	tb.Helper()
	o := iampolicy.Options{Lenient: true}
	set := func(kind iampolicy.Kind, docs []string) *iampolicy.Set {
		var list []*iampolicy.Policy
		for _, doc := range docs {
			p, err := o.Parse([]byte(doc))
			require.NoError(tb, err, doc)
			list = append(list, p)
		}
		s, err := o.Compile(kind, list...)
		require.NoError(tb, err)
		return s
	}
	p := &iampolicy.Policies{Identity: set(iampolicy.KindIdentity, c.Identity), RestrictPublicBuckets: c.BlockPublic}
	if c.Resources != "" {
		kind := iampolicy.KindResource
		if c.Trust {
			kind = iampolicy.KindTrust
		}
		p.Resource = set(kind, []string{c.Resources})
	}
	if len(c.Boundary) > 0 {
		p.Boundary = set(iampolicy.KindBoundary, c.Boundary)
	}
	if c.Session != "" {
		p.Session = set(iampolicy.KindSession, []string{c.Session})
	}
	if len(c.Endpoint) > 0 {
		p.Endpoint = set(iampolicy.KindEndpoint, c.Endpoint)
	}
	for _, level := range c.SCP {
		p.SCP = append(p.SCP, set(iampolicy.KindSCP, level))
	}
	for _, level := range c.RCP {
		p.RCP = append(p.RCP, set(iampolicy.KindRCP, level))
	}
	return p
}

// question makes the package's request of a case.
func (c *refCase) question(tb testing.TB) *iampolicy.Request {
	tb.Helper()
	r := &iampolicy.Request{
		Action: c.Action, Resource: c.Resource, ResourceAccount: c.Owner, WildcardOnly: c.WildcardOnly,
		ManagementPrincipal: c.ManagementPrincipal, ManagementResource: c.ManagementResource,
	}
	if c.Principal != "" {
		var err error
		r.Principal, err = iampolicy.ParsePrincipal(c.Principal)
		require.NoError(tb, err)
	}
	r.Principal.ID = c.UserID
	for key, v := range c.Context {
		switch v := v.(type) {
		case string:
			r.Context.Set(key, v)
		case []string:
			r.Context.SetList(key, v)
		}
	}
	require.NoError(tb, r.Context.Err())
	return r
}
