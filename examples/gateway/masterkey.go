// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/envelope/kmskeyring"
)

// Encryption says which key objects are encrypted under: that of a file, or one
// in KMS.
type Encryption struct {
	KeyFile   string `json:"key_file"`  // 32 bytes in base64; default gateway.key, made where it is missing
	Namespace string `json:"namespace"` // of the key in the messages; default sallyport-gateway
	Name      string `json:"name"`      // likewise; default master

	KMSKey      string `json:"kms_key"`      // ARN of a KMS key, instead of a file; with the usual AWS credentials
	KMSEndpoint string `json:"kms_endpoint"` // another address of KMS
}

// keyring makes the keyring that the configuration names.
func (e *Encryption) keyring(ctx context.Context, dir, region string) (envelope.Keyring, error) {
	if e.KMSKey != "" {
		return e.kmsKeyring(ctx, region)
	}
	path := e.KeyFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	key, err := masterKey(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer clear(key)
	return envelope.NewRawAES(e.Namespace, e.Name, key)
}

// masterKey reads the key, or makes one. It must not lie in the store: whoever
// has both has the objects.
func masterKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		return key, writeNewFile(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n"))
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s does not hold 32 bytes in base64", path)
	}
	return key, nil
}

func (e *Encryption) kmsKeyring(ctx context.Context, region string) (envelope.Keyring, error) {
	loaded, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return nil, err
	}
	supplier := kmskeyring.Supplier(loaded, func(o *kms.Options) {
		if e.KMSEndpoint != "" {
			o.BaseEndpoint = &e.KMSEndpoint
		}
	})
	if part := strings.Split(e.KMSKey, ":"); len(part) > 3 && part[3] != "" {
		region = part[3] // a key is used in its own region
	}
	client, err := supplier(region)
	if err != nil {
		return nil, err
	}
	return envelope.NewKMS(envelope.KMSConfig{Client: client, KeyID: e.KMSKey})
}
