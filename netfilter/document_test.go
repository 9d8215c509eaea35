// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

func read(t *testing.T, texts ...string) (*netfilter.Inventory, error) {
	t.Helper()
	var docs []netfilter.Document
	for i, s := range texts {
		docs = append(docs, netfilter.Document{Name: string(rune('a'+i)) + ".json", Data: []byte(s)})
	}
	return netfilter.ReadInventory(docs...)
}

const groupText = `{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web", "VpcId": "vpc-1", "OwnerId": "111122223333", "Tags": [{"Key": "a"}],
 "IpPermissions": [
  {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "x"}, {"CidrIp": "192.168.0.0/16"}],
   "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}], "PrefixListIds": [{"PrefixListId": "pl-1"}],
   "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": "111122223333", "VpcId": "vpc-2", "VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "active"}]},
  {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.1.0.0/16"}], "UserIdGroupPairs": null}],
 "IpPermissionsEgress": []}]}`

// TestGroupShape is NET-37 and the order of NET-39.
func TestGroupShape(t *testing.T) {
	inv, err := read(t, groupText)
	require.NoError(t, err)
	rule := func(perm int, peer netfilter.Peer) netfilter.Rule {
		r := netfilter.Rule{Permission: perm, Protocol: "tcp", From: 443, To: 443, Peer: peer}
		if perm == 1 {
			r.Protocol, r.From, r.To = "-1", -1, -1
		}
		return r
	}
	want := []netfilter.SecurityGroup{{
		ID: "sg-1", Name: "web", VPC: "vpc-1", Owner: "111122223333",
		Ingress: []netfilter.Rule{
			rule(0, netfilter.Peer{IPv4: "10.0.0.0/8"}), rule(0, netfilter.Peer{IPv4: "192.168.0.0/16"}), rule(0, netfilter.Peer{IPv6: "2001:db8::/32"}),
			rule(0, netfilter.Peer{PrefixList: "pl-1"}),
			rule(0, netfilter.Peer{Group: "sg-2", Owner: "111122223333", VPC: "vpc-2", Peering: "pcx-1", PeeringStatus: "active"}),
			rule(1, netfilter.Peer{IPv4: "10.1.0.0/16"}),
		},
	}}
	require.Empty(t, cmp.Diff(want, inv.Groups))
}

// TestNumbersAndStrings is the tolerance of NET-36.
func TestNumbersAndStrings(t *testing.T) {
	loose := `{"SecurityGroups":[{"GroupId":"sg-1","OwnerId":111122223333,"IpPermissions":[{"IpProtocol":6,"FromPort":"443","ToPort":"443","IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]}],
	 "NetworkAcls":[{"NetworkAclId":"acl-1","IsDefault":"true","Entries":[{"RuleNumber":"100","Protocol":6,"RuleAction":"allow","Egress":"false","CidrBlock":"0.0.0.0/0","PortRange":{"From":"1","To":2}}]}]}`
	strict := `{"SecurityGroups":[{"GroupId":"sg-1","OwnerId":"111122223333","IpPermissions":[{"IpProtocol":"6","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]}],
	 "NetworkAcls":[{"NetworkAclId":"acl-1","IsDefault":true,"Entries":[{"RuleNumber":100,"Protocol":"6","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0","PortRange":{"From":1,"To":2}}]}]}`
	a, err := read(t, loose)
	require.NoError(t, err)
	b, err := read(t, strict)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(a.Groups, b.Groups))
	require.Empty(t, cmp.Diff(a.ACLs, b.ACLs))
}

