// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
)

// s3cmd writes a configuration for the user and returns the command's beginning.
func (s *shell) s3cmd(u user) []string {
	s.t.Helper()
	host := s.w.URL[strings.LastIndex(s.w.URL, "/")+1:]
	text := "[default]\naccess_key = " + u.id + "\nsecret_key = " + u.secret + "\naccess_token = " + u.token +
		"\nhost_base = " + host + "\nhost_bucket = " + host + "\nbucket_location = us-east-1\nsignature_v2 = False\nmax_retries = 1\n"
	if s.w.CA != "" {
		text += "use_https = True\nca_certs_file = " + s.w.CA + "\n"
	} else {
		text += "use_https = False\n"
	}
	path := filepath.Join(s.dir, "s3cfg-"+u.name)
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
	return []string{"s3cmd", "-c", path, "--no-progress"}
}

func testS3cmd(t *testing.T, w *world) string {
	s := newShell(t, w)
	base := s.s3cmd(w.root())
	cmd := func(args ...string) string { return s.run(append(base[:len(base):len(base)], args...)...) }
	small, big := s.file("small (1)+", 5000), s.file("big", 12<<20)
	bucket := "s3://s3cmd-" + w.scheme
	cmd("mb", bucket)
	cmd("put", small, bucket+"/dir/"+small)
	cmd("put", big, bucket+"/big", "--multipart-chunk-size-mb=5")
	require.Contains(t, cmd("ls", "--recursive", bucket), "/dir/"+small)
	require.Contains(t, cmd("ls", bucket), "DIR")
	cmd("get", bucket+"/big", "back")
	s.same(big, "back")
	cmd("cp", bucket+"/dir/"+small, bucket+"/copied")
	cmd("mv", bucket+"/copied", bucket+"/moved")
	cmd("get", bucket+"/moved", "back2")
	s.same(small, "back2")
	require.Contains(t, cmd("info", bucket+"/big"), "12582912")
	for _, name := range []string{"tree/1", "tree/sub/2", "tree/sub/3 ü"} {
		s.file(name, 100)
	}
	cmd("sync", "tree", bucket+"/sync/")
	cmd("sync", bucket+"/sync/tree/", "back-tree/")
	s.same("tree/sub/3 ü", "back-tree/sub/3 ü")
	for _, u := range w.strangers() {
		s.fails(u.code, append(s.s3cmd(u), "put", small, bucket+"/x")...)
	}
	s.run(append(s.s3cmd(w.temporary()), "put", small, bucket+"/x")...)
	cmd("del", "--recursive", "--force", bucket)
	cmd("rb", bucket)
	return interop.Version(t, interop.Program(t, "s3cmd"), "--version")
}
