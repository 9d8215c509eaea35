// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"io"
)

// plain is a Cipher that encrypts nothing, and keeps to its contract otherwise.
type plainCipher struct{}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }
func (plainWriter) ID() string   { return "plain" }
func (plainWriter) Release()     {}

func (plainCipher) NewWriter(_ context.Context, w io.Writer, _ Name) (BodyWriter, error) {
	return plainWriter{w}, nil
}

func (plainCipher) NewReader(_ context.Context, ra io.ReaderAt, _ int64, _ Name, id string) (io.ReaderAt, error) {
	if id != "plain" {
		return nil, errors.New("not this message")
	}
	return ra, nil
}

func (plainCipher) Seal(_ context.Context, info []byte, _ Name) ([]byte, error) { return info, nil }
func (plainCipher) Unseal(_ context.Context, sealed []byte, _ Name) ([]byte, error) {
	return sealed, nil
}
