// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// one reads a single line by the format and returns the record, which stays
// valid since nothing more is read.
func one(t *testing.T, format, line string) *flowlog.Record {
	t.Helper()
	f, err := flowlog.ParseFormat(format)
	require.NoError(t, err)
	for r, err := range (flowlog.Reader{Format: f}).Records(strings.NewReader(line)) {
		require.NoError(t, err)
		return r
	}
	require.Fail(t, "no record")
	return nil
}

// all reads an input and returns its records written again, and its errors.
func all(rd flowlog.Reader, in io.Reader) (lines []string, errs []error) {
	for r, err := range rd.Records(in) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		lines = append(lines, string(r.Append(nil)))
	}
	return lines, errs
}

func zip(t testing.TB, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, m := range members {
		z := gzip.NewWriter(&b)
		_, err := io.WriteString(z, m)
		require.NoError(t, err)
		require.NoError(t, z.Close())
	}
	return b.Bytes()
}

const (
	sshLine = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
	rdpLine = "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK"
	header2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)

func TestDefaultRecord_NET57(t *testing.T) {
	r := one(t, header2, sshLine)
	require.Equal(t, uint8(2), r.Version)
	require.Equal(t, "eni-1235b8ca123456789", string(r.Interface))
	require.Equal(t, netip.MustParseAddr("172.31.16.139"), r.Src)
	require.Equal(t, netip.MustParseAddr("172.31.16.21"), r.Dst)
	require.Equal(t, [2]uint16{20641, 22}, [2]uint16{r.SrcPort, r.DstPort})
	require.Equal(t, netfilter.TCP, r.Protocol)
	require.Equal(t, [2]uint64{20, 4249}, [2]uint64{r.Packets, r.Bytes})
	require.Equal(t, [2]int64{1418530010, 1418530070}, [2]int64{r.Start, r.End})
	require.Equal(t, flowlog.Accept, r.Action)
	require.Equal(t, flowlog.OK, r.Status)
	require.False(t, r.Directed)
	account, ok := r.Text("account-id")
	require.True(t, ok)
	require.Equal(t, "123456789010", string(account))
	require.False(t, r.Has("tcp-flags"))
	require.Equal(t, 2, r.Format().Version())
	require.Equal(t, header2, flowlog.DefaultFormat().Header())
}

// TestFieldTable_NET58: every field of every version is known, which raises the
// version of a format that has it; other names are kept.
func TestFieldTable_NET58(t *testing.T) {
	for version, names := range refVersions {
		for _, name := range strings.Fields(names) {
			f, err := flowlog.ParseFormat(name)
			require.NoError(t, err)
			require.Equal(t, version, f.Version(), name)
		}
	}
	r := one(t, "${interface-id} ${future-field} ${instance-tag} ${asg-tag}", "eni-1 what%20ever a%2Fb%C3%A9 %zz")
	v, ok := r.Text("future-field")
	require.True(t, ok)
	require.Equal(t, "what%20ever", string(v), "an unknown field is kept as it is")
	tag, ok := r.Tag("instance-tag")
	require.True(t, ok)
	require.Equal(t, "a/bé", tag)
	for _, name := range []string{"asg-tag", "future-field", "interface-tag"} {
		_, ok = r.Tag(name)
		require.False(t, ok, name)
	}
	r = one(t, "version future-field", "12 x")
	require.Equal(t, uint8(12), r.Version, "a later version may come with a field that is not known")
}