// TestAbsentNullAndEmpty: all three are the same (NET-36).
func TestAbsentNullAndEmpty(t *testing.T) {
	want, err := read(t, `{"SecurityGroups":[{"GroupId":"sg-1"}],"NetworkAcls":[{"NetworkAclId":"acl-1"}],"NextToken":null}`)
	require.NoError(t, err)
	require.Empty(t, want.Findings)
	for _, s := range []string{"null", "[]"} {
		got, err := read(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":`+s+`,"IpPermissionsEgress":`+s+`}],"NetworkAcls":[{"NetworkAclId":"acl-1","Entries":`+s+`,"Associations":`+s+`}],"PrefixLists":`+s+`}`)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want.Groups, got.Groups))
		require.Empty(t, cmp.Diff(want.ACLs, got.ACLs))
	}
}

// TestDocumentErrors: the place and the reason of what cannot be read.
func TestDocumentErrors(t *testing.T) {
	for _, c := range []struct {
		name, text, path, why string
		line                  int
	}{
		{"empty", "", "", "the document is empty", 1},
		{"not an object", "[]", "", "the top level is not an object", 1},
		{"cut off", `{"SecurityGroups": "x`, "SecurityGroups", "the document ends too early", 1},
		{"not JSON", "{\n\"a\": x}", "a", "not JSON", 2},
		{"trailing text", "{}\n}", "", "not JSON", 2},
		{"not UTF-8", "{\"a\": \"\xff\"}", "", "not UTF-8", 1},
		{"a member twice", `{"SecurityGroups":[{"GroupId":"sg-1","GroupId":"sg-2"}]}`, "SecurityGroups[0]", `member "GroupId" appears twice`, 1},
		{"no id", `{"SecurityGroups":[{}]}`, "SecurityGroups[0]", "GroupId is missing", 1},
		{"a list that is a string", `{"SecurityGroups":"x"}`, "SecurityGroups", "not a list", 1},
		{"an element that is a number", `{"SecurityGroups":[7]}`, "SecurityGroups[0]", "not an object", 1},
		{"a port that is a word", "{\"SecurityGroups\":[{\"GroupId\":\"sg-1\",\n\"IpPermissions\":[{\"FromPort\":\"http\"}]}]}", "SecurityGroups[0].IpPermissions[0].FromPort", "not an integer of 32 bits", 2},
		{"a port with a fraction", `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"FromPort":1.5}]}]}`, "SecurityGroups[0].IpPermissions[0].FromPort", "not an integer of 32 bits", 1},
		{"a protocol that is an object", `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":{}}]}]}`, "SecurityGroups[0].IpPermissions[0].IpProtocol", "not a string", 1},
		{"an ACL without an id", `{"NetworkAcls":[{}]}`, "NetworkAcls[0]", "NetworkAclId is missing", 1},
		{"an entry without a number", `{"NetworkAcls":[{"NetworkAclId":"acl-1","Entries":[{"Egress":true}]}]}`, "NetworkAcls[0].Entries[0]", "RuleNumber is missing", 1},
		{"an entry without a direction", `{"NetworkAcls":[{"NetworkAclId":"acl-1","Entries":[{"RuleNumber":1}]}]}`, "NetworkAcls[0].Entries[0]", "Egress is missing", 1},
		{"egress that is a number", `{"NetworkAcls":[{"NetworkAclId":"acl-1","Entries":[{"RuleNumber":1,"Egress":1}]}]}`, "NetworkAcls[0].Entries[0].Egress", "neither true nor false", 1},
		{"a rule without a direction", `{"SecurityGroupRules":[{"GroupId":"sg-1","SecurityGroupRuleId":"sgr-1"}]}`, "SecurityGroupRules[0]", "IsEgress is missing", 1},
		{"an address with a zone", `{"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"fe80::1%a"}]}`, "NetworkInterfaces[0].PrivateIpAddress", "not an address without a zone", 1},
		{"a list entry that is no block", `{"PrefixLists":[{"PrefixListId":"pl-1","Cidrs":["10.0.0.1"]}]}`, "PrefixLists[0].Cidrs[0]", "not a CIDR block", 1},
		{"too deep", strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70), strings.TrimSuffix(strings.Repeat("a.", 65), "."), "nested deeper than 64", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(t, c.text)
			var fault *netfilter.DocumentError
			require.True(t, errors.As(err, &fault), "%v", err)
			require.ErrorIs(t, err, netfilter.ErrDocument)
			require.Equal(t, "a.json", fault.File)
			require.Equal(t, c.path, fault.Path)
			require.Equal(t, c.why, fault.Why)
			require.Equal(t, c.line, fault.Line)
			require.Positive(t, fault.Column)
			require.LessOrEqual(t, fault.Offset, int64(len(c.text)))
			require.NotEmpty(t, fault.Hint())
			require.Contains(t, err.Error(), c.why)
		})
	}
}

