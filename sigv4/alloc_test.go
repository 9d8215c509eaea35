// SPDX-License-Identifier: Apache-2.0

//go:build !race

package sigv4_test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

// SIG-118 allows 2, 3, 3 and 4 allocations; these are the ones that the README
// names.
func TestAllocations(t *testing.T) {
	s, v := benchSigner(), benchVerifier()
	sign, presign := benchRequest(t), benchRequest(t)
	presign.Header = http.Header{}
	header, query := signedBenchRequest(t), presignedBenchRequest(t)
	testkit.AllocsAtMost(t, 2, func() {
		if _, err := s.Sign(sign, benchCredentials, sigv4.Payload{}); err != nil {
			t.Error(err)
		}
	})
	testkit.AllocsAtMost(t, 3, func() {
		if _, err := s.Presign(presign, benchCredentials, sigv4.Payload{}, time.Hour); err != nil {
			t.Error(err)
		}
	})
	testkit.AllocsAtMost(t, 1, func() {
		if _, err := v.Verify(header); err != nil {
			t.Error(err)
		}
	})
	testkit.AllocsAtMost(t, 2, func() {
		if _, err := v.Verify(query); err != nil {
			t.Error(err)
		}
	})
}

// TestAllocationsDoNotGrow: a request of many headers costs no more than one of
// few (SIG-120).
func TestAllocationsDoNotGrow(t *testing.T) {
	r := benchRequest(t)
	for i := range 100 {
		r.Header.Set("X-Amz-Meta-"+strconv.Itoa(i), "value")
	}
	s, v := benchSigner(), benchVerifier()
	testkit.AllocsAtMost(t, 3, func() {
		if _, err := s.Sign(r, benchCredentials, sigv4.Payload{}); err != nil {
			t.Error(err)
		}
	})
	got := arrived(t, r.Method, r.URL.String(), r.Header)
	testkit.AllocsAtMost(t, 3, func() {
		if _, err := v.Verify(got); err != nil {
			t.Error(err)
		}
	})
}

// TestUnsignedHeadersCostTheirLength: a stranger's request of many headers that
// must be signed and are not, and of a long list of those that are, costs what
// it is long, not the one times the other.
func TestUnsignedHeadersCostTheirLength(t *testing.T) {
	r := benchRequest(t)
	for i := range 900 {
		r.Header.Set("X-Amz-Meta-"+strconv.Itoa(i), "value")
	}
	_, err := benchSigner().Sign(r, benchCredentials, sigv4.Payload{})
	require.NoError(t, err)
	got := arrived(t, r.Method, r.URL.String(), r.Header)
	for i := range 5000 {
		got.Header.Set("X-Amz-Other-"+strconv.Itoa(i), "value")
	}
	v := benchVerifier()
	testkit.BytesAtMost(t, 4<<20, func() {
		_, err := v.Verify(got)
		require.ErrorIs(t, err, sigv4.ErrUnsignedHeader)
	})
}

// TestBodyReadAllocatesNothing reads a checked body to its end.
func TestBodyReadAllocatesNothing(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 1<<20)
	r := putBenchRequest(t, body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, err := benchVerifier().Verify(r)
	require.NoError(t, err)
	buf := make([]byte, 4<<10)
	testkit.AllocsAtMost(t, 0, func() {
		if _, err := r.Body.Read(buf); err != nil {
			t.Error(err)
		}
	})
	for err == nil {
		_, err = r.Body.Read(buf)
	}
	require.Equal(t, io.EOF, err)
}
