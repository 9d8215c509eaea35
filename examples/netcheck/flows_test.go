// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const flowSnapshot = `{"Vpcs":[{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16","CidrBlockAssociationSet":[{"CidrBlock":"10.0.0.0/16"},{"CidrBlock":"10.1.0.0/16"}]}]}
	{"SecurityGroups":[{"GroupId":"sg-web","IpPermissions":[
		{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]},
		{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]},
		{"GroupId":"sg-other","IpPermissions":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]}],
	"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[
		{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},
		{"RuleNumber":32767,"Protocol":"-1","RuleAction":"deny","Egress":false,"CidrBlock":"0.0.0.0/0"},
		{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"}]}],
	"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","VpcId":"vpc-1","SubnetId":"subnet-1","PrivateIpAddress":"10.0.0.5","Groups":[{"GroupId":"sg-web"}]}]}`

const flowLines = `2 123456789010 eni-1 198.51.100.7 10.0.0.5 40000 443 6 10 5000 1700000000 1700000060 ACCEPT OK
2 123456789010 eni-1 10.0.0.5 198.51.100.7 443 40000 6 12 90000 1700000000 1700000060 ACCEPT OK
2 123456789010 eni-1 198.51.100.9 10.0.0.5 40001 3306 6 1 40 1700000010 1700000010 REJECT OK
2 123456789010 eni-1 10.0.0.5 10.0.0.2 50000 53 17 1 60 1700000010 1700000010 ACCEPT OK
2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - NODATA
`

func flowFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	data := []byte(text)
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := io.WriteString(z, text)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		data = b.Bytes()
	}
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// TestFlows runs the built command on a log and prints the table.
func TestFlows(t *testing.T) {
	out, err := exec.Command(build(t), "flows", "-snapshot", snapshot(t, flowSnapshot), flowFile(t, "a.log", flowLines)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, `records: 5, files: 1, unreadable lines or files: 0

KIND              REASON             RECORDS  PACKETS  BYTES
not attributable  no data            1        0        0
not attributable  not logged by AWS  1        1        60
initiated         only way           1        10       5000
reply             only way           1        12       90000
rejected          groups             1        1        40

RULE                        RECORDS  AMBIGUOUS  PACKETS  BYTES  FIRST                 LAST                  TEXT
sg-web/ingress/0/0.0.0.0/0  2        0          22       95000  2023-11-14T22:13:20Z  2023-11-14T22:14:20Z  tcp 443 0.0.0.0/0
acl-1/ingress/100           1        0          10       5000   2023-11-14T22:13:20Z  2023-11-14T22:14:20Z
acl-1/egress/100            1        0          12       90000  2023-11-14T22:13:20Z  2023-11-14T22:14:20Z

UNUSED
sg-web/ingress/1/10.0.0.0/8

NOT OBSERVED
sg-other/ingress/0/10.0.0.0/8

TIGHTENED  RULES  DIRECTION  RULE
sg-web     2 > 1  ingress    tcp 443 198.51.100.7/32
`, string(out))
}

// TestFlowFiles: folders, gzip, custom formats by header and by flag, standard
// input, in any number of workers, add up to the same.
func TestFlowFiles(t *testing.T) {
	dir := snapshot(t, flowSnapshot)
	custom := "interface-id srcaddr dstaddr srcport dstport protocol action\neni-1 198.51.100.7 10.0.0.5 40000 443 6 ACCEPT\n"
	folder := filepath.Dir(flowFile(t, "a.log.gz", flowLines))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "b.log"), []byte(custom), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "notes.txt"), []byte("not a log"), 0o600))
	for _, workers := range []string{"1", "2", "9"} {
		var out bytes.Buffer
		require.Equal(t, 0, run([]string{"flows", "-json", "-workers", workers, "-snapshot", dir, folder, folder}, nil, &out, io.Discard))
		var report flowReport
		require.NoError(t, json.Unmarshal(out.Bytes(), &report))
		require.Equal(t, uint64(12), report.Records)
		require.Equal(t, 4, report.Files)
		require.Equal(t, uint64(6), report.Rules[0].Confident.Records)
		require.Equal(t, []string{"sg-web/ingress/1/10.0.0.0/8"}, report.Unused)
	}
	for address, want := range map[string]string{"10.0.0.2": "not logged by AWS", "10.1.0.1": "not logged by AWS", "10.1.0.2": "nothing admits"} {
		var out bytes.Buffer
		line := "2 123456789010 eni-1 10.0.0.5 " + address + " 50000 53 17 1 60 1700000010 1700000010 ACCEPT OK\n"
		run([]string{"flows", "-json", "-snapshot", dir, flowFile(t, "dns.log", line)}, nil, &out, io.Discard)
		require.Contains(t, out.String(), `"reason": "`+want, "%s: the resolver is in the primary block, a router in each", address)
	}
	headless := flowFile(t, "c.log", strings.SplitAfter(custom, "\n")[1])
	require.Equal(t, 0, run([]string{"flows", "-snapshot", dir, "-format", strings.SplitAfter(custom, "\n")[0], headless}, nil, io.Discard, io.Discard),
		"a header line as the format")
	require.Equal(t, 3, run([]string{"flows", "-snapshot", dir, "-format", "default", headless}, nil, io.Discard, io.Discard))

	cmd := exec.Command(build(t), "flows", "-json", "-snapshot", dir, "-")
	cmd.Stdin = strings.NewReader(flowLines)
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Contains(t, string(out), `"records": 5`)
}

