// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"net/netip"
)

// group reads an element of SecurityGroups.
func (r *reader) group(v *value) SecurityGroup {
	g := SecurityGroup{
		ID: r.id(v, "GroupId"), Name: r.text(v, "GroupName"),
		VPC: r.text(v, "VpcId"), Owner: r.text(v, "OwnerId"),
	}
	g.Ingress = r.permissions(v, "IpPermissions")
	g.Egress = r.permissions(v, "IpPermissionsEgress")
	return g
}

// id reads the member that names an object; without one the object is an error.
func (r *reader) id(v *value, name string) string {
	id := r.text(v, name)
	if id == "" {
		r.fail(v, name+" is missing")
	}
	return id
}

// permissions reads IpPermissions: each peer of a permission is a rule.
func (r *reader) permissions(v *value, name string) []Rule {
	var rules []Rule
	for i, perm := range r.list(v, name) {
		rule := Rule{
			Permission: i, Protocol: r.text(perm, "IpProtocol"),
			From: r.number(perm, "FromPort", -1), To: r.number(perm, "ToPort", -1),
		}
		add := func(p Peer) {
			rule.Peer = p
			rules = append(rules, rule)
		}
		for _, p := range r.list(perm, "IpRanges") {
			add(Peer{IPv4: r.text(p, "CidrIp")})
		}
		for _, p := range r.list(perm, "Ipv6Ranges") {
			add(Peer{IPv6: r.text(p, "CidrIpv6")})
		}
		for _, p := range r.list(perm, "PrefixListIds") {
			add(Peer{PrefixList: r.text(p, "PrefixListId")})
		}
		for _, p := range r.list(perm, "UserIdGroupPairs") {
			add(r.reference(p))
		}
	}
	return rules
}

// reference reads an element of UserIdGroupPairs, or ReferencedGroupInfo.
func (r *reader) reference(v *value) Peer {
	return Peer{
		Group: r.text(v, "GroupId"), Owner: r.text(v, "UserId"), VPC: r.text(v, "VpcId"),
		Peering: r.text(v, "VpcPeeringConnectionId"), PeeringStatus: r.text(v, "PeeringStatus"),
	}
}

// listedRule is an element of SecurityGroupRules.
type listedRule struct {
	Group, Owner string
	Direction    Direction
	Rule         Rule
}

func (r *reader) listedRule(v *value) listedRule {
	l := listedRule{Group: r.id(v, "GroupId"), Owner: r.text(v, "GroupOwnerId")}
	if r.truth(v, "IsEgress", false) {
		l.Direction = Egress
	}
	if v.member("IsEgress") == nil {
		r.fail(v, "IsEgress is missing")
	}
	l.Rule = Rule{
		ID: r.id(v, "SecurityGroupRuleId"), Protocol: r.text(v, "IpProtocol"),
		From: r.number(v, "FromPort", -1), To: r.number(v, "ToPort", -1),
	}
	if ref := r.object(v, "ReferencedGroupInfo"); ref != nil {
		l.Rule.Peer = r.reference(ref)
	}
	l.Rule.Peer.IPv4 = r.text(v, "CidrIpv4")
	l.Rule.Peer.IPv6 = r.text(v, "CidrIpv6")
	l.Rule.Peer.PrefixList = r.text(v, "PrefixListId")
	return l
}

// listedACL reads an element of NetworkAcls, which is merged by its id.
func (r *reader) listedACL(v *value) NetworkACL {
	r.id(v, "NetworkAclId")
	return r.acl(v)
}

// acl reads one ACL; alone it needs no id.
func (r *reader) acl(v *value) NetworkACL {
	a := NetworkACL{ID: r.text(v, "NetworkAclId"), VPC: r.text(v, "VpcId"), Default: r.truth(v, "IsDefault", false)}
	for _, s := range r.list(v, "Associations") {
		if id := r.text(s, "SubnetId"); id != "" {
			a.Subnets = append(a.Subnets, id)
		}
	}
	for _, e := range r.list(v, "Entries") {
		if v.member("Entries") != nil && e.member("Egress") == nil {
			r.fail(e, "Egress is missing")
		}
		if r.truth(e, "Egress", false) {
			a.Egress = append(a.Egress, r.aclEntry(e))
		} else {
			a.Ingress = append(a.Ingress, r.aclEntry(e))
		}
	}
	return a
}

