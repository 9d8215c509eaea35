// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
)

// rclone writes a configuration for the user and returns the command's
// beginning.
func (s *shell) rclone(u user) []string {
	s.t.Helper()
	text := "[g]\ntype = s3\nprovider = Other\nregion = us-east-1\nendpoint = " + s.w.URL + "\naccess_key_id = " + u.id +
		"\nsecret_access_key = " + u.secret + "\nsession_token = " + u.token + "\nchunk_size = 5Mi\nupload_cutoff = 5Mi\nlist_version = 2\n"
	path := filepath.Join(s.dir, "rclone-"+u.name)
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
	args := []string{"rclone", "--config", path, "--retries", "1", "--low-level-retries", "1"}
	if s.w.CA != "" {
		args = append(args, "--ca-cert", s.w.CA)
	}
	return args
}

func testRclone(t *testing.T, w *world) string {
	s := newShell(t, w)
	base := s.rclone(w.root())
	cmd := func(args ...string) string { return s.run(append(base[:len(base):len(base)], args...)...) }
	bucket := "g:rclone-" + w.scheme
	big := s.file("tree/big", 12<<20)
	for _, name := range []string{"tree/a b", "tree/sub/a+b", "tree/sub/(1)", "tree/sub/ü%2F"} {
		s.file(name, 1000)
	}
	cmd("mkdir", bucket)
	cmd("copy", "tree", bucket+"/tree")
	cmd("check", "tree", bucket+"/tree") // compares the MD5s
	cmd("sync", bucket+"/tree", "back")
	s.same(big, "back/big")
	s.same("tree/sub/ü%2F", "back/sub/ü%2F")
	require.Contains(t, cmd("lsf", "-R", bucket), "tree/sub/a+b")
	cmd("copyto", bucket+"/tree/big", bucket+"/copied")
	cmd("moveto", bucket+"/copied", bucket+"/moved")
	require.Len(t, cmd("cat", bucket+"/tree/a b"), 1000)
	for _, u := range w.strangers() {
		s.fails(u.code, append(s.rclone(u), "lsf", bucket)...)
	}
	s.run(append(s.rclone(w.temporary()), "copyto", "tree/a b", bucket+"/x")...)
	cmd("purge", bucket)
	return interop.Version(t, interop.Program(t, "rclone"), "version")
}
