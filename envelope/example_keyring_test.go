// SPDX-License-Identifier: Apache-2.0

package envelope_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log"

	"github.com/sallyport-go/sallyport/envelope"
)

// vault is a keyring of a third party: it wraps with AES-GCM under a random
// nonce and binds the encryption context through an id of its own.
type vault struct{ aead cipher.AEAD }

func (v vault) OnEncrypt(_ context.Context, m *envelope.EncryptionMaterials) error {
	if m.DataKey == nil {
		m.DataKey = make([]byte, m.Suite.DataKeyLen())
		if _, err := rand.Read(m.DataKey); err != nil {
			return err
		}
	}
	wrapped := v.aead.Seal(nil, nil, m.DataKey, []byte(m.Context["tenant"]))
	m.EncryptedDataKeys = append(m.EncryptedDataKeys, envelope.EncryptedDataKey{ProviderID: "vault", Ciphertext: wrapped})
	return nil
}

func (v vault) OnDecrypt(_ context.Context, m *envelope.DecryptionMaterials, keys []envelope.EncryptedDataKey) error {
	for _, k := range keys {
		if k.ProviderID != "vault" {
			continue
		}
		if key, err := v.aead.Open(nil, nil, k.Ciphertext, []byte(m.Context["tenant"])); err == nil && len(key) == m.Suite.DataKeyLen() {
			m.DataKey = key
			return nil
		}
	}
	return errors.New("vault: no key of ours")
}

func ExampleKeyring() {
	block, err := aes.NewCipher(wrappingKey)
	if err != nil {
		log.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		log.Fatal(err)
	}
	roundTrip(vault{aead})
	// Output: hello 1
}

// roundTrip encrypts and decrypts with a keyring and prints the plaintext and
// the number of wrapped keys.
func roundTrip(ring envelope.Keyring) {
	client, err := envelope.New(envelope.Unsigned(ring))
	if err != nil {
		log.Fatal(err)
	}
	ec := envelope.EncryptionContext{"tenant": "7"}
	message, err := client.Encrypt(context.Background(), nil, []byte("hello"), ec)
	if err != nil {
		log.Fatal(err)
	}
	plaintext, header, err := client.Decrypt(context.Background(), nil, message, ec)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(plaintext), len(header.EncryptedDataKeys))
}

func ExampleNewRawRSA() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	ring, err := envelope.NewRawRSA(envelope.RawRSAConfig{
		Namespace: "my app", Name: "rsa 2026", Padding: envelope.OAEPSHA256,
		Public: &key.PublicKey, Private: key,
	})
	if err != nil {
		log.Fatal(err)
	}
	roundTrip(ring)
	// Output: hello 1
}

func ExampleNewRawECDH() {
	bob, err := ecdh.P384().GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	toBob, err := envelope.NewRawECDH(envelope.RawECDHConfig{Public: bob.PublicKey()}) // a sender key for each message
	if err != nil {
		log.Fatal(err)
	}
	atBob, err := envelope.NewRawECDH(envelope.RawECDHConfig{Private: bob})
	if err != nil {
		log.Fatal(err)
	}
	both, err := envelope.NewMulti(toBob, atOnlyDecrypts{atBob})
	if err != nil {
		log.Fatal(err)
	}
	roundTrip(both)
	// Output: hello 1
}

// atOnlyDecrypts lets a keyring that cannot encrypt be a child.
type atOnlyDecrypts struct{ envelope.Keyring }

func (atOnlyDecrypts) OnEncrypt(context.Context, *envelope.EncryptionMaterials) error { return nil }

func ExampleNewMulti() {
	today, err := envelope.NewRawAES("my app", "key 2026", wrappingKey)
	if err != nil {
		log.Fatal(err)
	}
	backup, err := envelope.NewRawAES("my app", "backup", make([]byte, 32))
	if err != nil {
		log.Fatal(err)
	}
	ring, err := envelope.NewMulti(today, backup)
	if err != nil {
		log.Fatal(err)
	}
	roundTrip(ring)
	// Output: hello 2
}

// toyKMS stands for a KMS; use envelope/kmskeyring for the real one.
type toyKMS struct{}

const toyKey = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

func (toyKMS) GenerateDataKey(_ context.Context, r *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	key := make([]byte, r.NumberOfBytes)
	return &envelope.KMSResponse{KeyID: toyKey, Plaintext: key, CiphertextBlob: []byte("blob")}, nil
}

func (toyKMS) Encrypt(context.Context, *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	return &envelope.KMSResponse{KeyID: toyKey, CiphertextBlob: []byte("blob")}, nil
}

func (toyKMS) Decrypt(_ context.Context, r *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	return &envelope.KMSResponse{KeyID: r.KeyID, Plaintext: make([]byte, 32)}, nil
}

