// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// knowledgeOf makes the function that Residual asks.
func knowledgeOf(keys map[string]iampolicy.Knowledge) func(string) iampolicy.Knowledge {
	return func(key string) iampolicy.Knowledge {
		for name, k := range keys {
			if strings.ToLower(name) == key {
				return k
			}
		}
		return iampolicy.Known
	}
}

// contextKey returns the spelling of a key that a case's context has.
func contextKey(c *refCase, key string) (string, bool) {
	for name := range c.Context {
		if strings.EqualFold(name, key) {
			return name, true
		}
	}
	return key, false
}

func (g *generator) valueFor(key string, mayBeEmpty bool) any {
	if key == "aws:TagKeys" || g.IntN(8) == 0 {
		list := []string{}
		for range g.IntN(3) {
			list = append(list, pick(g, genValues[key]...))
		}
		if len(list) > 0 || mayBeEmpty {
			return list
		}
	}
	return pick(g, genValues[key]...)
}

// complete changes what is not known of a case's context.
func (g *generator) complete(c *refCase, keys map[string]iampolicy.Knowledge) *refCase {
	out := *c
	out.Context = maps.Clone(c.Context)
	for _, key := range genKeys {
		name, present := contextKey(c, key)
		if list, ok := c.Context[name].([]string); ok && len(list) == 0 {
			present = false // an empty list is an absent key
		}
		switch keys[key] {
		case iampolicy.PresenceKnown:
			if present {
				out.Context[name] = g.valueFor(key, false)
			}
		case iampolicy.Unknown:
			delete(out.Context, name)
			if g.IntN(3) > 0 {
				out.Context[name] = g.valueFor(key, true)
			}
		}
	}
	return &out
}

// checkResidual holds the properties of IAM-97 on one generated case.
func checkResidual(t *testing.T, g *generator, c *refCase, p *iampolicy.Policies, completions int) {
	t.Helper()
	r := c.question(t)
	q := *p
	if !r.Principal.IsSession() {
		q.Session = nil
	}
	all := q.Residual(r, knowledgeOf(nil))
	require.NoError(t, all.Err)
	require.Nil(t, all.Depends, "nothing is unknown")
	require.Equal(t, q.Decide(r).Allowed(), all.Allowed, "Residual with all keys known = Decide")

	keys := map[string]iampolicy.Knowledge{}
	for _, key := range genKeys {
		keys[key] = pick(g, iampolicy.Known, iampolicy.PresenceKnown, iampolicy.Unknown, iampolicy.Unknown)
	}
	x := q.Residual(r, knowledgeOf(keys))
	require.NoError(t, x.Err)
	if x.Depends != nil {
		require.NotEmpty(t, x.Keys)
		require.False(t, x.Allowed)
		for _, key := range x.Keys {
			for _, one := range strings.Split(key, ",") {
				require.NotEqual(t, iampolicy.Known, knowledgeOf(keys)(strings.ToLower(one)), one)
			}
		}
	}
	for range completions {
		full := g.complete(c, keys)
		fr := full.question(t)
		want := q.Decide(fr).Allowed()
		g.classes.Add("residual allowed", x.Depends == nil && x.Allowed)
		g.classes.Add("residual denied", x.Depends == nil && !x.Allowed)
		g.classes.Add("depends, holds", x.Depends != nil && want)
		g.classes.Add("depends, does not hold", x.Depends != nil && !want)
		if got := x.Allows(&fr.Context); got != want {
			full.decoded = nil
			text, _ := json.MarshalIndent(full, "", " ")
			expr, _ := json.MarshalIndent(x.Depends, "", " ")
			t.Fatalf("%s\nknown %v\nresidual %v %s\ngot %v, Decide %v", text, keys, x.Allowed, expr, got, want)
		}
	}
	checkDiscover(t, g, c, &q)
}

