// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// sigdebug is the built command or, without one, the same function here.
type sigdebug struct{ bin string }

func build(t *testing.T) sigdebug {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "sigdebug")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return sigdebug{bin}
}

// output answers all of the input.
func (s sigdebug) output(t *testing.T, in io.Reader) string {
	t.Helper()
	if s.bin == "" {
		var out, complaints strings.Builder
		require.Zero(t, run(nil, in, &out, &complaints), complaints.String())
		return out.String()
	}
	cmd := exec.Command(s.bin)
	cmd.Stdin = in
	out, err := cmd.Output()
	require.NoError(t, err)
	return string(out)
}

type reply struct {
	ID               string `json:"id"`
	CanonicalRequest string `json:"canonical_request"`
	StringToSign     string `json:"string_to_sign"`
	Signature        string `json:"signature"`
	SignedRequest    string `json:"signed_request"`
	OK               *bool  `json:"ok"`
	Error            string `json:"error"`
}

// ask sends all lines in one run and returns one reply a line.
func (s sigdebug) ask(t *testing.T, lines ...any) []reply {
	t.Helper()
	var in bytes.Buffer
	for _, l := range lines {
		if text, ok := l.(string); ok {
			in.WriteString(text + "\n")
			continue
		}
		data, err := json.Marshal(l)
		require.NoError(t, err)
		in.Write(append(data, '\n'))
	}
	var replies []reply
	for text := range strings.Lines(s.output(t, &in)) {
		var r reply
		require.NoError(t, json.Unmarshal([]byte(text), &r), text)
		replies = append(replies, r)
	}
	require.Len(t, replies, len(lines))
	return replies
}

type object map[string]any

const suiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// suiteContext is the suite's, with changes.
func suiteContext(changes object) object {
	c := object{
		"credentials": object{"access_key_id": "AKIDEXAMPLE", "secret_access_key": suiteSecret},
		"region":      "us-east-1", "service": "service", "timestamp": "2015-08-30T12:36:00Z",
		"expiration_in_seconds": 3600, "normalize": true, "sign_body": false,
	}
	for key, value := range changes {
		c[key] = value
	}
	return c
}

func TestVectors(t *testing.T) {
	root := os.Getenv("SALLYPORT_VECTORS")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "vectors")
	}
	dirs, err := filepath.Glob(filepath.Join(root, "sigv4", "v4", "*"))
	require.NoError(t, err)
	if len(dirs) == 0 {
		t.Skip("the vector set sigv4/v4 is not on this machine")
	}
	read := func(dir, name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(data)
	}
	cmd := build(t)
	var lines []any
	for _, dir := range dirs {
		ctx := json.RawMessage(read(dir, "context.json"))
		lines = append(
			lines,
			object{"id": dir, "op": "sign", "algorithm": "v4", "request": read(dir, "request.txt"), "context": ctx},
			object{"id": dir, "op": "presign", "algorithm": "v4", "request": read(dir, "request.txt"), "context": ctx},
			object{"id": dir, "op": "verify", "algorithm": "v4", "request": read(dir, "header-signed-request.txt"), "context": ctx},
			object{"id": dir, "op": "verify", "algorithm": "v4", "request": read(dir, "query-signed-request.txt"), "context": ctx},
		)
	}
	replies := cmd.ask(t, lines...)
	var again []any
	for i, dir := range dirs {
		for j, form := range []string{"header", "query"} {
			r := replies[4*i+j]
			require.Equal(t, dir, r.ID)
			require.Empty(t, r.Error, dir)
			require.Equal(t, read(dir, form+"-canonical-request.txt"), r.CanonicalRequest)
			require.Equal(t, read(dir, form+"-string-to-sign.txt"), r.StringToSign)
			require.Equal(t, read(dir, form+"-signature.txt"), r.Signature)
			require.Contains(t, r.SignedRequest, r.Signature)
			v := replies[4*i+2+j]
			require.True(t, v.OK != nil && *v.OK, "%s: %s", dir, v.Error)
			again = append(again, object{"id": dir, "op": "verify", "request": r.SignedRequest, "context": json.RawMessage(read(dir, "context.json"))})
		}
	}
	for _, v := range cmd.ask(t, again...) {
		require.True(t, v.OK != nil && *v.OK, "%s: %s", v.ID, v.Error)
	}
}

