// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/envelope"
)

// A run that is killed leaves every name with a whole message, under the old
// keys or the new ones, and the next run goes on from there. It is killed after
// a random number of files and a random moment more.
func TestRewrapKilled(t *testing.T) {
	rounds := 12
	switch {
	case os.Getenv("SALLYPORT_FULL") != "":
		rounds = 200
	case testing.Short():
		rounds = 3
	}
	bin, dir := build(t), t.TempDir()
	tree := filepath.Join(dir, "tree")
	keys := [2]string{keyFile(t, dir, 1), keyFile(t, dir, 2)}
	const files = 24
	want := bytes.Repeat([]byte("plaintext marker "), 20_000)
	for i := range files {
		plant(t, filepath.Join(tree, fmt.Sprint("sub-", i%3), fmt.Sprint(i)), 1, suiteOf(envelope.Suite0478, 256), want, envelope.EncryptionContext{"n": fmt.Sprint(i)})
	}
	r := rand.New(rand.NewPCG(9, 9))
	killed, mixed := 0, 0
	for round := range rounds {
		old, fresh := round%2, 1-round%2
		args := []string{"rewrap", "-json", "-jobs", "3", "-key", keys[old], "-to", keys[fresh], tree}
		if killAfter(t, bin, r.IntN(files), time.Duration(r.IntN(3000))*time.Microsecond, args...) {
			killed++
		}
		if n := countUnder(t, tree, byte(fresh+1), byte(old+1), want); n > 0 && n < files {
			mixed++
		}
		_, sum, status := results(t, bin, args[2:]...)
		require.Zero(t, status)
		require.Equal(t, float64(files), sum["rewrapped"].(float64)+sum["already"].(float64))
		require.Zero(t, sum["other"], "what a killed run left is taken away")
		require.Equal(t, files, countUnder(t, tree, byte(fresh+1), byte(old+1), want))
		require.Empty(t, leftovers(t, tree))
	}
	t.Logf("%d rounds, %d killed, %d of them half way", rounds, killed, mixed)
	require.NotZero(t, killed)
	require.NotZero(t, mixed)
}

// killAfter kills the command when it has told of n files, and reports whether
// it was still at work.
func killAfter(t *testing.T, bin string, n int, more time.Duration, args ...string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, args...)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(stdout)
	for range n {
		if _, err := lines.ReadString('\n'); err != nil {
			break
		}
	}
	for end := time.Now().Add(more); time.Now().Before(end); { // too short to sleep
	}
	_ = cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, lines)
	err = cmd.Wait()
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ProcessState.ExitCode() == -1
}

// countUnder opens every message under one key or the other, whole, and returns
// how many are under the first.
func countUnder(t *testing.T, tree string, fresh, old byte, want []byte) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(tree, "sub-*", "[0-9]*"))
	require.NoError(t, err)
	require.Len(t, names, 24)
	n := 0
	for _, name := range names {
		got, h, err := opened(t, name, fresh)
		if err == nil {
			n++
		} else {
			got, h, err = opened(t, name, old)
		}
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(want, got))
		require.Equal(t, filepath.Base(name), h.Context["n"])
	}
	return n
}

// A signal ends the run with its temporary files taken away, and says how to go
// on.
func TestRewrapInterrupted(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	tree := filepath.Join(dir, "tree")
	old, fresh := keyFile(t, dir, 1), keyFile(t, dir, 2)
	for i := range 6 {
		plant(t, filepath.Join(tree, fmt.Sprint(i)), 1, suiteOf(envelope.Suite0478, 64), make([]byte, 3<<20), nil)
	}
	cmd := exec.CommandContext(t.Context(), bin, "rewrap", "-json", "-jobs", "1", "-key", old, "-to", fresh, tree)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(stdout)
	_, err = lines.ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	rest, err := io.ReadAll(lines)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.Equal(t, exitFailed, cmd.ProcessState.ExitCode())
	require.Contains(t, string(rest), `"interrupted":true`)
	require.Contains(t, string(rest), `"failed":0`, "no file is to blame")
	require.Empty(t, leftovers(t, tree))
	_, sum, status := results(t, bin, "-key", old, "-to", fresh, tree)
	require.Zero(t, status)
	require.Equal(t, 6.0, sum["rewrapped"].(float64)+sum["already"].(float64))
	require.NotZero(t, sum["already"])
}

