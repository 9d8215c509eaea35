// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"net/netip"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Answer says whether packets arrive.
type Answer uint8

// The answers.
const (
	// No: no packet of the question arrives.
	No Answer = iota
	// Yes: all of them do.
	Yes
	// Partly: some ports do, or some of several equal routes.
	Partly
	// Unresolved: it depends on something that the snapshot does not hold.
	Unresolved
)

// String returns "no", "yes", "partly" or "unresolved".
func (a Answer) String() string {
	if int(a) < len(answers) {
		return answers[a]
	}
	return "unresolved"
}

var answers = [...]string{"no", "yes", "partly", "unresolved"}

// MarshalText writes what String returns.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// and combines two legs of one way.
func (a Answer) and(b Answer) Answer {
	switch {
	case a == No || b == No:
		return No
	case a == Unresolved || b == Unresolved:
		return Unresolved
	case a == Partly || b == Partly:
		return Partly
	}
	return Yes
}

// Endpoint is one end of a path: exactly one field is set.
type Endpoint struct {
	// Interface is the id of a network interface, or of an instance with one.
	Interface string
	// Addr is an address: an interface's, or one outside the snapshot.
	Addr netip.Addr
	// Internet is any place in the internet; the Traffic says which address.
	Internet bool
}

// Traffic says which packets a question is about.
type Traffic struct {
	// Protocol is the IP protocol.
	Protocol netfilter.Protocol
	// Src and Dst are the addresses; an invalid one is taken from the end point.
	Src, Dst netip.Addr
	// SrcPorts and DstPorts are the ports of TCP and UDP; nil means 1024 to 65535
	// for the source, all for the destination.
	SrcPorts, DstPorts *Ports
	// ICMPType and ICMPCode are those of ICMP and ICMPv6.
	ICMPType, ICMPCode uint8
}

// Ports is a range of ports, both ends included.
type Ports struct {
	// From and To are the first and the last port.
	From, To uint16
}

// Hop is a place that packets pass.
type Hop struct {
	// Kind is eni, subnet, vpc, igw, nat, eigw, pcx, tgw, vgw, vpce, internet,
	// aws-services or external.
	Kind string
	// ID is the component's id; Instance that of an eni's instance.
	ID, Instance string
}

// Block is one reason why packets do not get on.
type Block struct {
	// Code says what it is, RA how AWS Reachability Analyzer names it, if it does.
	Code Code
	RA   string
	// At is a group id; an ACL's id, a slash and the entry's number or "*"; a
	// route table's id, a slash and a destination; or a component's id.
	At string
	// Fix is the one rule or route that would lift it, in words; "" where it takes
	// more.
	Fix string
	// Reply says that the block is in the way of the reply.
	Reply bool
	// Hop is the index of the last hop passed, in Hops or for a reply's block in
	// ReplyHops.
	Hop int
}

// Path is the answer to a question.
type Path struct {
	// Reachable is about the way out, Reply about the way back. Reply is No when
	// Reachable is.
	Reachable, Reply Answer
	// Hops are the places passed, as far as the path was followed; ReplyHops those
	// of the way back.
	Hops, ReplyHops []Hop
	// Blocks are all blocks found, in the order met. There is none when Reachable
	// is Yes and Reply is not No; with Unresolved they are those that are certain.
	Blocks []Block
	// Ignored names the factors of which the snapshot says nothing, so that they
	// were not considered.
	Ignored []string
}

// Path follows packets from one end to the other, and the replies back. A
// question that cannot be asked is an error that wraps ErrQuery; packets that
// do not arrive are no error.
func (s *Snapshot) Path(from, to Endpoint, t Traffic) (Path, error) {
	a, err := s.end(from)
	if err != nil {
		return Path{}, err
	}
	b, err := s.end(to)
	if err != nil {
		return Path{}, err
	}
	w := &walk{s: s, want: b, earlier: Yes, forks: new(int)}
	if err := w.addresses(a, b, t); err != nil {
		return Path{}, err
	}
	w.start(a)
	return s.settle(w.leaves(nil), a), nil
}

// settle sums up the walks along equal routes, and their replies.
func (s *Snapshot) settle(ways []*walk, a end) Path {
	p := Path{Reachable: sum(ways), Ignored: s.ignored()}
	best := ways[0]
	for _, w := range ways {
		if best.answer() == No {
			best = w
		}
		if p.Reachable == Partly {
			p.Blocks = join(p.Blocks, w.blocks)
		}
	}
	p.Hops = best.hops
	if p.Reachable != Partly {
		p.Blocks = slices.Clone(best.blocks)
	}
	var replies []Answer
	forks := 0
	for _, w := range ways {
		if w.answer() == No {
			continue
		}
		backs := w.back(a, &forks).leaves(nil)
		reply := sum(backs)
		if w.answer() == Unresolved && reply != No {
			reply = Unresolved
		}
		replies = append(replies, reply)
		for _, b := range backs {
			p.Blocks = join(p.Blocks, b.blocks)
		}
		if w == best {
			p.ReplyHops = backs[0].hops
		}
	}
	p.Reply = oneOf(replies)
	if p.Reachable == Yes && p.Reply != No {
		p.Blocks = nil
	}
	return p
}

// join appends the blocks that are not there yet.
func join(blocks, more []Block) []Block {
	for _, b := range more {
		if !slices.ContainsFunc(blocks, b.same) {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// same reports whether two blocks are one, wherever they are met.
func (b Block) same(o Block) bool {
	o.Hop = b.Hop
	return b == o
}

// sum is what several equal ways come to.
func sum(ways []*walk) Answer {
	var each []Answer
	for _, w := range ways {
		each = append(each, w.answer())
	}
	return oneOf(each)
}

// oneOf is the answer when one of several ways is taken, unknown which; No when
// there is none.
func oneOf(each []Answer) Answer {
	out := No
	for i, a := range each {
		switch {
		case a == Unresolved:
			return a
		case i == 0:
			out = a
		case a != out:
			out = Partly
		}
	}
	return out
}

// ignored lists the optional factors that the snapshot lacks.
func (s *Snapshot) ignored() []string {
	var out []string
	for _, f := range [][2]string{
		{"Reservations", "instance state"},
		{"InternetGateways", "internet gateway state"},
		{"VpcBlockPublicAccessOptions", "VPC Block Public Access"},
		{"VpcEncryptionControls", "encryption control"},
	} {
		if !s.seen[f[0]] {
			out = append(out, f[1])
		}
	}
	return out
}
