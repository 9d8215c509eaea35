// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"bytes"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// FuzzRecord compares one line of one format with the reference, and what is
// written of it with what is read from that (NET-80: round trip).
func FuzzRecord(f *testing.F) {
	f.Add(defaultNames, sshLine)
	f.Add(defaultNames, "2 unknown - - - - - - - - 1431280876 1431280934 - NODATA")
	f.Add("srcaddr dstaddr version", "::ffff:1.2.3.4 2001:db8::1 2")
	f.Add("srcaddr pkt-srcaddr", "1:2:3:4:5:6:7:: ::1.2.3.04")
	f.Add("packets-lost-no-route future tcp-flags type", "18446744073709551616 x 65535 EFA")
	for _, format := range formats {
		g := newGenerator(5)
		f.Add(format, g.line(strings.Fields(format)))
	}
	f.Fuzz(func(t *testing.T, format, line string) {
		if len(line) > 4096 || len(format) > 4096 || strings.ContainsAny(line, "\n\r") || line == "" {
			return
		}
		parsed, err := flowlog.ParseFormat(format)
		if err != nil || line == parsed.Header() {
			return
		}
		names := parsed.Fields()
		n := 0
		for r, err := range (flowlog.Reader{Format: parsed}).Records(strings.NewReader(line)) {
			n++
			if err != nil && strings.Contains(err.Error(), "header names other fields") {
				return
			}
			if values := compareRecord(t, names, line, r, err); values != nil && r.Has(names[0]) {
				written := string(r.Append(nil))
				for again, err := range (flowlog.Reader{Format: parsed}).Records(strings.NewReader(written)) {
					require.NoError(t, err)
					require.Equal(t, written, string(again.Append(nil)))
				}
			}
		}
		if n > 1 {
			t.Fatalf("%d records of one line", n)
		}
	})
}

// FuzzInput reads any bytes, plain and as gzip data: no panic, no endless loop,
// lines counted right, and the same records whatever the chunks.
func FuzzInput(f *testing.F) {
	f.Add([]byte(header2+"\n"+sshLine+"\n"+rdpLine), 3)
	f.Add([]byte("version start\r\n2 1\r\n\n\nstart version\n1 2"), 200)
	f.Add(zip(f, header2+"\n"+sshLine+"\n", "garbage"), 64)
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		rd := flowlog.Reader{MaxLine: 1 + limit&0xfff, MaxInput: 1 << 20}
		lines, errs := all(rd, bytes.NewReader(data))
		again, errsAgain := all(rd, &chunks{data: data, n: 1 + limit>>12&7})
		if d := cmp.Diff(lines, again); d != "" {
			t.Fatal(d)
		}
		if len(errs) != len(errsAgain) {
			t.Fatalf("%v, in chunks %v", errs, errsAgain)
		}
		for i := range errs {
			if errs[i].Error() != errsAgain[i].Error() {
				t.Fatalf("%v, in chunks %v", errs[i], errsAgain[i])
			}
		}
	})
}

// chunks returns n bytes at a time.
type chunks struct {
	data []byte
	n    int
}

func (c *chunks) Read(p []byte) (int, error) {
	part := c.data[:min(c.n, len(c.data), len(p))]
	n := copy(p, part)
	c.data = c.data[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// FuzzAddress compares addresses with net/netip.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "01.2.3.4", "fe80::1%a", "1:::2", "12345::", ":1", "1:", "1.2.3", "::1.2.3.4.5", "::1.2.3.4:5", "0.0.\x18.0", "1.2.3.4:", "1.2.3./", "1.2.3.:0"} {
		f.Add(s)
	}
	format, err := flowlog.ParseFormat("srcaddr start")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || s == "-" || len(s) > 64 || strings.ContainsAny(s, " \r\n") {
			return
		}
		want, errWant := netip.ParseAddr(s)
		if errWant == nil && want.Zone() != "" {
			return
		}
		for r, err := range (flowlog.Reader{Format: format}).Records(strings.NewReader(s + " 1")) {
			if (err == nil) != (errWant == nil) {
				t.Fatalf("%q: %v, netip: %v", s, err, errWant)
			}
			if err == nil && r.Src != want.Unmap() {
				t.Fatalf("%q: %v, netip: %v", s, r.Src, want)
			}
		}
	})
}

// FuzzFormat reads any format: what is one is written in both forms and read
// again.
func FuzzFormat(f *testing.F) {
	f.Add("${version} ${start}")
	f.Add(defaultNames)
	f.Fuzz(func(t *testing.T, s string) {
		format, err := flowlog.ParseFormat(s)
		if err != nil {
			require.ErrorIs(t, err, flowlog.ErrFormat)
			return
		}
		for _, again := range []string{format.String(), format.Header()} {
			g, err := flowlog.ParseFormat(again)
			require.NoError(t, err)
			require.Equal(t, format.Fields(), g.Fields())
			require.Equal(t, format.Version(), g.Version())
		}
	})
}

// FuzzAttribute compares attributions with the reference on networks and lines
// drawn from the fuzzer's numbers, and holds that no summary lets a tightened
// group admit more.
func FuzzAttribute(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, network, log uint64) {
		g := newGenerator(network)
		inv := g.inventory()
		n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv, Resolver: resolver(inv)})
		require.NoError(t, err)
		g = newGenerator(log)
		format, err := flowlog.ParseFormat(formats[log%uint64(len(formats))])
		require.NoError(t, err)
		s := flowlog.NewSummary(n)
		for range 40 {
			line := g.line(format.Fields())
			for r, err := range (flowlog.Reader{Format: format}).Records(strings.NewReader(line)) {
				values := compareRecord(t, format.Fields(), line, r, err)
				if values == nil {
					continue
				}
				want := refAttribute(inv, values)
				for range 4 { // from the 17th line on a finding may be remembered
					got := found(s.Add(r))
					if want.first == "" {
						got.first = ""
					}
					if d := cmp.Diff(want, got, cmp.AllowUnexported(refFinding{})); d != "" {
						t.Fatalf("%q\n%s", line, d)
					}
				}
			}
		}
		for _, group := range inv.Groups {
			_, err := flowlog.Tightener{}.Group(s, group.ID)
			require.NoError(t, err)
		}
	})
}
