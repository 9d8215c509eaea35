// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// vault is the store's cipher: AWS Encryption SDK messages of suite 0478 in
// frames of 64 KiB. Bucket and key are the encryption context, so that no
// ciphertext opens under another name.
//
// Bodies are encrypted under the configured keyring, each with a data key of
// its own. Infos are encrypted under an index key, which a file of the store
// holds encrypted under the same keyring: a listing then needs no KMS call for
// every object.
type vault struct {
	bodies *envelope.Client
	infos  *envelope.Client
}

// newVault opens the store's index key. A new gateway makes what is missing.
func newVault(ctx context.Context, config *Config, files files, create bool) (*vault, error) {
	ring, err := newRing(ctx, config, files, create)
	if err != nil {
		return nil, err
	}
	bodies, err := envelope.New(envelope.Unsigned(ring))
	if err != nil {
		return nil, err
	}
	key, err := indexKey(ctx, filepath.Join(config.Store, "index.key"), bodies, create)
	if err != nil {
		return nil, config.at("encryption", fmt.Errorf("index key: %w", err))
	}
	defer clear(key)
	index, err := envelope.NewRawAES("sallyport-gateway", "index", key)
	if err != nil {
		return nil, err
	}
	infos, err := envelope.New(envelope.Unsigned(index))
	return &vault{bodies, infos}, err
}

func indexKey(ctx context.Context, path string, c *envelope.Client, create bool) ([]byte, error) {
	purpose := envelope.EncryptionContext{"purpose": "gateway-index-key"}
	sealed, err := os.ReadFile(path)
	if err == nil {
		key, _, err := c.Decrypt(ctx, nil, sealed, purpose)
		return key, err
	}
	if !create || !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	sealed, err = c.Encrypt(ctx, nil, key, purpose)
	if err != nil {
		return nil, err
	}
	return key, writeNewFile(path, sealed)
}

// writeNewFile writes a file that must not be lost nor be there already.
func writeNewFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func contextOf(name store.Name) envelope.EncryptionContext {
	return envelope.EncryptionContext{"bucket": name.Bucket, "key": name.Key}
}

// bodyWriter adds to a message's writer the id that the info will name.
type bodyWriter struct{ *envelope.Writer }

func (w bodyWriter) ID() string { return hex.EncodeToString(w.Header().MessageID) }

// NewWriter encrypts a body.
func (v *vault) NewWriter(ctx context.Context, w io.Writer, name store.Name) (store.BodyWriter, error) {
	body, err := v.bodies.NewWriter(ctx, w, contextOf(name))
	if err != nil {
		return nil, err
	}
	return bodyWriter{body}, nil
}

// NewReader decrypts a body at any offset. The message has to be the one that
// the info names: an older body of the same object does not pass for it.
func (v *vault) NewReader(ctx context.Context, ra io.ReaderAt, length int64, name store.Name, id string) (io.ReaderAt, error) {
	body, err := v.bodies.NewReaderAt(ctx, ra, length, contextOf(name))
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(id), []byte(hex.EncodeToString(body.Header().MessageID))) != 1 {
		return nil, errors.New("the body is not the one that its info names")
	}
	return body, nil
}

// Seal encrypts an info.
func (v *vault) Seal(ctx context.Context, info []byte, name store.Name) ([]byte, error) {
	return v.infos.Encrypt(ctx, nil, info, contextOf(name))
}

// Unseal decrypts an info.
func (v *vault) Unseal(ctx context.Context, sealed []byte, name store.Name) ([]byte, error) {
	info, _, err := v.infos.Decrypt(ctx, nil, sealed, contextOf(name))
	return info, err
}

// currentCipher is the cipher of the pipeline in force: the store works with
// whatever configuration there is.
type currentCipher struct{ gateway *Gateway }

func (c currentCipher) NewWriter(ctx context.Context, w io.Writer, name store.Name) (store.BodyWriter, error) {
	return c.gateway.pipeline().cipher.NewWriter(ctx, w, name)
}

func (c currentCipher) NewReader(ctx context.Context, ra io.ReaderAt, length int64, name store.Name, id string) (io.ReaderAt, error) {
	return c.gateway.pipeline().cipher.NewReader(ctx, ra, length, name, id)
}

func (c currentCipher) Seal(ctx context.Context, info []byte, name store.Name) ([]byte, error) {
	return c.gateway.pipeline().cipher.Seal(ctx, info, name)
}

func (c currentCipher) Unseal(ctx context.Context, sealed []byte, name store.Name) ([]byte, error) {
	return c.gateway.pipeline().cipher.Unseal(ctx, sealed, name)
}
