// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// conditioned is an Allow with one condition.
func conditioned(operator, key string, values any) string {
	text, err := json.Marshal(map[string]any{operator: map[string]any{key: values}})
	if err != nil {
		panic(err)
	}
	return allow("*", "*", `"Condition":`+string(text))
}

func checkCondition(t *testing.T, operator string, values, have any, want bool) {
	t.Helper()
	c := identityCase(conditioned(operator, "x:k", values))
	if have != nil {
		c.Context = map[string]any{"x:k": have}
	}
	outcome := no
	if want {
		outcome = yes
	}
	check(t, fmt.Sprintf("%s %v: %v", operator, values, have), c, outcome)
}

// TestIAM36TruthTable is every operator (IAM-35), plain, with IfExists and with the set
// operators, on a value that matches, one that does not, no value, an empty
// string (IAM-40), an empty list, a list of matches, a mixed list, a list of the empty
// string, and on policies without values.
func TestIAM36TruthTable(t *testing.T) {
	type sample struct {
		positive, negated, match, other string
		want                            any
	}
	samples := []sample{
		{"StringEquals", "StringNotEquals", "a", "b", "a"},
		{"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "A", "b", "a"},
		{"StringLike", "StringNotLike", "abc", "b", "a*"},
		{"NumericEquals", "NumericNotEquals", "3.50", "4", "3.5"},
		{"NumericLessThan", "", "1", "2", "2"},
		{"NumericLessThanEquals", "", "2", "3", "2"},
		{"NumericGreaterThan", "", "3", "2", "2"},
		{"NumericGreaterThanEquals", "", "2", "1", "2"},
		{"DateEquals", "DateNotEquals", "2024-01-01T00:00:00Z", "2025", "2024"},
		{"DateLessThan", "", "2023", "2024", "2024-01-01"},
		{"DateLessThanEquals", "", "2024", "2025", "2024-01-01"},
		{"DateGreaterThan", "", "2025", "2024", "2024-01-01"},
		{"DateGreaterThanEquals", "", "2024", "2023", "2024-01-01"},
		{"Bool", "", "TRUE", "false", "true"},
		{"BinaryEquals", "", "YWJj", "YWJk", "YWJj"},
		{"IpAddress", "NotIpAddress", "10.1.1.1", "11.1.1.1", "10.0.0.0/8"},
		{"ArnEquals", "ArnNotEquals", "arn:aws:s3:::b/x", "arn:aws:s3:::c", "arn:aws:s3:::b/*"},
		{"ArnLike", "ArnNotLike", "arn:aws:s3:::b/x", "arn:aws:s3:::c", "arn:aws:s3:::b/*"},
	}
	for _, s := range samples {
		ordered := s.positive[0] == 'N' || s.positive[0] == 'D' // an empty string is no number or date: always false
		for _, negated := range []bool{false, true} {
			op := s.positive
			if negated {
				op = s.negated
			}
			if op == "" {
				continue
			}
			list := func(values ...string) []string { return values }
			for _, row := range []struct {
				have                              any
				plain, ifExists, all, any, anyIfX bool
			}{
				{s.match, !negated, !negated, !negated, !negated, !negated},
				{s.other, negated, negated, negated, negated, negated},
				{nil, negated, true, true, false, true},
				{list(), negated, true, true, false, true},
				{list(s.match), false, false, !negated, !negated, !negated},
				{list(s.match, s.match), false, false, !negated, !negated, !negated},
				{list(s.match, s.other), false, false, false, true, true},
				{list(""), false, false, true, false, false},
				{"", negated && !ordered, negated && !ordered, true, false, false},
			} {
				checkCondition(t, op, s.want, row.have, row.plain)
				checkCondition(t, op+"IfExists", s.want, row.have, row.ifExists)
				checkCondition(t, "ForAllValues:"+op, s.want, row.have, row.all)
				checkCondition(t, "ForAllValues:"+op+"IfExists", s.want, row.have, row.all)
				checkCondition(t, "ForAnyValue:"+op, s.want, row.have, row.any)
				checkCondition(t, "ForAnyValue:"+op+"IfExists", s.want, row.have, row.anyIfX)
			}
			checkCondition(t, op, []string{}, s.match, negated)
			checkCondition(t, "ForAllValues:"+op, []string{}, s.match, negated)
			checkCondition(t, "ForAnyValue:"+op, []string{}, s.match, negated)
			checkCondition(t, "ForAllValues:"+op, []string{}, "", true)
		}
	}
}

// TestIAM36EmptyListBeforeInvalidValue: an empty list of policy values decides
// before it is asked whether the request's value is a number or a date.
func TestIAM36EmptyListBeforeInvalidValue(t *testing.T) {
	for _, op := range []string{"NumericNotEquals", "DateNotEquals", "ForAnyValue:NumericNotEquals"} {
		checkCondition(t, op, []string{}, "nonsense", true)
	}
	checkCondition(t, "NumericEquals", []string{}, "nonsense", false)
}

func TestIAM33AndOr(t *testing.T) {
	both := allow("*", "*", `"Condition":{"StringEquals":{"x:a":["1","2"],"x:b":"3"},"StringNotEquals":{"x:c":["4","5"]}}`)
	ctx := func(a, b, c string) map[string]any { return map[string]any{"x:a": a, "x:b": b, "x:c": c} }
	for _, c := range []struct {
		name string
		ctx  map[string]any
		want string
	}{
		{"all hold", ctx("2", "3", "6"), yes},
		{"one key fails", ctx("9", "3", "6"), no},
		{"other key fails", ctx("1", "9", "6"), no},
		{"negated: second value excludes", ctx("1", "3", "5"), no},
	} {
		check(t, c.name, refCase{Identity: []string{policy(both)}, Context: c.ctx}, c.want)
	}
}

func TestIAM34Case(t *testing.T) {
	check(t, "operator", refCase{Identity: []string{policy(conditioned("stringEQUALS", "x:k", "a"))}, Context: map[string]any{"x:k": "a"}}, yes)
	check(t, "set operator", refCase{Identity: []string{policy(conditioned("FORALLVALUES:stringlikeIFEXISTS", "x:k", "a"))}, Context: map[string]any{"x:k": "a"}}, yes)
	check(t, "tag key", refCase{Identity: []string{policy(conditioned("StringEquals", "aws:resourcetag/team", "a"))}, Context: map[string]any{"aws:ResourceTag/Team": "a"}}, yes)
	var ctx iampolicy.Context
	ctx.Set("aws:ResourceTag/Team", "a")
	require.NoError(t, ctx.Err())
	ctx.Set("aws:resourcetag/team", "b")
	require.ErrorIs(t, ctx.Err(), iampolicy.ErrRequest)
	c := identityCase(anything).filled()
	r := c.question(t)
	r.Context = ctx
	d := c.build(t).Decide(r)
	require.False(t, d.Allowed())
	require.ErrorIs(t, d.Err, iampolicy.ErrRequest)
	require.ErrorIs(t, c.build(t).Explain(r).Err, iampolicy.ErrRequest)
}

func TestIAM37Null(t *testing.T) {
	for _, c := range []struct {
		values, have any
		want         bool
	}{
		{"true", nil, true},
		{"true", "x", false},
		{"false", "x", true},
		{"false", nil, false},
		{"true", []string{}, true}, // an empty list is absent
		{"false", "", true},        // an empty string is present
		{"false", []string{"x"}, true},
		{[]string{"true", "false"}, nil, true},
		{[]string{"true", "false"}, "x", true},
		{"maybe", nil, false},
		{"maybe", "x", false},
		{[]string{}, nil, false},
		{true, nil, true}, // IAM-4: a boolean is its text
	} {
		checkCondition(t, "Null", c.values, c.have, c.want)
		checkCondition(t, "ForAnyValue:Null", c.values, c.have, c.want)
	}
	_, err := iampolicy.Compile(iampolicy.KindIdentity, parsed(t, policy(conditioned("NullIfExists", "x:k", "true"))))
	require.ErrorIs(t, err, iampolicy.ErrUnsupported)
}

func parsed(t *testing.T, doc string) *iampolicy.Policy {
	t.Helper()
	p, err := iampolicy.Parse([]byte(doc))
	require.NoError(t, err)
	return p
}

func TestIAM38SetOperators(t *testing.T) {
	p := []string{"a", "b"}
	checkCondition(t, "ForAllValues:StringEquals", p, []string{"a", "c"}, false)
	checkCondition(t, "ForAnyValue:StringEquals", p, []string{"a", "c"}, true)
	checkCondition(t, "ForAllValues:StringNotEquals", p, []string{"a", "c"}, false)
	checkCondition(t, "ForAnyValue:StringNotEquals", p, []string{"a", "c"}, true)
	checkCondition(t, "ForAllValues:StringNotEquals", p, []string{"c", "d"}, true)
	checkCondition(t, "ForAnyValue:StringNotEquals", p, []string{"a", "b"}, false)
	checkCondition(t, "ForAllValues:StringEquals", p, []string{"", "a"}, false) // not a null data set
	checkCondition(t, "ForAnyValue:StringNotEquals", p, []string{""}, false)    // a null data set
}

func TestIAM39MultivaluedKeyWithoutSetOperator(t *testing.T) {
	for _, op := range []string{"StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringNotEqualsIfExists"} {
		checkCondition(t, op, "a", []string{"a"}, false)
		checkCondition(t, op, "z", []string{"a", "b"}, false)
	}
	set, err := iampolicy.Options{MultivaluedAsAny: true}.Compile(iampolicy.KindIdentity, parsed(t, policy(conditioned("StringEquals", "x:k", "a"))))
	require.NoError(t, err)
	r := identityCase(anything).filled()
	r.Context = map[string]any{"x:k": []string{"b", "a"}}
	require.True(t, (&iampolicy.Policies{Identity: set}).Decide(r.question(t)).Allowed())
}

func TestIAM41Numbers(t *testing.T) {
	for _, c := range []struct {
		op           string
		values, have any
		want         bool
	}{
		{"NumericEquals", "3.5", "3.50", true},
		{"NumericEquals", "+7", "007.0", true},
		{"NumericEquals", "-0", "0", true},
		{"NumericLessThan", "-1", "-2", true},
		{"NumericLessThan", "0.10", "0.099", true},
		{"NumericEquals", "10000000000000000001", "10000000000000000000", false}, // 20 digits do not round
		{"NumericGreaterThan", "10000000000000000000", "10000000000000000001", true},
		{"NumericEquals", "10", "10abc", false}, // no number is read out of text
		{"NumericNotEquals", "10", "10abc", false},
		{"NumericNotEquals", "10", "1e1", false}, // nor an exponent
		{"NumericNotEquals", "10", " 11", false},
		{"NumericNotEquals", "10", "11.", false},
		{"NumericNotEquals", "10", ".5", false},
		{"NumericEquals", json.Number("1e1"), "10", true}, // IAM-4: a JSON number in plain decimal
		{"NumericEquals", json.Number("1.5e-3"), "0.0015", true},
		{"NumericEquals", json.Number("10"), "10", true},
		{"StringEquals", json.Number("1E2"), "100", true},
		{"NumericNotEquals", []string{"x", "10"}, "10", false},
		{"NumericNotEquals", []string{"x", "10"}, "11", true},
		{"NumericNotEquals", "x", "11", false}, // no valid value is left
		{"NumericEquals", "x", "11", false},
	} {
		checkCondition41(t, c.op, c.values, c.have, c.want)
	}
}

// checkCondition41 leaves out the reference, which does not normalise JSON
// numbers.
func checkCondition41(t *testing.T, op string, values, have any, want bool) {
	t.Helper()
	if _, number := values.(json.Number); !number {
		checkCondition(t, op, values, have, want)
		return
	}
	c := identityCase(conditioned(op, "x:k", values)).filled()
	c.Context = map[string]any{"x:k": have}
	require.Equal(t, want, c.build(t).Decide(c.question(t)).Allowed(), "%s %v %v", op, values, have)
}

func TestIAM42Dates(t *testing.T) {
	for _, c := range []struct {
		op, value, have string
		want            bool
	}{
		{"DateGreaterThan", "2024-01-01T00:00:00Z", "1717200000", true}, // seconds
		{"DateEquals", "2024-06-01", "1717200000", true},
		{"DateLessThan", "2030", "1717200000000", false}, // not milliseconds
		{"DateEquals", "2024", "2024-01-01T00:00Z", true},
		{"DateEquals", "2024-02", "2024-02-01", true},
		{"DateEquals", "2024-02-29T12:00:00+02:00", "2024-02-29T10:00:00Z", true},
		{"DateEquals", "2024-02-29T12:00:00.5Z", "2024-02-29T12:00:00.500Z", true},
		{"DateLessThan", "2024-01-01T00:00:00.2Z", "2024-01-01T00:00:00.1Z", true},
		{"DateEquals", "-1", "1969-12-31T23:59:59Z", true},
		{"DateNotEquals", "2024", "2024-02-30", false}, // no date
		{"DateNotEquals", "2024", "2024-01-01T00:00:00", false},
		{"DateNotEquals", "2024", "2024-01-01 00:00:00Z", false},
		{"DateNotEquals", "2024", "yesterday", false},
		{"DateNotEquals", "2024", "", false},
		{"DateNotEquals", "soon", "2024", false},
		{"DateEquals", "1900-03-01", "1900-02-29", false},
	} {
		checkCondition(t, c.op, c.value, c.have, c.want)
	}
}

func TestIAM43Bool(t *testing.T) {
	checkCondition(t, "Bool", "TRUE", "true", true)
	checkCondition(t, "Bool", true, "True", true)
	checkCondition(t, "Bool", "yes", "yes", false)
	checkCondition(t, "Bool", "1", "1", false)
}

// TestIAM35Binary: base64 on both sides, compared as bytes; what a decoder would
// skip is not base64 on either.
func TestIAM35Binary(t *testing.T) {
	for _, c := range []struct {
		value, have string
		want        bool
	}{
		{"YWJj", "YWJj", true},
		{"YWI=", "YWJ=", true}, // the unused bits may be anything
		{"YWI=", "YWI", false},
		{"YWI", "YWI=", false},
		{"_-__", "/+//", false}, // the alphabet of URLs
		{"", "", true},
		{"YWJj\n", "YWJj", false},
		{"YWJj", "YWJj\n", false},
		{"YW\r\nJj", "YW\r\nJj", false},
	} {
		got := identityCase(conditioned("BinaryEquals", "x:k", c.value)).filled()
		got.Context = map[string]any{"x:k": c.have}
		require.Equal(t, c.want, got.build(t).Decide(got.question(t)).Allowed(), "%q %q", c.value, c.have)
	}
}

func TestIAM44Addresses(t *testing.T) {
	for _, c := range []struct {
		value, have string
		in          bool
	}{
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.9.9.9/8", "10.1.2.3", true}, // host bits are dropped
		{"0.0.0.0/0", "255.1.2.3", true}, // a range of /0
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "10.0.0.1", false},
		{"::/0", "2001:db8::1", true},
		{"2001:db8::1", "2001:0db8:0:0::1", true}, // numbers, not text
		{"10.1.2.3", "::ffff:10.1.2.3", true},
		{"10.0.0.0/8", "nonsense", false},
		{"nonsense", "10.1.2.3", false},
		{"10.0.0.0/33", "10.1.2.3", false},
	} {
		checkCondition(t, "IpAddress", c.value, c.have, c.in)
		checkCondition(t, "NotIpAddress", c.value, c.have, !c.in)
	}
	c := identityCase(conditioned("IpAddress", "x:k", "::ffff:10.0.0.0/104")).filled()
	c.Context = map[string]any{"x:k": "10.1.2.3"}
	require.True(t, c.build(t).Decide(c.question(t)).Allowed(), "a range of mapped addresses is one of IPv4")
	c = identityCase(conditioned("NotIpAddress", "x:k", "fe80::/10")).filled()
	c.Context = map[string]any{"x:k": "fe80::1%eth0"}
	require.True(t, c.build(t).Decide(c.question(t)).Allowed(), "an address with a zone is none")
}

