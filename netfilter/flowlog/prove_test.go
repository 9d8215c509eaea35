// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
)

// TestProofs: a group that admits a packet more than before, or misses one that
// was observed, is never returned.
func TestProofs(t *testing.T) {
	group := func(cidr string, from, to int) netfilter.SecurityGroup {
		return netfilter.SecurityGroup{ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "tcp", From: from, To: to, Peer: netfilter.Peer{IPv4: cidr}}}}
	}
	unknown := netfilter.SecurityGroup{ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{PrefixList: "pl-1"}}}}
	none := netfilter.SecurityGroup{ID: "sg-1"}
	before, seen := group("10.0.0.0/8", 443, 444), group("10.0.0.1/32", 443, 443)
	n := &Network{}
	for name, c := range map[string]struct {
		before, after, observed netfilter.SecurityGroup
		ok                      bool
	}{
		"the same":                {before, before, seen, true},
		"narrower":                {before, seen, seen, true},
		"nothing observed":        {before, none, none, true},
		"an address more":         {before, group("9.255.255.255/32", 443, 443), none, false},
		"a port more":             {before, group("10.0.0.1/32", 443, 445), seen, false},
		"an observed port less":   {before, group("10.0.0.1/32", 444, 444), seen, false},
		"an observed address out": {before, group("10.0.0.2/32", 443, 443), seen, false},
		"perhaps more":            {before, unknown, none, false},
		"perhaps as before":       {unknown, unknown, unknown, true},
		"surely, before perhaps":  {unknown, group("10.0.0.1/32", 443, 443), none, false},
	} {
		err := n.prove(c.before, c.after, c.observed)
		if c.ok {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, ErrTighten, name)
		}
	}
}

// TestQuickNumbers holds the readers of eight bytes at once against the plain
// ones at every length and with every byte in every place.
func TestQuickNumbers(t *testing.T) {
	for n := 1; n <= 16; n++ {
		for at := range n {
			for c := range 256 {
				text := []byte("1234567890123456")[:n]
				if text[at] = byte(c); c == ' ' {
					continue
				}
				var b view
				copy(b[:], text)
				want, why := number(text, 0, 1<<63)
				v, ok := b.number(0, n)
				if n == 16 {
					require.False(t, ok)
					continue
				}
				require.Equal(t, why == "", ok, "%q", text)
				if ok {
					require.Equal(t, want, v, "%q", text)
				}
			}
		}
	}
}

// TestQuickAddresses does the same for IPv4 addresses of all shapes.
func TestQuickAddresses(t *testing.T) {
	for _, shape := range []string{"1.2.3.4", "10.20.30.40", "255.255.255.255", "0.0.0.0", "192.0.2.77", "9.99.100.249"} {
		for at := range shape {
			for c := range 256 {
				text := []byte(shape)
				if text[at] = byte(c); c == ' ' {
					continue
				}
				var b view
				copy(b[:], text)
				want, _, wantOK := address4(text, 0)
				b[len(text)] = ' '
				v, next, ok := b.dottedAt(0)
				ok = ok && next == len(text)+1
				require.Equal(t, wantOK, ok, "%q", text)
				if ok {
					require.Equal(t, want, v, "%q", text)
				}
			}
		}
	}
}

// TestQuickLines holds the quick ways of reading a line against the plain one, with
// every byte in every place, bytes left out and bytes put in.
func TestQuickLines(t *testing.T) {
	taken := 0
	check := func(f *Format, text string) {
		line := append(make([]byte, 0, len(text)+slack+1), text...)
		line[:len(line)+1][len(line)] = ' '
		var s starts
		got, want := Record{format: f}, Record{format: f, text: line}
		if !f.readQuick(line, &got, &s) {
			return
		}
		taken++
		require.Equal(t, "", f.readAll(line, &want).why, "%q", text)
		for i, k := range f.kinds {
			if k <= kindCount { // present or not is not asked about those
				got.present, want.present = got.present&^(1<<k), want.present&^(1<<k)
			}
			require.Equal(t, string(want.at(i)), string(got.at(i)), "%q", text)
		}
		require.Equal(t, want, got, "%q", text)
	}
	lines := map[string][]string{
		defaultFields: {
			"2 123456789010 eni-1235b8ca123456789 172.31.16.139 10.0.2.2 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
			"2 unknown eni-2 1.2.3.4 255.255.255.255 0 65535 255 9999999 123456789012345 1418530010 1418530070 REJECT OK",
			"2 1 eni-1 1.2.3.4 9.9.9.9 1 2 17 12345678 1234567890123456 1418530010 1418530070 REJECT OK",
			"2 1 eni-1 1.2.3.4 9.9.9.9 1 2 17 12345678 40 1418530010 1418530070 REJECT OK",
			"2 1 eni-1 10001.2.3.4 9.9.9.9 1 2 17 1 40 1418530010 1418530070 REJECT OK",
			"2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - NODATA",
			"2 123456789010 eni-1 2001:db8::1 2001:db8::2 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK",
		},
		"version srcaddr dstaddr srcport dstport protocol tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction traffic-path start packets log-status interface-id": {
			"5 10.0.0.1 10.0.0.2 1 65535 6 18 IPv4 192.0.2.1 198.51.100.200 ingress - 1431280876 20 OK eni-1",
			"5 10.0.0.1 - 1 65535 6 2 IPv6 2001:db8::1 - egress 8 1 20 OK -",
		},
	}
	for names, list := range lines {
		f, err := ParseFormat(names)
		require.NoError(t, err)
		for _, text := range list {
			check(f, text)
			for at := range text {
				check(f, text[:at]+text[at+1:])
				for c := range 256 {
					check(f, text[:at]+string([]byte{byte(c)})+text[at+1:])
					check(f, text[:at]+string([]byte{byte(c)})+text[at:])
				}
			}
		}
	}
	require.Greater(t, taken, 10000, "lines read quickly")
}

func TestSpaceBits(t *testing.T) {
	for c := range 256 {
		for at := range 64 {
			var b [64]byte
			for i := range b {
				b[i] = '!' // one above a space, which a borrow would turn into one
			}
			b[at] = byte(c)
			want := uint64(0)
			if c == ' ' {
				want = 1 << at
			}
			require.Equal(t, want, spaceBits(&b))
		}
	}
}
