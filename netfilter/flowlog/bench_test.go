// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

func full() bool { return os.Getenv("SALLYPORT_FULL") != "" }

// repeat gives a text over and over, up to a number of bytes, and ends with a
// whole line.
type repeat struct {
	text []byte
	at   int
	left int64
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left <= 0 && r.at == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.at:])
	if r.at += n; r.at == len(r.text) {
		r.at = 0
	}
	r.left -= int64(n)
	return n, nil
}

// benchNetwork is 64 interfaces in 4 subnets, each with 2 of 8 groups of 20
// rules, and ACLs of 10 entries.
func benchNetwork(tb testing.TB) *flowlog.Network {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	inv := &netfilter.Inventory{}
	for g := range 8 {
		group := netfilter.SecurityGroup{ID: fmt.Sprint("sg-", g), VPC: "vpc-1"}
		for i := range 20 {
			port := []int{22, 53, 80, 443, 3306, 5432, 6379, 8080}[rng.IntN(8)]
			group.Ingress = append(group.Ingress, netfilter.Rule{
				Permission: i, Protocol: "tcp", From: port, To: port,
				Peer: netfilter.Peer{IPv4: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(rng.IntN(4)), byte(rng.IntN(256)), 0}), 16+rng.IntN(9)).Masked().String()},
			})
		}
		group.Ingress = append(group.Ingress, netfilter.Rule{Permission: 20, Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}})
		group.Egress = []netfilter.Rule{{Protocol: "-1", From: -1, To: -1, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}}
		inv.Groups = append(inv.Groups, group)
	}
	acl := netfilter.NetworkACL{ID: "acl-1", VPC: "vpc-1", Default: true}
	for i := range 9 {
		acl.Ingress = append(acl.Ingress, netfilter.ACLEntry{Number: 10 + i, Protocol: "6", Action: "deny", IPv4: fmt.Sprintf("192.0.%d.0/24", i), From: -1, To: -1, Type: -1, Code: -1})
	}
	last := netfilter.ACLEntry{Number: 100, Protocol: "-1", Action: "allow", IPv4: "0.0.0.0/0", From: -1, To: -1, Type: -1, Code: -1}
	acl.Ingress, acl.Egress = append(acl.Ingress, last), append(acl.Ingress[:9:9], last)
	inv.ACLs = []netfilter.NetworkACL{acl}
	for i := range 64 {
		a := benchOwn(i)
		inv.Interfaces = append(inv.Interfaces, netfilter.Interface{
			ID: fmt.Sprintf("eni-%017x", i), VPC: "vpc-1", Subnet: fmt.Sprint("subnet-", i%4), Primary: a, Type: "interface",
			Addresses: []netfilter.Address{{Private: a}}, Groups: []string{fmt.Sprint("sg-", i%8), fmt.Sprint("sg-", (i+3)%8)},
		})
	}
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv})
	require.NoError(tb, err)
	return n
}

// fieldsRecord is what the plain parser makes of a line.
type fieldsRecord struct {
	iface                           string
	src, dst                        netip.Addr
	version, sport, dport, protocol uint64
	packets, size, from, end        uint64
	action, status                  string
}

// parseFields is the floor: a Scanner, strings.Fields, netip and strconv, and
// nothing else.
func parseFields(in io.Reader, visit func(*fieldsRecord)) error {
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		f := strings.Fields(scanner.Text())
		if len(f) != 14 {
			return fmt.Errorf("%d fields", len(f))
		}
		r := fieldsRecord{iface: f[2], action: f[12], status: f[13]}
		var err error
		if r.src, err = netip.ParseAddr(f[3]); err != nil {
			return err
		}
		if r.dst, err = netip.ParseAddr(f[4]); err != nil {
			return err
		}
		if r.version, err = strconv.ParseUint(f[0], 10, 8); err != nil {
			return err
		}
		if r.action != "ACCEPT" && r.action != "REJECT" || r.status != "OK" {
			return fmt.Errorf("%s %s", r.action, r.status)
		}
		for i, to := range []*uint64{&r.sport, &r.dport, &r.protocol, &r.packets, &r.size, &r.from, &r.end} {
			if *to, err = strconv.ParseUint(f[5+i], 10, 64); err != nil {
				return err
			}
		}
		visit(&r)
	}
	return scanner.Err()
}

// sums are what both parsers have to agree on.
type sums struct{ records, packets, size, ports uint64 }

func fieldsSums(tb testing.TB, text []byte) (s sums) {
	err := parseFields(bytes.NewReader(text), func(r *fieldsRecord) {
		s.records++
		s.packets += r.packets
		s.size += r.size
		s.ports += r.sport ^ r.dport
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func attribute(tb testing.TB, s *flowlog.Summary, text []byte) (out sums) {
	for r, err := range (flowlog.Reader{}).Records(bytes.NewReader(text)) {
		if err != nil {
			tb.Fatal(err)
		}
		s.Add(r)
		out.records++
		out.packets += r.Packets
		out.size += r.Bytes
		out.ports += uint64(r.SrcPort ^ r.DstPort)
	}
	return out
}

// BenchmarkAttribute reads a log of 400,000 records, 45 MB, in turns with the floor,
// which only parses: parse alone, with attribution, and with a summary; a log as
// services write it, and one in which no flow comes again. Each turn begins with an
// Attribution of its own, which remembers nothing yet. The ratio is the processor time
// of this over the floor's.
func BenchmarkAttribute(b *testing.B) {
	n := benchNetwork(b)
	for _, name := range []string{"services", "distinct"} {
		text := servicesLog(400000)
		if name == "distinct" {
			text = distinctLog(400000)
		}
		s := flowlog.NewSummary(n)
		require.Equal(b, fieldsSums(b, text), attribute(b, s, text))
		floor := func() { fieldsSums(b, text) }
		for _, step := range []struct {
			name string
			work func()
		}{
			{"parse", func() { parse(b, text, func(*flowlog.Record) {}) }},
			{"attribute", func() {
				var a flowlog.Attribution
				parse(b, text, func(r *flowlog.Record) { n.Attribute(r, &a) })
			}},
			{"summary", func() {
				s := flowlog.NewSummary(n)
				parse(b, text, func(r *flowlog.Record) { s.Add(r) })
			}},
		} {
			b.Run(name+"/"+step.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(text)))
				testkit.Beside(b, 1, step.work, floor)
			})
		}
	}
}

func parse(tb testing.TB, text []byte, visit func(*flowlog.Record)) {
	for r, err := range (flowlog.Reader{}).Records(bytes.NewReader(text)) {
		if err != nil {
			tb.Fatal(err)
		}
		visit(r)
	}
}

// BenchmarkFiles reads eight files, one after the other and by two goroutines.
func BenchmarkFiles(b *testing.B) {
	n, text := benchNetwork(b), distinctLog(20000)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			b.SetBytes(8 * int64(len(text)))
			for b.Loop() {
				var wg sync.WaitGroup
				total := flowlog.NewSummary(n)
				parts := make([]*flowlog.Summary, workers)
				for w := range workers {
					parts[w] = flowlog.NewSummary(n)
					wg.Go(func() {
						for range 8 / workers {
							attribute(b, parts[w], text)
						}
					})
				}
				wg.Wait()
				for _, p := range parts {
					require.NoError(b, total.Merge(p))
				}
			}
		})
	}
}
