// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/sigv4"
)

// A body that is hashed and signed while it is sent, with a checksum in a
// signed trailer. The length that goes on the wire is known beforehand.
func ExamplePayload_chunked() {
	payload := sigv4.Payload{Mode: sigv4.PayloadChunkedTrailer, Checksum: "crc32c"}
	n, err := payload.EncodedLen(sigv4.AlgorithmV4, 66560)
	fmt.Println(n, err)

	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
	r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/examplebucket/chunkObject.txt", strings.NewReader(strings.Repeat("a", 66560)))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := signer.Sign(r, exampleCredentials, payload); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.ContentLength, r.Header.Get("Content-Encoding"), r.Header.Get("X-Amz-Trailer"))
	body, err := io.ReadAll(r.Body) // what a client sends
	fmt.Println(len(body), strings.Contains(string(body), "x-amz-checksum-crc32c:sOO8/Q=="), err)
	// Output:
	// 66946 <nil>
	// 66946 aws-chunked x-amz-checksum-crc32c
	// 66946 true <nil>
}

// A server that takes chunked bodies. What it reads is decoded and checked; the
// last bytes come out only when the whole body was found good.
func ExampleVerifier_chunked() {
	verifier := &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{"AKIAIOSFODNN7EXAMPLE": {Secret: exampleCredentials.SecretAccessKey}},
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow,
		Modes: sigv4.ModeHeader | sigv4.ModeQuery | sigv4.ModeChunked | sigv4.ModeUnsignedTrailer,
	}
	server := httptest.NewServer(verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := sigv4.FromContext(r.Context())
		n, err := io.Copy(io.Discard, r.Body)
		var refusal *sigv4.Error
		if errors.As(err, &refusal) {
			sigv4.S3XML(w, r, refusal)
			return
		}
		fmt.Fprintln(w, id.Payload, r.ContentLength, n, r.Trailer.Get("X-Amz-Checksum-Sha256") != "")
	})))
	defer server.Close()
	client := &http.Client{Transport: &sigv4.Transport{
		Signer:      &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow},
		Credentials: func(context.Context) (sigv4.Credentials, error) { return exampleCredentials, nil },
		Payload: func(*http.Request) (sigv4.Payload, error) {
			return sigv4.Payload{Mode: sigv4.PayloadChunkedTrailer, Checksum: "sha256"}, nil
		},
	}}
	resp, err := client.Post(server.URL+"/bucket/key", "text/plain", strings.NewReader("Welcome to Amazon S3."))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	io.Copy(ioWriter{}, resp.Body)
	// Output: chunked-trailer 21 21 true
}

// With Signature Version 4A one signature is good in several regions, and the
// server that verifies it holds a public key and no secret.
func ExampleCredentials_V4APublicKey() {
	public, err := exampleCredentials.V4APublicKey() // done once, where the secret is
	if err != nil {
		fmt.Println(err)
		return
	}
	signer := &sigv4.Signer{
		Region: "us-*,eu-west-1", Profile: sigv4.ProfileFor("execute-api"), Algorithm: sigv4.AlgorithmV4A, Now: exampleNow,
	}
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	if _, err := signer.Sign(r, exampleCredentials, sigv4.Payload{}); err != nil {
		fmt.Println(err)
		return
	}
	for _, region := range []string{"us-west-2", "eu-west-1", "ap-south-1"} {
		verifier := &sigv4.Verifier{
			Keys:   sigv4.StaticKeys{"AKIAIOSFODNN7EXAMPLE": {PublicKey: public}},
			Region: region, Profile: sigv4.ProfileFor("execute-api"), Modes: sigv4.ModeHeader | sigv4.ModeV4A, Now: exampleNow,
		}
		id, err := verifier.Verify(r)
		if err != nil {
			fmt.Println(region, errors.Is(err, sigv4.ErrScope) || errors.Is(err, sigv4.ErrMalformed))
			continue
		}
		fmt.Println(region, id.Algorithm, id.RegionSet)
	}
	// Output:
	// us-west-2 AWS4-ECDSA-P256-SHA256 [us-* eu-west-1]
	// eu-west-1 AWS4-ECDSA-P256-SHA256 [us-* eu-west-1]
	// ap-south-1 true
}

