// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/envelope"
)

// What becomes of OUT: it is replaced in one step or not at all, and a symbolic
// link stays one.
func TestOutput(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	key, wrong := keyFile(t, dir, 1), keyFile(t, dir, 2)
	sealed := filepath.Join(dir, "sealed")
	plant(t, sealed, 1, nil, []byte("new"), nil)
	out := write(t, filepath.Join(dir, "out"), []byte("old"))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(out, link))
	content := func(name string) string {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(data)
	}

	_, stderr, status := command(t, bin, nil, "decrypt", "-key", wrong, "-o", out, sealed)
	require.Equal(t, exitRefused, status, stderr)
	require.Equal(t, "old", content(out))
	_, stderr, status = command(t, bin, nil, "decrypt", "-key", key, "-o", link, sealed)
	require.Zero(t, status, stderr)
	require.Equal(t, "new", content(out))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, os.ModeSymlink, info.Mode().Type())

	_, stderr, status = command(t, bin, nil, "encrypt", "-key", key, "-o", out, out)
	require.Zero(t, status, stderr)
	got, _, err := opened(t, out, 1)
	require.NoError(t, err)
	require.Equal(t, "new", string(got), "in its own place")

	_, stderr, status = command(t, bin, nil, "decrypt", "-key", key, "-o", dir, sealed)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "is a directory")
	_, stderr, status = command(t, bin, nil, "decrypt", "-key", key, "-o", filepath.Join(dir, "none", "out"), sealed)
	require.Equal(t, exitFailed, status, stderr)
	_, stderr, status = command(t, bin, nil, "decrypt", "-key", key, dir)
	require.Equal(t, exitFailed, status, stderr)
	stdout, stderr, status := command(t, bin, []byte(content(sealed)), "decrypt", "-key", key, "-o", "-", "-")
	require.Zero(t, status, stderr)
	require.Equal(t, "new", string(stdout))

	var errs bytes.Buffer
	require.Equal(t, exitFailed, run(t.Context(), []string{"decrypt", "-key", key, sealed}, nil, fullDisk{}, &errs))
	require.Contains(t, errs.String(), "no space")
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// One message in its own place keeps mode and link, and one that is refused
// stays; from a pipe to a pipe it is only passed on.
func TestRewrapFile(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	old, fresh := keyFile(t, dir, 1), keyFile(t, dir, 2)
	name, link := filepath.Join(dir, "a"), filepath.Join(dir, "link")
	plant(t, name, 1, suiteOf(envelope.Suite0478, 777), []byte("plaintext"), envelope.EncryptionContext{"a": "b"})
	require.NoError(t, os.Chmod(name, 0o640))
	require.NoError(t, os.Symlink(name, link))
	before, err := os.ReadFile(name)
	require.NoError(t, err)

	piped, stderr, status := command(t, bin, before, "rewrap", "-key", old, "-to", fresh)
	require.Zero(t, status, stderr)
	_, stderr, status = command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, link)
	require.Zero(t, status, stderr)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, os.ModeSymlink, info.Mode().Type())
	info, err = os.Stat(name)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
	for what, in := range map[string]string{"in place": name, "piped": write(t, filepath.Join(dir, "piped"), piped)} {
		got, h, err := opened(t, in, 2)
		require.NoError(t, err, what)
		require.Equal(t, "plaintext", string(got))
		require.Equal(t, []any{envelope.Suite0478, int64(777), "b"}, []any{h.Suite, h.FrameLength, h.Context["a"]})
	}

	require.NoError(t, os.WriteFile(name, before[:len(before)-1], 0o640))
	_, stderr, status = command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, name)
	require.Equal(t, exitRefused, status, stderr)
	after, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(before[:len(before)-1]), string(after))
}

// A pair that is authenticated and not stored stays so.
func TestRewrapFileRequired(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	old, fresh := keyFile(t, dir, 1), keyFile(t, dir, 2)
	sealed, stderr, status := command(t, bin, []byte("plaintext"), "encrypt", "-key", old, "-context", "tenant=not stored", "-require", "tenant")
	require.Zero(t, status, stderr)
	_, stderr, status = command(t, bin, sealed, "rewrap", "-key", old, "-to", fresh)
	require.Equal(t, exitRefused, status, stderr)
	renewed, stderr, status := command(t, bin, sealed, "rewrap", "-key", old, "-to", fresh, "-context", "tenant=not stored")
	require.Zero(t, status, stderr)
	require.NotContains(t, string(renewed), "not stored")
	_, stderr, status = command(t, bin, renewed, "decrypt", "-key", fresh)
	require.Equal(t, exitRefused, status, stderr)
	got, stderr, status := command(t, bin, renewed, "decrypt", "-key", fresh, "-context", "tenant=not stored")
	require.Zero(t, status, stderr)
	require.Equal(t, "plaintext", string(got))

	text, stderr, status := command(t, bin, renewed, "inspect", "-key", fresh, "-context", "tenant=not stored")
	require.Zero(t, status, stderr)
	require.Contains(t, string(text), `"tenant" = "not stored" (not stored)`)
}

