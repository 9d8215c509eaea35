// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDemo(t *testing.T) {
	var out bytes.Buffer
	require.Zero(t, demo(t.Context(), &out), out.String())
	require.NotContains(t, out.String(), "FAIL")
}

func TestDemoFailsWhereAStepDoes(t *testing.T) {
	var out bytes.Buffer
	broken := []step{objectSteps[1]} // a put without the bucket
	require.Equal(t, 1, play(t.Context(), &out, broken))
	require.Contains(t, out.String(), "FAIL  put an object")
}
