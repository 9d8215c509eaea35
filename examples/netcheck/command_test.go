// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// TestCommandStatus: exit statuses of path, exposure and whatif: 0 yes or
// nothing, 1 no or something, 2 usage, 3 cannot tell.
func TestCommandStatus(t *testing.T) {
	const shop = "-snapshot testdata/shop "
	empty := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(empty, "a.json"), []byte(`{"Vpcs":[]}`), 0o600))
	for command, want := range map[string]int{
		"path " + shop + "-from eni-web -to eni-db -port 5432":                               0,
		"path " + shop + "-from eni-web -to eni-db -port 5433":                               1,
		"path " + shop + "-from eni-web -to eni-db":                                          1,
		"path " + shop + "-from internet -to i-web -port 443 -client-port 40000-50000":       0,
		"path " + shop + "-from internet -to i-web -proto icmp -icmp 8/0":                    1,
		"path " + shop + "-from internet -to i-web -src ::1":                                 3,
		"path " + shop + "-from internet -to eni-none":                                       3,
		"path " + shop + "-from internet":                                                    2,
		"path " + shop + "-from a -to b -proto all":                                          2,
		"path " + shop + "-from a -to b -port 9-8":                                           2,
		"path " + shop + "-from a -to b -proto icmp -icmp x":                                 2,
		"path " + shop + "-from a -to b -proto icmp -icmp 8/0x":                              2,
		"path " + shop + "-from a -to b -proto icmp -icmp 8/0/0":                             2,
		"path " + shop + "-from a -to b -proto icmp -icmp 256":                               2,
		"path " + shop + "-from a -to b -src x":                                              2,
		"path -from a -to b":                                                                 2,
		"path -h":                                                                            0,
		"path " + shop + "-from i-web -to i-db -port 5432 -svg /dev/null/x":                  3,
		"exposure " + shop:                                                                   1,
		"exposure -snapshot " + empty:                                                        0,
		"exposure -snapshot /dev/null":                                                       3,
		"exposure":                                                                           2,
		"whatif " + shop + "-remove sg-web/ingress/1/10.0.0.0/8":                             0,
		"whatif " + shop + "-remove sg-web/ingress/1/198.51.100.0/24":                        1,
		"whatif " + shop + "-remove sg-none":                                                 3,
		"whatif " + shop + "-add testdata/none.json":                                         3,
		"whatif " + shop:                                                                     2,
		"whatif " + shop + "-remove sg-db/ingress/0/sg-web -from i-web -to i-db -port 5432":  1,
		"whatif " + shop + "-remove sg-db/ingress/0/sg-web -from i-web":                      2,
		"whatif " + shop + "-remove sg-db/ingress/0/sg-web -from i-web -to eni-none -port 1": 3,
	} {
		args := strings.Fields(command)
		require.Equal(t, want, run(args, nil, io.Discard, io.Discard), command)
		if want < 2 {
			var out bytes.Buffer
			require.Equal(t, want, run(append(args[:1:1], append([]string{"-json"}, args[1:]...)...), nil, &out, io.Discard), command)
			require.True(t, json.Valid(out.Bytes()) || args[len(args)-1] == "-h", "%s: %s", command, out.String())
		}
	}
}

// TestPathStatus: a path without the reply is no connection, and one that cannot
// be told is neither.
func TestPathStatus(t *testing.T) {
	for want, answers := range map[int][][2]vpc.Answer{
		0: {{vpc.Yes, vpc.Yes}},
		1: {{vpc.No, vpc.No}, {vpc.Partly, vpc.Yes}, {vpc.Partly, vpc.Unresolved}, {vpc.Yes, vpc.No}, {vpc.Yes, vpc.Partly}},
		3: {{vpc.Unresolved, vpc.Yes}, {vpc.Unresolved, vpc.No}, {vpc.Yes, vpc.Unresolved}},
	} {
		for _, a := range answers {
			require.Equal(t, want, pathStatus(vpc.Path{Reachable: a[0], Reply: a[1]}), a)
		}
	}
}

// TestExposureStatus: what may be open is not closed.
func TestExposureStatus(t *testing.T) {
	open := `"PrefixListIds":[{"PrefixListId":"pl-unknown"}]`
	text := `{"Vpcs":[{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16"}],"Subnets":[{"SubnetId":"subnet-1","VpcId":"vpc-1"}],
		"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[{"VpcId":"vpc-1","State":"available"}]}],
		"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]}],
		"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,` + open + `}]}],
		"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","SubnetId":"subnet-1","VpcId":"vpc-1","Groups":[{"GroupId":"sg-1"}],"PrivateIpAddress":"10.0.0.5","Association":{"PublicIp":"203.0.113.5"}}]}`
	require.Equal(t, 3, run([]string{"exposure", "-snapshot", snapshot(t, text)}, nil, io.Discard, io.Discard))
	known := strings.Replace(text, open, `"IpRanges":[{"CidrIp":"198.51.100.0/24"}]`, 1)
	require.Equal(t, 1, run([]string{"exposure", "-snapshot", snapshot(t, known)}, nil, io.Discard, io.Discard))
	private := strings.Replace(text, open, `"IpRanges":[{"CidrIp":"10.0.0.0/8"}]`, 1)
	require.Equal(t, 0, run([]string{"exposure", "-snapshot", snapshot(t, private)}, nil, io.Discard, io.Discard))
}

