// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// server is a gateway that listens.
type server struct {
	gateway  *Gateway
	firewall *firewall
	http     http.Server
	listener net.Listener
	done     chan error
	stop     context.CancelFunc
}

// open makes a gateway of its configuration.
func open(config *Config, log *slog.Logger) (*Gateway, error) {
	ctx := context.Background()
	ring, err := config.Encryption.keyring(ctx, config.dir, config.Region)
	if err != nil {
		return nil, fmt.Errorf("encryption: %w", err)
	}
	cipher, err := newVault(ctx, config.Store, ring)
	if err != nil {
		return nil, fmt.Errorf("encryption: %w", err)
	}
	s, err := store.Open(config.Store, cipher)
	if err != nil {
		return nil, err
	}
	a, err := newAuthorizer(config, s)
	if err != nil {
		return nil, err
	}
	cdn, err := newCDN(config)
	if err != nil {
		return nil, fmt.Errorf("cdn: %w", err)
	}
	trail, err := newAudit(ctx, config, log)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	g := &Gateway{
		config: config, store: s, log: log,
		verifier: newVerifier(config), authorizer: a, cdn: cdn, audit: trail,
		slots: make(chan struct{}, config.MaxRequests),
	}
	g.forms = g.newForms()
	return g, nil
}

// start listens and serves until shutdown.
func start(config *Config, log *slog.Logger) (*server, error) {
	g, err := open(config, log)
	if err != nil {
		return nil, err
	}
	s := &server{gateway: g, done: make(chan error, 1)}
	s.http = http.Server{
		Handler:           g,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if s.firewall, err = newFirewall(config.SecurityGroup, log); err != nil {
		return nil, fmt.Errorf("security group: %w", err)
	}
	if s.listener, err = net.Listen("tcp", config.Listen); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go s.expire(ctx)
	go g.audit.run(ctx, config.Audit)
	if s.firewall != nil {
		s.listener = guardedListener{s.listener, s.firewall}
		go s.firewall.watch(ctx, time.Duration(config.Reload))
	}
	go func() { s.done <- s.serve() }()
	return s, nil
}

func (s *server) serve() error {
	c := s.gateway.config
	if c.TLSCert != "" {
		return s.http.ServeTLS(s.listener, c.TLSCert, c.TLSKey) // HTTP/2 and HTTP/1.1
	}
	return s.http.Serve(s.listener)
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
	err = errors.Join(err, s.gateway.audit.close())
	if err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	return nil
}

// expire forgets unfinished uploads that are too old, every hour.
func (s *server) expire(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		before := time.Now().Add(-time.Duration(s.gateway.config.UploadExpiry))
		if n, err := s.gateway.store.ExpireUploads(ctx, before); err != nil {
			s.gateway.log.Error("expiring uploads", "cause", err)
		} else if n > 0 {
			s.gateway.log.Info("uploads expired", "count", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
