// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"encoding/binary"
	"math"
	"net/netip"
)

// quick is a format as nearly all of its lines are read: by sorts of fields, each
// in a loop of its own, not one after the other by a switch.
type quick struct {
	numbers, addresses, words []quickField
	all                       uint32 // bits 1<<kind
}

// quickField is a field by its place in the line.
type quickField struct {
	at   uint8
	kind kind
}

func (q *quick) add(at int, k kind) {
	q.all |= 1 << k
	switch f := (quickField{uint8(at), k}); {
	case k == kindText || k == kindTag:
	case k <= lastNumber:
		q.numbers = append(q.numbers, f)
	case k <= lastAddress:
		q.addresses = append(q.addresses, f)
	default:
		q.words = append(q.words, f)
	}
}

// readQuick reads a line into r if it is one as nearly all are, and reports whether it
// did. The line must have slack behind it.
func (f *Format) readQuick(line []byte, r *Record, s *starts) bool {
	if len(line) >= window || len(f.kinds) > mostFields || cap(line) < len(view{}) {
		return false
	}
	v := (*view)(line[:len(view{})])
	r.text, r.present = line, f.quick.all
	if f.header == defaultFields && r.readDefault(line, v) {
		return true
	}
	if !s.find(v, len(line), len(f.kinds)) {
		return false
	}
	return r.quickNumbers(v, s, f.quick.numbers) && r.quickAddresses(v, s, f.quick.addresses) &&
		r.quickWords(v, s, f.quick.words) && f.checkVersion(r).why == ""
}

// absent reports whether a field is "-".
func (v *view) absent(pos, end int) bool { return end == pos+1 && v[pos&(window-1)] == '-' }

// mostOf is the greatest number of each kind.
var mostOf = [16]uint64{
	kindCount: math.MaxUint64, kindVersion: math.MaxUint8, kindSrcPort: math.MaxUint16, kindDstPort: math.MaxUint16,
	kindProtocol: math.MaxUint8, kindPackets: math.MaxUint64, kindBytes: math.MaxUint64, kindStart: math.MaxInt64,
	kindEnd: math.MaxInt64, kindFlags: math.MaxUint16, kindPath: math.MaxUint8,
}

func (r *Record) quickNumbers(v *view, s *starts, fields []quickField) bool {
	var values [16]uint64
	for _, f := range fields {
		pos, end := s.field(f.at)
		value, ok := v.number(pos, end-pos)
		if !ok || value > mostOf[f.kind&15] {
			if !v.absent(pos, end) {
				return false
			}
			r.present &^= 1 << f.kind
			continue
		}
		values[f.kind&15] = value
	}
	r.Version, r.Protocol = uint8(values[kindVersion]), protocol(values[kindProtocol])
	r.SrcPort, r.DstPort = uint16(values[kindSrcPort]), uint16(values[kindDstPort])
	r.Packets, r.Bytes = values[kindPackets], values[kindBytes]
	r.Start, r.End = int64(values[kindStart]), int64(values[kindEnd])
	r.TCPFlags, r.TrafficPath = uint16(values[kindFlags]), uint8(values[kindPath])
	return true
}

func (r *Record) quickAddresses(v *view, s *starts, fields []quickField) bool {
	for _, f := range fields {
		pos, end := s.field(f.at)
		value, next, ok := v.dottedAt(pos)
		a := addr4(value)
		if !ok || next != end+1 {
			a = netip.Addr{}
			if v.absent(pos, end) {
				r.present &^= 1 << f.kind
			} else if a, ok = parse6(r.text[pos:end]); !ok {
				return false
			}
			a = a.Unmap()
		}
		switch f.kind {
		case kindSrc:
			r.Src = a
		case kindDst:
			r.Dst = a
		case kindPacketSrc:
			r.PacketSrc = a
		default:
			r.PacketDst = a
		}
	}
	return true
}

func (r *Record) quickWords(v *view, s *starts, fields []quickField) bool {
	for _, f := range fields {
		pos, end := s.field(f.at)
		switch f.kind {
		case kindInterface:
			r.Interface = r.text[pos:end:end]
		case kindAction:
			if r.quickAction(v.eight(pos)) {
				continue
			}
		case kindStatus:
			if v.eight(pos)&(1<<24-1) == 'O'|'K'<<8|' '<<16 {
				r.Status = OK
				continue
			}
		}
		if v.absent(pos, end) {
			r.forget(f.kind)
		} else if f.kind != kindInterface && r.readWord(r.text[pos:end], f.kind) != "" {
			return false
		}
	}
	return true
}

// quickAction compares the seven bytes of either word at once.
func (r *Record) quickAction(w uint64) bool {
	switch w & (1<<56 - 1) {
	case 'A' | 'C'<<8 | 'C'<<16 | 'E'<<24 | 'P'<<32 | 'T'<<40 | ' '<<48:
		r.Action = Accept
	case 'R' | 'E'<<8 | 'J'<<16 | 'E'<<24 | 'C'<<32 | 'T'<<40 | ' '<<48:
		r.Action = Reject
	default:
		return false
	}
	return true
}

// forget takes a word away that the line does not have.
func (r *Record) forget(k kind) {
	r.present &^= 1 << k
	switch k {
	case kindInterface:
		r.Interface = nil
	case kindAction:
		r.Action = NoAction
	case kindStatus:
		r.Status = NoStatus
	case kindType:
		r.Type = NoType
	case kindDirection:
		r.Direction, r.Directed = ingress, false
	}
}

func addr4(v uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

// tail is the length of what ends nearly all lines of the default format: two times
// of ten digits, ACCEPT or REJECT, and OK.
const tail = len("1700000000 1700000060 ACCEPT OK")

// readDefault reads a line of the default format, of a version 2 record with data of
// IPv4, straight from its begin and from its end, which has one length. It knows
// the order of the fields, and needs half of the time of the loops.
func (r *Record) readDefault(line []byte, v *view) bool {
	last := len(line) - tail
	if last < 0 || v[0] != '2' || v[1] != ' ' || v[(last+10)&(window-1)] != ' ' || v[(last+21)&(window-1)] != ' ' {
		return false
	}
	from, ok := v.number(last, 10)
	to, good := v.number(last+11, 10)
	account := v.space(2)
	iface := v.space(account + 1)
	if !ok || !good || account == 2 || iface > last || iface-account < 3 {
		return false
	}
	src, pos, ok := v.dottedAt(iface + 1)
	dst, pos, good := v.dottedAt(pos)
	sport, pos, ok2 := v.numberAt(pos)
	dport, pos, ok3 := v.numberAt(pos)
	proto, pos, ok4 := v.numberAt(pos)
	packets, pos, ok5 := v.numberAt(pos)
	if !ok || !good || !ok2 || !ok3 || !ok4 || !ok5 || pos >= last-1 {
		return false
	}
	size, ok := v.number(pos, last-1-pos)
	if !ok || sport|dport > math.MaxUint16 || proto > math.MaxUint8 || v[(last-1)&(window-1)] != ' ' ||
		!r.quickAction(v.eight(last+22)) || v.eight(last+29)&(1<<24-1) != 'O'|'K'<<8|' '<<16 {
		return false
	}
	r.Interface = line[account+1 : iface : iface]
	r.Src, r.Dst = addr4(src), addr4(dst)
	r.SrcPort, r.DstPort, r.Protocol, r.Version, r.Status = uint16(sport), uint16(dport), protocol(proto), 2, OK
	r.Packets, r.Bytes, r.Start, r.End = packets, size, int64(from), int64(to)
	return true
}
