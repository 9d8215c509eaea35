// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"fmt"
	"net/netip"
	"strings"
)

// Resolver says what group references and prefix lists stand for. An id that
// is not in its map is unknown: rules that name it may or may not match. An id
// with an empty slice is known to match nothing.
//
// The zero value knows nothing. The maps and slices are read during
// compilation and must not change meanwhile; policies keep no reference to
// them.
type Resolver struct {
	// Members holds, per security group id, the private addresses of the
	// interfaces that carry the group.
	Members map[string][]netip.Prefix
	// PrefixLists holds, per prefix list id, the list's entries.
	PrefixLists map[string][]netip.Prefix
}

// ParseMember reads a member of a group or an entry of a prefix list: an
// address or a CIDR block. Host bits are cleared and IPv4-mapped IPv6
// addresses unmapped; a zone is an error.
func ParseMember(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		pfx, _, err := parsePrefix(s)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("netfilter: %.60q is not a CIDR block", s)
		}
		return pfx, nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("netfilter: %.60q is not an address without a zone", s)
	}
	addr = addr.Unmap()
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

// lookup returns what the peer stands for; known is false for an id that is in
// no map. A stale reference is known to match nothing.
func (r *Resolver) lookup(p Peer) (prefixes []netip.Prefix, known bool) {
	switch {
	case p.PrefixList != "":
		prefixes, known = r.PrefixLists[p.PrefixList]
	case p.PeeringStatus == peeringDeleted:
		return nil, true
	default:
		prefixes, known = r.Members[p.Group]
	}
	return prefixes, known
}

// peeringDeleted is the PeeringStatus of a reference whose peering connection
// is gone.
const peeringDeleted = "deleted"
