// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/internal/jsonline"
)

// build compiles the command once and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "netcheck")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// answers are the lines that the built command answers, which are those of this
// very code.
func answers(t *testing.T, in string) []string {
	t.Helper()
	var here bytes.Buffer
	require.Equal(t, 0, run(nil, strings.NewReader(in), &here, io.Discard))
	cmd := exec.Command(build(t))
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, string(out), here.String())
	return strings.Split(strings.TrimSpace(here.String()), "\n")
}

const (
	tcp443  = `{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"10.2.3.4/8"}]}`
	packet4 = `"packet":{"src":"10.0.0.5","dst":"10.0.1.9","protocol":6,"src_port":40000,"dst_port":443}`
)

// TestRuleProtocol runs the built command on the rule-level protocol (NET-82,
// NET-83): one answer a line, in order, ids unchanged, faults as answers.
func TestRuleProtocol(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"allow", `{"id":1,"groups":[{"GroupId":"sg-1","IpPermissions":[` + tcp443 + `]}],"direction":"ingress",` + packet4 + `}`, `{"id":1,"sg":"allow","sg_rule":"sg-1/ingress/0/10.0.0.0/8","acl":null,"acl_rule":null}`},
		{"groups null", `{"id":"<a>","groups":null,"direction":"egress",` + packet4 + `}`, `{"id":"<a>","sg":null,"sg_rule":null,"acl":null,"acl_rule":null}`},
		{"groups empty", `{"id":2.50,"groups":[],"direction":"egress",` + packet4 + `}`, `{"id":2.50,"sg":"deny","sg_rule":null,"acl":null,"acl_rule":null}`},
		{"unknown member list", `{"id":3,"groups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"-1","UserIdGroupPairs":[{"GroupId":"sg-1"}]}]}],"direction":"ingress",` + packet4 + `}`, `{"id":3,"sg":"unresolved","sg_rule":"sg-1/ingress/0/sg-1","acl":null,"acl_rule":null}`},
		{"members", `{"id":4,"groups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"-1","UserIdGroupPairs":[{"GroupId":"sg-1"}]}]}],"members":{"sg-1":["10.0.0.5"]},"direction":"ingress",` + packet4 + `}`, `{"id":4,"sg":"allow","sg_rule":"sg-1/ingress/0/sg-1","acl":null,"acl_rule":null}`},
		{"empty list", `{"id":5,"groups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"-1","PrefixListIds":[{"PrefixListId":"pl-1"}]}]}],"prefix_lists":{"pl-1":[]},"direction":"ingress",` + packet4 + `}`, `{"id":5,"sg":"deny","sg_rule":null,"acl":null,"acl_rule":null}`},
		{"acl in JSON order 200, 100", `{"id":6,"acl":{"NetworkAclId":"acl-1","Entries":[{"RuleNumber":200,"Protocol":"6","RuleAction":"deny","Egress":false,"CidrBlock":"0.0.0.0/0","PortRange":{"From":22,"To":22}},{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]},"direction":"ingress","packet":{"src":"10.0.0.5","dst":"10.0.1.9","protocol":"tcp","dst_port":22}}`, `{"id":6,"sg":null,"sg_rule":null,"acl":"allow","acl_rule":100}`},
		{"acl without a match", `{"id":7,"acl":{"NetworkAclId":"acl-1"},"direction":"ingress",` + packet4 + `}`, `{"id":7,"sg":null,"sg_rule":null,"acl":"deny","acl_rule":null}`},
		{"an ACL without an id", `{"id":8,"acl":{"Entries":[{"RuleNumber":32767,"Protocol":"-1","RuleAction":"deny","Egress":false,"CidrBlock":"0.0.0.0/0"}]},"direction":"ingress",` + packet4 + `}`, `{"id":8,"sg":null,"sg_rule":null,"acl":"deny","acl_rule":32767}`},
		{"members of other spellings are ignored", `{"id":9,"groups":[],"direction":"egress",` + packet4[:len(packet4)-1] + `,"SRC":"::1","Dst_Port":-1},"ID":10,"Groups":null,"ACL":{},"Direction":"in","PACKET":null}`, `{"id":9,"sg":"deny","sg_rule":null,"acl":null,"acl_rule":null}`},
		{"addresses of two families", `{"id":11,"groups":[],"direction":"egress","packet":{"src":"10.0.0.5","dst":"::1","protocol":6}}`, `{"id":11,"error":"netfilter: invalid packet: source 10.0.0.5 and destination ::1 are of different families"}`},
		{"a packet of every protocol", `{"id":12,"groups":[],"direction":"egress","packet":{"src":"10.0.0.5","dst":"10.0.0.6","protocol":-1}}`, `{"id":12,"error":"packet.protocol: a packet has one protocol"}`},
		{"no id", `{"groups":[],"direction":"egress",` + packet4 + `}`, `{"id":null,"sg":"deny","sg_rule":null,"acl":null,"acl_rule":null}`},
	}
	var in strings.Builder
	for _, c := range cases {
		in.WriteString(c.in + "\n")
	}
	lines := answers(t, in.String())
	require.Len(t, lines, len(cases))
	for i, c := range cases {
		require.Equal(t, c.want, lines[i], c.name)
	}
}