func TestIAM45Arns(t *testing.T) {
	const (
		pattern = "arn:aws:x:*:111122223333:finance/*"
		value   = "arn:aws:x:us-east-2:999999999999:store/abc:111122223333:finance/doc"
	)
	checkCondition(t, "ArnLike", pattern, value, false)
	checkCondition(t, "StringLike", pattern, value, true)
	checkCondition(t, "ArnEquals", "arn:aws:x:*:999999999999:store/*", value, true) // Equals is Like
	checkCondition(t, "ArnLike", "*", value, true)
	checkCondition(t, "ArnLike", "*", "text", false)
	checkCondition(t, "ArnNotLike", "*", "text", true)
	checkCondition(t, "ArnLike", "arn:aws:*", value, false)
	checkCondition(t, "ArnLike", "arn:AWS:x:*:*:*", value, false) // case counts
	checkCondition(t, "ArnNotEquals", value, value, false)
	checkCondition(t, "ArnEquals", "text", "text", false)
}

func TestIAM28Variables(t *testing.T) {
	ctx := map[string]any{"aws:username": "ana", "aws:PrincipalTag/t": "", "x:list": []string{"ana"}, "x:star": "*", "x:var": "${aws:username}"}
	for _, c := range []struct{ resource, asked, want string }{
		{"arn:aws:s3:::b/${aws:username}/x", "arn:aws:s3:::b/ana/x", yes},
		{"arn:aws:s3:::b/${AWS:UserName}/*", "arn:aws:s3:::b/ana/x", yes},
		{"arn:aws:s3:::b/${none, 'dflt'}", "arn:aws:s3:::b/dflt", yes},
		{"arn:aws:s3:::b/${none,   'dflt'}", "arn:aws:s3:::b/dflt", yes},
		{"arn:aws:s3:::b/${none, '*'}", "arn:aws:s3:::b/x", no}, // default text is literal
		{"arn:aws:s3:::b/${aws:username, 'x'}", "arn:aws:s3:::b/ana", yes},
		{"arn:aws:s3:::b/${aws:PrincipalTag/t}/x", "arn:aws:s3:::b//x", yes}, // an empty string is a value
		{"arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*x", no},
		{"arn:aws:s3:::b/${?}", "arn:aws:s3:::b/?", yes},
		{"arn:aws:s3:::b/${?}", "arn:aws:s3:::b/x", no},
		{"arn:aws:s3:::b/${$}{k}", "arn:aws:s3:::b/${k}", yes},
		// IAM-30
		{"arn:aws:s3:::b/${x:star}/x", "arn:aws:s3:::b/ana/x", no},
		{"arn:aws:s3:::b/${x:var}", "arn:aws:s3:::b/ana", no},
		{"arn:aws:s3:::b/${x:var}", "arn:aws:s3:::b/${aws:username}", yes},
		// IAM-31
		{"arn:aws:s3:::b/${none}/x", "arn:aws:s3:::b//x", no},
		{"arn:aws:s3:::b/${x:list}", "arn:aws:s3:::b/ana", no},
		{"arn:aws:s3:::b/${x:list, 'd'}", "arn:aws:s3:::b/d", yes},
		{"arn:aws:s3:::b/*${none}*", "arn:aws:s3:::b/x", no},
		// IAM-29: the first five fields are literal
		{"arn:aws:s3::${aws:username}:b/x", "arn:aws:s3::ana:b/x", no},
	} {
		got := refCase{Identity: []string{policy(allow("s3:*", c.resource, ""))}, Resource: c.asked, Context: ctx}
		if c.resource == "arn:aws:s3:::b/${none,   'dflt'}" || c.resource == "arn:aws:s3::${aws:username}:b/x" {
			f := got.filled()
			require.Equal(t, c.want, f.build(t).Decide(f.question(t)).Outcome.String())
			continue
		}
		check(t, c.resource+" "+c.asked, got, c.want)
	}
	old := `{"Version":"2008-10-17","Statement":` + allow("s3:*", "arn:aws:s3:::b/${aws:username}", "") + `}`
	check(t, "IAM-2: literal before 2012", refCase{Identity: []string{old}, Resource: "arn:aws:s3:::b/ana", Context: ctx}, no)
	check(t, "IAM-2: the literal text", refCase{Identity: []string{old}, Resource: "arn:aws:s3:::b/${aws:username}", Context: ctx}, yes)
	absent := `{"Statement":` + allow("s3:*", "arn:aws:s3:::b/${aws:username}", "") + `}`
	check(t, "IAM-2: no version is 2008", refCase{Identity: []string{absent}, Resource: "arn:aws:s3:::b/ana", Context: ctx}, no)
}

