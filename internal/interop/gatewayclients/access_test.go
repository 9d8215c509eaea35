// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

const anybodyReads = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}`

// testSDKAccess drives what is about public access: policy status, Block Public
// Access, ACLs and ownership.
func testSDKAccess(t *testing.T, w *world, c *s3.Client, bucket *string) {
	ctx := t.Context()
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("access"), Body: strings.NewReader("x")})
	require.NoError(t, err)
	_, err = c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
	requireCode(t, err, "NoSuchPublicAccessBlockConfiguration")
	_, err = c.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: bucket})
	requireCode(t, err, "NoSuchBucketPolicy")
	policy := fmt.Sprintf(anybodyReads, *bucket)
	_, err = c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &policy})
	require.NoError(t, err)
	status, err := c.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: bucket})
	require.NoError(t, err)
	require.True(t, *status.PolicyStatus.IsPublic)

	resp, err := w.Client.Get(w.URL + "/" + *bucket + "/access")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 200, resp.StatusCode)
	all := &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
	}
	_, err = c.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: bucket, PublicAccessBlockConfiguration: all})
	require.NoError(t, err)
	got, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
	require.NoError(t, err)
	require.Equal(t, all, got.PublicAccessBlockConfiguration)
	resp, err = w.Client.Get(w.URL + "/" + *bucket + "/access")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 403, resp.StatusCode)
	_, err = c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &policy})
	requireCode(t, err, "AccessDenied")
	_, err = c.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: bucket})
	require.NoError(t, err)
	_, err = c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: bucket})
	require.NoError(t, err)
	other := fmt.Sprintf(anybodyReads, "another-bucket")
	_, err = c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &other})
	requireCode(t, err, "MalformedPolicy")
	require.ErrorContains(t, err, "Policy has invalid resource")

	for _, acl := range []types.ObjectCannedACL{"public-read", "authenticated-read"} {
		_, err = c.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: bucket, Key: aws.String("access"), ACL: acl})
		requireCode(t, err, "AccessControlListNotSupported")
		_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: bucket, ACL: types.BucketCannedACL(acl)})
		requireCode(t, err, "AccessControlListNotSupported")
		_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("opened"), ACL: acl, Body: strings.NewReader("x")})
		requireCode(t, err, "AccessControlListNotSupported")
	}
	bucketACL, err := c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: bucket})
	require.NoError(t, err)
	_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: bucket, AccessControlPolicy: &types.AccessControlPolicy{Owner: bucketACL.Owner, Grants: bucketACL.Grants}})
	require.NoError(t, err, "what is read may be written")
	acl, err := c.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: bucket, Key: aws.String("access")})
	require.NoError(t, err)
	require.Len(t, acl.Grants, 1)
	require.Equal(t, types.PermissionFullControl, acl.Grants[0].Permission)
	require.Equal(t, types.TypeCanonicalUser, acl.Grants[0].Grantee.Type)
	require.Equal(t, *acl.Owner.ID, *acl.Grants[0].Grantee.ID)
	owned, err := c.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: bucket})
	require.NoError(t, err)
	require.Equal(t, types.ObjectOwnershipBucketOwnerEnforced, owned.OwnershipControls.Rules[0].ObjectOwnership)
	w.cases += 22
}

// testAWSAccess is the same by the command line.
func testAWSAccess(s *shell) {
	api := func(args ...string) string { return s.run(s.aws(append([]string{"s3api"}, args...)...)...) }
	fails := func(code string, args ...string) {
		s.t.Helper()
		s.fails(code, s.aws(append([]string{"s3api"}, args...)...)...)
	}
	api("create-bucket", "--bucket", "cli-access")
	policy := fmt.Sprintf(anybodyReads, "cli-access")
	fails("NoSuchPublicAccessBlockConfiguration", "get-public-access-block", "--bucket", "cli-access")
	api("put-bucket-policy", "--bucket", "cli-access", "--policy", policy)
	require.Contains(s.t, api("get-bucket-policy-status", "--bucket", "cli-access"), `"IsPublic": true`)
	api("put-public-access-block", "--bucket", "cli-access", "--public-access-block-configuration", "BlockPublicPolicy=true,RestrictPublicBuckets=true")
	require.Contains(s.t, api("get-public-access-block", "--bucket", "cli-access"), `"RestrictPublicBuckets": true`)
	fails("BlockPublicPolicy", "put-bucket-policy", "--bucket", "cli-access", "--policy", policy)
	api("delete-public-access-block", "--bucket", "cli-access")
	fails("Policy has invalid resource", "put-bucket-policy", "--bucket", "cli-access", "--policy", fmt.Sprintf(anybodyReads, "other"))
	fails("AccessControlListNotSupported", "put-bucket-acl", "--bucket", "cli-access", "--acl", "public-read")
	require.Contains(s.t, api("get-bucket-acl", "--bucket", "cli-access"), "FULL_CONTROL")
	require.Contains(s.t, api("get-bucket-ownership-controls", "--bucket", "cli-access"), "BucketOwnerEnforced")
	api("delete-bucket", "--bucket", "cli-access")
}
