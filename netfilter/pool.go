// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"crypto/sha256"
	"fmt"
	"sync"
)

// Pool compiles each distinct set of groups once: interfaces with the same
// groups share a policy. It is safe for concurrent use and must not be copied.
type Pool struct {
	// Compiler compiles; its Resolver must not change while the pool is used.
	Compiler Compiler
	// Capacity bounds the policies kept; 0 means 4096. When it is reached, the
	// pool starts again from empty.
	Capacity int

	mu       sync.Mutex
	policies map[[sha256.Size]byte]*GroupPolicy
}

// Groups returns the policy of the groups, compiled now or before. Sets are
// told apart by the content of the groups and their order.
func (p *Pool) Groups(groups []SecurityGroup) (*GroupPolicy, error) {
	h := sha256.New()
	for i := range groups {
		for _, d := range []Direction{Ingress, Egress} {
			for _, r := range groups[i].Rules(d) {
				fmt.Fprintf(h, "%q %d %q %d %q %d %d %q\n", groups[i].ID, d, r.ID, r.Permission, r.Protocol, r.From, r.To, r.Peer)
			}
		}
		fmt.Fprintln(h)
	}
	key := [sha256.Size]byte(h.Sum(nil))
	p.mu.Lock()
	defer p.mu.Unlock()
	if policy, ok := p.policies[key]; ok {
		return policy, nil
	}
	policy, err := p.Compiler.Groups(groups)
	if err != nil {
		return nil, err
	}
	capacity := p.Capacity
	if capacity <= 0 {
		capacity = 4096
	}
	if p.policies == nil || len(p.policies) >= capacity {
		p.policies = map[[sha256.Size]byte]*GroupPolicy{}
	}
	p.policies[key] = policy
	return policy, nil
}
