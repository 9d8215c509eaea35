// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
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
	"sync"
	"sync/atomic"

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
	bodies  *envelope.Client
	infos   *envelope.Client
	key     string                   // that writes, as messages name it
	alone   bool                     // there is no older key
	writing atomic.Int64             // bodies under way
	cache   *envelope.MaterialsCache // nil: there is none
}

// newVault opens the store's index key. A new gateway makes what is missing.
func newVault(ctx context.Context, config *Config, files files, create bool) (*vault, error) {
	path := filepath.Join(config.Store, "index.key")
	alone := len(config.Encryption.Old) == 0
	_, errIndex := os.Stat(path)
	lost := alone && errIndex == nil // where its file is missing: no other key would open the store
	ring, err := newRing(ctx, config, files, create && !lost)
	if err != nil {
		return nil, err
	}
	bodies, cache, err := newBodies(&config.Encryption, ring)
	if err != nil {
		return nil, config.at("encryption", err)
	}
	sample, err := bodies.Encrypt(ctx, nil, nil, indexContext) // a key that cannot write is found now
	if err != nil {
		return nil, config.at("encryption", err)
	}
	h, err := envelope.Inspect(bytes.NewReader(sample))
	if err != nil {
		return nil, err
	}
	key, err := indexKey(ctx, path, bodies, create)
	if err != nil {
		return nil, config.at("encryption", fmt.Errorf("index key: %w", err))
	}
	defer clear(key)
	index, err := envelope.NewRawAES("sallyport-gateway", "index", key)
	if err != nil {
		return nil, err
	}
	infos, err := envelope.New(envelope.Unsigned(index))
	return &vault{bodies: bodies, cache: cache, infos: infos, key: keysOf(h.EncryptedDataKeys), alone: alone}, err
}

// indexContext binds the index key: no object is named so.
var indexContext = envelope.EncryptionContext{"purpose": "gateway-index-key"}

// indexKey reads the index key. A store without buckets is given one; to give
// one to any other would be to lose its objects, since none opens without the
// key that it was written under.
func indexKey(ctx context.Context, path string, c *envelope.Client, create bool) ([]byte, error) {
	sealed, err := os.ReadFile(path)
	if err == nil {
		key, _, err := c.Decrypt(ctx, nil, sealed, indexContext)
		return key, err
	}
	if !create || !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	buckets, errBuckets := os.ReadDir(filepath.Join(filepath.Dir(path), "buckets"))
	if errBuckets != nil || len(buckets) > 0 {
		return nil, errors.Join(err, errBuckets)
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	sealed, err = c.Encrypt(ctx, nil, key, indexContext)
	if err != nil {
		return nil, err
	}
	return key, writeNewFile(path, sealed)
}

func contextOf(name store.Name) envelope.EncryptionContext {
	return envelope.EncryptionContext{"bucket": name.Bucket, "key": name.Key}
}

// bodyWriter adds to a message's writer the id that the info will name.
type bodyWriter struct {
	*envelope.Writer
	vault *vault
	once  sync.Once
}

func (w *bodyWriter) ID() string { return hex.EncodeToString(w.Header().MessageID) }

// Release says that the body is published, or given up.
func (w *bodyWriter) Release() { w.once.Do(func() { w.vault.writing.Add(-1) }) }

// NewWriter encrypts a body.
func (v *vault) NewWriter(ctx context.Context, w io.Writer, name store.Name) (store.BodyWriter, error) {
	v.writing.Add(1)
	body, err := v.bodies.NewWriter(ctx, w, contextOf(name))
	if err != nil {
		v.writing.Add(-1)
		return nil, err
	}
	return &bodyWriter{Writer: body, vault: v}, nil
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
	for {
		p := c.gateway.pipeline()
		v, ok := p.cipher.(*vault)
		if !ok {
			return p.cipher.NewWriter(ctx, w, name)
		}
		v.writing.Add(1)
		if c.gateway.pipeline() != p { // a rotation may have looked at the count before
			v.writing.Add(-1)
			continue
		}
		body, err := v.NewWriter(ctx, w, name)
		v.writing.Add(-1) // the body has its own
		return body, err
	}
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
