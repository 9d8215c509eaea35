// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

var update = flag.Bool("update", false, "write the table of what clients send")

// table collects what each client really sent, from the gateway's log.
type table struct {
	rows     map[string][]string // payload modes and signed headers, by client, scheme and operation
	versions map[string]string
}

func newTable() *table { return &table{map[string][]string{}, map[string]string{}} }

// uploads are the operations whose bodies clients frame in their own ways.
var uploads = []string{"PutObject", "UploadPart"}

func (tb *table) read(t *testing.T, client, version, scheme, log string) {
	t.Helper()
	tb.versions[client] = version
	for line := range strings.Lines(log) {
		var r struct {
			Operation, Payload, Code, Signed string
		}
		if json.Unmarshal([]byte(line), &r) != nil || r.Code != "" || r.Payload == "" || !slices.Contains(uploads, r.Operation) {
			continue
		}
		key := client + "\t" + scheme + "\t" + r.Operation
		text := r.Payload + "\t" + strings.ReplaceAll(r.Signed, ";", " ")
		if !slices.Contains(tb.rows[key], text) {
			tb.rows[key] = append(tb.rows[key], text)
		}
	}
}

// modes are the payload modes that each client is known to send for PutObject.
// One that is missing here is news, and has to be looked at.
var modes = map[string][]string{
	"aws-cli":       {"sha256", "unsigned-trailer", "unsigned"},
	"boto3":         {"sha256", "unsigned-trailer", "unsigned"},
	"aws-sdk-go-v2": {"sha256", "unsigned-trailer", "unsigned"},
	"minio-go":      {"sha256", "chunked", "chunked-trailer", "unsigned-trailer", "unsigned"},
	"s3cmd":         {"sha256", "unsigned"},
	"rclone":        {"sha256", "unsigned"},
}

// compare checks the modes, and writes docs/gateway-clients.md with -update.
func (tb *table) compare(t *testing.T) {
	t.Helper()
	var b strings.Builder
	b.WriteString("# What S3 clients send\n\nRecorded by `go test ./gatewayclients -run TestClients -update` in internal/interop, from the log of examples/gateway:\n" +
		"for each upload, how the body is authenticated and which headers are signed.\n\n| client | over | operation | payload | signed headers |\n|---|---|---|---|---|\n")
	keys := make([]string, 0, len(tb.rows))
	for key := range tb.rows {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		slices.Sort(tb.rows[key])
		part := strings.Split(key, "\t")
		for _, row := range tb.rows[key] {
			payload, signed, _ := strings.Cut(row, "\t")
			require.Contains(t, modes[part[0]], payload, key)
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", tb.versions[part[0]], part[1], part[2], payload, signed)
		}
	}
	if !*update {
		return
	}
	path := filepath.Join(testkit.RepoRoot(t), "docs", "gateway-clients.md")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
}
