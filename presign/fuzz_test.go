// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/stretchr/testify/require"
)

// FuzzParse: no panic, and what is read agrees with net/url.
func FuzzParse(f *testing.F) {
	f.Add("https://b.s3.us-west-2.amazonaws.com/k?" + signatureQuery)
	f.Add("http://127.0.0.1:9000/b/k?AWSAccessKeyId=A&Expires=1&Signature=x")
	f.Add("https://h/%zz?X-Amz-%44ate=1&X-Amz-Date=2")
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := presign.Parse(raw)
		if err != nil {
			require.ErrorIs(t, err, presign.ErrURL)
			require.Nil(t, p)
			return
		}
		u, err := url.Parse(raw)
		if err != nil {
			return // net/url refuses some hosts that say nothing here
		}
		require.Equal(t, u.Scheme, p.Scheme)
		require.Equal(t, u.Host, p.Host)
		if !p.Legacy {
			id, _, _ := strings.Cut(u.Query().Get("X-Amz-Credential"), "/")
			if !strings.Contains(raw, ";") { // which net/url drops
				require.True(t, strings.HasPrefix(p.AccessKeyID, id))
			}
		}
		for _, text := range []string{p.String(), p.CurlLine("PUT", false)} {
			if signature := u.Query().Get("X-Amz-Signature"); len(signature) == 64 {
				require.NotContains(t, strings.ReplaceAll(text, u.Path, ""), signature)
			}
		}
	})
}

// FuzzKeys: whatever the key, the URL is the reference's and net/url decodes
// it back.
func FuzzKeys(f *testing.F) {
	f.Add("a b/c+d.txt", demo, uint8(0))
	f.Add("a//../%2F?#", "my.bucket", uint8(7))
	f.Fuzz(func(t *testing.T, key, bucket string, variant uint8) {
		s := newS3()
		s.Endpoint = presign.Endpoint{DualStack: variant&1 > 0, FIPS: variant&2 > 0, PathStyle: variant&4 > 0}
		u, err := s.Get(docKeys, bucket, key, nil)
		if err != nil {
			return
		}
		require.True(t, key != "" && len(key) <= 1024 && utf8.ValidString(key))
		if strings.HasPrefix(bucket, "arn:") || strings.HasSuffix(bucket, "--x-s3") || strings.HasSuffix(bucket, "--xa-s3") {
			return
		}
		target, _, _ := strings.Cut(u.URL, "?")
		require.Equal(t, refURL("us-west-2", bucket, key, s.Endpoint.DualStack, s.Endpoint.FIPS, s.Endpoint.PathStyle), target)
		parsed, err := url.Parse(target)
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(parsed.Path, "/"+key))
	})
}

// FuzzForm holds the form reader against mime/multipart: what ours reads,
// theirs reads alike. Theirs is laxer about line ends, preambles and headers.
func FuzzForm(f *testing.F) {
	f.Add([]byte(encode([]field{{"key", "k"}, {"acl", "a\r\n--"}}, "f.txt", "con\r\ntent")), boundary)
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n\r\n--b \r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n--b--"), "b")
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--bx\r\n--b--"), "b")
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"\x1e\"\r\n\r\n\r\n--b--"), "b")   // a control character
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b\n\r\n--b--"), "b") // a line feed alone behind a boundary
	f.Add([]byte("--b\r\nContent(Disposition: form-data\r\n\r\n\r\n--b--"), "b")
	f.Fuzz(func(t *testing.T, body []byte, boundary string) {
		if boundary == "" || len(boundary) > 70 || strings.ContainsAny(boundary, "\r\n") || strings.TrimRight(boundary, " \t-") != boundary {
			return
		}
		ours, err := presign.ReadForm(bytes.NewReader(body), boundary)
		if err != nil {
			return
		}
		theirs := multipart.NewReader(bytes.NewReader(body), boundary)
		for _, part := range ours {
			p, err := theirs.NextRawPart()
			require.NoError(t, err)
			content, err := io.ReadAll(p)
			require.NoError(t, err)
			require.Equal(t, p.FormName(), part.Name)
			require.Equal(t, string(content), part.Value)
		}
	})
}

