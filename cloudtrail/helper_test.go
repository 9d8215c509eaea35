// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// noKeys is a KeySource that fails.
type noKeys struct{}

func (noKeys) Keys(context.Context, string, time.Time, time.Time) ([]cloudtrail.PublicKey, error) {
	return nil, errors.New("no connection")
}

// full reports whether the unbounded form of a test was asked for.
func full() bool { return os.Getenv("SALLYPORT_FULL") != "" }
