// SPDX-License-Identifier: Apache-2.0

package envelope_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/sallyport-go/sallyport/envelope"
)

// countingKMS counts what a KMS is asked.
type countingKMS struct {
	toyKMS
	calls int
}

func (k *countingKMS) GenerateDataKey(ctx context.Context, r *envelope.KMSRequest) (*envelope.KMSResponse, error) {
	k.calls++
	return k.toyKMS.GenerateDataKey(ctx, r)
}

// Ten messages of a tenant, one call of KMS.
func ExampleNewCachingManager() {
	kms := &countingKMS{}
	ring, err := envelope.NewKMS(envelope.KMSConfig{Client: kms, KeyID: toyKey})
	if err != nil {
		log.Fatal(err)
	}
	cache, err := envelope.NewMaterialsCache(1000)
	if err != nil {
		log.Fatal(err)
	}
	var manager *envelope.CachingManager
	manager, err = envelope.NewCachingManager(envelope.CachingConfig{
		Keyring: ring, Cache: cache,
		MaxAge: 5 * time.Minute, MaxMessages: 1000, RefreshBefore: 30 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	client, err := envelope.New(envelope.Config{Manager: manager})
	if err != nil {
		log.Fatal(err)
	}
	for range 10 {
		if _, err := client.Encrypt(context.Background(), nil, []byte("hello"), envelope.EncryptionContext{"tenant": "7"}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(kms.calls)
	show := func(c *envelope.MaterialsCache) { c.Clear() } // when the key is no longer to be used
	show(cache)
	if _, err := client.Encrypt(context.Background(), nil, nil, envelope.EncryptionContext{"tenant": "7"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(kms.calls)
	// Output:
	// 1
	// 2
}
