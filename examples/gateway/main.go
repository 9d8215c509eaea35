// SPDX-License-Identifier: Apache-2.0

// Command gateway is an S3-compatible object gateway that uses every package
// of sallyport.
//
//	gateway -config FILE [-tls-cert FILE -tls-key FILE]
//	gateway -config FILE -upload-link BUCKET/PREFIX -user NAME [-max-bytes N] [-expires D] [-url URL]
//	gateway -demo
//
// It exits 0 when it was told to end, 1 when a step of the demonstration did
// not do what it should, 2 for usage and 3 when it cannot start.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	path := flags.String("config", "", "the configuration, a JSON `file`")
	listen := flags.String("listen", "", "listen on this `address` instead of the configured one")
	cert := flags.String("tls-cert", "", "serve TLS with the certificate chain in this PEM `file`")
	key := flags.String("tls-key", "", "the certificate's private key, a PEM `file`")
	var link linkFlags
	link.register(flags)
	showcase := flags.Bool("demo", false, "start on a free loopback port with a temporary store, drive it with an S3 client, and end")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch {
	case flags.NArg() > 0 || *showcase == (*path != "") || (*cert == "") != (*key == ""):
		fmt.Fprintln(os.Stderr, "gateway: -config FILE or -demo is needed; -tls-cert and -tls-key go together")
		flags.Usage()
		return 2
	case *showcase:
		return demo(ctx, os.Stdout)
	}
	source := fromFile(*path, override(*listen, *cert, *key))
	if link.target == "" {
		return serve(ctx, source)
	}
	config, err := source(files{})
	if err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		return 3
	}
	return link.print(os.Stdout, config)
}

// override is what the flags of the command line change in a configuration.
func override(listen, cert, key string) func(*Config) {
	return func(c *Config) {
		c.Listen = cmp.Or(listen, c.Listen)
		if cert != "" {
			c.TLSCert, c.TLSKey = here(cert), here(key)
		}
	}
}

// here is a path in the folder that the command is run in.
func here(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// gcPercent collects garbage half as often as usual. A gateway that holds little
// lives in 4 MiB, which requests fill again 100 times a second: small gets took
// 0.87 of the time so, their 99th percentile 0.8, and 25 MiB more.
const gcPercent = 200

// serve runs a gateway until a signal ends it.
func serve(ctx context.Context, source source) int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	s, err := start(source, log)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		return 3
	}
	log.Info("listening", "url", s.url(), "store", s.gateway.config.Store)
	select {
	case <-ctx.Done():
	case err := <-s.done:
		log.Error("serving ended", "cause", errors.Join(err, s.end()))
		return 3
	}
	log.Info("shutting down")
	if err := s.shutdown(); err != nil {
		log.Error("shutdown", "cause", err)
		return 3
	}
	return 0
}
