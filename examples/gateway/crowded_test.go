// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestManyAtOneUpload has eight clients send, list, complete and abort parts of
// one upload after the other: each is answered as S3 answers, nobody with an
// internal error, and in the end each object is whole or there is none.
func TestManyAtOneUpload(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/source", "one")
	for round := range 6 {
		target := fmt.Sprintf("/bucket/%d", round)
		id := b.begin(target)
		etag := b.part(target, id, 1, "one")
		of := target + "?uploadId=" + id
		part := target + "?partNumber=1&uploadId=" + id
		requests := []request{
			put(part, "one"), put(part, "", "x-amz-copy-source", "bucket/source"), get(of), get("/bucket?uploads"), get(target),
			post(of, completion("1", etag)), post(of, completion("1", etag)),
			{method: "DELETE", target: of},
			{method: "DELETE", target: target},
			get("/bucket?list-type=2"),
		}
		b.crowd(t, 8, 6, requests, "", "NoSuchUpload", "NoSuchKey")
		a := b.send(get(target))
		require.True(t, a.body == "one" || a.code == "NoSuchKey", "%d %s", a.status, a.body)
		b.send(request{method: "DELETE", target: of})
	}
	require.NotContains(t, b.ok(get("/bucket?uploads")).body, "<Upload>")
	b.noTemporaries()
}

// TestManyInOneFolder has clients put, tag, list and delete the few keys of some
// nested folders, which come and go with them, and the bucket besides.
func TestManyInOneFolder(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	requests := []request{
		get("/bucket?list-type=2"), get("/bucket?delimiter=/&prefix=a/"), {method: "DELETE", target: "/bucket"}, put("/bucket", ""),
	}
	for _, key := range []string{"a/b/c", "a/b", "a/b/", "a/b/c/d/e", strings.Repeat("a/", 512)} {
		target := "/bucket/" + key
		requests = append(requests, put(target, "x"), get(target), put(target+"?tagging", tagsOf("a")), request{method: "DELETE", target: target},
			put("/bucket/a/b/copy", "", "x-amz-copy-source", "bucket/"+key))
	}
	b.crowd(t, 8, 60, requests, "", "NoSuchKey", "NoSuchBucket", "BucketNotEmpty", "BucketAlreadyOwnedByYou")
	b.noTemporaries()
}

// crowd has clients send requests at random, and requires that each is answered
// by one of the codes.
func (b *bench) crowd(t *testing.T, clients, each int, requests []request, codes ...string) {
	t.Helper()
	var wg sync.WaitGroup
	for client := range clients {
		random := rand.New(rand.NewPCG(uint64(client), 1))
		wg.Go(func() {
			for range each {
				q := requests[random.IntN(len(requests))]
				a := b.send(q)
				known := false
				for _, code := range codes {
					known = known || a.code == code && (code != "" || a.status < 300)
				}
				if !known {
					t.Errorf("%s %s: %d %s", q.method, q.target, a.status, a.body)
				}
			}
		})
	}
	wg.Wait()
}
