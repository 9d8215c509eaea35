// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// big reads a snapshot of 5,000 interfaces in 25 subnets, with five groups of
// 42 rules each.
func big(tb testing.TB, n int) *vpc.Snapshot {
	tb.Helper()
	s, err := vpc.Read(bigWorld(n)...)
	require.NoError(tb, err)
	return s
}

// BenchmarkPath follows packets through a snapshot of 5,000 interfaces, from
// one to another and from the internet, a different pair each time; the floor is
// 100 look-ups of an interface in a map of as many.
func BenchmarkPath(b *testing.B) {
	const n = 5000
	s := big(b, n)
	ids := make([]string, n)
	byID := map[string]int{}
	for i := range ids {
		ids[i] = fmt.Sprintf("eni-%d", i)
		byID[ids[i]] = i
	}
	i, sum := 0, 0
	floor := func() {
		for range 100 {
			i = (i + 617) % n
			sum += byID[ids[i]]
		}
	}
	https := vpc.Traffic{Protocol: netfilter.TCP, DstPorts: &vpc.Ports{From: 443, To: 443}}
	inside := func() {
		i = (i + 617) % n
		p, err := s.Path(vpc.Endpoint{Interface: ids[i]}, vpc.Endpoint{Interface: ids[(i+2501)%n]}, https)
		if err != nil || p.Reply != vpc.Yes {
			b.Fatal(err, p)
		}
	}
	fromInternet := https
	fromInternet.Src = addr("8.8.8.8")
	outside := func() {
		i = (i + 617) % n
		p, err := s.Path(vpc.Endpoint{Internet: true}, vpc.Endpoint{Interface: ids[i]}, fromInternet)
		if err != nil || p.Reply != vpc.Yes {
			b.Fatal(err, p)
		}
	}
	all := https
	all.DstPorts = nil
	ports := func() {
		i = (i + 617) % n
		if p, err := s.Path(vpc.Endpoint{Interface: ids[i]}, vpc.Endpoint{Interface: ids[(i+2501)%n]}, all); err != nil || p.Reachable != vpc.Partly {
			b.Fatal(err, p)
		}
	}
	for name, f := range map[string]func(){"from=interface": inside, "from=internet": outside, "from=interface/ports=all": ports} {
		b.Run(name, func(b *testing.B) { testkit.Beside(b, 200, f, floor) })
	}
	require.Positive(b, sum)
}

// BenchmarkExposure lists what the internet reaches of 5,000 interfaces; the
// floor is one path query for each of them.
func BenchmarkExposure(b *testing.B) {
	const n = 5000
	s := big(b, n)
	https := vpc.Traffic{Protocol: netfilter.TCP, Src: addr("8.8.8.8"), DstPorts: &vpc.Ports{From: 443, To: 443}}
	testkit.Beside(b, 1, func() {
		seen := 0
		for range s.Exposure() {
			seen++
		}
		require.Equal(b, n, seen)
	}, func() {
		for i := range n {
			_, err := s.Path(vpc.Endpoint{Internet: true}, vpc.Endpoint{Interface: fmt.Sprintf("eni-%d", i)}, https)
			require.NoError(b, err)
		}
	})
}

// BenchmarkRead reads the snapshot of 5,000 interfaces.
func BenchmarkRead(b *testing.B) {
	docs := bigWorld(5000)
	b.SetBytes(int64(len(docs[0].Data)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := vpc.Read(docs...)
		require.NoError(b, err)
	}
}
