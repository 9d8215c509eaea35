// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// What can be wrong with a body in pieces. Each is made anew: an *Error is
// completed for its request.

func errBodyLong() error {
	return newError(faultBodyLength, "the body is longer than x-amz-decoded-content-length says")
}

func errBodyShort() error {
	return newError(faultBodyLength, "the body is shorter than x-amz-decoded-content-length says")
}

func errBodyTrailing() error {
	return newError(faultBodyLength, "bytes follow the end of the body")
}

func errBodyTruncated() error {
	return newError(faultBodyLength, "the body ends before its final piece").because(io.ErrUnexpectedEOF)
}

func errFraming(what string) error { return newError(faultBodyLength, "%s", what) }

func errTrailer(what string) error { return newError(faultTrailer, "%s", what) }

func errBadChecksumValue(name string) error {
	return newError(faultPayload, "the value of %s is no digest of its kind", name)
}

func errChecksumDiffers(name string) error {
	return newError(faultChecksum, "%s is not that of the body", name)
}

func errSmallChunk(number int, size int64) error {
	return newError(faultChunkSize, "only the last chunk may be smaller than the least size").
		with("Chunk", strconv.Itoa(number)).with("BadChunkSize", strconv.FormatInt(size, 10))
}

func errChunkHeld(number int, size int64) error {
	return newError(faultChunkSize, "the chunk is larger than this server verifies in memory").
		with("Chunk", strconv.Itoa(number)).with("BadChunkSize", strconv.FormatInt(size, 10))
}

func errChunkSignature(c *chain) error {
	err := newError(faultChunkSignature, "the signature of a chunk or of the trailer is wrong")
	err.StringToSign = string(c.text)
	return err
}

func errEventFrame() error {
	return newError(faultFrame, "the headers of a frame are not :date and :chunk-signature")
}

func errEventSignature() error {
	return newError(faultChunkSignature, "the signature of an event frame is wrong")
}

func errEventSkew(date, now time.Time) error {
	return newError(faultSkew, "the date of an event frame is too far from the server's").
		with("RequestTime", date.UTC().Format(time.RFC3339)).with("ServerTime", now.UTC().Format(time.RFC3339))
}

// On the sending side.

func errSourceLong() error {
	return fmt.Errorf("%w: the body is longer than its ContentLength", ErrPayload)
}

func errSourceShort() error {
	return fmt.Errorf("%w: the body is shorter than its ContentLength: %w", ErrPayload, io.ErrUnexpectedEOF)
}

func errEventEnded() error {
	return fmt.Errorf("%w: the stream has ended", ErrEvent)
}

func errEventLong() error {
	return fmt.Errorf("%w: the message is over 16 MiB", ErrEvent)
}

func errEventHeader() error {
	return fmt.Errorf("%w: the headers are malformed", ErrEvent)
}

func errV4ACounter() error {
	return fmt.Errorf("%w: no SigV4A key pair can be derived from them", ErrCredentials)
}

func errBodyClosed() error { return http.ErrBodyReadAfterClose }
