// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
	"github.com/sallyport-go/sallyport/sigv4"
)

// TestTLSSpeaksBothVersions runs the whole server with a certificate: requests
// come over HTTP/2 and over HTTP/1.1.
func TestTLSSpeaksBothVersions(t *testing.T) {
	dir := t.TempDir()
	cert, key, pool := throwawayCertificate(t, dir)
	config := &Config{
		Listen: "127.0.0.1:0", Store: filepath.Join(dir, "store"), TLSCert: cert, TLSKey: key, dir: dir,
		Users: []User{{Name: "owner", AccessKeyID: "A", SecretAccessKey: "owner/secret/000", Policies: []json.RawMessage{everything}}},
	}
	require.NoError(t, config.complete())
	s, err := start(fixed(config), slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	signer := &sigv4.Signer{Region: config.Region, Profile: sigv4.ProfileFor("s3")}
	for version, bucket := range map[int]string{2: "bucket-two", 1: "bucket-one"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: version == 2}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url()+"/"+bucket, nil)
		require.NoError(t, err)
		_, err = signer.Sign(r, sigv4.Credentials{AccessKeyID: "A", SecretAccessKey: "owner/secret/000"}, sigv4.Payload{})
		require.NoError(t, err)
		resp, err := (&http.Client{Transport: transport}).Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.Equal(t, version, resp.ProtoMajor)
		transport.CloseIdleConnections()
	}
	require.NoError(t, s.shutdown())
	_, err = net.Dial("tcp", s.listener.Addr().String())
	require.Error(t, err, "the listener is closed")
}

// TestACertificateIsRenewed: new connections are given the certificate that the
// files hold by now, and the old one where that is none.
func TestACertificateIsRenewed(t *testing.T) {
	dir := t.TempDir()
	cert, key, pool := throwawayCertificate(t, dir)
	config := &Config{Listen: "127.0.0.1:0", Store: "store", TLSCert: cert, TLSKey: key, dir: dir, Reload: duration(time.Hour)}
	require.NoError(t, config.complete())
	s, err := start(fixed(config), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { require.NoError(t, s.shutdown()) }()
	requireTrusted := func(pool *x509.CertPool) {
		t.Helper()
		conn, err := tls.Dial("tcp", s.listener.Addr().String(), &tls.Config{RootCAs: pool})
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
	requireTrusted(pool)
	_, _, pool = throwawayCertificate(t, dir) // in the same files
	changed, err := s.gateway.reload(t.Context(), false)
	require.NoError(t, err)
	require.True(t, changed)
	requireTrusted(pool)
	require.NoError(t, os.WriteFile(cert, []byte("no PEM"), 0o600))
	_, err = s.gateway.reload(t.Context(), false)
	require.ErrorContains(t, err, "tls_cert: ")
	requireTrusted(pool)
	require.NoError(t, os.Remove(key))
	_, err = start(fixed(config), slog.New(slog.DiscardHandler))
	require.Error(t, err, "it does not listen with a certificate that it has not")
}

// TestFlagsStandInForTheFile: paths on the command line are those of the folder
// that the command is run in, not of the file's.
func TestFlagsStandInForTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gateway.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"store": "s", "listen": "127.0.0.1:1", "tls_cert": "a.pem", "tls_key": "a.key"}`), 0o600))
	here, err := os.Getwd()
	require.NoError(t, err)
	c, err := fromFile(path, override("", "", ""))(files{})
	require.NoError(t, err)
	require.Equal(t, []string{"127.0.0.1:1", filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")}, []string{c.Listen, c.TLSCert, c.TLSKey})
	c, err = fromFile(path, override("127.0.0.1:2", "b.pem", "/b.key"))(files{})
	require.NoError(t, err)
	require.Equal(t, []string{"127.0.0.1:2", filepath.Join(here, "b.pem"), "/b.key"}, []string{c.Listen, c.TLSCert, c.TLSKey})
}

// TestShutdownWaitsForTheBackground: the store is this process's own until
// nobody is at work in it.
func TestShutdownWaitsForTheBackground(t *testing.T) {
	config := &Config{dir: t.TempDir(), Store: "store"}
	require.NoError(t, config.complete())
	synctest.Test(t, func(t *testing.T) {
		g, err := open(fixed(config), slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		inUse := func() bool {
			other, err := store.Open(config.Store, nil, store.Written)
			if err == nil {
				require.NoError(t, other.Close())
			}
			return errors.Is(err, store.ErrInUse)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s, release := &server{gateway: g, stop: cancel}, make(chan struct{})
		s.background.Go(func() {
			<-ctx.Done()
			<-release
		})
		ended := make(chan error, 1)
		go func() { ended <- s.end() }()
		synctest.Wait()
		require.True(t, inUse(), "the store was let go")
		close(release)
		require.NoError(t, <-ended)
		require.False(t, inUse())
	})
}

// TestShutdownWaits lets a request under way finish.
func TestShutdownWaits(t *testing.T) {
	dir := t.TempDir()
	config := &Config{
		Listen: "127.0.0.1:0", Store: filepath.Join(dir, "store"), dir: dir,
		Users: []User{{Name: "owner", AccessKeyID: "A", SecretAccessKey: "owner/secret/000", Policies: []json.RawMessage{everything}}},
	}
	require.NoError(t, config.complete())
	s, err := start(fixed(config), slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	require.NoError(t, s.gateway.store.CreateBucket("bucket", ""))
	body, feed := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url()+"/bucket/slow", body)
	require.NoError(t, err)
	r.ContentLength = 6
	signer := &sigv4.Signer{Region: config.Region, Profile: sigv4.ProfileFor("s3")}
	_, err = signer.Sign(r, sigv4.Credentials{AccessKeyID: "A", SecretAccessKey: "owner/secret/000"}, sigv4.Payload{Mode: sigv4.PayloadUnsigned})
	require.NoError(t, err)
	status := make(chan int, 1)
	go func() {
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			status <- 0
			return
		}
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	_, err = io.WriteString(feed, "fir") // once this is taken the request is under way
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(s.gateway.slots) == 1 }, 10*time.Second, time.Millisecond)
	ended := make(chan error, 1)
	go func() { ended <- s.shutdown() }()
	require.Eventually(t, func() bool { // it has begun
		c, err := net.Dial("tcp", s.listener.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond)
	_, err = io.WriteString(feed, "st!")
	require.NoError(t, err)
	require.NoError(t, feed.Close())
	require.Equal(t, http.StatusOK, <-status)
	require.NoError(t, <-ended)
}

func throwawayCertificate(t *testing.T, dir string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool = x509.NewCertPool()
	pool.AddCert(cert)
	return certFile, keyFile, pool
}
