// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/internal/progress"
)

// keyFile writes a key file of one repeated byte: the names in a header are the
// same for all of them, so that a name never tells which key it was.
func keyFile(t testing.TB, dir string, b byte) string {
	t.Helper()
	name := filepath.Join(dir, fmt.Sprintf("key-%d", b))
	require.NoError(t, os.WriteFile(name, bytes.Repeat([]byte{b}, 32), 0o600))
	return name
}

// keyClient is the library's client over such a key.
func keyClient(t testing.TB, b byte, edit func(*envelope.Config)) *envelope.Client {
	t.Helper()
	ring, err := envelope.NewRawAES("seal", "key", bytes.Repeat([]byte{b}, 32))
	require.NoError(t, err)
	cfg := envelope.Config{Keyring: ring, Commitment: envelope.RequireEncryptAllowDecrypt}
	if edit != nil {
		edit(&cfg)
	}
	c, err := envelope.New(cfg)
	require.NoError(t, err)
	return c
}

func suiteOf(s envelope.Suite, frame int64) func(*envelope.Config) {
	return func(c *envelope.Config) {
		c.Suite, c.FrameLength = s, frame
		if !s.Committing() {
			c.Commitment = envelope.ForbidEncryptAllowDecrypt
		}
	}
}

// plant writes a message under the key.
func plant(t testing.TB, name string, key byte, edit func(*envelope.Config), plaintext []byte, ec envelope.EncryptionContext) {
	t.Helper()
	message, err := keyClient(t, key, edit).Encrypt(t.Context(), nil, plaintext, ec)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, message, 0o600))
}

// opened reads a message back under the key.
func opened(t testing.TB, name string, key byte) ([]byte, *envelope.Header, error) {
	t.Helper()
	message, err := os.ReadFile(name)
	require.NoError(t, err)
	return keyClient(t, key, nil).Decrypt(t.Context(), nil, message, nil)
}

// results runs "seal rewrap -json" and returns what it said of each file, and
// the counts.
func results(t *testing.T, bin string, args ...string) (map[string]object, object, int) {
	t.Helper()
	out, stderr, status := command(t, bin, nil, append([]string{"rewrap", "-json"}, args...)...)
	files, sum := map[string]object{}, object{}
	for line := range strings.Lines(string(out)) {
		o := object{}
		require.NoError(t, json.Unmarshal([]byte(line), &o), line)
		if o["result"] == "summary" {
			sum = o
			continue
		}
		files[o["file"].(string)] = o
	}
	require.Empty(t, stderr)
	return files, sum, status
}

// leftovers are the temporary files below a directory.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	var left []string
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if tempName.MatchString(d.Name()) {
			left = append(left, name)
		}
		return err
	}))
	return left
}

