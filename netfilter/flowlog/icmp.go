// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"fmt"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// icmpKeys are the types and codes that the rules of one direction tell apart.
// Records have neither, so every pair of them is tried: 256 stands for any other
// one, of which one is taken.
type icmpKeys struct{ types, codes []int }

// groupICMP gathers the types and codes that rules of a group name.
func groupICMP(rules []*Rule) icmpKeys {
	var k icmpKeys
	for _, r := range rules {
		if p, all, err := netfilter.ParseProtocol(r.rule.Protocol); err == nil && !all && isICMP(p) {
			k.add(r.rule.From, r.rule.To)
		}
	}
	return k
}

// aclICMP gathers the types and codes that entries of an ACL name.
func aclICMP(entries []netfilter.ACLEntry) icmpKeys {
	var k icmpKeys
	for _, e := range entries {
		if p, all, err := netfilter.ParseProtocol(e.Protocol); err == nil && !all && isICMP(p) {
			k.add(e.Type, e.Code)
		}
	}
	return k
}

func isICMP(p netfilter.Protocol) bool { return p == netfilter.ICMP || p == netfilter.ICMPv6 }

func (k *icmpKeys) add(typ, code int) {
	if typ >= 0 && typ <= 255 && !slices.Contains(k.types, typ) {
		k.types = append(k.types, typ)
	}
	if code >= 0 && code <= 255 && !slices.Contains(k.codes, code) {
		k.codes = append(k.codes, code)
	}
}

// filters are what an interface is behind.
type filters struct {
	groups *groupSet
	acl    *aclSet
}

// icmpPairs are, by the direction of the record, the pairs to try on the record
// itself and on the packet that it may be the reply to.
type icmpPairs struct{ forth, back [2][]icmpPair }

func (b *builder) icmpOf(g *groupSet, a *aclSet) *icmpPairs {
	key := filters{g, a}
	if p := b.icmp[key]; p != nil {
		return p
	}
	p := &icmpPairs{}
	for _, d := range directions {
		var acl icmpKeys
		if a != nil {
			acl = a.icmp[d]
		}
		p.forth[d], p.back[d] = b.pairs(g.icmp[d].union(acl)), b.pairs(g.icmp[1-d])
	}
	b.icmp[key] = p
	return p
}

// union returns the types and codes that either of two lists of rules tells apart.
func (k icmpKeys) union(o icmpKeys) icmpKeys {
	k = icmpKeys{slices.Clone(k.types), slices.Clone(k.codes)}
	for _, t := range o.types {
		k.add(t, -1)
	}
	for _, c := range o.codes {
		k.add(-1, c)
	}
	return k
}

// pairs returns those that stand for all types and codes, up to 65,536: the same
// for all that tell the same apart.
func (b *builder) pairs(k icmpKeys) []icmpPair {
	key := fmt.Sprint(k)
	out, made := b.alike[key]
	if made {
		return out
	}
	for _, t := range withOther(k.types) {
		for _, c := range withOther(k.codes) {
			out = append(out, icmpPair{t, c})
		}
	}
	b.alike[key] = out
	return out
}

type icmpPair struct{ typ, code uint8 }

// withOther adds one number that is not in the list, if there is one.
func withOther(list []int) []uint8 {
	var out []uint8
	var seen [256]bool
	for _, v := range list {
		seen[v] = true
		out = append(out, uint8(v))
	}
	// High numbers are free: those in use are low.
	for v := 255; v >= 0; v-- {
		if !seen[v] {
			return append(out, uint8(v))
		}
	}
	return out
}
