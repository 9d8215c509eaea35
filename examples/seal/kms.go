// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/envelope/kmskeyring"
)

// kms makes the keyrings over KMS.
func (s *keyringSpec) kms(ctx context.Context, services *kmsServices) (envelope.Keyring, error) {
	if err := services.load(ctx); err != nil {
		return nil, err
	}
	if s.Type == "kms-multi" {
		return asKeyring(envelope.NewKMSMulti(envelope.KMSMultiConfig{Generator: s.Key, Keys: s.Keys, Client: services.client}))
	}
	client, err := services.client(s.region(services.region))
	if err != nil {
		return nil, err
	}
	switch s.Type {
	case "kms-rsa":
		return s.kmsRSA(client)
	case "kms", "kms-mrk":
		return asKeyring(envelope.NewKMS(envelope.KMSConfig{Client: client, KeyID: s.Key, MultiRegion: s.Type == "kms-mrk"}))
	default:
		return asKeyring(envelope.NewKMSDiscovery(envelope.KMSDiscoveryConfig{
			Client: client, Partition: s.Partition, Accounts: s.Accounts, MultiRegion: s.Type == "kms-mrk-discovery", Region: s.Region,
		}))
	}
}

// kmsRSA is the keyring of an asymmetric key, which encrypts where there is a
// public key.
func (s *keyringSpec) kmsRSA(client envelope.KMS) (envelope.Keyring, error) {
	cfg := envelope.KMSRSAConfig{KeyID: s.Key, Client: client}
	if err := cfg.Padding.UnmarshalText([]byte(s.Padding)); err != nil {
		return nil, err
	}
	if s.Public != "" {
		var err error
		if cfg.Public, err = rsaPublic(s.Public); err != nil {
			return nil, err
		}
	}
	return asKeyring(envelope.NewKMSRSA(cfg))
}

// kmsServices is the KMS of each Region, reached once it is needed: every
// keyring of a run shares one client, and its connections, for each Region.
type kmsServices struct {
	client func(region string) (envelope.KMS, error)
	region string // of the AWS configuration
}

func (k *kmsServices) load(ctx context.Context) error {
	if k.client != nil {
		return nil
	}
	cfg, err := awsConfig(ctx)
	if err != nil {
		return err
	}
	k.region = cfg.Region
	k.client = kmskeyring.Supplier(cfg, func(o *kms.Options) {
		if endpoint := os.Getenv("KMS_ENDPOINT"); endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
	return nil
}

// region is where the keyring's client is: as said, else as the key's ARN
// says, else as the AWS configuration says.
func (s *keyringSpec) region(fallback string) string {
	if s.Region != "" {
		return s.Region
	}
	k := envelope.EncryptedDataKey{ProviderID: "aws-kms", ProviderInfo: []byte(s.Key)}
	if _, region, _, _, ok := k.KMS(); ok {
		return region
	}
	return fallback
}

// awsConfig is the usual configuration, or any credentials for an endpoint of
// one's own.
func awsConfig(ctx context.Context) (aws.Config, error) {
	if os.Getenv("KMS_ENDPOINT") != "" {
		return aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("seal", "seal", "")}, nil
	}
	return config.LoadDefaultConfig(ctx)
}

// undecided reports that somewhere in err KMS did not judge a wrapped key: it
// was not reached, had no time, or refused whoever asked. A message is refused
// where each answer was about the message: not wrapped by this key, or altered.
func undecided(err error) bool {
	switch e := err.(type) { //nolint:errorlint // each error of the tree is asked by itself
	case *smithy.OperationError:
		var altered *types.InvalidCiphertextException
		var otherKey *types.IncorrectKeyException
		return !errors.As(e, &altered) && !errors.As(e, &otherKey)
	case net.Error:
		return true
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), undecided)
	case interface{ Unwrap() error }:
		return undecided(e.Unwrap())
	}
	return false
}
