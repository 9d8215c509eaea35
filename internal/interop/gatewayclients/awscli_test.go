// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
)

func awsShell(t *testing.T, w *world) *shell {
	t.Helper()
	s := newShell(t, w, "AWS_DEFAULT_REGION="+w.Region, "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=")
	config := filepath.Join(s.dir, "config")
	require.NoError(t, os.WriteFile(config, []byte("[default]\ns3 =\n  signature_version = s3v4\n"), 0o600))
	s.env = append(s.env, "AWS_CONFIG_FILE="+config, "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
	if w.CA != "" {
		s.env = append(s.env, "AWS_CA_BUNDLE="+w.CA)
	}
	return s.as(w.root())
}

// aws has the endpoint as an option: old versions know no variable for it.
func (s *shell) aws(args ...string) []string {
	return append([]string{"aws", "--endpoint-url", s.w.URL}, args...)
}

func testAWSCLI(t *testing.T, w *world) string {
	s := awsShell(t, w)
	version := interop.Version(t, interop.Program(t, "aws"), "--version")
	t.Run("s3", func(t *testing.T) { s.t = t; testAWSS3(s) })
	t.Run("sync", func(t *testing.T) { s.t = t; testAWSSync(s) })
	t.Run("s3api", func(t *testing.T) { s.t = t; testAWSAPI(s) })
	t.Run("s3api access", func(t *testing.T) { s.t = t; testAWSAccess(s) })
	t.Run("s3api multipart", func(t *testing.T) { s.t = t; testAWSMultipart(s) })
	t.Run("users", func(t *testing.T) {
		s.t = t
		s.as(w.temporary()).run(s.aws("s3", "ls")...)
		for _, u := range w.strangers() {
			s.as(u).fails(u.code, s.aws("s3api", "list-buckets")...)
		}
	})
	name, _, _ := strings.Cut(version, " ")
	return name
}

func testAWSS3(s *shell) {
	s3 := func(args ...string) string { return s.run(s.aws(append([]string{"s3"}, args...)...)...) }
	small, big := s.file("small", 6000), s.file("big file+(1)", 18<<20)
	s3("mb", "s3://cli")
	s3("cp", "--no-progress", small, "s3://cli/dir/small")
	s3("cp", "--no-progress", big, "s3://cli/dir/"+big)
	s3("cp", "--no-progress", "s3://cli/dir/"+big, "back")
	s.same(big, "back")
	listed := s3("ls", "--recursive", "s3://cli")
	require.Contains(s.t, listed, "dir/"+big)
	require.Contains(s.t, s3("ls", "s3://cli/"), "PRE dir/")
	s3("mv", "--no-progress", "s3://cli/dir/small", "s3://cli/moved")
	s.fails("404", s.aws("s3", "cp", "s3://cli/dir/small", "gone")...)
	s3("cp", "--no-progress", "--recursive", "s3://cli/dir/", "s3://cli/copy/")
	s3("cp", "--no-progress", "s3://cli/copy/"+big, "back2")
	s.same(big, "back2")
	url := strings.TrimSpace(s3("presign", "s3://cli/moved"))
	resp, err := s.w.Client.Get(url)
	require.NoError(s.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	_ = resp.Body.Close()
	require.Equal(s.t, http.StatusOK, resp.StatusCode, "%s", body)
	require.Len(s.t, body, 6000)
	s3("rm", "--recursive", "s3://cli")
	s3("rb", "s3://cli")
}

// testAWSSync is a thousand files there and back; over https a hundred, since
// the bytes on the wire are the same.
func testAWSSync(s *shell) {
	files := 1000
	if s.w.scheme == "https" {
		files = 100
	}
	for i := range files {
		s.file(fmt.Sprintf("tree/%d/file %d", i%10, i), 100+i)
	}
	s.run(s.aws("s3", "mb", "s3://cli-sync")...)
	s.run(s.aws("s3", "sync", "--no-progress", "tree", "s3://cli-sync/tree")...)
	require.Empty(s.t, s.run(s.aws("s3", "sync", "--no-progress", "tree", "s3://cli-sync/tree")...), "nothing is left to do")
	require.NoError(s.t, os.Mkdir(filepath.Join(s.dir, "synced"), 0o755))
	s.run(s.aws("s3", "sync", "--no-progress", "s3://cli-sync/tree", "synced")...)
	for i := range files {
		name := fmt.Sprintf("%d/file %d", i%10, i)
		s.same("tree/"+name, "synced/"+name)
	}
	s.run(s.aws("s3", "rb", "--force", "s3://cli-sync")...)
}

func testAWSAPI(s *shell) {
	api := func(args ...string) string { return s.run(s.aws(append([]string{"s3api"}, args...)...)...) }
	one := s.file("one", 5000)
	api("create-bucket", "--bucket", "cli-api")
	api("head-bucket", "--bucket", "cli-api")
	require.Contains(s.t, api("list-buckets"), "cli-api")
	api("get-bucket-location", "--bucket", "cli-api")
	api("put-object", "--bucket", "cli-api", "--key", "a/one", "--body", one, "--metadata", "Colour=blue", "--content-type", "text/x", "--checksum-algorithm", "SHA256", "--tagging", "k=v")
	head := api("head-object", "--bucket", "cli-api", "--key", "a/one", "--checksum-mode", "ENABLED")
	require.Contains(s.t, head, `"colour": "blue"`)
	require.Contains(s.t, head, "ChecksumSHA256")
	require.Contains(s.t, head, "text/x")
	require.Contains(s.t, api("get-object", "--bucket", "cli-api", "--key", "a/one", "--range", "bytes=10-19", "part"), `"ContentLength": 10`)
	api("get-object", "--bucket", "cli-api", "--key", "a/one", "--checksum-mode", "ENABLED", "whole")
	s.same(one, "whole")
	require.Contains(s.t, api("get-object-tagging", "--bucket", "cli-api", "--key", "a/one"), `"v"`)
	api("put-object-tagging", "--bucket", "cli-api", "--key", "a/one", "--tagging", "TagSet=[{Key=x,Value=y}]")
	api("delete-object-tagging", "--bucket", "cli-api", "--key", "a/one")
	api("copy-object", "--bucket", "cli-api", "--key", "b/two ü", "--copy-source", "cli-api/a/one", "--metadata-directive", "REPLACE", "--metadata", "n=2")
	require.Contains(s.t, api("list-objects-v2", "--bucket", "cli-api", "--delimiter", "/"), `"Prefix": "a/"`)
	require.Contains(s.t, api("list-objects", "--bucket", "cli-api", "--prefix", "b/"), "b/two")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::cli-api/a/*"}]}`
	api("put-bucket-policy", "--bucket", "cli-api", "--policy", policy)
	require.Contains(s.t, api("get-bucket-policy", "--bucket", "cli-api"), "Deny")
	s.fails("explicit deny", s.aws("s3api", "get-object", "--bucket", "cli-api", "--key", "a/one", "denied")...)
	api("delete-bucket-policy", "--bucket", "cli-api")
	s.fails("MalformedPolicy", s.aws("s3api", "put-bucket-policy", "--bucket", "cli-api", "--policy", "{}")...)
	s.fails("PreconditionFailed", s.aws("s3api", "put-object", "--bucket", "cli-api", "--key", "a/one", "--body", one, "--if-none-match", "*")...)
	s.fails("304", s.aws("s3api", "get-object", "--bucket", "cli-api", "--key", "a/one", "--if-modified-since", "2099-01-01T00:00:00Z", "x")...)
	s.fails("NoSuchKey", s.aws("s3api", "get-object", "--bucket", "cli-api", "--key", "none", "x")...)
	s.fails("BucketNotEmpty", s.aws("s3api", "delete-bucket", "--bucket", "cli-api")...)
	s.fails("BucketAlreadyOwnedByYou", s.aws("s3api", "create-bucket", "--bucket", "cli-api")...)
	require.Contains(s.t, api("delete-objects", "--bucket", "cli-api", "--delete", `{"Objects":[{"Key":"b/two ü"},{"Key":"none"}]}`), "none")
	api("delete-object", "--bucket", "cli-api", "--key", "a/one")
	api("delete-bucket", "--bucket", "cli-api")
	s.fails("NoSuchBucket", s.aws("s3api", "list-objects-v2", "--bucket", "cli-api")...)
}

func testAWSMultipart(s *shell) {
	api := func(args ...string) string { return s.run(s.aws(append([]string{"s3api"}, args...)...)...) }
	part := s.file("part", 5<<20)
	api("create-bucket", "--bucket", "cli-mp")
	id := strings.TrimSpace(api("create-multipart-upload", "--bucket", "cli-mp", "--key", "k", "--query", "UploadId", "--output", "text"))
	etag := strings.TrimSpace(api("upload-part", "--bucket", "cli-mp", "--key", "k", "--upload-id", id, "--part-number", "1", "--body", part, "--query", "ETag", "--output", "text"))
	require.Contains(s.t, api("list-parts", "--bucket", "cli-mp", "--key", "k", "--upload-id", id), etag[1:33])
	require.Contains(s.t, api("list-multipart-uploads", "--bucket", "cli-mp"), id)
	s.fails("InvalidPart", s.aws("s3api", "complete-multipart-upload", "--bucket", "cli-mp", "--key", "k", "--upload-id", id,
		"--multipart-upload", `{"Parts":[{"PartNumber":2,"ETag":`+etag+`}]}`)...)
	api("complete-multipart-upload", "--bucket", "cli-mp", "--key", "k", "--upload-id", id, "--multipart-upload", `{"Parts":[{"PartNumber":1,"ETag":`+etag+`}]}`)
	id = strings.TrimSpace(api("create-multipart-upload", "--bucket", "cli-mp", "--key", "copy", "--query", "UploadId", "--output", "text"))
	api("upload-part-copy", "--bucket", "cli-mp", "--key", "copy", "--upload-id", id, "--part-number", "1", "--copy-source", "cli-mp/k", "--copy-source-range", "bytes=0-99")
	api("abort-multipart-upload", "--bucket", "cli-mp", "--key", "copy", "--upload-id", id)
	s.fails("NoSuchUpload", s.aws("s3api", "list-parts", "--bucket", "cli-mp", "--key", "copy", "--upload-id", id)...)
	api("get-object", "--bucket", "cli-mp", "--key", "k", "whole")
	s.same(part, "whole")
	api("delete-object", "--bucket", "cli-mp", "--key", "k")
	api("delete-bucket", "--bucket", "cli-mp")
}
