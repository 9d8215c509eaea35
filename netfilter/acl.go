// SPDX-License-Identifier: Apache-2.0

package netfilter

// NetworkACL is a network ACL with the entries of both directions.
type NetworkACL struct {
	// ID is the ACL's id, "acl-…"; VPC is the id of its VPC.
	ID, VPC string
	// Default says that subnets without an association of their own use it.
	Default bool
	// Subnets are the ids of the associated subnets.
	Subnets []string
	// Ingress and Egress are the entries of each direction, in any order: the
	// rule numbers decide.
	Ingress, Egress []ACLEntry
}

// Entries returns the entries of one direction.
func (a *NetworkACL) Entries(d Direction) []ACLEntry {
	if d == Egress {
		return a.Egress
	}
	return a.Ingress
}

// ACLEntry allows or denies the packets it matches. Of the entries that match
// a packet the one with the lowest number decides.
type ACLEntry struct {
	// Number orders the entries of one direction. AWS accepts 1 to 32766 and
	// shows the closing denial as 32767 (IPv4) and 32768 (IPv6).
	Number int
	// Protocol is read by ParseProtocol.
	Protocol string
	// Action is "allow" or "deny".
	Action string
	// IPv4 or IPv6, exactly one of them, is the peer's CIDR block.
	IPv4, IPv6 string
	// From and To are destination ports; they count for TCP and UDP. -1 stands
	// for an absent bound.
	From, To int
	// Type and Code are those of ICMP, and of ICMPv6 with an IPv6 block. -1
	// matches all of them.
	Type, Code int
}
