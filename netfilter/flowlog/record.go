// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Action is what AWS did with the traffic of a record.
type Action uint8

// The actions. A record without traffic, or of a transit gateway, has none.
const (
	NoAction Action = iota
	Accept
	Reject
)

// String returns "-", "ACCEPT" or "REJECT", as logs have it.
func (a Action) String() string { return pick(actionNames[:], uint8(a), "Action") }

// Status says whether a record holds data.
type Status uint8

// The statuses.
const (
	// NoStatus: the format has no log-status.
	NoStatus Status = iota
	// OK: the record is about a flow.
	OK
	// NoData: there was no traffic in the window.
	NoData
	// SkipData: flows of the window are missing from the log.
	SkipData
)

// String returns "-", "OK", "NODATA" or "SKIPDATA", as logs have it.
func (s Status) String() string { return pick(statusNames[:], uint8(s), "Status") }

// Type is the type of the traffic.
type Type uint8

// The types. NoType is that of formats without the field.
const (
	NoType Type = iota
	IPv4
	IPv6
	EFA
)

// String returns "-", "IPv4", "IPv6" or "EFA", as logs have it.
func (t Type) String() string { return pick(typeNames[:], uint8(t), "Type") }

var (
	actionNames = [...]string{"-", "ACCEPT", "REJECT"}
	statusNames = [...]string{"-", "OK", "NODATA", "SKIPDATA"}
	typeNames   = [...]string{"-", "IPv4", "IPv6", "EFA"}
)

func pick(names []string, v uint8, name string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return name + "(" + strconv.Itoa(int(v)) + ")"
}

// The flags of TCPFlags. Those of all packets of the window are combined; AWS
// sets FlagACK only together with FlagSYN.
const (
	FlagFIN = 1
	FlagSYN = 2
	FlagRST = 4
	FlagACK = 16
)

// Record is one line of a flow log. A field that its format lacks, or that is
// "-" in the line, is zero, and Has is false for it.
//
// A Record belongs to the loop that reads it: the next line takes its place, and
// Interface, Text and Append look into the reader's buffer.
type Record struct {
	// Line is the number of the line in its file, from 1.
	Line int64
	// Interface is the interface-id.
	Interface []byte
	// Src and Dst are srcaddr and dstaddr: on the interface's own side always its
	// primary private IPv4 address. PacketSrc and PacketDst are the addresses that
	// the packets carried. IPv4-mapped addresses are unmapped.
	Src, Dst, PacketSrc, PacketDst netip.Addr
	// SrcPort and DstPort are 0 for protocols without ports.
	SrcPort, DstPort uint16
	// Protocol is the IP protocol number.
	Protocol netfilter.Protocol
	// Version is the record's version, from 2.
	Version uint8
	// Action, Status and Type are what the line says they are.
	Action Action
	Status Status
	Type   Type
	// Direction is flow-direction; it counts only if Directed is set.
	Direction netfilter.Direction
	Directed  bool
	// TrafficPath is the number of the path that egress traffic took.
	TrafficPath uint8
	// TCPFlags combines Flag constants over the window.
	TCPFlags uint16
	// Packets and Bytes count the traffic of the window.
	Packets, Bytes uint64
	// Start and End are Unix seconds.
	Start, End int64

	present uint32 // bits 1<<kind
	format  *Format
	text    []byte
}

func (r *Record) has(k kind) bool { return r.present&(1<<k) != 0 }

// Format returns the format that the record was read by.
func (r *Record) Format() *Format { return r.format }

// Text returns the value of any field of the format as it stands in the line,
// also of a field that is not known. It is false for a field that the format
// lacks or that is "-".
func (r *Record) Text(name string) ([]byte, bool) {
	if r.format == nil {
		return nil, false
	}
	i := slices.Index(r.format.names, name)
	if i < 0 {
		return nil, false
	}
	value := r.at(i)
	return value, string(value) != "-"
}

// Has reports whether the format has the field and the line a value for it.
func (r *Record) Has(name string) bool {
	_, ok := r.Text(name)
	return ok
}

// Tag returns the value of a tag field, such as instance-tag, with its percent
// encoding undone. It is false when there is none or the encoding is wrong.
func (r *Record) Tag(name string) (string, bool) {
	text, ok := r.Text(name)
	if !ok || fields[name].kind != kindTag {
		return "", false
	}
	value, err := url.PathUnescape(string(text))
	return value, err == nil
}

// at returns the i-th field of the line.
func (r *Record) at(i int) []byte {
	pos := 0
	for ; ; i-- {
		for pos < len(r.text) && r.text[pos] == ' ' {
			pos++
		}
		end := fieldEnd(r.text, pos)
		if i == 0 || pos == len(r.text) {
			return r.text[pos:end]
		}
		pos = end
	}
}

// Append appends the record as a line of its format, without the line's end:
// what the struct's fields hold in canonical form, all other fields as they
// were read, "-" for what is absent.
func (r *Record) Append(dst []byte) []byte {
	if r.format == nil {
		return dst
	}
	for i, k := range r.format.kinds {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if k > kindCount && !r.has(k) {
			dst = append(dst, '-')
			continue
		}
		dst = r.appendField(dst, i, k)
	}
	return dst
}

func (r *Record) appendField(dst []byte, i int, k kind) []byte {
	number := func(v uint64) []byte { return strconv.AppendUint(dst, v, 10) }
	switch k {
	case kindVersion:
		return number(uint64(r.Version))
	case kindSrc:
		return r.Src.AppendTo(dst)
	case kindDst:
		return r.Dst.AppendTo(dst)
	case kindPacketSrc:
		return r.PacketSrc.AppendTo(dst)
	case kindPacketDst:
		return r.PacketDst.AppendTo(dst)
	case kindSrcPort:
		return number(uint64(r.SrcPort))
	case kindDstPort:
		return number(uint64(r.DstPort))
	case kindProtocol:
		return number(uint64(r.Protocol))
	case kindPackets:
		return number(r.Packets)
	case kindBytes:
		return number(r.Bytes)
	case kindStart:
		return number(uint64(r.Start))
	case kindEnd:
		return number(uint64(r.End))
	case kindAction:
		return append(dst, r.Action.String()...)
	case kindStatus:
		return append(dst, r.Status.String()...)
	case kindFlags:
		return number(uint64(r.TCPFlags))
	case kindType:
		return append(dst, r.Type.String()...)
	case kindDirection:
		return append(dst, r.Direction.String()...)
	case kindPath:
		return number(uint64(r.TrafficPath))
	}
	return append(dst, r.at(i)...)
}
