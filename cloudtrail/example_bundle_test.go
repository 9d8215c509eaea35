// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

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
