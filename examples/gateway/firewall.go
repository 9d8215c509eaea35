// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/sallyport-go/sallyport/netfilter"
)

// firewall is a security group in front of the listener. Like AWS's it is
// stateful: a connection that was admitted stays when the rules change.
type firewall struct {
	file   string // as `aws ec2 describe-security-groups` prints it
	log    *slog.Logger
	text   []byte // of the rules in force; only the one who reloads looks at it
	policy atomic.Pointer[netfilter.GroupPolicy]
}

// newFirewall compiles the file. Without a file there is no firewall: nil.
func newFirewall(file string, log *slog.Logger) (*firewall, error) {
	if file == "" {
		return nil, nil
	}
	f := &firewall{file: file, log: log}
	_, err := f.reload()
	return f, err
}

// reload compiles the file anew and says whether it had changed. Rules that do
// not compile leave those in force as they are.
func (f *firewall) reload() (changed bool, err error) {
	text, err := os.ReadFile(f.file)
	if err != nil {
		return false, err
	}
	if f.policy.Load() != nil && bytes.Equal(text, f.text) {
		return false, nil
	}
	inventory, err := netfilter.ReadInventory(netfilter.Document{Name: f.file, Data: text})
	if err != nil {
		return false, err
	}
	if len(inventory.Groups) == 0 {
		return false, fmt.Errorf("%s holds no security group", f.file)
	}
	policy, err := netfilter.CompileGroups(inventory.Groups, inventory.Resolver(false))
	if err != nil {
		return false, err
	}
	f.text = text
	f.policy.Store(policy)
	return true, nil
}

// watch reloads whenever the file has changed, until the context ends.
func (f *firewall) watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch changed, err := f.reload(); {
		case err != nil:
			f.log.Error("security group not reloaded: the old rules stay", "cause", err)
		case changed:
			f.log.Info("security group reloaded", "file", f.file)
		}
	}
}

// admits decides about a connection, as about its first packet. Whatever is not
// an Allow, an unresolved reference included, is refused.
func (f *firewall) admits(c net.Conn) bool {
	packet, err := firstPacket(c)
	if err != nil {
		return false
	}
	policy := f.policy.Load()
	verdict := policy.Decide(netfilter.Ingress, packet)
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

// guardedListener accepts what the firewall admits.
type guardedListener struct {
	net.Listener
	firewall *firewall
}

func (l guardedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || l.firewall.admits(c) {
			return c, err
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // reset: not one byte is answered
		}
		_ = c.Close()
	}
}