// TestFaultsAreAnswers: a request that cannot be used gets an error with its id,
// and the next one is answered.
func TestFaultsAreAnswers(t *testing.T) {
	for name, in := range map[string]string{
		"not JSON":           `{"id":1`,
		"not UTF-8":          `{"id":"` + "\xff" + `","groups":[],"direction":"ingress",` + packet4 + `}`,
		"no packet":          `{"id":1,"direction":"ingress"}`,
		"no direction":       `{"id":1,` + packet4 + `}`,
		"direction":          `{"id":1,"direction":"in",` + packet4 + `}`,
		"families":           `{"id":1,"direction":"ingress","packet":{"src":"10.0.0.5","dst":"::1","protocol":6}}`,
		"zone":               `{"id":1,"direction":"ingress","packet":{"src":"fe80::1%a","dst":"::1","protocol":6}}`,
		"protocol missing":   `{"id":1,"direction":"ingress","packet":{"src":"10.0.0.5","dst":"10.0.0.6"}}`,
		"protocol all":       `{"id":1,"direction":"ingress","packet":{"src":"10.0.0.5","dst":"10.0.0.6","protocol":-1}}`,
		"protocol 256":       `{"id":1,"direction":"ingress","packet":{"src":"10.0.0.5","dst":"10.0.0.6","protocol":256}}`,
		"port":               `{"id":1,"direction":"ingress","packet":{"src":"10.0.0.5","dst":"10.0.0.6","protocol":6,"dst_port":65536}}`,
		"invalid rule":       `{"id":1,"groups":[{"GroupId":"sg-1","IpPermissionsEgress":[{"IpProtocol":"tcp","FromPort":9,"ToPort":1,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]}],"direction":"ingress",` + packet4 + `}`,
		"member":             `{"id":1,"groups":[],"members":{"sg-1":["10.0.0.x"]},"direction":"ingress",` + packet4 + `}`,
		"acl number twice":   `{"id":1,"acl":{"NetworkAclId":"a","Entries":[{"RuleNumber":1,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":1,"Protocol":"-1","RuleAction":"deny","Egress":false,"CidrBlock":"0.0.0.0/0"}]},"direction":"ingress",` + packet4 + `}`,
		"protocol İCMP":      `{"id":1,"groups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"İCMP","IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]}],"direction":"ingress",` + packet4 + `}`,
		"group without id":   `{"id":1,"groups":[{}],"direction":"ingress",` + packet4 + `}`,
		"group not object":   `{"id":1,"groups":[7],"direction":"ingress",` + packet4 + `}`,
		"a member twice":     `{"id":1,"groups":[{"GroupId":"a","GroupId":"b"}],"direction":"ingress",` + packet4 + `}`,
		"request not object": `[1]`,
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, jsonline.Serve(strings.NewReader(in+"\n\n"+`{"id":2,"groups":[],"direction":"ingress",`+packet4+"}"), &out, snapshots{}.answer))
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			require.Len(t, lines, 2)
			var answer map[string]any
			require.NoError(t, json.Unmarshal([]byte(lines[0]), &answer))
			require.NotEmpty(t, answer["error"])
			require.Len(t, answer, 2)
			require.Contains(t, lines[1], `"id":2,"sg":"deny"`)
		})
	}
}

