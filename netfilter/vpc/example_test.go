// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing/fstest"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// A folder of describe output answers whether the internet reaches a server,
// and what stops it.
func ExampleSnapshot_Path() {
	folder := fstest.MapFS{
		"subnets.json":    {Data: []byte(`{"Subnets":[{"SubnetId":"subnet-1","VpcId":"vpc-1","CidrBlock":"10.0.0.0/24"}]}`)},
		"gateways.json":   {Data: []byte(`{"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[{"VpcId":"vpc-1","State":"available"}]}]}`)},
		"interfaces.json": {Data: []byte(`{"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","SubnetId":"subnet-1","VpcId":"vpc-1","Groups":[{"GroupId":"sg-1"}],"PrivateIpAddress":"10.0.0.5","Association":{"PublicIp":"203.0.113.5"}}]}`)},
		"groups.json":     {Data: []byte(`{"SecurityGroups":[{"GroupId":"sg-1","VpcId":"vpc-1"}]}`)},
		"acls.json":       {Data: []byte(`{"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]}]}`)},
	}
	var s *vpc.Snapshot
	s, err := vpc.Load(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	from, to := vpc.Endpoint{Internet: true}, vpc.Endpoint{Interface: "eni-1"}
	https := vpc.Traffic{Protocol: netfilter.TCP, Src: netip.MustParseAddr("198.51.100.7"), DstPorts: &vpc.Ports{From: 443, To: 443}}
	var p vpc.Path
	p, err = s.Path(from, to, https)
	if err != nil {
		fmt.Println(err)
		return
	}
	var answer vpc.Answer = p.Reachable
	fmt.Println(answer)
	for _, h := range p.Hops {
		fmt.Println(h.Kind, h.ID)
	}
	for _, b := range p.Blocks {
		fmt.Println(b.Code, b.At, b.RA)
		fmt.Println(b.Fix)
	}
	// Output:
	// no
	// internet internet
	// igw igw-1
	// vpc vpc-1
	// subnet subnet-1
	// eni eni-1
	// SG_INGRESS sg-1 SG_HAS_NO_RULES
	// add an ingress rule to sg-1 for tcp 443 from 198.51.100.7/32
}

// A member of the wrong type is an error that says where it is.
func ExampleSnapshotError() {
	_, err := vpc.Read(netfilter.Document{Name: "vpcs.json", Data: []byte(`{"Vpcs":[{"VpcId":{}}]}`)})
	var fault *vpc.SnapshotError
	if errors.As(err, &fault) {
		fmt.Println(fault.File, fault.Line, fault.Column, fault.Path, fault.Why)
	}
	// Output: vpcs.json 1 19 Vpcs[0].VpcId not a string
}

// Lint adds to netfilter's findings what needs the route tables.
func ExampleSnapshot_Lint() {
	table := []byte(`{"RouteTables":[{"RouteTableId":"rtb-1","VpcId":"vpc-1","Routes":[
		{"DestinationCidrBlock":"10.0.0.0/16","GatewayId":"local"},{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"},{"DestinationCidrBlock":"10.9.0.0/16","GatewayId":"vgw-1"}]}]}`)
	s, err := vpc.Read(netfilter.Document{Name: "tables.json", Data: table})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range s.Lint(netfilter.LintOptions{Quotas: netfilter.Quotas{Routes: 1}}) {
		fmt.Println(f.Where, f.Detail)
	}
	// Output: rtb-1 2 IPv4 routes that are not propagated, the quota is 1
}
