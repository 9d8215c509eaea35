// SPDX-License-Identifier: Apache-2.0

package netfilter

// Finding is one thing that a document, a group or an ACL does that its author
// probably did not mean.
type Finding struct {
	// Code names the kind of finding; Codes lists them all.
	Code string
	// Where is the id of the group or ACL, or the file's name.
	Where string
	// Direction is that of Rules.
	Direction Direction
	// Rules are the ids of the rules involved, the one at fault first.
	Rules []string
	// Detail is one sentence for people.
	Detail string
	// Witness is a packet that shows the finding, nil where none exists.
	Witness *Packet
}
