// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// clear0 writes what it is given.
type clear0 struct{}

type clearWriter struct{ io.Writer }

func (clearWriter) Close() error { return nil }
func (clearWriter) ID() string   { return "" }

func (clear0) NewWriter(_ context.Context, w io.Writer, _ store.Name) (store.BodyWriter, error) {
	return clearWriter{w}, nil
}

func (clear0) NewReader(_ context.Context, ra io.ReaderAt, _ int64, _ store.Name, _ string) (io.ReaderAt, error) {
	return ra, nil
}

func (clear0) Seal(_ context.Context, info []byte, _ store.Name) ([]byte, error) { return info, nil }

func (clear0) Unseal(_ context.Context, sealed []byte, _ store.Name) ([]byte, error) {
	return sealed, nil
}
