// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

func TestIAM1to7Documents(t *testing.T) {
	const st = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	for _, c := range []struct{ name, doc, code, path string }{
		{"one statement", `{"Statement":` + st + `}`, "", ""},
		{"empty array", `{"Version":"2012-10-17","Statement":[]}`, "", ""},
		{"with Id", `{"Id":"x","Statement":[` + st + `]}`, "", ""},
		{"empty lists", `{"Statement":{"Effect":"Allow","Action":[],"Resource":[],"Condition":{"StringEquals":{"a:b":[]}}}}`, "", ""},
		{"numbers and booleans", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":true},"NumericEquals":{"a:b":[1,2.5]}}}}`, "", ""},
		{"not JSON", `{"Statement":`, "JSON_SYNTAX_ERROR", "Statement"},
		{"IAM-5: text behind it", `{"Statement":[]} {}`, "JSON_SYNTAX_ERROR", ""},
		{"not an object", `[]`, "JSON_SYNTAX_ERROR", ""},
		{"invalid UTF-8", "{\"Statement\":[],\"Id\":\"\xff\"}", "JSON_SYNTAX_ERROR", "Id"},
		{"IAM-5: repeated member", `{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}`, "JSON_SYNTAX_ERROR", "Statement.Effect"},
		{"repeated, written otherwise", `{"Statement":{"Effect":"Allow","\u0045ffect":"Deny","Action":"*","Resource":"*"}}`, "JSON_SYNTAX_ERROR", "Statement.Effect"},
		{"operators that differ in case", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{},"stringequals":{}}}}`, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", `Statement.Condition.stringequals`},
		{"keys that differ in case", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":"1","A:B":"2"}}}}`, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", `Statement.Condition.StringEquals["A:B"]`},
		{"IAM-5: unknown member", `{"Statement":[],"Foo":1}`, "INVALID_POLICY_ELEMENT", "Foo"},
		{"member in the wrong case", `{"Statement":{"effect":"Allow","Action":"*","Resource":"*"}}`, "INVALID_POLICY_ELEMENT", "Statement.effect"},
		{"unknown member of a statement", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}}]}`, "INVALID_POLICY_ELEMENT", "Statement[0].Conditions"},
		{"unknown type of principal", `{"Statement":[{"Effect":"Allow","Principal":{"Aws":"*"},"Action":"*","Resource":"*"}]}`, "INVALID_PRINCIPAL_KEY", "Statement[0].Principal.Aws"},
		{"no statement", `{"Version":"2012-10-17"}`, "MISSING_STATEMENT", ""},
		{"IAM-3: effect in the wrong case", `{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`, "INVALID_EFFECT", "Statement.Effect"},
		{"IAM-3: no effect", `{"Statement":{"Action":"*","Resource":"*"}}`, "MISSING_EFFECT", "Statement"},
		{"no action", `{"Statement":[{"Effect":"Allow","Resource":"*"}]}`, "MISSING_ACTION", "Statement[0]"},
		{"IAM-7: Action and NotAction", `{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}`, "UNSUPPORTED_ELEMENT_COMBINATION", "Statement"},
		{"IAM-7: Resource and NotResource", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}}`, "UNSUPPORTED_ELEMENT_COMBINATION", "Statement"},
		{"IAM-7: Principal and NotPrincipal", `{"Statement":{"Effect":"Allow","Principal":"*","NotPrincipal":"*","Action":"*","Resource":"*"}}`, "UNSUPPORTED_ELEMENT_COMBINATION", "Statement"},
		{"null", `{"Statement":{"Effect":"Allow","Action":null,"Resource":"*"}}`, "DATA_TYPE_MISMATCH", "Statement.Action"},
		{"nested array", `{"Statement":{"Effect":"Allow","Action":[["*"]],"Resource":"*"}}`, "DATA_TYPE_MISMATCH", "Statement.Action[0]"},
		{"number", `{"Statement":{"Effect":"Allow","Action":1,"Resource":"*"}}`, "DATA_TYPE_MISMATCH", "Statement.Action"},
		{"object among values", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":["a",{}]}}}}`, "DATA_TYPE_MISMATCH", `Statement.Condition.StringEquals["s3:prefix"][1]`},
		{"IAM-5: too deep", `{"Statement":{"Effect":"Allow","Action":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + `,"Resource":"*"}}`, "JSON_SYNTAX_ERROR", "*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := iampolicy.Parse([]byte(c.doc))
			if c.code == "" {
				require.NoError(t, err)
				require.Equal(t, c.doc, p.String())
				return
			}
			var e *iampolicy.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.code, e.Code, "%v", err)
			require.NotEmpty(t, e.Hint())
			if c.path != "*" {
				require.Equal(t, c.path, e.Path)
			}
		})
	}
}

func TestIAM6Positions(t *testing.T) {
	doc := "{\n \"Statement\": [{\"Effect\":\"Allow\",\n  \"Action\":\"*\", \"Resource\":\"bucket\"}]}"
	p := parsed(t, doc)
	_, err := iampolicy.Compile(iampolicy.KindIdentity, p)
	var e *iampolicy.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, iampolicy.Span{
		Path:  "Statement[0].Resource",
		Start: iampolicy.Position{Offset: 63, Line: 3, Column: 28},
		End:   iampolicy.Position{Offset: 71, Line: 3, Column: 36},
	}, e.Span)
	require.Equal(t, `"bucket"`, doc[e.Start.Offset:e.End.Offset])
	p.Name = "mine"
	_, err = iampolicy.Compile(iampolicy.KindIdentity, p)
	require.EqualError(t, err, `iampolicy: policy cannot be evaluated: policy "mine", line 3, column 28, Statement[0].Resource: Resource bucket must be in ARN format or "*".`)
}

func TestIAM9Compile(t *testing.T) {
	for _, c := range []struct {
		name, doc, code string
		kind            iampolicy.Kind
	}{
		{"operator", policy(conditioned("StringEqual", "a:b", "x")), "INVALID_CONDITION_OPERATOR", iampolicy.KindIdentity},
		{"set operator", policy(conditioned("ForSomeValues:StringEquals", "a:b", "x")), "INVALID_CONDITION_OPERATOR", iampolicy.KindIdentity},
		{"an operator without keys asks for nothing, and IAM saves it whatever its name", policy(allow("*", "*", `"Condition":{"StringEqual":{}}`)), "", iampolicy.KindIdentity},
		{"version", `{"Version":"2013-10-17","Statement":[]}`, "INVALID_VERSION", iampolicy.KindIdentity},
		{"resource", policy(allow("*", "bucket/*", "")), "INVALID_ARN_PREFIX", iampolicy.KindIdentity},
		{"variable", policy(allow("*", "arn:aws:s3:::${", "")), "MISSING_BRACE_IN_VARIABLE", iampolicy.KindIdentity},
		{"IAM-8: no resource", policy(`{"Effect":"Allow","Action":"*"}`), "MISSING_RESOURCE", iampolicy.KindIdentity},
		{"IAM-8: principal in an identity policy", policy(grant(`"*"`)), "UNSUPPORTED_PRINCIPAL", iampolicy.KindIdentity},
		{"IAM-8: principal in an SCP", policy(grant(`"*"`)), "UNSUPPORTED_PRINCIPAL", iampolicy.KindSCP},
		{"IAM-8: a trust policy needs no resource", policy(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`), "", iampolicy.KindTrust},
		{"a bad number compiles", policy(conditioned("NumericEquals", "a:b", "x")), "", iampolicy.KindIdentity},
		{"a bad address compiles", policy(conditioned("IpAddress", "a:b", "x")), "", iampolicy.KindIdentity},
		{"a bad date compiles", policy(conditioned("DateEquals", "a:b", "x")), "", iampolicy.KindIdentity},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := iampolicy.Compile(c.kind, parsed(t, c.doc))
			_, errLenient := iampolicy.Options{Lenient: true}.Compile(c.kind, parsed(t, c.doc))
			require.NoError(t, errLenient)
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			var e *iampolicy.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.code, e.Code)
			require.ErrorIs(t, err, iampolicy.ErrUnsupported)
		})
	}
	_, err := iampolicy.Compile(0, parsed(t, policy()))
	require.ErrorIs(t, err, iampolicy.ErrUnsupported)
}