// TestDocumentErrorsPointAtTheValue: an error's place is where the value, or the
// name that stands twice, begins.
func TestDocumentErrorsPointAtTheValue(t *testing.T) {
	for at, text := range map[string]string{
		`"http"`: "{\"SecurityGroups\":[{\"GroupId\":\"sg-1\",\n\t\"IpPermissions\":[{\"FromPort\" : \"http\"}]}]}",
		"1.5":    `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"FromPort":1.5}]}]}`,
		"true":   `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[ true]}]}`,
		"{\"a\"": `{"SecurityGroups":[{"GroupId":"sg-1"},{"a":1}]}`,
		`"b":2`:  `{"a":{"b":1, "b":2}}`,
		"777":    "{}\n 777",
	} {
		_, err := read(t, text)
		var fault *netfilter.DocumentError
		require.ErrorAs(t, err, &fault)
		require.Equal(t, at, text[fault.Offset:][:min(len(at), len(text)-int(fault.Offset))], text)
		require.Equal(t, len(text[:fault.Offset])-strings.LastIndexByte("\n"+text[:fault.Offset], '\n')+1, fault.Column, text)
	}
}

// TestDepthAtTheLimit: 64 levels pass.
func TestDepthAtTheLimit(t *testing.T) {
	_, err := read(t, strings.Repeat(`{"a":`, 64)+"1"+strings.Repeat("}", 64))
	require.NoError(t, err)
}

// TestMerging is the merging of NET-36: pages, repeated files, conflicts.
func TestMerging(t *testing.T) {
	page := func(id, cidr, token string) string {
		return `{"SecurityGroups":[{"GroupId":"` + id + `","IpPermissions":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"` + cidr + `"}]}]}],"NextToken":` + token + `}`
	}
	inv, err := read(t, page("sg-1", "10.0.0.0/8", "null")+"\n"+page("sg-2", "10.0.0.0/8", "null"), page("sg-1", "10.0.0.0/8", `""`))
	require.NoError(t, err)
	require.Len(t, inv.Groups, 2)
	require.Empty(t, inv.Findings)

	_, err = read(t, page("sg-1", "10.0.0.0/8", "null"), page("sg-1", "10.0.0.0/9", "null"))
	require.ErrorIs(t, err, netfilter.ErrConflict)
	require.ErrorContains(t, err, "sg-1")

	inv, err = read(t, page("sg-1", "10.0.0.0/8", `"abc"`))
	require.NoError(t, err)
	require.Equal(t, "incomplete-page", inv.Findings[0].Code)
	require.Equal(t, "a.json", inv.Findings[0].Where)
}

// TestRuleIDsAreJoined is NET-38.
func TestRuleIDsAreJoined(t *testing.T) {
	groups := `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"10.1.2.3/8"}],"UserIdGroupPairs":[{"GroupId":"sg-2"}]}],
	 "IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}]}`
	rules := `{"SecurityGroupRules":[
	 {"SecurityGroupRuleId":"sgr-e","GroupId":"sg-1","IsEgress":true,"IpProtocol":"-1","FromPort":-1,"ToPort":-1,"CidrIpv4":"0.0.0.0/0"},
	 {"SecurityGroupRuleId":"sgr-g","GroupId":"sg-1","IsEgress":false,"IpProtocol":"6","FromPort":443,"ToPort":443,"ReferencedGroupInfo":{"GroupId":"sg-2"}},
	 {"SecurityGroupRuleId":"sgr-c","GroupId":"sg-1","IsEgress":false,"IpProtocol":"tcp","FromPort":443,"ToPort":443,"CidrIpv4":"10.0.0.0/8"}]}`
	for _, texts := range [][]string{{groups, rules}, {rules, groups}} {
		inv, err := read(t, texts...)
		require.NoError(t, err)
		require.Empty(t, inv.Findings)
		require.Equal(t, "sgr-c", inv.Groups[0].Ingress[0].ID)
		require.Equal(t, "sgr-g", inv.Groups[0].Ingress[1].ID)
		require.Equal(t, "sgr-e", inv.Groups[0].Egress[0].ID)
	}

	only, err := read(t, rules)
	require.NoError(t, err)
	require.Equal(t, "sgr-g", only.Groups[0].Ingress[0].ID)

	other, err := read(t, groups, strings.Replace(rules, "10.0.0.0/8", "10.0.0.0/9", 1))
	require.NoError(t, err)
	require.Equal(t, "shape-mismatch", other.Findings[0].Code)
	require.Equal(t, "10.0.0.0/9", other.Groups[0].Ingress[1].Peer.IPv4, "the rule form wins")
}

