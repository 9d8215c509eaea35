// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// fileBench is a gateway that runs from a configuration file.
type fileBench struct {
	*bench
	dir, path string
}

func newFileBench(t *testing.T, more string) *fileBench {
	t.Helper()
	f := &fileBench{dir: t.TempDir()}
	f.path = filepath.Join(f.dir, "gateway.json")
	f.bench = &bench{t: t, log: &lockedBuffer{}}
	f.write(ownerUser, more)
	var err error
	f.g, err = open(fromFile(f.path, func(*Config) {}), slog.New(slog.NewJSONHandler(f.log, nil)))
	require.NoError(t, err)
	f.config = f.g.config
	server := httptest.NewServer(f.g)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, f.g.close())
	})
	f.url = server.URL
	return f
}

const (
	ownerUser = `{"name": "owner", "access_key_id": "AKIAOWNER00000000000", "secret_access_key": "owner/secret",
   "policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]}`
	readerUser = `{"name": "reader", "access_key_id": "AKIAREADER0000000000", "secret_access_key": "reader/secret",
   "policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}]}`
)

// write replaces the configuration as an editor does.
func (f *fileBench) write(users, more string) {
	f.t.Helper()
	f.file("gateway.json", fmt.Sprintf("{\"store\": \"store\",\n \"users\": [%s]%s}\n", users, more))
}

func (f *fileBench) file(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	require.NoError(f.t, os.WriteFile(path+".new", []byte(text), 0o600))
	require.NoError(f.t, os.Rename(path+".new", path))
}

func (f *fileBench) reload() {
	f.t.Helper()
	changed, err := f.g.reload(f.t.Context(), false)
	require.NoError(f.t, err)
	require.True(f.t, changed)
	f.config = f.g.pipeline().config
}

func key(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

// TestReloadFollowsEverything changes users, keys, policies and the key ring of
// a gateway that runs.
func TestReloadFollowsEverything(t *testing.T) {
	f := newFileBench(t, "")
	f.bucket("bucket")
	f.put("/bucket/k", "body")
	changed, err := f.g.reload(t.Context(), false)
	require.NoError(t, err)
	require.False(t, changed, "nothing has")

	f.write(ownerUser+","+readerUser, "")
	f.reload()
	read := get("/bucket/k")
	read.as = "reader"
	f.ok(read)

	f.write(ownerUser+","+strings.Replace(readerUser, "reader/secret", "other/secret", 1), "")
	old := f.config
	f.reload()
	f.ok(read)
	now := f.config
	f.config = old
	require.Equal(t, "SignatureDoesNotMatch", f.send(read).code, "the old secret")
	f.config = now

	f.write(ownerUser+","+strings.Replace(readerUser, "s3:GetObject", "s3:PutObject", 1), "")
	f.reload()
	require.Equal(t, "AccessDenied", f.send(read).code)

	f.write(ownerUser, "")
	f.config = f.g.pipeline().config
	changed, err = f.g.reload(t.Context(), false)
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, "InvalidAccessKeyId", f.send(read).code)

	f.file("second.key", key(2))
	f.write(ownerUser, `, "max_object_bytes": 10, "encryption": {"key_file": "second.key", "name": "second", "old": [{"key_file": "gateway.key"}]}`)
	f.reload()
	require.Equal(t, "body", f.ok(get("/bucket/k")).body, "old keys read")
	require.Equal(t, "EntityTooLarge", f.send(put("/bucket/k", "eleven bytes")).code)
}

// second is the beginning of another user.
const second = `, {"name": "b", "access_key_id": "B", "secret_access_key": "bbbbbbbbbbbbbbbb"`

