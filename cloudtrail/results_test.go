// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// lake is the folder of a query's results, and what its sign file says.
type lake struct {
	folder fstest.MapFS
	sign   map[string]any
	files  []map[string]any
	keys   cloudtrail.KeyRing
}

// newLake writes n files and signs them as the page
// cloudtrail-results-file-validation-sign-file-structure says, from the
// standard library alone.
func newLake(t testing.TB, n int) *lake {
	t.Helper()
	key := testkit.TrailKeys[0]()
	l := &lake{folder: fstest.MapFS{}}
	var hashes []string
	for i := range n {
		name := fmt.Sprintf("result_%d.csv.gz", i+1)
		body := testkit.Gzip([]byte(strings.Repeat("a,b\n", i+1)))
		l.folder[name] = &fstest.MapFile{Data: body}
		sum := sha256.Sum256(body)
		hashes = append(hashes, hex.EncodeToString(sum[:]))
		l.files = append(l.files, map[string]any{"fileHashValue": hashes[i], "fileName": name})
	}
	sum := sha256.Sum256([]byte(strings.Join(hashes, " ")))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	require.NoError(t, err)
	public := publicKey(&key.PublicKey)
	public.NotBefore, public.NotAfter = testkit.TrailStart.AddDate(0, 0, -1), testkit.TrailStart.AddDate(0, 0, 1)
	l.keys = cloudtrail.KeyRing{"us-east-1": {public}}
	l.sign = map[string]any{
		"version": "1.0", "region": "us-east-1", "files": l.files, "hashAlgorithm": "SHA-256", "signatureAlgorithm": "SHA256withRSA",
		"queryCompleteTime": "2026-03-01T04:00:00Z", "hashSignature": hex.EncodeToString(signature), "publicKeyFingerprint": public.Fingerprint,
	}
	return l
}

func (l *lake) text(t testing.TB) []byte {
	t.Helper()
	data, err := json.Marshal(l.sign)
	require.NoError(t, err)
	return data
}

// TestResults is CT-60: the results of a query are valid, or the one thing that
// is wrong with them is named. Hashes are of the files as they are stored.
func TestResults(t *testing.T) {
	for _, tc := range []struct {
		name   string
		tamper func(*lake)
		codes  []string
		exit   int
		valid  int
	}{
		{"good", func(*lake) {}, nil, 0, 3},
		{"upper case", func(l *lake) { l.sign["hashSignature"] = strings.ToUpper(l.sign["hashSignature"].(string)) }, nil, 0, 3},
		{"file altered", func(l *lake) { l.folder["result_2.csv.gz"].Data[20] ^= 1 }, []string{"log-hash-mismatch"}, 1, 2},
		{"file compressed again", func(l *lake) { l.folder["result_2.csv.gz"].Data[9] = 7 }, []string{"log-hash-mismatch"}, 1, 2},
		{"file deleted", func(l *lake) { delete(l.folder, "result_1.csv.gz") }, []string{"log-missing"}, 2, 2},
		{"file a folder", func(l *lake) {
			delete(l.folder, "result_3.csv.gz")
			l.folder["result_3.csv.gz/x"] = &fstest.MapFile{}
		}, []string{"log-unreadable"}, 2, 2},
		{"file exchanged with its hash", func(l *lake) {
			l.folder["result_1.csv.gz"] = l.folder["result_2.csv.gz"]
			l.files[0]["fileHashValue"] = l.files[1]["fileHashValue"]
		}, []string{"digest-bad-signature"}, 1, 0},
		{"names exchanged", func(l *lake) {
			l.files[0]["fileName"], l.files[1]["fileName"] = l.files[1]["fileName"], l.files[0]["fileName"]
		}, []string{"log-hash-mismatch", "log-hash-mismatch"}, 1, 1},
		{"entry removed", func(l *lake) { l.sign["files"] = l.files[1:] }, []string{"digest-bad-signature"}, 1, 0},
		{"no entries", func(l *lake) { l.sign["files"] = []any{} }, []string{"digest-invalid"}, 1, 0},
		{"signature cut", func(l *lake) { l.sign["hashSignature"] = l.sign["hashSignature"].(string)[2:] }, []string{"digest-bad-signature"}, 1, 0},
		{"signature not hex", func(l *lake) { l.sign["hashSignature"] = "x" }, []string{"digest-bad-signature"}, 1, 0},
		{"hash algorithm", func(l *lake) { l.sign["hashAlgorithm"] = "MD5" }, []string{"digest-unsupported-algorithm"}, 1, 0},
		{"signature algorithm", func(l *lake) { l.sign["signatureAlgorithm"] = "none" }, []string{"digest-unsupported-algorithm"}, 1, 0},
		{"another fingerprint", func(l *lake) { l.sign["publicKeyFingerprint"] = "00" }, []string{"digest-unknown-key"}, 1, 0},
		{"another region", func(l *lake) { l.sign["region"] = "eu-west-1" }, []string{"digest-unknown-key"}, 3, 0},
		{"no keys", func(l *lake) { clear(l.keys) }, []string{"digest-unknown-key"}, 3, 0},
		{"two keys of one fingerprint", func(l *lake) {
			forged := publicKey(&testkit.TrailKeys[1]().PublicKey)
			forged.Fingerprint = l.keys["us-east-1"][0].Fingerprint
			l.keys["us-east-1"] = append(l.keys["us-east-1"], forged)
		}, []string{"key-unusable"}, 3, 0},
		{"key of another year", func(l *lake) {
			k := &l.keys["us-east-1"][0]
			k.NotBefore, k.NotAfter = k.NotBefore.AddDate(1, 0, 0), k.NotAfter.AddDate(1, 0, 0)
			l.keys[""] = []cloudtrail.PublicKey{publicKey(&testkit.TrailKeys[1]().PublicKey)}
		}, []string{"key-window"}, 1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLake(t, 3)
			tc.tamper(l)
			s, err := cloudtrail.ParseResultSign(l.text(t))
			require.NoError(t, err)
			rep := cloudtrail.VerifyResults(t.Context(), s, l.folder, l.keys)
			require.Equal(t, tc.codes, codes(rep), "%s", asJSON(t, rep))
			require.Equal(t, tc.exit, rep.Verdict.ExitCode())
			require.Equal(t, tc.valid, rep.Counts.Logs.Valid)
			require.Nil(t, rep.Checkpoint)
		})
	}
}

