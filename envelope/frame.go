// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"math"
)

const (
	regularText   = "AWSKMSEncryptionClient Frame"
	finalText     = "AWSKMSEncryptionClient Final Frame"
	nonFramedText = "AWSKMSEncryptionClient Single Block"

	finalMarker = math.MaxUint32 // stands where a regular frame has its number
	maxFrames   = math.MaxUint32

	regularPrefix   = 4 + ivLen              // sequence number, IV
	regularOverhead = regularPrefix + tagLen // 32
	finalPrefix     = 4 + 4 + ivLen + 4      // marker, sequence number, IV, length
	finalOverhead   = finalPrefix + tagLen   // 40
	nonFramedPrefix = ivLen + 8

	maxNonFramed = 1<<36 - 32 // GCM's own limit
)

// frameCipher seals and opens the frames of one message. It holds scratch, so
// every goroutine has its own; they share the AEAD.
type frameCipher struct {
	aead     cipher.AEAD
	frameLen int
	strict   bool // refuse a stored IV that is not the sequence number

	// AAD templates, whose last 12 bytes (number, length) are patched.
	regular, final []byte
	iv             [ivLen]byte
	room           [2 * (32 + len(finalText) + 12)]byte
}

// init prepares c for the frames of the message.
func (c *frameCipher) init(aead cipher.AEAD, messageID []byte, frameLen int, strict bool) {
	c.aead, c.frameLen, c.strict = aead, frameLen, strict
	room := appendBodyAAD(c.room[:0], messageID, regularText)
	c.regular = room[:len(room):len(room)]
	room = appendBodyAAD(room, messageID, finalText)
	c.final = room[len(c.regular):]
}

// clone returns a cipher for another goroutine.
func (c *frameCipher) clone() *frameCipher {
	d := &frameCipher{}
	d.copy(c)
	return d
}

// copy makes c what from is, with scratch of its own.
func (c *frameCipher) copy(from *frameCipher) {
	c.aead, c.frameLen, c.strict = from.aead, from.frameLen, from.strict
	c.regular = append(c.room[:0], from.regular...)
	c.final = append(c.regular[len(c.regular):], from.final...)
}

// appendBodyAAD appends the AAD of body content with number and length left
// zero (ENV-33).
func appendBodyAAD(dst, messageID []byte, text string) []byte {
	dst = append(dst, messageID...)
	dst = append(dst, text...)
	return append(dst, make([]byte, 12)...)
}

// patch completes an AAD template.
func patch(aad []byte, seq uint32, length int) []byte {
	binary.BigEndian.PutUint32(aad[len(aad)-12:], seq)
	binary.BigEndian.PutUint64(aad[len(aad)-8:], uint64(length))
	return aad
}

// setIV makes the IV that this package writes for the number (ENV-34).
func (c *frameCipher) setIV(seq uint32) {
	binary.BigEndian.PutUint32(c.iv[ivLen-4:], seq)
}

// sealRegular appends the regular frame of the plaintext, frameLen bytes.
func (c *frameCipher) sealRegular(dst []byte, seq uint32, plaintext []byte) []byte {
	c.setIV(seq)
	dst = binary.BigEndian.AppendUint32(dst, seq)
	dst = append(dst, c.iv[:]...)
	return c.aead.Seal(dst, c.iv[:], plaintext, patch(c.regular, seq, len(plaintext)))
}

// sealFinal appends the final frame of the plaintext, at most frameLen bytes.
func (c *frameCipher) sealFinal(dst []byte, seq uint32, plaintext []byte) []byte {
	c.setIV(seq)
	dst = binary.BigEndian.AppendUint32(dst, finalMarker)
	dst = binary.BigEndian.AppendUint32(dst, seq)
	dst = append(dst, c.iv[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(plaintext)))
	return c.aead.Seal(dst, c.iv[:], plaintext, patch(c.final, seq, len(plaintext)))
}

// sealRun appends the regular frames of the plaintext, a whole number of
// frames, the first of them numbered seq.
func (c *frameCipher) sealRun(dst []byte, seq uint32, plaintext []byte) []byte {
	for ; len(plaintext) > 0; seq++ {
		dst = c.sealRegular(dst, seq, plaintext[:c.frameLen])
		plaintext = plaintext[c.frameLen:]
	}
	return dst
}

// openRegular appends the plaintext of a whole regular frame, whose number
// must be seq.
func (c *frameCipher) openRegular(dst []byte, seq uint32, frame []byte) ([]byte, error) {
	if got := binary.BigEndian.Uint32(frame); got != seq {
		return dst, failFrame(ErrFormat, seq, "frame out of sequence")
	}
	return c.open(dst, seq, frame[4:regularPrefix], frame[regularPrefix:], patch(c.regular, seq, c.frameLen))
}

// openFinal appends the plaintext of a whole final frame, marker included,
// whose fixed part has passed finalLength.
func (c *frameCipher) openFinal(dst []byte, seq uint32, frame []byte) ([]byte, error) {
	return c.open(dst, seq, frame[8:8+ivLen], frame[finalPrefix:], patch(c.final, seq, len(frame)-finalOverhead))
}

// openRun appends the plaintext of whole regular frames, the first of them
// numbered seq. dst has room for it all: nothing is written elsewhere, so that
// a failure leaves one place to wipe.
func (c *frameCipher) openRun(dst []byte, seq uint32, frames []byte) ([]byte, error) {
	size := c.frameLen + regularOverhead
	var err error
	for ; len(frames) > 0; seq++ {
		if dst, err = c.openRegular(dst, seq, frames[:size]); err != nil {
			return dst, err
		}
		frames = frames[size:]
	}
	return dst, nil
}

func (c *frameCipher) open(dst []byte, seq uint32, iv, sealed, aad []byte) ([]byte, error) {
	if c.strict {
		c.setIV(seq)
		if subtle.ConstantTimeCompare(iv, c.iv[:]) != 1 {
			return dst, failFrame(ErrFormat, seq, oddIV)
		}
	}
	out, err := c.aead.Open(dst, iv, sealed, aad)
	if err != nil {
		return dst, failFrame(ErrFrameAuth, seq, "")
	}
	return out, nil
}

// moreFrames reports, as the fault it is, that what follows a final frame is
// another frame: a final one, which no footer begins like, or in an unsigned
// message a regular one.
func moreFrames(rest []byte, final uint32, signed bool) error {
	if len(rest) < 4 {
		return nil
	}
	switch seq := binary.BigEndian.Uint32(rest); {
	case seq == finalMarker:
		return failFrame(ErrFormat, final, "a second final frame")
	case !signed && seq == final+1:
		return failFrame(ErrFormat, final, "a frame after the final one")
	default:
		return nil
	}
}

// frameCount returns the number of frames of a plaintext, final one included.
func frameCount(plaintext, frameLen int64) int64 {
	if plaintext == 0 {
		return 1
	}
	return (plaintext-1)/frameLen + 1
}

// bodySize returns the bytes of the body of a plaintext (ENV-40).
func bodySize(plaintext, frameLen int64) int64 {
	return plaintext + regularOverhead*(frameCount(plaintext, frameLen)-1) + finalOverhead
}