func TestRewrapTree(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	tree, outside := filepath.Join(dir, "tree"), filepath.Join(dir, "outside")
	old, fresh := keyFile(t, dir, 1), keyFile(t, dir, 2)
	secret := []byte(strings.Repeat("plaintext marker ", 1000))
	type shape struct {
		suite, want envelope.Suite
		frame       int64
	}
	shapes := map[string]shape{
		"a":             {envelope.Suite0478, envelope.Suite0478, 65536},
		"sub/b":         {envelope.Suite0578, envelope.Suite0578, 4096},
		"sub/deep/c \n": {envelope.Suite0478, envelope.Suite0478, 100},
		"v1":            {envelope.Suite0178, envelope.Suite0478, 4096},
		"v1 signed":     {envelope.Suite0378, envelope.Suite0578, 512},
	}
	for name, s := range shapes {
		plant(t, filepath.Join(tree, name), 1, suiteOf(s.suite, s.frame), secret, envelope.EncryptionContext{"name": name})
	}
	require.NoError(t, os.Chmod(filepath.Join(tree, "a"), 0o640))
	require.NoError(t, os.Chmod(filepath.Join(tree, "sub/b"), 0o400))
	plant(t, filepath.Join(outside, "x"), 1, nil, secret, nil)
	require.NoError(t, os.Symlink(filepath.Join(outside, "x"), filepath.Join(tree, "link")))
	require.NoError(t, os.Symlink(outside, filepath.Join(tree, "folder")))
	for name, text := range map[string]string{"README": "read me", "empty": "", "two": "\x02\x04", "AgV4": "AgV4", "odd": "\x01\x80\x04\x78 a suite of version 2"} {
		write(t, filepath.Join(tree, name), []byte(text))
	}
	write(t, filepath.Join(tree, "sub/.seal-0123456789abcdef.rewrap"), []byte("of a run that was killed"))
	before, err := os.ReadFile(filepath.Join(outside, "x"))
	require.NoError(t, err)

	files, sum, status := results(t, bin, "-key", old, "-to", fresh, "-commitment", "require-allow", tree)
	require.Zero(t, status, files)
	require.Equal(t, []any{5.0, 0.0, 5.0, 0.0, false}, []any{sum["rewrapped"], sum["already"], sum["other"], sum["failed"], sum["interrupted"]})
	require.Len(t, files, 10, "neither links nor what they name")
	for name, s := range shapes {
		require.Equal(t, "rewrapped", files[name]["result"])
		got, h, err := opened(t, filepath.Join(tree, name), 2)
		require.NoError(t, err, name)
		require.Equal(t, string(secret), string(got))
		require.Equal(t, []any{s.want, s.frame, name}, []any{h.Suite, h.FrameLength, h.Context["name"]})
		_, _, err = opened(t, filepath.Join(tree, name), 1)
		require.ErrorIs(t, err, envelope.ErrNoMatchingKey)
	}
	for name, mode := range map[string]fs.FileMode{"a": 0o640, "sub/b": 0o400, "v1": 0o600} {
		info, err := os.Stat(filepath.Join(tree, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode(), name)
	}
	after, err := os.ReadFile(filepath.Join(outside, "x"))
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "symbolic links are not followed")
	require.Empty(t, leftovers(t, tree))

	_, sum, status = results(t, bin, "-key", old, "-to", fresh, tree)
	require.Zero(t, status)
	require.Equal(t, []any{0.0, 5.0, 5.0}, []any{sum["rewrapped"], sum["already"], sum["other"]}, "known by their header")
	out, stderr, status := command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, "-suite", "0578", tree)
	require.Zero(t, status, stderr)
	require.Contains(t, string(out), "3  rewrapped", "another suite was asked for")
	require.Contains(t, string(out), "2  already")
}

// What cannot be rewrapped stays as it is, byte for byte; the rest is done, and
// the status tells a refusal from what could not be decided.
func TestRewrapTreeFailures(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	tree := filepath.Join(dir, "tree")
	old, fresh := keyFile(t, dir, 1), keyFile(t, dir, 2)
	for _, name := range []string{"good", "flipped", "cut", "header", "extended"} {
		plant(t, filepath.Join(tree, name), 1, suiteOf(envelope.Suite0478, 64), []byte(strings.Repeat("marker ", 100)), nil)
	}
	plant(t, filepath.Join(tree, "another's"), 3, nil, []byte("marker"), nil)
	plant(t, filepath.Join(tree, "both keys"), 1, func(c *envelope.Config) {
		ring, err := envelope.NewRawAES("seal", "key", bytes.Repeat([]byte{2}, 32))
		require.NoError(t, err)
		c.Keyring, err = envelope.NewMulti(ring, c.Keyring)
		require.NoError(t, err)
	}, []byte("marker"), nil)
	bad := map[string]func([]byte) []byte{
		"flipped":  func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut":      func(b []byte) []byte { return b[:len(b)-1] },
		"header":   func(b []byte) []byte { b[40] = 0xff; b[41] = 0xff; return b[:50] },
		"extended": func(b []byte) []byte { return append(b, 0) },
		"another's": func(b []byte) []byte {
			return b
		},
	}
	want := map[string][]byte{}
	for name, change := range bad {
		data, err := os.ReadFile(filepath.Join(tree, name))
		require.NoError(t, err)
		want[name] = change(data)
		write(t, filepath.Join(tree, name), want[name])
	}
	files, sum, status := results(t, bin, "-key", old, "-to", fresh, tree)
	require.Equal(t, exitRefused, status)
	require.Equal(t, []any{2.0, 5.0, 1.0}, []any{sum["rewrapped"], sum["failed"], sum["status"]})
	for name := range bad {
		require.Equal(t, "failed", files[name]["result"], name)
		require.Equal(t, 1.0, files[name]["status"], name)
		require.NotEmpty(t, files[name]["error"])
		require.NotEmpty(t, files[name]["hint"])
		got, err := os.ReadFile(filepath.Join(tree, name))
		require.NoError(t, err)
		require.Equal(t, string(want[name]), string(got), name)
	}
	_, h, err := opened(t, filepath.Join(tree, "both keys"), 2)
	require.NoError(t, err)
	require.Len(t, h.EncryptedDataKeys, 1, "the old key is gone from it")
	require.Empty(t, leftovers(t, tree))

	out, stderr, status := command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, tree)
	require.Equal(t, exitRefused, status)
	require.Contains(t, stderr, "seal: flipped: envelope: frame authentication failed")
	require.Contains(t, stderr, "do not use the message")
	require.NotContains(t, string(out)+stderr, "marker")
	require.Contains(t, string(out), "2  already")
	require.Contains(t, string(out), "5  failed")
}

