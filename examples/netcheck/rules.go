// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/netfilter"
)

// ruleRequest asks what a set of groups and an ACL do with one packet.
type ruleRequest struct {
	Groups      []json.RawMessage
	ACL         json.RawMessage
	Members     map[string][]string
	PrefixLists map[string][]string
	Direction   *string
	Packet      *rulePacket
}

func (req *ruleRequest) UnmarshalJSON(data []byte) error {
	return exact.Unmarshal(data,
		exact.Member{Name: "groups", To: &req.Groups},
		exact.Member{Name: "acl", To: &req.ACL},
		exact.Member{Name: "members", To: &req.Members},
		exact.Member{Name: "prefix_lists", To: &req.PrefixLists},
		exact.Member{Name: "direction", To: &req.Direction},
		exact.Member{Name: "packet", To: &req.Packet})
}

type rulePacket struct {
	Src      string
	Dst      string
	Protocol json.RawMessage
	SrcPort  uint16
	DstPort  uint16
	ICMPType uint8
	ICMPCode uint8
}

// UnmarshalJSON reads a packet. Ports, type and code that are missing or null
// are 0.
func (p *rulePacket) UnmarshalJSON(data []byte) error {
	return exact.Unmarshal(data,
		exact.Member{Name: "src", To: &p.Src},
		exact.Member{Name: "dst", To: &p.Dst},
		exact.Member{Name: "protocol", To: &p.Protocol},
		exact.Member{Name: "src_port", To: &p.SrcPort},
		exact.Member{Name: "dst_port", To: &p.DstPort},
		exact.Member{Name: "icmp_type", To: &p.ICMPType},
		exact.Member{Name: "icmp_code", To: &p.ICMPCode})
}

// ruleAnswer holds null where the request had no groups or no ACL.
type ruleAnswer struct {
	ID      json.RawMessage   `json:"id"`
	SG      *netfilter.Effect `json:"sg"`
	SGRule  *string           `json:"sg_rule"`
	ACL     *netfilter.Effect `json:"acl"`
	ACLRule *int              `json:"acl_rule"`
}

// decideRules answers a rule-level request.
func decideRules(id, line []byte) (any, error) {
	var req ruleRequest
	if err := json.Unmarshal(line, &req); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if req.Direction == nil || req.Packet == nil {
		return nil, errors.New("direction and packet are needed")
	}
	var dir netfilter.Direction
	if err := dir.UnmarshalText([]byte(*req.Direction)); err != nil {
		return nil, err
	}
	packet, err := req.Packet.packet()
	if err != nil {
		return nil, err
	}
	answer := &ruleAnswer{ID: id}
	if req.Groups != nil {
		if err := req.groups(answer, dir, packet); err != nil {
			return nil, err
		}
	}
	if given(req.ACL) {
		if err := req.acl(answer, dir, packet); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func given(raw json.RawMessage) bool {
	return len(raw) > 0 && !bytes.Equal(raw, []byte("null"))
}

func (req *ruleRequest) groups(answer *ruleAnswer, dir netfilter.Direction, packet netfilter.Packet) error {
	resolver, err := req.resolver()
	if err != nil {
		return err
	}
	groups := make([]netfilter.SecurityGroup, len(req.Groups))
	for i, raw := range req.Groups {
		if groups[i], err = netfilter.ParseGroup(raw); err != nil {
			return fmt.Errorf("groups[%d]: %w", i, err)
		}
	}
	policy, err := netfilter.CompileGroups(groups, resolver)
	if err != nil {
		return err
	}
	v := policy.Decide(dir, packet)
	answer.SG = &v.Effect
	if v.Rule >= 0 {
		rule := policy.RuleID(dir, v.Rule)
		answer.SGRule = &rule
	}
	return nil
}

func (req *ruleRequest) acl(answer *ruleAnswer, dir netfilter.Direction, packet netfilter.Packet) error {
	acl, err := netfilter.ParseACL(req.ACL)
	if err != nil {
		return fmt.Errorf("acl: %w", err)
	}
	policy, err := netfilter.CompileACL(acl)
	if err != nil {
		return err
	}
	v := policy.Decide(dir, packet)
	answer.ACL = &v.Effect
	if number, ok := policy.RuleNumber(dir, v.Rule); ok {
		answer.ACLRule = &number
	}
	return nil
}

func (req *ruleRequest) resolver() (netfilter.Resolver, error) {
	members, err := prefixes("members", req.Members)
	if err != nil {
		return netfilter.Resolver{}, err
	}
	lists, err := prefixes("prefix_lists", req.PrefixLists)
	return netfilter.Resolver{Members: members, PrefixLists: lists}, err
}

func prefixes(what string, in map[string][]string) (map[string][]netip.Prefix, error) {
	out := make(map[string][]netip.Prefix, len(in))
	for id, texts := range in {
		list := make([]netip.Prefix, len(texts))
		for i, s := range texts {
			var err error
			if list[i], err = netfilter.ParseMember(s); err != nil {
				return nil, fmt.Errorf("%s %s: %w", what, id, err)
			}
		}
		out[id] = list
	}
	return out, nil
}

func (p *rulePacket) packet() (netfilter.Packet, error) {
	var out netfilter.Packet
	var err error
	if out.Src, err = netip.ParseAddr(p.Src); err != nil {
		return out, fmt.Errorf("packet.src: %w", err)
	}
	if out.Dst, err = netip.ParseAddr(p.Dst); err != nil {
		return out, fmt.Errorf("packet.dst: %w", err)
	}
	if out.Protocol, err = protocol(p.Protocol); err != nil {
		return out, err
	}
	out.SrcPort, out.DstPort = p.SrcPort, p.DstPort
	out.ICMPType, out.ICMPCode = p.ICMPType, p.ICMPCode
	return out, out.Check()
}

// protocol reads a number or a name.
func protocol(raw json.RawMessage) (netfilter.Protocol, error) {
	if !given(raw) {
		return 0, errors.New("packet.protocol is needed")
	}
	var text string
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return 0, fmt.Errorf("packet.protocol: %w", err)
		}
	} else if n, err := strconv.Atoi(string(raw)); err == nil {
		text = strconv.Itoa(n)
	}
	p, all, err := netfilter.ParseProtocol(text)
	if err == nil && all {
		err = errors.New("a packet has one protocol")
	}
	if err != nil {
		return 0, fmt.Errorf("packet.protocol: %w", err)
	}
	return p, nil
}
