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
	if f.plain && r.readDefault(line) {
		return true
	}
	if len(line) >= window || len(f.kinds) > mostFields || cap(line) < len(view{}) {
		return false
	}
	v := (*view)(line[:len(view{})])
	r.text, r.present = line, f.quick.all
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

// quickAction compares the seven bytes of either word at once, without a branch that
// rejected records among others would make the processor mistake.
func (r *Record) quickAction(w uint64) bool {
	const (
		accept = 'A' | 'C'<<8 | 'C'<<16 | 'E'<<24 | 'P'<<32 | 'T'<<40 | ' '<<48
		reject = 'R' | 'E'<<8 | 'J'<<16 | 'E'<<24 | 'C'<<32 | 'T'<<40 | ' '<<48
	)
	w &= 1<<56 - 1
	action := Action(bit(w == accept) | bit(w == reject)<<1)
	if action == NoAction {
		return false
	}
	r.Action = action
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
