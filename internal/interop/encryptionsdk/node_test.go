// SPDX-License-Identifier: Apache-2.0

package encryptionsdk

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

const nodeVersion = "5.0.2"

// nodeSDK is a node that answers requests with the SDK for JavaScript.
type nodeSDK struct {
	in  io.Writer
	out *bufio.Reader
}

type nodeRequest struct {
	Op         string                     `json:"op"`
	Committing bool                       `json:"committing"`
	Suite      string                     `json:"suite"`
	Frame      int                        `json:"frame"`
	Context    envelope.EncryptionContext `json:"ec,omitempty"`
	Ring       ring                       `json:"ring"`
	Plaintext  []byte                     `json:"plaintext"`
	Ciphertext []byte                     `json:"ciphertext"`
}

func startNode(t testing.TB, w *world) *nodeSDK {
	t.Helper()
	interop.Require(t)
	node, dir := interop.Node(t, "@aws-crypto/client-node@"+nodeVersion)
	script, err := os.ReadFile(filepath.Join("testdata", "node.js"))
	require.NoError(t, err)
	// PKCS #1 decryption needs the flag since node 20.11.
	cmd := exec.CommandContext(t.Context(), node, "--security-revert=CVE-2023-46809", "-e", string(script))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "KMS_ENDPOINT="+w.endpoint)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &nodeSDK{in, bufio.NewReader(out)}
}

func (n *nodeSDK) do(q nodeRequest) ([]byte, error) {
	line, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	if _, err := n.in.Write(append(line, '\n')); err != nil {
		return nil, err
	}
	text, err := n.out.ReadBytes('\n')
	for err == nil && text[0] != '{' { // node warns of the flag on its standard output
		text, err = n.out.ReadBytes('\n')
	}
	if err != nil {
		return nil, err
	}
	var a struct {
		Data  []byte
		Error string
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	return a.Data, nil
}

// bothNode checks one shape in both directions.
func bothNode(t testing.TB, n *nodeSDK, w *world, p pair, s envelope.Suite, frame, length int, ec envelope.EncryptionContext) int {
	t.Helper()
	want := pattern(length)
	name := fmt.Sprintf("%s to %s, %s, frame %d, length %d", p.write.Name, p.read.Name, suiteID(s), frame, length)
	message, err := client(t, w.ours(t, p.write), s, int64(frame)).Encrypt(t.Context(), nil, want, ec)
	require.NoError(t, err, name)
	got, err := n.do(nodeRequest{Op: "decrypt", Committing: s.Committing(), Ring: p.read, Ciphertext: message})
	require.NoError(t, err, name)
	require.Equal(t, string(want), string(got), name)
	message, err = n.do(nodeRequest{Op: "encrypt", Committing: s.Committing(), Suite: suiteID(s), Frame: frame, Context: ec, Ring: p.write, Plaintext: want})
	require.NoError(t, err, name)
	got, h, err := client(t, w.ours(t, p.read), s, int64(frame)).Decrypt(t.Context(), nil, message, ec)
	require.NoError(t, err, name)
	require.Equal(t, string(want), string(got), name)
	for k, v := range ec {
		require.Equal(t, v, h.Context[k], name)
	}
	return 2
}

// nodeContext has no astral key: JavaScript sorts those its own way for KMS's
// request, which does not matter, but not in the header (ENV-113).
var nodeContext = envelope.EncryptionContext{"purpose": "interop", "é": "x", "z": "1"}

// Every suite, frame length and plaintext length, both directions (ENV-116).
func TestNodeShapes(t *testing.T) {
	w := newWorld(t)
	n := startNode(t, w)
	cases := 0
	for _, s := range suites {
		for _, frame := range []int{16, 512, 4096} {
			for _, length := range lengths(frame) {
				cases += bothNode(t, n, w, pair{aesRing(256), aesRing(256)}, s, frame, length, nodeContext)
			}
		}
		cases += bothNode(t, n, w, pair{aesRing(256), aesRing(256)}, s, 1, 5, nil)
	}
	testkit.Report(t, "interop", "encryptionsdk/node/shapes", nodeVersion, cases)
}

// Every keyring with every suite, both directions.
func TestNodeKeyrings(t *testing.T) {
	w := newWorld(t)
	n := startNode(t, w)
	cases := 0
	for _, s := range suites {
		for _, p := range append(w.localPairs(t), w.kmsPairs()...) {
			cases += bothNode(t, n, w, p, s, 64, 100, nodeContext)
		}
	}
	testkit.Report(t, "interop", "encryptionsdk/node/keyrings", nodeVersion, cases)
}
