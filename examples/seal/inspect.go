// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/sallyport-go/sallyport/envelope"
)

// description is what "seal inspect -json" prints. Nothing of it is proven, but
// what the note says.
type description struct {
	Version       int                        `json:"version"`
	Suite         envelope.Suite             `json:"suite"`
	SuiteName     string                     `json:"suite_name"`
	MessageID     string                     `json:"message_id"`
	Context       envelope.EncryptionContext `json:"encryption_context"`
	NotStored     []string                   `json:"not_stored,omitempty"`
	Keys          []keyDescription           `json:"encrypted_data_keys"`
	Framed        bool                       `json:"framed"`
	FrameLength   int64                      `json:"frame_length,omitempty"`
	CommitKey     string                     `json:"commit_key,omitempty"`
	HeaderLength  int                        `json:"header_length"`
	PlaintextSize *int64                     `json:"plaintext_size,omitempty"`
	Frames        *int64                     `json:"frames,omitempty"`
	Findings      []findingDescription       `json:"findings"`
	Note          string                     `json:"note"`
}

type keyDescription struct {
	Provider string `json:"provider"`
	Key      string `json:"key"`
	Length   int    `json:"length"`
}

// inspect shows a header and what speaks against the message; with a key, a
// header that the key proves.
func (o *options) inspect(ctx context.Context, out io.Writer, in io.Reader, size int64) error {
	cfg, proven := o.config, (*envelope.Header)(nil)
	if len(o.keys) > 0 {
		var err error
		if cfg.Keyring, err = o.keys.keyring(ctx); err != nil {
			return err
		}
		var seen bytes.Buffer
		if proven, err = o.proveHeader(ctx, cfg.Keyring, io.TeeReader(in, &seen)); err != nil {
			return err
		}
		in = io.MultiReader(&seen, in)
	}
	h, found, err := envelope.Lint(in, cfg)
	if err != nil {
		return err
	}
	d := describe(h, size)
	d.Findings = describeFindings(found)
	if proven != nil {
		d.Context, d.NotStored = proven.Context, proven.RequiredKeys
		d.Note = "the header is authentic under the key given; the body was not decrypted"
	}
	if o.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(d)
	}
	return d.print(out)
}

func (o *options) proveHeader(ctx context.Context, ring envelope.Keyring, in io.Reader) (*envelope.Header, error) {
	c, err := o.client(ring, 0, 0)
	if err != nil {
		return nil, err
	}
	r, err := c.NewReader(ctx, in, envelope.EncryptionContext(o.context))
	if err != nil {
		return nil, err
	}
	return r.Header(), r.Close()
}

func describe(h *envelope.UnauthenticatedHeader, size int64) *description {
	if h.Context == nil {
		h.Context = envelope.EncryptionContext{} // an object in JSON, as any other
	}
	d := &description{
		Version: h.Version, Suite: h.Suite, SuiteName: h.Suite.String(), MessageID: hex.EncodeToString(h.MessageID),
		Context: h.Context, Framed: h.Framed, FrameLength: h.FrameLength, CommitKey: hex.EncodeToString(h.CommitKey),
		HeaderLength: h.Length, Note: "not authenticated: anybody could have written this header",
	}
	for i := range h.EncryptedDataKeys {
		k := &h.EncryptedDataKeys[i]
		key := string(k.ProviderInfo)
		if name, _, ok := k.RawAES(); ok {
			key = name
		}
		d.Keys = append(d.Keys, keyDescription{k.ProviderID, key, len(k.Ciphertext)})
	}
	if size < 0 {
		return d
	}
	if n, err := h.PlaintextSize(size); err == nil {
		d.PlaintextSize = &n
		if h.Framed { // by the length of the body: the final frame may hold nothing
			const regular, final = 4 + 12 + 16, 4 + 4 + 12 + 4 + 16 // beside the content
			frames := (size-int64(h.Length)-final)/(h.FrameLength+regular) + 1
			d.Frames = &frames
		}
	}
	return d
}

func (d *description) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "format version\t%d\n", d.Version)
	fmt.Fprintf(t, "suite\t%s (%s)\n", suiteID(d.Suite), d.SuiteName)
	fmt.Fprintf(t, "message id\t%s\n", d.MessageID)
	keys := make([]string, 0, len(d.Context))
	for k := range d.Context {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		stored := ""
		if slices.Contains(d.NotStored, k) {
			stored = " (not stored)"
		}
		fmt.Fprintf(t, "context\t%q = %q%s\n", k, d.Context[k], stored)
	}
	for _, k := range d.Keys {
		fmt.Fprintf(t, "data key\t%q, %q, %d bytes\n", k.Provider, k.Key, k.Length)
	}
	if d.Framed {
		fmt.Fprintf(t, "frame length\t%d\n", d.FrameLength)
	} else {
		fmt.Fprintf(t, "body\tnot framed\n")
	}
	if d.CommitKey != "" {
		fmt.Fprintf(t, "commit key\t%s\n", d.CommitKey)
	}
	fmt.Fprintf(t, "header length\t%d\n", d.HeaderLength)
	if d.PlaintextSize != nil {
		fmt.Fprintf(t, "plaintext size\t%d\n", *d.PlaintextSize)
	}
	if d.Frames != nil {
		fmt.Fprintf(t, "frames\t%d\n", *d.Frames)
	}
	for _, f := range d.Findings {
		fmt.Fprintf(t, "finding\t%s\n", f)
	}
	fmt.Fprintf(t, "note\t%s\n", d.Note)
	return t.Flush()
}
