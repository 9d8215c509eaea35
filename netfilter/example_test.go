// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"errors"
	"fmt"
	"log"
	"net/netip"
	"slices"
	"testing/fstest"

	"github.com/sallyport-go/sallyport/netfilter"
)

// The groups of an interface are one union; the verdict names the rule.
func ExampleCompileGroups() {
	groups := []netfilter.SecurityGroup{{
		ID: "sg-web",
		Ingress: []netfilter.Rule{
			{Permission: 0, Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}},
			{Permission: 1, Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{PrefixList: "pl-office"}},
		},
	}}
	policy, err := netfilter.CompileGroups(groups, netfilter.Resolver{})
	if err != nil {
		log.Fatal(err)
	}
	for _, port := range []uint16{443, 22, 80} {
		v := policy.Decide(netfilter.Ingress, netfilter.Packet{
			Src: netip.MustParseAddr("198.51.100.7"), Dst: netip.MustParseAddr("10.0.0.5"), Protocol: netfilter.TCP, DstPort: port,
		})
		fmt.Println(port, v.Effect, policy.RuleID(netfilter.Ingress, v.Rule))
	}
	// Output:
	// 443 allow sg-web/ingress/0/0.0.0.0/0
	// 22 unresolved sg-web/ingress/1/pl-office
	// 80 deny
}

// The lowest number that matches decides, in whatever order the entries stand.
// An ACL keeps no state: the reply is asked about by itself.
func ExampleCompileACL() {
	policy, err := netfilter.CompileACL(netfilter.NetworkACL{
		ID: "acl-1",
		Ingress: []netfilter.ACLEntry{
			{Number: 200, Protocol: "6", Action: "allow", IPv4: "0.0.0.0/0", From: 443, To: 443},
			{Number: 100, Protocol: "-1", Action: "deny", IPv4: "198.51.100.0/24"},
		},
		Egress: []netfilter.ACLEntry{{Number: 100, Protocol: "6", Action: "allow", IPv4: "0.0.0.0/0", From: 32768, To: 65535}},
	})
	if err != nil {
		log.Fatal(err)
	}
	p := netfilter.Packet{Src: netip.MustParseAddr("203.0.113.9"), Dst: netip.MustParseAddr("10.0.0.5"), Protocol: netfilter.TCP, SrcPort: 40000, DstPort: 443}
	fmt.Println(policy.Decide(netfilter.Ingress, p).Effect)

	// The client's port is often unknown: which ephemeral ports get a reply?
	any := netfilter.EphemeralRanges()[0]
	var replies []netfilter.PortVerdict = policy.DecidePorts(netfilter.Egress, p.Reply(), any.From, any.To)
	for _, r := range replies {
		fmt.Println(r.From, r.To, r.Verdict.Effect)
	}

	p.Src = netip.MustParseAddr("198.51.100.7")
	number, _ := policy.RuleNumber(netfilter.Ingress, policy.Decide(netfilter.Ingress, p).Rule)
	fmt.Println("decided by", number)
	// Output:
	// allow
	// 1024 32767 deny
	// 32768 65535 allow
	// decided by 100
}

// Documents come from the CLI; the resolver knows what they say of members.
func ExampleReadInventory() {
	inventory, err := netfilter.ReadInventory(
		netfilter.Document{Name: "describe-security-groups.json", Data: []byte(`{"SecurityGroups": [
			{"GroupId": "sg-db", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432,
			 "UserIdGroupPairs": [{"GroupId": "sg-web"}], "PrefixListIds": [{"PrefixListId": "pl-0a1"}]}]},
			{"GroupId": "sg-web"}]}`)},
		netfilter.Document{Name: "describe-network-interfaces.json", Data: []byte(`{"NetworkInterfaces": [
			{"NetworkInterfaceId": "eni-1", "Groups": [{"GroupId": "sg-web"}], "PrivateIpAddress": "10.0.0.5"}]}`)},
		netfilter.Document{Name: "get-managed-prefix-list-entries-pl-0a1.json", Data: []byte(`{"Entries": [{"Cidr": "192.0.2.0/24"}]}`)},
	)
	if err != nil {
		log.Fatal(err)
	}
	var web netfilter.Interface = inventory.Interfaces[0]
	var address netfilter.Address = web.Addresses[0]
	var list netfilter.PrefixList = inventory.PrefixLists[0]
	fmt.Println(web.ID, address.Private, list.ID, list.Entries)

	var resolver netfilter.Resolver = inventory.Resolver(true)
	policy, err := netfilter.CompileGroups(inventory.Groups[:1], resolver)
	if err != nil {
		log.Fatal(err)
	}
	v := policy.Decide(netfilter.Ingress, netfilter.Packet{Src: address.Private, Dst: netip.MustParseAddr("10.0.1.9"), Protocol: netfilter.TCP, DstPort: 5432})
	fmt.Println(v.Effect, v.Reason == netfilter.Matched, policy.RuleID(netfilter.Ingress, v.Rule))
	// Output:
	// eni-1 10.0.0.5 pl-0a1 [192.0.2.0/24]
	// allow true sg-db/ingress/0/sg-web
}

