// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainCipher is a Cipher that encrypts nothing, and keeps to its contract otherwise.
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

// hooked is a plain cipher that does something before it seals or unseals.
type hooked struct {
	plainCipher
	seal, unseal func()
}

func (c *hooked) Seal(_ context.Context, info []byte, _ Name) ([]byte, error) {
	run(&c.seal)
	return info, nil
}

func (c *hooked) Unseal(_ context.Context, sealed []byte, _ Name) ([]byte, error) {
	run(&c.unseal)
	return sealed, nil
}

// run runs a hook once.
func run(hook *func()) {
	if f := *hook; f != nil {
		*hook = nil
		f()
	}
}

// openHooked is a store with a bucket whose cipher has hooks.
func openHooked(t *testing.T) (*Store, *hooked) {
	t.Helper()
	c := &hooked{}
	s, err := Open(t.TempDir(), c, Written)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.CreateBucket("bucket", "owner"))
	return s, c
}
