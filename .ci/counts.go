// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Command counts compares what the suites of a run reported with the committed
// minimums and fails on fewer, so that a suite cannot vanish unnoticed.
//
//	go run .ci/counts.go -kind vectors|interop -minimums FILE REPORT
//
// Both files have tab-separated lines: the report kind, name, version, cases;
// the minimums kind, name, least number of cases.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

type suite struct {
	versions []string
	cases    int
}

func main() {
	kind := flag.String("kind", "", "which lines to compare")
	minimums := flag.String("minimums", "", "the committed minimums")
	flag.Parse()
	ran := map[string]suite{}
	for _, f := range lines(flag.Arg(0), 4) {
		if f[0] != *kind {
			continue
		}
		s := ran[f[1]]
		s.cases += number(f[3])
		if !slices.Contains(s.versions, f[2]) {
			s.versions = append(s.versions, f[2])
		}
		ran[f[1]] = s
	}
	bad := 0
	want := map[string]int{}
	for _, f := range lines(*minimums, 3) {
		if f[0] == *kind {
			want[f[1]] = number(f[2])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ran)) {
		fmt.Printf("%s %s (%s): %d cases, at least %d\n", *kind, name, strings.Join(ran[name].versions, ", "), ran[name].cases, want[name])
		if _, listed := want[name]; !listed {
			fmt.Printf("counts: %s %s has no minimum in %s\n", *kind, name, *minimums)
			bad++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if ran[name].cases < want[name] {
			fmt.Printf("counts: %s %s ran %d cases, the minimum is %d\n", *kind, name, ran[name].cases, want[name])
			bad++
		}
	}
	if bad > 0 || len(want) == 0 {
		os.Exit(1)
	}
}

func lines(path string, fields int) [][]string {
	data, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "counts:", err)
		os.Exit(1)
	}
	var all [][]string
	for _, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != fields {
			fmt.Fprintf(os.Stderr, "counts: %s: want %d fields: %q\n", path, fields, line)
			os.Exit(1)
		}
		all = append(all, f)
	}
	return all
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "counts:", err)
		os.Exit(1)
	}
	return n
}
