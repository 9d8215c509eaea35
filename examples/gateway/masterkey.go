// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/envelope"
)

// Encryption says which key objects are encrypted under, and which older ones
// still open what was encrypted under them. When the first changes, the objects
// move to it in the background: see rotate.go.
type Encryption struct {
	MasterKey
	Old []MasterKey `json:"old"`

	Cache duration `json:"cache"` // how long a data key from KMS is used again for its object; default 5m, below 0 never
}

// MasterKey is the key of a file, or one in KMS.
type MasterKey struct {
	KeyFile   string `json:"key_file"`  // 32 bytes in base64; default gateway.key
	Namespace string `json:"namespace"` // of the key in the messages; default sallyport-gateway
	Name      string `json:"name"`      // likewise; default master

	KMSKey      string `json:"kms_key"`      // ARN of a KMS key, instead of a file; with the usual AWS credentials
	KMSEndpoint string `json:"kms_endpoint"` // another address of KMS
}

// complete fills in defaults. Two keys of one name could not be told apart.
func (e *Encryption) complete(c *Config) error {
	if e.KMSKey == "" {
		setDefault(&e.KeyFile, "gateway.key")
	}
	setDefault(&e.Cache, duration(5*time.Minute))
	names := map[string]bool{}
	for i, k := range e.keys() {
		where := "encryption"
		if i > 0 {
			where = fmt.Sprintf("encryption.old[%d]", i-1)
		}
		if (k.KeyFile == "") == (k.KMSKey == "") {
			return c.at(where, errors.New("one of key_file and kms_key is needed"))
		}
		setDefault(&k.Namespace, "sallyport-gateway")
		setDefault(&k.Name, "master")
		k.KeyFile = c.path(k.KeyFile)
		id := k.KMSKey
		if id == "" {
			id = k.Namespace + "/" + k.Name
		}
		if names[id] {
			return c.at(where, fmt.Errorf("two keys are %s: a new key needs a name of its own", id))
		}
		names[id] = true
	}
	return nil
}

// keys are all keys, the one that writes first.
func (e *Encryption) keys() []*MasterKey {
	all := []*MasterKey{&e.MasterKey}
	for i := range e.Old {
		all = append(all, &e.Old[i])
	}
	return all
}

// ring encrypts under its first key, and opens with any.
type ring struct {
	write envelope.Keyring
	read  *envelope.Multi
}

func (r ring) OnEncrypt(ctx context.Context, m *envelope.EncryptionMaterials) error {
	return r.write.OnEncrypt(ctx, m)
}

func (r ring) OnDecrypt(ctx context.Context, m *envelope.DecryptionMaterials, keys []envelope.EncryptedDataKey) error {
	return r.read.OnDecrypt(ctx, m, keys)
}

// newRing makes the keyring that the configuration names. With create it makes
// the key file that writes where that is missing: a gateway that runs had better
// not go on with another key than it was told to, nor one that starts with a key
// that cannot open its store.
func newRing(ctx context.Context, c *Config, files files, create bool) (envelope.Keyring, error) {
	var all []envelope.Keyring
	for i, k := range c.Encryption.keys() {
		where := "encryption"
		if i > 0 {
			where = fmt.Sprintf("encryption.old[%d]", i-1)
		}
		var one envelope.Keyring
		var err error
		if k.KMSKey != "" {
			one, err = k.kmsKeyring(ctx, c.Region)
		} else {
			one, err = k.fileKeyring(files, create && i == 0)
		}
		if err != nil {
			return nil, c.at(where, err)
		}
		all = append(all, one)
	}
	read, err := envelope.NewMulti(nil, all...)
	return ring{all[0], read}, err
}

func (k *MasterKey) fileKeyring(files files, create bool) (envelope.Keyring, error) {
	key, err := masterKey(k.KeyFile, files, create)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer clear(key)
	return envelope.NewRawAES(k.Namespace, k.Name, key)
}

// masterKey reads the key, or makes one. It must not lie in the store: whoever
// has both has the objects.
func masterKey(path string, files files, create bool) ([]byte, error) {
	text, err := files.read(path)
	if create && errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		if err := writeNewFile(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n")); err != nil {
			return nil, err
		}
		text, err = files.read(path)
	}
	if err != nil {
		return nil, err
	}
	defer clear(text)
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s does not hold 32 bytes in base64", path)
	}
	return key, nil
}
