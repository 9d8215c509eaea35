// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"sync"
)

// input is standard input, of which nobody waits for more once the context has
// ended: a file that is open for reading does not let go of who reads it. It
// reads nothing before it is asked to.
type input struct {
	ctx  context.Context //nolint:containedctx // of the program
	r    io.Reader
	once sync.Once
	pipe *io.PipeReader
}

func (in *input) Read(b []byte) (int, error) {
	in.once.Do(func() {
		r, w := io.Pipe()
		in.pipe = r
		context.AfterFunc(in.ctx, func() { _ = w.CloseWithError(in.ctx.Err()) })
		go func() {
			_, err := io.Copy(w, in.r)
			_ = w.CloseWithError(err)
		}()
	})
	return in.pipe.Read(b)
}