// TestRefusals changes one thing of a good request at a time.
func TestRefusals(t *testing.T) {
	cmd := sigdebug{}
	const get = "GET /a%20b?x=1&y=2 HTTP/1.1\nHost: example.amazonaws.com\nX-Amz-Meta-A: 1\n\n"
	signed := cmd.ask(t,
		object{"id": "h", "op": "sign", "request": get, "context": suiteContext(nil)},
		object{"id": "q", "op": "presign", "request": get, "context": suiteContext(nil)},
		object{"id": "h3", "op": "sign", "request": get, "context": suiteContext(object{"service": "s3"})},
		object{"id": "q3", "op": "presign", "request": get, "context": suiteContext(object{"service": "s3"})},
		object{"id": "t3", "op": "sign", "request": get, "context": suiteContext(object{"service": "s3", "credentials": object{"access_key_id": "AKIDEXAMPLE", "secret_access_key": suiteSecret, "token": "T"}})},
		object{"id": "b3", "op": "sign", "request": get + "the body", "context": suiteContext(object{"service": "s3", "sign_body": true})},
		object{"id": "a3", "op": "sign", "algorithm": "v4a", "request": get, "context": suiteContext(object{"service": "s3"})},
	)
	h, q, h3, q3 := signed[0].SignedRequest, signed[1].SignedRequest, signed[2].SignedRequest, signed[3].SignedRequest
	s3 := func(more object) object {
		c := suiteContext(more)
		c["service"] = "s3"
		return c
	}
	at := func(s string) object { return object{"timestamp": s} }
	swap := func(s, old, new string) string {
		require.Contains(t, s, old)
		return strings.Replace(s, old, new, 1)
	}
	token := func(v string) object {
		return object{"credentials": object{
			"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token": v,
		}}
	}
	for _, c := range []struct {
		name, request string
		context       object
		want          string // "" is accepted
	}{
		{"header", h, suiteContext(nil), ""},
		{"query", q, suiteContext(nil), ""},
		{"s3 header", h3, s3(nil), ""},
		{"s3 query", q3, s3(nil), ""},
		{"CRLF", strings.ReplaceAll(h, "\n", "\r\n"), suiteContext(nil), ""},
		{"15 minutes late", h, suiteContext(at("2015-08-30T12:51:00Z")), ""},
		{"15 minutes early", h, suiteContext(at("2015-08-30T12:21:00Z")), ""},
		{"late", h, suiteContext(at("2015-08-30T12:51:01Z")), "SignatureDoesNotMatch"},
		{"early", h, suiteContext(at("2015-08-30T12:20:59Z")), "SignatureDoesNotMatch"},
		{"s3 late", h3, s3(at("2015-08-30T12:51:01Z")), "RequestTimeTooSkewed"},
		{"query at its end", q3, s3(at("2015-08-30T13:36:00Z")), ""},
		{"query after its end", q3, s3(at("2015-08-30T13:36:01Z")), "AccessDenied"},
		{"query before its date", q3, s3(at("2015-08-30T12:20:59Z")), "AccessDenied"},
		{"query path", swap(q3, "/a%20b", "/a%20c"), s3(nil), "SignatureDoesNotMatch"},
		{"query value", swap(q3, "x=1", "x=2"), s3(nil), "SignatureDoesNotMatch"},
		{"query parameter added", swap(q3, "?", "?a=1&"), s3(nil), "SignatureDoesNotMatch"},
		{"method", swap(h3, "GET", "PUT"), s3(nil), "SignatureDoesNotMatch"},
		{"signed header changed", swap(h3, "X-Amz-Meta-A:1", "X-Amz-Meta-A:2"), s3(nil), "SignatureDoesNotMatch"},
		{"signed header gone", swap(h3, "X-Amz-Meta-A:1\n", ""), s3(nil), "AuthorizationHeaderMalformed"},
		{"unsigned x-amz header", swap(h3, "Host:", "X-Amz-Acl: public-read\nHost:"), s3(nil), "AccessDenied"},
		{"unsigned x-amz header, presigned", swap(q3, "Host:", "X-Amz-Copy-Source: /b/k\nHost:"), s3(nil), "AccessDenied"},
		{"unsigned other header", swap(h3, "Host:", "User-Agent: curl\nHost:"), s3(nil), ""},
		{"two sources", swap(h3, "?", "?X-Amz-Signature=0&"), s3(nil), "InvalidArgument"},
		{"two Authorization lines", swap(h3, "Host:", "Authorization: x\nHost:"), s3(nil), "InvalidArgument"},
		{"two dates", swap(h3, "Host:", "X-Amz-Date: 20150830T123600Z\nHost:"), s3(nil), "AccessDenied"},
		{"two hosts", swap(h3, "Host:", "Host: other\nHost:"), s3(nil), "AuthorizationHeaderMalformed"},
		{"no authentication", get, suiteContext(nil), "MissingAuthenticationToken"},
		{"s3 no authentication", get, s3(nil), "AccessDenied"},
		{"other region", h3, s3(object{"region": "eu-west-1"}), "AuthorizationHeaderMalformed"},
		{"other service", h3, suiteContext(nil), "SignatureDoesNotMatch"},
		{"other key", h3, s3(object{"credentials": object{"access_key_id": "AKIDOTHER", "secret_access_key": "x"}}), "InvalidAccessKeyId"},
		{"other secret", h3, s3(object{"credentials": object{"access_key_id": "AKIDEXAMPLE", "secret_access_key": "x"}}), "SignatureDoesNotMatch"},
		{"token missing", h3, s3(token("T")), "InvalidToken"},
		{"legacy", swap(get, "GET /a%20b?", "GET /?AWSAccessKeyId=a&Signature=b&"), s3(nil), "InvalidRequest"},
		{"bearer", swap(get, "Host:", "Authorization: Bearer x\nHost:"), s3(nil), "InvalidArgument"},
		{"malformed path escape", swap(h3, "/a%20b", "/a%2"), s3(nil), "InvalidURI"},
		{"other key id, same secret", h3, s3(object{"credentials": object{"access_key_id": "AKIDOTHER", "secret_access_key": suiteSecret}}), "InvalidAccessKeyId"},
		{"token not expected", signed[4].SignedRequest, s3(nil), "InvalidToken"},
		{"another token", signed[4].SignedRequest, s3(token("U")), "InvalidToken"},
		{"that token", signed[4].SignedRequest, s3(token("T")), ""},
		{"x-amz-date not signed", forge(t, "", "host", emptyHash), s3(nil), "AccessDenied"},
		{"forged by hand", forge(t, "", "host;x-amz-date", emptyHash), s3(nil), ""},
		{"unsigned payload, signed", forge(t, "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\n", "host;x-amz-content-sha256;x-amz-date", "UNSIGNED-PAYLOAD"), s3(nil), "XAmzContentSHA256Mismatch"},
		{"signed body", signed[5].SignedRequest, s3(object{"sign_body": true}), ""},
		{"signed body changed", swap(signed[5].SignedRequest, "the body", "another!"), s3(object{"sign_body": true}), "XAmzContentSHA256Mismatch"},
		{"signed body, not to be hashed", signed[5].SignedRequest, s3(nil), "XAmzContentSHA256Mismatch"},
		{"v4a where v4 is asked for", signed[6].SignedRequest, s3(nil), "AccessDenied"},
		{"content hash of something else", swap(h3, "Host:", "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\nHost:"), s3(nil), "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := cmd.ask(t, object{"id": c.name, "op": "verify", "algorithm": "v4", "request": c.request, "context": c.context})[0]
			require.NotNil(t, r.OK, r.Error)
			require.Equal(t, c.want, r.Error)
			require.Equal(t, c.want == "", *r.OK)
		})
	}
}