func TestIAM28MalformedVariables(t *testing.T) {
	for text, code := range map[string]string{
		"${}":            "EMPTY_VARIABLE",
		"${aws:username": "MISSING_BRACE_IN_VARIABLE",
		"${a b}":         "UNSUPPORTED_SPACE_IN_VARIABLE",
		"${a,'d'}":       "MISSING_QUOTE_IN_VARIABLE",
		"${a, 'd}":       "MISSING_QUOTE_IN_VARIABLE",
		"${a, d}":        "MISSING_QUOTE_IN_VARIABLE",
		"${a, 'd'":       "MISSING_BRACE_IN_VARIABLE",
		"${a, 'd' }":     "MISSING_BRACE_IN_VARIABLE",
		"${a${b}}":       "MISSING_BRACE_IN_VARIABLE",
	} {
		for _, st := range []string{allow("*", "arn:aws:s3:::b/"+text, ""), conditioned("StringEquals", "x:k", text)} {
			_, err := iampolicy.Compile(iampolicy.KindIdentity, parsed(t, policy(st)))
			var e *iampolicy.Error
			require.ErrorAs(t, err, &e, text)
			require.Equal(t, code, e.Code, text)
			require.ErrorIs(t, err, iampolicy.ErrUnsupported)
			require.NotEmpty(t, e.Hint())
		}
		// Where variables are not allowed the text is literal: no error.
		_, err := iampolicy.Compile(iampolicy.KindIdentity, parsed(t, policy(conditioned("NumericEquals", "x:k", text), allow("s3:"+text, "*", ""))))
		require.NoError(t, err, text)
	}
}