func TestFormats_NET59(t *testing.T) {
	v5 := "5 eni-1 ingress"
	for name, c := range map[string]struct {
		format, in string
		want       []string
		err        error
	}{
		"default without a header":           {"", sshLine + "\n", []string{sshLine}, nil},
		"header line":                        {"", "version interface-id flow-direction\n" + v5 + "\n", []string{v5}, nil},
		"the header's order counts":          {"", "flow-direction version interface-id\negress 5 eni-1\n", []string{"egress 5 eni-1"}, nil},
		"LogFormat":                          {"${version} ${interface-id} ${flow-direction}", v5, []string{v5}, nil},
		"LogFormat and the same header":      {"${version} ${interface-id} ${flow-direction}", "version interface-id flow-direction\n" + v5, []string{v5}, nil},
		"LogFormat and another header":       {"${version} ${interface-id}", "version account-id\n2 1\n", nil, flowlog.ErrFormat},
		"two files joined":                   {"", header2 + "\n" + sshLine + "\nversion interface-id flow-direction\n" + v5 + "\n" + header2 + "\n" + sshLine + "\n", []string{sshLine, v5, sshLine}, nil},
		"the same header twice, text fields": {"", "vpc-id subnet-id\na b\nvpc-id subnet-id\nc d\n", []string{"a b", "c d"}, nil},
		"never by the number of fields":      {"", "eni-1 10.0.0.1 10.0.0.2\n", nil, flowlog.ErrRecord},
		"14 fields of another version":       {"", strings.Replace(sshLine, "2 ", "3 ", 1), nil, flowlog.ErrRecord},
		"a lower version than the fields'":   {"version tcp-flags", "2 18", nil, flowlog.ErrRecord},
		"a higher version than the fields'":  {"version tcp-flags", "4 18", nil, flowlog.ErrRecord},
		"header with \\r\\n":                 {"", header2 + "\r\n" + sshLine + "\r\n", []string{sshLine}, nil},
		"no header among unknown words":      {"", "one two three\n", nil, flowlog.ErrRecord},
	} {
		t.Run(name, func(t *testing.T) {
			var rd flowlog.Reader
			if c.format != "" {
				f, err := flowlog.ParseFormat(c.format)
				require.NoError(t, err)
				rd.Format = f
			}
			lines, errs := all(rd, strings.NewReader(c.in))
			require.Equal(t, c.want, lines)
			if c.err == nil {
				require.Empty(t, errs)
			} else {
				require.Len(t, errs, 1)
				require.ErrorIs(t, errs[0], c.err)
			}
		})
	}
}

func TestFormatErrors(t *testing.T) {
	many := make([]string, 257)
	for i := range many {
		many[i] = fmt.Sprint("f", i)
	}
	for name, c := range map[string]struct {
		in     string
		column int
	}{
		"empty":                {"", 1},
		"spaces":               {"   ", 1},
		"a name twice":         {"version version", 9},
		"mixed forms":          {"${version} start", 12},
		"unclosed":             {"${version ${start}", 1},
		"not a name":           {"version 2", 9},
		"a dash":               {"version -", 9},
		"257 fields":           {strings.Join(many, " "), len(strings.Join(many[:256], " ")) + 2},
		"a name of 129 bytes":  {strings.Repeat("a", 129), 1},
		"a name with a tab":    {"version\tstart", 1},
		"a name beyond ASCII":  {"versioné", 1},
		"nothing in the brace": {"${}", 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := flowlog.ParseFormat(c.in)
			require.ErrorIs(t, err, flowlog.ErrFormat)
			require.NotErrorIs(t, err, flowlog.ErrRecord)
			var e *flowlog.ParseError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.column, e.Column)
			require.NotEmpty(t, e.Hint())
			require.Less(t, len(e.Error()), 300)
		})
	}
	_, err := flowlog.ParseFormat(strings.Join(many[:256], " "))
	require.NoError(t, err, "256 fields are not too many")
	_, err = flowlog.ParseFormat(strings.Repeat("a", 128))
	require.NoError(t, err, "nor is a name of 128 bytes too long")
}

