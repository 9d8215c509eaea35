// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/sigv4"
)

// The credentials of the AWS documentation.
var exampleCredentials = sigv4.Credentials{
	AccessKeyID:     "AKIAIOSFODNN7EXAMPLE",
	SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}

func exampleNow() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }

func Example() {
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
	verifier := &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{"AKIAIOSFODNN7EXAMPLE": {Secret: exampleCredentials.SecretAccessKey}},
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow,
	}
	server := httptest.NewServer(verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := sigv4.FromContext(r.Context())
		body, err := io.ReadAll(r.Body) // a body that is not the signed one ends in an error
		fmt.Fprintln(w, id.AccessKeyID, id.Path, len(body), err)
	})))
	defer server.Close()

	client := &http.Client{Transport: &sigv4.Transport{
		Signer:      signer,
		Credentials: func(context.Context) (sigv4.Credentials, error) { return exampleCredentials, nil },
	}}
	resp, err := client.Post(server.URL+"/bucket/key", "text/plain", strings.NewReader("Welcome to Amazon S3."))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	io.Copy(ioWriter{}, resp.Body)
	// Output: AKIAIOSFODNN7EXAMPLE /bucket/key 21 <nil>
}

type ioWriter struct{}

func (ioWriter) Write(p []byte) (int, error) { fmt.Print(string(p)); return len(p), nil }