// badConfigurations are the users and the rest of files with a fault, and where
// it is.
var badConfigurations = []struct{ name, users, more, want string }{
	{"not JSON", ownerUser + ",", "", "gateway.json:3:"},
	{"cut short", ownerUser, `, "cdn": {`, "gateway.json:"},
	{"an unknown member", ownerUser, ",\n  \"max_object_byte\": 1", "gateway.json:4:3: max_object_byte: there is no such member"},
	{"other case", ownerUser, ",\n \"Stall\": \"1s\"", "gateway.json:4:2: Stall: there is no such member"},
	{"twice", ownerUser, ",\n \"users\": []", "gateway.json:4:2: users: it is there twice"},
	{"another type", ownerUser, ",\n \"max_requests\": \"many\"", "gateway.json:4:18: max_requests: "},
	{"a duration", ownerUser, ",\n \"stall\": \"30\"", "gateway.json:4:11: stall: time: missing unit"},
	{"no requests", ownerUser, ",\n \"max_requests\": -1", "gateway.json:4:18: max_requests: it has to be above 0"},
	{"no connections", ownerUser, ",\n \"max_connections\": -1", "gateway.json:4:21: max_connections: it has to be above 0"},
	{"no bytes", ownerUser, ",\n \"max_object_bytes\": -1", "gateway.json:4:22: max_object_bytes: it has to be above 0"},
	{"a period below zero", ownerUser, ",\n \"reload\": \"-1s\"", "gateway.json:4:12: reload: it has to be above 0"},
	{"log files without end", ownerUser, ",\n \"audit\": {\"rotate\": \"-1s\"}", "gateway.json:4:22: audit.rotate: it has to be above 0"},
	{"digests without end", ownerUser, ",\n \"audit\": {\"digest\": \"-1s\"}", "gateway.json:4:22: audit.digest: it has to be above 0"},
	{"bodies that may stand still", ownerUser, ",\n \"stall\": \"-1s\"", "gateway.json:4:11: stall: it has to be above 0"},
	{"uploads that have expired", ownerUser, ",\n \"upload_expiry\": \"-1s\"", "gateway.json:4:19: upload_expiry: it has to be above 0"},
	{"not a list", ownerUser, ",\n \"cdn\": {\"keys\": 1}", "gateway.json:4:18: [ is expected here"},
	{"a user without a secret", ownerUser + `, {"name": "b", "access_key_id": "B"}`, "", "gateway.json:3:112: users[1]: name, access_key_id and secret_access_key are needed"},
	{"a key twice", ownerUser + "," + ownerUser, "", "users[1].access_key_id: access key AKIAOWNER00000000000 is there twice"},
	{"an operator", ownerUser + second + `, "policies": [` + "\n" + `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",` + "\n" + `  "Condition": {"StringEqual": {"a": "b"}}}}]}`, "", "gateway.json:5:17: users[1].policies[0]: "},
	{"another region", ownerUser, ",\n \"region\": \"eu-west-1\"", "gateway.json:4:12: region: it cannot change"},
	{"no such group", ownerUser, ",\n \"security_group\": \"none.json\"", "gateway.json:4:20: security_group: open "},
	{"a group without rules", ownerUser, ",\n \"security_group\": \"empty.json\"", "holds no security group"},
	{"a missing key", ownerUser, ",\n \"encryption\": {\"key_file\": \"none.key\"}", "gateway.json:4:16: encryption: key file: open "},
	{"a short key", ownerUser, ",\n \"encryption\": {\"key_file\": \"short.key\"}", "does not hold 32 bytes"},
	{"two keys of one name", ownerUser, ",\n \"encryption\": {\"old\": [{\"key_file\": \"gateway.key\"}]}", "gateway.json:4:25: encryption.old[0]: two keys are sallyport-gateway/master"},
	{"an old key that is none", ownerUser, ",\n \"encryption\": {\"old\": [{}]}", "encryption.old[0]: one of key_file and kms_key is needed"},
	{"a CDN key without a name", ownerUser, ",\n \"cdn\": {\"keys\": [{\"file\": \"cdn.pem\"}]}", "gateway.json:4:19: cdn.keys[0]: an id of its own is needed"},
	{"two CDN keys of one name", ownerUser, ",\n \"cdn\": {\"keys\": [{\"id\": \"K\", \"file\": \"cdn.pem\"}, {\"id\": \"K\", \"file\": \"cdn.pem\"}]}", "gateway.json:4:51: cdn.keys[1]: an id of its own is needed"},
	{"no CDN key", ownerUser, ",\n \"cdn\": {\"keys\": [{\"id\": \"K\", \"file\": \"none\"}]}", "gateway.json:4:39: cdn.keys[0].file: "},
}

