// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// server is a gateway that listens.
type server struct {
	gateway  *Gateway
	http     http.Server
	listener net.Listener
	done     chan error

	stop       context.CancelFunc // of what goes on in the background
	background sync.WaitGroup
}

// open makes a gateway of a configuration.
func open(source source, log *slog.Logger) (*Gateway, error) {
	ctx := context.Background()
	g := &Gateway{source: source, log: log}
	g.rotator = &rotator{gateway: g}
	config, err := source(files{})
	if err != nil {
		return nil, err
	}
	if g.store, err = store.Open(config.Store, currentCipher{g}, config.Durability); err != nil {
		return nil, err
	}
	g.store.Now = config.now
	if g.audit, err = newAudit(ctx, config, log); err != nil {
		return nil, errors.Join(fmt.Errorf("audit: %w", err), g.store.Close())
	}
	first, read, err := g.load(ctx)
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	g.files = read
	g.current.Store(first)
	g.slots = make(chan struct{}, g.config.MaxRequests)
	return g, nil
}

// close ends the trail and lets the store go.
func (g *Gateway) close() error { return errors.Join(g.audit.close(), g.store.Close()) }

// start listens and serves until shutdown.
func start(source source, log *slog.Logger) (*server, error) {
	g, err := open(source, log)
	if err != nil {
		return nil, err
	}
	s := &server{gateway: g, done: make(chan error, 1)}
	s.http = http.Server{
		Handler:           g,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100, SendPingTimeout: 30 * time.Second, WriteByteTimeout: time.Duration(g.config.Stall)},
		ConnState:         (&crowd{limit: g.config.MaxConnections, log: log}).track,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	l, err := net.Listen("tcp", g.config.Listen)
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	s.listener = guardedListener{l, g}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.background.Go(func() { s.expire(ctx) })
	s.background.Go(func() { g.audit.run(ctx, g.config.Audit) })
	s.background.Go(func() { g.rotator.run(ctx, time.Duration(g.config.Reload)) })
	s.background.Go(func() { g.watch(ctx, time.Duration(g.config.Reload)) })
	go func() { s.done <- s.serve() }()
	return s, nil
}

func (s *server) serve() error {
	g := s.gateway
	if g.config.TLSCert == "" {
		return s.http.Serve(s.listener)
	}
	s.http.TLSConfig = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return g.pipeline().certificate, nil
	}}
	return s.http.ServeTLS(s.listener, "", "") // HTTP/2 and HTTP/1.1
}

// newCertificate reads the certificate and its key. Without any there is no TLS:
// nil.
func newCertificate(config *Config, files files) (*tls.Certificate, error) {
	if config.TLSCert == "" {
		return nil, nil
	}
	chain, err := files.read(config.TLSCert)
	if err != nil {
		return nil, config.at("tls_cert", err)
	}
	key, err := files.read(config.TLSKey)
	if err != nil {
		return nil, config.at("tls_key", err)
	}
	defer clear(key)
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, config.at("tls_cert", err)
	}
	return &pair, nil
}

// url is where clients on this machine reach the server.
func (s *server) url() string {
	scheme := "http"
	if s.gateway.config.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + s.listener.Addr().String()
}

// shutdown lets the requests under way finish, for half a minute.
func (s *server) shutdown() error {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err = errors.Join(err, s.end()); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	return nil
}

// end lets the store and the trail go, once nobody in the background is at work
// in them.
func (s *server) end() error {
	s.stop()
	s.background.Wait()
	return s.gateway.close()
}

func (g *Gateway) expireUploads(ctx context.Context) {
	config := g.pipeline().config
	if n, err := g.store.ExpireUploads(ctx, config.now().Add(-time.Duration(config.UploadExpiry))); err != nil {
		g.log.Error("expiring uploads", "cause", err)
	} else if n > 0 {
		g.log.Info("uploads expired", "count", n)
	}
}

// expire forgets unfinished uploads that are too old, every hour.
func (s *server) expire(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		s.gateway.expireUploads(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
