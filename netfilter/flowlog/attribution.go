// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"net/netip"
	"strconv"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Kind is what a record turned out to be.
type Kind uint8

// The kinds.
const (
	// NotAttributable: no rule can be named. Attribution.Reason says why.
	NotAttributable Kind = iota
	// Initiated: the record's packets began the flow, and groups and ACL admit them.
	Initiated
	// Reply: the record's packets answer a flow that the groups admit the other way.
	Reply
	// Rejected: the groups or the ACL do not admit the packets.
	Rejected
	// Mismatch: the rules of the snapshot do otherwise than the record says.
	Mismatch
)

// String returns the kind in lower case: "not attributable", "initiated",
// "reply", "rejected", "mismatch".
func (k Kind) String() string { return pick(kindNames[:], uint8(k), "Kind") }

// Reason says why a record is what it is said to be.
type Reason uint8

// The reasons of NotAttributable.
const (
	// NoReason is that of the zero Attribution.
	NoReason Reason = iota
	// NoInterface: the record has no interface-id, as those of transit gateways and
	// regional NAT gateways.
	NoInterface
	// UnknownInterface: the snapshot does not have the interface.
	UnknownInterface
	// Empty: the record says that there was no traffic (NODATA).
	Empty
	// Skipped: flows are missing from the log (SKIPDATA).
	Skipped
	// ActionMissing: the record has no action.
	ActionMissing
	// FieldMissing: an address, the protocol or a port is missing.
	FieldMissing
	// AddressFamilies: source and destination are of different families.
	AddressFamilies
	// NotIP: the traffic is of an Elastic Fabric Adapter.
	NotIP
	// DirectionUnknown: neither flow-direction nor the interface's addresses tell
	// whether the packets came in or went out.
	DirectionUnknown
	// NotLogged: it is traffic to a service that AWS does not log.
	NotLogged

	// OnlyWay: nothing else explains the record. (Initiated, Reply)
	OnlyWay
	// ByFlags: the TCP flags tell who began. (Initiated, Reply)
	ByFlags
	// ByPorts: either side may have begun; the side with the lower port is taken
	// to have been asked. Never confident. (Initiated, Reply)
	ByPorts
	// PeerUnknown: only a rule whose peer is unknown, a group or an ACL that the
	// snapshot lacks explains it. Never confident. (Initiated, Reply)
	PeerUnknown
	// AnyType: the record is of ICMP, of which logs hold no type, and several rules
	// admit some type. Never confident. (Initiated, Reply)
	AnyType

	// ByGroups: the groups do not admit the packets. (Rejected)
	ByGroups
	// ByACL: the ACL does not. (Rejected)
	ByACL
	// ByEither: neither does, or which one is not known. (Rejected)
	ByEither

	// NothingAdmits: the traffic was accepted, and neither direction's rules admit
	// it: they were others then. (Mismatch)
	NothingAdmits
	// NothingDenies: the traffic was rejected, and the rules admit it: they were
	// others then, or the packets came after their connection was closed, which AWS
	// logs as REJECT too. (Mismatch)
	NothingDenies
	// AccessBlocked: as NothingDenies, with reject-reason BPA, VPC Block Public
	// Access. (Mismatch)
	AccessBlocked
	// NotEncrypted: as NothingDenies, with reject-reason EC, encryption control.
	// (Mismatch)
	NotEncrypted
)

// reasons is the number of reasons.
const reasons = int(NotEncrypted) + 1

// String says the reason in a few words.
func (r Reason) String() string { return pick(reasonNames[:], uint8(r), "Reason") }

var (
	kindNames   = [...]string{"not attributable", "initiated", "reply", "rejected", "mismatch"}
	reasonNames = [reasons]string{
		"", "no interface", "unknown interface", "no data", "skipped data", "no action", "missing field",
		"addresses of two families", "not IP", "unknown direction", "not logged by AWS",
		"only way", "TCP flags", "lower port", "unknown peer", "any ICMP type",
		"groups", "ACL", "groups or ACL",
		"nothing admits it", "nothing denies it", "public access blocked", "not encrypted",
	}
)

// Attribution says which rules explain a record. It is filled by
// Network.Attribute, which uses its memory again: keep one for each goroutine.
type Attribution struct {
	// Kind and Reason are the finding. Confident says that nothing else explains
	// the record.
	Kind      Kind
	Reason    Reason
	Confident bool
	// Interface is the id of the interface, "" when it is not known.
	Interface string
	// Direction is that of the record's packets, and Packet what the rules were
	// asked about; for ICMP without type and code.
	Direction netfilter.Direction
	Packet    netfilter.Packet
	// Groups and ACL are what groups and ACL do with Packet; Mirrored is what the
	// groups do with the packet of the other direction, to which this would be the
	// reply. For ICMP it is Unresolved where it depends on type and code, but for
	// accepted traffic Allow where some type and code pass.
	Groups, ACL, Mirrored netfilter.Effect
	// Rules are the rules of groups that admitted the flow, or may have: of a
	// confident attribution one, or none for an interface without groups. The first
	// of several is the most likely. Each has the direction of the packets that it
	// admits, which for a Reply is not the record's.
	Rules []*Rule
	// Entries are the entries of the ACL that decide about Packet, several only for
	// ICMP. There is none when the packets crossed no ACL or it is not known.
	Entries []*Rule

	network *Network
	place   *place
	peer    netip.Addr           // the address on the other side of the interface
	recent  [recents]recentPlace // interfaces by the end of their id
	mark    []uint32             // by rule number, the turn that saw it
	turn    uint32
	memos   [][2]memo // nil in the first turns
}

// recents is the number of interfaces that are found without a map: 5 ns a record
// instead of 20.
const recents = 256

// forward reports whether a rule of Rules was asked about Packet; the others were
// asked about the packet that Packet answers.
func (a *Attribution) forward(r *Rule) bool { return r.Direction == a.Direction }

// reset empties the attribution but keeps its memory.
func (a *Attribution) reset(n *Network) {
	a.Kind, a.Reason, a.Confident, a.Interface, a.Direction = NotAttributable, NoReason, false, "", ingress
	a.Groups, a.ACL, a.Mirrored = netfilter.Deny, netfilter.Deny, netfilter.Deny
	a.Packet, a.Rules, a.Entries = netfilter.Packet{}, a.Rules[:0], a.Entries[:0]
	if a.turn++; a.network != n || a.turn == 0 {
		a.network, a.mark, a.turn, a.recent, a.memos = n, make([]uint32, len(n.rules)), 1, [recents]recentPlace{}, nil
	}
	if a.turn == memoAfter && len(n.rules) > 0 {
		a.memos = make([][2]memo, memoSets)
	}
}

// addRule adds a rule once.
func (a *Attribution) addRule(r *Rule) {
	if r != nil && a.mark[r.number] != a.turn {
		a.mark[r.number] = a.turn
		a.Rules = append(a.Rules, r)
	}
}

func (a *Attribution) addEntry(r *Rule) {
	if r != nil && a.mark[r.number] != a.turn {
		a.mark[r.number] = a.turn
		a.Entries = append(a.Entries, r)
	}
}

// String writes the finding for people.
func (a *Attribution) String() string {
	s := a.Kind.String() + " (" + a.Reason.String() + ")"
	for i, r := range a.Rules {
		s += " " + strconv.Itoa(i+1) + ":" + r.ID
	}
	for _, r := range a.Entries {
		s += " " + r.ID
	}
	return s
}
