// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"encoding/binary"
	"slices"
	"strconv"
)

// outgoing is one message being written.
type outgoing struct {
	client    *Client
	spec      *suiteSpec
	materials *EncryptionMaterials
	derived   derived
	frames    frameCipher
	id        [32]byte
	headerIV  [ivLen]byte // of the header tag: zeros, but for Rewrap
	request   EncryptionRequest
	own       encryptionRoom
}

// begin obtains the materials of one message and derives its keys. length is
// that of the plaintext, -1 when unknown; required, sorted, are keys not to
// store.
func (c *Client) begin(ctx context.Context, ec EncryptionContext, length int64, required []string) (*outgoing, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.cfg.PlaintextBound > 0 && length > c.cfg.PlaintextBound {
		return nil, fail(ErrLimit, "plaintext longer than PlaintextBound")
	}
	if err := ec.check(c.lim.pairs); err != nil {
		return nil, err
	}
	if err := ec.checkReserved(); err != nil {
		return nil, err
	}
	if err := c.checkRequired(ec); err != nil {
		return nil, err
	}
	o := &outgoing{client: c, spec: c.spec}
	o.request = EncryptionRequest{Suite: c.spec.id, Commitment: c.cfg.Commitment, Context: ec, RequiredKeys: required, PlaintextLength: length}
	var err error
	if o.materials, err = o.ask(ctx); err != nil {
		return nil, err
	}
	if err := o.prepare(&o.request); err != nil {
		o.wipe()
		return nil, err
	}
	return o, nil
}

// ask gets the materials, from the default manager into the message's own
// memory.
func (o *outgoing) ask(ctx context.Context) (*EncryptionMaterials, error) {
	if d, ok := o.client.manager.(*defaultManager); ok {
		return d.encryption(ctx, &o.request, &o.own)
	}
	return o.client.manager.EncryptionMaterials(ctx, &o.request)
}

// prepare checks the materials and makes the message's cipher.
func (o *outgoing) prepare(r *EncryptionRequest) error {
	c := o.client
	if err := o.checkMaterials(r); err != nil {
		return err
	}
	if _, err := c.random(o.messageID()); err != nil {
		return failCause(ErrMaterials, "no randomness", err)
	}
	if err := o.derived.derive(c.derivers, o.spec, o.materials.DataKey, o.messageID()); err != nil {
		return err
	}
	aead, err := o.derived.aead(o.spec)
	if err != nil {
		return err
	}
	o.frames.init(aead, o.messageID(), c.frameLen, false)
	return nil
}

// checkMaterials holds the materials to the request and to the client's limits.
func (o *outgoing) checkMaterials(r *EncryptionRequest) error {
	c := o.client
	if err := o.materials.check(r); err != nil {
		return err
	}
	if n := len(o.materials.EncryptedDataKeys); c.lim.edks > 0 && n > c.lim.edks {
		return fail(ErrLimit, strconv.Itoa(n)+" encrypted data keys")
	}
	if err := o.materials.Context.check(c.lim.pairs); err != nil {
		return err
	}
	if n := o.headerSize(); n > c.lim.headerBytes {
		return fail(ErrLimit, "header of "+strconv.Itoa(n)+" bytes")
	}
	return nil
}

func (o *outgoing) messageID() []byte { return o.id[:o.spec.messageIDLen()] }

// stored reports whether the message stores the pair of the key.
func (o *outgoing) stored(key string) bool {
	return !slices.Contains(o.materials.RequiredKeys, key)
}

// wipe zeroes the message's keys, as far as the program holds them.
func (o *outgoing) wipe() {
	o.materials.wipe()
	o.derived = derived{}
}

// headerSize returns the bytes of the header with its authentication.
func (o *outgoing) headerSize() int {
	n := 1 + 2 + o.spec.messageIDLen() + 2 + 2 + 1 + 4 + tagLen
	if o.spec.version == 1 {
		n += 1 + 4 + 1 + ivLen
	} else {
		n += commitKeyLen
	}
	pairs := 0
	for k, v := range o.materials.Context {
		if o.stored(k) {
			n += 4 + len(k) + len(v)
			pairs++
		}
	}
	if pairs > 0 {
		n += 2
	}
	for i := range o.materials.EncryptedDataKeys {
		k := &o.materials.EncryptedDataKeys[i]
		n += 6 + len(k.ProviderID) + len(k.ProviderInfo) + len(k.Ciphertext)
	}
	return n
}

// appendHeader appends the whole header (ENV-18, ENV-19).
func (o *outgoing) appendHeader(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, o.spec.version)
	if o.spec.version == 1 {
		dst = append(dst, typeCustomer)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(o.spec.id))
	dst = append(dst, o.messageID()...)
	dst = append(dst, 0, 0)
	section := len(dst)
	dst = appendContext(dst, o.materials.Context, o.stored)
	binary.BigEndian.PutUint16(dst[section-2:], uint16(len(dst)-section))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(o.materials.EncryptedDataKeys)))
	for i := range o.materials.EncryptedDataKeys {
		k := &o.materials.EncryptedDataKeys[i]
		dst = appendField(dst, k.ProviderID)
		dst = appendField(dst, k.ProviderInfo)
		dst = appendField(dst, k.Ciphertext)
	}
	content := byte(contentFramed)
	if o.frames.frameLen == 0 { // Rewrap's alone
		content = contentNonFramed
	}
	dst = append(dst, content)
	if o.spec.version == 1 {
		dst = append(dst, 0, 0, 0, 0, ivLen)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(o.frames.frameLen))
	if o.spec.committing {
		dst = append(dst, o.derived.commit[:]...)
	}
	return o.appendAuth(dst, start)
}

