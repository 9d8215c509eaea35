// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain is the command itself where a test asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("SEAL_IS_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// build returns the command: the test's own binary, which is made already.
func build(t *testing.T) string {
	t.Helper()
	bin, err := os.Executable()
	require.NoError(t, err)
	t.Setenv("SEAL_IS_COMMAND", "1")
	return bin
}

// TestBuilds compiles the command as its users do.
func TestBuilds(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "seal")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	answer := lines(t, bin, object{"id": 1, "op": "encrypt", "plaintext": "", "keyring": localKeyrings(t)["aes"][0]})[0]
	require.Equal(t, true, answer["ok"], "%v", answer)
}

// command runs the built command and returns what it printed and its status.
func command(t *testing.T, bin string, stdin []byte, args ...string) (stdout []byte, stderr string, status int) {
	t.Helper()
	var errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &errOut
	stdout, err := cmd.Output()
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return stdout, errOut.String(), cmd.ProcessState.ExitCode()
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	require.NoError(t, os.WriteFile(name, data, 0o600))
	return name
}

func TestFilesAndPipes(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	key := write(t, filepath.Join(dir, "key"), bytes.Repeat([]byte{7}, 32))
	key64 := write(t, filepath.Join(dir, "key64"), []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))+"\n"))
	wrong := write(t, filepath.Join(dir, "wrong"), bytes.Repeat([]byte{8}, 32))
	want := bytes.Repeat([]byte("plaintext marker "), 200_000)
	in := write(t, filepath.Join(dir, "in"), want)
	sealed, opened := filepath.Join(dir, "sealed"), filepath.Join(dir, "opened")

	_, stderr, status := command(t, bin, nil, "encrypt", "-key", key, "-context", "a=b", "-o", sealed, in)
	require.Zero(t, status, stderr)
	_, stderr, status = command(t, bin, nil, "decrypt", "-key", key64, "-context", "a=b", "-o", opened, sealed)
	require.Zero(t, status, stderr)
	got, err := os.ReadFile(opened)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
	require.NoError(t, os.Remove(opened))

	message, err := os.ReadFile(sealed)
	require.NoError(t, err)
	require.NotContains(t, string(message), "plaintext marker")
	flipped := bytes.Clone(message)
	flipped[len(flipped)/2] ^= 1
	for name, tt := range map[string]struct {
		input  []byte
		args   []string
		status int
	}{
		"flipped bit":   {flipped, []string{"decrypt", "-key", key}, exitRefused},
		"cut":           {message[:len(message)-1], []string{"decrypt", "-key", key}, exitRefused},
		"extended":      {append(bytes.Clone(message), 0), []string{"decrypt", "-key", key}, exitRefused},
		"wrong key":     {message, []string{"decrypt", "-key", wrong}, exitRefused},
		"wrong context": {message, []string{"decrypt", "-key", key, "-context", "a=c"}, exitRefused},
		"other context": {message, []string{"decrypt", "-key", key, "-context", "x=y"}, exitRefused},
		"no key file":   {message, []string{"decrypt", "-key", filepath.Join(dir, "none")}, exitFailed},
		"no key":        {message, []string{"decrypt"}, exitUsage},
		"unknown flag":  {message, []string{"decrypt", "-x"}, exitUsage},
		"unknown":       {message, []string{"open"}, exitUsage},
	} {
		args := append(tt.args, "-o", opened)
		if name == "unknown" {
			args = tt.args
		}
		_, stderr, status := command(t, bin, tt.input, args...)
		require.Equal(t, tt.status, status, "%s: %s", name, stderr)
		require.NotContains(t, stderr, "marker")
		left, err := filepath.Glob(filepath.Join(dir, ".*"))
		require.NoError(t, err)
		require.Empty(t, left, name)
		require.NoFileExists(t, opened, name)
	}

	piped, stderr, status := command(t, bin, want, "encrypt", "-key", key, "-suite", "0478", "-frame", "65536")
	require.Zero(t, status, stderr)
	got, stderr, status = command(t, bin, piped, "decrypt", "-key", key)
	require.Zero(t, status, stderr)
	require.True(t, bytes.Equal(want, got))

	_, stderr, status = command(t, bin, nil, "rewrap", "-key", key, "-to", wrong, sealed)
	require.Zero(t, status, stderr)
	_, _, status = command(t, bin, nil, "decrypt", "-key", key, sealed)
	require.Equal(t, exitRefused, status)
	got, stderr, status = command(t, bin, nil, "decrypt", "-key", wrong, "-context", "a=b", sealed)
	require.Zero(t, status, stderr)
	require.True(t, bytes.Equal(want, got))

	text, _, status := command(t, bin, nil, "inspect", sealed)
	require.Zero(t, status)
	require.Contains(t, string(text), `"a" = "b"`)
	var d map[string]any
	text, _, status = command(t, bin, piped, "inspect", "-json")
	require.Zero(t, status)
	require.NoError(t, json.Unmarshal(text, &d))
	require.Equal(t, "0478", d["suite"])
	require.Equal(t, []any{map[string]any{"code": "no-context", "detail": "no encryption context says what the message is about"}}, d["findings"])
	text, _, status = command(t, bin, piped[:len(piped)-1], "inspect")
	require.Zero(t, status)
	require.Contains(t, string(text), "finding         body: ")
	require.Contains(t, string(text), "; a strict client refuses it: ErrTruncated: ")
	text, _, status = command(t, bin, piped[:len(piped)-1], "inspect", "-json")
	require.Zero(t, status)
	require.NoError(t, json.Unmarshal(text, &d))
	require.Len(t, d["findings"], 2)
	_, stderr, status = command(t, bin, []byte("AYADeH"), "inspect")
	require.Equal(t, exitRefused, status)
	require.Contains(t, stderr, "base64")
}

