// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/envelope/kmskeyring"
)

func (k *MasterKey) kmsKeyring(ctx context.Context, region string) (envelope.Keyring, error) {
	// Without a limit a KMS that does not answer would hold every request.
	patience := awshttp.NewBuildableClient().WithTimeout(5 * time.Second)
	loaded, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithHTTPClient(patience))
	if err != nil {
		return nil, err
	}
	supplier := kmskeyring.Supplier(loaded, func(o *kms.Options) {
		if k.KMSEndpoint != "" {
			o.BaseEndpoint = &k.KMSEndpoint
		}
	})
	if part := strings.Split(k.KMSKey, ":"); len(part) > 3 && part[3] != "" {
		region = part[3] // a key is used in its own region
	}
	client, err := supplier(region)
	if err != nil {
		return nil, err
	}
	return envelope.NewKMS(envelope.KMSConfig{Client: reachable{client}, KeyID: k.KMSKey})
}

// errNoKeys is a KMS that cannot be reached or does not answer well: it says
// nothing of the message.
var errNoKeys = errors.New("the key management service cannot be reached")

// reachable tells a KMS that refuses from one that is down.
type reachable struct{ envelope.KMS }

func (k reachable) GenerateDataKey(ctx context.Context, r *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	return judged(k.KMS.GenerateDataKey(ctx, r))
}

func (k reachable) Encrypt(ctx context.Context, r *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	return judged(k.KMS.Encrypt(ctx, r))
}

func (k reachable) Decrypt(ctx context.Context, r *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	return judged(k.KMS.Decrypt(ctx, r))
}

func judged(answer *envelope.KMSResponse, err error) (*envelope.KMSResponse, error) {
	var refused smithy.APIError
	if err != nil && (!errors.As(err, &refused) || refused.ErrorFault() == smithy.FaultServer) {
		err = fmt.Errorf("%w: %w", errNoKeys, err)
	}
	return answer, err
}

// maxCached is how many objects' data keys are kept.
const maxCached = 10_000

// usesKMS says whether a data key costs a call.
func (e *Encryption) usesKMS() bool {
	for _, k := range e.keys() {
		if k.KMSKey != "" {
			return true
		}
	}
	return false
}

// newBodies makes the client that encrypts bodies. Under KMS it keeps data keys
// for a while: the parts of an upload and the readers of an object share one
// call. Objects do not share data keys, since bucket and key are their context.
func newBodies(e *Encryption, ring envelope.Keyring) (*envelope.Client, *envelope.MaterialsCache, error) {
	config := envelope.Unsigned(ring)
	if !e.usesKMS() || e.Cache < 0 {
		client, err := envelope.New(config)
		return client, nil, err
	}
	cache, err := envelope.NewMaterialsCache(maxCached)
	if err != nil {
		return nil, nil, err
	}
	manager, err := envelope.NewCachingManager(envelope.CachingConfig{
		Keyring: ring, Cache: cache, MaxAge: time.Duration(e.Cache), MaxMessages: 1000,
	})
	if err != nil {
		return nil, nil, err
	}
	config.Keyring, config.Manager = nil, manager
	client, err := envelope.New(config)
	return client, cache, err
}