// appendAuth appends the tag over the header body that starts at start and
// the pairs that are not stored (ENV-24).
func (o *outgoing) appendAuth(dst []byte, start int) []byte {
	aad := dst[start:]
	if len(o.materials.RequiredKeys) > 0 {
		aad = appendContext(slices.Clone(aad), o.materials.Context, func(k string) bool { return !o.stored(k) })
	}
	iv := o.headerIV[:]
	if o.spec.version == 1 {
		dst = append(dst, iv...)
	}
	return o.frames.aead.Seal(dst, iv, nil, aad)
}

// Encrypt appends to dst one message that holds the plaintext and returns the
// extended slice. ec is the encryption context, which may be nil; it is not
// changed. The message takes what it needs in one allocation, none when dst
// has room. Errors: [ErrEncryptionContext], [ErrLimit], [ErrKeyring],
// [ErrMaterials], or ctx's.
func (c *Client) Encrypt(ctx context.Context, dst, plaintext []byte, ec EncryptionContext) ([]byte, error) {
	if frameCount(int64(len(plaintext)), int64(c.frameLen)) > maxFrames {
		return nil, fail(ErrLimit, "more than 2^32-1 frames")
	}
	o, err := c.begin(ctx, ec, int64(len(plaintext)), c.required)
	if err != nil {
		return nil, err
	}
	defer o.wipe()
	size := int64(o.headerSize()) + bodySize(int64(len(plaintext)), int64(c.frameLen)) + int64(o.spec.maxFooter())
	if size != int64(int(size)) {
		return nil, fail(ErrLimit, "the message does not fit into memory")
	}
	if sharesMemory(dst, plaintext) {
		dst = slices.Clip(dst)
	}
	dst = slices.Grow(dst, int(size))
	start := len(dst)
	dst = o.appendHeader(dst)
	if o.spec.signing() {
		return o.sealSigned(ctx, dst, start, plaintext)
	}
	return o.sealAll(ctx, dst, plaintext)
}

// sharesMemory reports whether two slices end in the same allocation, as
// slices of one another do.
func sharesMemory(a, b []byte) bool {
	return cap(a) > 0 && cap(b) > 0 && &a[:cap(a)][cap(a)-1] == &b[:cap(b)][cap(b)-1]
}

// taskFrames is how many whole frames a goroutine seals or opens at a time:
// as many as fit into 64 KiB, at least one (ENV-107).
func taskFrames(frameLen int) int { return max(1, taskBytes/frameLen) }

const (
	taskBytes     = 64 << 10
	parallelAfter = 1 << 20 // plaintext bytes below which one goroutine is enough
)

// sealAll appends the body, with several goroutines when it is long.
func (o *outgoing) sealAll(ctx context.Context, dst, plaintext []byte) ([]byte, error) {
	f := &o.frames
	regular := int(frameCount(int64(len(plaintext)), int64(f.frameLen)) - 1)
	start := len(dst)
	size := f.frameLen + regularOverhead
	body := dst[start : start+regular*size]
	workers := o.client.workers
	if len(plaintext) <= parallelAfter {
		workers = 1
	}
	if regular == 0 {
		return f.sealFinal(dst, 1, plaintext), ctx.Err()
	}
	s := shares{plaintext: plaintext, sealed: body, regular: regular, per: taskFrames(f.frameLen), sealing: true}
	if err := s.all(ctx, f, workers); err != nil {
		return nil, err
	}
	return f.sealFinal(dst[:start+len(body)], uint32(regular+1), plaintext[regular*f.frameLen:]), nil
}

// sealSigned appends body and footer of a signed message: the digest of what
// is sealed runs beside the sealing of what follows.
func (o *outgoing) sealSigned(ctx context.Context, dst []byte, start int, plaintext []byte) ([]byte, error) {
	f := &o.frames
	d := newDigester(o.spec)
	defer d.wait()
	per := taskFrames(f.frameLen) * f.frameLen
	seq, done := uint32(1), start
	for len(plaintext) > f.frameLen {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// All but the last frame, which may be a whole one, are regular.
		n := min(per, (len(plaintext)-1)/f.frameLen*f.frameLen)
		dst = f.sealRun(dst, seq, plaintext[:n])
		d.add(dst[done:])
		done, seq, plaintext = len(dst), seq+uint32(n/f.frameLen), plaintext[n:]
	}
	dst = f.sealFinal(dst, seq, plaintext)
	d.last(dst[done:])
	return appendFooter(dst, o.materials.SigningKey, d.sum())
}
