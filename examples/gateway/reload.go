// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// source is where a gateway's configuration comes from, each time anew.
type source func(files) (*Config, error)

// fromFile reads the configuration file; override are the flags of the command
// line.
func fromFile(path string, override func(*Config)) source {
	return func(files files) (*Config, error) {
		text, err := files.read(path)
		if err != nil {
			return nil, err
		}
		return parseConfig(path, text, override)
	}
}

// fixed is a configuration that the program made. The files that it names may
// change all the same.
func fixed(config *Config) source {
	return func(files) (*Config, error) { return config, nil }
}

// files remembers what files held when they were read.
type files map[string][sha256.Size]byte

func (f files) read(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	f[path] = sha256.Sum256(text) // one that cannot be read is as an empty one
	return text, err
}

// changed says whether a file holds something else by now.
func (f files) changed() bool {
	for path, sum := range f {
		text, _ := os.ReadFile(path)
		now := sha256.Sum256(text)
		clear(text) // it may be a key
		if now != sum {
			return true
		}
	}
	return false
}

// load builds a pipeline of the configuration as it is now.
func (g *Gateway) load(ctx context.Context) (*pipeline, files, error) {
	read := files{}
	config, err := g.source(read)
	if err != nil {
		return nil, read, err
	}
	if g.config == nil {
		g.config = config
	}
	if err := g.config.keeps(config); err != nil {
		return nil, read, err
	}
	p := &pipeline{config: config, recorder: g.audit}
	if p.certificate, err = newCertificate(config, read); err != nil {
		return nil, read, err
	}
	if p.gate, err = newGate(config, read, g.log); err != nil {
		return nil, read, err
	}
	if p.verifier, err = newSignatures(config, read); err != nil {
		return nil, read, err
	}
	if p.decider, err = newAuthorizer(config, g.store); err != nil {
		return nil, read, err
	}
	p.cipher, err = newVault(ctx, config, read, g.current.Load() == nil)
	return p, read, err
}

// badConfig is a configuration that could not be put in force.
type badConfig struct {
	at  time.Time
	err error
}

// reload puts the configuration in force if a file of it has changed, or in any
// case if it is told to. One with a fault leaves the old one in force: requests
// go on, the log says where the fault is, and so does the status page until the
// fault is mended.
func (g *Gateway) reload(ctx context.Context, always bool) (changed bool, err error) {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	return g.reloadLocked(ctx, always)
}

// use reloads from another source, and stays with it where that goes well.
func (g *Gateway) use(ctx context.Context, s source) (changed bool, err error) {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	before := g.source
	g.source = s
	if changed, err = g.reloadLocked(ctx, true); err != nil {
		g.source = before
	}
	return changed, err
}

func (g *Gateway) reloadLocked(ctx context.Context, always bool) (changed bool, err error) {
	if !always && !g.files.changed() {
		return false, nil
	}
	next, read, err := g.load(ctx)
	if !errors.Is(err, errNoKeys) { // that may pass: it is tried again
		g.files = read
	}
	if err != nil {
		g.refused.Store(&badConfig{g.config.now(), err})
		g.log.Error("configuration refused: the old one stays", "cause", err)
		return false, err
	}
	g.refused.Store(nil)
	old := g.current.Swap(next)
	if v, ok := old.cipher.(*vault); ok {
		g.retired = append(g.retired, v)
		if v.cache != nil {
			v.cache.Clear()
		}
	}
	g.log.Info("configuration reloaded", "users", len(next.config.Users))
	return true, nil
}

// watch reloads whenever a file has changed, and when the process is told to by
// a hangup signal, until the context ends.
func (g *Gateway) watch(ctx context.Context, every time.Duration) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		told := false
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			told = true
		case <-ticker.C:
		}
		_, _ = g.reload(ctx, told) // it logs what is wrong
	}
}

// keeps refuses what cannot change while the gateway runs.
func (c *Config) keeps(next *Config) error {
	for _, f := range []struct {
		path     string
		was, now any
	}{
		{"listen", c.Listen, next.Listen},
		{"store", c.Store, next.Store},
		{"region", c.Region, next.Region},
		{"account", c.Account, next.Account},
		{"domain", c.Domain, next.Domain},
		{"tls_cert", c.TLSCert, next.TLSCert},
		{"tls_key", c.TLSKey, next.TLSKey},
		{"audit", c.Audit, next.Audit},
		{"reload", c.Reload, next.Reload},
		{"durability", c.Durability, next.Durability},
		{"max_connections", c.MaxConnections, next.MaxConnections},
		{"max_requests", c.MaxRequests, next.MaxRequests},
	} {
		if f.was != f.now {
			return next.at(f.path, fmt.Errorf("it cannot change from %v to %v while the gateway runs: restart it", f.was, f.now))
		}
	}
	return nil
}
