// SPDX-License-Identifier: Apache-2.0

// Package kmskeyring lets the KMS keyrings of package envelope call AWS KMS
// through aws-sdk-go-v2.
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	…
//	ring, err := envelope.NewKMS(envelope.KMSConfig{
//		Client: kmskeyring.New(kms.NewFromConfig(cfg)),
//		KeyID:  "arn:aws:kms:eu-west-1:111122223333:key/…",
//	})
//
// Retries, credentials, endpoints and timeouts are the SDK's. Of errors only
// the SDK's own text is passed on; data keys never reach it.
//
// # What this does not protect against
//
// Whoever may call the client's credentials may unwrap what they may. A
// discovery keyring without filter asks whatever key a message names.
//
// Everything here is immutable and safe for concurrent use.
package kmskeyring
