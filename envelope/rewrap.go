// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bufio"
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/binary"
	"io"
	"maps"
	"slices"
)

// Reencrypt reads one message from src and writes its plaintext to dst as a new
// message of to's: another data key, another message id, to's suite, frame
// length and wrapping keys. The encryption context stays what it was, and pairs
// that the message did not store are not stored again. ec is as for
// [Client.Decrypt]. Errors are those of reading and of writing; a stored pair of
// a reserved key, which this package does not write, is [ErrEncryptionContext].
//
// The plaintext passes in memory of a constant size and is written nowhere. The
// new message is finished, with a final frame and a signature where to's suite
// signs, only when the old one was proven to its end; until Reencrypt returns
// nil, what is in dst opens for nobody to its end.
//
// This is the way to leave a wrapping key for good: who could unwrap the old
// data key learns nothing about the new one. The old message still opens under
// the old key wherever a copy of it is left.
func (c *Client) Reencrypt(ctx context.Context, dst io.Writer, src io.Reader, to *Client, ec EncryptionContext) (*Header, error) {
	r, err := c.NewReader(ctx, src, ec)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // never fails
	pairs := maps.Clone(r.header.Context)
	delete(pairs, publicKeyEntry) // the new message has its own, or none
	required := slices.Concat(to.required, r.header.RequiredKeys)
	slices.Sort(required)
	w, err := to.newWriter(ctx, dst, pairs, slices.Compact(required))
	if err != nil {
		return nil, err
	}
	if _, err := r.WriteTo(w); err != nil {
		w.fail(err)
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return w.header, nil
}

// Rewrap copies one message from src to dst with its data key wrapped by
// another keyring, and nothing else changed but what that takes: the header,
// and in signed messages the key pair and the signature. The frames are copied
// as they are. ec is as for [Client.Decrypt]; to is given the data key, so that
// a [Multi] must be one without a generator.
//
// Only messages of format version 1 can be treated so. A header is
// authenticated under the message's key, so that other wrapped keys need a
// second header tag under it. Version 1 stores the IV of that tag, and the
// second gets a random one. Version 2 has the same IV for all, and two tags
// under one key and IV give away what is needed to forge headers and frames:
// such messages are [ErrRewrapUnsafe] ([Client.Reencrypt] is for them), and so
// are those in the form of the .NET release 4.0.0. Suites of version 1 do not
// commit to their key; the client's Commitment has to be
// [ForbidEncryptAllowDecrypt], which says that they may still be written.
//
// For suites without key derivation, which [Lint] names, the same holds.
//
// Rewrap revokes nothing: the data key is the same, and who could unwrap the
// old message may know it. It is for handing a message on, and for moving large
// ones to a new key where the old one was not lost.
//
// The old message is verified on the way, header, frames, signature and end,
// each piece before it is passed on. Its final frame and the new signature are
// written last, when all of it was good: after an error dst holds nothing that
// opens to its end.
func (c *Client) Rewrap(ctx context.Context, dst io.Writer, src io.Reader, to Keyring, ec EncryptionContext) (*Header, error) {
	br := bufio.NewReader(src)
	in := &incoming{src: source{r: br}}
	err := c.readHeader(ctx, in, ec)
	if err == nil {
		err = c.checkRewrap(in.header.spec)
	}
	if err == nil {
		err = in.prove(ctx, c)
	}
	if err != nil {
		return nil, untangle(err)
	}
	defer in.wipe()
	out, err := c.wrapAgain(ctx, in, to)
	if err != nil {
		return nil, err
	}
	defer out.wipe()
	raw := out.appendHeader(make([]byte, 0, out.headerSize()))
	header := out.public(len(raw))
	relay := newRelay(dst, out)
	if err := relay.pass(raw); err != nil {
		return nil, err
	}
	r := newReader(ctx, in, br, c.tasks, c.workers, c.lim.nonFramed)
	r.relay = relay
	if _, err := r.WriteTo(io.Discard); err != nil {
		return nil, err
	}
	if err := relay.finish(out); err != nil {
		return nil, err
	}
	return header, nil
}

// checkRewrap refuses the suites whose header cannot be written twice
// (ENV-101), and those that the client does not write.
func (c *Client) checkRewrap(spec *suiteSpec) error {
	if spec.version != 1 {
		return fail(ErrRewrapUnsafe, "two header tags of suite "+spec.id.hex()+" under one key would let their readers forge")
	}
	return c.cfg.Commitment.checkEncrypt(spec)
}

// wrapAgain makes what the new header needs out of the proven old one.
func (c *Client) wrapAgain(ctx context.Context, in *incoming, to Keyring) (_ *outgoing, err error) {
	h := &in.header
	if to == nil {
		return nil, fail(ErrConfig, "no keyring to wrap with")
	}
	if in.netV4 {
		return nil, fail(ErrRewrapUnsafe, "the header is in the form of the .NET release 4.0.0")
	}
	m := &EncryptionMaterials{
		Suite: h.spec.id, Context: in.materials.Context, RequiredKeys: slices.Clone(in.materials.RequiredKeys),
		DataKey: bytes.Clone(in.materials.DataKey),
	}
	out := &outgoing{client: c, spec: h.spec, materials: m, derived: in.derived}
	defer func() {
		if err != nil {
			out.wipe()
		}
	}()
	if h.spec.signing() {
		if err := m.addSigningKey(h.spec); err != nil {
			return nil, err
		}
	}
	r := &EncryptionRequest{Suite: m.Suite, Context: m.Context, RequiredKeys: in.materials.RequiredKeys}
	if err := to.OnEncrypt(ctx, m); err != nil {
		return nil, asKind(ErrKeyring, "", err)
	}
	if err := out.checkMaterials(r); err != nil {
		return nil, err
	}
	if err := m.checkSame(r, in.materials.DataKey); err != nil {
		return nil, err
	}
	copy(out.id[:], h.messageID)
	out.frames.init(in.frames.aead, h.messageID, int(h.frameLen), false)
	return out, c.freshIV(out.headerIV[:], h.iv)
}

// checkSame refuses what a keyring may do for a new message and must not for
// one that is there.
func (m *EncryptionMaterials) checkSame(r *EncryptionRequest, dataKey []byte) error {
	if subtle.ConstantTimeCompare(m.DataKey, dataKey) != 1 {
		return fail(ErrMaterials, "the keyring replaced the message's data key")
	}
	if len(m.Context) != len(r.Context) || !slices.Equal(m.RequiredKeys, r.RequiredKeys) {
		return fail(ErrMaterials, "the keyring changed the message's encryption context")
	}
	return nil
}

// freshIV draws the IV of another header tag under a message's key: none that
// the format counts, of which the first 8 bytes are zero, and not the old one
// (ENV-102).
func (c *Client) freshIV(iv, old []byte) error {
	for range 8 {
		if _, err := c.random(iv); err != nil {
			return failCause(ErrMaterials, "no randomness", err)
		}
		if binary.BigEndian.Uint64(iv) != 0 && !bytes.Equal(iv, old) {
			return nil
		}
	}
	return fail(ErrMaterials, "no randomness")
}

// relay passes the sealed body of a message on behind another header: regular
// frames as they are verified, the final one when all of the message was.
type relay struct {
	w      io.Writer
	digest *digester // of the new message; nil when the suite does not sign
	final  []byte    // the final frame, or a body that is not framed
}

func newRelay(w io.Writer, out *outgoing) *relay {
	l := &relay{w: w}
	if out.spec.signing() {
		l.digest = newDigester(out.spec)
	}
	return l
}

// pass writes what was verified. The digest of the old message runs beside it
// in a goroutine of its own.
func (l *relay) pass(sealed []byte) error {
	if l.digest != nil {
		l.digest.last(sealed)
	}
	return writeAll(l.w, sealed)
}

// finish writes what makes the message whole.
func (l *relay) finish(out *outgoing) error {
	if l.digest == nil {
		return writeAll(l.w, l.final)
	}
	l.digest.last(l.final)
	end, err := appendFooter(l.final, out.materials.SigningKey, l.digest.sum())
	if err != nil {
		return err
	}
	return writeAll(l.w, end)
}
