// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"fmt"
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

// end is an end point, looked up.
type end struct {
	iface    *netfilter.Interface
	addr     netip.Addr
	internet bool
	named    bool // by interface, so that arriving elsewhere is a miss
}

func (s *Snapshot) end(e Endpoint) (end, error) {
	switch {
	case e.Interface != "":
		if i := s.interfaces[e.Interface]; i != nil {
			return end{iface: i, named: true}, nil
		}
		on := s.instances[e.Interface]
		if len(on) > 1 {
			return end{}, fmt.Errorf("%w: %.64q has several interfaces: name one", ErrQuery, e.Interface)
		}
		if len(on) == 0 {
			return end{}, fmt.Errorf("%w: there is no interface %.64q", ErrQuery, e.Interface)
		}
		return end{iface: on[0], named: true}, nil
	case e.Internet:
		return end{internet: true}, nil
	case e.Addr.IsValid() && e.Addr.Zone() == "":
		return s.endOf(e.Addr.Unmap())
	}
	return end{}, fmt.Errorf("%w: an end point needs an interface, an address or the internet", ErrQuery)
}

// endOf finds the interface with the address; one outside is external, and a
// public one is in the internet.
func (s *Snapshot) endOf(a netip.Addr) (end, error) {
	var found *netfilter.Interface
	for _, vpc := range s.places {
		if x := s.owner(vpc, a); x != nil {
			if found != nil {
				return end{}, fmt.Errorf("%w: %s is in several VPCs: name the interface", ErrQuery, a)
			}
			found = x
		}
	}
	if found != nil {
		return end{iface: found, addr: a}, nil
	}
	if x := s.public[a]; x != nil {
		return end{iface: x, addr: a}, nil
	}
	return end{addr: a, internet: s.covering(a) == "" && global(a)}, nil
}

// addresses fills in the packet.
func (w *walk) addresses(a, b end, t Traffic) error {
	p := &w.pk
	p.Protocol, p.ICMPType, p.ICMPCode = t.Protocol, t.ICMPType, t.ICMPCode
	p.Src, p.Dst = t.Src.Unmap(), t.Dst.Unmap()
	if !p.Src.IsValid() {
		p.Src = a.addr
	}
	if !p.Dst.IsValid() {
		p.Dst = b.addr
	}
	six := p.Src.Is6() || p.Dst.Is6() || t.Protocol == netfilter.ICMPv6
	for _, e := range []*netfilter.Interface{a.iface, b.iface} {
		six = six || e != nil && !p.Src.Is4() && !p.Dst.Is4() && !primary(e, false).IsValid()
	}
	if !p.Src.IsValid() && a.iface != nil {
		p.Src = primary(a.iface, six)
	}
	if !p.Dst.IsValid() && b.iface != nil {
		p.Dst = primary(b.iface, six)
		if x := translated(b.iface, p.Dst); x.IsValid() && a.internet {
			p.Dst = x
		}
	}
	if a.iface != nil && !owns(a.iface, p.Src) {
		for _, x := range a.iface.Addresses {
			if x.Public == p.Src {
				p.Src = x.Private // a sender knows its private address only
			}
		}
	}
	if err := p.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrQuery, err)
	}
	w.client, w.from, w.to = Ports{1024, 65535}, 0, 65535
	if t.SrcPorts != nil {
		w.client = *t.SrcPorts
	}
	if t.DstPorts != nil {
		w.from, w.to = t.DstPorts.From, t.DstPorts.To
	}
	if w.from > w.to || w.client.From > w.client.To {
		return fmt.Errorf("%w: a range of ports ends before it begins", ErrQuery)
	}
	p.SrcPort = w.client.From
	w.ports = []span{{w.from, w.to, netfilter.Allow}}
	return nil
}

func primary(e *netfilter.Interface, six bool) netip.Addr {
	if !six && e.Primary.IsValid() {
		return e.Primary
	}
	for _, a := range e.Addresses {
		if a.Private.Is6() == six {
			return a.Private
		}
	}
	return netip.Addr{}
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
