// SPDX-License-Identifier: Apache-2.0

//go:build !race

package wildcard_test

import (
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/internal/wildcard"
)

func TestMatchAllocatesNothing(t *testing.T) {
	parts := []wildcard.Part{{Text: "b/"}, {Text: "ann", Literal: true}, {Text: "/*"}}
	testkit.AllocsAtMost(t, 0, func() {
		wildcard.Match("a*b?c*d", "axxbyc-d")
		wildcard.MatchFold("A*b?c*D", "axxbyc-d")
		wildcard.MatchParts(parts, "b/ann/x")
	})
}
