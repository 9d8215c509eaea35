// SPDX-License-Identifier: Apache-2.0

package miniopolicy

import (
	"bytes"
	"testing"

	"github.com/minio/pkg/v3/policy"

	"github.com/sallyport-go/sallyport/iampolicy"
)

func allowedBefore(document []byte, user, bucket, object string) (bool, error) {
	// page: policy before
	p, err := policy.ParseConfig(bytes.NewReader(document))
	if err != nil {
		return false, err
	}
	return p.IsAllowed(policy.Args{
		AccountName: user, Action: policy.GetObjectAction, BucketName: bucket, ObjectName: object,
		ConditionValues: map[string][]string{"username": {user}},
	}), nil
	// page: end
}

func allowedAfter(document []byte, user, bucket, object string) (bool, error) {
	// page: policy after
	p, err := iampolicy.Parse(document)
	if err != nil {
		return false, err
	}
	set, err := iampolicy.Compile(iampolicy.KindIdentity, p) // once: it is immutable
	if err != nil {
		return false, err
	}
	who, err := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/" + user)
	if err != nil {
		return false, err
	}
	r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::" + bucket + "/" + object, ResourceAccount: "111122223333"}
	r.Context.Set("aws:username", user)
	policies := iampolicy.Policies{Identity: set} // and Boundary, Session, Resource, Endpoint, SCP, RCP
	return policies.Decide(&r).Allowed(), nil
	// page: end
}

// TestMoving: both sides of docs/moving-from.md decide a plain policy alike.
func TestMoving(t *testing.T) {
	document := []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::files/${aws:username}/*"]}]}`)
	for object, want := range map[string]bool{"ana/x": true, "ben/x": false, "anas/x": false} {
		before, err := allowedBefore(document, "ana", "files", object)
		must(t, err)
		after, err := allowedAfter(document, "ana", "files", object)
		must(t, err)
		if before != want || after != want {
			t.Errorf("%s: before %v, after %v, want %v", object, before, after, want)
		}
	}
}
