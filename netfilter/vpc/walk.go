// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"net/netip"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// maxHops bounds a path, maxForks the equal routes tried for one question: more
// are in doubt.
const (
	maxHops  = 64
	maxForks = 64
)

// walk follows one packet. Its addresses are those seen where it is.
type walk struct {
	s         *Snapshot
	pk        netfilter.Packet
	client    Ports // source ports of the flow
	from, to  uint16
	ports     []span
	earlier   Answer // of legs before a translation of ports
	want      end
	reply     bool
	hops      []Hop
	blocks    []Block
	seen      []state
	natted    []origin
	unsure    bool // some choice of way is not known
	stopped   bool
	forwarded bool                 // by an interface that neither sent it nor is its destination
	far       bool                 // more hops than a path may have
	last      *netfilter.Interface // arrived at
	place     string               // or: internet, aws-services, external
	vpc       string               // where the packet left for place
	zone      string               // of the subnet last left
	others    []*walk              // along other equal routes
	forks     *int                 // equal routes tried so far
	gather    *gatherer            // when set, filters are gathered and not asked
}

// state is a place and a packet: met twice, it is a loop.
type state struct {
	at       string // a subnet, a gateway with a table of its own, or a transit gateway and the attachment that led to it
	src, dst netip.Addr
}

// origin is the packet as a NAT gateway took it.
type origin struct {
	nat    string
	pk     netfilter.Packet
	client Ports
}

func (w *walk) hop(kind, id string) { w.pass(Hop{Kind: kind, ID: id}) }

// pass notes a hop; one too many is in the way.
func (w *walk) pass(h Hop) {
	switch {
	case len(w.hops) < maxHops:
		w.hops = append(w.hops, h)
	case !w.far:
		w.deny(Loop, h.ID, "")
		w.far = true
	}
}

// ends reports whether the walk ends at a place: the packet has been there as it
// is, or has gone too far.
func (w *walk) ends(place, id string) bool {
	k := state{place, w.pk.Src, w.pk.Dst}
	switch {
	case w.far:
		w.stopped = true
	case slices.Contains(w.seen, k):
		w.stop(Loop, id, "")
	default:
		w.seen = append(w.seen, k)
		return false
	}
	return true
}

// at notes an interface; a NAT gateway's stands for the gateway.
func (w *walk) at(e *netfilter.Interface) {
	if id, ok := w.s.natOf[e.ID]; ok {
		w.hop("nat", id)
		return
	}
	w.pass(Hop{Kind: "eni", ID: e.ID, Instance: e.Instance})
}

// vanish ends the walk where it is not known what happens.
func (w *walk) vanish() {
	w.doubt()
	w.stopped = true
}

func (w *walk) block(b Block) {
	if !w.unsure {
		b.Reply, b.Hop = w.reply, max(0, len(w.hops)-1)
		w.blocks = join(w.blocks, []Block{b})
	}
}

// deny records a block of every port; the walk may go on to find more.
func (w *walk) deny(c Code, at, fix string) {
	w.denyAs(c, c.RA(), at, fix)
}

func (w *walk) denyAs(c Code, ra, at, fix string) {
	w.block(Block{Code: c, RA: ra, At: at, Fix: fix})
	if w.unsure {
		return
	}
	for i := range w.ports {
		w.ports[i].effect = netfilter.Deny
	}
}

// stop ends the walk where no way leads on.
func (w *walk) stop(c Code, at, fix string) {
	w.deny(c, at, fix)
	w.stopped = true
}

// doubt says that what follows is one of several possibilities.
func (w *walk) doubt() { w.unsure = w.unsure || w.leg() != No }

func (w *walk) leg() Answer { return w.earlier.and(legAnswer(w.ports)) }

func (w *walk) answer() Answer {
	if w.unsure {
		return Unresolved
	}
	if w.stopped {
		return No
	}
	return w.leg()
}

// leaves returns the walk and those along other equal routes.
func (w *walk) leaves(out []*walk) []*walk {
	out = append(out, w)
	for _, o := range w.others {
		out = o.leaves(out)
	}
	return out
}

// fork returns a copy of the walk for another of several equal ways, nil when
// too many have been tried.
func (w *walk) fork() *walk {
	if *w.forks++; *w.forks > maxForks {
		w.doubt()
		return nil
	}
	c := *w
	c.ports, c.hops, c.blocks = slices.Clone(w.ports), slices.Clone(w.hops), slices.Clone(w.blocks)
	c.seen, c.natted = slices.Clone(w.seen), slices.Clone(w.natted)
	c.others, c.gather = nil, w.gather.clone()
	w.others = append(w.others, &c)
	return &c
}