func (r *reader) aclEntry(v *value) ACLEntry {
	if v.member("RuleNumber") == nil {
		r.fail(v, "RuleNumber is missing")
	}
	ports, icmp := r.object(v, "PortRange"), r.object(v, "IcmpTypeCode")
	return ACLEntry{
		Number: r.number(v, "RuleNumber", 0), Protocol: r.text(v, "Protocol"), Action: r.text(v, "RuleAction"),
		IPv4: r.text(v, "CidrBlock"), IPv6: r.text(v, "Ipv6CidrBlock"),
		From: r.number(ports, "From", -1), To: r.number(ports, "To", -1),
		Type: r.number(icmp, "Type", -1), Code: r.number(icmp, "Code", -1),
	}
}

// prefixList reads an element of PrefixLists of either command: managed lists
// come without entries, AWS's own with Cidrs.
func (r *reader) prefixList(v *value) PrefixList {
	l := PrefixList{
		ID: r.id(v, "PrefixListId"), Name: r.text(v, "PrefixListName"), Owner: r.text(v, "OwnerId"),
		MaxEntries: r.number(v, "MaxEntries", 0),
	}
	m := v.member("Cidrs")
	if m == nil {
		return l
	}
	if m.kind != '[' {
		r.fail(m, "not a list")
		return l
	}
	for i := range m.items {
		l.Entries = append(l.Entries, r.prefix(&m.items[i]))
	}
	l.Known = len(l.Entries) > 0
	return l
}

// prefix reads a CIDR block; a fault is a fault of the document, since a list
// with an entry left out would match less than it says.
func (r *reader) prefix(v *value) netip.Prefix {
	if v.kind == 's' {
		if pfx, _, err := parsePrefix(v.text); err == nil {
			return pfx
		}
	}
	r.fail(v, "not a CIDR block")
	return netip.Prefix{}
}

// addr reads an address, the zero Addr when it is missing.
func (r *reader) addr(v *value, name string) netip.Addr {
	s := r.text(v, name)
	if s == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		r.fail(v.member(name), "not an address without a zone")
	}
	return a.Unmap()
}

// iface reads an element of NetworkInterfaces.
func (r *reader) iface(v *value) Interface {
	i := Interface{
		ID: r.id(v, "NetworkInterfaceId"), Subnet: r.text(v, "SubnetId"), VPC: r.text(v, "VpcId"),
		Type: r.text(v, "InterfaceType"), Status: r.text(v, "Status"),
		Instance: r.text(r.object(v, "Attachment"), "InstanceId"),
		Primary:  r.addr(v, "PrivateIpAddress"),
		NoCheck:  !r.truth(v, "SourceDestCheck", true), NoInternet: r.truth(v, "DenyAllIgwTraffic", false),
	}
	for _, g := range r.list(v, "Groups") {
		i.Groups = append(i.Groups, r.id(g, "GroupId"))
	}
	i.add(i.Primary, r.addr(r.object(v, "Association"), "PublicIp"))
	for _, a := range r.list(v, "PrivateIpAddresses") {
		i.add(r.addr(a, "PrivateIpAddress"), r.addr(r.object(a, "Association"), "PublicIp"))
	}
	for _, a := range r.list(v, "Ipv6Addresses") {
		i.add(r.addr(a, "Ipv6Address"), netip.Addr{})
	}
	for _, p := range r.list(v, "Ipv4Prefixes") {
		i.Prefixes = append(i.Prefixes, r.prefixMember(p, "Ipv4Prefix"))
	}
	for _, p := range r.list(v, "Ipv6Prefixes") {
		i.Prefixes = append(i.Prefixes, r.prefixMember(p, "Ipv6Prefix"))
	}
	return i
}

func (r *reader) prefixMember(v *value, name string) netip.Prefix {
	m := v.member(name)
	if m == nil {
		r.fail(v, name+" is missing")
		return netip.Prefix{}
	}
	return r.prefix(m)
}
