// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// openBucket makes a bucket in S3 the source.
func openBucket(context.Context, *options, *cloudtrail.Validator) (done func(), err error) {
	return func() {}, errors.New("trails in S3 are not supported yet: copy the bucket and use -dir")
}
