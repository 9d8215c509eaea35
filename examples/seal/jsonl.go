// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/examples/internal/jsonline"
)

// request is one line of "seal jsonl".
type request struct {
	ID             json.RawMessage
	Op             string
	Suite          string
	Frame          int64
	Commitment     string
	MaxEDKs        int
	Context        envelope.EncryptionContext
	Required       []string
	Keyring        *keyringSpec
	Plaintext      *string
	PlaintextLen   *int
	Ciphertext     *string
	CiphertextFile string
}

// UnmarshalJSON reads the id first: a fault in another member keeps it.
func (q *request) UnmarshalJSON(data []byte) error {
	return exact.Unmarshal(data,
		exact.Member{Name: "id", To: &q.ID},
		exact.Member{Name: "op", To: &q.Op},
		exact.Member{Name: "suite", To: &q.Suite},
		exact.Member{Name: "frame", To: &q.Frame},
		exact.Member{Name: "commitment", To: &q.Commitment},
		exact.Member{Name: "max_edks", To: &q.MaxEDKs},
		exact.Member{Name: "ec", To: (*contextMembers)(&q.Context)},
		exact.Member{Name: "required_ec", To: (*texts)(&q.Required)},
		exact.Member{Name: "keyring", To: &q.Keyring},
		exact.Member{Name: "plaintext", To: &q.Plaintext},
		exact.Member{Name: "plaintext_len", To: &q.PlaintextLen},
		exact.Member{Name: "ciphertext", To: &q.Ciphertext},
		exact.Member{Name: "ciphertext_file", To: &q.CiphertextFile})
}

// answer is what a line is answered with.
type answer struct {
	ID         json.RawMessage             `json:"id"`
	OK         bool                        `json:"ok"`
	Ciphertext *string                     `json:"ciphertext,omitempty"`
	Plaintext  *string                     `json:"plaintext,omitempty"`
	Context    *envelope.EncryptionContext `json:"ec,omitempty"`
	Suite      string                      `json:"suite,omitempty"`
	Error      string                      `json:"error,omitempty"`
}

// inputError is a line or key that cannot be used.
type inputError string

func (e inputError) Error() string { return string(e) }

// serve answers each line of in that begins with a brace.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	services := &kmsServices{}
	return jsonline.Serve(in, out, func(line []byte) any {
		if line[0] != '{' {
			return nil
		}
		return respond(ctx, services, line)
	})
}

func respond(ctx context.Context, services *kmsServices, line []byte) *answer {
	var q request
	var a *answer
	var err error
	switch {
	case !utf8.Valid(line):
		err = inputError("the line is not UTF-8")
	case json.Unmarshal(line, &q) != nil:
		err = inputError("the line is not a request")
	default:
		a, err = q.do(ctx, services)
	}
	if err != nil {
		a = &answer{Error: errorText(err)}
	}
	if a.ID = q.ID; a.ID == nil {
		a.ID = json.RawMessage("null")
	}
	return a
}

func (q *request) do(ctx context.Context, services *kmsServices) (*answer, error) {
	if q.Keyring == nil {
		return nil, inputError("no keyring")
	}
	cfg := envelope.Config{FrameLength: q.Frame, MaxEncryptedDataKeys: q.MaxEDKs, RequiredContextKeys: q.Required}
	if err := cfg.Commitment.UnmarshalText([]byte(q.Commitment)); err != nil {
		return nil, err
	}
	if q.Suite != "" && q.Op == "encrypt" {
		if err := cfg.Suite.UnmarshalText([]byte(q.Suite)); err != nil {
			return nil, err
		}
	}
	var err error
	if cfg.Keyring, err = q.Keyring.build(ctx, services); err != nil {
		return nil, err
	}
	c, err := envelope.New(cfg)
	if err != nil {
		return nil, err
	}
	switch q.Op {
	case "encrypt":
		return q.encrypt(ctx, c)
	case "decrypt":
		return q.decrypt(ctx, c)
	default:
		return nil, inputError(fmt.Sprintf("unknown op %q", q.Op))
	}
}