// TestFaultsKeepTheID: whatever is wrong with a line that is JSON, its answer is
// found by its id (NET-82).
func TestFaultsKeepTheID(t *testing.T) {
	for _, in := range []string{
		`{"id":7,"groups":[],"direction":"ingress","direction":"egress",` + packet4 + `}`,
		`{"id":7,"snapshot":"a","snapshot":"b"}`,
		`{"id":7,"groups":[],"direction":"ingress","packet":{"src":"10.0.0.5","src":"10.0.0.6","dst":"10.0.0.7","protocol":6}}`,
		`{"id":7,"snapshot":5}`,
	} {
		var out bytes.Buffer
		require.NoError(t, jsonline.Serve(strings.NewReader(in), &out, snapshots{}.answer))
		require.Contains(t, out.String(), `{"id":7,"error":`, in)
	}
}

// TestAnswersComeAtOnce: a program that waits for each answer gets it while
// standard input stays open.
func TestAnswersComeAtOnce(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- jsonline.Serve(inR, outW, snapshots{}.answer) }()
	answers := bufio.NewScanner(outR)
	for range 3 {
		_, err := io.WriteString(inW, `{"id":1,"groups":[],"direction":"ingress",`+packet4+"}\n")
		require.NoError(t, err)
		require.True(t, answers.Scan())
		require.Contains(t, answers.Text(), `"deny"`)
	}
	require.NoError(t, inW.Close())
	require.NoError(t, <-done)
}

func TestExitStatus(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"unknown flag":    {[]string{"-x"}, 2},
		"unknown command": {[]string{"fly"}, 2},
		"help":            {[]string{"-h"}, 0},
		"lint alone":      {[]string{"lint"}, 2},
		"lint help":       {[]string{"lint", "-h"}, 0},
		"lint nowhere":    {[]string{"lint", "-snapshot", "/does/not/exist"}, 3},
		"diff one id":     {[]string{"diff", "-snapshot", "x", "sg-1"}, 2},
	} {
		require.Equal(t, c.want, run(c.args, strings.NewReader(""), io.Discard, io.Discard), name)
	}
	require.Equal(t, 3, run(nil, failing{}, io.Discard, io.Discard), "standard input that cannot be read")
	missing := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(missing, "all.json"), []byte(`{"NetworkInterfaces":[
		{"NetworkInterfaceId":"eni-1","SubnetId":"subnet-1","VpcId":"vpc-1","Groups":[{"GroupId":"sg-1"}],"PrivateIpAddress":"10.0.1.5"},
		{"NetworkInterfaceId":"eni-2","SubnetId":"subnet-2","VpcId":"vpc-1","Groups":[{"GroupId":"sg-1"}],"PrivateIpAddress":"10.0.2.5"}]}`), 0o600))
	for args, want := range map[string]int{
		"path -snapshot testdata/shop -from i-db -to internet -port 443":          0,
		"path -snapshot testdata/shop -from internet -to i-db -port 5432":         1,
		"path -snapshot " + missing + " -from eni-1 -to eni-2 -port 443":          3,
		"lint -snapshot testdata/shop -quotas=false":                              1,
		"diff -snapshot testdata/shop sg-web sg-web":                              0,
		"diff -snapshot testdata/shop sg-web sg-db":                               1,
		"exposure -snapshot testdata/shop":                                        1,
		"whatif -snapshot testdata/shop -remove sg-web/ingress/1/198.51.100.0/24": 1,
		"whatif -snapshot testdata/shop -remove sg-web/ingress/1/10.0.0.0/8":      0,
	} {
		require.Equal(t, want, run(strings.Fields(args), nil, io.Discard, io.Discard), args)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, os.ErrPermission }

