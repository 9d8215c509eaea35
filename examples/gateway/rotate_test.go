// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

const (
	firstWrites  = `, "encryption": {"key_file": "gateway.key"}`
	secondWrites = `, "encryption": {"key_file": "second.key", "name": "second", "old": [{"key_file": "gateway.key"}]}`
	secondAlone  = `, "encryption": {"key_file": "second.key", "name": "second"}`
)

// keyOf is the wrapping key of an object's first message, as the file has it.
func (f *fileBench) keyOf(key string) string {
	f.t.Helper()
	file, err := os.Open(f.g.store.Path(store.Name{Bucket: "bucket", Key: key}))
	require.NoError(f.t, err)
	defer func() { _ = file.Close() }()
	h, err := envelope.Inspect(file)
	require.NoError(f.t, err)
	return keysOf(h.EncryptedDataKeys)
}

// TestKeysRotate moves objects, parts under way and the index key to another
// key; then the old one can go.
func TestKeysRotate(t *testing.T) {
	f := newFileBench(t, firstWrites)
	f.bucket("bucket")
	f.ok(put("/bucket/k", "body", "x-amz-meta-colour", "blue", "x-amz-tagging", "a=1"))
	before := f.ok(get("/bucket/k"))
	id := f.begin("/bucket/parts")
	one, two := f.part("/bucket/parts", id, 1, strings.Repeat("1", minPart)), f.part("/bucket/parts", id, 2, "end")
	done := f.begin("/bucket/whole")
	f.ok(post("/bucket/whole?uploadId="+done, completion("1", f.part("/bucket/whole", done, 1, strings.Repeat("w", minPart)), "2", f.part("/bucket/whole", done, 2, "w"))))

	f.file("second.key", key(2))
	f.write(ownerUser, secondWrites)
	f.reload()
	f.put("/bucket/new", "new")
	require.Equal(t, "sallyport-gateway/second", f.keyOf("new"), "new keys write")
	require.Equal(t, "sallyport-gateway/master", f.keyOf("k"))
	require.Equal(t, "body", f.ok(get("/bucket/k")).body, "old keys read")

	r := f.g.rotator
	require.NoError(t, r.pass(t.Context()))
	require.Equal(t, rotation{Key: "sallyport-gateway/second", Renewed: 4}, *f.g.rotation.Load())
	require.NoError(t, r.pass(t.Context()))
	require.Equal(t, rotation{Key: "sallyport-gateway/second", Renewed: 4, Done: true}, *f.g.rotation.Load())
	require.Contains(t, f.ok(get("/_status")).body, `"done": true`)

	f.write(ownerUser, secondAlone)
	f.reload()
	require.NoError(t, os.Remove(f.dir+"/gateway.key"))
	after := f.ok(get("/bucket/k"))
	require.Equal(t, "body", after.body)
	for _, name := range []string{"Etag", "Last-Modified", "X-Amz-Meta-Colour", "X-Amz-Tagging-Count", "Content-Type"} {
		require.Equal(t, before.header[name], after.header[name], name)
	}
	f.ok(post("/bucket/parts?uploadId="+id, completion("1", one, "2", two)))
	require.Equal(t, "1end", f.ok(get("/bucket/parts", "Range", "bytes=-4")).body)
	require.Equal(t, "ww", f.ok(get("/bucket/whole", "Range", "bytes=-2")).body)
	require.Equal(t, strings.Repeat("w", minPart+1), f.ok(get("/bucket/whole")).body)
}

// TestARotationWaitsForWriters: a body that began under the old key and ends
// behind the passes is moved too, before the rotation counts as done.
func TestARotationWaitsForWriters(t *testing.T) {
	f := newFileBench(t, firstWrites)
	f.bucket("bucket")
	w, err := f.g.store.Create(t.Context(), store.Name{Bucket: "bucket", Key: "late"})
	require.NoError(t, err)
	f.file("second.key", key(2))
	f.write(ownerUser, secondWrites)
	f.reload()
	r := f.g.rotator
	for range 3 {
		require.NoError(t, r.pass(t.Context()))
		require.False(t, f.g.rotation.Load().Done, "somebody writes under the old key")
	}
	require.NoError(t, w.Commit(t.Context(), &store.Info{ETag: "e"}, nil))
	require.Equal(t, "sallyport-gateway/master", f.keyOf("late"))
	require.NoError(t, r.pass(t.Context()))
	require.Equal(t, "sallyport-gateway/second", f.keyOf("late"))
	require.NoError(t, r.pass(t.Context()))
	require.True(t, f.g.rotation.Load().Done)
}

// TestADamagedObjectKeepsTheOldKey: what cannot be moved is reported, and the
// rest is.
func TestADamagedObjectKeepsTheOldKey(t *testing.T) {
	f := newFileBench(t, firstWrites)
	f.bucket("bucket")
	f.put("/bucket/bad", "bad")
	f.put("/bucket/good", "good")
	path := f.g.store.Path(store.Name{Bucket: "bucket", Key: "bad"})
	h, err := envelope.Inspect(bytes.NewReader(readFile(t, path)))
	require.NoError(t, err)
	text := readFile(t, path)
	text[h.Length+10] ^= 1 // in the frame
	require.NoError(t, os.WriteFile(path, text, 0o600))
	f.file("second.key", key(2))
	f.write(ownerUser, secondWrites)
	f.reload()
	r := f.g.rotator
	for range 3 {
		require.NoError(t, r.pass(t.Context()))
	}
	require.Equal(t, rotation{Key: "sallyport-gateway/second", Renewed: 1, Failed: 1}, *f.g.rotation.Load())
	require.Equal(t, text, readFile(t, path), "it is left as it is")
	require.Contains(t, f.log.String(), "an object stays under an old key")
	f.noTemporaries()
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return text
}

