// SPDX-License-Identifier: Apache-2.0

package flowlog

import "math"

// fault is what is wrong with a line: at which byte, in which field, and why.
type fault struct {
	pos, field int // field -1: the whole line
	why        string
}

// fieldEnd returns the position of the space that ends the field at pos.
func fieldEnd(line []byte, pos int) int {
	for pos < len(line) && line[pos] != ' ' {
		pos++
	}
	return pos
}

// parse reads a line into r, which keeps a reference to it. why is "" when there
// is no fault.
//
// The fields of a line are read once, from left to right, each by its kind: at
// 5 million records a second there are some 15 ns for a field.
func (f *Format) parse(line []byte, r *Record) fault {
	*r = Record{Line: r.Line, format: f, text: line}
	pos := 0
	for i, k := range f.kinds {
		for pos < len(line) && line[pos] == ' ' {
			pos++
		}
		if pos == len(line) {
			return fault{pos, i, "the line has too few fields"}
		}
		if line[pos] == '-' && (pos+1 == len(line) || line[pos+1] == ' ') {
			pos++
			continue
		}
		next, why := r.read(line, pos, k)
		if why != "" {
			return fault{pos, i, why}
		}
		r.present |= 1 << k
		pos = next
	}
	for pos < len(line) && line[pos] == ' ' {
		pos++
	}
	if pos < len(line) {
		return fault{pos, -1, "the line has too many fields"}
	}
	return f.checkVersion(r)
}

// checkVersion compares the record's version with that of its fields, which AWS
// makes equal: another one means another format.
func (f *Format) checkVersion(r *Record) fault {
	if !r.has(kindVersion) || r.Version == f.version || f.unknown && r.Version > f.version {
		return fault{}
	}
	for i, k := range f.kinds {
		if k == kindVersion {
			return fault{0, i, "the version is not that of the format's fields"}
		}
	}
	return fault{}
}

// read reads the value of one field at pos and returns where it ends.
func (r *Record) read(line []byte, pos int, k kind) (next int, why string) {
	var v uint64
	ok := true
	switch k {
	case kindText, kindTag:
		return fieldEnd(line, pos), ""
	case kindInterface:
		next = fieldEnd(line, pos)
		r.Interface = line[pos:next:next]
		return next, ""
	case kindSrc:
		r.Src, next, ok = address(line, pos)
	case kindDst:
		r.Dst, next, ok = address(line, pos)
	case kindPacketSrc:
		r.PacketSrc, next, ok = address(line, pos)
	case kindPacketDst:
		r.PacketDst, next, ok = address(line, pos)
	case kindSrcPort:
		v, next, why = number(line, pos, math.MaxUint16)
		r.SrcPort = uint16(v)
	case kindDstPort:
		v, next, why = number(line, pos, math.MaxUint16)
		r.DstPort = uint16(v)
	case kindProtocol:
		v, next, why = number(line, pos, math.MaxUint8)
		r.Protocol = protocol(v)
	case kindPackets:
		r.Packets, next, why = number(line, pos, math.MaxUint64)
	case kindBytes:
		r.Bytes, next, why = number(line, pos, math.MaxUint64)
	case kindStart:
		v, next, why = number(line, pos, math.MaxInt64)
		r.Start = int64(v)
	case kindEnd:
		v, next, why = number(line, pos, math.MaxInt64)
		r.End = int64(v)
	default:
		return r.readRare(line, pos, k)
	}
	if !ok {
		return next, "not an address without a zone"
	}
	return next, why
}

// readRare reads the fields that stand in fewer formats, and the short words.
func (r *Record) readRare(line []byte, pos int, k kind) (next int, why string) {
	var v uint64
	switch k {
	case kindVersion:
		v, next, why = number(line, pos, math.MaxUint8)
		r.Version = uint8(v)
	case kindFlags:
		v, next, why = number(line, pos, math.MaxUint16)
		r.TCPFlags = uint16(v)
	case kindPath:
		v, next, why = number(line, pos, math.MaxUint8)
		r.TrafficPath = uint8(v)
	case kindCount:
		_, next, why = number(line, pos, math.MaxUint64)
	default:
		next = fieldEnd(line, pos)
		why = r.readWord(line[pos:next], k)
	}
	return next, why
}

// readWord reads a field that has one of a few values. A value that is not known
// is an error: nobody could say what it means for the record.
func (r *Record) readWord(word []byte, k kind) string {
	switch k {
	case kindAction:
		switch string(word) {
		case "ACCEPT":
			r.Action = Accept
		case "REJECT":
			r.Action = Reject
		default:
			return "neither ACCEPT nor REJECT"
		}
	case kindStatus:
		switch string(word) {
		case "OK":
			r.Status = OK
		case "NODATA":
			r.Status = NoData
		case "SKIPDATA":
			r.Status = SkipData
		default:
			return "neither OK nor NODATA nor SKIPDATA"
		}
	case kindType:
		switch string(word) {
		case "IPv4":
			r.Type = IPv4
		case "IPv6":
			r.Type = IPv6
		case "EFA":
			r.Type = EFA
		default:
			return "neither IPv4 nor IPv6 nor EFA"
		}
	case kindDirection:
		switch string(word) {
		case "ingress":
			r.Directed = true
		case "egress":
			r.Direction, r.Directed = egress, true
		default:
			return "neither ingress nor egress"
		}
	default:
		return "a field of no known kind"
	}
	return ""
}

// number reads decimal digits up to a space or the end.
func number(line []byte, pos int, most uint64) (v uint64, next int, why string) {
	first := pos
	for pos < len(line) && line[pos] != ' ' {
		c := line[pos] - '0'
		switch {
		case c > 9:
			return 0, pos, "not a decimal number"
		case pos-first >= 19 && (pos-first > 19 || v > (math.MaxUint64-uint64(c))/10):
			return 0, pos, "the number is too large"
		}
		v = v*10 + uint64(c)
		pos++
	}
	if v > most {
		return 0, pos, "the number is too large"
	}
	return v, pos, ""
}
