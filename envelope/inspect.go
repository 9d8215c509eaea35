// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bufio"
	"bytes"
	"io"
)

// UnauthenticatedHeader is what the header of a message says of itself.
// Nothing of it has been proven: anybody could have written it. Decide nothing
// by it that a forger must not decide; [Header] is the proven one.
type UnauthenticatedHeader struct {
	Version           int               // of the format, 1 or 2
	Suite             Suite             // the algorithm suite
	MessageID         []byte            // 16 bytes in version 1, 32 in version 2
	Context           EncryptionContext // the pairs that the message stores
	EncryptedDataKeys []EncryptedDataKey
	Framed            bool   // how the body is written
	FrameLength       int64  // plaintext bytes of a regular frame; 0 when not framed
	CommitKey         []byte // 32 bytes of committing suites, else nil
	Length            int    // bytes of the header, its authentication included
}

// Inspect reads the header at the start of a message, without any key, within
// the limits of a [Config]'s zero value. It may read past the header. See
// [UnauthenticatedHeader] for what must not be done with the result.
func Inspect(r io.Reader) (*UnauthenticatedHeader, error) {
	h, err := readUnauthenticated(bufio.NewReader(r), defaultMaxHeaderBytes, defaultMaxPairs)
	if err != nil {
		return nil, err
	}
	return h.unauthenticated(), nil
}

// readUnauthenticated parses a header and leaves r behind it.
func readUnauthenticated(r *bufio.Reader, headerBytes, pairs int) (*header, error) {
	h := &header{}
	if err := h.parse(&source{r: r}, limits{frameLen: maxFrames, headerBytes: headerBytes, pairs: pairs}); err != nil {
		return nil, err
	}
	return h, nil
}

// unauthenticated returns the caller's copy of a header that nothing proves.
func (h *header) unauthenticated() *UnauthenticatedHeader {
	var copied Header
	copied.copy(h.messageID, h.edks, nil, nil)
	return &UnauthenticatedHeader{
		Version:           int(h.spec.version),
		Suite:             h.spec.id,
		MessageID:         copied.MessageID,
		Context:           h.context.pairs,
		EncryptedDataKeys: copied.EncryptedDataKeys,
		Framed:            h.framed,
		FrameLength:       int64(h.frameLen),
		CommitKey:         bytes.Clone(h.commitKey),
		Length:            len(h.raw),
	}
}

// PlaintextSize returns the plaintext bytes that a message of messageSize
// bytes with this header holds, if the message is what it says. Where no
// sequence of frames has that size the error is [ErrFormat] or [ErrTruncated].
// Signed messages end in a signature whose length varies, and are
// [ErrUnsupported].
func (h *UnauthenticatedHeader) PlaintextSize(messageSize int64) (int64, error) {
	if h.Suite.Signing() {
		return 0, fail(ErrUnsupported, "the size of a signed message does not tell its plaintext's")
	}
	body := messageSize - int64(h.Length)
	if !h.Framed {
		if body -= nonFramedPrefix + tagLen; body < 0 {
			return 0, truncated(max(messageSize, 0), nil)
		}
		return body, nil
	}
	if h.FrameLength <= 0 {
		return 0, fail(ErrFormat, "framed message with frame length 0")
	}
	p, err := planBody(int64(h.Length), body, h.FrameLength)
	if err != nil {
		return 0, err
	}
	return p.size(), nil
}

// RawAES takes apart the info of a key that a [RawAES] keyring wrapped: the
// wrapping key's name and the IV. ok is false for every other key.
func (k *EncryptedDataKey) RawAES() (name string, iv []byte, ok bool) {
	if k.ProviderID == kmsProvider {
		return "", nil, false
	}
	return rawAESName(k.ProviderInfo)
}

// KMS takes apart the info of a key that KMS wrapped. ok is false for every
// other key.
func (k *EncryptedDataKey) KMS() (partition, region, account, keyID string, ok bool) {
	if k.ProviderID != kmsProvider {
		return "", "", "", "", false
	}
	a, ok := parseKeyARN(string(k.ProviderInfo))
	return a.Partition, a.Region, a.Account, a.id, ok
}
