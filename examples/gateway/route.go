// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// operation is one of S3's: what it is called in logs, what a policy has to
// allow, and what does it.
type operation struct {
	Name   string
	Action string
	handle func(*call) error
}

// The operations by method and, behind a space, the query parameter that makes
// a sub-resource of the request.
var (
	serviceOperations = map[string]*operation{
		"GET": {"ListBuckets", "s3:ListAllMyBuckets", listBuckets},
	}
	bucketOperations = map[string]*operation{
		"PUT":           {"CreateBucket", "s3:CreateBucket", createBucket},
		"DELETE":        {"DeleteBucket", "s3:DeleteBucket", deleteBucket},
		"HEAD":          {"HeadBucket", "s3:ListBucket", headBucket},
		"GET":           {"ListObjects", "s3:ListBucket", listObjects},
		"GET list-type": {"ListObjectsV2", "s3:ListBucket", listObjectsV2},
		"GET location":  {"GetBucketLocation", "s3:GetBucketLocation", getBucketLocation},
		"GET uploads":   {"ListMultipartUploads", "s3:ListBucketMultipartUploads", listUploads},
		"POST delete":   {"DeleteObjects", "", deleteObjects}, // every key is authorized by itself
		"GET policy":    {"GetBucketPolicy", "s3:GetBucketPolicy", getPolicy},
		"PUT policy":    {"PutBucketPolicy", "s3:PutBucketPolicy", putPolicy},
		"DELETE policy": {"DeleteBucketPolicy", "s3:DeleteBucketPolicy", deletePolicy},
	}
	objectOperations = map[string]*operation{
		"GET":               {"GetObject", "s3:GetObject", getObject},
		"HEAD":              {"HeadObject", "s3:GetObject", getObject},
		"PUT":               {"PutObject", "s3:PutObject", putObject},
		"PUT copy":          {"CopyObject", "s3:PutObject", copyObject},
		"DELETE":            {"DeleteObject", "s3:DeleteObject", deleteObject},
		"GET tagging":       {"GetObjectTagging", "s3:GetObjectTagging", getTagging},
		"PUT tagging":       {"PutObjectTagging", "s3:PutObjectTagging", putTagging},
		"DELETE tagging":    {"DeleteObjectTagging", "s3:DeleteObjectTagging", deleteTagging},
		"POST uploads":      {"CreateMultipartUpload", "s3:PutObject", createUpload},
		"PUT uploadId":      {"UploadPart", "s3:PutObject", uploadPart},
		"PUT uploadId copy": {"UploadPartCopy", "s3:PutObject", copyPart},
		"GET uploadId":      {"ListParts", "s3:ListMultipartUploadParts", listParts},
		"POST uploadId":     {"CompleteMultipartUpload", "s3:PutObject", completeUpload},
		"DELETE uploadId":   {"AbortMultipartUpload", "s3:AbortMultipartUpload", abortUpload},
	}
)

// subResources are the query parameters that name another operation. One that
// the gateway does not know must never fall through to the plain operation:
// PUT /bucket/key?acl is no upload.
var subResources = []string{
	"accelerate", "acl", "analytics", "annotation", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
	"legal-hold", "lifecycle", "list-type", "location", "logging", "metadataConfiguration", "metadataTable", "metrics", "notification",
	"object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "rename", "renameObject", "replication", "requestPayment",
	"restore", "retention", "select", "session", "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "versionId", "website",
}

// route finds the operation. The path is decoded once, by net/http; the
// verifier decodes the same bytes the same way, and authenticate compares.
func (g *Gateway) route(c *call) error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return refuse("InvalidURI", "Couldn't parse the specified URI.")
	}
	c.query = query
	c.bucket, c.key = split(c.r.URL.Path, g.virtualBucket(c.r.Host))
	sub := ""
	for _, name := range subResources {
		if !query.Has(name) {
			continue
		}
		if sub != "" {
			return refuse("InvalidRequest", "The query parameters %s and %s do not go together.", sub, name)
		}
		sub = name
	}
	if c.r.Method == http.MethodPut && c.r.Header.Get("x-amz-copy-source") != "" {
		sub = strings.TrimSpace(sub + " copy")
	}
	operations := objectOperations
	switch {
	case c.bucket == "":
		operations = serviceOperations
	case c.key == "":
		operations = bucketOperations
	}
	c.op = operations[strings.TrimSpace(c.r.Method+" "+sub)]
	if c.op == nil && (sub != "" || operations[c.r.Method] == nil && c.r.Method == http.MethodPost) {
		return refuse("NotImplemented", "A header or query you provided implies functionality that is not implemented.")
	}
	if c.op == nil {
		return refuse("MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	return nil
}

// virtualBucket is the bucket that the host names, or "".
func (g *Gateway) virtualBucket(host string) string {
	if g.config.Domain == "" {
		return ""
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	bucket, ok := strings.CutSuffix(strings.ToLower(host), "."+g.config.Domain)
	if !ok {
		return ""
	}
	return bucket
}

// split takes bucket and key from a decoded path. Nothing is cleaned: dots and
// slashes are bytes of the key.
func split(path, virtual string) (bucket, key string) {
	path = strings.TrimPrefix(path, "/")
	if virtual != "" {
		return virtual, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}