// TestPrefixLists is NET-44: entries belong to the list in the file's name, and
// to none without one.
func TestPrefixLists(t *testing.T) {
	lists := netfilter.Document{Name: "lists.json", Data: []byte(`{"PrefixLists":[{"PrefixListId":"pl-0a","PrefixListName":"corp","MaxEntries":5},{"PrefixListId":"pl-0b"},{"PrefixListId":"pl-0c","Cidrs":["52.0.0.0/8"]}]}`)}
	entries := []byte(`{"Entries":[{"Cidr":"198.51.100.0/24"},{"Cidr":"203.0.113.7/32"}]}`)
	inv, err := netfilter.ReadInventory(netfilter.Document{Name: "dir/get-managed-prefix-list-entries-pl-0a.json", Data: entries}, lists)
	require.NoError(t, err)
	r := inv.Resolver(true)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.7/32")}, r.PrefixLists["pl-0a"])
	require.NotContains(t, r.PrefixLists, "pl-0b", "a list without entries is unknown")
	require.Len(t, r.PrefixLists["pl-0c"], 1)

	inv, err = netfilter.ReadInventory(netfilter.Document{Name: "entries.json", Data: entries}, lists)
	require.NoError(t, err)
	require.Equal(t, "unattached-entries", inv.Findings[0].Code)
	require.NotContains(t, inv.Resolver(true).PrefixLists, "pl-0a")
}

// TestMembers is NET-15 and NET-16: private addresses of every interface that
// carries the group, delegated prefixes by option, public ones never.
func TestMembers(t *testing.T) {
	text := `{"SecurityGroups":[{"GroupId":"sg-1"},{"GroupId":"sg-2"},{"GroupId":"sg-3","IpPermissions":[{"IpProtocol":"-1","UserIdGroupPairs":[{"GroupId":"sg-gone"},{"GroupId":"sg-far","UserId":"999"},{"GroupId":"sg-peer","VpcPeeringConnectionId":"pcx-1"}]}]}],
	 "NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","Groups":[{"GroupId":"sg-1"},{"GroupId":"sg-2"}],"PrivateIpAddress":"10.0.0.5",
	  "PrivateIpAddresses":[{"PrivateIpAddress":"10.0.0.5","Primary":true,"Association":{"PublicIp":"198.51.100.5"}},{"PrivateIpAddress":"10.0.0.6"}],
	  "Ipv6Addresses":[{"Ipv6Address":"2001:db8::5"}],"Ipv4Prefixes":[{"Ipv4Prefix":"10.0.1.0/28"}],"Ipv6Prefixes":[{"Ipv6Prefix":"2001:db8:1::/80"}]}]}`
	inv, err := read(t, text)
	require.NoError(t, err)
	var got []string
	for _, p := range inv.Resolver(true).Members["sg-1"] {
		got = append(got, p.String())
	}
	require.Equal(t, []string{"10.0.0.5/32", "10.0.0.6/32", "2001:db8::5/128", "10.0.1.0/28", "2001:db8:1::/80"}, got)
	require.Len(t, inv.Resolver(false).Members["sg-2"], 3)
	require.Equal(t, netip.MustParseAddr("198.51.100.5"), inv.Interfaces[0].Addresses[0].Public)
	r := inv.Resolver(true)
	for id, known := range map[string]bool{"sg-3": true, "sg-gone": true, "sg-far": false, "sg-peer": false} {
		_, ok := r.Members[id]
		require.Equal(t, known, ok, id)
	}
	require.Equal(t, "stale-reference", findByCode(netfilter.Lint(inv, netfilter.LintOptions{}), "stale-reference").Code)

	noENIs, err := read(t, `{"SecurityGroups":[{"GroupId":"sg-1"}]}`)
	require.NoError(t, err)
	require.NotContains(t, noENIs.Resolver(true).Members, "sg-1", "without interfaces members are unknown")
}