// start begins at an end point.
func (w *walk) start(a end) {
	switch {
	case a.iface != nil:
		w.send(a.iface)
	case a.internet:
		w.hop("internet", "internet")
		w.enter()
	default:
		if w.s.covering(w.pk.Src) != "" {
			w.stop(NoSuchAddress, w.pk.Src.String(), "")
			return
		}
		w.hop("external", w.pk.Src.String())
		w.unsure = true
	}
}

// send lets an interface emit a packet of its own.
func (w *walk) send(e *netfilter.Interface) {
	w.at(e)
	w.state(e)
	if !owns(e, w.pk.Src) && !e.NoCheck {
		w.deny(SrcDstCheck, e.ID, "turn the source/destination check of "+e.ID+" off")
	}
	w.group(e, netfilter.Egress)
	w.leave(e, e.Subnet, e.VPC)
}

// state checks the interface and its instance (NET-52).
func (w *walk) state(e *netfilter.Interface) {
	switch e.Status {
	case "attaching", "detaching":
		w.deny(State, e.ID, "")
	}
	if st := w.s.states[e.Instance]; st != "" && st != "running" {
		w.deny(State, e.Instance, "")
	}
	if id := w.s.endpointOf[e.ID]; !ready(w.s.endpoints[id].state) {
		w.deny(State, id, "")
	}
}

// ready reports whether a component's state lets traffic pass; an absent one does.
func ready(state string) bool {
	switch state {
	case "", "available", "Available", "attached", "active":
		return true
	}
	return false
}

// leave lets a packet out of a subnet. e is what emits it, nil for a gateway.
func (w *walk) leave(e *netfilter.Interface, subnet, vpc string) {
	if w.ends(subnet, subnet) {
		return
	}
	w.zone = w.s.subnets[subnet].zone
	if near := w.s.owner(vpc, w.pk.Dst); near != nil && near.Subnet == subnet {
		if !w.reply && e != nil && w.classic(e) {
			w.acl(subnet, vpc, netfilter.Egress, ELBACL)
		}
		w.arrive(near, subnet)
		return
	}
	if _, ok := w.exempt(vpc); ok && !w.reply {
		w.acl(subnet, vpc, netfilter.Egress, ACLOut)
		w.reach("aws-services", "aws-services", vpc)
		return
	}
	w.hop("subnet", subnet)
	t := w.s.tableOf(subnet, vpc)
	if t == nil {
		w.acl(subnet, vpc, netfilter.Egress, ACLOut)
		w.vanish()
		return
	}
	w.route(e, t, subnet, vpc)
}

// classic reports whether the interface is a Classic Load Balancer's (NET-33).
func (w *walk) classic(e *netfilter.Interface) bool {
	l := w.s.labels[e.ID]
	return has(l, "ELB ") && !has(l, "ELB app/", "ELB net/", "ELB gwy/")
}

// arrive brings the packet from a subnet, "" for a gateway, to an interface.
func (w *walk) arrive(e *netfilter.Interface, from string) {
	if from != e.Subnet {
		w.acl(e.Subnet, e.VPC, netfilter.Ingress, ACLIn)
		w.hop("subnet", e.Subnet)
	}
	w.at(e)
	if id, ok := w.s.natOf[e.ID]; ok {
		w.natArrive(id)
		return
	}
	w.state(e)
	w.group(e, netfilter.Ingress)
	if owns(e, w.pk.Dst) {
		w.last, w.vpc = e, e.VPC
		if w.reply && w.want.internet || w.want.named && w.want.iface != e {
			w.stop(NoSuchAddress, e.ID, "")
		}
		return
	}
	if !e.NoCheck {
		w.deny(SrcDstCheck, e.ID, "turn the source/destination check of "+e.ID+" off")
	}
	w.forwarded = true
	w.group(e, netfilter.Egress)
	w.leave(e, e.Subnet, e.VPC)
}

// back walks the replies. forks counts the equal routes of all of them. Where the
// way out is in doubt the way back is: it may begin elsewhere, and with other
// addresses.
func (w *walk) back(a end, forks *int) *walk {
	b := &walk{
		s: w.s, pk: w.pk.Reply(), client: w.client, want: end{internet: a.internet, iface: a.iface, named: a.iface != nil}, reply: true, earlier: Yes, forks: forks,
		from: w.client.From, to: w.client.To, natted: w.natted,
	}
	b.ports = []span{{b.from, b.to, netfilter.Allow}}
	switch {
	case w.unsure || a.iface == nil && !a.internet:
		b.unsure = true
	case w.last != nil:
		b.send(w.last)
	case w.place == "internet":
		b.hop("internet", "internet")
		b.enter()
	case w.place == "aws-services":
		b.hop("aws-services", "aws-services")
		if e := w.s.owner(w.vpc, b.pk.Dst); e != nil {
			b.arrive(e, "")
		} else {
			b.unsure = true
		}
	default:
		b.unsure = true
	}
	return b
}
