// SPDX-License-Identifier: Apache-2.0

package presignpeers

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
)

// The token of the store's second user.
const (
	token     = "a/session+token=="
	tokenID   = "ASIATEMPORARYTEMPORY"
	tokenKey  = "temporary/secret"
	storeID   = "AKIASTORESTORESTORE0"
	storeKey  = "store/secret+store/secret+store/secret0000"
	storeName = "the library's own verifiers"
)

// newStore starts a store of objects in memory behind this library's
// verifiers and nothing else.
func newStore(t testing.TB) *interop.Server {
	v := &sigv4.Verifier{
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Modes: sigv4.ModeQuery,
		Keys: sigv4.StaticKeys{storeID: {Secret: storeKey}, tokenID: {Secret: tokenKey, SessionToken: token}},
	}
	s := &store{objects: make(map[string]string)}
	s.post = &presign.PostVerifier{Auth: v, Bucket: func(r *http.Request) string {
		bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		return bucket
	}}
	s.verified = v.Handler(http.HandlerFunc(s.serve))
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &interop.Server{URL: server.URL, Region: "us-east-1", AccessKeyID: storeID, SecretAccessKey: storeKey, Version: storeName}
}

type store struct {
	mu       sync.Mutex
	objects  map[string]string
	verified http.Handler
	post     *presign.PostVerifier
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		s.verified.ServeHTTP(w, r)
		return
	}
	up, err := s.post.Verify(r)
	var content []byte
	if err == nil {
		content, err = io.ReadAll(up.File)
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	s.put("/"+up.Bucket+"/"+up.Key, string(content))
	w.WriteHeader(up.Status)
}

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var e *sigv4.Error
	if !errors.As(err, &e) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sigv4.S3XML(w, r, e)
}

func (s *store) put(name, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[name] = content
}

func (s *store) serve(w http.ResponseWriter, r *http.Request) {
	id, _ := sigv4.FromContext(r.Context())
	switch r.Method {
	case http.MethodPut:
		content, err := io.ReadAll(r.Body)
		if err != nil {
			refuse(w, r, err)
			return
		}
		s.put(id.Path, string(content))
	case http.MethodDelete:
		s.mu.Lock()
		delete(s.objects, id.Path)
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		s.mu.Lock()
		content, ok := s.objects[id.Path]
		s.mu.Unlock()
		if d := r.URL.Query().Get("response-content-disposition"); d != "" {
			w.Header().Set("Content-Disposition", d)
		}
		if !ok && !r.URL.Query().Has("list-type") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, content)
	}
}
