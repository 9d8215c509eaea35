// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// rotation is how far the objects have moved to the key that writes now.
type rotation struct {
	Key     string `json:"key"`     // that writes
	Renewed int    `json:"renewed"` // files moved to it since it does
	Failed  int    `json:"failed"`  // of the last pass: the log says why
	Done    bool   `json:"done"`    // nothing is left under another key: those under old can go
}

// rotator moves everything to the key that writes now, in the background, while
// there are old ones, until a pass finds nothing under another key and nobody
// writes under one.
type rotator struct {
	gateway *Gateway
	mu      sync.Mutex
	seen    *vault // by the last pass
	rest    int    // ticks until the next pass
	resting int    // ticks that the last rest had
}

// pass makes one pass over the store. What it did not get done the next will.
func (r *rotator) pass(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.gateway
	v, ok := g.pipeline().cipher.(*vault)
	if !ok {
		return nil // another cipher has keys of its own
	}
	idle := g.writersGone(v) // asked first: what they wrote is there by now
	state := g.rotation.Load()
	if state == nil || r.seen != v {
		next := rotation{Key: v.key, Done: v.alone}
		if state != nil && state.Key == v.key {
			next.Renewed = state.Renewed
		}
		state, r.seen, r.resting = &next, v, 0
		g.rotation.Store(state)
	}
	if state.Done {
		return nil
	}
	if err := v.renewIndex(ctx, filepath.Join(g.config.Store, "index.key")); err != nil {
		return fmt.Errorf("index key: %w", err)
	}
	found, err := g.store.Renew(ctx, v, func(name store.Name, err error) error {
		g.log.LogAttrs(ctx, slog.LevelError, "an object stays under an old key", slog.String("bucket", name.Bucket), slog.String("key", name.Key), slog.Any("cause", err))
		if errors.Is(err, errNoKeys) {
			return err // so would all others
		}
		return nil
	})
	next := *state
	next.Renewed, next.Failed = state.Renewed+found.Renewed, found.Failed
	next.Done = err == nil && idle && found == store.Renewal{}
	g.rotation.Store(&next)
	if next.Done {
		g.log.Info("all objects are under the key: old ones can go", "key", v.key, "renewed", next.Renewed)
	}
	if found.Renewed == 0 { // nothing to do but to wait for a writer, or what fails would fail again
		r.resting = min(2*r.resting+1, 3600)
		r.rest = r.resting
	}
	return err
}

// run makes passes until the context ends.
func (r *rotator) run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if r.due() {
			if err := r.pass(ctx); err != nil && ctx.Err() == nil {
				r.gateway.log.Error("key rotation", "cause", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// due says whether it is time for a pass: there is a new configuration, or the
// rest after one that had nothing to do is over.
func (r *rotator) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gateway.pipeline().cipher != store.Cipher(r.seen) {
		return true
	}
	r.rest--
	return r.rest < 0
}

// writersGone says whether nobody writes under another key than this vault's
// any more.
func (g *Gateway) writersGone(v *vault) bool {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	g.retired = slices.DeleteFunc(g.retired, func(old *vault) bool { return old.key == v.key || old.writing.Load() == 0 })
	return len(g.retired) == 0
}

// Fresh says whether the message is under the key that writes, and no other.
func (v *vault) Fresh(message io.Reader) (bool, error) {
	h, err := envelope.Inspect(message)
	if err != nil {
		return false, err
	}
	return keysOf(h.EncryptedDataKeys) == v.key, nil
}

// keysOf names the wrapping keys of a message.
func keysOf(keys []envelope.EncryptedDataKey) string {
	var names bytes.Buffer
	for i, k := range keys {
		if i > 0 {
			names.WriteByte(' ')
		}
		if name, _, ok := k.RawAES(); ok && k.ProviderID != "aws-kms" {
			fmt.Fprintf(&names, "%s/%s", k.ProviderID, name)
			continue
		}
		names.Write(k.ProviderInfo)
	}
	return names.String()
}

// Renew decrypts a message and encrypts it under the key that writes: suites
// with key commitment have no header that could be rewrapped by itself.
func (v *vault) Renew(ctx context.Context, w io.Writer, message io.Reader, name store.Name, id string) (string, error) {
	// The id is the info's word: it is compared before a byte is decrypted,
	// and the same header is authenticated on the way.
	var head bytes.Buffer
	h, err := envelope.Inspect(io.TeeReader(message, &head))
	if err != nil {
		return "", err
	}
	if subtle.ConstantTimeCompare([]byte(id), []byte(hex.EncodeToString(h.MessageID))) != 1 {
		return "", errors.New("the body is not the one that its info names")
	}
	renewed, err := v.bodies.Reencrypt(ctx, w, io.MultiReader(&head, message), v.bodies, contextOf(name))
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(renewed.MessageID), nil
}

// renewIndex puts the index key under the key that writes.
func (v *vault) renewIndex(ctx context.Context, path string) error {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if fresh, err := v.Fresh(bytes.NewReader(sealed)); err != nil || fresh {
		return err
	}
	key, _, err := v.bodies.Decrypt(ctx, nil, sealed, indexContext)
	if err != nil {
		return err
	}
	defer clear(key)
	if sealed, err = v.bodies.Encrypt(ctx, nil, key, indexContext); err != nil {
		return err
	}
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := writeNewFile(path+".new", sealed); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path)) // before anybody is told that the old key can go
}