func TestLines_NET60(t *testing.T) {
	replace := func(old, with string) string { return strings.Replace(sshLine, old, with, 1) }
	for name, c := range map[string]struct {
		line, field string
		column      int
	}{
		"several spaces":           {replace(" 22 ", "   22  "), "", 0},
		"spaces around":            {"  " + sshLine + "   ", "", 0},
		"account unknown":          {replace("123456789010", "unknown"), "", 0},
		"no interface":             {replace("eni-1235b8ca123456789", "-"), "", 0},
		"IPv6":                     {replace("172.31.16.139", "2001:db8::1"), "", 0},
		"mapped":                   {replace("172.31.16.139", "::ffff:172.31.16.139"), "", 0},
		"most bytes":               {replace("4249", "18446744073709551615"), "", 0},
		"bytes over":               {replace("4249", "18446744073709551616"), "bytes", 0},
		"bytes far over":           {replace("4249", "184467440737095516150"), "bytes", 0},
		"last port":                {replace("20641", "65535"), "", 0},
		"port over":                {replace("20641", "65536"), "srcport", 65},
		"port negative":            {replace("20641", "-1"), "srcport", 65},
		"port hexadecimal":         {replace("20641", "0x10"), "srcport", 65},
		"last protocol":            {replace(" 6 ", " 255 "), "", 0},
		"protocol over":            {replace(" 6 ", " 256 "), "protocol", 0},
		"protocol name":            {replace(" 6 ", " tcp "), "protocol", 0},
		"time over":                {replace("1418530070", "9223372036854775808"), "end", 0},
		"octet over":               {replace("172.31.16.139", "172.31.16.256"), "srcaddr", 38},
		"leading zero":             {replace("172.31.16.139", "172.31.16.039"), "srcaddr", 38},
		"three octets":             {replace("172.31.16.139", "172.31.16"), "srcaddr", 38},
		"five octets":              {replace("172.31.16.139", "172.31.16.1.3"), "srcaddr", 38},
		"zone":                     {replace("172.31.16.139", "fe80::1%eth0"), "srcaddr", 38},
		"a host name":              {replace("172.31.16.21", "localhost"), "dstaddr", 52},
		"action in lower case":     {replace("ACCEPT", "accept"), "action", 0},
		"unknown status":           {replace("OK", "MAYBE"), "log-status", 0},
		"too few fields":           {strings.TrimSuffix(sshLine, " OK"), "log-status", 0},
		"too many fields":          {sshLine + " x", "", len(sshLine) + 2},
		"a tab is no separator":    {replace(" 22 ", "\t22 "), "srcport", 0},
		"one word":                 {"2", "account-id", 2},
		"version is not a number":  {replace("2 ", "v2 "), "version", 1},
		"version of another table": {replace("2 ", "5 "), "version", 1},
	} {
		t.Run(name, func(t *testing.T) {
			lines, errs := all(flowlog.Reader{Format: flowlog.DefaultFormat(), Name: "a.log"}, strings.NewReader("\n"+c.line+"\n"+rdpLine))
			if c.field == "" && c.column == 0 {
				require.Empty(t, errs)
				require.Len(t, lines, 2)
				return
			}
			require.Equal(t, []string{rdpLine}, lines, "the reader goes on")
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], flowlog.ErrRecord)
			var e *flowlog.ParseError
			require.ErrorAs(t, errs[0], &e)
			require.Equal(t, int64(2), e.Line)
			require.Equal(t, int64(1), e.Offset)
			require.Equal(t, "a.log", e.File)
			require.Equal(t, c.field, e.Field)
			if c.column > 0 {
				require.Equal(t, c.column, e.Column)
			}
			require.Contains(t, e.Error(), "a.log: line 2 column ")
			require.NotEmpty(t, e.Hint())
		})
	}
}

func TestWords_NET60(t *testing.T) {
	const format = "type flow-direction tcp-flags traffic-path packets-lost-blackhole"
	for line, ok := range map[string]bool{
		"IPv4 ingress 65535 8 1":   true,
		"EFA egress 0 255 0":       true,
		"IPv6 - - - -":             true,
		"IPv5 - - - -":             false,
		"- in - - -":               false,
		"- - 65536 - -":            false,
		"- - - 256 -":              false,
		"- - - - x":                false,
		"- - - - 1844674407370955": true,
	} {
		f, err := flowlog.ParseFormat(format)
		require.NoError(t, err)
		lines, errs := all(flowlog.Reader{Format: f}, strings.NewReader(line))
		require.Equal(t, ok, len(lines) == 1 && len(errs) == 0, line)
		if ok {
			require.Equal(t, line, lines[0])
		}
	}
}

