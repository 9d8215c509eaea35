// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
)

// benchOwn is the address of the i-th interface of benchNetwork.
func benchOwn(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i % 4), byte(10 + i)}) }

// distinctLog is records of those interfaces in the default format: requests,
// answers and rejected ones. Interface, peer, ports, time and action of each are
// drawn anew, so that no two are of one flow or even, but by chance, of one pair of
// addresses: the hardest log, which no network writes.
func distinctLog(lines int) []byte {
	rng := rand.New(rand.NewPCG(2, 2))
	var b bytes.Buffer
	for range lines {
		i := rng.IntN(64)
		own := benchOwn(i)
		peer := netip.AddrFrom4([4]byte{10, byte(rng.IntN(5)), byte(rng.IntN(256)), byte(rng.IntN(256))})
		if rng.IntN(3) == 0 {
			peer = stranger(rng)
		}
		src, dst, sport, dport := peer, own, 32768+rng.IntN(28000), []int{22, 80, 443, 443, 443, 5432}[rng.IntN(6)]
		if rng.IntN(2) == 0 {
			src, dst, sport, dport = dst, src, dport, sport
		}
		start := 1_700_000_000 + rng.IntN(1e6)
		fmt.Fprintf(&b, "2 123456789010 eni-%017x %s %s %d %d 6 %d %d %d %d %s OK\n", i, src, dst, sport, dport,
			1+rng.IntN(200), 40+rng.IntN(100000), start, start+rng.IntN(60), []string{"ACCEPT", "ACCEPT", "ACCEPT", "REJECT"}[rng.IntN(4)])
	}
	return b.Bytes()
}

func stranger(rng *rand.Rand) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(11 + rng.IntN(180)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256))})
}

// servicesLog is what the interfaces write when services run on them. Each has 24
// peers, two thirds of them in the VPC, the k-th as frequent as 1/k; with each it
// is client or server of one port. Half of the records are of one of four lasting
// connections of the pair, which every window logs again; the others have a new
// client port, as health checks and short requests do. Requests and answers are as
// frequent. One record of twelve is a stranger's, rejected, whose address and port
// never come again. The times are those of one file, ten minutes.
func servicesLog(lines int) []byte {
	rng := rand.New(rand.NewPCG(3, 3))
	type pair struct {
		peer   netip.Addr
		port   int
		server bool
		kept   [4]int
	}
	pairs := make([][24]pair, 64)
	var cumulated [24]float64
	for k, sum := 0, 0.0; k < len(cumulated); k++ {
		sum += 1 / float64(k+1)
		cumulated[k] = sum
	}
	for i := range pairs {
		for k := range pairs[i] {
			p := pair{peer: benchOwn(rng.IntN(64)), port: []int{443, 443, 5432, 6379, 8080}[rng.IntN(5)]}
			if k%3 == 2 {
				p.peer = stranger(rng)
			}
			if p.server = rng.IntN(2) == 0; p.server {
				p.port = 443
			}
			for c := range p.kept {
				p.kept[c] = 32768 + rng.IntN(28000)
			}
			pairs[i][k] = p
		}
	}
	var b bytes.Buffer
	for n := range lines {
		i := rng.IntN(64)
		own, action, k := benchOwn(i), "ACCEPT", 0
		for draw := rng.Float64() * cumulated[23]; cumulated[k] < draw; k++ {
		}
		p := pairs[i][k]
		client := p.kept[rng.IntN(4)]
		if rng.IntN(2) == 0 {
			client = 32768 + rng.IntN(28000)
		}
		src, dst, sport, dport := own, p.peer, client, p.port
		if p.server {
			src, dst = dst, src
		}
		switch {
		case rng.IntN(12) == 0:
			src, dst, sport, dport, action = stranger(rng), own, 1024+rng.IntN(60000), rng.IntN(10000), "REJECT"
		case rng.IntN(2) == 0:
			src, dst, sport, dport = dst, src, dport, sport
		}
		start := 1_700_000_000 + n*600/lines
		fmt.Fprintf(&b, "2 123456789010 eni-%017x %s %s %d %d 6 %d %d %d %d %s OK\n", i, src, dst, sport, dport,
			1+rng.IntN(200), 40+rng.IntN(100000), start, start+rng.IntN(60), action)
	}
	return b.Bytes()
}
