// SPDX-License-Identifier: Apache-2.0

package kmskeyring

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/sallyport-go/sallyport/envelope"
)

// API is the part of [kms.Client] that is used.
type API interface {
	GenerateDataKey(ctx context.Context, in *kms.GenerateDataKeyInput, opts ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Encrypt(ctx context.Context, in *kms.EncryptInput, opts ...func(*kms.Options)) (*kms.EncryptOutput, error)
	Decrypt(ctx context.Context, in *kms.DecryptInput, opts ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Client is an [envelope.KMS] over the SDK.
type Client struct {
	api    API
	region string
}

// New returns a client. When api is a [kms.Client], keyrings hold it to its
// Region.
func New(api API) *Client {
	c := &Client{api: api}
	if real, ok := api.(*kms.Client); ok {
		c.region = real.Options().Region
	}
	return c
}

// Region returns the client's Region, empty when it is not known.
func (c *Client) Region() string { return c.region }

// GenerateDataKey implements [envelope.KMS].
func (c *Client) GenerateDataKey(ctx context.Context, r *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	out, err := c.api.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId:             &r.KeyID,
		NumberOfBytes:     aws.Int32(int32(r.NumberOfBytes)), // at most 32
		EncryptionContext: r.EncryptionContext,
		GrantTokens:       r.GrantTokens,
	})
	if err != nil {
		return nil, err
	}
	return &envelope.KMSResponse{KeyID: aws.ToString(out.KeyId), Plaintext: out.Plaintext, CiphertextBlob: out.CiphertextBlob}, nil
}

// Encrypt implements [envelope.KMS].
func (c *Client) Encrypt(ctx context.Context, r *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	out, err := c.api.Encrypt(ctx, &kms.EncryptInput{
		KeyId:             &r.KeyID,
		Plaintext:         r.Plaintext,
		EncryptionContext: r.EncryptionContext,
		GrantTokens:       r.GrantTokens,
	})
	if err != nil {
		return nil, err
	}
	return &envelope.KMSResponse{KeyID: aws.ToString(out.KeyId), CiphertextBlob: out.CiphertextBlob}, nil
}

// Decrypt implements [envelope.KMS].
func (c *Client) Decrypt(ctx context.Context, r *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	out, err := c.api.Decrypt(ctx, &kms.DecryptInput{
		KeyId:               &r.KeyID,
		CiphertextBlob:      r.CiphertextBlob,
		EncryptionContext:   r.EncryptionContext,
		EncryptionAlgorithm: types.EncryptionAlgorithmSpec(r.EncryptionAlgorithm),
		GrantTokens:         r.GrantTokens,
	})
	if err != nil {
		return nil, err
	}
	return &envelope.KMSResponse{KeyID: aws.ToString(out.KeyId), Plaintext: out.Plaintext}, nil
}

// maxClients is how many clients a Supplier keeps: more than there are Regions.
const maxClients = 128

// Supplier returns what [envelope.KMSMultiConfig] calls Client: a function
// that makes one client for each Region of the configuration and keeps it, 128
// of them at most.
func Supplier(cfg aws.Config, opts ...func(*kms.Options)) func(region string) (envelope.KMS, error) {
	var mu sync.Mutex
	clients := map[string]*Client{}
	return func(region string) (envelope.KMS, error) {
		mu.Lock()
		defer mu.Unlock()
		c, ok := clients[region]
		if !ok {
			regional := cfg.Copy()
			regional.Region = region
			c = New(kms.NewFromConfig(regional, opts...))
			if len(clients) == maxClients { // somebody makes Regions up: who has a client keeps it
				clear(clients)
			}
			clients[region] = c
		}
		return c, nil
	}
}
