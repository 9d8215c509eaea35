// SPDX-License-Identifier: Apache-2.0

package sallyport_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestREADMENumbers computes the numbers of the README's tables of speed from
// the raw output in docs/bench, as testdata/speed.txt says, and compares them
// with the printed ones. No row is without a line there.
func TestREADMENumbers(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	rows, prose := speedTables(t, string(readme)), strings.Join(strings.Fields(string(readme)), " ")
	text, err := os.ReadFile(filepath.Join("testdata", "speed.txt"))
	require.NoError(t, err)
	var raw rawBench
	said := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "== "); ok {
			raw = readBench(t, filepath.Join("docs", "bench", name))
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		parts := strings.Split(line, " | ")
		where, expressions := parts[0], parts[1:]
		printed := where
		if where[0] == '"' {
			printed = strings.Trim(where, `"`)
			require.Contains(t, prose, printed, "the README does not say so")
		} else {
			cells, ok := rows[where]
			require.True(t, ok, "the README has no row %q", where)
			n, err := strconv.Atoi(parts[1])
			require.NoError(t, err)
			require.Less(t, n, len(cells), line)
			said[where+" | "+parts[1]] = true
			printed, expressions = cells[n], parts[2:]
		}
		checkNumbers(t, raw, where, printed, expressions)
	}
	for row, cells := range rows {
		for i, cell := range cells[1:] {
			key := fmt.Sprintf("%s | %d", row, i+1)
			require.True(t, said[key] || !number.MatchString(cell) || i == 0 && strings.HasPrefix(row, "Speed > "), "testdata/speed.txt does not say what makes %q: %q", key, cell)
		}
	}
}

// number is one in a table's cell; the digits of a name are none.
var number = regexp.MustCompile(`(?:\b|[+(])\d[\d,]*(?:\.\d+)?\b`)

// speedTables are the rows of the tables below "## Speed", by section and first
// cell.
func speedTables(t *testing.T, readme string) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	section, inside, header := "", false, false
	for line := range strings.Lines(readme) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section, inside = name, name == "Speed"
		} else if name, ok := strings.CutPrefix(line, "### "); ok {
			section = name
		}
		if !inside || !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") {
			header = !strings.HasPrefix(line, "|---")
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		key := section + " > " + cells[0]
		if header {
			header = false
			continue
		}
		require.NotContains(t, rows, key, "two rows of one name")
		rows[key] = cells
	}
	require.Greater(t, len(rows), 60)
	return rows
}

// rawBench are the values of each benchmark and unit, in the order of the file.
type rawBench map[string]map[string][]float64

// The lines of raw output that have numbers: those of benchmarks, and what the
// tests that run the AWS CLI beside trailcheck log.
var (
	benchLine  = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(\S.*)`)
	speedLine  = regexp.MustCompile(`^(\d+) objects, .* round \d+: aws .*: ([\d.]+) times, cpu ([\d.]+)$`)
	memoryLine = regexp.MustCompile(`^(\d+) days, .* peak (\d+) KB$`)
)

func readBench(t *testing.T, file string) rawBench {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	raw := rawBench{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, fields := "", []string(nil)
		if m := benchLine.FindStringSubmatch(line); m != nil {
			name, fields = m[1], strings.Fields(m[2])
		} else if m := speedLine.FindStringSubmatch(line); m != nil {
			name, fields = "objects="+m[1], []string{m[2], "times", m[3], "cpu"}
		} else if m := memoryLine.FindStringSubmatch(line); m != nil {
			name, fields = "days="+m[1], []string{m[2], "KB"}
		}
		if raw[name] == nil {
			raw[name] = map[string][]float64{}
		}
		for i := 0; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			require.NoError(t, err, line)
			raw[name][fields[i+1]] = append(raw[name][fields[i+1]], v)
		}
	}
	require.Greater(t, len(raw), 1, file)
	return raw
}

// checkNumbers compares the numbers of a text with what the expressions make of
// the raw output: they differ by half a unit of the last digit printed at most.
func checkNumbers(t *testing.T, raw rawBench, where, text string, expressions []string) {
	t.Helper()
	printed := number.FindAllString(text, -1)
	if len(printed) != len(expressions) {
		t.Errorf("%s: %q has %d numbers, testdata/speed.txt %d", where, text, len(printed), len(expressions))
		return
	}
	for i, p := range printed {
		if expressions[i] == "-" {
			continue
		}
		p = strings.ReplaceAll(strings.TrimLeft(p, "+("), ",", "")
		want, err := strconv.ParseFloat(p, 64)
		require.NoError(t, err)
		got := evaluate(t, raw, expressions[i])
		if math.Abs(got-want) > lastDigit(p)/2*1.000001 {
			t.Errorf("%s: the README says %s, the raw output %.5g (%s)", where, p, got, expressions[i])
		}
	}
}

// lastDigit is the unit of a number's last digit: of 0.010 it is 0.001, of 550
// it is ten.
func lastDigit(printed string) float64 {
	if _, decimals, ok := strings.Cut(printed, "."); ok {
		return math.Pow10(-len(decimals))
	}
	if len(printed) < 3 {
		return 1
	}
	return math.Pow10(len(printed) - len(strings.TrimRight(printed, "0")))
}

// evaluate computes an expression of testdata/speed.txt.
func evaluate(t *testing.T, raw rawBench, expression string) float64 {
	t.Helper()
	words := strings.Fields(expression)
	statistic := "median"
	if slices.Contains([]string{"median", "least", "greatest", "last", "pairs"}, words[0]) {
		statistic, words = words[0], words[1:]
	}
	unit, scale := words[0], 1.0
	if factor, rest, ok := strings.Cut(unit, "*"); ok {
		var err error
		scale, err = strconv.ParseFloat(factor, 64)
		require.NoError(t, err, expression)
		unit = rest
	}
	unit, inverse := strings.CutPrefix(unit, "1/")
	values := func(name, unit string) []float64 {
		v := raw[name][unit]
		require.NotEmpty(t, v, "no %s of %q: %s", unit, name, expression)
		return slices.Clone(v)
	}
	unit, other, _ := strings.Cut(unit, ":")
	if other != "" {
		words = append(words, "over", words[1])
	} else {
		other = unit
	}
	a := values(words[1], unit)
	got := statisticOf(statistic, a)
	if len(words) > 2 {
		require.Equal(t, "over", words[2], expression)
		b := values(words[3], other)
		got /= statisticOf(statistic, b)
		if statistic == "pairs" {
			require.Len(t, b, len(a), expression)
			for i := range a {
				a[i] /= b[i]
			}
			got = statisticOf("median", a)
		}
	}
	if inverse {
		got = 1 / got
	}
	return scale * got
}

func statisticOf(name string, values []float64) float64 {
	if name == "last" {
		return values[len(values)-1]
	}
	values = slices.Sorted(slices.Values(values))
	switch name {
	case "least":
		return values[0]
	case "greatest":
		return values[len(values)-1]
	default:
		return (values[len(values)/2] + values[(len(values)-1)/2]) / 2
	}
}