// Wrong usage, and keys that cannot be used, before a file is touched.
func TestRewrapTreeRefuses(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	tree := filepath.Join(dir, "tree")
	old, fresh := keyFile(t, dir, 1), keyFile(t, dir, 2)
	plant(t, filepath.Join(tree, "a"), 1, nil, []byte("x"), nil)
	before, err := os.ReadFile(filepath.Join(tree, "a"))
	require.NoError(t, err)
	rsaRing, err := json.Marshal(localKeyrings(t)["rsa oaep-sha256"][0])
	require.NoError(t, err)
	public := write(t, filepath.Join(dir, "public"), rsaRing)
	noKMS := "arn:aws:kms:us-east-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
	t.Setenv("KMS_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	for name, tt := range map[string]struct {
		args   []string
		status int
		text   string
	}{
		"output":            {[]string{"-key", old, "-to", fresh, "-o", "x"}, exitUsage, "-o"},
		"no new key":        {[]string{"-key", old}, exitUsage, "new key"},
		"no key":            {[]string{"-to", fresh}, exitUsage, "key"},
		"jobs":              {[]string{"-key", old, "-to", fresh, "-jobs", "0"}, exitUsage, "-jobs"},
		"suite and policy":  {[]string{"-key", old, "-to", fresh, "-suite", "0178"}, exitUsage, "policy"},
		"frame":             {[]string{"-key", old, "-to", fresh, "-frame", "-1"}, exitUsage, "limit"},
		"no such key file":  {[]string{"-key", old, "-to", fresh + "x"}, exitFailed, "no such file"},
		"key of the public": {[]string{"-key", old, "-to", public}, exitFailed, "cannot open what they wrap"},
		"KMS out of reach":  {[]string{"-key", old, "-to-kms", noKMS}, exitFailed, "new keys"},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, status := command(t, bin, nil, append(append([]string{"rewrap"}, tt.args...), tree)...)
			require.Equal(t, tt.status, status, stderr)
			require.Contains(t, stderr, tt.text)
			after, err := os.ReadFile(filepath.Join(tree, "a"))
			require.NoError(t, err)
			require.Equal(t, string(before), string(after))
		})
	}
	_, stderr, status := command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, "-json", filepath.Join(tree, "a"))
	require.Equal(t, exitUsage, status, stderr)
	_, stderr, status = command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, filepath.Join(tree, "none"))
	require.Equal(t, exitFailed, status, stderr)
}

// An old key that only KMS has, out of reach: nothing was decided, and the file
// stays.
func TestRewrapTreeUndecided(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	tree, fresh := filepath.Join(dir, "tree"), keyFile(t, dir, 2)
	arn := "arn:aws:kms:us-east-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
	service := fakeKMS(t, arn, "")
	t.Setenv("KMS_ENDPOINT", service.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	sealed, stderr, status := command(t, bin, []byte("plaintext"), "encrypt", "-kms", arn)
	require.Zero(t, status, stderr)
	require.NoError(t, os.Mkdir(tree, 0o700))
	write(t, filepath.Join(tree, "a"), sealed)
	service.Close()
	files, sum, status := results(t, bin, "-kms", arn, "-to", fresh, tree)
	require.Equal(t, exitFailed, status)
	require.Equal(t, []any{"failed", 3.0, 1.0}, []any{files["a"]["result"], files["a"]["status"], sum["failed"]})
	got, err := os.ReadFile(filepath.Join(tree, "a"))
	require.NoError(t, err)
	require.Equal(t, string(sealed), string(got))
}

// -keep-data-key writes another header, where the suite bears it.
func TestRewrapKeepDataKey(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	old, fresh := keyFile(t, dir, 1), keyFile(t, dir, 2)
	name := filepath.Join(dir, "tree", "a")
	for _, s := range []envelope.Suite{envelope.Suite0014, envelope.Suite0178, envelope.Suite0378} {
		plant(t, name, 1, suiteOf(s, 64), []byte("plaintext"), nil)
		_, before, err := opened(t, name, 1)
		require.NoError(t, err)
		_, stderr, status := command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, "-keep-data-key", "-commitment", "forbid-allow", filepath.Dir(name))
		require.Zero(t, status, stderr)
		got, after, err := opened(t, name, 2)
		require.NoError(t, err)
		require.Equal(t, "plaintext", string(got))
		require.Equal(t, before.MessageID, after.MessageID)
	}
	plant(t, name, 1, nil, []byte("plaintext"), nil)
	_, stderr, status := command(t, bin, nil, "rewrap", "-key", old, "-to", fresh, "-keep-data-key", "-commitment", "require-allow", filepath.Dir(name))
	require.Equal(t, exitRefused, status)
	require.Contains(t, stderr, "Leave out -keep-data-key")
}