// TestLinesMemberNames: members of another spelling are ignored, in the line and
// in its keyring, and a line that is not UTF-8 is not echoed.
func TestLinesMemberNames(t *testing.T) {
	bin := build(t)
	data, err := json.Marshal(localKeyrings(t)["aes"][0])
	require.NoError(t, err)
	keyring := strings.TrimSuffix(string(data), "}") + `,"Type":"raw-des","KEY":""}`
	answers := lines(t, bin,
		`{"id":1,"op":"encrypt","plaintext":"","ec":{"a":"b"},"keyring":`+keyring+`,"ID":2,"OP":"seal","EC":{"a":"c"},"Keyring":null}`,
		"{\"id\":\"\xff\"}")
	require.Equal(t, true, answers[0]["ok"], "%v", answers[0])
	require.Equal(t, 1.0, answers[0]["id"])
	require.Equal(t, "b", answers[0]["ec"].(object)["a"])
	require.Nil(t, answers[1]["id"])
	require.Equal(t, "ErrInput: the line is not UTF-8", answers[1]["error"])
}

// lines runs "seal jsonl" over the lines and returns the answers.
func lines(t *testing.T, bin string, in ...any) []map[string]any {
	t.Helper()
	var b bytes.Buffer
	for _, l := range in {
		if text, ok := l.(string); ok {
			b.WriteString(text + "\n")
			continue
		}
		data, err := json.Marshal(l)
		require.NoError(t, err)
		b.Write(append(data, '\n'))
	}
	out, stderr, status := command(t, bin, b.Bytes(), "jsonl")
	require.Zero(t, status, stderr)
	var answers []map[string]any
	for line := range strings.Lines(string(out)) {
		a := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(line), &a), line)
		answers = append(answers, a)
	}
	return answers
}

type object = map[string]any

