// SPDX-License-Identifier: Apache-2.0

package envelope_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/sallyport-go/sallyport/envelope"
)

// wrappingKey stands for 32 random bytes from a safe place.
var wrappingKey = bytes.Repeat([]byte{7}, 32)

func Example() {
	ctx := context.Background()
	ring, err := envelope.NewRawAES("my app", "key 2026", wrappingKey)
	if err != nil {
		log.Fatal(err)
	}
	client, err := envelope.New(envelope.Config{Keyring: ring})
	if err != nil {
		log.Fatal(err)
	}
	about := envelope.EncryptionContext{"tenant": "7"}
	message, err := client.Encrypt(ctx, nil, []byte("attack at dawn"), about)
	if err != nil {
		log.Fatal(err)
	}
	plaintext, header, err := client.Decrypt(ctx, nil, message, about)
	fmt.Println(string(plaintext), header.Suite, err)

	_, _, err = client.Decrypt(ctx, nil, message, envelope.EncryptionContext{"tenant": "8"})
	fmt.Println(errors.Is(err, envelope.ErrEncryptionContext))
	// Output:
	// attack at dawn AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384 <nil>
	// true
}

// newClient is for the examples below.
func newClient(edit ...func(*envelope.Config)) *envelope.Client {
	ring, err := envelope.NewRawAES("my app", "key 2026", wrappingKey)
	if err != nil {
		log.Fatal(err)
	}
	cfg := envelope.Unsigned(ring)
	for _, f := range edit {
		f(&cfg)
	}
	client, err := envelope.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func ExampleClient_NewWriter() {
	ctx, client := context.Background(), newClient()
	var message bytes.Buffer
	w, err := client.NewWriter(ctx, &message, envelope.EncryptionContext{"file": "notes"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(w, strings.NewReader(strings.Repeat("a long stream ", 100_000))); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil { // the message is whole only now
		log.Fatal(err)
	}
	r, err := client.NewReader(ctx, &message, nil)
	if err != nil {
		log.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r) // nil: good to the end
	fmt.Println(r.Header().Context["file"], n, err)
	// Output: notes 1400000 <nil>
}

func ExampleClient_NewReaderAt() {
	ctx, client := context.Background(), newClient()
	message, err := client.Encrypt(ctx, nil, bytes.Repeat([]byte("0123456789"), 100_000), nil)
	if err != nil {
		log.Fatal(err)
	}
	r, err := client.NewReaderAt(ctx, bytes.NewReader(message), int64(len(message)), nil)
	if err != nil {
		log.Fatal(err)
	}
	part, err := io.ReadAll(io.NewSectionReader(r, 500_005, 10)) // opens one frame
	fmt.Println(r.Size(), string(part), err)
	// Output: 1000000 5678901234 <nil>
}

func ExampleClient_Reencrypt() {
	ctx, old := context.Background(), newClient()
	message, err := old.Encrypt(ctx, nil, []byte("attack at dawn"), envelope.EncryptionContext{"tenant": "7"})
	if err != nil {
		log.Fatal(err)
	}
	ring, err := envelope.NewRawAES("my app", "key 2027", bytes.Repeat([]byte{9}, 32))
	if err != nil {
		log.Fatal(err)
	}
	renewed, err := envelope.New(envelope.Unsigned(ring))
	if err != nil {
		log.Fatal(err)
	}
	var out bytes.Buffer // keep it only when the error is nil
	header, err := old.Reencrypt(ctx, &out, bytes.NewReader(message), renewed, nil)
	if err != nil {
		log.Fatal(err)
	}
	plaintext, _, err := renewed.Decrypt(ctx, nil, out.Bytes(), header.Context)
	fmt.Println(string(plaintext), header.Context, err)
	_, _, err = old.Decrypt(ctx, nil, out.Bytes(), nil)
	fmt.Println(errors.Is(err, envelope.ErrNoMatchingKey))
	// Output:
	// attack at dawn map[tenant:7] <nil>
	// true
}

func ExampleClient_Rewrap() {
	ctx := context.Background()
	ring, err := envelope.NewRawAES("my app", "key 2027", bytes.Repeat([]byte{9}, 32))
	if err != nil {
		log.Fatal(err)
	}
	for _, suite := range []envelope.Suite{envelope.Suite0178, envelope.Suite0478} {
		old := newClient(func(c *envelope.Config) {
			if c.Suite = suite; !suite.Committing() {
				c.Commitment = envelope.ForbidEncryptAllowDecrypt
			}
		})
		message, err := old.Encrypt(ctx, nil, make([]byte, 1000), nil)
		if err != nil {
			log.Fatal(err)
		}
		var out bytes.Buffer
		_, err = old.Rewrap(ctx, &out, bytes.NewReader(message), ring, nil) // another header, the same frames
		fmt.Println(suite, bytes.HasSuffix(out.Bytes(), message[len(message)-1000:]), errors.Is(err, envelope.ErrRewrapUnsafe))
	}
	// Output:
	// AES_256_GCM_IV12_TAG16_HKDF_SHA256 true false
	// AES_256_GCM_HKDF_SHA512_COMMIT_KEY false true
}

func ExampleInspect() {
	client := newClient()
	message, err := client.Encrypt(context.Background(), nil, make([]byte, 100), envelope.EncryptionContext{"tenant": "7"})
	if err != nil {
		log.Fatal(err)
	}
	header, err := envelope.Inspect(bytes.NewReader(message))
	if err != nil {
		log.Fatal(err)
	}
	show := func(h *envelope.UnauthenticatedHeader) { // whoever takes one knows what it is worth
		size, err := h.PlaintextSize(int64(len(message)))
		fmt.Println(h.Version, h.Suite, h.Context, size, err)
		for _, k := range h.EncryptedDataKeys {
			name, _, _ := k.RawAES()
			fmt.Println(k.ProviderID, name)
		}
	}
	show(header)
	// Output:
	// 2 AES_256_GCM_HKDF_SHA512_COMMIT_KEY map[tenant:7] 100 <nil>
	// my app key 2026
}

// A message of an old suite, cut short, against the default configuration.
func ExampleLint() {
	client := newClient(func(c *envelope.Config) {
		c.Suite, c.Commitment = envelope.Suite0078, envelope.ForbidEncryptAllowDecrypt
	})
	message, err := client.Encrypt(context.Background(), nil, make([]byte, 100), envelope.EncryptionContext{"tenant": "7"})
	if err != nil {
		log.Fatal(err)
	}
	header, findings, err := envelope.Lint(bytes.NewReader(message[:len(message)-10]), envelope.Config{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(header.Suite)
	show := func(f envelope.Finding) { fmt.Println(f.Code, f.Err != nil, errors.Is(f.Err, envelope.ErrTruncated)) }
	for _, f := range findings {
		show(f)
	}
	// Output:
	// AES_256_GCM_IV12_TAG16_NO_KDF
	// policy true false
	// no-key-derivation false false
	// no-commitment false false
	// body true true
}

func ExampleConfig_requiredContextKeys() {
	ctx := context.Background()
	client := newClient(func(c *envelope.Config) { c.RequiredContextKeys = []string{"patient"} })
	message, err := client.Encrypt(ctx, nil, []byte("findings"), envelope.EncryptionContext{"patient": "Ann", "ward": "3"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bytes.Contains(message, []byte("Ann")))
	_, _, err = client.Decrypt(ctx, nil, message, nil)
	fmt.Println(err)
	plaintext, header, err := client.Decrypt(ctx, nil, message, envelope.EncryptionContext{"patient": "Ann"})
	fmt.Println(string(plaintext), header.RequiredKeys, err)
	// Output:
	// false
	// envelope: encryption context refused: required key "patient" is missing
	// findings [patient] <nil>
}

func ExampleError() {
	client := newClient()
	message, err := client.Encrypt(context.Background(), nil, make([]byte, 200_000), nil)
	if err != nil {
		log.Fatal(err)
	}
	message[100_000] ^= 1
	_, _, err = client.Decrypt(context.Background(), nil, message, nil)
	var e *envelope.Error
	if errors.As(err, &e) {
		fmt.Println(err)
		fmt.Println(e.Kind == envelope.ErrFrameAuth, e.Frame, e.Hint())
	}
	// Output:
	// envelope: frame authentication failed (frame 2)
	// true 2 The frame was changed; do not use the message.
}

// Old messages have no key commitment. Read them while new ones get it.
func ExampleCommitmentPolicy() {
	legacy := newClient(func(c *envelope.Config) {
		c.Commitment, c.Suite = envelope.ForbidEncryptAllowDecrypt, envelope.Suite0178
	})
	message, err := legacy.Encrypt(context.Background(), nil, []byte("old"), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, policy := range []envelope.CommitmentPolicy{envelope.RequireEncryptRequireDecrypt, envelope.RequireEncryptAllowDecrypt} {
		client := newClient(func(c *envelope.Config) { c.Commitment = policy })
		plaintext, _, err := client.Decrypt(context.Background(), nil, message, nil)
		fmt.Printf("%s: %q %v\n", policy, plaintext, errors.Is(err, envelope.ErrCommitmentPolicy))
	}
	// Output:
	// require-require: "" true
	// require-allow: "old" false
}

func ExampleSuite() {
	for _, s := range []envelope.Suite{envelope.Suite0014, envelope.Suite0478, envelope.Suite0578} {
		id, err := s.MarshalText()
		fmt.Println(string(id), s, s.DataKeyLen(), s.Committing(), s.Signing(), err)
	}
	// Output:
	// 0014 AES_128_GCM_IV12_TAG16_NO_KDF 16 false false <nil>
	// 0478 AES_256_GCM_HKDF_SHA512_COMMIT_KEY 32 true false <nil>
	// 0578 AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384 32 true true <nil>
}

func ExampleHeader_EncryptedSize() {
	w, err := newClient().NewWriter(context.Background(), io.Discard, nil)
	if err != nil {
		log.Fatal(err)
	}
	size, err := w.Header().EncryptedSize(1 << 30) // what to announce before the stream
	fmt.Println(size, err)
	fmt.Fprintln(os.Stdout, w.Close())
	// Output:
	// 1074266300 <nil>
	// <nil>
}