// TestPage: the drawings of docs/netcheck.md are what the command draws, and the
// files that the page shows are those that the tests here read.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/netcheck.md")
	require.NoError(t, err)
	for _, name := range []string{"shop/network.json", "shop/rules.json", "tighten.json"} {
		file, err := os.ReadFile("testdata/" + name)
		require.NoError(t, err)
		require.Contains(t, string(page), "$ cat "+name+"\n"+string(file)+"```")
	}
	for _, name := range []string{"blocked", "nat"} {
		kept, err := os.ReadFile("../../docs/netcheck-" + name + ".svg")
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "x.svg")
		args := map[string]string{"blocked": "-from internet -to i-db -port 5432", "nat": "-from i-db -to internet -port 443"}[name]
		run(strings.Fields("path -snapshot testdata/shop "+args+" -svg "+file), nil, io.Discard, io.Discard)
		drawn, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(kept), string(drawn))
	}
}

// TestDrawingIsHarmless: whatever names say, a drawing is well-formed XML of
// shapes and text, and equal every time.
func TestDrawingIsHarmless(t *testing.T) {
	evil := `"'><script>alert(1)</script><image href="x"/>&#0;` + "\x00\x1b[2J\xff"
	p := vpc.Path{
		Reachable: vpc.No, Hops: []vpc.Hop{{Kind: "eni", ID: evil, Instance: evil}, {Kind: evil, ID: "b"}}, ReplyHops: []vpc.Hop{{Kind: "eni", ID: evil}},
		Blocks:  []vpc.Block{{Code: vpc.SGIngress, At: evil, RA: evil, Fix: evil, Hop: 1}, {Code: vpc.ACLIn, At: "x", Reply: true}},
		Ignored: []string{evil},
	}
	first := drawing(evil, p)
	require.Equal(t, first, drawing(evil, p))
	d := xml.NewDecoder(bytes.NewReader(first))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok {
			require.Contains(t, []string{"svg", "rect", "text", "line", "polygon", "circle", "g", "title"}, e.Name.Local)
			for _, a := range e.Attr {
				require.False(t, strings.HasPrefix(a.Name.Local, "on"))
				require.NotContains(t, a.Name.Local, "href")
			}
		}
	}
	require.Contains(t, string(first), "SG_INGRESS")
}

// TestTableIsPlain: no name moves a terminal's cursor.
func TestTableIsPlain(t *testing.T) {
	var out bytes.Buffer
	c := newCommand("path", &out, io.Discard)
	require.NoError(t, c.path("\x1b[2J", vpc.Path{Hops: []vpc.Hop{{Kind: "eni", ID: "a\x1b]0;x\x07\u202eb\nc\td"}}}))
	require.NotContains(t, out.String(), "\x1b")
	require.NotContains(t, out.String(), "\u202e")
	require.Equal(t, 4, strings.Count(out.String(), "\n"), out.String())
}

// TestErrorsArePlain: nor does a name in an error, which the documents and logs
// that it is about have chosen.
func TestErrorsArePlain(t *testing.T) {
	for _, text := range []string{
		`{"\u001b[2JX":x}`,
		`{"Vpcs":[{"VpcId":"\u001b[2J","CidrBlock":"10.0.0.0/16"},{"VpcId":"\u001b[2J"}]}`,
		`{"SecurityGroups":[{"GroupId":"\u001b[2J","IpPermissions":[{"IpProtocol":"tcp","FromPort":9,"ToPort":1,"IpRanges":[{"CidrIp":"10.0.0.0/8"},{"CidrIp":"11.0.0.0/8"}]}]}]}`,
	} {
		dir := snapshot(t, text)
		for _, args := range [][]string{
			{"lint", "-snapshot", dir},
			{"diff", "-snapshot", dir, "\x1b[2J", "\x1b[2J"},
			{"flows", "-snapshot", dir, flowFile(t, "a.log", flowLines)},
			{"path", "-snapshot", dir, "-from", "\x1b[2J", "-to", "internet"},
			{"whatif", "-snapshot", dir, "-remove", "\x1b[2J"},
		} {
			var errs bytes.Buffer
			run(args, nil, io.Discard, &errs)
			require.NotContains(t, errs.String(), "\x1b", args)
			if strings.Contains(text, "FromPort") && args[0] == "diff" {
				require.Equal(t, 2, strings.Count(errs.String(), "above the last port"), errs.String())
				require.Equal(t, 2, strings.Count(errs.String(), "\n"), "a line for each fault")
			}
		}
	}
}

func TestSourcesText(t *testing.T) {
	list := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("11.0.0.0/8"), netip.MustParsePrefix("12.0.0.0/8"), netip.MustParsePrefix("14.0.0.0/8")}
	require.Equal(t, "10.0.0.0/8 11.0.0.0/8 12.0.0.0/8 and 1 more", sourcesText(list))
}