// checkDiscover: what some context allows Discover allows. Keys that policies
// use as variables, and aws:userid, stay as they are.
func checkDiscover(t *testing.T, g *generator, c *refCase, q *iampolicy.Policies) {
	t.Helper()
	r := c.question(t)
	if kind := r.Principal.Type(); kind != iampolicy.RoleSession && kind != iampolicy.Role {
		require.Equal(t, q.Decide(r).Outcome, q.Discover(r, knowledgeOf(nil)).Outcome, "Discover with all keys known = Decide")
	}
	keys := map[string]iampolicy.Knowledge{}
	for _, key := range genKeys {
		switch key {
		case "aws:username", "aws:PrincipalTag/t", "aws:TagKeys", "aws:userid":
		default:
			keys[key] = pick(g, iampolicy.Known, iampolicy.PresenceKnown, iampolicy.Unknown)
		}
	}
	x := q.Discover(r, knowledgeOf(keys))
	if x.Depends != nil {
		require.Equal(t, iampolicy.Allowed, x.Outcome, "what depends is possible")
	}
	if q.Decide(g.complete(c, keys).question(t)).Allowed() {
		g.classes.Add("discovered", true)
		require.Equal(t, iampolicy.Allowed, x.Outcome, "what some context allows is possible")
	}
}

// TestIAM97Properties: Residual with all keys known is Decide, and with unknown
// ones, which only it has (IAM-75), its
// expression on any completion of the context is Decide on it.
func TestIAM97Properties(t *testing.T) {
	const completions = 10
	cases := 20_000 // 200,000 completions
	if testing.Short() {
		cases /= 10
	}
	if full() {
		cases = 200_000
	}
	for shard := range 2 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			g := newGenerator(9700 + uint64(shard))
			n := 0
			for n < cases/2 {
				c := g.policies()
				p := c.build(t)
				for range 10 {
					n++
					g.request(c)
					checkResidual(t, g, c, p, completions)
				}
			}
			counted := testkit.Classes{}
			for _, name := range []string{"residual allowed", "residual denied", "depends, holds", "depends, does not hold", "discovered"} {
				counted[name] = g.classes[name]
			}
			counted.Require(t, n)
		})
	}
}

// FuzzResidual is TestIAM97Properties from any seed.
func FuzzResidual(f *testing.F) {
	f.Add(uint64(97))
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := newGenerator(seed)
		c := g.policies()
		g.request(c)
		checkResidual(t, g, c, c.build(t), 5)
	})
}

func residualOf(t *testing.T, c refCase, keys map[string]iampolicy.Knowledge) *iampolicy.Residual {
	t.Helper()
	c = c.filled()
	x := c.build(t).Residual(c.question(t), knowledgeOf(keys))
	require.NoError(t, x.Err)
	return x
}

