// SPDX-License-Identifier: Apache-2.0

package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// auditSteps are about the trail of calls.
var auditSteps = []step{
	{"every call is in a signed trail", func(ctx context.Context, t *theater) (string, error) {
		time.Sleep(time.Until(t.began.Add(1100 * time.Millisecond))) // digests are a second apart, or more
		if err := t.server.gateway.audit.digest(ctx); err != nil {
			return "", err
		}
		if err := t.verify(ctx, cloudtrail.Valid); err != nil {
			return "", err
		}
		names, err := t.events()
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("valid, with %d kinds of event", len(names)),
			errors.Join(expect("CreateBucket", names["CreateBucket"], 1), expect("PutBucketPolicy", names["PutBucketPolicy"], 3))
	}},
	{"a log file changed on the disk: found", func(ctx context.Context, t *theater) (string, error) {
		path, err := findFile(filepath.Join(t.dir, "audit"), "_CloudTrail_")
		if err != nil {
			return "", err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		changed := append([]byte(nil), text...)
		changed[len(changed)/2] ^= 1
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			return "", err
		}
		err = t.verify(ctx, cloudtrail.Tampered)
		return "the trail is tampered with", errors.Join(err, os.WriteFile(path, text, 0o600))
	}},
	{"no audit, no service", func(ctx context.Context, t *theater) (string, error) {
		a := t.server.gateway.audit
		_ = a.journal.file.Close() // as if the disk had gone
		_, err := t.alice.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(demoBucket), Key: aws.String("unseen"), Body: strings.NewReader("x")})
		result, err := refused(err, "ServiceUnavailable")
		if err != nil {
			return "", err
		}
		if err := a.rotate(ctx); err != nil {
			return "", err
		}
		_, err = t.alice.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(demoBucket), Key: aws.String("unseen")})
		if _, err := refused(err, "NotFound"); err != nil {
			return "", err
		}
		return result + ", nothing stored", nil
	}},
}

// verify validates the trail as anybody can who has the folder.
func (t *theater) verify(ctx context.Context, want cloudtrail.Verdict) error {
	dir := cloudtrail.Directory{FS: os.DirFS(filepath.Join(t.dir, "audit"))}
	keys, err := dir.Keys()
	if err != nil {
		return err
	}
	v := &cloudtrail.Validator{Source: dir, Keys: keys, Buckets: []string{auditBucket}}
	report, err := v.Run(ctx)
	if err != nil {
		return err
	}
	if report.Verdict != want {
		return fmt.Errorf("the trail is %s, expected %s: %v", report.Verdict, want, report.Findings)
	}
	return nil
}

// events counts the trail's events by name.
func (t *theater) events() (map[string]int, error) {
	names := map[string]int{}
	path, err := findFile(filepath.Join(t.dir, "audit"), "_CloudTrail_")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var file struct{ Records []struct{ EventName string } }
	if err := json.NewDecoder(z).Decode(&file); err != nil {
		return nil, err
	}
	for _, r := range file.Records {
		names[r.EventName]++
	}
	return names, nil
}

// findFile finds a file by a part of its name.
func findFile(dir, part string) (string, error) {
	found := ""
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(d.Name(), part) {
			found = path
		}
		return err
	})
	if err == nil && found == "" {
		err = fmt.Errorf("no %s in %s", part, dir)
	}
	return found, err
}
