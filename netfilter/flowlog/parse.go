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

// parse reads a line into r, which keeps a reference to it. Behind the line there
// must be slack. why is "" when there is no fault.
//
// readQuick reads what nearly all lines are, readAll any line, and says what is
// wrong with it.
func (f *Format) parse(line []byte, r *Record, s *starts) fault {
	if r.format != f {
		*r = Record{Line: r.Line, format: f}
	}
	if f.readQuick(line, r, s) {
		return fault{}
	}
	*r = Record{Line: r.Line, format: f, text: line}
	return f.readAll(line, r)
}

// readAll reads the fields of a line from left to right, each by its kind.
func (f *Format) readAll(line []byte, r *Record) fault {
	pos := 0
	for i, k := range f.kinds {
		pos = skipSpaces(line, pos)
		if pos == len(line) {
			return r.spoil(fault{len(line), i, "the line has too few fields"})
		}
		end := fieldEnd(line, pos)
		if string(line[pos:end]) != "-" {
			if why := r.read(line, pos, k); why != "" {
				return r.spoil(fault{pos, i, why})
			}
			r.present |= 1 << k
		}
		pos = end
	}
	if pos = skipSpaces(line, pos); pos < len(line) {
		return r.spoil(fault{pos, -1, "the line has too many fields"})
	}
	return f.checkVersion(r)
}

// skipSpaces returns the position of the first byte from pos that is no space.
func skipSpaces(line []byte, pos int) int {
	for pos < len(line) && line[pos] == ' ' {
		pos++
	}
	return pos
}

// spoil makes a record that was read in part an empty one.
func (r *Record) spoil(f fault) fault {
	*r = Record{Line: r.Line}
	return f
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

// read reads the value of the field at pos, whatever it is, and says what is wrong
// with it.
func (r *Record) read(line []byte, pos int, k kind) (why string) {
	var v uint64
	ok := true
	switch k {
	case kindSrc:
		r.Src, _, ok = address(line, pos)
	case kindDst:
		r.Dst, _, ok = address(line, pos)
	case kindPacketSrc:
		r.PacketSrc, _, ok = address(line, pos)
	case kindPacketDst:
		r.PacketDst, _, ok = address(line, pos)
	case kindSrcPort:
		v, why = number(line, pos, math.MaxUint16)
		r.SrcPort = uint16(v)
	case kindDstPort:
		v, why = number(line, pos, math.MaxUint16)
		r.DstPort = uint16(v)
	case kindProtocol:
		v, why = number(line, pos, math.MaxUint8)
		r.Protocol = protocol(v)
	case kindPackets:
		r.Packets, why = number(line, pos, math.MaxUint64)
	case kindBytes:
		r.Bytes, why = number(line, pos, math.MaxUint64)
	case kindStart:
		v, why = number(line, pos, math.MaxInt64)
		r.Start = int64(v)
	case kindEnd:
		v, why = number(line, pos, math.MaxInt64)
		r.End = int64(v)
	case kindInterface:
		r.Interface = line[pos:fieldEnd(line, pos):fieldEnd(line, pos)]
	default:
		return r.readRare(line, pos, k)
	}
	if !ok {
		return "not an address without a zone"
	}
	return why
}

// readRare reads the fields that stand in fewer formats, and the short words.
func (r *Record) readRare(line []byte, pos int, k kind) (why string) {
	var v uint64
	switch k {
	case kindVersion:
		v, why = number(line, pos, math.MaxUint8)
		r.Version = uint8(v)
	case kindFlags:
		v, why = number(line, pos, math.MaxUint16)
		r.TCPFlags = uint16(v)
	case kindPath:
		v, why = number(line, pos, math.MaxUint8)
		r.TrafficPath = uint8(v)
	case kindText, kindTag:
	case kindCount:
		_, why = number(line, pos, math.MaxUint64)
	default:
		return r.readWord(line[pos:fieldEnd(line, pos)], k)
	}
	return why
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
			r.Direction, r.Directed = ingress, true
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
func number(line []byte, pos int, most uint64) (v uint64, why string) {
	first := pos
	for pos < len(line) && line[pos] != ' ' {
		c := line[pos] - '0'
		switch {
		case c > 9:
			return 0, "not a decimal number"
		case pos-first >= 19 && (pos-first > 19 || v > (math.MaxUint64-uint64(c))/10):
			return 0, "the number is too large"
		}
		v = v*10 + uint64(c)
		pos++
	}
	if v > most {
		return 0, "the number is too large"
	}
	return v, ""
}