// A folder of CLI output is an fs.FS.
func ExampleLoadInventory() {
	folder := fstest.MapFS{"groups.json": {Data: []byte(`{"SecurityGroups": [{"GroupId": "sg-1"}]}`)}}
	inventory, err := netfilter.LoadInventory(folder) // os.DirFS("snapshot") in earnest
	fmt.Println(len(inventory.Groups), err)
	// Output: 1 <nil>
}

func ExampleParseGroup() {
	group, err := netfilter.ParseGroup([]byte(`{"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]}`))
	fmt.Println(group.ID, group.Ingress[0], err)

	_, err = netfilter.ParseGroup([]byte(`{"GroupId": "sg-1", "IpPermissions": [{"FromPort": "http"}]}`))
	var fault *netfilter.DocumentError
	fmt.Println(errors.As(err, &fault), fault.Path)
	// Output:
	// sg-1 icmp 8 10.0.0.0/8 <nil>
	// true IpPermissions[0].FromPort
}

func ExampleParseACL() {
	acl, err := netfilter.ParseACL([]byte(`{"NetworkAclId": "acl-1", "Entries": [{"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "Egress": false, "CidrBlock": "10.0.0.0/8"}]}`))
	fmt.Println(acl.ID, acl.Ingress[0].Number, err)
	// Output: acl-1 100 <nil>
}

func ExampleParseProtocol() {
	p, all, err := netfilter.ParseProtocol("17")
	fmt.Println(p, all, err)
	var tcp netfilter.Protocol
	tcp, _, _ = netfilter.ParseProtocol("TCP")
	fmt.Println(tcp == netfilter.TCP)
	// Output:
	// udp false <nil>
	// true
}

func ExampleParseMember() {
	p, err := netfilter.ParseMember("::ffff:10.0.0.5")
	fmt.Println(p, err)
	// Output: 10.0.0.5/32 <nil>
}

// A Compiler sets what the two functions leave at their defaults: here, to go on
// in spite of invalid rules, which match nothing.
func ExampleCompiler() {
	compiler := netfilter.Compiler{Lenient: true, Form: netfilter.Compact}
	policy, err := compiler.Groups([]netfilter.SecurityGroup{{
		ID:      "sg-1",
		Ingress: []netfilter.Rule{{Protocol: "tcp", From: 100, To: 50, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}},
	}})
	fmt.Println(err)
	for _, fault := range policy.Invalid() {
		fmt.Println(fault.Rule, fault.Field)
	}
	var strict netfilter.Compiler
	_, err = strict.Groups([]netfilter.SecurityGroup{{ID: "sg-1", Egress: []netfilter.Rule{{Protocol: "gre"}}}})
	var fault *netfilter.RuleError
	fmt.Println(errors.As(err, &fault), fault.Field)
	// Output:
	// <nil>
	// sg-1/ingress/0/10.0.0.0/8 FromPort
	// true Peer
}

// Interfaces with the same groups share one policy.
func ExamplePool() {
	var pool netfilter.Pool
	groups := []netfilter.SecurityGroup{{ID: "sg-1"}}
	a, _ := pool.Groups(groups)
	b, _ := pool.Groups(slices.Clone(groups))
	fmt.Println(a == b)
	// Output: true
}

