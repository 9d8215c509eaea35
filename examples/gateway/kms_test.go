// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// keyService is a KMS, as far as the gateway needs one, that counts its calls
// and can be away. What it calls ciphertext is the plaintext and its context.
type keyService struct {
	key   string
	url   string
	calls atomic.Int64
	down  atomic.Bool
}

func newKeyService(t *testing.T) *keyService {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"),
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	k := &keyService{key: "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.calls.Add(1)
		if k.down.Load() {
			panic(http.ErrAbortHandler) // the connection ends without an answer
		}
		k.answer(w, r)
	}))
	t.Cleanup(server.Close)
	k.url = server.URL
	return k
}

func (k *keyService) answer(w http.ResponseWriter, r *http.Request) {
	type sealed struct {
		Plaintext []byte
		Context   map[string]string
	}
	var q struct {
		CiphertextBlob, Plaintext []byte
		EncryptionContext         map[string]string
		NumberOfBytes             int
	}
	err := json.NewDecoder(r.Body).Decode(&q)
	plaintext := q.Plaintext
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.") {
	case "GenerateDataKey":
		plaintext = make([]byte, q.NumberOfBytes)
		_, _ = rand.Read(plaintext)
	case "Decrypt":
		var s sealed
		if err = json.Unmarshal(q.CiphertextBlob, &s); err == nil && !maps.Equal(s.Context, q.EncryptionContext) {
			err = errors.New("another context")
		}
		plaintext = s.Plaintext
	}
	if err != nil {
		http.Error(w, `{"__type":"InvalidCiphertextException"}`, http.StatusBadRequest)
		return
	}
	blob, _ := json.Marshal(sealed{plaintext, q.EncryptionContext})
	answer, _ := json.Marshal(map[string]any{"KeyId": k.key, "Plaintext": plaintext, "CiphertextBlob": blob, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})
	_, _ = w.Write(answer)
}

func (k *keyService) config(c *Config) {
	c.Encryption = Encryption{MasterKey: MasterKey{KMSKey: k.key, KMSEndpoint: k.url}}
}

// TestKMSIsAskedOnceAnObject: the parts of an upload and the readers of an
// object share a data key; objects do not.
func TestKMSIsAskedOnceAnObject(t *testing.T) {
	k := newKeyService(t)
	b := newBench(t, k.config)
	b.bucket("bucket")
	calls := func(f func()) int64 {
		before := k.calls.Load()
		f()
		return k.calls.Load() - before
	}
	require.EqualValues(t, 1, calls(func() { b.put("/bucket/k", "body") }))
	require.EqualValues(t, 1, calls(func() { b.put("/bucket/l", "body") }), "another object, another data key")
	require.LessOrEqual(t, calls(func() {
		for range 5 {
			require.Equal(t, "body", b.ok(get("/bucket/k")).body)
		}
	}), int64(1))
	require.EqualValues(t, 0, calls(func() { b.ok(get("/bucket?list-type=2")) }), "infos are under the index key")
	require.LessOrEqual(t, calls(func() {
		id := b.begin("/bucket/parts")
		one, two := b.part("/bucket/parts", id, 1, strings.Repeat("1", minPart)), b.part("/bucket/parts", id, 2, "end")
		b.ok(post("/bucket/parts?uploadId="+id, completion("1", one, "2", two)))
		require.Equal(t, "1end", b.ok(get("/bucket/parts", "Range", "bytes=-4")).body)
	}), int64(2), "once to make it, once to open it")
}

// TestKMSDown: without the service nothing that needs it is answered as if it
// were damaged, and all is well again when the service is.
func TestKMSDown(t *testing.T) {
	k := newKeyService(t)
	b := newBench(t, k.config, func(c *Config) { c.Encryption.Cache = -1 })
	b.bucket("bucket")
	b.put("/bucket/k", "body")
	k.down.Store(true)
	b.refuse([]refusal{
		{"put", put("/bucket/new", "x"), "ServiceUnavailable", 503},
		{"get", get("/bucket/k"), "ServiceUnavailable", 503},
		{"a part", put("/bucket/k?partNumber=1&uploadId="+b.begin("/bucket/k"), "x"), "ServiceUnavailable", 503},
	})
	require.Contains(t, b.send(get("/bucket/k")).body, "key management service")
	b.ok(request{method: "HEAD", target: "/bucket/k"})
	b.ok(get("/bucket?list-type=2"))
	_, err := b.g.reload(t.Context(), true)
	require.ErrorIs(t, err, errNoKeys)
	k.down.Store(false)
	require.Equal(t, "body", b.ok(get("/bucket/k")).body)
	b.put("/bucket/new", "x")
	_, err = b.g.reload(t.Context(), true)
	require.NoError(t, err)
}

// TestKeysMoveToKMSAndBack rotates from a file to KMS and to a file again.
func TestKeysMoveToKMSAndBack(t *testing.T) {
	k := newKeyService(t)
	f := newFileBench(t, "")
	f.bucket("bucket")
	f.put("/bucket/k", "body")
	kms := `{"kms_key": "` + k.key + `", "kms_endpoint": "` + k.url + `"`
	for _, step := range []string{
		`, "encryption": ` + kms + `, "old": [{"key_file": "gateway.key"}]}`,
		`, "encryption": {"key_file": "second.key", "name": "second", "old": [` + kms + `}]}`,
	} {
		f.file("second.key", key(2))
		f.write(ownerUser, step)
		f.reload()
		for range 3 {
			require.NoError(t, f.g.rotator.pass(t.Context()))
		}
		require.True(t, f.g.rotation.Load().Done, step)
		require.Equal(t, f.g.rotation.Load().Key, f.keyOf("k"))
	}
	f.write(ownerUser, secondAlone)
	f.reload()
	k.down.Store(true)
	require.Equal(t, "body", f.ok(get("/bucket/k")).body)
}
