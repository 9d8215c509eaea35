// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

func exampleNetwork() (*flowlog.Network, error) {
	inventory, err := netfilter.ReadInventory(netfilter.Document{Name: "describe.json", Data: []byte(`{
		"SecurityGroups": [{"GroupId": "sg-web", "IpPermissions": [
			{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
			{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]}],
		"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Entries": [
			{"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "Egress": false, "CidrBlock": "0.0.0.0/0"},
			{"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "Egress": true, "CidrBlock": "0.0.0.0/0"}]}],
		"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "SubnetId": "subnet-1",
			"PrivateIpAddress": "10.0.0.5", "Groups": [{"GroupId": "sg-web"}]}]}`)})
	if err != nil {
		return nil, err
	}
	return flowlog.Compile(flowlog.Snapshot{Inventory: inventory})
}

const exampleLog = `version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags
3 eni-1 198.51.100.7 10.0.0.5 40000 443 6 10 5000 1700000000 1700000060 ACCEPT OK 2
3 eni-1 10.0.0.5 198.51.100.7 443 40000 6 12 90000 1700000000 1700000060 ACCEPT OK 18
3 eni-1 198.51.100.9 10.0.0.5 40001 3306 6 1 40 1700000010 1700000010 REJECT OK 2
3 eni-1 198.51.100.9 10.0.0.5 40001 70000 6 1 40 1700000010 1700000010 REJECT OK 2
3 eni-1 10.0.0.5 203.0.113.1 50000 25 6 3 180 1700000020 1700000021 ACCEPT OK 2
`

func Example() {
	network, err := exampleNetwork()
	if err != nil {
		fmt.Println(err)
		return
	}
	summary := flowlog.NewSummary(network)
	for record, err := range (flowlog.Reader{Name: "eni-1.log"}).Records(strings.NewReader(exampleLog)) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(summary.Add(record))
	}
	for _, u := range summary.Rules() {
		fmt.Printf("%s: %d, unused %t\n", u.Rule, u.Confident.Records, u.Unused())
	}
	// Output:
	// initiated (only way) 1:sg-web/ingress/0/0.0.0.0/0 acl-1/ingress/100
	// reply (only way) 1:sg-web/ingress/0/0.0.0.0/0 acl-1/egress/100
	// rejected (groups) acl-1/ingress/100
	// flowlog: eni-1.log: line 5 column 37: dstport: the number is too large
	// mismatch (nothing admits it) acl-1/egress/100
	// sg-web/ingress/0/0.0.0.0/0: 2, unused false
	// sg-web/ingress/1/10.0.0.0/8: 0, unused true
	// acl-1/ingress/100: 1, unused false
	// acl-1/ingress/*: 0, unused false
	// acl-1/egress/100: 1, unused false
	// acl-1/egress/*: 0, unused false
}

// A snapshot in which a rule is invalid can be used without it.
func ExampleCompile() {
	snapshot := flowlog.Snapshot{
		Inventory: &netfilter.Inventory{Groups: []netfilter.SecurityGroup{{
			ID: "sg-1", Ingress: []netfilter.Rule{
				{Protocol: "tcp", From: 90, To: 80, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}},
				{Permission: 1, Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}},
			},
		}}, Interfaces: []netfilter.Interface{{ID: "eni-1", Groups: []string{"sg-1"}}}},
	}
	_, err := flowlog.Compile(snapshot)
	fmt.Println(err)
	snapshot.Lenient = true
	network, err := flowlog.Compile(snapshot)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(network.Invalid()[0].Rule, network.Rules()[1].Text)
	// Output:
	// flowlog: invalid snapshot: netfilter: invalid rule sg-1/ingress/0/10.0.0.0/8: FromPort: the first port 90 is above the last port 80
	// sg-1/ingress/0/10.0.0.0/8 tcp 443 10.0.0.0/8
}

func ExampleReader_Records() {
	format, err := flowlog.ParseFormat("${interface-id} ${dstport} ${action} ${flow-direction} ${instance-tag}")
	if err != nil {
		fmt.Println(err)
		return
	}
	reader := flowlog.Reader{Format: format, Name: "a.log"}
	for r, err := range reader.Records(strings.NewReader("eni-1 443 ACCEPT ingress web%20server\neni-1 x ACCEPT - -\n")) {
		var fault *flowlog.ParseError
		if errors.As(err, &fault) {
			fmt.Println(fault.Line, fault.Column, fault.Field, fault.Why)
			continue
		}
		tag, _ := r.Tag("instance-tag")
		fmt.Println(string(r.Interface), r.DstPort, r.Action, r.Direction, r.Status, r.Type, tag)
		fmt.Println(string(r.Append(nil)))
	}
	// Output:
	// eni-1 443 ACCEPT ingress - - web server
	// eni-1 443 ACCEPT ingress web%20server
	// 2 7 dstport not a decimal number
}

func ExampleTightener() {
	network, err := exampleNetwork()
	if err != nil {
		fmt.Println(err)
		return
	}
	summary := flowlog.NewSummary(network)
	for record, err := range (flowlog.Reader{}).Records(strings.NewReader(exampleLog)) {
		if err == nil {
			summary.Add(record)
		}
	}
	group, err := flowlog.Tightener{}.Group(summary, "sg-web")
	fmt.Println(group.Ingress, err)
	for _, t := range summary.Tallies() {
		fmt.Println(t.Kind, "-", t.Reason, t.Usage.Records)
	}
	for _, m := range summary.Mismatches() {
		fmt.Println(m.Interface, m.Direction, m.Example, m.Reason)
	}
	// Output:
	// [tcp 443 198.51.100.7/32] <nil>
	// initiated - only way 1
	// reply - only way 1
	// rejected - groups 1
	// mismatch - nothing admits it 1
	// eni-1 egress tcp 10.0.0.5:50000 > 203.0.113.1:25 nothing admits it
}

func ExampleNetwork_Attribute() {
	network, err := exampleNetwork()
	if err != nil {
		fmt.Println(err)
		return
	}
	var a flowlog.Attribution
	for record, err := range (flowlog.Reader{Format: flowlog.DefaultFormat()}).Records(strings.NewReader(
		"2 123456789010 eni-1 10.9.9.9 10.0.0.5 40000 22 6 20 4249 1700000000 1700000060 ACCEPT OK\n")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		network.Attribute(record, &a)
		fmt.Println(a.Kind, a.Confident, a.Direction, a.Rules[0].Text, a.Entries[0])
	}
	// Output:
	// initiated true ingress tcp 22 10.0.0.0/8 acl-1/ingress/100
}
