// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// The demonstration's users.
var (
	alice = User{Name: "alice", AccessKeyID: "AKIADEMOALICE0000000", SecretAccessKey: "alice/demo+secret/0000000000000000000000", Policies: []json.RawMessage{alicePolicy}}
	bob   = User{Name: "bob", AccessKeyID: "AKIADEMOBOB000000000", SecretAccessKey: "bob/demo+secret/000000000000000000000000", Policies: []json.RawMessage{bobPolicy}}
)

// theater is what the steps of the demonstration play in.
type theater struct {
	server *server
	alice  *s3.Client
	bob    *s3.Client
	dir    string
	log    *os.File
	link   string // the presigned URL of an earlier step
	began  time.Time
	cdnKey *ecdsa.PrivateKey
}

// step is one line of the demonstration: what it does and what it found. An
// error means that the gateway did not do what it should.
type step struct {
	name string
	play func(context.Context, *theater) (result string, err error)
}

// demo starts a gateway on loopback, plays every step against it through a TCP
// listener and prints a line for each. It returns 0 when each went as expected.
func demo(ctx context.Context, out io.Writer) int { return play(ctx, out, demoSteps()) }

func play(ctx context.Context, out io.Writer, steps []step) int {
	t, err := newTheater()
	if err != nil {
		fmt.Fprintln(out, "gateway: the demonstration cannot start:", err)
		return 3
	}
	fmt.Fprintf(out, "gateway at %s, store in %s\n", t.server.url(), t.dir)
	failed := 0
	for _, s := range steps {
		started := time.Now()
		stepCtx, cancel := context.WithTimeout(ctx, 30*time.Second)
		result, err := s.play(stepCtx, t)
		cancel()
		word := "ok  "
		if err != nil {
			word, result, failed = "FAIL", err.Error(), failed+1
		}
		fmt.Fprintf(out, "%s  %-47s %9s  %s\n", word, s.name, time.Since(started).Round(10*time.Microsecond), result)
	}
	if err := t.close(); err != nil {
		fmt.Fprintln(out, "FAIL  end:", err)
		failed++
	}
	fmt.Fprintf(out, "%d steps, %d as expected\n", len(steps), len(steps)-failed)
	if failed > 0 {
		return 1
	}
	return 0
}

func demoSteps() []step {
	return slices.Concat(objectSteps, policySteps, accessSteps, browserSteps, secretSteps, rotationSteps, firewallSteps, auditSteps)
}

func newTheater() (t *theater, err error) {
	dir, err := os.MkdirTemp("", "sallyport-demo-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := os.WriteFile(filepath.Join(dir, "group.json"), demoGroup("127.0.0.0/8"), 0o600); err != nil {
		return nil, err
	}
	cdnKey, err := demoCDNKey(filepath.Join(dir, "cdn.pem"))
	if err != nil {
		return nil, err
	}
	config := demoConfig(dir)
	if err := config.complete(); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "gateway.log"))
	if err != nil {
		return nil, err
	}
	s, err := start(fixed(config), slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return &theater{server: s, dir: dir, log: log, began: time.Now(), cdnKey: cdnKey, alice: client(s.url(), alice), bob: client(s.url(), bob)}, nil
}

func demoConfig(dir string) *Config {
	return &Config{
		Listen: "127.0.0.1:0",
		Store:  filepath.Join(dir, "store"),
		Users:  []User{alice, bob},
		Audit:  Audit{Rotate: duration(10 * time.Second), Digest: duration(20 * time.Second)},

		SecurityGroup: "group.json",
		CDN:           CDN{Keys: []CDNKey{{ID: "KDEMO", File: "cdn.pem"}}},
		dir:           dir,
	}
}

func (t *theater) close() error {
	return errors.Join(t.server.shutdown(), t.log.Close(), os.RemoveAll(t.dir))
}

// client is an ordinary SDK client: nothing in it knows the gateway but the
// address.
func client(url string, u User) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(url),
		Region:       "us-east-1",
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(u.AccessKeyID, u.SecretAccessKey, u.SessionToken),
		Retryer:      aws.NopRetryer{},

		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, // as config.LoadDefaultConfig has it
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	})
}

// read gets an object of the demonstration's bucket, to its end.
func read(ctx context.Context, c *s3.Client, key string, more ...func(*s3.GetObjectInput)) (*s3.GetObjectOutput, string, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(demoBucket), Key: aws.String(key)}
	for _, f := range more {
		f(in)
	}
	out, err := c.GetObject(ctx, in)
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(out.Body)
	return out, string(body), errors.Join(err, out.Body.Close())
}

// refused says whether the gateway refused with S3's code, as it should.
func refused(err error, code string) (string, error) {
	if err == nil {
		return "", errors.New("it was not refused")
	}
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		return "", fmt.Errorf("refused by another error than %s: %w", code, err)
	}
	return "refused: " + code, nil
}

// expect compares what a step found with what it should.
func expect[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, expected %v", what, got, want)
	}
	return nil
}