// forge signs a GET in ways that the command does not: these headers, with this
// last line.
func forge(t *testing.T, header, signedHeaders, payloadHash string) string {
	t.Helper()
	text := "GET / HTTP/1.1\nHost: h\nX-Amz-Date: 20150830T123600Z\n" + header
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n")))
	require.NoError(t, err)
	c, err := sigv4.Canonicalize(r, sigv4.Profile{Service: "s3", SingleEncode: true}, strings.Split(signedHeaders, ";"), payloadHash)
	require.NoError(t, err)
	scope := sigv4.Scope{Date: "20150830", Region: "us-east-1", Service: "s3"}
	keys := sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: suiteSecret}
	signature, err := keys.Sign(scope, []byte(c.StringToSign(sigv4.AlgorithmV4, "20150830T123600Z", scope)))
	require.NoError(t, err)
	return text + "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" + scope.String() + ", SignedHeaders=" + signedHeaders + ", Signature=" + signature + "\n\n"
}

// TestAlgorithms: each request verifies under its own algorithm alone.
func TestAlgorithms(t *testing.T) {
	cmd := sigdebug{}
	const get = "GET / HTTP/1.1\nHost: h\n\n"
	for _, algorithm := range []string{"v4", "v4a"} {
		for _, op := range []string{"sign", "presign"} {
			r := cmd.ask(t, object{"id": "1", "op": op, "algorithm": algorithm, "request": get, "context": suiteContext(nil)})[0]
			require.Empty(t, r.Error)
			for _, claimed := range []string{"v4", "v4a"} {
				v := cmd.ask(t, object{"id": "1", "op": "verify", "algorithm": claimed, "request": r.SignedRequest, "context": suiteContext(nil)})[0]
				require.NotNil(t, v.OK, v.Error)
				require.Equal(t, claimed == algorithm, *v.OK, "%s, %s", op, claimed)
			}
			v := cmd.ask(t, object{"id": "1", "op": "verify", "algorithm": algorithm, "request": r.SignedRequest, "context": suiteContext(object{"region": "eu-west-1"})})[0]
			require.False(t, *v.OK)
		}
	}
}

