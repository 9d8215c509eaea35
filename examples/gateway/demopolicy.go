// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// What the demonstration's users may do: alice all in buckets that begin with
// demo-, bob read and list the one.
var (
	alicePolicy = json.RawMessage(`{
		"Version": "2012-10-17",
		"Statement": [
			{"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::demo-*", "arn:aws:s3:::demo-*/*"]},
			{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
		]
	}`)
	bobPolicy = json.RawMessage(`{
		"Version": "2012-10-17",
		"Statement": {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::demo-bucket", "arn:aws:s3:::demo-bucket/*"]}
	}`)
)

// demoPolicy keeps bob out of a folder, opens one key to everybody on this
// machine, and the letters to whoever has a CloudFront signed URL.
const demoPolicy = `{
	"Version": "2012-10-17",
	"Statement": [
		{"Sid": "NotForBob", "Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::123456789012:user/bob"},
		 "Action": "s3:GetObject", "Resource": "arn:aws:s3:::demo-bucket/letters/b/*"},
		{"Sid": "Public", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
		 "Resource": "arn:aws:s3:::demo-bucket/zebra", "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}},
		{"Sid": "Paying", "Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject",
		 "Resource": "arn:aws:s3:::demo-bucket/letters/*", "Condition": {"StringEquals": {"s3:ResourceAccount": "123456789012"}}}
	]
}`

// policySteps are decisions by identity and bucket policies.
var policySteps = []step{
	{"bob reads what his policy allows", func(ctx context.Context, t *theater) (string, error) {
		_, _, err := read(ctx, t.bob, "letters/b/1")
		return "allowed", err
	}},
	{"bob writes: implicit deny", func(ctx context.Context, t *theater) (string, error) {
		_, err := t.bob.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(demoBucket), Key: aws.String("mine"), Body: strings.NewReader("x")})
		return deniedBecause(err, "no identity-based policy allows the s3:PutObject action")
	}},
	{"a misspelled policy: refused with its place", func(ctx context.Context, t *theater) (string, error) {
		_, err := t.alice.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
			Bucket: aws.String(demoBucket), Policy: aws.String(strings.Replace(demoPolicy, "IpAddress", "IpAdress", 1)),
		})
		if _, err := refused(err, "MalformedPolicy"); err != nil {
			return "", err
		}
		var api smithy.APIError
		errors.As(err, &api)
		return api.ErrorMessage(), nil
	}},
	{"alice puts a bucket policy", func(ctx context.Context, t *theater) (string, error) {
		if _, err := t.alice.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(demoBucket), Policy: aws.String(demoPolicy)}); err != nil {
			return "", err
		}
		got, err := t.alice.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String(demoBucket)})
		if err != nil {
			return "", err
		}
		return "stored as it was sent", expect("the policy", *got.Policy, demoPolicy)
	}},
	{"bob reads the closed folder: explicit deny", func(ctx context.Context, t *theater) (string, error) {
		_, _, err := read(ctx, t.bob, "letters/b/1")
		if _, err := deniedBecause(err, "explicit deny in a resource-based policy"); err != nil {
			return "", err
		}
		return t.why("NotForBob")
	}},
	{"anybody reads the open key, from here", func(ctx context.Context, t *theater) (string, error) {
		status, body, err := fetch(ctx, t.server.url()+"/"+demoBucket+"/zebra")
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d %s", status, body), expect("the body", body, "zebra")
	}},
}

// deniedBecause says whether a request was refused with AccessDenied for the
// reason.
func deniedBecause(err error, reason string) (string, error) {
	if _, err := refused(err, "AccessDenied"); err != nil {
		return "", err
	}
	if !strings.Contains(err.Error(), reason) {
		return "", fmt.Errorf("another reason than %q: %w", reason, err)
	}
	return "AccessDenied: " + reason, nil
}

// why finds the explanation of the last denial in the gateway's log: the
// statement that applied.
func (t *theater) why(sid string) (string, error) {
	f, err := os.Open(filepath.Join(t.dir, "gateway.log"))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	why := ""
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record struct{ Msg, Why string }
		if err := json.Unmarshal(lines.Bytes(), &record); err == nil && record.Msg == "denied" {
			why = record.Why
		}
	}
	for line := range strings.Lines(why) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "*") && strings.Contains(line, sid) {
			return "log: " + line, lines.Err()
		}
	}
	return "", fmt.Errorf("no statement %s applied: %s", sid, why)
}
