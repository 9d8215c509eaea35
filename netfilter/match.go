// SPDX-License-Identifier: Apache-2.0

package netfilter

// transport is the part of a rule that looks at protocol, ports, type and
// code, after all checks.
type transport struct {
	kind     transportKind
	protocol Protocol
	// a and b are the first and last port, or type and code with -1 for any.
	a, b int32
}

type transportKind uint8

const (
	anyProtocol   transportKind = iota // every packet
	wholeProtocol                      // every packet of the protocol
	portRange                          // destination port from a to b
	typeAndCode                        // ICMP type a, code b
)

// keySpan is an inclusive range of transport keys (see Packet.l4).
type keySpan struct{ lo, hi uint32 }

// maxKey is the highest transport key.
const maxKey = 1<<24 - 1

// spans appends the keys the transport matches, as disjoint ranges in order:
// one range, except for one code of any type, which is 256.
func (t transport) spans(dst []keySpan) []keySpan {
	base := uint32(t.protocol) << 16
	switch t.kind {
	case anyProtocol:
		return append(dst, keySpan{0, maxKey})
	case wholeProtocol:
		return append(dst, keySpan{base, base | 0xffff})
	case portRange:
		return append(dst, keySpan{base | uint32(t.a), base | uint32(t.b)})
	}
	switch {
	case t.a < 0 && t.b < 0:
		return append(dst, keySpan{base, base | 0xffff})
	case t.b < 0:
		return append(dst, keySpan{base | uint32(t.a)<<8, base | uint32(t.a)<<8 | 0xff})
	case t.a >= 0:
		key := base | uint32(t.a)<<8 | uint32(t.b)
		return append(dst, keySpan{key, key})
	}
	for typ := range uint32(256) {
		key := base | typ<<8 | uint32(t.b)
		dst = append(dst, keySpan{key, key})
	}
	return dst
}

// fault says which field of a transport refuses the packet, "" for none.
func (t transport) fault(p *Packet) string {
	switch {
	case t.kind == anyProtocol:
		return ""
	case p.Protocol != t.protocol:
		return "protocol"
	case t.kind == portRange && (int32(p.DstPort) < t.a || int32(p.DstPort) > t.b):
		return "port"
	case t.kind == typeAndCode && t.a >= 0 && int32(p.ICMPType) != t.a:
		return "type"
	case t.kind == typeAndCode && t.b >= 0 && int32(p.ICMPCode) != t.b:
		return "code"
	}
	return ""
}
