// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// secretSteps are about what lies on the disk.
var secretSteps = []step{
	{"the disk holds ciphertext only", func(ctx context.Context, t *theater) (string, error) {
		var mark [16]byte
		_, _ = rand.Read(mark[:])
		text := "marker-" + hex.EncodeToString(mark[:])
		_, err := t.alice.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(demoBucket), Key: aws.String("secret"), Body: strings.NewReader(text), Metadata: map[string]string{"note": text}, Tagging: aws.String("t=" + text),
		})
		if err != nil {
			return "", err
		}
		files, err := searchFiles(t.dir, text)
		return fmt.Sprintf("%d files searched for what was put", files), err
	}},
	{"an object is an Encryption SDK message", func(_ context.Context, t *theater) (string, error) {
		f, err := os.Open(t.server.gateway.store.Path(store.Name{Bucket: demoBucket, Key: "secret"}))
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		h, err := envelope.Inspect(f)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("suite %s, frames of %d bytes, key %s", h.Suite, h.FrameLength, h.Context["key"]), expect("the suite", h.Suite, envelope.Suite0478)
	}},
	{"an object moved on the disk: refused", func(ctx context.Context, t *theater) (string, error) {
		s := t.server.gateway.store
		text, err := os.ReadFile(s.Path(store.Name{Bucket: demoBucket, Key: "zebra"}))
		if err != nil {
			return "", err
		}
		path := s.Path(store.Name{Bucket: demoBucket, Key: "secret"})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return "", err
		}
		_, _, err = read(ctx, t.alice, "secret")
		result, err := refused(err, "InternalError")
		if err != nil {
			return "", err
		}
		return result + ", since a body is bound to its name", os.Remove(path)
	}},
}

// searchFiles reads every file below a folder and fails where one holds the
// text.
func searchFiles(dir, text string) (files int, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		b, err := io.ReadAll(f)
		if err == nil && bytes.Contains(b, []byte(text)) {
			err = fmt.Errorf("%s holds it in the clear", path)
		}
		return err
	})
	return files, err
}