func TestGzip(t *testing.T) {
	want := []string{sshLine, rdpLine}
	lines, errs := all(flowlog.Reader{}, bytes.NewReader(zip(t, header2+"\n"+sshLine+"\n", header2+"\n"+rdpLine+"\n")))
	require.Empty(t, errs)
	require.Equal(t, want, lines, "both members, each with its header")

	lines, errs = all(flowlog.Reader{}, iotest.OneByteReader(bytes.NewReader(zip(t, sshLine+"\n"+rdpLine))))
	require.Empty(t, errs)
	require.Equal(t, want, lines)

	whole := zip(t, sshLine+"\n"+rdpLine+"\n")
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-6] ^= 1
	for name, data := range map[string][]byte{
		"cut":            whole[:len(whole)-3],
		"header cut":     whole[:5],
		"checksum":       damaged,
		"garbage behind": append(bytes.Clone(whole), "garbage"...),
	} {
		_, errs = all(flowlog.Reader{Name: "x.gz"}, bytes.NewReader(data))
		require.Len(t, errs, 1, name)
		require.ErrorIs(t, errs[0], flowlog.ErrInput, name)
		require.ErrorContains(t, errs[0], "x.gz", name)
	}
}

// TestGzipBomb: 64 MiB of one line, and an input without an end, take no memory
// and are errors.
func TestGzipBomb(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	block := bytes.Repeat([]byte{'a'}, 1<<20)
	for range 64 {
		_, err := z.Write(block)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	lines, errs := all(flowlog.Reader{}, bytes.NewReader(b.Bytes()))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	require.Empty(t, lines)
	require.Len(t, errs, 1, "one error for the one line")
	require.ErrorIs(t, errs[0], flowlog.ErrRecord)

	_, errs = all(flowlog.Reader{MaxInput: 1 << 20}, bytes.NewReader(b.Bytes()))
	require.ErrorIs(t, errs[len(errs)-1], flowlog.ErrLimit)
	require.NotErrorIs(t, errs[len(errs)-1], flowlog.ErrInput)
}

func TestLimits(t *testing.T) {
	rd := flowlog.Reader{MaxLine: len(sshLine)}
	for name, c := range map[string]struct {
		in    string
		lines int
		errs  int
	}{
		"at the limit":              {sshLine + "\n" + sshLine + "\n", 2, 0},
		"at the limit with \\r\\n":  {sshLine + "\r\n" + sshLine + "\r\n", 2, 0},
		"past it by a byte":         {sshLine + " \n" + sshLine + "\n", 1, 1},
		"past it, at the end":       {sshLine + "\n" + sshLine + " ", 1, 1},
		"far past it":               {strings.Repeat("x ", 1<<20) + "\n" + sshLine + "\n", 1, 1},
		"far past it, at the end":   {sshLine + "\n" + strings.Repeat("x ", 1<<20), 1, 1},
		"past it by \\r and a byte": {sshLine + "x\r\n" + sshLine + "\n", 1, 1},
	} {
		lines, errs := all(rd, strings.NewReader(c.in))
		require.Len(t, lines, c.lines, name)
		require.Len(t, errs, c.errs, name)
	}
	in := sshLine + "\n" + sshLine + "\n"
	lines, errs := all(flowlog.Reader{MaxInput: int64(len(in))}, strings.NewReader(in))
	require.Len(t, lines, 2)
	require.Empty(t, errs, "at MaxInput")
	_, errs = all(flowlog.Reader{MaxInput: int64(len(in)) - 1}, strings.NewReader(in))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], flowlog.ErrLimit)
}

