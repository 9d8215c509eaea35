// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// Audit says where the audit trail goes, and how often.
type Audit struct {
	Dir     string   `json:"dir"`      // default audit; it holds the trail's bucket and its public keys
	KeyFile string   `json:"key_file"` // RSA key in PEM that signs the digests; default audit.pem, made where it is missing
	Rotate  duration `json:"rotate"`   // a log file; default 5m
	Digest  duration `json:"digest"`   // a signed digest; default 1h

	Sync bool `json:"sync"` // every record is on the disk before its call has any effect; else log files and digests are
}

// auditBucket is the folder of the trail, named as a bucket.
const auditBucket = "gateway-audit"

// audit writes a CloudTrail record of every call, log files and signed digests:
// the folder is a trail that `trailcheck -dir` and `aws cloudtrail
// validate-logs` can prove complete.
type audit struct {
	journal *journal
	trail   *cloudtrail.Writer
	root    *os.Root
	log     *slog.Logger
	now     func() time.Time
	began   time.Time // where the first digest of a new trail starts
}

func newAudit(ctx context.Context, config *Config, log *slog.Logger) (a *audit, err error) {
	if err := os.MkdirAll(config.Audit.Dir, 0o700); err != nil {
		return nil, err
	}
	key, err := signingKey(config.Audit.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	root, err := os.OpenRoot(config.Audit.Dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = root.Close()
		}
	}()
	signer := &cloudtrail.Signer{
		Bucket: auditBucket, Account: config.Account, Trail: "gateway", Home: config.Region, Region: config.Region, Key: key,
	}
	if err := publish(signer, root, config.Region); err != nil {
		return nil, err
	}
	if err := root.MkdirAll(auditBucket, 0o700); err != nil {
		return nil, err
	}
	a = &audit{root: root, log: log, now: config.now}
	a.began = a.now()
	a.trail, err = cloudtrail.NewWriter(ctx, signer, cloudtrail.Directory{FS: root.FS()}, cloudtrail.Folder{Root: root}, a.began)
	if err != nil {
		return nil, err
	}
	a.journal, err = openJournal(filepath.Join(config.Audit.Dir, "journal"), config.Audit.Sync, interrupted)
	return a, err
}

// signingKey reads the RSA key, or makes one.
func signingKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return key, writeNewFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	signer, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an RSA key", path)
	}
	return signer, nil
}

// publish writes the public key where validators look for it.
func publish(signer *cloudtrail.Signer, root *os.Root, region string) error {
	key, err := signer.PublicKey(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return err
	}
	text, err := cloudtrail.MarshalKeys([]cloudtrail.PublicKey{key})
	if err != nil {
		return err
	}
	return root.WriteFile("keys."+region+".json", text, 0o644)
}

// rotate makes a log file of the records that wait.
func (a *audit) rotate(ctx context.Context) error {
	return a.journal.take(func(records []json.RawMessage) error {
		return a.trail.WriteLog(ctx, a.now(), records)
	})
}

// digest signs what was logged since the last digest. A clock that went back
// does not stop it: each digest then covers one second more than the last, until
// the clock has caught up.
func (a *audit) digest(ctx context.Context) error {
	start := a.began
	if last, _ := a.trail.Last(); last != nil {
		start = last.End
	}
	end := a.now()
	if least := start.Add(time.Second); end.Before(least) {
		end = least
	}
	return errors.Join(a.rotate(ctx), a.trail.WriteDigest(ctx, end))
}

// run rotates and signs until the context ends; close does the rest.
func (a *audit) run(ctx context.Context, config Audit) {
	rotate, digest := time.NewTicker(time.Duration(config.Rotate)), time.NewTicker(time.Duration(config.Digest))
	defer rotate.Stop()
	defer digest.Stop()
	var again time.Time // after a failure, the next log file before its time
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-rotate.C:
			err = a.rotate(ctx)
		case <-a.journal.ripe:
			if time.Now().Before(again) {
				continue
			}
			if err = a.rotate(ctx); err != nil {
				again = time.Now().Add(time.Second)
			}
		case <-digest.C:
			err = a.digest(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.log.Error("audit trail", "cause", err)
		}
	}
}

// close logs what is left: the first digest of the next process will sign it.
func (a *audit) close() error {
	return errors.Join(a.rotate(context.Background()), a.journal.file.Close(), a.root.Close())
}