// TestIAM97Residual is what remains of policies, by case.
func TestIAM97Residual(t *testing.T) {
	leaf := func(op, key, value, source string, negated bool) string {
		text, err := json.Marshal(map[string]any{"operator": op, "key": key, "values": []string{value}, "negated": negated, "sources": []string{source}})
		require.NoError(t, err)
		return string(text)
	}
	unknown := func(keys ...string) map[string]iampolicy.Knowledge {
		out := map[string]iampolicy.Knowledge{}
		for _, key := range keys {
			out[key] = iampolicy.Unknown
		}
		return out
	}
	when := func(effect, op, key, value string) string {
		return `{"Effect":"` + effect + `","Action":"*","Resource":"*","Condition":{"` + op + `":{"` + key + `":"` + value + `"}}}`
	}
	for _, c := range []struct {
		name string
		c    refCase
		keys map[string]iampolicy.Knowledge
		want string // allowed, denied, or the expression
	}{
		{"an Allow depends", identityCase(when("Allow", "StringEquals", "x:k", "a")), unknown("x:k"), leaf("StringEquals", "x:k", "a", "identity/0/1", false)},
		{"a Deny depends, negated", identityCase(anything, when("Deny", "StringEquals", "x:k", "a")), unknown("x:k"), leaf("StringEquals", "x:k", "a", "identity/0/2", true)},
		{"another Allow decides", identityCase(anything, when("Allow", "StringEquals", "x:k", "a")), unknown("x:k"), "allowed"},
		{"a Deny decides", identityCase(deny("*", "*", ""), when("Allow", "StringEquals", "x:k", "a")), unknown("x:k"), "denied"},
		{"Null of both holds always", identityCase(allow("*", "*", `"Condition":{"Null":{"x:k":["true","false"]}}`)), unknown("x:k"), "allowed"},
		{"a key that is known to be absent", identityCase(when("Allow", "StringEquals", "x:k", "a")), map[string]iampolicy.Knowledge{"x:k": iampolicy.PresenceKnown}, "denied"},
		{"absent, negated operator", identityCase(when("Allow", "StringNotEquals", "x:k", "a")), map[string]iampolicy.Knowledge{"x:k": iampolicy.PresenceKnown}, "allowed"},
		{"Null of a key that may be there", identityCase(when("Allow", "Null", "x:k", "true")), unknown("x:k"), leaf("Null", "x:k", "true", "identity/0/1", false)},
		{
			"a variable in Resource", identityCase(allow("*", "arn:aws:s3:::b/${aws:username}", "")), unknown("aws:username"),
			leaf("Resource", "aws:username", "arn:aws:s3:::b/${aws:username}", "identity/0/1", false),
		},
		{"a variable that cannot make it match", identityCase(allow("*", "arn:aws:s3:::c/${aws:username}", "")), unknown("aws:username"), "denied"},
		{
			"two conditions", identityCase(allow("*", "*", `"Condition":{"StringEquals":{"x:k":"a"},"Bool":{"x:b":"true"}}`)), unknown("x:k", "x:b"),
			`{"and":[` + leaf("StringEquals", "x:k", "a", "identity/0/1", false) + `,` + leaf("Bool", "x:b", "true", "identity/0/1", false) + `]}`,
		},
		{
			"two statements", identityCase(when("Allow", "StringEquals", "x:k", "a"), when("Allow", "StringEquals", "x:k", "b")), unknown("x:k"),
			`{"or":[` + leaf("StringEquals", "x:k", "a", "identity/0/1", false) + `,` + leaf("StringEquals", "x:k", "b", "identity/0/2", false) + `]}`,
		},
		{"absorbed", identityCase(when("Allow", "StringEquals", "x:k", "a"), allow("*", "*", `"Condition":{"StringEquals":{"x:k":"a","x:l":"b"}}`)), unknown("x:k", "x:l"), leaf("StringEquals", "x:k", "a", "identity/0/1", false)},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := residualOf(t, c.c, c.keys)
			got := map[bool]string{true: "allowed", false: "denied"}[x.Allowed]
			if x.Depends != nil {
				text, err := json.Marshal(x.Depends)
				require.NoError(t, err)
				got = string(text)
			}
			if strings.HasPrefix(c.want, "{") {
				require.JSONEq(t, c.want, got)
			} else {
				require.Equal(t, c.want, got)
			}
		})
	}
}

// TestIAM97SameConditionOnce: a condition that two types of policies ask for
// remains once, with both as its sources.
func TestIAM97SameConditionOnce(t *testing.T) {
	st := `{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"x:b":"true"}}}`
	c := identityCase(st)
	c.Boundary = []string{policy(st)}
	c.SCP = [][]string{{policy(anything)}, {policy(st)}}
	x := residualOf(t, c, map[string]iampolicy.Knowledge{"x:b": iampolicy.Unknown})
	require.NotNil(t, x.Depends)
	require.Equal(t, []string{"scp:scp1/0/A", "boundary/0/A", "identity/0/A"}, x.Depends.Sources)
	require.Equal(t, []string{"x:b"}, x.Keys)
}

// TestIAM97UniqueID: a unique id in Principal depends on aws:userid.
func TestIAM97UniqueID(t *testing.T) {
	c := refCase{Principal: "arn:aws:sts::222222222222:assumed-role/app/s1", Resources: policy(grant(`{"AWS":"AROAEXAMPLEID"}`)), Identity: []string{policy(anything)}}.filled()
	x := residualOf(t, c, map[string]iampolicy.Knowledge{"aws:userid": iampolicy.Unknown})
	require.NotNil(t, x.Depends)
	require.Equal(t, "Principal", x.Depends.Operator)
	var complete iampolicy.Context
	complete.Set("aws:userid", "AROAEXAMPLEID:s1")
	require.True(t, x.Allows(&complete))
	require.False(t, x.Allows(new(iampolicy.Context)))
}

