// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"io"
)

// Name is what an encrypted message is bound to: the ciphertext of one object
// does not open as another.
type Name struct{ Bucket, Key string }

// A Cipher encrypts what the store writes. Bodies stream and are read at any
// offset; infos are small and are opened once for every object listed.
type Cipher interface {
	// NewWriter encrypts a body to w. Close ends the message.
	NewWriter(ctx context.Context, w io.Writer, name Name) (BodyWriter, error)
	// NewReader opens the body message of the given length. It fails unless the
	// message is the one with this id.
	NewReader(ctx context.Context, ra io.ReaderAt, length int64, name Name, id string) (io.ReaderAt, error)
	// Seal and Unseal encrypt and decrypt an info.
	Seal(ctx context.Context, info []byte, name Name) ([]byte, error)
	Unseal(ctx context.Context, sealed []byte, name Name) ([]byte, error)
}

// A BodyWriter takes a body's plaintext. ID names the message once Close has
// returned, so that an info can say which body is its own. Release is called
// last, when the body has been published or given up.
type BodyWriter interface {
	io.WriteCloser
	ID() string
	Release()
}