func findByCode(findings []netfilter.Finding, code string) *netfilter.Finding {
	for i := range findings {
		if findings[i].Code == code {
			return &findings[i]
		}
	}
	return nil
}

// TestInterfacesOfInstances: without NetworkInterfaces those of the instances
// count (NET-41).
func TestInterfacesOfInstances(t *testing.T) {
	inv, err := read(t, `{"Reservations":[{"Instances":[{"InstanceId":"i-1","NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.5","Groups":[{"GroupId":"sg-1"}]}]}]}]}`)
	require.NoError(t, err)
	require.Equal(t, "i-1", inv.Interfaces[0].Instance)
	require.Len(t, inv.Resolver(true).Members["sg-1"], 1)
}

// TestUnfilteredInterfaces is NET-25.
func TestUnfilteredInterfaces(t *testing.T) {
	require.True(t, (&netfilter.Interface{Type: "nat_gateway"}).Unfiltered())
	require.True(t, (&netfilter.Interface{Type: "transit_gateway"}).Unfiltered())
	require.False(t, (&netfilter.Interface{Type: "interface"}).Unfiltered(), "no groups deny")
	require.False(t, (&netfilter.Interface{Type: "nat_gateway", Groups: []string{"sg-1"}}).Unfiltered())
}

// TestLoadInventory reads a folder recursively, JSON files only.
func TestLoadInventory(t *testing.T) {
	inv, err := netfilter.LoadInventory(fstest.MapFS{
		"a/groups.json": {Data: []byte(groupText)},
		"notes.txt":     {Data: []byte("not JSON")},
	})
	require.NoError(t, err)
	require.Len(t, inv.Groups, 1)
	_, err = netfilter.LoadInventory(fstest.MapFS{"a/bad.json": {Data: []byte("{")}})
	require.ErrorIs(t, err, netfilter.ErrDocument)
	require.ErrorContains(t, err, "a/bad.json")
}

// TestDescribeVectors reads the recorded output of the CLI, in which an
// emulator strays from AWS (NET-45).
func TestDescribeVectors(t *testing.T) {
	dir := testkit.Vectors(t, "netfilter/describe")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		_, err = netfilter.ReadInventory(netfilter.Document{Name: filepath.Base(f), Data: data})
		require.NoError(t, err, f)
	}
	inv, err := netfilter.LoadInventory(os.DirFS(dir))
	require.NoError(t, err)
	require.Len(t, inv.Groups, 6)
	require.Len(t, inv.ACLs, 4)
	require.Nil(t, findByCode(inv.Findings, "shape-mismatch"), "groups and rules describe the same: %+v", inv.Findings)
	for _, g := range inv.Groups {
		for _, r := range append(append([]netfilter.Rule(nil), g.Ingress...), g.Egress...) {
			require.True(t, strings.HasPrefix(r.ID, "sgr-"), "%+v", r)
		}
	}
	vectorPackets(t, inv)
	vectorLint(t, inv)
	testkit.Report(t, "vectors", "netfilter/describe", "-", len(files))
}

// vectorPackets asks about packets of the recorded scenario; its custom ACL
// denies 198.51.100.0/24 by number 100, after 200 in the file allows 443.
func vectorPackets(t *testing.T, inv *netfilter.Inventory) {
	c := netfilter.Compiler{Resolver: inv.Resolver(true), Lenient: true}
	var custom netfilter.NetworkACL
	for _, a := range inv.ACLs {
		if !a.Default {
			custom = a
		}
	}
	acl, err := c.ACL(custom)
	require.NoError(t, err)
	for src, want := range map[string]int{"198.51.100.7": 100, "192.0.2.1": 200} {
		n, _ := acl.RuleNumber(netfilter.Ingress, acl.Decide(netfilter.Ingress, packet(6, src, 443)).Rule)
		require.Equal(t, want, n, src)
	}
	for _, g := range inv.Groups {
		p, err := c.Groups([]netfilter.SecurityGroup{g})
		require.NoError(t, err)
		if g.Name != "web" {
			continue
		}
		require.Equal(t, netfilter.Allow, p.Decide(netfilter.Ingress, packet(6, "192.0.2.1", 80)).Effect)
		require.Equal(t, netfilter.Allow, p.Decide(netfilter.Ingress, packet(17, "10.0.1.10", 9999)).Effect, "all traffic from itself")
		require.Equal(t, netfilter.Deny, p.Decide(netfilter.Ingress, packet(17, "10.0.2.10", 9999)).Effect)
	}
}