// TestIAM97Grants: the constraints of a KMS grant depend on the encryption
// context.
func TestIAM97Grants(t *testing.T) {
	const key = "arn:aws:kms:us-east-1:111111111111:key/1"
	who, err := iampolicy.ParsePrincipal("arn:aws:iam::111111111111:user/ana")
	require.NoError(t, err)
	r := &iampolicy.Request{Principal: who, Action: "kms:Decrypt", Resource: key, ResourceAccount: "111111111111"}
	p := &iampolicy.Policies{Grants: []iampolicy.Grant{{Grantee: who.String(), Key: key, Operations: []string{"Decrypt"}, EncryptionContextEquals: map[string]string{"Tenant": "a"}}}}
	unknown := func(string) iampolicy.Knowledge { return iampolicy.Unknown }
	x := p.Residual(r, unknown)
	require.NotNil(t, x.Depends)
	require.Equal(t, []string{"kms:EncryptionContext:", "kms:EncryptionContext:Tenant"}, x.Keys)
	for value, want := range map[string]bool{"a": true, "b": false} {
		var complete iampolicy.Context
		complete.Set("kms:EncryptionContext:Tenant", value)
		require.Equal(t, want, x.Allows(&complete))
		done := *r
		done.Context = complete
		require.Equal(t, want, p.Decide(&done).Allowed())
	}
}

// TestResidualErrors: a request that contradicts itself is denied.
func TestResidualErrors(t *testing.T) {
	c := identityCase(anything).filled()
	r := c.question(t)
	r.Context.Set("a:b", "1")
	r.Context.Set("A:B", "2")
	x := c.build(t).Residual(r, knowledgeOf(nil))
	require.ErrorIs(t, x.Err, iampolicy.ErrRequest)
	require.False(t, x.Allowed || x.Allows(new(iampolicy.Context)))
	require.False(t, new(iampolicy.Residual).Allows(new(iampolicy.Context)))
	ok := c.build(t).Residual(c.question(t), knowledgeOf(nil))
	require.True(t, ok.Allowed && ok.Allows(new(iampolicy.Context)))
}

// TestIAM101Discover: conditions are set aside in Allow and Deny, unless what
// is known decides them.
func TestIAM101Discover(t *testing.T) {
	st := func(effect string) string {
		return `{"Effect":"` + effect + `","Action":"*","Resource":"*","Condition":{"StringEquals":{"x:k":"a"}}}`
	}
	discover := func(effect string, k iampolicy.Knowledge, value string) *iampolicy.Discovery {
		c := identityCase(st(effect))
		if effect == "Deny" {
			c = identityCase(anything, st(effect))
		}
		c = c.filled()
		r := c.question(t)
		if value != "" {
			r.Context.Set("x:k", value)
		}
		return c.build(t).Discover(r, knowledgeOf(map[string]iampolicy.Knowledge{"x:k": k}))
	}
	aside := func(effect string) []iampolicy.IgnoredCondition {
		return []iampolicy.IgnoredCondition{{Type: "identity", Effect: effect, Operator: "StringEquals", Key: "x:k", Values: []string{"a"}}}
	}
	for _, c := range []struct {
		effect string
		k      iampolicy.Knowledge
		value  string
		want   iampolicy.Outcome
		aside  bool
	}{
		{"Allow", iampolicy.Unknown, "", iampolicy.Allowed, true},
		{"Allow", iampolicy.Unknown, "b", iampolicy.Allowed, true},
		{"Allow", iampolicy.Unknown, "a", iampolicy.Allowed, false},
		{"Allow", iampolicy.PresenceKnown, "", iampolicy.ImplicitDeny, false},
		{"Allow", iampolicy.PresenceKnown, "b", iampolicy.Allowed, true},
		{"Allow", iampolicy.Known, "b", iampolicy.ImplicitDeny, false},
		{"Deny", iampolicy.Unknown, "a", iampolicy.Allowed, true},
		{"Deny", iampolicy.Unknown, "", iampolicy.Allowed, true},
		{"Deny", iampolicy.PresenceKnown, "", iampolicy.Allowed, false},
		{"Deny", iampolicy.PresenceKnown, "a", iampolicy.Allowed, true},
		{"Deny", iampolicy.Known, "a", iampolicy.ExplicitDeny, false},
		{"Deny", iampolicy.Known, "b", iampolicy.Allowed, false},
	} {
		x := discover(c.effect, c.k, c.value)
		require.Equal(t, c.want, x.Outcome, c)
		if c.aside {
			require.Equal(t, aside(c.effect), x.Ignored, c)
		} else {
			require.Empty(t, x.Ignored, c)
		}
	}
}
