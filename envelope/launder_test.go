// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireNotLaundered gives new keys to a message that must be refused, in both
// ways, and holds that what came out opens for nobody: it has no final frame.
func requireNotLaundered(t *testing.T, from *Client, s Suite, message []byte, what string, n int) {
	t.Helper()
	for name, rewrite := range rewritten {
		if name == "Rewrap" && s.Committing() {
			continue
		}
		to := newClient(t, s, 4)
		var dst bytes.Buffer
		h, err := rewrite(t.Context(), from, &dst, message, to, nil)
		var e *Error
		if err == nil || h != nil || !errors.As(err, &e) {
			t.Fatalf("%s, %s %d, suite %s: %v", name, what, n, s.hex(), err)
		}
		if _, _, err = to.Decrypt(t.Context(), nil, dst.Bytes(), nil); !errors.Is(err, ErrTruncated) {
			t.Fatalf("%s, %s %d, suite %s: the output has an end: %v", name, what, n, s.hex(), err)
		}
	}
}

// The attack that rewrapping must not help: to have a changed message made a
// good one. Every bit, every truncation, and bytes behind the end.
func TestRewrapLaundersNothing(t *testing.T) {
	for _, s := range allSuites {
		for _, shape := range []string{"framed", "non-framed"} {
			f := newForge(t, s)
			if shape == "non-framed" {
				nonFramed("abcdef", nil)(f)
			}
			message := f.build(t)
			from := suiteClient(t, s, 4, func(cfg *Config) { cfg.Keyring = fixedKeyring{counting(0x80, 32)} })
			step := 3
			if testing.Short() || s.Signing() && os.Getenv("SALLYPORT_FULL") == "" {
				step = 29 // a flip before the footer costs signatures
			}
			for bit := 0; bit < 8*len(message); bit += step {
				message[bit/8] ^= 1 << (bit % 8)
				requireNotLaundered(t, from, s, message, shape+", bit", bit)
				message[bit/8] ^= 1 << (bit % 8)
			}
			for n := 0; n < len(message); n += (step + 2) / 3 {
				requireNotLaundered(t, from, s, message[:n], shape+", cut to", n)
			}
			for _, n := range []int{1, 2, 16, 40, 100} {
				requireNotLaundered(t, from, s, append(bytes.Clone(message), make([]byte, n)...), shape+", extended by", n)
			}
		}
	}
}

// Who can decrypt has the data key, and can write frames whose tags are good.
// What such a reader cannot make is the writer's signature: rewrapping a signed
// message must not put a good one in the place of a bad one (ENV-103), nor a
// context or order of frames that the writer did not authenticate.
func TestRewrapLaundersNoReader(t *testing.T) {
	for i, row := range failures {
		if row.want == nil || row.config != nil || row.context != nil {
			continue
		}
		_, message := forged(t, i)
		s := row.suite
		if s == 0 {
			s = Suite0478
		}
		t.Run(row.name, func(t *testing.T) {
			from := suiteClient(t, s, 4, func(cfg *Config) { cfg.Keyring = fixedKeyring{counting(0x80, 32)} })
			requireNotLaundered(t, from, s, message, "row", i)
		})
	}
	for _, s := range []Suite{Suite0214, Suite0346, Suite0378, Suite0578} {
		for name, change := range map[string]func(*forge){
			"frame changed":    func(f *forge) { frames(regularAt(1, "evil"), finalAt(2, "ef"))(f); f.badFooter = true },
			"signature of nil": func(f *forge) { f.noFooter = true; f.trailing = []byte{0, 0} },
			"signature cut":    func(f *forge) { f.footerCut = 1 },
			"non-framed":       nonFramed("evil", func(f *forge) { f.badFooter = true }),
			"another's key":    entry(func(f *forge) string { return goodPoint(f.suite.spec().curve) }),
		} {
			t.Run(name+"/"+s.hex(), func(t *testing.T) {
				f := newForge(t, s)
				change(f)
				from := suiteClient(t, s, 4, func(cfg *Config) { cfg.Keyring = fixedKeyring{counting(0x80, 32)} })
				requireNotLaundered(t, from, s, f.build(t), name, 0)
			})
		}
	}
}

// A destination that fails, or a context that ends, leaves no end either.
func TestRewrapInterrupted(t *testing.T) {
	message, err := suiteClient(t, Suite0378, 16).Encrypt(t.Context(), nil, pattern(3<<20), nil)
	require.NoError(t, err)
	from, to := suiteClient(t, Suite0378, 16), newClient(t, Suite0378, 16)
	full := errors.New("disk full")
	for _, room := range []int{0, 10, 1000, 1 << 20} {
		dst := &limitedWriter{room: room, err: full}
		_, err := from.Rewrap(t.Context(), dst, bytes.NewReader(message), to.cfg.Keyring, nil)
		require.ErrorIs(t, err, full)
		dst = &limitedWriter{room: room, err: full}
		_, err = from.Reencrypt(t.Context(), dst, bytes.NewReader(message), to, nil)
		require.ErrorIs(t, err, full)
	}
	for name, rewrite := range rewritten {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var dst bytes.Buffer
		_, err := rewrite(ctx, from, &dst, message, to, nil)
		require.ErrorIs(t, err, context.Canceled, name)
		require.Zero(t, dst.Len())
	}
	ctx, cancel := context.WithCancel(t.Context())
	dst := &limitedWriter{room: 1 << 30, each: func(n int) {
		if n > 100_000 {
			cancel()
		}
	}}
	_, err = from.Rewrap(ctx, dst, bytes.NewReader(message), to.cfg.Keyring, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, dst.n, len(message)/2)
}

// limitedWriter fails once it has taken so many bytes.
type limitedWriter struct {
	room, n int
	err     error
	each    func(n int)
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.n+len(p) > w.room {
		return 0, w.err
	}
	w.n += len(p)
	if w.each != nil {
		w.each(w.n)
	}
	return len(p), nil
}