// TestUnusableLines shows that what cannot be used is answered and the rest
// goes on.
func TestUnusableLines(t *testing.T) {
	cmd := sigdebug{}
	good := object{"id": "good", "op": "sign", "request": "GET / HTTP/1.1\nHost: h\n\n", "context": suiteContext(nil)}
	change := func(key string, value any) object {
		out := object{}
		for k, v := range good {
			out[k] = v
		}
		out[key] = value
		return out
	}
	lines := []any{
		"not JSON", "{", "[]", `{"id":"x"}`,
		change("op", "guess"), change("algorithm", "v5"), change("request", ""), change("request", "GET /"),
		change("request", "GET example.com HTTP/1.1\n\n"), change("request", "GET / HTTP/1.1\n folded first\n\n"),
		change("request", "GET / HTTP/1.1\nno colon\n\n"), change("request", "GET /%zz HTTP/1.1\nHost: h\n\n"),
		change("request", "GET /?a=%zz HTTP/1.1\nHost: h\n\n"), change("request", "GET / HTTP/1.1\n\n"),
		change("request", "GET / HTTP/1.1\nHost: a\nHost: b\n\n"), change("request", "GET / HTTP/1.1\nHost: h\nA: \x00\n\n"),
		change("request", "GET / HTTP/1.1\nHost: h\n"+strings.Repeat("x-amz-content-sha256: "+emptyHash+"\n", 2)+"\n"),
		change("request", "GET / HTTP/1.1\nHost: h\nx-amz-content-sha256: "+strings.Repeat("0", 64)+"\n\n"),
		change("request", "GET / HTTP/1.1\nHost: h\nA B: c\n\n"), change("request", "GET http://user@h/ HTTP/1.1\n\n"),
		object{"op": "presign", "request": "GET / HTTP/1.1\nHost: h\n\n", "context": suiteContext(object{"expiration_in_seconds": int64(3600 + 1<<55)})},
		change("context", suiteContext(object{"timestamp": "yesterday"})),
		change("context", suiteContext(object{"timestamp": "2015-08-30T1:36:00.5Z"})), change("context", suiteContext(object{"timestamp": "2015-08-30T12:36:00,5Z"})),
		`{"id":"x","op":"sign","request":"GET /\ud800 HTTP/1.1\nHost: h\n\n","context":{"timestamp":"2015-08-30T12:36:00Z"}}`,
		change("context", suiteContext(object{"timestamp": "2015-06-30T23:59:60Z"})), change("context", suiteContext(object{"region": ""})),
		change("context", object{}), change("context", object{"region": 1}), "{\"id\":\"\xff\"}",
		good,
	}
	replies := cmd.ask(t, lines...)
	for i, r := range replies[:len(replies)-1] {
		require.NotEmpty(t, r.Error, "%v", lines[i])
		require.Nil(t, r.OK)
		require.Empty(t, r.Signature)
	}
	require.NotEmpty(t, replies[len(replies)-1].Signature)
}

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// TestFoldedHeaders: a folded line counts as one space (SIG-14), whatever stands
// in it, and a header of a million lines takes no longer than it is.
func TestFoldedHeaders(t *testing.T) {
	cmd := sigdebug{}
	lines := []any{}
	for _, value := range []string{
		"a b c", "a\n b\n\tc", " a \n  b \n \n\t \n c ", "\n a\n b c", "a  b\r\n\t\tc\r\n ", "a\n b" + strings.Repeat("\n ", 1_000_000) + "c",
	} {
		lines = append(lines, object{
			"id": "fold", "op": "sign", "request": "GET / HTTP/1.1\nHost: h\nFolded:" + value + "\nLast: z\n\n", "context": suiteContext(nil),
		})
	}
	for _, r := range cmd.ask(t, lines...) {
		require.Contains(t, r.CanonicalRequest, "\nfolded:a b c\nhost:h\nlast:z\n")
	}
}

