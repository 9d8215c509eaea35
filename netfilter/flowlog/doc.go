// SPDX-License-Identifier: Apache-2.0

// Package flowlog reads VPC flow logs and says which rule of which security
// group, and which entry of which network ACL, admitted each flow: so that a rule
// nobody needs can be told from one that somebody does.
//
// # Concepts
//
// A [Reader] reads files, plain or gzip, in the default format or in any other:
// the file's header line or a [Format] says which. Every field of versions 2 to
// 11 is known, and fields that are not are kept. A line that cannot be read is an
// error with line, column and field, and reading goes on. Parquet files are not
// read.
//
// A [Network] is a compiled [Snapshot] of groups, ACLs and interfaces. It
// attributes a [Record]: the packets began a flow that the groups admit
// ([Initiated]), they answer one ([Reply]: groups are stateful, so the rule is
// one of the other direction, while the ACL must let the answer itself pass), the
// rules reject them ([Rejected]), or today's rules contradict the record
// ([Mismatch]). An [Attribution] that is not [Attribution.Confident] names all
// rules that may explain the record.
//
// A [Summary] counts, per rule, the records that need it. It is as large as the
// rules are many, whatever the log, and summaries of parts merge into that of the
// whole: one for each file and processor. From it come the unused rules and, by a
// [Tightener], groups that admit the traffic seen and provably nothing more than
// before.
//
//	network, err := flowlog.Compile(flowlog.Snapshot{Inventory: inventory})
//	…
//	summary := flowlog.NewSummary(network)
//	for record, err := range (flowlog.Reader{Name: name}).Records(file) {
//		if err != nil {
//			return err // or go on: errors.Is(err, flowlog.ErrRecord)
//		}
//		summary.Add(record)
//	}
//
// # How a record is attributed
//
// The direction is flow-direction, else that of the interface's own address among
// srcaddr and dstaddr. Rules see pkt-srcaddr and pkt-dstaddr where the log has
// them. Of accepted traffic both explanations are tried. If both hold, TCP flags
// decide: SYN with ACK is an answer, SYN alone a request, FIN or RST without SYN
// from a port below 1024 to one above an answer. Without flags the side with the
// lower port is taken to have been asked, and the attribution is not confident.
// Of rejected traffic the verdicts of groups and ACL are given apart, since the
// record does not say which one it was. Interfaces of one subnet reach each other
// without an ACL.
//
// # Choices where AWS documents nothing
//
// A record whose version is not the highest of its format's fields is an error:
// it was written in another format. Words that are not known in action,
// log-status, type and flow-direction are errors as well. Of ICMP, whose type no
// record holds, the rules are candidates that decide for some type and code. An
// unknown prefix list or group, or one that the snapshot lacks, may admit
// anything: such rules are candidates, never left out. The rule that is named is
// the one that decides, the first of several that admit the packet; the others
// count as unused. Tightened groups keep references and ICMP types as they are.
//
// # The trap
//
// Unused means unused in this log. A monthly job, a failover and a log of
// rejected traffic only look the same, and SKIPDATA records say that flows are
// missing: see [Summary.Tallies] and [RuleUsage.Observed]. And a log without
// tcp-flags cannot tell most answers from requests when groups let everything
// out: make flow logs with tcp-flags and flow-direction.
//
// # What this does not protect against
//
// The rules are those of the snapshot, not those of the time of the log: a
// [Mismatch] is the only sign of a change, and a change that admits as much shows
// none. AWS does not log all traffic (its resolver, instance metadata, time,
// DHCP, licence activation, mirrored packets), aggregates what it logs, and
// delivers it without a signature: whoever can write to the bucket can make a rule
// look used or hide that one is.
//
// # Concurrency
//
// Formats, readers and networks are safe for concurrent use. A summary, an
// attribution and the loop over an input belong to one goroutine.
//
// See https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html.
package flowlog
