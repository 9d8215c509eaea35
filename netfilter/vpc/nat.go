// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

// nat64 is the well-known prefix of RFC 6052.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// natAt returns the NAT gateway whose interface this is.
func (w *walk) natAt(e *netfilter.Interface) (nat, bool) {
	if e == nil {
		return nat{}, false
	}
	n, ok := w.s.nats[w.s.natOf[e.ID]]
	return n, ok
}

// isNAT reports whether the interface is a NAT gateway's, which has no
// groups of its own whatever the documents list.
func (s *Snapshot) isNAT(e *netfilter.Interface) bool {
	_, ok := s.natOf[e.ID]
	return ok
}

// nat translates the packet and sends it on.
func (w *walk) nat(id, at, from, vpc string) {
	n, ok := w.s.nats[id]
	if !ok || w.gather != nil {
		w.hop("nat", id)
		if !ok && w.s.seen["NatGateways"] {
			w.stop(State, id, "replace the route "+at)
			return
		}
		w.vanish()
		return
	}
	if w.reply {
		w.hop("nat", id)
		w.stop(RouteMismatch, at, "")
		return
	}
	if !n.regional && from != n.subnet {
		w.acl(n.subnet, n.vpc, netfilter.Ingress, ACLIn)
		w.hop("subnet", n.subnet)
	}
	w.hop("nat", id)
	if !ready(n.state) {
		w.deny(State, id, "")
	}
	if n.vpc != vpc {
		w.deny(NotTransitive, id, "")
	}
	w.encrypted(vpc, natKind)
	w.natProtocol(id)
	switch {
	case w.pk.Dst.Is6() && !nat64.Contains(w.pk.Dst):
		w.stop(RouteMismatch, at, "")
	case n.regional || !n.private.IsValid():
		w.vanish()
	default:
		w.translate(n)
	}
}

// natProtocol refuses what a NAT gateway does not carry.
func (w *walk) natProtocol(id string) {
	switch w.pk.Protocol {
	case netfilter.TCP, netfilter.UDP, netfilter.ICMP:
		return
	case netfilter.ICMPv6:
		if nat64.Contains(w.pk.Dst) {
			return
		}
	}
	w.deny(NATProtocol, id, "")
}

// translate changes the source, for NAT64 the family, and sends the packet on.
func (w *walk) translate(n nat) {
	w.natted = append(w.natted, origin{n.id, w.pk, w.client})
	if w.pk.Dst.Is6() {
		b := w.pk.Dst.As16()
		w.pk.Dst = netip.AddrFrom4([4]byte(b[12:]))
		if w.pk.Protocol == netfilter.ICMPv6 {
			w.pk.Protocol = netfilter.ICMP
			if w.pk.ICMPType == 128 {
				w.pk.ICMPType = 8
			}
		}
	}
	w.pk.Src, w.client = n.private, Ports{1024, 65535}
	w.leave(w.s.interfaces[n.iface], n.subnet, n.vpc)
}

// natArrive gives a packet for a NAT gateway back to the client it is for.
func (w *walk) natArrive(id string) {
	n := w.s.nats[id]
	for i := len(w.natted) - 1; w.reply && i >= 0; i-- {
		if o := w.natted[i]; o.nat == id {
			w.pk = o.pk.Reply()
			w.earlier, w.client = w.leg(), o.client
			w.from, w.to = o.client.From, o.client.To
			w.ports = []span{{w.from, w.to, netfilter.Allow}}
			w.leave(w.s.interfaces[n.iface], n.subnet, n.vpc)
			return
		}
	}
	w.stop(NATUnsolicited, id, "")
}
