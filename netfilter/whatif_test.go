// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
)

// What changes if a rule goes and another comes (NET-70)?
func ExampleEdit() {
	group := netfilter.SecurityGroup{ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}}}
	edit := netfilter.Edit{
		Remove:  []string{"sg-1/ingress/0/10.0.0.0/8"},
		Ingress: []netfilter.Rule{{Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{IPv4: "10.1.0.0/16"}}},
	}
	after, missing := edit.Apply(group)
	before, _ := netfilter.CompileGroups([]netfilter.SecurityGroup{group}, netfilter.Resolver{})
	changed, _ := netfilter.CompileGroups([]netfilter.SecurityGroup{after}, netfilter.Resolver{})
	fmt.Println(len(missing))
	for c := range netfilter.Diff(before, changed) {
		fmt.Println(len(c.Prefixes), c.Prefixes[0], c.Before, c.After)
		fmt.Println(before.SurvivesRemoval(c.Direction, c.Witness, 0))
	}
	// Output:
	// 0
	// 8 10.0.0.0/16 allow deny
	// true
}

func ExampleIdleTimeouts() {
	var t netfilter.IdleTimeouts
	_, known := t.Of(netfilter.TCP, false)
	t.Instance = netfilter.Nitro6
	var kind netfilter.InstanceKind = t.Instance
	d, _ := t.Of(netfilter.TCP, false)
	fmt.Println(known, kind == netfilter.Nitro6, d)
	// Output: false true 5m50s
}

func TestEditKeepsTheGroup(t *testing.T) {
	groups := ingress(
		netfilter.Rule{ID: "sgr-1", Protocol: "tcp", From: 1, To: 1, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}},
		netfilter.Rule{Protocol: "tcp", From: 2, To: 2, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}},
	)
	edit := netfilter.Edit{Remove: []string{"sgr-1", "sgr-9"}, Ingress: []netfilter.Rule{{Protocol: "udp", Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}}}
	after, missing := edit.Apply(groups[0])
	require.Equal(t, []string{"sgr-9"}, missing)
	require.Len(t, groups[0].Ingress, 2)
	require.Len(t, after.Ingress, 2)
	require.Equal(t, 1, after.Ingress[0].Permission, "rules that stay keep their names")
	require.Equal(t, 2, after.Ingress[1].Permission)
}

// TestIdleTimeouts is NET-23 and the 600 s of NET-20.
func TestIdleTimeouts(t *testing.T) {
	s := time.Second
	for _, c := range []struct {
		name   string
		t      netfilter.IdleTimeouts
		p      netfilter.Protocol
		stream bool
		want   time.Duration
		known  bool
	}{
		{"TCP, nothing known", netfilter.IdleTimeouts{}, 6, false, 0, false},
		{"TCP, configured", netfilter.IdleTimeouts{TCP: 60 * s}, 6, false, 60 * s, true},
		{"TCP, before Nitro v6", netfilter.IdleTimeouts{Instance: netfilter.BeforeNitro6}, 6, false, 432000 * s, true},
		{"TCP, Nitro v6", netfilter.IdleTimeouts{Instance: netfilter.Nitro6}, 6, false, 350 * s, true},
		{"UDP stream", netfilter.IdleTimeouts{}, 17, true, 180 * s, true},
		{"UDP", netfilter.IdleTimeouts{}, 17, false, 30 * s, true},
		{"UDP, configured", netfilter.IdleTimeouts{UDP: 45 * s}, 17, false, 45 * s, true},
		{"ICMP", netfilter.IdleTimeouts{}, 1, false, 0, false},
		{"GRE", netfilter.IdleTimeouts{}, 47, false, 600 * s, true},
	} {
		d, known := c.t.Of(c.p, c.stream)
		require.Equal(t, c.want, d, c.name)
		require.Equal(t, c.known, known, c.name)
	}
	for _, bad := range []netfilter.IdleTimeouts{{TCP: 59 * s}, {TCP: 432001 * s}, {UDPStream: 59 * s}, {UDPStream: 181 * s}, {UDP: 29 * s}, {UDP: 61 * s}} {
		require.Error(t, bad.Check())
	}
	require.NoError(t, netfilter.IdleTimeouts{TCP: 432000 * s, UDPStream: 60 * s, UDP: 60 * s}.Check())
	require.Len(t, netfilter.AlwaysTracked(), 10, "NET-22")
}