// Two runs in one directory would take each other's temporary files for those
// of a run that was killed.
func TestRewrapLocks(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	tree := filepath.Join(dir, "tree")
	old, fresh := keyFile(t, dir, 1), keyFile(t, dir, 2)
	plant(t, filepath.Join(tree, "a"), 1, nil, []byte("x"), nil)
	held, err := os.Open(tree)
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(held.Fd()), syscall.LOCK_EX))
	_, stderr, status := command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, tree)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "another run")
	require.NoError(t, held.Close())
	_, stderr, status = command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, tree)
	require.Zero(t, status, stderr)
}

// The owner of a file that is replaced stays its owner.
func TestRewrapKeepsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	bin, dir := build(t), t.TempDir()
	old, fresh := keyFile(t, dir, 1), keyFile(t, dir, 2)
	tree := filepath.Join(dir, "tree")
	for _, name := range []string{"a", "b"} {
		plant(t, filepath.Join(tree, name), 1, nil, []byte("x"), nil)
		require.NoError(t, os.Chown(filepath.Join(tree, name), 1234, 4321))
		require.NoError(t, os.Chmod(filepath.Join(tree, name), 0o750|os.ModeSetgid))
	}
	for _, in := range []string{tree, filepath.Join(tree, "a")} { // the second time back, and alone
		_, stderr, status := command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, in)
		require.Zero(t, status, stderr)
		for _, name := range []string{"a", "b"} {
			info, err := os.Stat(filepath.Join(tree, name))
			require.NoError(t, err)
			require.Equal(t, uint32(1234), info.Sys().(*syscall.Stat_t).Uid)
			require.Equal(t, uint32(4321), info.Sys().(*syscall.Stat_t).Gid)
			require.Equal(t, os.FileMode(0o750)|os.ModeSetgid, info.Mode())
		}
		old, fresh = fresh, old
	}
}

// A signal ends a command that waits for input, and no half of an output is
// left; neither is one when it is killed, but for the temporary file.
func TestInterruptedPipe(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	key, out := keyFile(t, dir, 1), filepath.Join(dir, "out")
	for signal, status := range map[syscall.Signal]int{syscall.SIGINT: exitFailed, syscall.SIGTERM: exitFailed, syscall.SIGKILL: -1} {
		cmd := exec.CommandContext(t.Context(), bin, "encrypt", "-key", key, "-frame", "100", "-o", out)
		r, w, err := os.Pipe() // which stays open, as a terminal does
		require.NoError(t, err)
		var stderr bytes.Buffer
		cmd.Stdin, cmd.Stderr = r, &stderr
		require.NoError(t, cmd.Start())
		for begun := false; !begun; { // the header is written: what comes next is to read
			temps, err := filepath.Glob(filepath.Join(dir, ".out.*.tmp"))
			require.NoError(t, err)
			if len(temps) == 1 {
				info, err := os.Stat(temps[0])
				begun = err == nil && info.Size() > 0
			}
		}
		require.NoError(t, cmd.Process.Signal(signal))
		require.Error(t, cmd.Wait())
		require.Equal(t, status, cmd.ProcessState.ExitCode(), stderr.String())
		require.NoFileExists(t, out)
		left, err := filepath.Glob(filepath.Join(dir, ".out.*.tmp"))
		require.NoError(t, err)
		if signal != syscall.SIGKILL {
			require.Empty(t, left)
			require.Contains(t, stderr.String(), "interrupted")
		}
		for _, name := range left {
			require.NoError(t, os.Remove(name))
		}
		require.NoError(t, errors.Join(r.Close(), w.Close()))
	}
}

// An output that is no file is written to, not replaced: as root, decrypting to
// a device must not put a file in its place. A pipe stands for it here; a test
// never names a real device, which a fault would replace.
func TestOutputPipe(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	key, sealed, pipe := keyFile(t, dir, 1), filepath.Join(dir, "sealed"), filepath.Join(dir, "pipe")
	plant(t, sealed, 1, nil, []byte("plaintext"), nil)
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	f, err := os.OpenFile(pipe, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // of a test
	_, stderr, status := command(t, bin, nil, "decrypt", "-key", key, "-o", pipe, sealed)
	require.Zero(t, status, stderr)
	info, err := os.Lstat(pipe)
	require.NoError(t, err)
	require.Equal(t, os.ModeNamedPipe, info.Mode().Type())
	got := make([]byte, len("plaintext"))
	_, err = io.ReadFull(f, got)
	require.NoError(t, err)
	require.Equal(t, "plaintext", string(got))
}
