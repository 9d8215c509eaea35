// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"fmt"
	"time"
)

// IdleTimeouts are those of a network interface's connection tracking
// (ConnectionTrackingSpecification). A zero field is not configured.
//
// See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html#connection-tracking-timeouts.
type IdleTimeouts struct {
	// TCP is the timeout of established TCP connections, 60 s to 432,000 s.
	TCP time.Duration
	// UDPStream is the timeout of UDP flows with more than one request and reply,
	// 60 s to 180 s; UDP that of all others, 30 s to 60 s.
	UDPStream, UDP time.Duration
	// Instance says which default TCP has.
	Instance InstanceKind
}

// InstanceKind is what the default timeout of TCP depends on.
type InstanceKind uint8

// The kinds of instances.
const (
	// UnknownInstance: the default TCP timeout is not known.
	UnknownInstance InstanceKind = iota
	// BeforeNitro6: 432,000 s. P6e-GB200 counts here.
	BeforeNitro6
	// Nitro6: 350 s.
	Nitro6
)

// Check returns an error when a configured timeout is outside AWS's bounds.
func (t IdleTimeouts) Check() error {
	for _, c := range []struct {
		name           string
		d              time.Duration
		fewest, atMost int
	}{
		{"TCP", t.TCP, 60, 432000}, {"UDPStream", t.UDPStream, 60, 180}, {"UDP", t.UDP, 30, 60},
	} {
		if c.d != 0 && (c.d < time.Duration(c.fewest)*time.Second || c.d > time.Duration(c.atMost)*time.Second) {
			return fmt.Errorf("netfilter: idle timeout %s is %v; AWS accepts %d to %d seconds", c.name, c.d, c.fewest, c.atMost)
		}
	}
	return nil
}

// Of returns how long a tracked flow of the protocol may be idle; stream says
// that a UDP flow has seen more than one request and reply. known is false for
// TCP when neither the timeout nor the kind of instance is known, and for ICMP,
// for which AWS documents none. Flows of other protocols are kept 600 s.
func (t IdleTimeouts) Of(p Protocol, stream bool) (idle time.Duration, known bool) {
	configured := func(d, otherwise time.Duration) (time.Duration, bool) {
		if d == 0 {
			d = otherwise
		}
		return d, d != 0
	}
	switch {
	case p == TCP && t.Instance == BeforeNitro6:
		return configured(t.TCP, 432000*time.Second)
	case p == TCP && t.Instance == Nitro6:
		return configured(t.TCP, 350*time.Second)
	case p == TCP:
		return configured(t.TCP, 0)
	case p == UDP && stream:
		return configured(t.UDPStream, 180*time.Second)
	case p == UDP:
		return configured(t.UDP, 30*time.Second)
	case p == ICMP || p == ICMPv6:
		return 0, false
	}
	return 600 * time.Second, true
}
