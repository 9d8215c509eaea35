// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// accessSteps are about what is public.
var accessSteps = []step{
	{"is the policy public?", func(ctx context.Context, t *theater) (string, error) {
		status, err := t.alice.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: aws.String(demoBucket)})
		if err != nil {
			return "", err
		}
		return "no: it is pinned to an address range", expect("IsPublic", aws.ToBool(status.PolicyStatus.IsPublic), false)
	}},
	{"a public policy, blocked", func(ctx context.Context, t *theater) (string, error) {
		_, err := t.alice.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
			Bucket:                         aws.String(demoBucket),
			PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicPolicy: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true)},
		})
		if err != nil {
			return "", err
		}
		_, err = t.alice.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
			Bucket: aws.String(demoBucket), Policy: aws.String(strings.ReplaceAll(demoPolicy, "127.0.0.0/8", "0.0.0.0/0")),
		})
		return deniedBecause(err, "public policies are blocked by the BlockPublicPolicy block public access setting")
	}},
	{"an ACL that opens an object: refused", func(ctx context.Context, t *theater) (string, error) {
		_, err := t.alice.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(demoBucket), Key: aws.String("open"), Body: strings.NewReader("x"), ACL: types.ObjectCannedACLPublicRead,
		})
		return refused(err, "AccessControlListNotSupported")
	}},
}

// rotationSteps are about a new wrapping key.
var rotationSteps = []step{
	{"a faulty configuration: the old one stays", func(ctx context.Context, t *theater) (string, error) {
		bad := *t.server.gateway.config
		bad.Encryption.MasterKey.KeyFile = filepath.Join(t.dir, "none.key")
		_, err := t.server.gateway.use(ctx, fixed(&bad))
		if err == nil {
			return "", errors.New("it was put in force")
		}
		_, _, errOld := read(ctx, t.bob, "zebra")
		text, _, _ := strings.Cut(err.Error(), ": open") // the rest is a path and the system's words
		return "refused: " + text + " is not there", errOld
	}},
	{"a new key: everything moves to it", func(ctx context.Context, t *theater) (string, error) {
		g := t.server.gateway
		if _, err := masterKey(filepath.Join(t.dir, "second.key"), files{}, true); err != nil {
			return "", err
		}
		next := *g.config
		next.Encryption = Encryption{
			MasterKey: MasterKey{KeyFile: filepath.Join(t.dir, "second.key"), Namespace: "sallyport-gateway", Name: "second"},
			Old:       []MasterKey{next.Encryption.MasterKey},
		}
		if _, err := g.use(ctx, fixed(&next)); err != nil {
			return "", err
		}
		for range 3 {
			if err := g.rotator.pass(ctx); err != nil {
				return "", err
			}
		}
		next.Encryption.Old = nil
		if _, err := g.use(ctx, fixed(&next)); err != nil {
			return "", err
		}
		_, _, err := read(ctx, t.bob, "zebra")
		state := g.rotation.Load()
		return fmt.Sprintf("%d files moved, and the old key is gone", state.Renewed), errors.Join(err, expect("done", state.Done, true))
	}},
}