// A header that names the new keys proves nothing: the new keys open it, or the
// file is not done.
func TestRewrapTreeBelievesNoName(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	tree := filepath.Join(dir, "tree")
	ring := func(b byte) string {
		text, err := json.Marshal(object{"type": "raw-aes", "namespace": "ns", "name": "2027", "key": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))})
		require.NoError(t, err)
		return write(t, filepath.Join(dir, fmt.Sprint("ring-", b)), text)
	}
	old, fresh := ring(1), ring(2)
	require.NoError(t, os.Mkdir(tree, 0o700))
	sealed, stderr, status := command(t, bin, []byte("x"), "encrypt", "-key", old)
	require.Zero(t, status, stderr)
	write(t, filepath.Join(tree, "a"), sealed)
	files, _, status := results(t, bin, "-key", old, "-to", fresh, tree)
	require.Zero(t, status)
	require.Equal(t, "rewrapped", files["a"]["result"])
	write(t, filepath.Join(tree, "a"), sealed)
	files, _, status = results(t, bin, "-key", fresh, "-to", fresh, tree)
	require.Equal(t, exitRefused, status)
	require.Equal(t, "failed", files["a"]["result"])
}

// A file that is replaced or deleted while it is rewrapped is not put back.
func TestRewrapTreeChanged(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	plant(t, name, 1, nil, []byte("old"), nil)
	o := &options{in: dir, jobs: 1, context: pairs{}, keys: keyList{{file: keyFile(t, t.TempDir(), 1)}}, newKeys: keyList{{file: keyFile(t, t.TempDir(), 2)}}}
	tr, err := o.newTree(t.Context())
	require.NoError(t, err)
	defer tr.root.Close() //nolint:errcheck // of a test
	tr.bar = progress.New(io.Discard, 0)
	for what, change := range map[string]func(){
		"replaced": func() {
			plant(t, name+".new", 1, nil, []byte("new"), nil)
			require.NoError(t, os.Rename(name+".new", name))
		},
		"written to": func() { plant(t, name, 1, nil, []byte("longer"), nil) },
		"a link":     func() { require.NoError(t, errors.Join(os.Remove(name), os.Symlink("b", name))) },
		"deleted":    func() { require.NoError(t, os.Remove(name)) },
	} {
		_ = os.Remove(name)
		plant(t, name, 1, nil, []byte("old"), nil)
		f, info, err := tr.open("a")
		require.NoError(t, err)
		h, err := envelope.Inspect(f)
		require.NoError(t, err)
		change()
		err = tr.replace(t.Context(), "a", f, info, h)
		require.Error(t, err, what)
		require.NoError(t, f.Close())
		if what == "deleted" {
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.NoFileExists(t, name)
			require.Equal(t, resultGone, tr.file(t.Context(), "a").Result)
		} else {
			require.ErrorIs(t, err, errChanged)
		}
		if what == "replaced" {
			require.Equal(t, resultRewrapped, tr.file(t.Context(), "a").Result, "taken again")
			got, _, err := opened(t, name, 2)
			require.NoError(t, err)
			require.Equal(t, "new", string(got))
		}
		require.Empty(t, leftovers(t, dir))
	}
}

// The exit status of a tree: what was refused outweighs what could not be
// decided, whatever came first.
func TestTally(t *testing.T) {
	refused := failed("a", &envelope.Error{Kind: envelope.ErrFrameAuth})
	undecided := failed("b", fs.ErrPermission)
	for _, all := range [][]outcome{{refused, undecided}, {undecided, refused}, {refused}} {
		tl := &tally{out: io.Discard, json: true}
		for _, o := range all {
			tl.add(t.Context(), o)
		}
		require.Equal(t, &treeError{exitRefused}, tl.end(nil))
	}
	tl := &tally{out: io.Discard, json: true}
	tl.add(t.Context(), undecided)
	require.Equal(t, &treeError{exitFailed}, tl.end(nil))
	tl = &tally{out: io.Discard, json: true}
	tl.add(t.Context(), outcome{Result: resultGone})
	require.NoError(t, tl.end(nil))
	require.Equal(t, &treeError{exitFailed}, tl.end(fs.ErrPermission))
}
