// SPDX-License-Identifier: Apache-2.0

// Package s3source reads CloudTrail trails from S3, and public keys from
// CloudTrail, for package cloudtrail, over the AWS SDK for Go.
//
//	v := cloudtrail.Validator{
//		Source:    s3source.New(s3.NewFromConfig(cfg)),
//		Keys:      s3source.Keys{Client: cloudtrailapi.NewFromConfig(cfg)},
//		Buckets:   []string{"my-logs"},
//		WalkDepth: 4,
//		Live:      true,
//		NewGunzip: s3source.NewGunzip,
//	}
//
// # What it tells apart
//
// An object that does not exist, one that an archive class holds, one that is
// refused (403, a KMS key that is disabled), and a network that fails: the SDK
// tries again what may succeed, and a Validator reads a body again that was
// cut. One bad object never ends a run.
//
// # Versions
//
// A Source is also a cloudtrail.VersionSource where its client can list versions:
// give it as Validator.Versions, and findings about what was overwritten or
// deleted name the version that is still what was signed.
//
// # What this does not protect against
//
// A trail whose bucket's owner serves other bytes to you than to others; keys
// from an endpoint that is not CloudTrail's. It does not ask the instance
// metadata service for anything: credentials are those of the client it is
// given.
//
// # Concurrency
//
// Everything here may be used by many goroutines at once.
package s3source
