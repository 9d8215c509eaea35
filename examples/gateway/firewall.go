// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

// firewall is the gate that a security group makes. Like AWS's it is stateful:
// a connection that was admitted stays when the rules change.
type firewall struct {
	policy *netfilter.GroupPolicy
	log    *slog.Logger
}

// openGate admits everybody: there is no security group.
type openGate struct{}

func (openGate) admits(netfilter.Packet) bool { return true }

// newGate compiles the configured file, as `aws ec2 describe-security-groups`
// prints it.
func newGate(config *Config, files files, log *slog.Logger) (gate, error) {
	if config.SecurityGroup == "" {
		return openGate{}, nil
	}
	text, err := files.read(config.SecurityGroup)
	if err != nil {
		return nil, config.at("security_group", err)
	}
	inventory, err := netfilter.ReadInventory(netfilter.Document{Name: config.SecurityGroup, Data: text})
	if err != nil {
		return nil, config.at("security_group", err)
	}
	if len(inventory.Groups) == 0 {
		return nil, config.at("security_group", fmt.Errorf("%s holds no security group", config.SecurityGroup))
	}
	policy, err := netfilter.CompileGroups(inventory.Groups, inventory.Resolver(false))
	if err != nil {
		return nil, config.at("security_group", fmt.Errorf("%s: %w", config.SecurityGroup, err))
	}
	return &firewall{policy, log}, nil
}

// admits decides about a connection, as about its first packet. Whatever is not
// an Allow, an unresolved reference included, is refused.
func (f *firewall) admits(packet netfilter.Packet) bool {
	verdict := f.policy.Decide(netfilter.Ingress, packet)
	if verdict.Effect != netfilter.Allow {
		f.log.Warn("connection refused by the security group", "packet", packet.String(), "effect", verdict.Effect.String())
		return false
	}
	return true
}

func firstPacket(c net.Conn) (netfilter.Packet, error) {
	from, errFrom := netip.ParseAddrPort(c.RemoteAddr().String())
	to, errTo := netip.ParseAddrPort(c.LocalAddr().String())
	return netfilter.Packet{
		Protocol: netfilter.TCP,
		Src:      from.Addr().Unmap().WithZone(""), SrcPort: from.Port(),
		Dst: to.Addr().Unmap().WithZone(""), DstPort: to.Port(),
	}, errors.Join(errFrom, errTo)
}

// guardedListener accepts what the gate of the pipeline in force admits.
type guardedListener struct {
	net.Listener
	gateway *Gateway
}

// reset ends a connection without a byte of an answer.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
