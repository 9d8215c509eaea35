// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"fmt"
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

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
