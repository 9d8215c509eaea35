// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

var errThere = errors.New("there is one")

func absent(current *Info) error {
	if current != nil {
		return errThere
	}
	return nil
}

// TestOneWriterWins has sixteen writers of one key, each of whom wants to be
// the first: one is, the others are told so and leave nothing. A condition that
// does not hold keeps an object from being deleted too.
func TestOneWriterWins(t *testing.T) {
	s := open(t)
	ctx, name := t.Context(), Name{"bucket", "k"}
	for range 20 {
		var wg sync.WaitGroup
		var won, late atomic.Int64
		for range 16 {
			wg.Go(func() {
				w, err := s.Create(ctx, name)
				if err == nil {
					_, err = w.Write([]byte("x"))
				}
				if err == nil {
					err = w.Commit(ctx, &Info{}, absent)
				}
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, errThere):
					late.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		require.EqualValues(t, 15, late.Load())
		require.ErrorIs(t, s.Delete(ctx, name, absent), errThere)
		_, err := s.Stat(ctx, name)
		require.NoError(t, err)
		require.NoError(t, s.Delete(ctx, name, nil))
	}
}