func TestIAM31UnresolvedInConditions(t *testing.T) {
	checkCondition(t, "StringEquals", "${none}", "", false)
	checkCondition(t, "StringLike", "${none}*", "x", false)
	checkCondition(t, "StringNotEquals", "${none}", "x", true)
	checkCondition(t, "StringNotLike", []string{"${none}", "x"}, "x", false)
	checkCondition(t, "ArnLike", "arn:aws:s3:::${none}", "arn:aws:s3:::b", false)
	checkCondition(t, "NumericEquals", "${x:k}", "1", false) // IAM-29: no variables there
	check(t, "whole ARN from a variable", refCase{
		Identity: []string{policy(conditioned("ArnEquals", "x:k", "${x:other}"))},
		Context:  map[string]any{"x:k": "arn:aws:iam::1:role/r", "x:other": "arn:aws:iam::1:role/r"},
	}, yes)
	check(t, "a star in the value is no wildcard", refCase{
		Identity: []string{policy(conditioned("ArnLike", "x:k", "arn:aws:iam::1:role/${x:other}"))},
		Context:  map[string]any{"x:k": "arn:aws:iam::1:role/r", "x:other": "*"},
	}, no)
	check(t, "Bool takes variables", refCase{
		Identity: []string{policy(conditioned("Bool", "x:k", "${x:other}"))},
		Context:  map[string]any{"x:k": "true", "x:other": "TRUE"},
	}, yes)
}

func TestIAM32UnresolvedInNotResource(t *testing.T) {
	not := func(effect string) string {
		return `{"Effect":"` + effect + `","Action":"*","NotResource":["arn:aws:s3:::b/${none}","arn:aws:s3:::c/*"]}`
	}
	check(t, "Allow does not apply", identityCase(not("Allow")), no)
	check(t, "Deny applies", identityCase(anything, not("Deny")), denied)
	check(t, "Deny, another pattern matches", refCase{Identity: []string{policy(anything, not("Deny"))}, Resource: "arn:aws:s3:::c/x"}, yes)
	set, err := iampolicy.Options{OpenNotResource: true}.Compile(iampolicy.KindIdentity, parsed(t, policy(not("Allow"))))
	require.NoError(t, err)
	c := identityCase(anything).filled()
	require.True(t, (&iampolicy.Policies{Identity: set}).Decide(c.question(t)).Allowed())
}
