// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"testing/fstest"
	"time"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// An auditor hands out one log file with what proves it. Who receives the bundle
// needs the public keys and nothing else.
func ExampleVerifyBundle() {
	root, keys := signedTrail()
	defer os.RemoveAll(root.Name())
	tree := cloudtrail.Directory{FS: root.FS()}
	v := cloudtrail.Validator{Source: tree, Keys: keys, Buckets: []string{"audit"}}
	var request cloudtrail.ProofRequest
	for key, err := range tree.List(context.Background(), "audit", "AWSLogs/111122223333/CloudTrail/", "") {
		if err != nil {
			log.Fatal(err)
		}
		request = cloudtrail.ProofRequest{Bucket: "audit", Object: key, Links: 1}
		break
	}
	var bundle *cloudtrail.Bundle
	bundle, _, err := v.Prove(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}
	data, err := json.Marshal(bundle)
	if err != nil {
		log.Fatal(err)
	}

	received, err := cloudtrail.ParseBundle(data)
	if err != nil {
		log.Fatal(err)
	}
	var proof *cloudtrail.Proof = cloudtrail.VerifyBundle(received, keys)
	fmt.Println(proof.Report.Verdict, proof.Content, proof.Log.Object == request.Object, proof.Through.Format("15:04"))

	var links []cloudtrail.SignedDigest = received.Links
	received.Digest = links[0]
	proof = cloudtrail.VerifyBundle(received, keys)
	fmt.Println(proof.Report.Verdict, proof.Report.Findings[0].Code)
	// Output:
	// valid true true 02:00
	// tampered log-unreferenced
}

// A bundle is read strictly, and an error says where.
func ExampleParseBundle() {
	_, err := cloudtrail.ParseBundle([]byte(`{"version":1,"entry":-1}`))
	fmt.Println(err)
	_, err = cloudtrail.ParseBundle([]byte(strings.Repeat(" ", 3)))
	fmt.Println(err != nil)
	// Output:
	// cloudtrail: malformed proof bundle: line 1, column 22 (offset 21), at entry: not an index from 0
	// true
}

// A trail that goes on: the checkpoint is saved before the next look.
func ExampleValidator_Follow() {
	root, keys := signedTrail()
	defer os.RemoveAll(root.Name())
	v := cloudtrail.Validator{Source: cloudtrail.Directory{FS: root.FS()}, Keys: keys, Buckets: []string{"audit"}}
	for report, err := range v.Follow(context.Background(), 5*time.Minute) {
		if err != nil {
			log.Print(err)
			continue
		}
		fmt.Println(report.Verdict, report.Checkpoint.Chains[0].End.Format("15:04"))
		break // as a service, save report.Checkpoint and go on
	}
	// Output: valid 02:00
}

// The results of a query, with a sign file that nobody signed.
func ExampleVerifyResults() {
	folder := fstest.MapFS{"result_1.csv.gz": {Data: []byte("…")}} // os.DirFS, or an os.Root's FS
	var sign *cloudtrail.ResultSign
	sign, err := cloudtrail.ParseResultSign([]byte(`{"version":"1.0","region":"us-east-1","files":[
		{"fileHashValue":"de85a48b8a363033c891abd723181243620a3af3b6505f0a44db77e147e9c188","fileName":"result_1.csv.gz"}],
		"hashAlgorithm":"SHA-256","signatureAlgorithm":"SHA256withRSA","queryCompleteTime":"2022-05-10T22:06:30Z",
		"hashSignature":"7664","publicKeyFingerprint":"67b9fa73676d86966b449dd677850753"}`))
	if err != nil {
		log.Fatal(err)
	}
	var first cloudtrail.ResultFile = sign.Files[0]
	report := cloudtrail.VerifyResults(context.Background(), sign, folder, cloudtrail.KeyRing{})
	fmt.Println(first.Name, report.Verdict, report.Findings[0].Code)
	// Output: result_1.csv.gz error digest-unknown-key
}