// Inspect with a key shows only a header that the key proves.
func TestInspectProves(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	key, wrong := keyFile(t, dir, 1), keyFile(t, dir, 2)
	name := filepath.Join(dir, "a")
	plant(t, name, 1, suiteOf(envelope.Suite0478, 64), []byte(strings.Repeat("x", 200)), envelope.EncryptionContext{"a": "b"})
	for args, want := range map[string]struct {
		status int
		text   string
	}{
		"":                          {0, "not authenticated"},
		"-key " + key:               {0, "the header is authentic"},
		"-context a=b -key " + key:  {0, "the header is authentic"},
		"-context a=c -key " + key:  {exitRefused, "differs"},
		"-key " + wrong:             {exitRefused, "unwrapped"},
		"-key " + key + "x":         {exitFailed, "no such file"},
		"-json -key " + key:         {0, `"note": "the header is authentic`},
		"-suite 0478":               {exitUsage, "not defined: -suite"},
		"-commitment never":         {exitUsage, "policy"},
		"-context a -key " + key:    {exitUsage, "k=v"},
		"-context a=b -context a=c": {exitUsage, "twice"},
	} {
		stdout, stderr, status := command(t, bin, nil, append(append([]string{"inspect"}, strings.Fields(args)...), name)...)
		require.Equal(t, want.status, status, "%s: %s", args, stderr)
		require.Contains(t, string(stdout)+stderr, want.text, args)
	}
	message, err := os.ReadFile(name)
	require.NoError(t, err)
	message[60] ^= 1 // of the context
	text, stderr, status := command(t, bin, message, "inspect", "-key", key)
	require.Equal(t, exitRefused, status, stderr)
	require.Empty(t, text, "nothing of a header that was changed")

	plant(t, name+"0", 1, suiteOf(envelope.Suite0478, 64), nil, nil)
	text, stderr, status = command(t, bin, nil, "inspect", "-json", name+"0")
	require.Zero(t, status, stderr)
	require.Contains(t, string(text), `"encryption_context": {}`)

	out := filepath.Join(dir, "out")
	_, stderr, status = command(t, bin, nil, "inspect", "-json", "-o", out, name)
	require.Zero(t, status, stderr)
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	var d object
	require.NoError(t, json.Unmarshal(data, &d))
	require.Equal(t, 200.0, d["plaintext_size"])
}

// Help is no mistake, and a wrong command line is status 2.
func TestUsage(t *testing.T) {
	bin := build(t)
	for args, want := range map[string]int{
		"": exitUsage, "-h": 0, "help": 0, "encrypt -h": 0, "decrypt -h": 0, "inspect -h": 0, "rewrap -h": 0,
		"jsonl x": exitUsage, "decrypt a b": exitUsage, "inspect a b": exitUsage, "encrypt -suite 9999 -key k": exitUsage,
		"encrypt -frame x -key k": exitUsage, "rewrap -key k -to k a b": exitUsage, "encrypt": exitUsage,
		"encrypt -key=": exitUsage, "decrypt -kms=": exitUsage, "rewrap -key k -to=": exitUsage, "rewrap -key k -to-kms=": exitUsage,
	} {
		stdout, stderr, status := command(t, bin, nil, strings.Fields(args)...)
		require.Equal(t, want, status, args)
		require.Regexp(t, `(?i)usage`, string(stdout)+stderr, args)
	}
}

// ENV-94, ENV-98: how many frames a body of a length has. A final frame may hold
// nothing behind full ones.
func TestInspectFrames(t *testing.T) {
	h := &envelope.UnauthenticatedHeader{Version: 2, Suite: envelope.Suite0478, Framed: true, FrameLength: 4, Length: 100}
	for body, want := range map[int64][2]int64{
		40: {1, 0}, 44: {1, 4}, 36 + 40: {2, 4}, 36 + 41: {2, 5}, 36 + 44: {2, 8}, 2*36 + 40: {3, 8}, 2*36 + 43: {3, 11},
	} {
		d := describe(h, int64(h.Length)+body)
		require.Equal(t, want, [2]int64{*d.Frames, *d.PlaintextSize}, "body of %d", body)
	}
	for _, body := range []int64{0, 39, 45, 36 + 39} {
		d := describe(h, int64(h.Length)+body)
		require.Nil(t, d.Frames, "body of %d", body)
		require.Nil(t, d.PlaintextSize, "body of %d", body)
	}
}

