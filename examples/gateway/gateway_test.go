// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

func TestRanges(t *testing.T) {
	whole := span{length: 10}
	for text, want := range map[string]span{
		"": whole, "bytes=0-9": {0, 10, true, 0}, "bytes=3-4": {3, 2, true, 0}, "bytes=3-": {3, 7, true, 0}, "bytes=-3": {7, 3, true, 0}, "Bytes=3-4": {3, 2, true, 0},
		"bytes=-30": {0, 10, true, 0}, "bytes=9-9": {9, 1, true, 0}, "bytes=0-100": {0, 10, true, 0},
		"bytes=4-3": whole, "bytes=a-b": whole, "bytes=": whole, "bytes=-": whole, "lines=1-2": whole, "bytes=1-2,4-5": whole, "bytes=+1-2": whole,
		"bytes=0-99999999999999999999": {0, 10, true, 0}, "bytes=-99999999999999999999": {0, 10, true, 0},
	} {
		got, err := parseRange(text, 10)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"bytes=10-", "bytes=10-11", "bytes=-0", "bytes=99999999999999999999-"} {
		_, err := parseRange(text, 10)
		require.Equal(t, "InvalidRange", asFault(err).Code, text)
	}
	_, err := parseRange("bytes=0-", 0)
	require.Error(t, err)
}

func TestObjectLife(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	for _, key := range []string{"k", "a%20b", "a//b", "..", "a%2Fb", "%C3%BC", "end/"} {
		b.ok(put("/bucket/"+key, "body of "+key, "Content-Type", "text/x", "Content-Encoding", "br", "x-amz-meta-Colour", "blue", "x-amz-tagging", "a=1"))
		a := b.ok(get("/bucket/" + key))
		require.Equal(t, "body of "+key, a.body)
		require.Equal(t, []string{"text/x", "br", "blue", "1"}, []string{
			a.header.Get("Content-Type"), a.header.Get("Content-Encoding"), a.header.Get("X-Amz-Meta-Colour"), a.header.Get("X-Amz-Tagging-Count"),
		})
	}
	listed := b.ok(get("/bucket?list-type=2")).body
	require.Equal(t, 7, strings.Count(listed, "<Key>"), listed)
	require.Equal(t, "body of a%2Fb", b.ok(get("/bucket/a/b")).body, "a slash is a slash, escaped or not")
	a := b.ok(get("/bucket/k?response-content-type=text/y&response-cache-control=none"))
	require.Equal(t, "text/y none", a.header.Get("Content-Type")+" "+a.header.Get("Cache-Control"))
}

func TestVirtualHosts(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.ok(put("/dir/k", "by host", "Host", "bucket.s3.test"))
	require.Equal(t, "by host", b.ok(get("/bucket/dir/k")).body)
	require.Contains(t, b.ok(get("/?list-type=2", "Host", "bucket.s3.test:9000")).body, "<Key>dir/k</Key>")
	require.Equal(t, "by host", b.ok(get("/dir/k", "Host", "bucket.s3.test.")).body) // the same name, from the root
	require.Equal(t, "by host", b.ok(get("/dir/k", "Host", "Bucket.S3.test.:9000")).body)
	require.Contains(t, b.ok(get("/", "Host", "s3.test")).body, "<Name>bucket</Name>")
	require.Equal(t, "NoSuchBucket", b.send(get("/", "Host", "other.s3.test")).code)
	require.Equal(t, "InvalidBucketName", b.send(put("/", "", "Host", "a.b..s3.test")).code)
}

func TestSignaturesAreNeeded(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "body")
	for _, q := range []request{get("/"), get("/bucket"), get("/bucket/k"), put("/bucket/k", "x"), {method: "DELETE", target: "/bucket/k"}} {
		q.anonymous = true
		a := b.send(q)
		require.Equal(t, 403, a.status, q.method+" "+q.target)
		require.Equal(t, "AccessDenied", a.code)
	}
	q := get("/bucket/k", "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAOWNER00000000000/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature="+strings.Repeat("0", 64))
	q.anonymous = true
	require.NotEqual(t, 200, b.send(q).status)
}