func ExampleKMS() {
	var kms envelope.KMS = toyKMS{}
	out, err := kms.GenerateDataKey(context.Background(), &envelope.KMSRequest{KeyID: toyKey, NumberOfBytes: 32})
	if err != nil {
		log.Fatal(err)
	}
	show := func(r *envelope.KMSResponse) { fmt.Println(len(r.Plaintext), r.KeyID == toyKey) }
	show(out)
	// Output: 32 true
}

func ExampleNewKMS() {
	ring, err := envelope.NewKMS(envelope.KMSConfig{Client: toyKMS{}, KeyID: toyKey})
	if err != nil {
		log.Fatal(err)
	}
	roundTrip(ring)
	// Output: hello 1
}

// A writer that has the public key, and no access to KMS.
func ExampleNewKMSRSA() {
	key, err := rsa.GenerateKey(rand.Reader, 2048) // the public half: from KMS's GetPublicKey
	if err != nil {
		log.Fatal(err)
	}
	var ring *envelope.KMSRSAKeyring
	ring, err = envelope.NewKMSRSA(envelope.KMSRSAConfig{KeyID: toyKey, Padding: envelope.OAEPSHA256, Public: &key.PublicKey})
	if err != nil {
		log.Fatal(err)
	}
	client, err := envelope.New(envelope.Unsigned(ring))
	if err != nil {
		log.Fatal(err)
	}
	message, err := client.Encrypt(context.Background(), nil, []byte("hello"), nil)
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = client.Decrypt(context.Background(), nil, message, nil)
	fmt.Println(err)
	// Output: envelope: no encrypted data key could be unwrapped: a KMS RSA keyring without client cannot decrypt
}

func ExampleNewKMSDiscovery() {
	ring, err := envelope.NewKMSDiscovery(envelope.KMSDiscoveryConfig{Client: toyKMS{}, Partition: "aws", Accounts: []string{"111122223333"}})
	if err != nil {
		log.Fatal(err)
	}
	err = ring.OnEncrypt(context.Background(), &envelope.EncryptionMaterials{Suite: envelope.Suite0478})
	fmt.Println(err)
	// Output: envelope: keyring could not provide a data key: a discovery keyring cannot encrypt
}

func ExampleNewKMSMulti() {
	ring, err := envelope.NewKMSMulti(envelope.KMSMultiConfig{
		Generator: toyKey,
		Keys:      []string{"arn:aws:kms:us-east-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"},
		Client:    func(string) (envelope.KMS, error) { return toyKMS{}, nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	roundTrip(ring)
	// Output: hello 2
}

// audited is a materials manager around another: it refuses messages without
// a tenant and counts.
type audited struct {
	envelope.MaterialsManager
	opened int
}

func (a *audited) EncryptionMaterials(ctx context.Context, r *envelope.EncryptionRequest) (*envelope.EncryptionMaterials, error) {
	if r.Context["tenant"] == "" {
		return nil, errors.New("no tenant")
	}
	return a.MaterialsManager.EncryptionMaterials(ctx, r)
}

func (a *audited) DecryptionMaterials(ctx context.Context, r *envelope.DecryptionRequest) (*envelope.DecryptionMaterials, error) {
	a.opened++
	return a.MaterialsManager.DecryptionMaterials(ctx, r)
}

func ExampleMaterialsManager() {
	ring, err := envelope.NewRawAES("my app", "key 2026", wrappingKey)
	if err != nil {
		log.Fatal(err)
	}
	manager := &audited{MaterialsManager: envelope.NewMaterialsManager(ring)}
	client, err := envelope.New(envelope.Config{Manager: manager})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Encrypt(context.Background(), nil, nil, nil)
	fmt.Println(err)
	message, err := client.Encrypt(context.Background(), nil, nil, envelope.EncryptionContext{"tenant": "7"})
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = client.Decrypt(context.Background(), nil, message, nil)
	fmt.Println(manager.opened, err)
	r := &envelope.EncryptionRequest{Suite: envelope.Suite0478, PlaintextLength: -1, Context: envelope.EncryptionContext{"tenant": "7"}}
	m, err := manager.EncryptionMaterials(context.Background(), r)
	fmt.Println(len(m.DataKey), len(m.EncryptedDataKeys), err)
	d := &envelope.DecryptionRequest{Suite: m.Suite, EncryptedDataKeys: m.EncryptedDataKeys, Context: m.Context}
	opened, err := manager.DecryptionMaterials(context.Background(), d)
	fmt.Println(len(opened.DataKey), err)
	// Output:
	// no tenant
	// 1 <nil>
	// 32 1 <nil>
	// 32 <nil>
}
