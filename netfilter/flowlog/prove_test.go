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
				b := append(append([]byte{}, text...), make([]byte, slack)...)
				b[n] = ' '
				want, why := number(text, 0, 1<<63)
				v, ok := digits(b, 0, n)
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
				b := append(append([]byte{}, text...), make([]byte, slack)...)
				b[len(text)] = ' '
				want, _, wantOK := address4(text, 0)
				v, ok := dotted(b, 0, len(text))
				require.Equal(t, wantOK, ok, "%q", text)
				if ok {
					require.Equal(t, want, v, "%q", text)
				}
			}
		}
	}
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