// tagsOf is a document of one tag.
func tagsOf(class string) string {
	return "<Tagging><TagSet><Tag><Key>class</Key><Value>" + class + "</Value></Tag></TagSet></Tagging>"
}

func TestPoliciesDecide(t *testing.T) {
	policy := func(effect, action, more string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":{"AWS":"arn:aws:iam::123456789012:user/guest"},"Action":"` + action +
			`","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]` + more + `}]}`
	}
	b := newBench(t)
	b.bucket("bucket")
	b.ok(put("/bucket/open/k", "body", "x-amz-tagging", "class=public"))
	b.ok(put("/bucket/closed/k", "body"))
	for _, c := range []struct {
		name, policy string
		q            request
		allowed      bool
	}{
		{"no policy", "", get("/bucket/open/k"), false},
		{"an allow", policy("Allow", "s3:GetObject", ""), get("/bucket/open/k"), true},
		{"of another action", policy("Allow", "s3:GetObject", ""), put("/bucket/open/k", ""), false},
		{"by the object's tag", policy("Allow", "s3:GetObject", `,"Condition":{"StringEquals":{"s3:ExistingObjectTag/class":"public"}}`), get("/bucket/open/k"), true},
		{"another object's tag", policy("Allow", "s3:GetObject", `,"Condition":{"StringEquals":{"s3:ExistingObjectTag/class":"public"}}`), get("/bucket/closed/k"), false},
		{"the prefix asked for", policy("Allow", "s3:ListBucket", `,"Condition":{"StringLike":{"s3:prefix":"open/*"}}`), get("/bucket?list-type=2&prefix=open/"), true},
		{"another prefix", policy("Allow", "s3:ListBucket", `,"Condition":{"StringLike":{"s3:prefix":"open/*"}}`), get("/bucket?list-type=2"), false},
		{"few keys", policy("Allow", "s3:ListBucket", `,"Condition":{"NumericLessThanEquals":{"s3:max-keys":"10"}}`), get("/bucket?list-type=2&max-keys=11"), false},
		{"a delimiter", policy("Allow", "s3:ListBucket", `,"Condition":{"StringEquals":{"s3:delimiter":"/"}}`), get("/bucket?delimiter=%2F"), true},
		{"from here", policy("Allow", "s3:GetObject", `,"Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.1"}}`), get("/bucket/open/k"), true},
		{"from there", policy("Allow", "s3:GetObject", `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`), get("/bucket/open/k"), false},
		{"over TLS only", policy("Allow", "s3:GetObject", `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`), get("/bucket/open/k"), false},
		{"by the header's signature", policy("Allow", "s3:GetObject", `,"Condition":{"StringEquals":{"s3:authType":"REST-HEADER","s3:signatureversion":"AWS4-HMAC-SHA256"}}`), get("/bucket/open/k"), true},
		{"by a URL only", policy("Allow", "s3:GetObject", `,"Condition":{"StringEquals":{"s3:authType":"REST-QUERY-STRING"}}`), get("/bucket/open/k"), false},
		{"by user agent", policy("Allow", "s3:GetObject", `,"Condition":{"StringLike":{"aws:UserAgent":"test*"}}`), get("/bucket/open/k", "User-Agent", "tester"), true},
		{"encrypted puts", policy("Allow", "s3:PutObject", `,"Condition":{"StringEquals":{"s3:x-amz-server-side-encryption":"AES256"}}`), put("/bucket/x", ""), false},
		{"an encrypted put", policy("Allow", "s3:PutObject", `,"Condition":{"StringEquals":{"s3:x-amz-server-side-encryption":"AES256"}}`), put("/bucket/x", "", "x-amz-server-side-encryption", "AES256"), true},
		{"a private ACL", policy("Allow", "s3:PutObject", `,"Condition":{"StringEquals":{"s3:x-amz-acl":"private"}}`), put("/bucket/x", "", "x-amz-acl", "private"), true},
		{"a tagged put", policy("Allow", "s3:PutObject*", `,"Condition":{"ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["class"]}}`), put("/bucket/x", "", "x-amz-tagging", "class=a"), true},
		{"otherwise tagged", policy("Allow", "s3:PutObject*", `,"Condition":{"ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["class"]}}`), put("/bucket/x", "", "x-amz-tagging", "other=a"), false},
		{"a tagged put without the right to tag", policy("Allow", "s3:PutObject", ""), put("/bucket/x", "", "x-amz-tagging", "class=public"), false},
		{"a tagged upload without it", policy("Allow", "s3:PutObject", ""), post("/bucket/x?uploads", "", "x-amz-tagging", "class=public"), false},
		{"a tagged copy without it", policy("Allow", "s3:*Object", ""), put("/bucket/x", "", "x-amz-copy-source", "bucket/open/k"), false},
		{"a tagged copy", policy("Allow", "s3:*Object*", ""), put("/bucket/x", "", "x-amz-copy-source", "bucket/open/k"), true},
		{"tags in a document", policy("Allow", "s3:PutObjectTagging", `,"Condition":{"StringEquals":{"s3:RequestObjectTag/class":"a"}}`), put("/bucket/x?tagging", tagsOf("a")), true},
		{"others in a document", policy("Allow", "s3:PutObjectTagging", `,"Condition":{"StringEquals":{"s3:RequestObjectTag/class":"a"}}`), put("/bucket/x?tagging", tagsOf("b")), false},
		{"an overwrite by the old object's tag", policy("Allow", "s3:PutObject", `,"Condition":{"StringEquals":{"s3:ExistingObjectTag/class":"a"}}`), put("/bucket/x", ""), false},
		{"a tag's name that is escaped", policy("Allow", "s3:GetObject", `,"Condition":{"StringEquals":{"s3:\u0045xistingObjectTag/class":"public"}}`), get("/bucket/open/k"), true},
		{"reading what is copied", policy("Allow", "s3:PutObject", ""), put("/bucket/x", "", "x-amz-copy-source", "bucket/closed/k"), false},
		{"a part copied", policy("Allow", "s3:PutObject", ""), put("/bucket/x?partNumber=1&uploadId=1", "", "x-amz-copy-source", "bucket/closed/k"), false},
	} {
		b.ok(request{method: "DELETE", target: "/bucket?policy"})
		if c.policy != "" {
			b.ok(put("/bucket?policy", c.policy))
		}
		c.q.as = "guest"
		a := b.send(c.q)
		require.Equal(t, c.allowed, a.status < 300, "%s: %s", c.name, a.body)
		if !c.allowed && !strings.Contains(c.name, "part") {
			require.Equal(t, "AccessDenied", a.code, c.name)
		}
	}
}