// Both ends of an event stream: each message goes in a signed frame, an empty
// one ends the stream, and the server reads the messages inside.
func ExampleEventSigner() {
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("transcribe"), Now: exampleNow}
	r := httptest.NewRequest("POST", "https://transcribestreaming.us-east-1.amazonaws.com/stream", nil)
	seed, err := signer.Sign(r, exampleCredentials, sigv4.Payload{Mode: sigv4.PayloadEvents})
	if err != nil {
		fmt.Println(err)
		return
	}
	var frames *sigv4.EventSigner
	if frames, err = signer.EventSigner(seed, exampleCredentials); err != nil {
		fmt.Println(err)
		return
	}
	event := sigv4.Event{
		Headers: []sigv4.EventHeader{{Name: ":event-type", Value: "AudioEvent"}},
		Payload: []byte("audio"),
	}
	message, err := event.AppendTo(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := frames.AppendFrame(nil, message)
	body, _ = frames.AppendFrame(body, nil) // the end

	verifier := &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{"AKIAIOSFODNN7EXAMPLE": {Secret: exampleCredentials.SecretAccessKey}},
		Region: "us-east-1", Profile: sigv4.ProfileFor("transcribe"), Modes: sigv4.ModeHeader | sigv4.ModeEvents, Now: exampleNow,
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if _, err := verifier.Verify(r); err != nil {
		fmt.Println(err)
		return
	}
	for {
		e, err := sigv4.ReadEvent(r.Body)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.Headers[0].Value, string(e.Payload))
	}
	// Output:
	// AudioEvent audio
	// EOF
}

// The question of everybody who signs requests: which byte differs?
func ExampleExplain() {
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow, Debug: true}
	r := httptest.NewRequest("GET", "https://example.com/bucket/key", nil)
	r.Header.Set("Accept-Language", "en")
	signed, err := signer.Sign(r, exampleCredentials, sigv4.Payload{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// What the server answered, behind a proxy that changed two headers.
	answer := `<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>` +
		strings.NewReplacer("host:example.com", "host:10.0.0.1:8080", "accept-language:en", "accept-language:*").Replace(signed.Canonical.String()) +
		`</CanonicalRequest></Error>`
	var d sigv4.Difference
	for _, d = range sigv4.Explain(signed.Canonical, []byte(answer)) {
		fmt.Printf("%s %s: %q, there %q\n", d.Field, d.Name, d.Mine, d.Theirs)
	}
	// Output:
	// header accept-language: "en", there "*"
	// header host: "example.com", there "10.0.0.1:8080"
}

func ExampleParseSignatureError() {
	var report *sigv4.ServerReport
	report, err := sigv4.ParseSignatureError([]byte(`<Error><Code>SignatureDoesNotMatch</Code><StringToSignBytes>41 57 53 34</StringToSignBytes></Error>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Code, report.StringToSign)
	// Output: SignatureDoesNotMatch AWS4
}

// A guard that refuses what was accepted before. A store that several servers
// share implements the same interface.
func ExampleReplayGuard() {
	var guard sigv4.ReplayGuard = &sigv4.ReplayCache{Capacity: 1000, Now: exampleNow}
	verifier := &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{"AKIAIOSFODNN7EXAMPLE": {Secret: exampleCredentials.SecretAccessKey}},
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow, Replay: guard,
	}
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
	url, err := signer.Presign(httptest.NewRequest("GET", "https://example.com/bucket/key", nil), exampleCredentials, sigv4.Payload{}, time.Hour)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		_, err := verifier.Verify(httptest.NewRequest("GET", url.URL, nil))
		fmt.Println(err == nil, errors.Is(err, sigv4.ErrReplayed))
	}
	// Output:
	// true false
	// false true
}
