// SPDX-License-Identifier: Apache-2.0

//go:build !race

package arn_test

import (
	"testing"

	"github.com/sallyport-go/sallyport/internal/arn"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

func TestParseAndMatchAllocateNothing(t *testing.T) {
	pattern, _ := arn.Split("arn:aws:s3:::b/home/*")
	testkit.AllocsAtMost(t, 0, func() {
		v, _ := arn.Parse("arn:aws:s3:::b/home/ann/photo.jpg")
		arn.Match(pattern, v)
		arn.MatchFold(pattern, v)
	})
}
