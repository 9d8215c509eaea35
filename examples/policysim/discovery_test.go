// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// TestDiscovery is IAM-101, sentence by sentence.
func TestDiscovery(t *testing.T) {
	bin := build(t)
	doc := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	allow := `{"Effect":"Allow","Action":"*","Resource":"*"}`
	when := func(effect, condition string) string {
		return `{"Effect":"` + effect + `","Action":"*","Resource":"*","Condition":` + condition + `}`
	}
	vpce := `{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`
	mode := func(identity, constraints string) string {
		if constraints != "" {
			constraints = `,"discoveryContextKeyConstraints":[` + constraints + `]`
		}
		return `,"mode":"Discovery","identityPolicies":[` + identity + `]` + constraints
	}
	known := `{"keyName":"AWS:SourceVpce","presenceIsKnown":true,"valueIsKnown":true}`
	present := `{"keyName":"aws:SourceVpce","presenceIsKnown":true,"valueIsKnown":false}`
	open := `{"keyName":"aws:SourceVpce","presenceIsKnown":false,"valueIsKnown":false}`
	set := `{"op":"StringEquals","key":"aws:SourceVpce","values":["vpce-1"]}`
	inAllow, inDeny := `{"identity":{"allow":[`+set+`]}}`, `{"identity":{"deny":[`+set+`]}}`
	for _, c := range []struct{ name, input, decision, ignored string }{
		{"an Allow whose condition does not hold", line(mode(doc(when("Allow", vpce)), ""), ""), "allowed", inAllow},
		{"in the context, but not authoritative", line(mode(doc(when("Allow", vpce)), ""), `{"aws:SourceVpce":"vpce-2"}`), "allowed", inAllow},
		{"a condition that holds is not set aside", line(mode(doc(when("Allow", vpce)), ""), `{"aws:SourceVpce":"vpce-1"}`), "allowed", ""},
		{"a conditional Deny", line(mode(doc(allow, when("Deny", vpce)), ""), `{"aws:SourceVpce":"vpce-1"}`), "allowed", inDeny},
		{"a Deny known to hold", line(mode(doc(allow, when("Deny", vpce)), known), `{"aws:SourceVpce":"vpce-1"}`), "explicitDeny", ""},
		{"a Deny known not to hold", line(mode(doc(allow, when("Deny", vpce)), known), `{"aws:SourceVpce":"vpce-2"}`), "allowed", ""},
		{"a Deny without condition", line(mode(doc(allow, `{"Effect":"Deny","Action":"*","Resource":"*"}`), ""), ""), "explicitDeny", ""},
		{"both known: as in Strict", line(mode(doc(when("Allow", vpce)), known), `{"aws:SourceVpce":"vpce-2"}`), "implicitDeny", ""},
		{"both known, absent", line(mode(doc(when("Allow", vpce)), known), ""), "implicitDeny", ""},
		{"presence known, absent", line(mode(doc(when("Allow", vpce)), present), ""), "implicitDeny", ""},
		{"presence known, absent, Deny with a negated operator", line(mode(doc(allow, when("Deny", `{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`)), present), ""), "explicitDeny", ""},
		{"presence known, present", line(mode(doc(when("Allow", vpce)), present), `{"aws:SourceVpce":"vpce-2"}`), "allowed", inAllow},
		{"presence known, Null", line(mode(doc(when("Allow", `{"Null":{"aws:SourceVpce":"true"}}`)), present), `{"aws:SourceVpce":"vpce-2"}`), "implicitDeny", ""},
		{"presence unknown, Null", line(mode(doc(when("Allow", `{"Null":{"aws:SourceVpce":"true"}}`)), open), `{"aws:SourceVpce":"vpce-2"}`), "allowed", `{"identity":{"allow":[{"op":"Null","key":"aws:SourceVpce","values":["true"]}]}}`},
		{"a constraint that knows nothing", line(mode(doc(when("Allow", vpce)), open), `{"aws:SourceVpce":"vpce-2"}`), "allowed", inAllow},
		{"a regular expression", line(mode(doc(when("Allow", vpce)), `{"keyName":"/^aws:sourcev/","presenceIsKnown":true,"valueIsKnown":true}`), `{"aws:SourceVpce":"vpce-2"}`), "implicitDeny", ""},
		{"several constraints, the one that knows most", line(mode(doc(when("Allow", vpce)), open+","+known), `{"aws:SourceVpce":"vpce-2"}`), "implicitDeny", ""},
		{
			"other types", line(mode(doc(allow), "")+`,"permissionBoundaries":[`+doc(when("Allow", vpce))+`],"vpcEndpointPolicies":[`+doc(when("Allow", vpce))+`],"scps":[{"id":"r","policies":[`+doc(when("Allow", vpce))+`]}]`, ""), "allowed",
			`{"endpointPolicy":{"allow":[` + set + `]},"permissionBoundary":{"allow":[` + set + `]},"scp":{"allow":[` + set + `]}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, stderr, code := simulate(t, bin, c.input)
			require.Equal(t, 0, code, stderr)
			var got struct {
				Decision, Error string
				Why             struct{ IgnoredConditions json.RawMessage }
			}
			require.NoError(t, json.Unmarshal([]byte(lines[0]), &got))
			require.Equal(t, c.decision, got.Decision, lines[0])
			if c.ignored == "" {
				require.Empty(t, got.Why.IgnoredConditions)
			} else {
				require.JSONEq(t, c.ignored, string(got.Why.IgnoredConditions))
			}
			short, _, _ := simulate(t, bin, c.input, "--why=none")
			require.Equal(t, []string{`{"id":1,"decision":"` + c.decision + `"}`}, short)
		})
	}
}

func TestDiscoveryConditions(t *testing.T) {
	lines, _, _ := simulate(t, build(t), line(`,"mode":"Discovery","identityPolicies":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}}]`, ""))
	require.Equal(t, []string{`{"id":1,"decision":"allowed","why":{"sameAccount":true,"identity":"Allowed","resource":"NotApplicable","scp":"Allowed","rcp":"Allowed","allow":["identity/0/1"],"deny":[],` +
		`"ignoredConditions":{"identity":{"allow":[{"op":"Bool","key":"aws:SecureTransport","values":["true"]}]}},` +
		`"conditions":{"operator":"Bool","key":"aws:SecureTransport","values":["true"],"negated":false,"sources":["identity/0/1"]}}}`}, lines)
}

// TestDiscoverySessions: an entry that names a session counts for its role and
// every session of it, in Allow and not in Deny.
func TestDiscoverySessions(t *testing.T) {
	bin := build(t)
	input := func(principal, effect string) string {
		return `{"request":{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k","resourceAccountId":"123456789012","principal":"arn:aws:` + principal + `"},"mode":"Discovery",` +
			`"identityPolicies":[` + map[string]string{"Allow": "", "Deny": openDoc}[effect] + `],` +
			`"resourcePolicy":{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `","Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/app/s1"},"Action":"*","Resource":"*"}},` +
			`"permissionBoundaries":[{"Version":"2012-10-17","Statement":[]}]}` + "\n"
	}
	for _, c := range []struct {
		principal, effect, decision string
		ignored                     bool
	}{
		{"iam::123456789012:role/path/app", "Allow", "allowed", true},
		{"sts::123456789012:assumed-role/app/s2", "Allow", "allowed", true},
		{"sts::123456789012:assumed-role/app/s1", "Allow", "allowed", false},
		{"sts::123456789012:assumed-role/App/s2", "Allow", "implicitDeny", false},
		{"iam::210987654321:role/app", "Allow", "implicitDeny", false},
		{"iam::123456789012:user/app", "Allow", "implicitDeny", false},
		{"sts::123456789012:assumed-role/app/s2", "Deny", "implicitDeny", false}, // the boundary
		{"sts::123456789012:assumed-role/app/s1", "Deny", "explicitDeny", false},
	} {
		lines, _, _ := simulate(t, bin, input(c.principal, c.effect))
		require.Contains(t, lines[0], `"decision":"`+c.decision+`"`, c.principal)
		require.Equal(t, c.ignored, strings.Contains(lines[0], `"ignoredRoleSessionName":true`), lines[0])
	}
}

