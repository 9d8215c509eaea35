// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Command mutants applies each line of every testdata/mutants.txt to a copy of
// its file and expects the named test to fail: a check whose removal no test
// notices is not tested.
//
//	go run .ci/mutants.go [-sample N] [-in FOLDER]
//
// A line is file, old text, new text and test name (a -run pattern), separated
// by tabs. The old text occurs exactly once in the file.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

type mutant struct {
	list           string // mutants.txt and line number
	pkg            string // folder of the package
	file, old, new string
	test           string
}

func main() {
	sample := flag.Int("sample", 0, "run only `N` mutants, spread evenly (0: all)")
	in := flag.String("in", ".", "run only the mutants below `FOLDER`")
	flag.Parse()
	mutants, err := find(*in)
	if err != nil {
		fail(err)
	}
	total, survivors := len(mutants), 0
	for _, m := range mutants { // a stale line proves nothing, whether it is run now or not
		if _, err := m.source(); err != nil {
			survivors++
			fmt.Printf("%s: %v\n", m.list, err)
		}
	}
	if *sample > 0 && *sample < total {
		var some []mutant
		for i := range *sample {
			some = append(some, mutants[i*total / *sample])
		}
		mutants = some
	}
	survivors += killAll(mutants)
	fmt.Printf("mutants: %d of %d run, %d survived\n", len(mutants), total, survivors)
	if survivors > 0 || total == 0 {
		os.Exit(1)
	}
}

func find(root string) ([]mutant, error) {
	var all []mutant
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != "mutants.txt" {
			return err
		}
		some, err := read(path)
		all = append(all, some...)
		return err
	})
	return all, err
}

func read(path string) ([]mutant, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []mutant
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("%s:%d: want file, old text, new text, test", path, i+1)
		}
		pkg := filepath.Dir(filepath.Dir(path))
		all = append(all, mutant{fmt.Sprintf("%s:%d", path, i+1), pkg, filepath.Join(pkg, f[0]), f[1], f[2], f[3]})
	}
	return all, nil
}

// source is the file, in which the old text occurs once.
func (m mutant) source() (string, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("the old text occurs %d times in %s: %s", n, m.file, m.old)
	}
	return string(text), nil
}

// killAll runs the mutants, as many at a time as there are processors: half of
// each is linking. It returns how many were left alive, and says which.
func killAll(mutants []mutant) (survivors int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	free := make(chan struct{}, runtime.NumCPU())
	for _, m := range mutants {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			if err := m.kill(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				survivors++
				fmt.Printf("%s: %v\n", m.list, err)
			}
		})
	}
	wg.Wait()
	return survivors
}

// kill runs the mutant's test against the edited file and returns nil when it
// fails as it should.
func (m mutant) kill() error {
	source, err := m.source()
	if err != nil {
		return nil // counted already
	}
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(dir, strings.Replace(source, m.old, m.new, 1))
	if err != nil {
		return err
	}
	cmd := limited("go", "test", "-count=1", "-timeout=120s", "-overlay="+overlay, "-run", m.test, ".")
	cmd.Dir = m.pkg
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return fmt.Errorf("survived %s: %q -> %q", m.test, m.old, m.new)
	case !errors.As(err, &exit):
		return err
	case strings.Contains(string(out), "[build failed]"), strings.Contains(string(out), "[setup failed]"):
		return fmt.Errorf("does not build: %q -> %q\n%s", m.old, m.new, out)
	}
	return nil
}

// limited is a command in bounded memory, where there is a POSIX shell: a mutant
// without its bound may take all that the machine has.
func limited(words ...string) *exec.Cmd {
	if _, err := exec.LookPath("sh"); err != nil {
		return exec.Command(words[0], words[1:]...)
	}
	return exec.Command("sh", append([]string{"-c", `ulimit -v 6291456; exec "$@"`, "sh"}, words...)...)
}

func (m mutant) overlay(dir, edited string) (string, error) {
	file := filepath.Join(dir, "edited.go")
	if err := os.WriteFile(file, []byte(edited), 0o644); err != nil {
		return "", err
	}
	abs, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]map[string]string{"Replace": {abs: file}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o644)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "mutants:", err)
	os.Exit(1)
}