func TestAnExplicitDenyHoldsForTheOwnerToo(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/a/k", "")
	b.put("/bucket/b/k", "")
	b.ok(put("/bucket?policy", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::bucket/a/*"}}`))
	a := b.send(request{method: "DELETE", target: "/bucket/a/k"})
	require.Contains(t, a.body, "explicit deny in a resource-based policy")
	both := "<Delete><Object><Key>a/k</Key></Object><Object><Key>b/k</Key></Object></Delete>"
	a = b.ok(post("/bucket?delete", both, "Content-MD5", contentMD5(both)["Content-MD5"]))
	require.Contains(t, a.body, "<Deleted><Key>b/k</Key></Deleted><Error><Key>a/k</Key><Code>AccessDenied</Code>")
	require.Contains(t, b.log.String(), "applies", "the log says which statement")
}

func TestMissingKeysAreHiddenFromWhoMayNotList(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.ok(put("/bucket?policy", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}`))
	q := get("/bucket/none")
	q.anonymous = true
	require.Equal(t, "AccessDenied", b.send(q).code)
	require.Equal(t, "NoSuchKey", b.send(get("/bucket/none")).code)

	b.bucket("other")
	b.put("/bucket/there", "x")
	b.ok(put("/other?policy", strings.NewReplacer("bucket/*", "other/*", "s3:GetObject", "s3:Put*").Replace(publicPolicy)))
	b.ok(put("/bucket?policy", strings.Replace(publicPolicy, `"s3:GetObject"`, `["s3:GetObject", "s3:PutObjectTagging"]`, 1)))
	for _, tt := range []struct { // in this order: what is tagged, nobody may copy without reading its tags
		name string
		q    request
	}{
		{"a copy", put("/other/k", "", "x-amz-copy-source", "bucket/none")},
		{"tags", put("/bucket/none?tagging", tagsOf("a"))},
	} {
		name, q := tt.name, tt.q
		require.Equal(t, "NoSuchKey", b.send(q).code, name)
		q.anonymous = true
		require.Equal(t, "AccessDenied", b.send(q).code, name)
		q.header["x-amz-copy-source"] = strings.Replace(q.header["x-amz-copy-source"], "none", "there", 1)
		q.target = strings.Replace(q.target, "none", "there", 1)
		if name == "tags" {
			delete(q.header, "x-amz-copy-source")
		}
		require.Equal(t, 200, b.send(q).status, name)
	}
}

// TestIAM76ConditionalWritesAreEnforced has the policies of the Amazon S3 User
// Guide, "Enforce conditional writes on Amazon S3 buckets": what makes an object
// needs If-None-Match, what only prepares one cannot have it.
func TestIAM76ConditionalWritesAreEnforced(t *testing.T) {
	const (
		deny  = `{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*","Condition":{"Null":{"s3:if-none-match":"true"},"Bool":{"s3:ObjectCreationOperation":"true"}}}`
		allow = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/guest"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*","Condition":{"Null":{"s3:if-none-match":"false"}}},
			{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/guest"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*","Condition":{"Bool":{"s3:ObjectCreationOperation":"false"}}},
			{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/guest"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}`
	)
	for user, statements := range map[string]string{"owner": deny, "guest": allow} {
		b := newBench(t)
		b.bucket("bucket")
		b.put("/bucket/source", "x")
		b.ok(put("/bucket?policy", `{"Version":"2012-10-17","Statement":[`+statements+`]}`))
		send := func(q request) answer { q.as = user; return b.send(q) }
		var doc struct{ UploadId string }
		begun := send(post("/bucket/parts?uploads", ""))
		require.NoError(t, xml.Unmarshal([]byte(begun.body), &doc), begun.body)
		part := send(put("/bucket/parts?partNumber=1&uploadId="+doc.UploadId, "x"))
		require.Equal(t, 200, part.status, part.body)
		copied := send(put("/bucket/parts?partNumber=2&uploadId="+doc.UploadId, "", "x-amz-copy-source", "bucket/source"))
		require.Equal(t, 200, copied.status, copied.body)
		for _, q := range []request{
			put("/bucket/k", "x"), put("/bucket/copy", "", "x-amz-copy-source", "bucket/source"),
			post("/bucket/parts?uploadId="+doc.UploadId, completion("1", part.header.Get("ETag"))),
		} {
			require.Equal(t, "AccessDenied", send(q).code, "%s: %s %s", user, q.method, q.target)
			q.header["If-None-Match"] = "*"
			a := send(q)
			require.Equal(t, 200, a.status, "%s: %s %s: %s", user, q.method, q.target, a.body)
		}
	}
}

// TestTheDiskHoldsCiphertextOnly puts random markers into everything that a
// client can send, and looks for them in every file.
func TestTheDiskHoldsCiphertextOnly(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	var marks []string
	mark := func() string {
		var raw [12]byte
		_, _ = rand.Read(raw[:])
		marks = append(marks, hex.EncodeToString(raw[:]))
		return marks[len(marks)-1]
	}
	b.ok(put("/bucket/k", mark(), "x-amz-meta-note", mark(), "x-amz-tagging", "t="+mark(), "Content-Disposition", mark()))
	id := b.begin("/bucket/parts", "x-amz-meta-note", mark())
	one := b.part("/bucket/parts", id, 1, strings.Repeat(mark(), minPart/24+1))
	two := b.part("/bucket/parts", id, 2, mark())
	b.part("/bucket/parts", id, 3, mark()) // stays a part
	require.NoError(t, search(b.config.dir, marks))
	w, err := b.g.store.Create(t.Context(), store.Name{Bucket: "bucket", Key: "unfinished"})
	require.NoError(t, err)
	_, err = w.Write([]byte(strings.Repeat(mark(), 20_000))) // several frames of a temporary file
	require.NoError(t, err)
	require.NoError(t, search(b.config.dir, marks))
	w.Abort()
	b.ok(post("/bucket/parts?uploadId="+id, completion("1", one, "2", two)))
	b.ok(put("/bucket/copy", "", "x-amz-copy-source", "bucket/k"))
	require.NoError(t, search(b.config.dir, marks))
	require.NoError(t, b.g.audit.rotate(t.Context()))
	for _, m := range marks {
		require.NotContains(t, b.log.String(), m)
	}
}

func search(dir string, marks []string) error {
	for _, m := range marks {
		if _, err := searchFiles(dir, m); err != nil {
			return err
		}
	}
	return nil
}

func TestObjectsCannotBeSwappedOnTheDisk(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	path := func(key string) string { return b.g.store.Path(store.Name{Bucket: "bucket", Key: key}) }
	b.put("/bucket/k", "first")
	first, err := os.ReadFile(path("k"))
	require.NoError(t, err)
	b.put("/bucket/k", "again")
	again, err := os.ReadFile(path("k"))
	require.NoError(t, err)
	for name, text := range map[string][]byte{
		"the old body under the new info": withBodyOf(t, first, again, len("first")),
		"a flipped bit":                   append(slices.Clone(again[:40]), append([]byte{again[40] ^ 1}, again[41:]...)...),
		"cut short":                       again[:len(again)-1],
		"nothing":                         {},
	} {
		require.NoError(t, os.WriteFile(path("k"), text, 0o600))
		a := b.send(get("/bucket/k"))
		require.Equal(t, 500, a.status, "%s: %s", name, a.body)
		require.NotEmpty(t, a.header.Get("x-amz-request-id"), name)
		require.NotContains(t, a.body, "first")
	}
	b.put("/bucket/k", "whole again")
	require.Equal(t, "whole again", b.ok(get("/bucket/k")).body)
}

func TestStoreOpensOnlyWithItsKey(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	require.NoError(t, b.g.close())
	key := filepath.Join(b.config.dir, "gateway.key")
	text, err := os.ReadFile(key)
	require.NoError(t, err)
	require.NoError(t, os.Remove(key))
	_, err = open(fixed(b.config), b.g.log)
	require.ErrorContains(t, err, "encryption: key file: open "+key)
	require.NoFileExists(t, key, "another would open nothing")
	require.NoError(t, os.WriteFile(key, []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600))
	_, err = open(fixed(b.config), b.g.log)
	require.ErrorContains(t, err, "encryption: index key: envelope: ")
	require.NoError(t, os.WriteFile(key, text, 0o600))

	index := filepath.Join(b.config.Store, "index.key")
	require.NoError(t, os.Rename(index, index+".away"))
	_, err = open(fixed(b.config), b.g.log)
	require.ErrorContains(t, err, "encryption: index key: open "+index)
	require.NoFileExists(t, index, "another would lock the objects up for good")
	require.NoError(t, os.Rename(index+".away", index))
	b.reopen()
	b.bucket("other")
}

// reopen starts the gateway again after it was closed.
func (b *bench) reopen() {
	b.t.Helper()
	again, err := open(fixed(b.config), b.g.log)
	require.NoError(b.t, err)
	b.g.audit, b.g.store = again.audit, again.store
	b.g.current.Store(again.pipeline())
}

func TestAStoreHasOneProcess(t *testing.T) {
	b := newBench(t)
	_, err := open(fixed(b.config), b.g.log)
	require.ErrorIs(t, err, store.ErrInUse)
	b.bucket("bucket") // the first goes on
	require.NoError(t, b.g.close())
	b.reopen()
}

func TestSlowDown(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxRequests = 1 })
	b.g.slots <- struct{}{}
	require.Equal(t, "SlowDown", b.send(get("/")).code)
	<-b.g.slots
	b.ok(get("/"))
	b.ok(get("/"))
}

func TestFirewallReloads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "group.json")
	write := func(text []byte) { require.NoError(t, os.WriteFile(path, text, 0o600)) }
	write(demoGroup("127.0.0.0/8"))
	b := newBench(t, func(c *Config) { c.SecurityGroup = path })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	guarded := guardedListener{l, b.g}
	defer func() { _ = guarded.Close() }()
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := guarded.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	dial := func() bool {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return false
		}
		defer func() { _ = c.Close() }()
		_, err = c.Write([]byte("x"))
		if err != nil {
			return false
		}
		select {
		case s := <-accepted:
			return s.Close() == nil
		case <-readable(c):
			return false // reset
		}
	}
	require.True(t, dial())
	for name, text := range map[string]string{"not JSON": "{", "no group": `{"SecurityGroups":[]}`, "no CIDR": strings.ReplaceAll(string(demoGroup("127.0.0.0/8")), "127.0.0.0/8", "127/8")} {
		write([]byte(text))
		_, err := b.g.reload(t.Context(), false)
		require.Error(t, err, name)
		require.True(t, dial(), "the old rules stay")
	}
	write(demoGroup("10.0.0.0/8"))
	changed, err := b.g.reload(t.Context(), false)
	require.NoError(t, err)
	require.True(t, changed)
	require.False(t, dial())
	require.NoError(t, os.Remove(path))
	_, err = b.g.reload(t.Context(), false)
	require.Error(t, err, "no rules are not open rules")
	require.False(t, dial())
}

func readable(c net.Conn) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		_, _ = c.Read(make([]byte, 1))
		close(done)
	}()
	return done
}

func TestConfigRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.json")
	user := `{"name":"a","access_key_id":"A","secret_access_key":"s3cret","policies":[]}`
	for name, text := range map[string]string{
		"no file": "", "not JSON": "{", "an unknown field": `{"store":"s","max_object_byte":1}`, "two documents": `{"store":"s"}{}`, "no store": `{}`,
		"a duration": `{"store":"s","stall":30}`, "a user without a key": `{"store":"s","users":[{"name":"a"}]}`, "a key twice": `{"store":"s","users":[` + user + "," + user + `]}`,
	} {
		require.NoError(t, os.RemoveAll(path))
		if text != "" {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
		_, err := readConfig(path)
		require.Error(t, err, name)
	}
	require.NoError(t, os.WriteFile(path, []byte(`{"store":"s","users":[`+user+`]}`), 0o600))
	c, err := readConfig(path)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "s"), c.Store)
	require.Equal(t, "s3cret", c.Users[0].SecretAccessKey)
	require.NotContains(t, fmt.Sprintf("%v %+v %s", c.Users[0], c, c.Users), "s3cret")
	bad := strings.Replace(`{"store":"s","users":[`+user+`]}`, "[]}", `[{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*","Conditoin":{}}}]}`, 1)
	require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
	_, err = open(fromFile(path, func(*Config) {}), newBench(t).g.log)
	require.ErrorContains(t, err, "Conditoin")
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"-demo", "-config", "x"}, {"-config", "x", "more"}, {"-config", "x", "-tls-cert", "y"}, {"-nonsense"}} {
		require.Equal(t, 2, run(args), "%v", args)
	}
	require.Equal(t, 3, run([]string{"-config", filepath.Join(t.TempDir(), "none")}))
	require.Equal(t, 0, run([]string{"-h"}))
}