func TestDiscoveryErrors(t *testing.T) {
	bin := build(t)
	for constraints, want := range map[string]string{
		`[{"keyName":"aws:X","valueIsKnown":true}]`:                                   `discoveryContextKeyConstraints[0]: valueIsKnown needs presenceIsKnown`,
		`[{"presenceIsKnown":true}]`:                                                  `discoveryContextKeyConstraints[0]: keyName is missing`,
		`[{"keyName":"aws:X"},{"keyName":"/` + strings.Repeat("x{100}", 683) + `/"}]`: `discoveryContextKeyConstraints[1]: regular expressions of more than 4096 bytes in all`,
		`[{"keyName":"/(/","presenceIsKnown":true,"valueIsKnown":true}]`:              `discoveryContextKeyConstraints[0]: error parsing regexp`,
		`{"keyName":"aws:X","presenceIsKnown":true,"valueIsKnown":"maybe"}`:           `discoveryContextKeyConstraints: json`,
	} {
		lines, _, _ := simulate(t, bin, line(`,"mode":"Discovery","discoveryContextKeyConstraints":`+constraints, ""))
		require.Contains(t, lines[0], `"error":"`+want, constraints)
	}
}

// TestConstraintsTogether: of several constraints for a key the one that knows
// most counts, whichever come first, and all patterns of a line together have
// so many bytes: a line of 16 MiB could else be gigabytes of them.
func TestConstraintsTogether(t *testing.T) {
	list := func(items ...string) json.RawMessage { return json.RawMessage("[" + strings.Join(items, ",") + "]") }
	known, present := `"presenceIsKnown":true,"valueIsKnown":true}`, `"presenceIsKnown":true}`
	for _, items := range [][]string{
		{`{"keyName":"AWS:a",` + present, `{"keyName":"aws:A",` + known, `{"keyName":"aws:a"}`},
		{`{"keyName":"aws:a",` + known, `{"keyName":"aws:A",` + present},
		{`{"keyName":"/S:A$/",` + known, `{"keyName":"aws:a",` + present},
		{`{"keyName":"aws:a",` + known, `{"keyName":"/a/",` + present},
	} {
		knowledge, err := readConstraints(list(items...))
		require.NoError(t, err)
		require.Equal(t, iampolicy.Known, knowledge("aws:a"), items)
		require.NotEqual(t, iampolicy.Known, knowledge("aws:b"), items)
	}
	require.Len(t, strings.Repeat("x{100}", 682)+"xxxx", maxPatterns)
	for extra, ok := range []bool{true, false} {
		_, err := readConstraints(list(`{"keyName":"/`+strings.Repeat("x{100}", 400)+`/"}`, `{"keyName":"/`+strings.Repeat("x{100}", 282)+strings.Repeat("x", 4+extra)+`/"}`))
		require.Equal(t, ok, err == nil, err)
	}
}