// Explain shows what every rule made of a packet.
func ExampleGroupPolicy_Explain() {
	policy, err := netfilter.CompileGroups([]netfilter.SecurityGroup{{
		ID: "sg-1",
		Ingress: []netfilter.Rule{
			{Permission: 0, Protocol: "udp", From: 53, To: 53, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}},
			{Permission: 1, Protocol: "tcp", From: 80, To: 80, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}},
			{Permission: 2, Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{IPv4: "192.168.0.0/16"}},
		},
	}}, netfilter.Resolver{})
	if err != nil {
		log.Fatal(err)
	}
	p := netfilter.Packet{Src: netip.MustParseAddr("10.1.2.3"), Dst: netip.MustParseAddr("10.0.0.5"), Protocol: netfilter.TCP, DstPort: 443}
	var explanation netfilter.Explanation = policy.Explain(netfilter.Ingress, p)
	fmt.Println(p, explanation.Verdict.Effect)
	for _, r := range explanation.Rules {
		var reason netfilter.RuleReason = r
		var match netfilter.Match = r.Match
		fmt.Println(reason.ID, match, reason.Field)
	}
	// Output:
	// tcp 10.1.2.3:0 > 10.0.0.5:443 deny
	// sg-1/ingress/0/10.0.0.0/8 no protocol
	// sg-1/ingress/1/10.0.0.0/8 no port
	// sg-1/ingress/2/192.168.0.0/16 no peer
}

// Diff says on which packets two policies differ, exactly.
func ExampleDiff() {
	compile := func(cidrs ...string) netfilter.Policy {
		g := netfilter.SecurityGroup{ID: "sg-1"}
		for _, c := range cidrs {
			g.Ingress = append(g.Ingress, netfilter.Rule{Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{IPv4: c}})
		}
		p, err := netfilter.CompileGroups([]netfilter.SecurityGroup{g}, netfilter.Resolver{})
		if err != nil {
			log.Fatal(err)
		}
		return p
	}
	before, after := compile("10.0.0.0/8"), compile("10.0.0.0/9", "10.192.0.0/10")
	for c := range netfilter.Diff(before, after) {
		var change netfilter.Change = c
		var effect netfilter.Effect = change.After
		fmt.Println(change.Direction, change.Prefixes, change.FirstProtocol, change.From, change.To, change.Before, effect)
	}
	fmt.Println(netfilter.Equal(after, compile("10.192.0.0/10", "10.64.0.0/10", "10.0.0.0/10")))
	// Output:
	// ingress [10.128.0.0/10] tcp 22 22 allow deny
	// true
}

// Lint finds what is open by the union of rules, not only by one of them.
func ExampleLint() {
	inventory := &netfilter.Inventory{Groups: []netfilter.SecurityGroup{{
		ID: "sg-1",
		Ingress: []netfilter.Rule{
			{Permission: 0, Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{IPv4: "0.0.0.0/1"}},
			{Permission: 1, Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{IPv4: "128.0.0.0/1"}},
		},
	}}}
	options := netfilter.LintOptions{SensitivePorts: []uint16{22, 3389}, Quotas: netfilter.DefaultQuotas()}
	for _, finding := range netfilter.Lint(inventory, options) {
		var f netfilter.Finding = finding
		fmt.Println(f.Code, f.Rules, f.Detail)
		fmt.Println(netfilter.Codes()[f.Code])
	}
	// Output:
	// open-to-world [sg-1/ingress/0/0.0.0.0/1 sg-1/ingress/1/128.0.0.0/1] 0.0.0.0/0 reaches tcp port 22
	// ingress rules that together admit every address of a family
}

func ExampleMinimise() {
	rule := func(from, to int, cidr string) netfilter.Rule {
		return netfilter.Rule{Protocol: "tcp", From: from, To: to, Peer: netfilter.Peer{IPv4: cidr}}
	}
	small, err := netfilter.Minimise(netfilter.SecurityGroup{ID: "sg-1", Ingress: []netfilter.Rule{
		rule(80, 80, "10.0.0.0/9"), rule(80, 80, "10.128.0.0/9"), rule(81, 90, "10.0.0.0/8"), rule(85, 85, "10.1.0.0/16"),
	}}, netfilter.Resolver{})
	fmt.Println(small.Ingress, err)
	// Output: [tcp 80-90 10.0.0.0/8] <nil>
}