// TestParseResultSign: a sign file is read strictly, and no name in it leads out
// of its folder.
func TestParseResultSign(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*lake)
	}{
		{"path above", func(l *lake) { l.files[0]["fileName"] = "../secret" }},
		{"absolute path", func(l *lake) { l.files[0]["fileName"] = "/etc/passwd" }},
		{"path below", func(l *lake) { l.files[0]["fileName"] = "a/b" }},
		{"path of Windows", func(l *lake) { l.files[0]["fileName"] = `..\secret` }},
		{"the folder", func(l *lake) { l.files[0]["fileName"] = "." }},
		{"no name", func(l *lake) { delete(l.files[0], "fileName") }},
		{"no hash", func(l *lake) { delete(l.files[0], "fileHashValue") }},
		{"two hashes in one", func(l *lake) {
			l.files[0]["fileHashValue"] = fmt.Sprint(l.files[0]["fileHashValue"], " ", l.files[1]["fileHashValue"])
		}},
		{"time", func(l *lake) { l.sign["queryCompleteTime"] = "today" }},
		{"region", func(l *lake) { l.sign["region"] = "../x" }},
		{"no files", func(l *lake) { delete(l.sign, "files") }},
		{"no signature", func(l *lake) { delete(l.sign, "hashSignature") }},
		{"signature no string", func(l *lake) { l.sign["hashSignature"] = 1 }},
		{"nested", func(l *lake) { l.sign["x"] = []any{[]any{[]any{[]any{[]any{[]any{[]any{[]any{[]any{}}}}}}}}} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLake(t, 2)
			tc.change(l)
			_, err := cloudtrail.ParseResultSign(l.text(t))
			require.ErrorIs(t, err, cloudtrail.ErrDigest)
		})
	}
	text := string(newLake(t, 1).text(t))
	_, err := cloudtrail.ParseResultSign([]byte(strings.Replace(text, `"region"`, `"region":"eu-west-1","region"`, 1)))
	require.ErrorIs(t, err, cloudtrail.ErrDigest, "a member twice")
	one := `{"fileName":"a","fileHashValue":"` + strings.Repeat("0", 64) + `"},`
	for _, tc := range []struct {
		n    int
		want error
	}{{100_000, nil}, {100_001, cloudtrail.ErrLimit}} {
		list := strings.TrimSuffix(strings.Repeat(one, tc.n), ",")
		_, err := cloudtrail.ParseResultSign([]byte(strings.Replace(text, `"files":[`, `"files":[`+list+`],"x":[`, 1)))
		require.ErrorIs(t, err, tc.want)
	}
}

// FuzzResultSign: what is accepted says what encoding/json reads.
func FuzzResultSign(f *testing.F) {
	l := newLake(f, 2)
	f.Add(l.text(f))
	f.Add([]byte(`{"files":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := cloudtrail.ParseResultSign(data)
		if err != nil {
			require.ErrorIs(t, err, cloudtrail.ErrDigest)
			return
		}
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &members))
		var region string
		require.NoError(t, json.Unmarshal(members["region"], &region))
		require.Equal(t, region, s.Region)
		var files []map[string]any
		require.NoError(t, json.Unmarshal(members["files"], &files))
		require.Len(t, s.Files, len(files))
		for i, file := range files {
			require.Equal(t, file["fileName"], s.Files[i].Name)
		}
		if rep := cloudtrail.VerifyResults(t.Context(), s, l.folder, l.keys); rep.Verdict == cloudtrail.Valid {
			require.Len(t, s.Files, 2)
		}
	})
}