func vectorLint(t *testing.T, inv *netfilter.Inventory) {
	codes := map[string]bool{}
	known := netfilter.Codes()
	for _, f := range netfilter.Lint(inv, netfilter.LintOptions{Quotas: netfilter.DefaultQuotas()}) {
		require.Contains(t, known, f.Code)
		codes[f.Code] = true
	}
	for _, want := range []string{"noncanonical-cidr", "open-to-world", "reserved-number", "unattached-entries", "unattached-group"} {
		require.True(t, codes[want], "%s is missing of %v", want, codes)
	}
}

// describe writes a rule as IpPermissions does: a permission of its own.
func describe(r netfilter.Rule) map[string]any {
	perm := map[string]any{"IpProtocol": r.Protocol, "IpRanges": []any{}, "Ipv6Ranges": nil}
	if r.From != -1 {
		perm["FromPort"] = r.From
	}
	if r.To != -1 {
		perm["ToPort"] = strconv.Itoa(r.To) // as some dumps do
	}
	switch p := r.Peer; {
	case p.IPv4 != "":
		perm["IpRanges"] = []any{map[string]any{"CidrIp": p.IPv4, "Description": "x"}}
	case p.IPv6 != "":
		perm["Ipv6Ranges"] = []any{map[string]any{"CidrIpv6": p.IPv6}}
	case p.PrefixList != "":
		perm["PrefixListIds"] = []any{map[string]any{"PrefixListId": p.PrefixList}}
	default:
		perm["UserIdGroupPairs"] = []any{nil, map[string]any{"GroupId": p.Group, "PeeringStatus": p.PeeringStatus}}
	}
	return perm
}

// TestGroupsRoundTrip writes generated groups as documents and reads them back.
func TestGroupsRoundTrip(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(21, 22)), classes: testkit.Classes{}}
	for range rounds(300) {
		for _, want := range g.groups(8) {
			doc := map[string]any{"GroupId": want.ID}
			for _, d := range bothDirections {
				var perms []any
				for _, r := range want.Rules(d) {
					perms = append(perms, describe(r))
				}
				doc[map[netfilter.Direction]string{netfilter.Ingress: "IpPermissions", netfilter.Egress: "IpPermissionsEgress"}[d]] = perms
			}
			data, err := json.Marshal(doc)
			require.NoError(t, err)
			got, err := netfilter.ParseGroup(data)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(want, got), "%s", data)
		}
	}
	g.classes.Require(t, g.total)
}

// TestACLsRoundTrip does the same for ACLs (NET-40), both directions in one shuffled list.
func TestACLsRoundTrip(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(23, 24)), classes: testkit.Classes{}}
	for range rounds(300) {
		want := g.acl(8)
		var entries []any
		for _, d := range bothDirections {
			for _, e := range want.Entries(d) {
				m := map[string]any{
					"Egress": d == netfilter.Egress, "RuleNumber": e.Number, "Protocol": e.Protocol, "RuleAction": e.Action,
					"PortRange": map[string]any{"From": e.From, "To": e.To}, "IcmpTypeCode": map[string]any{"Type": e.Type, "Code": e.Code},
				}
				if e.IPv4 != "" {
					m["CidrBlock"] = e.IPv4
				} else {
					m["Ipv6CidrBlock"] = e.IPv6
				}
				entries = append(entries, m)
			}
		}
		data, err := json.Marshal(map[string]any{"NetworkAclId": want.ID, "Entries": entries})
		require.NoError(t, err)
		got, err := netfilter.ParseACL(data)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, got), "%s", data)
	}
}
