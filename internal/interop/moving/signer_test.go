// SPDX-License-Identifier: Apache-2.0

package moving

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
)

var (
	now      = time.Now().UTC().Truncate(time.Second)
	sdkKeys  = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	ourKeys  = sigv4.Credentials{AccessKeyID: sdkKeys.AccessKeyID, SecretAccessKey: sdkKeys.SecretAccessKey}
	document = []byte("a document")
)

func newRequest(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://bucket.s3.us-east-1.amazonaws.com/a%20key", bytes.NewReader(document))
	require.NoError(t, err)
	return r
}

func signBefore(ctx context.Context, r *http.Request, body []byte) error {
	// page: sign before
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // for S3
	return signer.SignHTTP(ctx, sdkKeys, r, hash, "s3", "us-east-1", now)
	// page: end
}

func signAfter(r *http.Request) error {
	// page: sign after
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: func() time.Time { return now }} // keep it: it keeps signing keys
	_, err := signer.Sign(r, ourKeys, sigv4.Payload{})                                                                  // the zero Payload hashes r.Body
	return err
	// page: end
}

// TestSigner: both sign a request alike.
func TestSigner(t *testing.T) {
	before, after := newRequest(t), newRequest(t)
	require.NoError(t, signBefore(t.Context(), before, document))
	require.NoError(t, signAfter(after))
	signature := func(r *http.Request) string { return r.Header.Get("Authorization") }
	require.Contains(t, signature(before), "content-length", "the SDK signs the length")
	require.NotContains(t, signature(after), "content-length")
	require.NoError(t, verifyAfter(before))
	require.NoError(t, verifyAfter(after))
}

func verifyAfter(r *http.Request) error {
	// page: verify after
	verifier := &sigv4.Verifier{
		Keys:    sigv4.StaticKeys{"AKIDEXAMPLE": {Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}},
		Region:  "us-east-1",
		Profile: sigv4.ProfileFor("s3"),
	}
	identity, err := verifier.Verify(r) // or verifier.Handler(next)
	if err != nil {
		return err
	}
	_ = identity.AccessKeyID
	_, err = io.Copy(io.Discard, r.Body) // commit nothing before io.EOF: that is when the body is known to be the signed one
	return err
	// page: end
}

func TestVerifier(t *testing.T) {
	r := newRequest(t)
	require.NoError(t, signAfter(r))
	r.Body = io.NopCloser(bytes.NewReader([]byte("another dc")))
	require.ErrorIs(t, verifyAfter(r), sigv4.ErrBody)
}

func clientAfter(credentials aws.CredentialsProvider) *http.Client {
	// page: client after
	return &http.Client{Transport: &sigv4.Transport{
		Signer: &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("execute-api")},
		Credentials: func(ctx context.Context) (sigv4.Credentials, error) {
			c, err := credentials.Retrieve(ctx)
			return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expires: c.Expires}, err
		},
	}}
	// page: end
}

func TestTransport(t *testing.T) {
	provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return sdkKeys, nil })
	verifier := &sigv4.Verifier{Keys: sigv4.StaticKeys{"AKIDEXAMPLE": {Secret: sdkKeys.SecretAccessKey}}, Region: "us-east-1", Profile: sigv4.ProfileFor("execute-api")}
	server := httptest.NewServer(verifier.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer server.Close()
	resp, err := clientAfter(provider).Get(server.URL + "/stage/a%20b?x=1")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func presignBefore(ctx context.Context, client *s3.Client) (string, error) {
	// page: presign before
	u, err := s3.NewPresignClient(client).PresignPutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("a key"), ContentType: aws.String("text/plain"),
	}, s3.WithPresignExpires(time.Hour))
	// u.URL; and u.SignedHeader, which the holder has to send
	// page: end
	if err != nil {
		return "", err
	}
	return u.URL, nil
}

func presignAfter() (*presign.URL, error) {
	// page: presign after
	s := &presign.S3{Region: "us-east-1"}
	return s.Put(ourKeys, "bucket", "a key", &presign.Options{Expires: time.Hour, ContentType: "text/plain"})
	// URL, Method, Header: all that the holder needs; ExpiresAt: when it really stops working
	// page: end
}

// TestPresign: both make a URL for the same place, bound to the same type.
func TestPresign(t *testing.T) {
	client := s3.New(s3.Options{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return sdkKeys, nil })})
	before, err := presignBefore(t.Context(), client)
	require.NoError(t, err)
	after, err := presignAfter()
	require.NoError(t, err)
	for _, raw := range []string{before, after.URL} {
		p, err := presign.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, "bucket", p.Bucket)
		require.Equal(t, "a key", p.Key)
		require.Equal(t, time.Hour, p.Expires)
		require.Contains(t, p.SignedHeaders, "content-type")
	}
	require.Equal(t, "text/plain", after.Header.Get("Content-Type"))
	require.WithinDuration(t, time.Now().Add(time.Hour), after.ExpiresAt, time.Minute)
}
