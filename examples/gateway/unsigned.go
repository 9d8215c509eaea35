// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strings"
)

// checkUnsigned readies the body of a request that a policy allows to
// everybody. No verifier has seen it: a hash that it states is checked here, and
// a body in chunks, whose framing would be stored with it, is refused.
func checkUnsigned(r *http.Request) error {
	values := r.Header.Values("x-amz-content-sha256")
	for _, line := range r.Header.Values("Content-Encoding") {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "aws-chunked") {
				return errUnsignedChunks
			}
		}
	}
	switch {
	case len(r.Header.Values("x-amz-trailer")) > 0:
		return errUnsignedChunks
	case len(values) == 0, len(values) == 1 && values[0] == "UNSIGNED-PAYLOAD":
		return nil
	case len(values) == 1 && strings.HasPrefix(values[0], "STREAMING-"):
		return errUnsignedChunks
	}
	want, err := hex.DecodeString(values[0])
	if err != nil || len(want) != sha256.Size || len(values) > 1 || strings.ToLower(values[0]) != values[0] {
		return refuse("InvalidRequest", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, or a valid sha256 value.")
	}
	r.Body = &hashedBody{r.Body, sha256.New(), want}
	return nil
}

var errUnsignedChunks = refuse("InvalidRequest", "A body in chunks goes with a signed request only.")

// hashedBody is a body that has to have a hash.
type hashedBody struct {
	io.ReadCloser
	hash hash.Hash
	want []byte
}

func (b *hashedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.hash.Write(p[:n])
	if err != io.EOF {
		return n, err
	}
	if sum := b.hash.Sum(nil); subtle.ConstantTimeCompare(sum, b.want) != 1 {
		err = refuse("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.").
			with("ClientComputedContentSHA256", hex.EncodeToString(b.want)).with("S3ComputedContentSHA256", hex.EncodeToString(sum))
	}
	return n, err
}