// FuzzPostPolicy signs whatever the fuzzer writes: a form that passes, the
// reference lets pass too.
func FuzzPostPolicy(f *testing.F) {
	f.Add(policyOf(`{"key":"k"}`, `["content-length-range",0,10]`, `["starts-with","$Content-Type","a"]`), "k", "a, ab")
	f.Add(policyOf(`["eq","$key",5]`), "5", "")
	f.Fuzz(func(t *testing.T, text, key, contentType string) {
		if len(text) > 8<<10 || len(key) > 512 || len(contentType) > 512 || strings.Contains(text, `\$`) || strings.Contains(text, `\v`) || strings.Contains(key+contentType, "${filename}") {
			return
		}
		fields := append([]field{{"key", key}, {"content-type", contentType}}, signed(t, text)...)
		up, err := postVerifier().Verify(post(encode(fields, "f", "x")))
		if err != nil {
			return
		}
		values := map[string]string{}
		for _, f := range fields {
			values[f.name] = f.value
		}
		low, high, ok := refPolicy(values["policy"], demo, values, start)
		require.True(t, ok, "%q", text)
		require.Equal(t, low, up.MinSize)
		require.Equal(t, high, up.MaxSize)
	})
}

// TestPolicyAgainstReference compares the verdict on generated policies and
// forms with the reference, both ways.
func TestPolicyAgainstReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(38, 42))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	classes := testkit.Classes{}
	total := 20_000
	if testing.Short() {
		total /= 10
	}
	for range total {
		values := map[string]string{"key": pick("k", "kk", "")}
		for _, name := range []string{"content-type", "acl", "x-ignore-a", "bucket"} {
			switch {
			case name == "content-type" && rng.IntN(2) == 0:
				values[name] = pick("a", "a, ab", "a, ab", "a, ab", "b", "")
			case name != "content-type" && rng.IntN(3) == 0:
				values[name] = pick("a", "ab", "a, ab", "a, ab", "b", "")
			}
			if name == "bucket" && values[name] != "" && rng.IntN(4) > 0 {
				values[name] = demo
			}
		}
		conditions := []string{pick(`{"bucket":"`+demo+`"}`, `{"bucket":"`+demo+`"}`, `["eq","$Bucket","`+demo+`"]`, `{"bucket":"other"}`, `["starts-with","$bucket",""]`)}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			value := values[name]
			if rng.IntN(12) == 0 || name == "bucket" {
				continue
			}
			switch rng.IntN(4) {
			case 0:
				conditions = append(conditions, `{"`+pick(name, strings.ToUpper(name))+`":`+strconv.Quote(value)+`}`)
			case 1:
				conditions = append(conditions, `["`+pick("eq", "EQ")+`","$`+name+`",`+strconv.Quote(value)+`]`)
			default:
				conditions = append(conditions, `["starts-with","$`+name+`","`+pick("", "a", "k")+`"]`)
			}
		}
		if rng.IntN(3) == 0 {
			conditions = append(conditions, pick(`["content-length-range",0,10]`, `["content-length-range","5",7]`, `["content-length-range",9,8]`, `["eq","$nothing",""]`, `["eq","$key",1]`))
		}
		rng.Shuffle(len(conditions), func(i, j int) { conditions[i], conditions[j] = conditions[j], conditions[i] })
		text := `{"expiration":"` + pick("2026-03-01T13:00:00Z", "2026-03-01T12:00:00.000Z", "2026-03-01T13:00:00Z", "2026-03-01T11:59:59Z") + `","conditions":[` + strings.Join(conditions, ",") + `]}`
		encoded := base64.StdEncoding.EncodeToString([]byte(text))
		low, high, want := refPolicy(encoded, demo, values, start)
		gotLow, gotHigh, err := presign.Judge(encoded, demo, maps.Clone(values), start)
		if values["key"] == "" {
			want = false // PRE-74, which the reference leaves out
		}
		require.Equal(t, want, err == nil, "%s\n%v\n%v", text, values, err)
		if want {
			require.Empty(t, cmp.Diff([]int64{low, high}, []int64{gotLow, gotHigh}))
		}
		classes.Add("allowed", want)
		classes.Add("refused", !want)
		classes.Add("size range", want && high >= 0)
		classes.Add("bucket field", want && values["bucket"] != "")
		classes.Add("content-type list", want && strings.Contains(values["content-type"], ","))
		classes.Add("ignored field", want && values["x-ignore-a"] != "")
		classes.Add("empty value", want && values["acl"] == "" && len(values) > 1)
	}
	classes.Require(t, total)
}