// What happens to running flows when a rule goes depends on whether they are
// tracked.
func ExampleGroupPolicy_Tracked() {
	policy, err := netfilter.CompileGroups([]netfilter.SecurityGroup{{
		ID:      "sg-1",
		Ingress: []netfilter.Rule{{Protocol: "tcp", From: 80, To: 80, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}},
		Egress:  []netfilter.Rule{{Protocol: "-1", From: -1, To: -1, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}},
	}}, netfilter.Resolver{})
	if err != nil {
		log.Fatal(err)
	}
	p := netfilter.Packet{Src: netip.MustParseAddr("198.51.100.7"), Dst: netip.MustParseAddr("10.0.0.5"), Protocol: netfilter.TCP, DstPort: 80}
	var tracking netfilter.Tracking = policy.Tracked(netfilter.Ingress, p)
	fmt.Println(tracking, policy.SurvivesRemoval(netfilter.Ingress, p, 0))
	// Output: untracked false
}

// A reader of logs asks about a peer and a port, without making packets.
func ExampleGroupPolicy_DecidePeer() {
	policy, err := netfilter.CompileGroups([]netfilter.SecurityGroup{{
		ID:      "sg-1",
		Ingress: []netfilter.Rule{{Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}},
	}}, netfilter.Resolver{})
	if err != nil {
		log.Fatal(err)
	}
	for _, peer := range []string{"10.1.2.3", "198.51.100.7"} {
		fmt.Println(peer, policy.DecidePeer(netfilter.Ingress, netip.MustParseAddr(peer), netfilter.TCP, 443).Effect)
	}
	// Output:
	// 10.1.2.3 allow
	// 198.51.100.7 deny
}

// Some traffic no group ever sees.
func ExampleExempt() {
	services := netfilter.Services(netip.MustParsePrefix("10.0.0.0/16"))
	p := netfilter.Packet{Src: netip.MustParseAddr("10.0.0.5"), Dst: netip.MustParseAddr("10.0.0.2"), Protocol: netfilter.UDP, DstPort: 53}
	var service netfilter.Service
	service, ok := netfilter.Exempt(services, netfilter.Egress, p)
	fmt.Println(service.Name, ok)
	// Output: resolver true
}

// Enumerations read and write as text.
func ExampleDirection() {
	var d netfilter.Direction
	fmt.Println(d.UnmarshalText([]byte("egress")), d)
	// Output: <nil> egress
}

// The forms differ in speed and size, never in a verdict.
func ExampleForm() {
	groups := []netfilter.SecurityGroup{{ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}}}}
	p := netfilter.Packet{Src: netip.MustParseAddr("10.1.2.3"), Dst: netip.MustParseAddr("10.0.0.5"), Protocol: netfilter.TCP, DstPort: 22}
	var verdicts []netfilter.Verdict
	for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
		compiler := netfilter.Compiler{Form: form}
		policy, err := compiler.Groups(groups)
		if err != nil {
			log.Fatal(err)
		}
		verdicts = policy.DecideAll(verdicts, netfilter.Ingress, []netfilter.Packet{p})
	}
	fmt.Println(verdicts[0] == verdicts[1], verdicts[0].Effect)
	var reason netfilter.Reason = verdicts[0].Reason
	fmt.Println(reason == netfilter.Matched)
	// Output:
	// true allow
	// true
}

// Quotas count units: a prefix list counts as many as its MaxEntries.
func ExampleDefaultQuotas() {
	var quotas netfilter.Quotas = netfilter.DefaultQuotas()
	fmt.Println(quotas.RulesPerGroup, quotas.ACLEntries)
	var ephemeral netfilter.EphemeralRange = netfilter.EphemeralRanges()[0]
	fmt.Println(ephemeral.From, ephemeral.To)
	// Output:
	// 60 20
	// 1024 65535
}
