// SPDX-License-Identifier: Apache-2.0

// Package vpc answers, offline, whether packets get from one place to another
// through AWS VPCs, what stops them, and whether the replies come back.
//
// # Concepts
//
// A Snapshot is what `aws ec2 describe-*` printed: Load reads a folder of it.
// Snapshot.Path follows packets of one kind (Traffic) from one Endpoint to
// another: security groups and source/destination check of each interface,
// network ACLs of each subnet crossed, routes, and what each gateway does to a
// packet. Groups and ACLs see the addresses that the packet has there: private
// ones inside an internet gateway, the NAT gateway's behind it.
//
// A Path holds two answers, for the way there and the way back, the hops, and
// every Block met, also behind the first. A Block's Code says why, At where,
// Fix which one rule or route would open the way, and RA what AWS Reachability
// Analyzer calls it.
//
// Snapshot.Exposure lists everything that the internet can send to each
// interface, with the ACL entry and the rule that admit it. Snapshot.Apply makes
// a Change to a copy, and Compare says exactly what that opens and closes.
//
// # Answers
//
// Yes and No are certain as far as the documents go. Partly means that some of
// the ports asked about pass, or one of several equal routes. Unresolved means
// that something decisive is not in the snapshot: a prefix list's entries, an
// ACL, the routes of a transit gateway, what an appliance does. What is unknown
// never counts as closed or open.
//
// # Choices where AWS documents nothing
//
// An interface that is attached to nothing is judged as if it were: its rules
// are the question. A packet through a peering connection must be for an address
// of the peer VPC. An interface with its check off forwards packets unchanged;
// beyond it, the internet is unresolved, since it may translate. What a Gateway
// Load Balancer's appliance does is unresolved. IPv6 from the internet comes in
// by the egress-only gateway where the subnet routes to it, and is refused. An
// interface with DenyAllIgwTraffic receives no replies through an internet
// gateway either. A reply passes the groups of every interface on its way, also of
// one that the way out did not cross, and is unresolved wherever the way out is in
// doubt. A route to a virtual private gateway, a carrier or local
// gateway or a core network leaves the model: what is behind is reached, its
// reply unresolved. A path has at most 64 hops. Several equal prefix list routes
// are all tried, with their replies, and so are the subnets of a transit gateway
// attachment that has none in the sender's zone. A prefix list without entries
// does not cast doubt on a local route unless its target could stand beside one.
// Where a VPC enforces encryption, what passes a gateway that is not exempt is
// unresolved. A member that is null, [] or missing is one and the same: without
// any internet gateway in the documents, those that routes name are taken for
// attached.
//
// # The trap
//
// Reachable is one direction. A connection needs Reply as well: an ACL that lets
// port 443 in and no ephemeral port out gives Yes and No.
//
// # What this does not protect against
//
// A snapshot ages. Firewalls other than groups and ACLs, endpoint policies,
// load balancers' listeners, host firewalls and DNS are not considered;
// Path.Ignored names factors of which the snapshot says nothing. Exposure is what
// packets from the internet can reach, not what they can reach from there.
//
// # Concurrency
//
// A Snapshot is safe for concurrent use. Only Load reads files.
package vpc