// TestIAM73Lenient: what cannot be evaluated can deny but never allow.
func TestIAM73Lenient(t *testing.T) {
	const request = "s3:GetObject"
	for _, c := range []struct{ name, element string }{
		{"unknown operator", `"Action":"*","Resource":"*","Condition":{"StringEqual":{"a:b":"x"}}`},
		{"resource that is no ARN", `"Action":"*","Resource":"bucket"`},
		{"malformed variable", `"Action":"*","Resource":"arn:aws:s3:::${"`},
		{"malformed variable in a condition", `"Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":"${"}}`},
		{"no resource", `"Action":"*"`},
		{"no action", `"Resource":"*"`},
		{"action of the wrong type", `"Action":{"a":1},"Resource":"*"`},
		{"null among the actions", `"Action":["sqs:*",null],"Resource":"*"`},
		{"condition of the wrong type", `"Action":"*","Resource":"*","Condition":[]`},
		{"operator of the wrong type", `"Action":"*","Resource":"*","Condition":{"StringEquals":"x"}`},
		{"value of the wrong type", `"Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":null}}`},
		{"both resources", `"Action":"*","Resource":"*","NotResource":"*"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			decide := func(statements ...string) iampolicy.Decision {
				r := refCase{Identity: []string{policy(statements...)}, Action: request}.filled()
				d := r.build(t).Decide(r.question(t))
				x := r.build(t).Explain(r.question(t))
				require.Equal(t, d.Outcome, x.Outcome)
				require.Equal(t, d.Indeterminate, x.Indeterminate)
				return d
			}
			d := decide(`{"Effect":"Deny",`+c.element+`}`, anything)
			require.Equal(t, iampolicy.ExplicitDeny, d.Outcome)
			require.True(t, d.Indeterminate)
			d = decide(`{"Effect":"Allow",` + c.element + `}`)
			require.Equal(t, iampolicy.ImplicitDeny, d.Outcome)
			require.False(t, d.Indeterminate)
		})
	}
	other := refCase{Identity: []string{policy(deny("sqs:*", "bucket", ""), anything)}}.filled()
	require.True(t, other.build(t).Decide(other.question(t)).Allowed(), "everything else in the statement must match")
	version := refCase{Identity: []string{`{"Version":"2013-10-17","Statement":[` + anything + `]}`}}.filled()
	require.False(t, version.build(t).Decide(version.question(t)).Allowed(), "unknown version")
	version.Identity = []string{`{"Version":"2013-10-17","Statement":[` + deny("*", "*", "") + `]}`, policy(anything)}
	require.Equal(t, iampolicy.ExplicitDeny, version.build(t).Decide(version.question(t)).Outcome)
	principal := refCase{Identity: []string{policy(grant(aws(bob)))}}.filled()
	require.True(t, principal.build(t).Decide(principal.question(t)).Allowed(), "IAM-8: a principal in an identity policy is ignored")
	effect := refCase{Identity: []string{policy(`{"Effect":"deny","Action":"*","Resource":"*"}`, anything)}}.filled()
	require.Equal(t, iampolicy.ExplicitDeny, effect.build(t).Decide(effect.question(t)).Outcome, "an unknown effect may be a Deny")
	effect.Identity = []string{policy(`{"Effect":"allow","Action":"*","Resource":"*"}`)}
	require.Equal(t, iampolicy.ImplicitDeny, effect.build(t).Decide(effect.question(t)).Outcome)
	for _, doc := range []string{`{"Statement":[],"Foo":1}`, `{"Statement":[],"Statement":[]}`, `{"Statement":[]`, `[]`} {
		_, err := iampolicy.Options{Lenient: true}.Parse([]byte(doc))
		require.ErrorIs(t, err, iampolicy.ErrSyntax, doc)
	}
}

func TestIAM85Limits(t *testing.T) {
	o := iampolicy.Options{MaxBytes: 60, MaxStatements: 2, MaxPattern: 16}
	pad := func(n int) string {
		doc := `{"Statement":[],"Id":"` + `"}`
		return doc[:len(doc)-2] + strings.Repeat("x", n-len(doc)) + `"}`
	}
	_, err := o.Parse([]byte(pad(60)))
	require.NoError(t, err)
	_, err = o.Parse([]byte(pad(61)))
	require.ErrorIs(t, err, iampolicy.ErrLimit)
	_, err = iampolicy.Parse([]byte(pad(1 << 20)))
	require.NoError(t, err)
	_, err = iampolicy.Parse([]byte(pad(1<<20 + 1)))
	require.ErrorIs(t, err, iampolicy.ErrLimit)

	_, err = o.Compile(iampolicy.KindIdentity, parsed(t, policy(anything, anything)))
	require.NoError(t, err)
	_, err = o.Compile(iampolicy.KindIdentity, parsed(t, policy(anything, anything)), parsed(t, policy(anything)))
	require.ErrorIs(t, err, iampolicy.ErrLimit)

	_, err = o.Compile(iampolicy.KindIdentity, parsed(t, policy(allow("*", "arn:aws:s3:::abc", ""))))
	require.NoError(t, err)
	for _, st := range []string{allow("*", "arn:aws:s3:::abcd", ""), conditioned("StringEquals", "a:b", "12345678901234567")} {
		_, err = o.Compile(iampolicy.KindIdentity, parsed(t, policy(st)))
		require.ErrorIs(t, err, iampolicy.ErrLimit)
		lenient := o
		lenient.Lenient = true
		_, err = lenient.Compile(iampolicy.KindIdentity, parsed(t, policy(st)))
		require.NoError(t, err)
	}

	var ctx iampolicy.Context
	ctx.SetList("a:b", make([]string, 9_999))
	require.NoError(t, ctx.Err())
	ctx.Set("a:c", "x")
	require.ErrorIs(t, ctx.Err(), iampolicy.ErrLimit)
}

// TestMarshalDecidesTheSame re-marshals generated policies.
func TestMarshalDecidesTheSame(t *testing.T) {
	g := newGenerator(77)
	for range 300 {
		c := g.policies()
		again := *c
		canonical := func(docs []string) []string {
			var out []string
			for _, doc := range docs {
				p, err := iampolicy.Options{Lenient: true}.Parse([]byte(doc))
				require.NoError(t, err)
				require.Equal(t, doc, p.String())
				text, err := json.Marshal(p)
				require.NoError(t, err)
				twice, err := json.Marshal(parsed(t, string(text)))
				require.NoError(t, err)
				require.Equal(t, string(text), string(twice), "canonical text is stable")
				out = append(out, string(text))
			}
			return out
		}
		again.Identity, again.Boundary = canonical(c.Identity), canonical(c.Boundary)
		if c.Resources != "" {
			again.Resources = canonical([]string{c.Resources})[0]
		}
		p, q := c.build(t), again.build(t)
		for range 5 {
			g.request(c)
			r := c.question(t)
			if !r.Principal.IsSession() {
				p.Session, q.Session = nil, nil
			}
			require.Equal(t, p.Decide(r), q.Decide(r))
			p.Session, q.Session = c.build(t).Session, again.build(t).Session
		}
	}
}

// TestHostileDocuments: many names of one object, many values, many brackets
// are read in linear time and refused or not, but never crash.
func TestHostileDocuments(t *testing.T) {
	var keys, actions, resources strings.Builder
	for i := range 9_000 {
		fmt.Fprintf(&keys, `"k:%d":"v",`, i)
		fmt.Fprintf(&actions, `"s%d:Get",`, i)
		fmt.Fprintf(&resources, `"arn:aws:s3:::%d/%s*a*a*a*b",`, i, strings.Repeat("a", 20))
	}
	doc := policy(`{"Effect":"Allow","Action":[` + strings.TrimSuffix(actions.String(), ",") + `],"Resource":[` + strings.TrimSuffix(resources.String(), ",") +
		`],"Condition":{"StringEquals":{` + strings.TrimSuffix(keys.String(), ",") + `}}}`)
	set, err := iampolicy.Compile(iampolicy.KindIdentity, parsed(t, doc))
	require.NoError(t, err)
	require.Equal(t, 1, set.Len())
	glob := "arn:aws:s3:::" + strings.Repeat("*a", 1000) + "*b"
	c := refCase{Identity: []string{policy(allow("*", glob, ""))}, Resource: "arn:aws:s3:::" + strings.Repeat("a", 100_000)}.filled()
	require.False(t, c.build(t).Decide(c.question(t)).Allowed())
	c.Resource = "arn:aws:s3:::" + strings.Repeat("*a", 1000) + "*"
	require.True(t, c.build(t).Decide(c.question(t)).Allowed(), "two patterns that meet")
	for _, doc := range []string{strings.Repeat("[", 1<<20), strings.Repeat(`{"Statement":`, 1<<16), `{"Statement":[` + strings.Repeat(`{},`, 1<<16) + `{}]}`} {
		_, err := iampolicy.Parse([]byte(doc))
		require.Error(t, err)
	}
}
