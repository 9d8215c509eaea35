// SPDX-License-Identifier: Apache-2.0

package siege

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
)

const (
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	isoBasic  = "20060102T150405Z"
)

// wire is a request as it stands on the wire: nothing is added, sorted or
// escaped on its way.
type wire struct {
	method, path string
	query        []string // escaped name=value, in order
	header       []string // "Name: value", in order, Host included
	body         string

	key, secret, token string
	date, scopeDate    string // 20060102T150405Z and 20060102
	region, service    string
	payload            string   // of x-amz-content-sha256
	signed             []string // signed headers; nil: all that are there
	algorithm          string

	seed string // the signature, once signed
}

// attacker knows a gateway, its root user and a clean client.
type attacker struct {
	t    testing.TB
	g    *interop.GatewayServer
	addr string
	now  time.Time
}

func newAttacker(t testing.TB, g *interop.GatewayServer) *attacker {
	_, addr, _ := strings.Cut(g.URL, "://")
	return &attacker{t: t, g: g, addr: addr, now: time.Now().UTC()}
}

// request is a plain one of the root user, not yet signed.
func (a *attacker) request(method, path, body string) *wire {
	now := time.Now().UTC()
	return &wire{
		method: method, path: path, body: body, header: []string{"Host: " + a.addr},
		key: a.g.AccessKeyID, secret: a.g.SecretAccessKey,
		date: now.Format(isoBasic), scopeDate: now.Format("20060102"), region: a.g.Region, service: "s3",
		payload: hexSum(body), algorithm: "AWS4-HMAC-SHA256",
	}
}

func (w *wire) set(name, value string) *wire {
	w.header = append(w.header, name+": "+value)
	return w
}

func (w *wire) param(name, value string) *wire {
	w.query = append(w.query, escape(name)+"="+escape(value))
	return w
}

func (w *wire) scope() string {
	return strings.Join([]string{w.scopeDate, w.region, w.service, "aws4_request"}, "/")
}

// headers signs in the Authorization header.
func (w *wire) headers() *wire {
	w.set("X-Amz-Date", w.date)
	if w.payload != "" {
		w.set("X-Amz-Content-Sha256", w.payload)
	}
	if w.token != "" {
		w.set("X-Amz-Security-Token", w.token)
	}
	names := w.signed
	if names == nil {
		names = w.headerNames()
	}
	w.seed = w.signature(names, w.payload)
	return w.set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		w.algorithm, w.key, w.scope(), strings.Join(names, ";"), w.seed))
}

// presign signs in the query.
func (w *wire) presign(expires string) *wire {
	names := w.signed
	if names == nil {
		names = w.headerNames()
	}
	w.param("X-Amz-Algorithm", w.algorithm).param("X-Amz-Credential", w.key+"/"+w.scope()).param("X-Amz-Date", w.date)
	w.param("X-Amz-Expires", expires).param("X-Amz-SignedHeaders", strings.Join(names, ";"))
	if w.token != "" {
		w.param("X-Amz-Security-Token", w.token)
	}
	w.payload = "UNSIGNED-PAYLOAD"
	w.seed = w.signature(names, w.payload)
	return w.param("X-Amz-Signature", w.seed)
}

func (w *wire) headerNames() []string {
	var names []string
	for _, line := range w.header {
		name, _, _ := strings.Cut(line, ":")
		if name = strings.ToLower(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// signature is SIG-1 to SIG-31 in a few lines, for requests whose path is
// already as S3 canonicalizes it.
func (w *wire) signature(names []string, payload string) string {
	query := slices.Clone(w.query)
	slices.Sort(query)
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", w.method, w.path, strings.Join(query, "&"))
	for _, name := range names {
		var values []string
		for _, line := range w.header {
			n, v, _ := strings.Cut(line, ":")
			if strings.EqualFold(n, name) {
				values = append(values, strings.Join(strings.Fields(v), " "))
			}
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.Join(values, ","))
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", strings.Join(names, ";"), payload)
	toSign := strings.Join([]string{w.algorithm, w.date, w.scope(), hexSum(canonical.String())}, "\n")
	return hex.EncodeToString(mac(w.signingKey(), toSign))
}

func (w *wire) signingKey() []byte {
	key := []byte("AWS4" + w.secret)
	for _, part := range strings.Split(w.scope(), "/") {
		key = mac(key, part)
	}
	return key
}

// chunks frames pieces as signed chunks, the last of them empty, and makes them
// the body. Call it after headers.
func (w *wire) chunks(pieces ...string) []string {
	previous := w.seed
	var framed []string
	for _, piece := range append(pieces, "") {
		toSign := strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", w.date, w.scope(), previous, emptyHash, hexSum(piece)}, "\n")
		previous = hex.EncodeToString(mac(w.signingKey(), toSign))
		framed = append(framed, fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", len(piece), previous, piece))
	}
	w.body = strings.Join(framed, "")
	return framed
}

// render is the request's bytes. The length is the body's unless a header says
// another.
func (w *wire) render() []byte {
	var b bytes.Buffer
	target := w.path
	if len(w.query) > 0 {
		target += "?" + strings.Join(w.query, "&")
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", w.method, target)
	for _, line := range w.header {
		fmt.Fprintf(&b, "%s\r\n", line)
	}
	names := w.headerNames()
	if !slices.Contains(names, "content-length") && !slices.Contains(names, "transfer-encoding") && (w.body != "" || w.method == "PUT" || w.method == "POST") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(w.body))
	}
	fmt.Fprintf(&b, "Connection: close\r\n\r\n%s", w.body)
	return b.Bytes()
}

// answer is what came back.
type answer struct {
	status int
	code   string
	header http.Header
	body   string
}

// send writes the bytes to the gateway and reads one answer. A connection that
// is closed without one is the zero answer.
func (a *attacker) send(raw []byte) answer {
	a.t.Helper()
	got, err := a.exchange(raw, 30*time.Second)
	require.NoError(a.t, err)
	return got
}

// exchange is send with a patience of its own. Its error says that the gateway
// takes no connection.
func (a *attacker) exchange(raw []byte, patience time.Duration) (answer, error) {
	conn, err := net.Dial("tcp", a.addr)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	go func() { _, _ = conn.Write(raw) }() // a refused body is not read to its end
	method, _, _ := strings.Cut(string(raw[:min(len(raw), 16)]), " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return answer{}, nil
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	var fault struct{ Code string }
	_ = xml.Unmarshal(body, &fault)
	return answer{status: resp.StatusCode, code: fault.Code, header: resp.Header, body: string(body)}, nil
}

// must sends a request that has to succeed.
func (a *attacker) must(w *wire) answer {
	a.t.Helper()
	got := a.send(w.render())
	require.Truef(a.t, got.status >= 200 && got.status < 300, "%s %s: %d %s", w.method, w.path, got.status, got.body)
	return got
}

// read is the object's content, and whether there is one.
func (a *attacker) read(path string) (string, bool) {
	a.t.Helper()
	got := a.send(a.request("GET", path, "").headers().render())
	if got.status == 404 {
		return "", false
	}
	require.Equal(a.t, 200, got.status, "%s: %s", path, got.body)
	return got.body, true
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// escape is the percent-encoding of SIG-4.
func escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c == '-' || c == '.' || c == '_' || c == '~' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)+256, 16)[1:]))
		}
	}
	return b.String()
}
