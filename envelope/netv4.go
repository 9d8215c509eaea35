// SPDX-License-Identifier: Apache-2.0

package envelope

import "slices"

// verifyNetV4 repeats the header check the way the .NET release 4.0.0 wrote
// headers (ENV-26): version 1 keys derived without the message id, and an
// empty set of required pairs authenticated as a count of zero.
func (in *incoming) verifyNetV4(c *Client) error {
	h := &in.header
	var id []byte
	if h.spec.version == 2 {
		id = h.messageID
	}
	if err := in.derived.derive(c.derivers, h.spec, in.materials.DataKey, id); err != nil {
		return err
	}
	aead, err := in.derived.aead(h.spec)
	if err != nil {
		return err
	}
	in.frames.init(aead, h.messageID, int(h.frameLen), c.cfg.Strict)
	aad := slices.Clone(h.body)
	if len(in.materials.RequiredKeys) > 0 {
		aad = appendContext(aad, in.materials.Context, in.notStored)
	} else {
		aad = append(aad, 0, 0)
	}
	if _, err := aead.Open(nil, h.iv, h.tag, aad); err != nil {
		return fail(ErrHeaderAuth, "")
	}
	in.netV4 = true
	return nil
}