func pemOf(t *testing.T, kind string, der []byte, err error) string {
	t.Helper()
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// localKeyrings returns pairs of a keyring to encrypt and one to decrypt with.
func localKeyrings(t *testing.T) map[string][2]object {
	t.Helper()
	aes := object{"type": "raw-aes", "namespace": "ns", "name": "k", "key": base64.StdEncoding.EncodeToString(make([]byte, 32))}
	all := map[string][2]object{"aes": {aes, aes}}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	public := pemOf(t, "PUBLIC KEY", der, err)
	der, err = x509.MarshalPKCS8PrivateKey(key)
	private := pemOf(t, "PRIVATE KEY", der, err)
	for _, padding := range []string{"pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"} {
		base := func(extra, value string) object {
			return object{"type": "raw-rsa", "namespace": "ns", "name": "r", "padding": padding, extra: value}
		}
		all["rsa "+padding] = [2]object{base("public", public), base("private", private)}
	}
	all["multi"] = [2]object{
		{"type": "multi", "generator": aes, "children": []object{all["rsa oaep-sha256"][0]}},
		{"type": "multi", "children": []object{all["rsa oaep-sha256"][0], all["rsa oaep-sha256"][1]}},
	}
	for name, curve := range map[string]elliptic.Curve{"P256": elliptic.P256(), "P384": elliptic.P384(), "P521": elliptic.P521()} {
		alice, bob := ecPair(t, curve), ecPair(t, curve)
		static := object{"type": "raw-ecdh", "curve": name, "scheme": "static", "private": alice[0], "public": bob[1]}
		other := object{"type": "raw-ecdh", "curve": name, "scheme": "static", "private": bob[0], "public": alice[1]}
		to := object{"type": "raw-ecdh", "curve": name, "scheme": "ephemeral", "public": bob[1]}
		from := object{"type": "raw-ecdh", "curve": name, "scheme": "discovery", "private": bob[0]}
		all["ecdh static "+name] = [2]object{static, other}
		all["ecdh own "+name] = [2]object{static, static}
		all["ecdh discovery "+name] = [2]object{static, from}
		all["ecdh ephemeral "+name] = [2]object{to, from}
	}
	return all
}

// ecPair returns a private key in PEM and its public key in base64 of DER.
func ecPair(t *testing.T, curve elliptic.Curve) [2]string {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	private := pemOf(t, "PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	return [2]string{private, base64.StdEncoding.EncodeToString(der)}
}

func TestLinesEveryLocalKeyring(t *testing.T) {
	bin := build(t)
	for name, pair := range localKeyrings(t) {
		for _, suite := range []string{"0478", "0578", "0114", "0014"} {
			q := object{"id": name, "op": "encrypt", "suite": suite, "frame": 16, "ec": object{"a": "b", "secret": "x"}, "required_ec": []string{"secret"}, "keyring": pair[0], "plaintext_len": 40}
			if suite < "0478" {
				q["commitment"] = "forbid-allow"
			}
			sealed := lines(t, bin, q)[0]
			require.Equal(t, true, sealed["ok"], "%s %s: %v", name, suite, sealed)
			require.Equal(t, suite, sealed["suite"])
			open := object{"id": 7, "op": "decrypt", "commitment": "require-allow", "ec": object{"secret": "x"}, "keyring": pair[1], "ciphertext": sealed["ciphertext"]}
			got := lines(t, bin, open)[0]
			require.Equal(t, true, got["ok"], "%s %s: %v", name, suite, got)
			require.Equal(t, sealed["ec"], got["ec"])
			want := make([]byte, 40)
			for i := range want {
				want[i] = byte((7*i + 3) % 251)
			}
			require.Equal(t, base64.StdEncoding.EncodeToString(want), got["plaintext"])
			open["ec"] = object{}
			require.Equal(t, false, lines(t, bin, open)[0]["ok"], name)
		}
	}
}

// TestLinesContext: a context of which two readers of the line could take two is
// refused, and not decided by which pair came last (ENV-12).
func TestLinesContext(t *testing.T) {
	bin := build(t)
	for context, ok := range map[string]bool{
		`"ec":{"a":"1","b":"2"},"required_ec":["a"]`:   true,
		`"ec":null,"required_ec":null`:                 true,
		`"ec":{"\ud83d\ude00":"\u0000"}`:               true,
		`"ec":{"a":"1","a":"2"}`:                       false,
		`"ec":{"a":"1","\u0061":"1"}`:                  false,
		`"ec":{"\ud800":"1"}`:                          false,
		`"ec":{"a":"\udfff\ud800"}`:                    false,
		`"ec":{"a":null}`:                              false,
		`"ec":{"a":1}`:                                 false,
		`"ec":[]`:                                      false,
		`"ec":{"":"1"},"required_ec":[null]`:           false,
		`"ec":{"\ufffd":"1"},"required_ec":["\ud800"]`: false,
	} {
		aes, err := json.Marshal(localKeyrings(t)["aes"][0])
		require.NoError(t, err)
		answer := lines(t, bin, `{"id":1,"op":"encrypt","plaintext":"","keyring":`+string(aes)+`,`+context+`}`)[0]
		require.Equal(t, ok, answer["ok"], "%s: %v", context, answer)
		require.InDelta(t, 1, answer["id"], 0)
		if !ok {
			require.Equal(t, "ErrInput: the line is not a request", answer["error"])
		}
	}
}

// TestKeyFileText: text that is the base64 of a key is that key, even where it
// has the length of a raw key, and whether or not a line ends it.
func TestKeyFileText(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	for _, n := range []int{16, 24, 32} {
		raw := bytes.Repeat([]byte{0xa7}, n)
		text := base64.StdEncoding.EncodeToString(raw) // of 24 bytes 32 characters
		ring, err := json.Marshal(object{"type": "raw-aes", "namespace": "seal", "name": "key", "key": text})
		require.NoError(t, err)
		spec := write(t, filepath.Join(dir, "spec"), ring)
		for _, data := range []string{text, text + "\n", "\n" + text + "\r\n", string(raw)} {
			key := write(t, filepath.Join(dir, "key"), []byte(data))
			sealed, stderr, status := command(t, bin, []byte("x"), "encrypt", "-key", key)
			require.Zero(t, status, "%q: %s", data, stderr)
			_, stderr, status = command(t, bin, sealed, "decrypt", "-key", spec)
			require.Zero(t, status, "%q: %s", data, stderr)
		}
	}
}

// TestKeyFiles: a raw key may begin with any byte, a brace too.
func TestKeyFiles(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	spec, err := json.Marshal(localKeyrings(t)["aes"][0])
	require.NoError(t, err)
	for data, want := range map[string]int{
		"{" + strings.Repeat("\xff", 31): 0, "{" + strings.Repeat("k", 15): 0, " {" + strings.Repeat("\x00", 22): 0, string(spec): 0, "\n" + string(spec) + "\n": 0,
		"": exitFailed, "{}" + strings.Repeat(" ", 30): exitFailed, "{" + strings.Repeat("k", 32): exitFailed, string(spec[:len(spec)-1]): exitFailed, strings.Repeat("k", 33): exitFailed,
	} {
		key := write(t, filepath.Join(dir, "key"), []byte(data))
		sealed, stderr, status := command(t, bin, []byte("x"), "encrypt", "-key", key)
		require.Equal(t, want, status, "%q: %s", data, stderr)
		if want == 0 {
			opened, stderr, status := command(t, bin, sealed, "decrypt", "-key", key)
			require.Zero(t, status, stderr)
			require.Equal(t, "x", string(opened))
		}
	}
}

func TestLinesErrors(t *testing.T) {
	bin := build(t)
	aes := localKeyrings(t)["aes"][0]
	file := write(t, filepath.Join(t.TempDir(), "m"), []byte("AYADeH"))
	in := []struct {
		line any
		want string // start of the error; empty: answered with ok
	}{
		{object{"op": "encrypt", "keyring": aes, "plaintext": ""}, ""},
		{object{"op": "encrypt", "keyring": aes, "plaintext": "!"}, "ErrInput: "},
		{object{"op": "encrypt", "keyring": aes}, "ErrInput: "},
		{object{"op": "encrypt", "plaintext": ""}, "ErrInput: "},
		{object{"op": "seal", "keyring": aes}, "ErrInput: "},
		{object{"op": "encrypt", "keyring": object{"type": "raw-des"}, "plaintext": ""}, "ErrInput: "},
		{object{"op": "encrypt", "keyring": object{"type": "raw-ecdh", "curve": "SM2", "scheme": "ephemeral"}, "plaintext": ""}, "ErrUnsupported: "},
		{object{"op": "encrypt", "keyring": object{"type": "raw-aes", "namespace": "aws-kms", "name": "k", "key": aes["key"]}, "plaintext": ""}, "ErrConfig: "},
		{object{"op": "encrypt", "keyring": aes, "plaintext": "", "suite": "0178"}, "ErrCommitmentPolicy: "},
		{object{"op": "encrypt", "keyring": aes, "plaintext": "", "suite": "0579"}, "ErrUnsupportedSuite: "},
		{object{"op": "encrypt", "keyring": aes, "plaintext": "", "commitment": "allow"}, "ErrConfig: "},
		{object{"op": "encrypt", "keyring": aes, "plaintext": "", "ec": object{"aws-crypto-x": ""}}, "ErrEncryptionContext: "},
		{object{"op": "encrypt", "keyring": aes, "plaintext": "", "required_ec": []string{"k"}}, "ErrEncryptionContext: "},
		{object{"op": "encrypt", "keyring": aes, "plaintext": "", "frame": int64(1 << 33)}, "ErrLimit: "},
		{object{"op": "encrypt", "keyring": object{"type": "multi", "generator": aes, "children": []object{aes}}, "plaintext": "", "max_edks": 1}, "ErrLimit: "},
		{object{"op": "decrypt", "keyring": aes, "ciphertext": ""}, "ErrTruncated: "},
		{object{"op": "decrypt", "keyring": aes, "ciphertext_file": file}, "ErrLooksBase64: "},
		{object{"op": "decrypt", "keyring": aes, "ciphertext_file": file + "x"}, "ErrInput: "},
		{`{"id":"half"`, "ErrInput: "},
	}
	all := []any{"", "# not a request"}
	for _, tt := range in {
		all = append(all, tt.line)
	}
	answers := lines(t, bin, all...)
	require.Len(t, answers, len(in))
	for i, tt := range in {
		require.Equal(t, tt.want == "", answers[i]["ok"], "%v", tt.line)
		if tt.want != "" {
			require.True(t, strings.HasPrefix(answers[i]["error"].(string), tt.want), "%v: %v", tt.line, answers[i])
		}
	}
}

// fakeKMS makes data keys; with what it refuses to open them again, if it does,
// is for the test to say.
func fakeKMS(t *testing.T, arn, refusal string) *httptest.Server {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := object{"KeyId": arn, "CiphertextBlob": []byte("blob"), "Plaintext": make([]byte, 32)}
		if r.Header.Get("X-Amz-Target") != "TrentService.GenerateDataKey" && refusal != "" {
			w.WriteHeader(http.StatusBadRequest)
			answer = object{"__type": refusal}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(service.Close)
	return service
}

// TestUnreachableService: a message whose KMS cannot be reached was not refused
// (1); it could not be decided (3). One that KMS answers with no is refused.
func TestUnreachableService(t *testing.T) {
	const arn = "arn:aws:kms:us-east-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
	service := fakeKMS(t, arn, "InvalidCiphertextException")
	t.Setenv("KMS_ENDPOINT", service.URL)
	bin, opened := build(t), filepath.Join(t.TempDir(), "opened")
	sealed, stderr, status := command(t, bin, []byte("plaintext"), "encrypt", "-kms", arn)
	require.Zero(t, status, stderr)
	_, stderr, status = command(t, bin, sealed, "decrypt", "-kms", arn, "-o", opened)
	require.Equal(t, exitRefused, status, stderr)
	service.Close()
	_, stderr, status = command(t, bin, sealed, "decrypt", "-kms", arn, "-o", opened)
	require.Equal(t, exitFailed, status, stderr)
	require.NoFileExists(t, opened)
}

// TestUndecided: what KMS says of the message is a verdict (1); what it says of
// itself, of the key or of whoever asks is none (3), and the other entries of a
// message do not make it one.
func TestUndecided(t *testing.T) {
	const arn = "arn:aws:kms:us-east-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
	bin, dir := build(t), t.TempDir()
	t.Setenv("KMS_ENDPOINT", fakeKMS(t, arn, "").URL)
	local, other := keyFile(t, dir, 1), keyFile(t, dir, 2)
	sealed, stderr, status := command(t, bin, []byte("plaintext"), "encrypt", "-kms", arn, "-key", local)
	require.Zero(t, status, stderr)
	for refusal, want := range map[string]int{
		"InvalidCiphertextException": exitRefused, "IncorrectKeyException": exitRefused,
		"ThrottlingException": exitFailed, "LimitExceededException": exitFailed, "DependencyTimeoutException": exitFailed,
		"AccessDeniedException": exitFailed, "DisabledException": exitFailed,
		"KMSInvalidStateException": exitFailed, "NotFoundException": exitFailed, "ExpiredTokenException": exitFailed,
	} {
		t.Setenv("KMS_ENDPOINT", fakeKMS(t, arn, refusal).URL)
		_, stderr, status := command(t, bin, sealed, "decrypt", "-key", other, "-kms", arn)
		require.Equal(t, want, status, "%s: %s", refusal, stderr)
	}
	_, stderr, status = command(t, bin, sealed, "decrypt", "-kms", arn, "-key", local)
	require.Zero(t, status, "the message is open all the same: %s", stderr)
}