// noTemporaries requires that nothing temporary is left.
func (b *bench) noTemporaries() {
	b.t.Helper()
	left, err := os.ReadDir(filepath.Join(b.g.config.Store, "tmp"))
	require.NoError(b.t, err)
	require.Empty(b.t, left, "temporary files")
}

// TestRotationUnderLoad turns keys over while objects are written, tagged,
// read, put together from parts and deleted: nothing acknowledged is lost, and
// in the end the first keys open nothing.
func TestRotationUnderLoad(t *testing.T) {
	f := newFileBench(t, `, "encryption": {"key_file": "gateway.key", "name": "0"}`)
	f.bucket("bucket")
	stop := make(chan struct{})
	var workers sync.WaitGroup
	var calls atomic.Int64
	last := make([]map[string][32]byte, 4)
	for i := range last {
		last[i] = map[string][32]byte{}
		workers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := f.churn(i, n, last[i]); err != nil {
					t.Error(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	r := f.g.rotator
	rounds := 4
	old := `{"key_file": "gateway.key", "name": "0"}`
	for n := 1; n <= rounds; n++ {
		f.file(fmt.Sprintf("%d.key", n), key(byte(n)))
		f.write(ownerUser, fmt.Sprintf(`, "encryption": {"key_file": "%d.key", "name": "%d", "old": [%s]}`, n, n, old))
		changed, err := f.g.reload(t.Context(), false)
		require.NoError(t, err)
		require.True(t, changed)
		for before := calls.Load(); calls.Load() < before+8 && !t.Failed(); {
			require.NoError(t, r.pass(t.Context()))
		}
		for !f.g.rotation.Load().Done && !t.Failed() {
			require.NoError(t, r.pass(t.Context()))
		}
		old = fmt.Sprintf(`{"key_file": "%d.key", "name": "%d"}`, n, n) // the ones before are gone
	}
	close(stop)
	workers.Wait()
	f.write(ownerUser, fmt.Sprintf(`, "encryption": {"key_file": "%d.key", "name": "%d"}`, rounds, rounds))
	f.reload()
	for _, objects := range last {
		for target, sum := range objects {
			require.Equal(t, sum, sha256.Sum256([]byte(f.ok(get(target)).body)), target)
		}
	}
	f.noTemporaries()
}

// churn makes some calls about one worker's objects, and notes what has to be
// there afterwards.
func (f *fileBench) churn(worker, n int, last map[string][32]byte) error {
	target := fmt.Sprintf("/bucket/%d/%d", worker, n%5)
	body := bytes.Repeat([]byte{byte(n)}, n*7919%200_000)
	for _, q := range []request{
		{method: "PUT", target: target, body: string(body)},
		put(target+"?tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"),
		put(target+"-copy", "", "x-amz-copy-source", strings.TrimPrefix(target, "/")),
		get(target),
	} {
		a := f.send(q)
		if a.status != 200 {
			return fmt.Errorf("%s %s: %d %s", q.method, q.target, a.status, a.body)
		}
		if q.method == "GET" && a.body != string(body) {
			return fmt.Errorf("%s: another body", target)
		}
	}
	last[target], last[target+"-copy"] = sha256.Sum256(body), sha256.Sum256(body)
	if n%3 == 0 {
		if a := f.send(request{method: "DELETE", target: target + "-copy"}); a.status != 204 {
			return fmt.Errorf("delete: %d", a.status)
		}
		delete(last, target+"-copy")
	}
	return nil
}

// TestARotationLaundersNothing: an old body put under the info of a newer one is
// not given a new message that would open.
func TestARotationLaundersNothing(t *testing.T) {
	f := newFileBench(t, firstWrites)
	f.bucket("bucket")
	path := f.g.store.Path(store.Name{Bucket: "bucket", Key: "k"})
	f.put("/bucket/k", "first")
	first := readFile(t, path)
	f.put("/bucket/k", "again")
	require.NoError(t, os.WriteFile(path, withBodyOf(t, first, readFile(t, path), len("first")), 0o600))
	require.Equal(t, 500, f.send(get("/bucket/k")).status)
	f.file("second.key", key(2))
	f.write(ownerUser, secondWrites)
	f.reload()
	require.NoError(t, f.g.rotator.pass(t.Context()))
	require.Equal(t, 1, f.g.rotation.Load().Failed)
	require.Equal(t, 500, f.send(get("/bucket/k")).status)
}

// withBodyOf is the file of an object with the body of another file put in its
// body's place; both bodies are of one frame, and as long.
func withBodyOf(t *testing.T, other, file []byte, length int) []byte {
	t.Helper()
	h, err := envelope.Inspect(bytes.NewReader(other))
	require.NoError(t, err)
	body := h.Length + 4 + 4 + 12 + 4 + length + 16 // the final frame has its number twice and its length
	return append(slices.Clone(other[:body]), file[body:]...)
}
