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
// by the egress-only gateway where the subnet routes to it, and is refused.
// A route to a virtual private gateway, a carrier or local gateway or a core
// network leaves the model: what is behind is reached, its reply unresolved. A
// path has at most 64 hops. Several equal prefix list routes are all tried.
//
// # The trap
//
// Reachable is one direction. A connection needs Reply as well: an ACL that lets
// port 443 in and no ephemeral port out gives Yes and No.
//
// # What this does not protect against
//
// A snapshot ages. Firewalls other than groups and ACLs, endpoint policies,
// load balancers' listeners, host firewalls, encryption control and DNS are not
// considered; Path.Ignored names factors of which the snapshot says nothing.
//
// # Concurrency
//
// A Snapshot is safe for concurrent use. Only Load reads files.
package vpc
