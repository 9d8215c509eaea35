// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestKMSKey encrypts the objects under a key in KMS, and opens them again with
// another process.
func TestKMSKey(t *testing.T) {
	interop.Require(t)
	kms := interop.Moto(t)
	key := createKey(t, kms.URL)
	config := interop.GatewayConfig{
		Dir:    t.TempDir(),
		Env:    []string{"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nonexistent"},
		Fields: map[string]any{"encryption": map[string]any{"kms_key": key, "kms_endpoint": kms.URL}},
	}
	const text = "a text that must not lie on the disk"
	g := interop.Gateway(t, config)
	w := &world{GatewayServer: g, scheme: "http"}
	c := w.sdk(w.root())
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("kms")})
	require.NoError(t, err)
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("kms"), Key: aws.String("k"), Body: strings.NewReader(text)})
	require.NoError(t, err)
	g.Process.Stop()

	g = interop.Gateway(t, config)
	w = &world{GatewayServer: g, scheme: "http"}
	out, err := w.sdk(w.root()).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("kms"), Key: aws.String("k")})
	require.NoError(t, err)
	got, err := io.ReadAll(out.Body)
	require.NoError(t, err)
	require.Equal(t, text, string(got))
	found := false
	require.NoError(t, filepath.WalkDir(config.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		file, err := os.ReadFile(path)
		require.NotContains(t, string(file), text, path)
		found = found || bytes.Contains(file, []byte("aws-kms")) && bytes.Contains(file, []byte(key))
		return err
	}))
	require.True(t, found, "no file names the KMS key")
	testkit.Report(t, "interop", "gatewayclients/kms", kms.Version, 3)
}

func createKey(t *testing.T, url string) (arn string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	require.NoError(t, err)
	r.Header.Set("X-Amz-Target", "TrentService.CreateKey")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	var created struct{ KeyMetadata struct{ Arn string } }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&created))
	require.NotEmpty(t, created.KeyMetadata.Arn)
	return created.KeyMetadata.Arn
}
