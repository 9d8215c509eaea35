// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// question is a path to follow, from the command line.
type question struct {
	from, to, proto, port, clientPort, src, dst, icmp *string
}

func (c *command) question() *question {
	return &question{
		from:       c.flags.String("from", "", "where packets come from: an interface or instance id, an address, or internet"),
		to:         c.flags.String("to", "", "where they go: the same"),
		proto:      c.flags.String("proto", "tcp", "protocol, a name or a number"),
		port:       c.flags.String("port", "", "destination port or ports, N or N-M (default all)"),
		clientPort: c.flags.String("client-port", "", "source port or ports (default 1024-65535)"),
		src:        c.flags.String("src", "", "source address; from the internet the default is 198.51.100.1, or 2001:db8::1"),
		dst:        c.flags.String("dst", "", "destination address; to the internet the default is the same"),
		icmp:       c.flags.String("icmp", "", "type or type/code of ICMP (default an echo request)"),
	}
}

func (q *question) given() bool { return *q.from != "" || *q.to != "" }

// ends reads the question.
func (q *question) ends() (from, to vpc.Endpoint, t vpc.Traffic, err error) {
	if *q.from == "" || *q.to == "" {
		return from, to, t, errors.New("-from and -to are needed")
	}
	from, to = endOf(*q.from), endOf(*q.to)
	var all bool
	if t.Protocol, all, err = netfilter.ParseProtocol(*q.proto); err != nil || all {
		return from, to, t, fmt.Errorf("-proto: %q is not one protocol", *q.proto)
	}
	t.ICMPType = 8
	if t.Protocol == netfilter.ICMPv6 {
		t.ICMPType = 128
	}
	if *q.icmp != "" {
		if t.ICMPType, t.ICMPCode, err = icmpOf(*q.icmp); err != nil {
			return from, to, t, err
		}
	}
	if t.DstPorts, err = portsOf("-port", *q.port); err != nil {
		return from, to, t, err
	}
	if t.SrcPorts, err = portsOf("-client-port", *q.clientPort); err != nil {
		return from, to, t, err
	}
	if t.Src, err = addressOf("-src", *q.src, from.Internet, t.Protocol); err != nil {
		return from, to, t, err
	}
	t.Dst, err = addressOf("-dst", *q.dst, to.Internet, t.Protocol)
	return from, to, t, err
}

func endOf(s string) vpc.Endpoint {
	if s == "internet" {
		return vpc.Endpoint{Internet: true}
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return vpc.Endpoint{Addr: a}
	}
	return vpc.Endpoint{Interface: s}
}

func addressOf(name, s string, internet bool, p netfilter.Protocol) (netip.Addr, error) {
	switch {
	case s != "":
		a, err := netip.ParseAddr(s)
		if err != nil {
			return a, fmt.Errorf("%s: %w", name, err)
		}
		return a, nil
	case internet && p == netfilter.ICMPv6:
		return netip.MustParseAddr("2001:db8::1"), nil
	case internet:
		return netip.MustParseAddr("198.51.100.1"), nil
	}
	return netip.Addr{}, nil
}

func icmpOf(s string) (typ, code uint8, err error) {
	first, second, both := strings.Cut(s, "/")
	if !both {
		second = "0"
	}
	a, err1 := strconv.ParseUint(first, 10, 8)
	b, err2 := strconv.ParseUint(second, 10, 8)
	if err1 != nil || err2 != nil {
		return 0, 0, fmt.Errorf("-icmp: %q is not a type, or a type and a code", s)
	}
	return uint8(a), uint8(b), nil
}

func portsOf(name, s string) (*vpc.Ports, error) {
	if s == "" {
		return nil, nil
	}
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || from > to {
		return nil, fmt.Errorf("%s: %q is neither a port nor a range of ports", name, s)
	}
	return &vpc.Ports{From: uint16(from), To: uint16(to)}, nil
}

// text is the question in a line.
func (q *question) text() string {
	s := *q.from + " to " + *q.to + ", " + *q.proto
	if *q.port != "" {
		s += " " + *q.port
	}
	return s
}
