// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// snapshots holds the folders read last: a stream of questions may name any
// number, and one by any number of names.
type snapshots map[string]*vpc.Snapshot

// maxSnapshots is how many are held before all are let go.
const maxSnapshots = 32

func (s snapshots) get(dir string) (*vpc.Snapshot, error) {
	if snap := s[dir]; snap != nil {
		return snap, nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("snapshot: %q is not a directory that can be read", dir)
	}
	snap, err := vpc.Load(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	if len(s) == maxSnapshots {
		clear(s)
	}
	s[dir] = snap
	return snap, nil
}

// pathRequest asks about a path through a snapshot.
type pathRequest struct {
	Snapshot *string
	From, To *pathEnd
	Packet   *pathPacket
}

func (req *pathRequest) UnmarshalJSON(data []byte) error {
	return exact.Unmarshal(data,
		exact.Member{Name: "snapshot", To: &req.Snapshot},
		exact.Member{Name: "from", To: &req.From},
		exact.Member{Name: "to", To: &req.To},
		exact.Member{Name: "packet", To: &req.Packet})
}

type pathEnd struct {
	ENI, IP  string
	Internet bool
}

func (e *pathEnd) UnmarshalJSON(data []byte) error {
	return exact.Unmarshal(data,
		exact.Member{Name: "eni", To: &e.ENI},
		exact.Member{Name: "ip", To: &e.IP},
		exact.Member{Name: "internet", To: &e.Internet})
}

type pathPacket struct {
	Src, Dst           *string
	Protocol           json.RawMessage
	SrcPort, DstPort   *uint16
	ICMPType, ICMPCode uint8
}

// UnmarshalJSON reads a packet. Missing addresses and ports are left to the end
// points; type and code that are missing are 0.
func (p *pathPacket) UnmarshalJSON(data []byte) error {
	return exact.Unmarshal(data,
		exact.Member{Name: "src", To: &p.Src},
		exact.Member{Name: "dst", To: &p.Dst},
		exact.Member{Name: "protocol", To: &p.Protocol},
		exact.Member{Name: "src_port", To: &p.SrcPort},
		exact.Member{Name: "dst_port", To: &p.DstPort},
		exact.Member{Name: "icmp_type", To: &p.ICMPType},
		exact.Member{Name: "icmp_code", To: &p.ICMPCode})
}

type pathAnswer struct {
	ID        json.RawMessage `json:"id"`
	Reachable vpc.Answer      `json:"reachable"`
	Reply     vpc.Answer      `json:"reply"`
	Blocked   []pathBlock     `json:"blocked"`
	Hops      []pathHop       `json:"hops"`
}

type pathBlock struct {
	Code  vpc.Code `json:"code"`
	At    string   `json:"at"`
	Reply bool     `json:"reply,omitempty"`
}

type pathHop struct {
	Kind     string `json:"kind"`
	ID       string `json:"id"`
	Instance string `json:"instance,omitempty"`
}

// findPath answers a snapshot-level request.
func (s snapshots) findPath(id, line []byte) (any, error) {
	var req pathRequest
	if err := json.Unmarshal(line, &req); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if req.Snapshot == nil || req.From == nil || req.To == nil || req.Packet == nil {
		return nil, errors.New("snapshot, from, to and packet are needed")
	}
	traffic, err := req.Packet.traffic()
	if err != nil {
		return nil, err
	}
	from, err := req.From.endpoint("from")
	if err != nil {
		return nil, err
	}
	to, err := req.To.endpoint("to")
	if err != nil {
		return nil, err
	}
	if from.Internet && !traffic.Src.IsValid() {
		return nil, errors.New("packet.src is needed with the internet as source")
	}
	if to.Internet && !traffic.Dst.IsValid() {
		return nil, errors.New("packet.dst is needed with the internet as destination")
	}
	snap, err := s.get(*req.Snapshot)
	if err != nil {
		return nil, err
	}
	p, err := snap.Path(from, to, traffic)
	if err != nil {
		return nil, err
	}
	return newPathAnswer(id, p), nil
}

func newPathAnswer(id []byte, p vpc.Path) *pathAnswer {
	out := &pathAnswer{ID: id, Reachable: p.Reachable, Reply: p.Reply, Blocked: []pathBlock{}, Hops: []pathHop{}}
	for _, b := range p.Blocks {
		out.Blocked = append(out.Blocked, pathBlock{b.Code, b.At, b.Reply})
	}
	for _, h := range p.Hops {
		out.Hops = append(out.Hops, pathHop{h.Kind, h.ID, h.Instance})
	}
	return out
}

func (e *pathEnd) endpoint(name string) (vpc.Endpoint, error) {
	out := vpc.Endpoint{Interface: e.ENI, Internet: e.Internet}
	given := 0
	for _, set := range []bool{e.ENI != "", e.IP != "", e.Internet} {
		if set {
			given++
		}
	}
	if given != 1 {
		return out, fmt.Errorf("%s: exactly one of eni, ip and internet is needed", name)
	}
	if e.IP != "" {
		var err error
		if out.Addr, err = netip.ParseAddr(e.IP); err != nil {
			return out, fmt.Errorf("%s.ip: %w", name, err)
		}
	}
	return out, nil
}

func (p *pathPacket) traffic() (vpc.Traffic, error) {
	var t vpc.Traffic
	var err error
	if t.Protocol, err = protocol(p.Protocol); err != nil {
		return t, err
	}
	if p.Src != nil {
		if t.Src, err = netip.ParseAddr(*p.Src); err != nil {
			return t, fmt.Errorf("packet.src: %w", err)
		}
	}
	if p.Dst != nil {
		if t.Dst, err = netip.ParseAddr(*p.Dst); err != nil {
			return t, fmt.Errorf("packet.dst: %w", err)
		}
	}
	t.SrcPorts, t.DstPorts = onePort(p.SrcPort), onePort(p.DstPort)
	t.ICMPType, t.ICMPCode = p.ICMPType, p.ICMPCode
	return t, nil
}

func onePort(p *uint16) *vpc.Ports {
	if p == nil {
		return nil
	}
	return &vpc.Ports{From: *p, To: *p}
}