func snapshot(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "describe.json"), []byte(text), 0o600))
	return dir
}

func TestLint(t *testing.T) {
	dir := snapshot(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"0.0.0.0/1"},{"CidrIp":"128.0.0.0/1"},{"CidrIp":"10.0.0.0/8"}]}]}]}`)
	var out bytes.Buffer
	require.Equal(t, 1, run([]string{"lint", "-snapshot", dir}, nil, &out, io.Discard))
	require.Equal(t, ""+
		"CODE           WHERE  RULES                                                DETAIL                                    WITNESS\n"+
		"redundant      sg-1   sg-1/ingress/0/10.0.0.0/8                            the other rules admit all that it admits\n"+
		"open-to-world  sg-1   sg-1/ingress/0/0.0.0.0/1 sg-1/ingress/0/128.0.0.0/1  0.0.0.0/0 reaches tcp port 22             tcp 0.0.0.0:0 > 0.0.0.0:22\n", out.String())
}

// TestLintRoutes: NET-71, the route tables are looked at too.
func TestLintRoutes(t *testing.T) {
	var routes []string
	for i := range 51 {
		routes = append(routes, fmt.Sprintf(`{"DestinationCidrBlock":"10.1.%d.0/24","GatewayId":"igw-1"}`, i))
	}
	dir := snapshot(t, `{"RouteTables":[{"RouteTableId":"rtb-1","Routes":[`+strings.Join(routes, ",")+`]}]}`)
	var out bytes.Buffer
	require.Equal(t, 1, run([]string{"lint", "-snapshot", dir}, nil, &out, io.Discard))
	require.Contains(t, out.String(), "rtb-1         51 IPv4 routes that are not propagated, the quota is 50\n")
	require.Equal(t, 0, run([]string{"lint", "-snapshot", dir, "-quotas=false"}, nil, &out, io.Discard))
}

func TestDiff(t *testing.T) {
	dir := snapshot(t, `{"SecurityGroups":[
	 {"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]},
	 {"GroupId":"sg-2","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":23,"IpRanges":[{"CidrIp":"10.0.0.0/9"}]},{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"10.128.0.0/9"}]}]}]}`)
	var out bytes.Buffer
	require.Equal(t, 1, run([]string{"diff", "-snapshot", dir, "sg-1", "sg-2"}, nil, &out, io.Discard))
	require.Equal(t, ""+
		"DIRECTION  PEER        PROTOCOL  PORTS  EFFECT        WITNESS\n"+
		"ingress    10.0.0.0/9  tcp       23     deny > allow  tcp 10.0.0.0:0 > 0.0.0.0:23\n", out.String())
	out.Reset()
	require.Equal(t, 1, run([]string{"diff", "-json", "-snapshot", dir, "sg-1", "sg-2"}, nil, &out, io.Discard))
	require.JSONEq(t, `[{"direction":"ingress","prefixes":["10.0.0.0/9"],"protocols":"tcp","ports":"23","before":"deny","after":"allow","witness":"tcp 10.0.0.0:0 > 0.0.0.0:23"}]`, out.String())
	out.Reset()
	require.Equal(t, 0, run([]string{"diff", "-snapshot", dir, "-to", dir, "sg-1"}, nil, &out, io.Discard))
	require.Equal(t, "no packet is decided differently\n", out.String())
	require.Equal(t, 3, run([]string{"diff", "-snapshot", dir, "sg-1", "sg-9"}, nil, &out, io.Discard))
}

// TestPathProtocol runs the built command on the snapshot-level protocol
// (NET-82, NET-84): both levels on one input, a fault with its id, an instance
// for an interface, and the reply's block marked.
func TestPathProtocol(t *testing.T) {
	dir := t.TempDir()
	acl := `{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":200,"Protocol":"6","RuleAction":"deny","Egress":true,"CidrBlock":"0.0.0.0/0"}`
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "all.json"), []byte(`{"Subnets":[{"SubnetId":"subnet-1","VpcId":"vpc-1"}],
		"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[{"VpcId":"vpc-1","State":"available"}]}],
		"RouteTables":[{"RouteTableId":"rtb-1","VpcId":"vpc-1","Associations":[{"Main":true}],"Routes":[{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}]}],
		"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[`+acl+`]}],
		"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[`+tcp443+`,{"IpProtocol":"tcp","FromPort":80,"ToPort":80,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}],
		"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","SubnetId":"subnet-1","VpcId":"vpc-1","Groups":[{"GroupId":"sg-1"}],"PrivateIpAddress":"10.0.0.5","Association":{"PublicIp":"203.0.113.5"},"Attachment":{"InstanceId":"i-1"}}]}`), 0o600))
	snapshot := `"snapshot":"` + dir + `",`
	hops := `"hops":[{"kind":"internet","id":"internet"},{"kind":"igw","id":"igw-1"},{"kind":"vpc","id":"vpc-1"},{"kind":"subnet","id":"subnet-1"},{"kind":"eni","id":"eni-1","instance":"i-1"}]}`
	cases := []struct{ name, in, want string }{
		{"blocked", `{"id":1,` + snapshot + `"from":{"internet":true},"to":{"eni":"eni-1"},"packet":{"protocol":"tcp","src_port":null,"dst_port":443,"src":"198.51.100.7","dst":null}}`, `{"id":1,"reachable":"no","reply":"no","blocked":[{"code":"SG_INGRESS","at":"sg-1"}],` + hops},
		{"reply blocked", `{"id":"b",` + snapshot + `"from":{"internet":true},"to":{"eni":"i-1"},"packet":{"protocol":6,"dst_port":80,"src":"198.51.100.7"}}`, `{"id":"b","reachable":"yes","reply":"no","blocked":[{"code":"ACL_OUT","at":"acl-1/200","reply":true}],` + hops},
		{"rules", `{"id":3,"groups":[],"direction":"egress",` + packet4 + `}`, `{"id":3,"sg":"deny","sg_rule":null,"acl":null,"acl_rule":null}`},
		{"no source address", `{"id":4,` + snapshot + `"from":{"internet":true},"to":{"eni":"eni-1"},"packet":{"protocol":"tcp"}}`, `{"id":4,"error":"packet.src is needed with the internet as source"}`},
		{"two ends in one", `{"id":5,` + snapshot + `"from":{"internet":true,"ip":"10.0.0.1"},"to":{"eni":"eni-1"},"packet":{"protocol":"tcp"}}`, `{"id":5,"error":"from: exactly one of eni, ip and internet is needed"}`},
		{"no snapshot", `{"id":6,"snapshot":"/dev/null","from":{"ip":"10.0.0.1"},"to":{"eni":"eni-1"},"packet":{"protocol":"tcp"}}`, `{"id":6,"error":"snapshot: \"/dev/null\" is not a directory that can be read"}`},
	}
	var in strings.Builder
	for _, c := range cases {
		in.WriteString(c.in + "\n")
	}
	lines := answers(t, in.String())
	require.Len(t, lines, len(cases))
	for i, c := range cases {
		require.Equal(t, c.want, lines[i], c.name)
	}
}

// TestSnapshotsAreBounded: one folder by ever other names, as a stream may write
// them, is not held under each of them.
func TestSnapshotsAreBounded(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "vpc.json"), []byte(`{"Vpcs":[{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16"}]}`), 0o600))
	s := snapshots{}
	for i := range 100 {
		name := dir + strings.Repeat("/.", i)
		first, err := s.get(name)
		require.NoError(t, err)
		again, err := s.get(name)
		require.NoError(t, err)
		require.Same(t, first, again)
		require.LessOrEqual(t, len(s), 32)
	}
}