// TestABadConfigurationStaysOut: every fault is found with its place, the old
// configuration goes on, and the fault is to be seen until it is mended.
func TestABadConfigurationStaysOut(t *testing.T) {
	f := newFileBench(t, "")
	f.bucket("bucket")
	f.file("group.json", string(demoGroup("127.0.0.1/32")))
	f.file("empty.json", `{"SecurityGroups": []}`)
	f.file("short.key", key(3)[:20])
	_, err := demoCDNKey(filepath.Join(f.dir, "cdn.pem"))
	require.NoError(t, err)
	for _, c := range badConfigurations {
		f.write(c.users, c.more)
		changed, err := f.g.reload(t.Context(), false)
		require.ErrorContains(t, err, c.want, c.name)
		require.False(t, changed)
		f.put("/bucket/k", c.name)
		var status struct{ Refused struct{ Error string } }
		require.NoError(t, json.Unmarshal([]byte(f.ok(get("/_status")).body), &status))
		require.Contains(t, status.Refused.Error, c.want)
		require.NotContains(t, status.Refused.Error, "owner/secret")
		before := strings.Count(f.log.String(), "configuration refused")
		_, err = f.g.reload(t.Context(), false)
		require.NoError(t, err, "it is not tried again as it is")
		require.Equal(t, before, strings.Count(f.log.String(), "configuration refused"))
		_, err = f.g.reload(t.Context(), true)
		require.Error(t, err, "unless it is told to")
	}
	_, err = os.Stat(filepath.Join(f.dir, "none.key"))
	require.Error(t, err, "a gateway that runs makes no keys")
	f.write(ownerUser, `, "security_group": "group.json"`)
	f.reload()
	require.Contains(t, f.ok(get("/_status")).body, `"refused": null`)
}

func TestTheStatusIsNotForEverybody(t *testing.T) {
	f := newFileBench(t, "")
	f.write(ownerUser+","+readerUser, "")
	f.reload()
	q := get("/_status")
	q.as = "reader"
	require.Equal(t, "AccessDenied", f.send(q).code)
	q.anonymous = true
	require.Equal(t, "AccessDenied", f.send(q).code)
}

// TestReloadUnderLoad turns users and keys over and over while requests are
// under way: none of them fails, and none sees half of a configuration.
func TestReloadUnderLoad(t *testing.T) {
	f := newFileBench(t, "")
	f.bucket("bucket")
	f.file("second.key", key(2))
	stop := make(chan struct{})
	var done sync.WaitGroup
	var calls atomic.Int64
	for i := range 4 {
		done.Go(func() {
			target := fmt.Sprintf("/bucket/%d", i)
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				r := f.sign(sigv4.AlgorithmV4, sigv4.Payload{}, target, fmt.Appendf(nil, "%d", n))
				a := f.do(r)
				if a.status != 200 {
					t.Errorf("put %s: %d %s", target, a.status, a.body)
					return
				}
				if got := f.send(get(target)); got.body != fmt.Sprint(n) {
					t.Errorf("get %s: %q instead of %d", target, got.body, n)
					return
				}
				calls.Add(2)
			}
		})
	}
	keys := []string{
		`"encryption": {"key_file": "second.key", "name": "second", "old": [{"key_file": "gateway.key"}]}`,
		`"encryption": {"key_file": "gateway.key", "old": [{"key_file": "second.key", "name": "second"}]}`,
	}
	for n := range 20 {
		f.write(ownerUser+","+readerUser, fmt.Sprintf(`, "max_object_bytes": %d, %s`, 1000+n, keys[n%2]))
		_, err := f.g.reload(t.Context(), false)
		require.NoError(t, err)
		for before := calls.Load(); calls.Load() < before+4 && !t.Failed(); { // some calls in every configuration
			f.ok(get("/_status"))
		}
	}
	close(stop)
	done.Wait()
}
