// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/sallyport-go/sallyport/envelope"
)

// description is what "seal inspect -json" prints. Nothing of it is proven.
type description struct {
	Version       int                        `json:"version"`
	Suite         envelope.Suite             `json:"suite"`
	SuiteName     string                     `json:"suite_name"`
	MessageID     string                     `json:"message_id"`
	Context       envelope.EncryptionContext `json:"encryption_context"`
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

func (o *options) inspect(in io.Reader, size int64) error {
	h, found, err := envelope.Lint(in, o.config)
	if err != nil {
		return err
	}
	d := describe(h, size)
	d.Findings = describeFindings(found)
	if o.json {
		e := json.NewEncoder(o.stdout)
		e.SetIndent("", "  ")
		return e.Encode(d)
	}
	return d.print(o.stdout)
}

func describe(h *envelope.UnauthenticatedHeader, size int64) *description {
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
		if h.Framed {
			frames := max(1, (n+h.FrameLength-1)/h.FrameLength)
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
		fmt.Fprintf(t, "context\t%q = %q\n", k, d.Context[k])
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
