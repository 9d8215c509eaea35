// SPDX-License-Identifier: Apache-2.0

// Package netfilter decides, offline and exactly, what AWS security groups and
// network ACLs do with a packet, and says which rule decided.
//
// # Concepts
//
// A [SecurityGroup] is a list of rules that only admit; the groups of a network
// interface form one union, and what no rule admits is denied. A [NetworkACL]
// is a list of numbered entries that allow or deny; the lowest number that
// matches decides. [CompileGroups] and [CompileACL] turn either into an
// immutable policy, whose Decide returns a [Verdict] for a [Packet] without
// allocating.
//
// A rule's peer may be a group or a prefix list. A [Resolver] says which
// addresses those stand for. What it does not know stays unknown: a packet that
// only such a rule could admit is [Unresolved], never silently denied and never
// admitted.
//
// Documents come from `aws ec2 describe-*` or from SDK values encoded as JSON:
// [ReadInventory] reads and merges them. Rules keep what the documents said, and
// an invalid one is an error of the compiler that names rule and field.
//
// # What is decided
//
// Decide applies the rules alone. Group rules look at the source of an ingress
// packet and the destination of an egress packet, at the protocol, and at the
// destination port or the ICMP type and code; never at the source port. Security
// groups are stateful: the reply to an admitted packet passes. ACLs are not: ask
// about [Packet.Reply] in the other direction.
//
// # Choices where AWS documents nothing
//
// IPv4-mapped IPv6 addresses count as IPv4 addresses. Packets are whole:
// fragments are not modelled. Of several rules that admit a packet, the first is
// reported, by position of the group, then of the rule. An absent or -1 port
// bound is the end of the range. For an ACL entry the ICMP type and code are
// matched independently, so type -1 with a code matches that code of any type.
//
// # Forms
//
// A policy is laid out in one of two ways, which never changes a verdict. Compact
// is linear in rules and members and is searched: about 7 KB for 40 rules. Cross
// is a table and is indexed: a decision takes a few nanoseconds whatever the
// number of rules, for 150 KB and more. [Auto], the zero value, takes Cross for a
// direction and family with 64 rules or more where it fits 1 MiB, else Compact.
// Where a Cross table would exceed [Compiler].MaxTable, the policy is Compact.
// Interfaces with equal groups share a policy through a [Pool].
//
// # Comparing
//
// [Diff] gives the packets that two policies decide differently as disjoint sets,
// each with a witness; there is no sampling. [Lint] and [Minimise] rest on the
// same ground and are exact as well: a rule that is called redundant decides
// nothing, whatever unknown peers turn out to be.
//
// # The trap
//
// 0.0.0.0/0 does not cover IPv6, not even with protocol -1. And the JSON order
// of ACL entries means nothing: number 100 may stand after number 200, and
// decides before it.
//
// # What this does not protect against
//
// A policy filters nothing by itself, and is as true as its documents: rules
// change, interfaces get addresses, and a snapshot ages. Routing, network
// firewalls, resource policies and host firewalls are not rules of groups or
// ACLs. See [Exempt] for the traffic that AWS never filters.
//
// # Concurrency
//
// Policies are immutable and safe for concurrent use; replace a pointer to swap
// rules. Compilers and inventories are only read. Nothing here does I/O, except
// [LoadInventory], which reads the files it is given.
package netfilter