func TestFlowStatus(t *testing.T) {
	dir := snapshot(t, flowSnapshot)
	good := flowFile(t, "a.log", flowLines)
	bad := flowFile(t, "b.log", strings.Repeat("x\n", 30)+flowLines)
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"good":               {[]string{"-snapshot", dir, good}, 0},
		"accepted, yet none": {[]string{"-snapshot", dir, flowFile(t, "c.log", strings.Replace(flowLines, " 443 6 10", " 80 6 10", 1))}, 1},
		"rejected, yet open": {[]string{"-snapshot", dir, flowFile(t, "d.log", strings.Replace(flowLines, " 3306 6", " 443 6", 1))}, 0},
		"lines at fault":     {[]string{"-snapshot", dir, bad}, 3},
		"gzip data cut":      {[]string{"-snapshot", dir, flowFile(t, "e.log", "\x1f\x8b\x08")}, 3},
		"no such file":       {[]string{"-snapshot", dir, good + "x"}, 3},
		"no such snapshot":   {[]string{"-snapshot", dir + "x", good}, 3},
		"an empty folder":    {[]string{"-snapshot", dir, t.TempDir()}, 3},
		"no snapshot":        {[]string{good}, 2},
		"no files":           {[]string{"-snapshot", dir}, 2},
		"no workers":         {[]string{"-snapshot", dir, "-workers", "0", good}, 2},
		"format":             {[]string{"-snapshot", dir, "-format", "${", good}, 2},
		"help":               {[]string{"-h"}, 0},
	} {
		require.Equal(t, c.want, run(append([]string{"flows"}, c.args...), nil, io.Discard, io.Discard), name)
	}
	var out, errs bytes.Buffer
	require.Equal(t, 3, run([]string{"flows", "-snapshot", dir, bad, bad, bad, bad, bad}, nil, &out, &errs))
	require.Contains(t, out.String(), "records: 25, files: 5, unreadable lines or files: 150\n")
	require.Contains(t, errs.String(), "and 130 more\n")
	require.Equal(t, 21, strings.Count(errs.String(), "\n"))
	require.Contains(t, errs.String(), "b.log: line 1 column 1: version: not a decimal number")
}

// TestFlowsTrustPorts: where only the ports tell who began a flow, a tightened
// group keeps the rules of both sides unless the ports are trusted.
func TestFlowsTrustPorts(t *testing.T) {
	dir := snapshot(t, `{"SecurityGroups":[{"GroupId":"sg-1",
		"IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}],
		"IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}],
		"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[
		{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},
		{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"}]}],
		"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","VpcId":"vpc-1","SubnetId":"subnet-1","PrivateIpAddress":"10.0.0.5","Groups":[{"GroupId":"sg-1"}]}]}`)
	log := flowFile(t, "a.log", "2 123456789010 eni-1 198.51.100.7 10.0.0.5 40000 443 6 10 5000 1700000000 1700000060 ACCEPT OK\n")
	for trust, want := range map[string]int{"-trust-ports=false": 2, "-trust-ports": 1} {
		var out bytes.Buffer
		require.Equal(t, 0, run([]string{"flows", "-json", trust, "-snapshot", dir, log}, nil, &out, io.Discard))
		var report flowReport
		require.NoError(t, json.Unmarshal(out.Bytes(), &report))
		require.Equal(t, want, report.Tightened[0].After, "%s: %+v", trust, report.Tightened)
	}
}