// TestMemberNames: a member of another spelling is no member of the request, and
// a fault in one keeps the id, wherever it stands.
func TestMemberNames(t *testing.T) {
	cmd := sigdebug{}
	good := object{"id": "good", "op": "sign", "request": "GET / HTTP/1.1\nHost: h\n\n", "context": suiteContext(nil)}
	data, err := json.Marshal(good)
	require.NoError(t, err)
	spelled := strings.TrimSuffix(string(data), "}") + `,"ID":"other","Op":"presign","REQUEST":"","Context":{}}`
	replies := cmd.ask(t, good, spelled, `{"op":1,"ID":"b","id":"a"}`)
	require.NotEmpty(t, replies[0].Signature)
	require.Equal(t, replies[0], replies[1])
	require.Equal(t, "a", replies[2].ID)
	require.NotEmpty(t, replies[2].Error)
}

func TestExitCodes(t *testing.T) {
	cmd := build(t)
	for _, c := range []struct {
		args []string
		want int
	}{{[]string{"-h"}, 0}, {[]string{"-nonsense"}, 2}, {[]string{"file"}, 2}, {nil, 0}} {
		p := exec.Command(cmd.bin, c.args...)
		p.Stdin = strings.NewReader("\n\n")
		_ = p.Run() // the exit code is what counts
		require.Equal(t, c.want, p.ProcessState.ExitCode(), "%v", c.args)
	}
	folder, err := os.Open(t.TempDir()) // which no program can read from
	require.NoError(t, err)
	defer folder.Close()
	p := exec.Command(cmd.bin)
	p.Stdin = folder
	_ = p.Run()
	require.Equal(t, 3, p.ProcessState.ExitCode(), "standard input that cannot be read")
}