// TestBrokenInput: of a line that the input broke off in nobody knows whether it
// is whole.
func TestBrokenInput(t *testing.T) {
	broken := errors.New("broken")
	lines, errs := all(flowlog.Reader{}, io.MultiReader(strings.NewReader(sshLine+"\n"+rdpLine), iotest.ErrReader(broken)))
	require.Equal(t, []string{sshLine}, lines)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], flowlog.ErrInput)
	require.ErrorIs(t, errs[0], broken)
	_, errs = all(flowlog.Reader{}, iotest.ErrReader(broken))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], broken)
	_, errs = all(flowlog.Reader{}, io.MultiReader(strings.NewReader(sshLine), stuck{}))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], io.ErrNoProgress)
	lines, errs = all(flowlog.Reader{}, strings.NewReader(""))
	require.Empty(t, lines)
	require.Empty(t, errs)
	lines, _ = all(flowlog.Reader{}, iotest.DataErrReader(strings.NewReader(sshLine)))
	require.Equal(t, []string{sshLine}, lines, "a last line without its end")
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// TestPositions: line numbers and offsets hold behind long lines, empty lines
// and chunks of any size.
func TestPositions(t *testing.T) {
	in := sshLine + "\n\n" + strings.Repeat("y", 300) + "\nbad\r\n" + rdpLine + "\nbad"
	for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in)), iotest.HalfReader(strings.NewReader(in))} {
		var got [][2]int64
		for r, err := range (flowlog.Reader{MaxLine: 200}).Records(r) {
			var e *flowlog.ParseError
			if errors.As(err, &e) {
				got = append(got, [2]int64{e.Line, e.Offset})
			} else {
				got = append(got, [2]int64{r.Line, -1})
			}
		}
		require.Equal(t, [][2]int64{
			{1, -1},
			{3, int64(len(sshLine)) + 2},
			{4, int64(len(sshLine)) + 303},
			{5, -1},
			{6, int64(len(in)) - 3},
		}, got)
	}
}

// TestParquet_NET65: a Parquet file is refused as what it is, once, and not as so
// many bad lines; text that begins alike is text.
func TestParquet_NET65(t *testing.T) {
	in := "PAR1\x15\x04\n" + strings.Repeat("x\n", 100) + "PAR1"
	for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
		var errs []error
		for _, err := range (flowlog.Reader{Name: "a.log.parquet"}).Records(r) {
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], flowlog.ErrInput)
		require.EqualError(t, errs[0], "a.log.parquet: flowlog: unreadable input: a Parquet file, not text")
	}
	for _, in := range []string{"P", "PAR", "PAR2 1", "PAR"} {
		for _, err := range (flowlog.Reader{}).Records(strings.NewReader(in)) {
			require.ErrorIs(t, err, flowlog.ErrRecord)
		}
	}
}

func TestStopEarly(t *testing.T) {
	n := 0
	for range (flowlog.Reader{}).Records(strings.NewReader(strings.Repeat(sshLine+"\nbad\n", 5))) {
		if n++; n == 4 {
			break
		}
	}
	require.Equal(t, 4, n)
}

func TestNames(t *testing.T) {
	require.Equal(t, "ACCEPT REJECT -", fmt.Sprint(flowlog.Accept, flowlog.Reject, flowlog.NoAction))
	require.Equal(t, "OK NODATA SKIPDATA -", fmt.Sprint(flowlog.OK, flowlog.NoData, flowlog.SkipData, flowlog.NoStatus))
	require.Equal(t, "IPv4 IPv6 EFA -", fmt.Sprint(flowlog.IPv4, flowlog.IPv6, flowlog.EFA, flowlog.NoType))
	require.Equal(t, "Action(9)", flowlog.Action(9).String())
	f := flowlog.DefaultFormat()
	again, err := flowlog.ParseFormat(f.String())
	require.NoError(t, err)
	require.Equal(t, f.Fields(), again.Fields())
	var zero flowlog.Record
	require.False(t, zero.Has("version"))
	require.Empty(t, zero.Append(nil))
}