// ENV-73: a key of PKCS #1 v1.5 that has the name of the message's, and is another,
// does not keep the keys behind it from decrypting.
func TestKeysBehindPKCS1(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	var names [2]string
	for i := range names {
		ring := localKeyrings(t)["rsa pkcs1"]
		ring[0]["private"] = ring[1]["private"]
		data, err := json.Marshal(ring[0])
		require.NoError(t, err)
		names[i] = write(t, filepath.Join(dir, fmt.Sprint(i)), data)
	}
	aes := keyFile(t, dir, 1)
	sealed, stderr, status := command(t, bin, []byte("plaintext"), "encrypt", "-key", names[0], "-key", aes)
	require.Zero(t, status, stderr)
	opened, stderr, status := command(t, bin, sealed, "decrypt", "-key", names[1], "-key", aes)
	require.Zero(t, status, stderr)
	require.Equal(t, "plaintext", string(opened))
	_, stderr, status = command(t, bin, sealed, "decrypt", "-key", names[1], "-key", keyFile(t, dir, 3))
	require.Equal(t, exitRefused, status, stderr)
}

// Encryption and decryption with the key in KMS.
func TestKMS(t *testing.T) {
	const arn = "arn:aws:kms:us-east-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
	t.Setenv("KMS_ENDPOINT", fakeKMS(t, arn, "").URL)
	bin, dir := build(t), t.TempDir()
	local := keyFile(t, dir, 1)
	sealed, stderr, status := command(t, bin, []byte("plaintext"), "encrypt", "-kms", arn, "-key", local)
	require.Zero(t, status, stderr)
	for _, key := range [][]string{{"-kms", arn}, {"-key", local}, {"-key", local, "-kms", arn}} {
		got, stderr, status := command(t, bin, sealed, append([]string{"decrypt"}, key...)...)
		require.Zero(t, status, stderr)
		require.Equal(t, "plaintext", string(got))
	}
	text, stderr, status := command(t, bin, sealed, "inspect", "-kms", arn)
	require.Zero(t, status, stderr)
	require.Contains(t, string(text), arn)
}

// The names of errors in "seal jsonl" are those of the package, all of them.
func TestSentinels(t *testing.T) {
	api, err := os.ReadFile(filepath.Join("..", "..", "api", "envelope.txt"))
	require.NoError(t, err)
	want, have := regexp.MustCompile(`\bErr[A-Z]\w+`).FindAllString(string(api), -1), []string(nil)
	for _, s := range sentinels {
		have = append(have, s.name)
	}
	require.ElementsMatch(t, want, have)
}

// Of "seal jsonl": the suite that a policy stands for where none is given, and
// the rest of the contract's small print.
func TestLinesContract(t *testing.T) {
	bin := build(t)
	aes := localKeyrings(t)["aes"][0]
	for policy, want := range map[string]string{"": "0578", "require-require": "0578", "require-allow": "0578", "forbid-allow": "0378"} {
		a := lines(t, bin, object{"op": "encrypt", "commitment": policy, "keyring": aes, "plaintext": ""})[0]
		require.Equal(t, want, a["suite"], policy)
		require.Contains(t, a["ec"], "aws-crypto-public-key")
		b := lines(t, bin, object{"op": "decrypt", "commitment": policy, "keyring": aes, "ciphertext": a["ciphertext"]})[0]
		require.Equal(t, []any{true, "", want, a["ec"]}, []any{b["ok"], b["plaintext"], b["suite"], b["ec"]})
	}
	name := filepath.Join(t.TempDir(), "m")
	a := lines(t, bin, object{"id": object{"a": []int{1}}, "op": "encrypt", "suite": "0478", "frame": 3, "keyring": aes, "plaintext_len": 7})[0]
	require.Equal(t, object{"a": []any{1.0}}, a["id"])
	message, err := base64.StdEncoding.DecodeString(a["ciphertext"].(string))
	require.NoError(t, err)
	write(t, name, message)
	answers := lines(t, bin,
		object{"op": "decrypt", "keyring": aes, "ciphertext_file": name},
		object{"op": "decrypt", "keyring": aes, "ciphertext_file": name, "ec": object{"x": "y"}},
		object{"op": "decrypt", "keyring": aes, "ciphertext_file": name, "required_ec": []string{"x"}},
		object{"op": "decrypt", "keyring": aes, "ciphertext_file": name, "ciphertext": ""},
		" {}", object{"op": "encrypt", "keyring": aes, "plaintext": "", "plaintext_len": 0},
		object{"op": "encrypt", "keyring": aes, "plaintext_len": -1},
	)
	require.Len(t, answers, 6, "a line that begins otherwise is ignored")
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte{3, 10, 17, 24, 31, 38, 45}), answers[0]["plaintext"])
	require.Equal(t, object{}, answers[0]["ec"])
	for i, want := range []string{"ErrNoMatchingKey: ", "ErrEncryptionContext: ", "ErrInput: ", "ErrInput: ", "ErrInput: "} {
		require.True(t, strings.HasPrefix(answers[i+1]["error"].(string), want), "%v", answers[i+1])
		require.Equal(t, false, answers[i+1]["ok"])
	}
}
