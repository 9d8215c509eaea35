// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"iter"
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Exposure is what the internet can send to one address of an interface.
type Exposure struct {
	// Interface is the id, Instance what it is attached to.
	Interface, Instance string
	// Public is the address that the internet sends to, Private the interface's
	// own; for IPv6 they are one.
	Public, Private netip.Addr
	// Hops are the places passed.
	Hops []Hop
	// Openings are the packets that arrive: disjoint sets, ordered by lowest
	// source and port.
	Openings []Opening
}

// Opening is a set of packets that arrive from the internet, all by the same
// rules.
type Opening struct {
	// Region holds the packets, and in Rules the deciding entry or rule of each
	// ACL and group on the way, in the order met: "acl-1/ingress/100", "sgr-1".
	// Its prefixes may cover addresses that the internet does not have, such as
	// private ones: the others arrive. The VPC's own are left out. The witness is a packet from one of these
	// to the public address.
	netfilter.Region
	// Route is the route that replies to the witness take from the interface's
	// subnet: a table's id, a slash and a destination; "" for none.
	Route string
	// Reply says whether replies to the witness come back.
	Reply Answer
}

// Exposure returns, for each interface and address, everything that the
// internet can send to it: exactly the packets for which Path from the internet
// answers Yes, with effect Allow, or Partly or Unresolved, with effect
// Unresolved. Interfaces that the internet does not reach are left out. It holds
// one interface's answer at a time and a few that many share.
func (s *Snapshot) Exposure() iter.Seq[Exposure] {
	return func(yield func(Exposure) bool) {
		shared := sharedRegions{}
		for _, d := range s.entries() {
			e := Exposure{Interface: d.iface.ID, Instance: d.iface.Instance, Public: d.public, Private: d.private}
			for i, in := range s.waysTo(d) {
				if i == 0 {
					e.Hops = in.hops
				}
				e.Openings = append(e.Openings, s.openings(d, in, shared)...)
			}
			if len(e.Openings) > 0 && !yield(e) {
				return
			}
		}
	}
}

// entry is an address that the internet may send to.
type entry struct {
	iface           *netfilter.Interface
	public, private netip.Addr
}

// entries lists the addresses, in the order of the documents.
func (s *Snapshot) entries() []entry {
	var out []entry
	for i := range s.inv.Interfaces {
		e := &s.inv.Interfaces[i]
		for _, a := range e.Addresses {
			switch {
			case a.Public.IsValid():
				out = append(out, entry{e, a.Public, a.Private})
			case a.Private.Is6() && s.behind(a.Private) != "":
				out = append(out, entry{e, a.Private, a.Private})
			}
		}
	}
	return out
}

// wayTo is a way from the internet to an address: the filters on it, and
// whether it is certain.
type wayTo struct {
	hops   []Hop
	legs   []netfilter.Leg
	hidden bool // the last leg is no rule of anybody's
	answer Answer
}

// waysTo follows the routes to an address, whatever the filters say: several
// ways only where routes are equal.
func (s *Snapshot) waysTo(d entry) []wayTo {
	anyone := netip.AddrFrom4([4]byte{192, 0, 2, 1})
	if d.public.Is6() {
		anyone = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1})
	}
	w := &walk{
		s: s, want: end{iface: d.iface, named: true}, earlier: Yes, forks: new(int), gather: &gatherer{},
		pk: netfilter.Packet{Src: anyone, Dst: d.public, Protocol: netfilter.TCP}, to: 65535,
	}
	w.ports = []span{{0, 65535, netfilter.Allow}}
	w.start(end{internet: true})
	var out []wayTo
	leaves := w.leaves(nil)
	for _, l := range leaves {
		in := wayTo{hops: l.hops, legs: l.gather.all(), hidden: l.gather.way != nil, answer: l.answer()}
		if in.answer != No && len(leaves) > 1 {
			in.answer = Unresolved
		}
		if in.answer != No {
			out = append(out, in)
		}
	}
	return out
}

// sharedRegions keeps the regions of interfaces that have filters in common,
// of the last few.
type sharedRegions map[sharedKey][]netfilter.Region

type sharedKey struct {
	six  bool
	n    int
	legs [3]netfilter.Leg
}

const maxShared = 64

func (m sharedRegions) of(six bool, legs []netfilter.Leg) []netfilter.Region {
	k := sharedKey{six: six, n: len(legs)}
	if copy(k.legs[:], legs) < len(legs) {
		return arriving(netfilter.Admitted(six, legs...))
	}
	r, ok := m[k]
	if !ok {
		if len(m) == maxShared {
			clear(m)
		}
		r = arriving(netfilter.Admitted(six, legs...))
		m[k] = r
	}
	return r
}

// arriving drops sources that the internet does not have, and makes witnesses of
// those that it has.
func arriving(regions []netfilter.Region) []netfilter.Region {
	var out []netfilter.Region
	for _, r := range regions {
		var kept []netip.Prefix
		for _, p := range r.Prefixes {
			if a := firstGlobal(p); a.IsValid() {
				if kept == nil {
					r.Witness.Src = a
				}
				kept = append(kept, p)
			}
		}
		if r.Prefixes = kept; kept != nil {
			out = append(out, r)
		}
	}
	return out
}

func (s *Snapshot) openings(d entry, in wayTo, shared sharedRegions) []Opening {
	var out []Opening
	for _, r := range shared.of(d.public.Is6(), in.legs) {
		if in.hidden {
			r.Rules = r.Rules[:len(r.Rules)-1]
		}
		if in.answer == Unresolved {
			r.Effect = netfilter.Unresolved
		}
		r.Witness.Dst = d.public
		o := Opening{Region: r}
		if t := s.tableOf(d.iface.Subnet, d.iface.VPC); t != nil {
			if best, _ := s.choose(t, r.Witness.Src); len(best) > 0 {
				o.Route = t.id + "/" + best[0].at.String()
			}
		}
		if p, err := s.Path(Endpoint{Internet: true}, Endpoint{Interface: d.iface.ID}, trafficOf(r)); err == nil {
			o.Reply = p.Reply
		}
		out = append(out, o)
	}
	return out
}

// trafficOf asks about the region's packets from the witness's address.
func trafficOf(r netfilter.Region) Traffic {
	w := r.Witness
	t := Traffic{Protocol: w.Protocol, Src: w.Src, Dst: w.Dst, ICMPType: w.ICMPType, ICMPCode: w.ICMPCode}
	if r.FirstProtocol == r.LastProtocol && (w.Protocol == netfilter.TCP || w.Protocol == netfilter.UDP) {
		t.DstPorts = &Ports{r.From, r.To}
	}
	if r.FirstProtocol <= netfilter.TCP && netfilter.TCP <= r.LastProtocol {
		t.Protocol = netfilter.TCP
	}
	return t
}

// firstGlobal returns the lowest address of the block that the internet may
// have, invalid when there is none.
func firstGlobal(p netip.Prefix) netip.Addr {
	for a := p.Addr(); p.Contains(a); {
		if global(a) {
			return a
		}
		next := a
		for _, b := range reserved {
			if b.Contains(a) {
				next = last(b)
			}
		}
		a = next.Next()
	}
	return netip.Addr{}
}

// reserved are the blocks that global refuses.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"),
}

// last returns the last address of the block.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
