// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/sigv4"
)

// spy stands in for every step of the pipeline, writes down when each is asked
// and refuses at one.
type spy struct {
	pipeline
	mu     sync.Mutex
	asked  []string
	refuse string
}

func (s *spy) ask(step string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, step)
	if s.refuse == step {
		return errors.New("refused by " + step)
	}
	return nil
}

func (s *spy) begin(refuse string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.refuse = nil, refuse
}

func (s *spy) steps() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *spy) admits(p netfilter.Packet) bool {
	return s.ask("netfilter") == nil && s.pipeline.gate.admits(p)
}

func (s *spy) verify(c *call) (caller, error) {
	if err := s.ask("sigv4"); err != nil {
		return caller{}, err
	}
	return s.pipeline.verifier.verify(c)
}

func (s *spy) decide(c *call, action, resource string, name store.Name) error {
	return errors.Join(s.ask("iampolicy"), s.pipeline.decider.decide(c, action, resource, name))
}

func (s *spy) enter(c *call) error {
	return errors.Join(s.ask("cloudtrail enters"), s.pipeline.recorder.enter(c))
}

func (s *spy) leave(c *call) error {
	return errors.Join(s.ask("cloudtrail leaves"), s.pipeline.recorder.leave(c))
}

type spyCipher struct {
	store.Cipher
	spy *spy
}

func (s spyCipher) NewWriter(ctx context.Context, w io.Writer, name store.Name) (store.BodyWriter, error) {
	if err := s.spy.ask("envelope"); err != nil {
		return nil, err
	}
	return s.Cipher.NewWriter(ctx, w, name)
}

// TestTheOrderOfThePipeline replaces every step by its interface. Each is asked
// in its turn, and behind one that refuses none has an effect.
func TestTheOrderOfThePipeline(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	s := &spy{pipeline: *b.g.pipeline()}
	replaced := s.pipeline
	replaced.gate, replaced.verifier, replaced.decider, replaced.recorder, replaced.cipher = s, s, s, s, spyCipher{s.cipher, s}
	b.g.current.Store(&replaced)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := http.Server{Handler: b.g}
	done := make(chan error, 1)
	go func() { done <- server.Serve(guardedListener{l, b.g}) }()
	b.url = "http://" + l.Addr().String()
	all := []string{"netfilter", "sigv4", "iampolicy", "cloudtrail enters", "envelope", "cloudtrail leaves"}
	for i, step := range append([]string{"nobody"}, all...) {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections() // each call over a connection of its own
		s.begin(step)
		r := b.sign(sigv4.AlgorithmV4, sigv4.Payload{}, "/bucket/"+strings.ReplaceAll(step, " ", "-"), []byte("x"))
		resp, err := http.DefaultClient.Do(r)
		if step == "netfilter" {
			require.Error(t, err)
			require.Equal(t, "netfilter", s.steps()[0])
			require.NotContains(t, s.steps(), "sigv4")
			continue
		}
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		want := all
		if i > 0 && step != "cloudtrail leaves" { // what refuses is the last to be asked, but for the record of it
			want = append(append([]string{}, all[:i]...), "cloudtrail leaves")
		}
		require.Equal(t, want, s.steps(), step)
		require.Equal(t, step == "nobody", resp.StatusCode == 200, step)
		_, err = b.g.store.Stat(t.Context(), store.Name{Bucket: "bucket", Key: strings.ReplaceAll(step, " ", "-")})
		require.Equal(t, step == "nobody" || step == "cloudtrail leaves", err == nil, step)
	}
	require.NoError(t, server.Close())
	require.ErrorIs(t, <-done, http.ErrServerClosed)
}
