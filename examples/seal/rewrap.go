// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/sallyport-go/sallyport/envelope"
)

// renewal gives messages to new keys. It is safe for concurrent use.
type renewal struct {
	o    *options
	from *envelope.Client
	to   envelope.Keyring
	give envelope.Keyring // to, for a data key that is there already
}

func (o *options) newRenewal(ctx context.Context, from envelope.Keyring, to []envelope.Keyring) (*renewal, error) {
	r := &renewal{o: o, to: to[0], give: to[0]}
	var err error
	if len(to) > 1 {
		if r.to, err = asKeyring(envelope.NewMulti(to[0], to[1:]...)); err == nil {
			r.give, err = asKeyring(envelope.NewMulti(nil, to...))
		}
		if err != nil {
			return nil, err
		}
	}
	if r.from, err = o.client(from, 0, 0); err == nil {
		_, err = o.client(r.to, o.config.Suite, o.config.FrameLength) // what the flags ask for
	}
	return r, err
}

// rewrap gives one message to the new keys.
func (o *options) rewrap(ctx context.Context, out io.Writer, in io.Reader) error {
	from, err := o.keys.keyring(ctx)
	if err != nil {
		return err
	}
	to, err := o.newKeys.keyrings(ctx)
	if err != nil {
		return err
	}
	r, err := o.newRenewal(ctx, from, to)
	if err != nil {
		return err
	}
	var seen bytes.Buffer
	h, err := envelope.Inspect(io.TeeReader(in, &seen))
	if err != nil {
		return err
	}
	return r.renew(ctx, h, out, io.MultiReader(&seen, in))
}

// renew writes the message that has this header anew. The plaintext is written
// nowhere. What the header says is proven before the first byte of it counts:
// a message whose header was changed is refused.
func (r *renewal) renew(ctx context.Context, h *envelope.UnauthenticatedHeader, out io.Writer, in io.Reader) error {
	ec := envelope.EncryptionContext(r.o.context)
	if r.o.keepDataKey {
		_, err := r.from.Rewrap(ctx, out, in, r.give, ec)
		return err
	}
	to, err := r.client(h)
	if err != nil {
		return err
	}
	_, err = r.from.Reencrypt(ctx, out, in, to, ec)
	return err
}

// client makes the client that writes in a message's place: with its suite and
// frame length where the flags name no others, and with key commitment.
func (r *renewal) client(h *envelope.UnauthenticatedHeader) (*envelope.Client, error) {
	suite, frame := r.o.config.Suite, r.o.config.FrameLength
	if suite == 0 {
		if suite = h.Suite; !suite.Committing() && r.o.config.Commitment != envelope.ForbidEncryptAllowDecrypt {
			suite = envelope.Suite0478
			if h.Suite.Signing() {
				suite = envelope.Suite0578
			}
		}
	}
	if frame == 0 {
		frame = h.FrameLength // 0 for a message that is not framed: the default
	}
	cfg := r.o.config
	cfg.Keyring, cfg.Suite, cfg.FrameLength = r.to, suite, frame
	return envelope.New(cfg)
}

// A keyName is how a header names a wrapping key: what differs from message to
// message under one key is left out.
type keyName struct{ provider, key string }

func nameOf(k *envelope.EncryptedDataKey) keyName {
	name := keyName{k.ProviderID, string(k.ProviderInfo)}
	if key, _, ok := k.RawAES(); ok {
		name.key = key
	}
	if info := k.ProviderInfo; name.provider == "raw-ecdh" && len(info) > 5 && len(info) >= 5+int(info[4]) {
		name.key = string(info[:5+int(info[4])]) // the recipient; the sender may be new for each message
	}
	return name
}

func namesOf(keys []envelope.EncryptedDataKey) []keyName {
	names := make([]keyName, len(keys))
	for i := range keys {
		names[i] = nameOf(&keys[i])
	}
	return names
}

// probe encrypts nothing under the new keys, and opens it: the names that a
// header under them has. Keys that cannot open what they wrap are refused: a
// file that was done could not be known again.
func (r *renewal) probe(ctx context.Context) ([]keyName, error) {
	cfg := envelope.Config{Keyring: r.to, Suite: envelope.Suite0478}
	c, err := envelope.New(cfg)
	if err != nil {
		return nil, err
	}
	ec := envelope.EncryptionContext(r.o.context) // a key's policy may ask for it
	message, err := c.Encrypt(ctx, nil, nil, ec)
	if err != nil {
		return nil, fmt.Errorf("the new keys: %w", err)
	}
	_, h, err := c.Decrypt(ctx, nil, message, ec)
	if err != nil {
		return nil, &envelope.Error{Kind: envelope.ErrKeyring, Detail: "the new keys cannot open what they wrap", Offset: -1, Cause: err}
	}
	return namesOf(h.EncryptedDataKeys), nil
}
