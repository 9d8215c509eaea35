// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// build builds the command once a test.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "policysim")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return bin
}

// simulate feeds lines to the built command.
func simulate(t *testing.T, bin, input string, args ...string) (lines []string, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), errs.String(), cmd.ProcessState.ExitCode()
}

const (
	openDoc = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
	request = `"request":{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k","resourceAccountId":"123456789012","principal":"arn:aws:iam::123456789012:user/a"%s}`
)

func line(more, context string) string {
	if context != "" {
		context = `,"context":` + context
	}
	return `{"id":1,` + strings.Replace(request, "%s", context, 1) + more + "}\n"
}

func TestProtocol(t *testing.T) {
	bin := build(t)
	for _, c := range []struct{ name, input, want string }{
		{
			"IAM-99, the example", line(`,"identityPolicies":[`+openDoc+`],"scps":[{"id":"root","policies":[]}]`, ""),
			`{"id":1,"decision":"implicitDeny","why":{"sameAccount":true,"identity":"Allowed","resource":"NotApplicable","scp":"ImplicitlyDenied","rcp":"Allowed","blockedBy":["scp"],"allow":["identity/0/1"],"deny":[]}}`,
		},
		{"a member twice", `{"id":1,"identityPolicies":[` + openDoc + `],"identityPolicies":[],` + strings.Replace(request, "%s", "", 1) + "}\n", `{"id":1,"error":"member \"identityPolicies\" occurs twice"}`},
		{"a member twice in a request", strings.Replace(line("", ""), `"action"`, `"action":"s3:PutObject","action"`, 1), `{"id":1,"error":"request: member \"action\" occurs twice"}`},
		{"a member twice in a level", line(`,"scps":[{"policies":[],"policies":[]}]`, ""), `{"id":1,"error":"scps[0]: member \"policies\" occurs twice"}`},
		{"a member twice around a policy", line(`,"identityPolicies":[{"policy":`+openDoc+`,"policy":`+openDoc+`}]`, ""), `{"id":1,"error":"identityPolicies[0]: member \"policy\" occurs twice"}`},
		{"null is a level of no organization", line(`,"scps":[null]`, ""), `{"id":1,"error":"scps[0]: no place for this JSON: null"}`},
		{
			"allowed, named, with RCPs", line(`,"identityPolicies":[{"name":"mine","policy":`+openDoc+`}],"rcps":[{"policies":[]},{"id":"ou","policies":[]}]`, ""),
			`{"id":1,"decision":"allowed","why":{"sameAccount":true,"identity":"Allowed","resource":"NotApplicable","scp":"Allowed","rcp":"Allowed","allow":["identity/mine/1","rcp:rcp0/RCPFullAWSAccess/1","rcp:ou/RCPFullAWSAccess/1"],"deny":[]}}`,
		},
		{
			"everything given", line(`,"identityPolicies":[`+openDoc+`],"permissionBoundaries":[`+openDoc+`],"sessionPolicy":`+openDoc+`,"vpcEndpointPolicies":[`+openDoc+`],"resourcePolicy":{"Statement":{"Sid":"All","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"*","Resource":"*"}}`, ""),
			`{"id":1,"decision":"allowed","why":{"sameAccount":true,"identity":"Allowed","resource":"AllowedForAccount","boundary":"Allowed","vpce":"Allowed","scp":"Allowed","rcp":"Allowed","allow":["identity/0/1","resource/resource/All","boundary/0/1","vpce/0/1"],"deny":[]}}`,
		},
		{"not UTF-8", "{\"id\":\"\xff\"}\n", `{"error":"bad json: not UTF-8"}`},
		{"not JSON", "nonsense\n", `{"error":"bad json: invalid character 'o' in literal null (expecting 'u')"}`},
		{"unknown members are ignored", line(`,"foo":1,"identityPolicies":[`+openDoc+`]`, ""), `{"id":1,"decision":"allowed","why":{"sameAccount":true,"identity":"Allowed","resource":"NotApplicable","scp":"Allowed","rcp":"Allowed","allow":["identity/0/1"],"deny":[]}}`},
		{"IAM-34", line("", `{"aws:x":"1","AWS:X":"2"}`), `{"id":1,"error":"request.context: iampolicy: bad request: context key \"aws:x\" is set twice"}`},
		{"a context key twice, once null", line("", `{"aws:x":null,"aws:x":"2"}`), `{"id":1,"error":"request.context: member \"aws:x\" occurs twice"}`},
		{"a member twice in a principal", strings.Replace(line("", ""), `"arn:aws:iam::123456789012:user/a"`, `{"type":"Anonymous","type":"User"}`, 1), `{"id":1,"error":"request.principal: an object must be {\"type\":\"Anonymous\"}"}`},
		{"a member twice in a constraint", line(`,"mode":"Discovery","discoveryContextKeyConstraints":[{"keyName":"aws:x","keyName":"aws:y"}]`, ""), `{"id":1,"error":"discoveryContextKeyConstraints[0]: member \"keyName\" occurs twice"}`},
		{"a member in other letters is another", line(`,"mode":"Discovery","discoveryContextKeyConstraints":[{"KeyName":"aws:x"}]`, ""), `{"id":1,"error":"discoveryContextKeyConstraints[0]: keyName is missing"}`},
		{"an array is no line", "[1]\n", `{"error":"bad json: no place for this JSON: array"}`},
		{"neither is null", "null\n", `{"error":"bad json: no place for this JSON: null"}`},
		{"nor two objects", "{} {}\n", `{"error":"bad json: more than one value"}`},
		{"nested context", line("", `{"a":{}}`), `{"id":1,"error":"request.context: \"a\": must be a string, number, boolean or array"}`},
		{"no request", `{"id":"x"}` + "\n", `{"id":"x","error":"request: missing"}`},
		{"unknown mode", line(`,"mode":"Guess"`, ""), `{"id":1,"error":"unknown mode \"Guess\""}`},
		{"unknown op", `{"id":2,"op":"foo"}` + "\n", `{"id":2,"error":"unknown op \"foo\""}`},
		{"repeated member", line(`,"identityPolicies":[{"Statement":[],"Statement":[]}]`, ""), `{"id":1,"error":"identityPolicies[0]: iampolicy: not a policy document: line 1, column 18, Statement: member name occurs twice in one object"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, stderr, code := simulate(t, bin, c.input)
			require.Equal(t, 0, code, stderr)
			require.Equal(t, []string{c.want}, lines)
		})
	}
}

func TestContextAndPrincipals(t *testing.T) {
	bin := build(t)
	decision := func(input string) string {
		lines, _, _ := simulate(t, bin, input, "--why=none")
		var a struct{ Decision, Error string }
		require.NoError(t, json.Unmarshal([]byte(lines[0]), &a))
		require.Empty(t, a.Error)
		require.NotContains(t, lines[0], "why")
		return a.Decision
	}
	conditioned := func(condition string) string {
		return `,"identityPolicies":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + condition + `}}]`
	}
	require.Equal(t, "allowed", decision(line(conditioned(`{"NumericEquals":{"a:b":5}}`), `{"a:b":5.0}`)), "a number is its text")
	require.Equal(t, "allowed", decision(line(conditioned(`{"Bool":{"a:b":"true"}}`), `{"a:b":true}`)))
	require.Equal(t, "allowed", decision(line(conditioned(`{"Null":{"a:b":"true"}}`), `{"a:b":null}`)), "null is absent")
	require.Equal(t, "allowed", decision(line(conditioned(`{"Null":{"a:b":"true"}}`), `{"a:b":[]}`)))
	require.Equal(t, "implicitDeny", decision(line(conditioned(`{"StringEquals":{"a:b":"x"}}`), `{"a:b":["x"]}`)), "a list of one is a list")
	require.Equal(t, "allowed", decision(line(conditioned(`{"ForAnyValue:NumericEquals":{"a:b":7}}`), `{"a:b":["x",7]}`)))
	require.Equal(t, "implicitDeny", decision(line(conditioned(`{"DateGreaterThan":{"aws:CurrentTime":"2000"}}`), "")), "nothing is derived, not even the clock")
	public := `,"resourcePolicy":{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`
	with := func(principal, action, more string) string {
		return `{"request":{"action":"` + action + `","resource":"arn:aws:iam::123456789012:role/r","resourceAccountId":"123456789012","principal":` + principal + `}` + more + "}\n"
	}
	require.Equal(t, "allowed", decision(with(`{"type":"Anonymous"}`, "s3:GetObject", public)))
	require.Equal(t, "implicitDeny", decision(with(`{"type":"Anonymous"}`, "sts:GetCallerIdentity", "")))
	federated := `,"resourcePolicy":{"Statement":{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity"}}`
	require.Equal(t, "allowed", decision(with(`"accounts.google.com"`, "sts:AssumeRoleWithWebIdentity", federated)))
	service := `,"resourcePolicy":{"Statement":{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"*","Resource":"*"}}`
	require.Equal(t, "allowed", decision(with(`"sns.amazonaws.com"`, "sqs:SendMessage", service)))
	require.Equal(t, "explicitDeny", decision(with(`{"type":"Anonymous"}`, "s3:GetObject", `,"rcps":[{"policies":[{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}]}]`+public)))
	require.Equal(t, "explicitDeny", decision(strings.Replace(with(`{"type":"Anonymous"}`, "s3:GetObject", public+`,"s3BlockPublicAccess":true`), "arn:aws:iam::123456789012:role/r", "arn:aws:s3:::b/k", 1)))
}

// TestIAM98Requests: which member is required, which may be missing or null,
// and which kind of policy the action and the resource make of resourcePolicy.
func TestIAM98Requests(t *testing.T) {
	bin := build(t)
	const user = `"principal":"arn:aws:iam::123456789012:user/a"`
	const trust = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"*"}}`
	for _, c := range []struct{ name, request, more, decision, problem string }{
		{"no action", `"resource":"*",` + user, "", "", "request.action: missing"},
		{"no resource", `"action":"s3:GetObject",` + user, "", "", "request.resource: missing"},
		{"no principal", `"action":"s3:GetObject","resource":"*"`, "", "", "request.principal: missing"},
		{"an object that is not Anonymous", `"action":"s3:GetObject","resource":"*","principal":{"type":"User"}`, "", "", "must be"},
		{"an action in other letters", `"Action":"s3:GetObject","resource":"*",` + user, "", "", "request.action: missing"},
		{"a list in a list", `"action":"a:b","resource":"*",` + user + `,"context":{"a:b":[["x"]]}`, "", "", "a list holds"},
		{"null in a list", `"action":"a:b","resource":"*",` + user + `,"context":{"a:b":[null]}`, "", "", "a list holds"},
		{"null for what may be missing", `"action":"s3:ListBuckets","resource":"*",` + user + `,"context":null,"resourceAccountId":null`, `,"identityPolicies":null,"scps":null,"mode":null,"op":null`, "implicitDeny", ""},
		{"root, unknown owner", `"action":"s3:ListBuckets","resource":"*","principal":"arn:aws:iam::123456789012:root"`, "", "implicitDeny", ""},
		{"a pattern", `"action":"s3:GetObject","resource":"arn:aws:s3:::b/*","resourceAccountId":"123456789012",` + user, `,"identityPolicies":[` + openDoc + `]`, "allowed", ""},
		{"a trust policy needs no Resource", `"action":"sts:AssumeRole","resource":"arn:aws:iam::123456789012:role/r","resourceAccountId":"123456789012",` + user, `,"identityPolicies":[{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}],"resourcePolicy":` + trust, "allowed", ""},
		{"another policy does", `"action":"iam:GetRole","resource":"arn:aws:iam::123456789012:role/r","resourceAccountId":"222222222222",` + user, `,"identityPolicies":[{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}],"resourcePolicy":` + trust, "implicitDeny", ""},
		{"a key has a key policy", `"action":"kms:Decrypt","resource":"arn:aws:kms:eu-west-1:123456789012:key/k","resourceAccountId":"123456789012",` + user, `,"identityPolicies":[{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}]`, "implicitDeny", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, _, code := simulate(t, bin, `{"id":1,"request":{`+c.request+`}`+c.more+"}\n", "--why=none")
			require.Equal(t, 0, code)
			var a struct{ Decision, Error string }
			require.NoError(t, json.Unmarshal([]byte(lines[0]), &a))
			require.Equal(t, c.decision, a.Decision, lines[0])
			require.Contains(t, a.Error, c.problem)
			require.Equal(t, c.problem == "", a.Error == "", lines[0])
		})
	}
}

// TestIAM100Lenient: what AWS would not have saved denies where it can, and
// allows nothing; only what cannot be read is an error.
func TestIAM100Lenient(t *testing.T) {
	bin := build(t)
	const all = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	for _, c := range []struct{ name, statement, allow, deny string }{
		{"unknown operator", `"Action":"*","Resource":"*","Condition":{"NullIfExists":{"a:b":"true"}}`, "implicitDeny", "explicitDeny"},
		{"null among the values", `"Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":["x",null]}}`, "implicitDeny", "explicitDeny"},
		{"no resource", `"Action":"*"`, "implicitDeny", "explicitDeny"},
		{"a resource that is no ARN", `"Action":"*","Resource":"b"`, "implicitDeny", "explicitDeny"},
		{"a variable without end", `"Action":"*","Resource":"arn:aws:s3:::${aws:username"`, "implicitDeny", "explicitDeny"}, // of version 2012
		{"a principal is ignored", `"Principal":{"AWS":"999999999999"},"Action":"*","Resource":"*"`, "allowed", "explicitDeny"},
		{"an empty list of actions", `"Action":[],"Resource":"*"`, "implicitDeny", "allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for effect, want := range map[string]string{"Allow": c.allow, "Deny": c.deny} {
				policies := `{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `",` + c.statement + `}}`
				if effect == "Deny" {
					policies += "," + all
				}
				lines, _, _ := simulate(t, bin, line(`,"identityPolicies":[`+policies+`]`, ""), "--why=none")
				require.Equal(t, []string{`{"id":1,"decision":"` + want + `"}`}, lines, effect)
			}
		})
	}
	lines, _, _ := simulate(t, bin, line(`,"identityPolicies":[`+all+`],"sessionPolicy":{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, ""), "--why=none")
	require.Equal(t, []string{`{"id":1,"decision":"allowed"}`}, lines, "a user has no session policy")
	free := strings.Replace(line(`,"identityPolicies":[{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}]`, ""), "s3:GetObject", "sts:GetCallerIdentity", 1)
	lines, _, _ = simulate(t, bin, free)
	require.Contains(t, lines[0], `"decision":"allowed"`)
	require.Contains(t, lines[0], `"allow":[],"deny":[]`)
}

// TestIAM103OrderAndFlags: answers in the order of the lines, and the flags.
func TestIAM103OrderAndFlags(t *testing.T) {
	bin := build(t)
	var input strings.Builder
	for i := range 200 {
		input.WriteString(strings.Replace(line(`,"identityPolicies":[`+openDoc+`]`, ""), `"id":1`, `"id":`+json.Number(strings.Repeat("1", i%9+1)).String(), 1))
		input.WriteString("\n  \n")
	}
	lines, stderr, code := simulate(t, bin, input.String(), "--why=none", "--workers", "3", "--bench", "2")
	require.Equal(t, 0, code)
	require.Len(t, lines, 200, "blank lines are skipped")
	for i, l := range lines {
		require.Equal(t, `{"id":`+strings.Repeat("1", i%9+1)+`,"decision":"allowed"}`, l)
	}
	require.Contains(t, stderr, "400 evaluations")
	_, _, code = simulate(t, bin, "", "--why=some")
	require.Equal(t, 2, code)
	_, _, code = simulate(t, bin, "", "-h")
	require.Equal(t, 0, code)
	_, _, code = simulate(t, bin, strings.Repeat("x", maxLine+4))
	require.Equal(t, 3, code)
}

func TestExplain(t *testing.T) {
	bin := build(t)
	lines, _, code := simulate(t, bin, line(`,"identityPolicies":[`+openDoc+`],"scps":[{"id":"root","policies":[]}]`, ""), "-explain")
	require.Equal(t, 0, code)
	require.Equal(t, strings.Join([]string{
		"[1] arn:aws:iam::123456789012:user/a may s3:GetObject on arn:aws:s3:::b/k?",
		"implicitDeny, blocked by scp",
		"  identity: Allowed",
		"    * Allow 0/1 (line 1): applies",
		"  scp root: ImplicitlyDenied",
		"  the resource is the caller's account's",
		"",
	}, "\n"), strings.Join(lines, "\n"))
	lines, _, _ = simulate(t, bin, line(`,"identityPolicies":[`+openDoc+`]`, ""), "-explain", "-json")
	var x struct {
		ID       int
		Decision string
		Sets     []struct{ Type string }
	}
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &x))
	require.Equal(t, "allowed", x.Decision)
	require.Equal(t, "identity", x.Sets[0].Type)
}