func (q *request) encrypt(ctx context.Context, c *envelope.Client) (*answer, error) {
	plaintext, err := q.plaintext()
	if err != nil {
		return nil, err
	}
	message, err := c.Encrypt(ctx, nil, plaintext, q.Context)
	if err != nil {
		return nil, err
	}
	// The header is one's own: there is nobody it could have been forged by.
	h, err := envelope.Inspect(bytes.NewReader(message))
	if err != nil {
		return nil, err
	}
	all := envelope.EncryptionContext{}
	for _, pairs := range []envelope.EncryptionContext{q.Context, h.Context} {
		for k, v := range pairs {
			all[k] = v
		}
	}
	text := base64.StdEncoding.EncodeToString(message)
	return &answer{OK: true, Ciphertext: &text, Context: &all, Suite: suiteID(h.Suite)}, nil
}

func (q *request) plaintext() ([]byte, error) {
	switch {
	case q.Plaintext != nil && q.PlaintextLen != nil:
		return nil, inputError("both plaintext and plaintext_len")
	case q.Plaintext != nil:
		plaintext, err := base64.StdEncoding.DecodeString(*q.Plaintext)
		if err != nil {
			return nil, inputError("the plaintext is not base64")
		}
		return plaintext, nil
	case q.PlaintextLen == nil || *q.PlaintextLen < 0 || *q.PlaintextLen > 1<<30:
		return nil, inputError("no plaintext, or a plaintext_len that is not 0 to 2^30")
	}
	plaintext := make([]byte, *q.PlaintextLen)
	for i := range plaintext {
		plaintext[i] = byte((7*i + 3) % 251)
	}
	return plaintext, nil
}

func (q *request) decrypt(ctx context.Context, c *envelope.Client) (*answer, error) {
	message, err := q.message()
	if err != nil {
		return nil, err
	}
	plaintext, h, err := c.Decrypt(ctx, nil, message, q.Context)
	if err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(plaintext)
	all := h.Context
	if all == nil {
		all = envelope.EncryptionContext{}
	}
	return &answer{OK: true, Plaintext: &text, Context: &all, Suite: suiteID(h.Suite)}, nil
}

func (q *request) message() ([]byte, error) {
	switch {
	case q.Ciphertext != nil && q.CiphertextFile != "":
		return nil, inputError("both ciphertext and ciphertext_file")
	case q.Ciphertext != nil:
		message, err := base64.StdEncoding.DecodeString(*q.Ciphertext)
		if err != nil {
			return nil, inputError("the ciphertext is not base64")
		}
		return message, nil
	case q.CiphertextFile == "":
		return nil, inputError("no ciphertext")
	}
	message, err := os.ReadFile(q.CiphertextFile)
	if err != nil {
		return nil, inputError("the ciphertext_file cannot be read")
	}
	return message, nil
}

func suiteID(s envelope.Suite) string {
	text, err := s.MarshalText()
	if err != nil {
		return ""
	}
	return string(text)
}

// sentinels are the kinds of errors by the names they have in package
// envelope.
var sentinels = []struct {
	kind error
	name string
}{
	{envelope.ErrFormat, "ErrFormat"},
	{envelope.ErrUnsupportedSuite, "ErrUnsupportedSuite"},
	{envelope.ErrLooksBase64, "ErrLooksBase64"},
	{envelope.ErrCommitmentPolicy, "ErrCommitmentPolicy"},
	{envelope.ErrSignedSuite, "ErrSignedSuite"},
	{envelope.ErrLimit, "ErrLimit"},
	{envelope.ErrEncryptionContext, "ErrEncryptionContext"},
	{envelope.ErrNoMatchingKey, "ErrNoMatchingKey"},
	{envelope.ErrMaterials, "ErrMaterials"},
	{envelope.ErrCommitment, "ErrCommitment"},
	{envelope.ErrHeaderAuth, "ErrHeaderAuth"},
	{envelope.ErrFrameAuth, "ErrFrameAuth"},
	{envelope.ErrTruncated, "ErrTruncated"},
	{envelope.ErrSignature, "ErrSignature"},
	{envelope.ErrTrailingData, "ErrTrailingData"},
	{envelope.ErrUnsupported, "ErrUnsupported"},
	{envelope.ErrFIPS, "ErrFIPS"},
	{envelope.ErrRewrapUnsafe, "ErrRewrapUnsafe"},
	{envelope.ErrKeyring, "ErrKeyring"},
	{envelope.ErrConfig, "ErrConfig"},
}

// errorText begins with the name of the error's kind.
func errorText(err error) string {
	var e *envelope.Error
	if errors.As(err, &e) {
		for _, s := range sentinels {
			if s.kind == e.Kind {
				return s.name + ": " + err.Error()
			}
		}
	}
	return "ErrInput: " + err.Error()
}
