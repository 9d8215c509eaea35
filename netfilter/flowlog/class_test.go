// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAddressClasses: two addresses are of one class if and only if each set of
// blocks has both or neither, whatever the sets, at every edge of every block.
func TestAddressClasses(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 40 {
		sets := make([][]netip.Prefix, rng.IntN(8))
		probes := []uint32{0, 1, 1<<32 - 1, 10 << 24, rng.Uint32()}
		for i := range sets {
			for range rng.IntN(5) {
				a := addr4(10<<24 | rng.Uint32()&0x3ff03)
				if rng.IntN(8) == 0 {
					a = addr4(rng.Uint32())
				}
				p := netip.PrefixFrom(a, rng.IntN(33))
				if first, last, ok := bounds4(p); ok {
					probes = append(probes, first-1, first, last, last+1)
				}
				sets[i] = append(sets[i], p)
			}
		}
		line := newAddressLine(sets)
		all := newPartition(len(line))
		for _, blocks := range sets {
			in, ok := line.intervals(blocks, maxIntervals)
			require.True(t, ok)
			all.split(in)
		}
		all.compact()
		c := addressClasses{line.table(all.of)}
		classes := map[string]uint16{}
		signatures := map[uint16]string{}
		for _, probe := range probes {
			signature := ""
			for _, blocks := range sets {
				in := "0"
				for _, p := range blocks {
					if p.Contains(addr4(probe)) {
						in = "1"
					}
				}
				signature += in
			}
			class := c.of(probe)
			if had, ok := classes[signature]; ok {
				require.Equal(t, had, class, "%v %v", addr4(probe), sets)
			}
			if had, ok := signatures[class]; ok {
				require.Equal(t, had, signature, "%v %v", addr4(probe), sets)
			}
			classes[signature], signatures[class] = class, signature
		}
	}
}

// TestBounds4: only what is IPv4, or stands for it, has bounds there.
func TestBounds4(t *testing.T) {
	for text, want := range map[string][2]uint32{
		"0.0.0.0/0": {0, 1<<32 - 1}, "10.1.2.3/32": {0x0a010203, 0x0a010203}, "10.1.2.3/31": {0x0a010202, 0x0a010203},
		"::ffff:10.1.0.0/112": {0x0a010000, 0x0a01ffff}, "::ffff:0:0/96": {0, 1<<32 - 1},
	} {
		first, last, ok := bounds4(netip.MustParsePrefix(text))
		require.True(t, ok, text)
		require.Equal(t, want, [2]uint32{first, last}, text)
	}
	for _, p := range []netip.Prefix{{}, netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("::ffff:0:0/95")} {
		_, _, ok := bounds4(p)
		require.False(t, ok, p)
	}
}

// TestClassTableLimit: a table of exactly maxClassPages is built, one of a page more
// is not.
func TestClassTableLimit(t *testing.T) {
	// Each block of 256 addresses has a pattern of its own: a page. There are 256
	// pages of upper halves, those of 256 such pages, and two where there is nothing.
	for blocks, fits := range map[int]bool{32383: true, 32384: false} {
		var set []netip.Prefix
		i := uint32(0)
		for a := uint32(0); a < 256 && int(i) < blocks; a++ {
			for b := a + 1; b < 256 && int(i) < blocks; b++ {
				base := 10<<24 + i<<8
				set = append(set, netip.PrefixFrom(addr4(base|a), 32), netip.PrefixFrom(addr4(base|b), 32))
				i++
			}
		}
		require.Equal(t, blocks, int(i))
		line := newAddressLine([][]netip.Prefix{set})
		p := newPartition(len(line))
		in, ok := line.intervals(set, len(set))
		require.True(t, ok)
		p.split(in)
		_, ok = line.intervals(set, len(set)-1)
		require.False(t, ok)
		table := line.table(p.of)
		require.Equal(t, fits, table != nil, blocks)
		if fits {
			require.Len(t, table, maxClassPages<<8)
			c := addressClasses{table}
			require.Equal(t, [3]uint16{1, 1, 0}, [3]uint16{c.of(10 << 24), c.of(10<<24 + 1), c.of(10<<24 + 2)})
		}
	}
}

// TestPortClasses: a port's class changes exactly where a range begins or has ended,
// and merged ones where one of the ranges asked about does.
func TestPortClasses(t *testing.T) {
	all := []portSpan{{0, 65535}, {22, 22}, {80, 443}, {443, 443}, {1024, 65535}, {65535, 65535}, {0, 0}}
	c := newPortClasses(all)
	for n := range all {
		left := maxPortSteps
		merged := c.merged(all[:n], &left)
		for port := 1; port <= 65535; port++ {
			edge := func(spans []portSpan) bool {
				for _, s := range spans {
					if int(s.from) == port || int(s.to) == port-1 {
						return true
					}
				}
				return false
			}
			before, class := c.of(uint16(port-1)), c.of(uint16(port))
			require.Equal(t, edge(all), before != class, port)
			in := func(port int) (sum int) {
				for i, s := range all[:n] {
					if int(s.from) <= port && port <= int(s.to) {
						sum |= 1 << i
					}
				}
				return sum
			}
			require.Equal(t, in(port-1) != in(port), merged[before] != merged[class], "%d of %v", port, all[:n])
		}
	}
}

// TestPortStepsAreBounded: wide ranges that overlap are one step for each class in
// each of them, which a limit ends; equal ones are one.
func TestPortStepsAreBounded(t *testing.T) {
	const ranges = 1000
	var all []portSpan
	steps := 0
	for i := range uint16(ranges) {
		all = append(all, portSpan{i, 65535 - i}, portSpan{i, 65535 - i})
		steps += 2*(ranges-int(i)) - 1
	}
	c := newPortClasses(all)
	require.Len(t, c.starts, 2*ranges-1)
	left := steps
	require.NotNil(t, c.merged(all, &left))
	require.Zero(t, left)
	left = steps - 1
	require.Nil(t, c.merged(all, &left))
	require.GreaterOrEqual(t, left, 0)
}

// TestWithoutTables: where tables would be too large, classes are coarser names of
// the same: an address is its own.
func TestWithoutTables(t *testing.T) {
	n := &Network{ports: newPortClasses([]portSpan{{443, 443}})}
	s := &setting{}
	require.Equal(t, uint32(0x0a010203), n.peerClass(s, 0x0a010203))
	require.Equal(t, uint64(1), n.portClass(nil, 443))
	require.Equal(t, uint64(0), n.portClass([]uint16{0, 0, 0}, 443))
}
