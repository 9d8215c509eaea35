// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// operation is one of S3's: what it is called in logs, what a policy has to
// allow, and what does it.
type operation struct {
	Name   string
	Action string // empty: the handler asks, once it knows of what
	handle func(*call) error
	form   bool // authenticated by the fields of the form that is its body
	public bool // for everybody, signed or not

	prepares bool // s3:PutObject that makes no object yet
}

// The operations by method and, behind a space, the query parameter that makes
// a sub-resource of the request.
var (
	serviceOperations = map[string]*operation{
		"GET": {Name: "ListBuckets", Action: "s3:ListAllMyBuckets", handle: listBuckets},
	}
	bucketOperations = map[string]*operation{
		"POST":          {Name: "PostObject", Action: "s3:PutObject", handle: postObject, form: true},
		"PUT":           {Name: "CreateBucket", Action: "s3:CreateBucket", handle: createBucket},
		"DELETE":        {Name: "DeleteBucket", Action: "s3:DeleteBucket", handle: deleteBucket},
		"HEAD":          {Name: "HeadBucket", Action: "s3:ListBucket", handle: headBucket},
		"GET":           {Name: "ListObjects", Action: "s3:ListBucket", handle: listObjects},
		"GET list-type": {Name: "ListObjectsV2", Action: "s3:ListBucket", handle: listObjectsV2},
		"GET location":  {Name: "GetBucketLocation", Action: "s3:GetBucketLocation", handle: getBucketLocation},
		"GET uploads":   {Name: "ListMultipartUploads", Action: "s3:ListBucketMultipartUploads", handle: listUploads},
		"POST delete":   {Name: "DeleteObjects", Action: "", handle: deleteObjects},
		"GET policy":    {Name: "GetBucketPolicy", Action: "s3:GetBucketPolicy", handle: getPolicy},
		"PUT policy":    {Name: "PutBucketPolicy", Action: "s3:PutBucketPolicy", handle: putPolicy},
		"DELETE policy": {Name: "DeleteBucketPolicy", Action: "s3:DeleteBucketPolicy", handle: deletePolicy},

		"GET policyStatus":         {Name: "GetBucketPolicyStatus", Action: "s3:GetBucketPolicyStatus", handle: getPolicyStatus},
		"GET publicAccessBlock":    {Name: "GetPublicAccessBlock", Action: "s3:GetBucketPublicAccessBlock", handle: getPublicAccess},
		"PUT publicAccessBlock":    {Name: "PutPublicAccessBlock", Action: "s3:PutBucketPublicAccessBlock", handle: putPublicAccess},
		"DELETE publicAccessBlock": {Name: "DeletePublicAccessBlock", Action: "s3:PutBucketPublicAccessBlock", handle: deletePublicAccess},
		"GET acl":                  {Name: "GetBucketAcl", Action: "s3:GetBucketAcl", handle: getACL},
		"PUT acl":                  {Name: "PutBucketAcl", Action: "s3:PutBucketAcl", handle: putACL},
		"GET ownershipControls":    {Name: "GetBucketOwnershipControls", Action: "s3:GetBucketOwnershipControls", handle: getOwnership},
		"PUT ownershipControls":    {Name: "PutBucketOwnershipControls", Action: "s3:PutBucketOwnershipControls", handle: putOwnership},
	}
	objectOperations = map[string]*operation{
		"GET":               {Name: "GetObject", Action: "s3:GetObject", handle: getObject},
		"HEAD":              {Name: "HeadObject", Action: "s3:GetObject", handle: getObject},
		"PUT":               {Name: "PutObject", Action: "s3:PutObject", handle: putObject},
		"PUT copy":          {Name: "CopyObject", Action: "s3:PutObject", handle: copyObject},
		"DELETE":            {Name: "DeleteObject", Action: "s3:DeleteObject", handle: deleteObject},
		"GET acl":           {Name: "GetObjectAcl", Action: "s3:GetObjectAcl", handle: getACL},
		"PUT acl":           {Name: "PutObjectAcl", Action: "s3:PutObjectAcl", handle: putACL},
		"GET tagging":       {Name: "GetObjectTagging", Action: "s3:GetObjectTagging", handle: getTagging},
		"PUT tagging":       {Name: "PutObjectTagging", Action: "", handle: putTagging},
		"DELETE tagging":    {Name: "DeleteObjectTagging", Action: "s3:DeleteObjectTagging", handle: deleteTagging},
		"POST uploads":      {Name: "CreateMultipartUpload", Action: "s3:PutObject", handle: createUpload, prepares: true},
		"PUT uploadId":      {Name: "UploadPart", Action: "s3:PutObject", handle: uploadPart, prepares: true},
		"PUT uploadId copy": {Name: "UploadPartCopy", Action: "s3:PutObject", handle: copyPart, prepares: true},
		"GET uploadId":      {Name: "ListParts", Action: "s3:ListMultipartUploadParts", handle: listParts},
		"POST uploadId":     {Name: "CompleteMultipartUpload", Action: "s3:PutObject", handle: completeUpload},
		"DELETE uploadId":   {Name: "AbortMultipartUpload", Action: "s3:AbortMultipartUpload", handle: abortUpload},
	}
)

// ownPages are the gateway's own, by path: no bucket can have these names.
var ownPages = map[string]*operation{
	uploadPath: uploadPage,
	statusPath: {Name: "GetStatus", Action: "sallyport:GetStatus", handle: getStatus},
}

// subResources are the query parameters that name another operation. One that
// the gateway does not know must never fall through to the plain operation:
// PUT /bucket/key?acl is no upload.
var subResources = []string{
	"accelerate", "acl", "analytics", "annotation", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
	"legal-hold", "lifecycle", "list-type", "location", "logging", "metadataConfiguration", "metadataTable", "metrics", "notification",
	"object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "rename", "renameObject", "replication", "requestPayment",
	"restore", "retention", "select", "session", "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "versionId", "website",
}

var errNotImplemented error = refuse("NotImplemented", "A header or query you provided implies functionality that is not implemented.")

// route finds the operation. The path is decoded once, by net/http; the
// verifier decodes the same bytes the same way, and authenticate compares.
func (g *Gateway) route(c *call) error {
	// Signatures take & alone for a separator; package url would refuse a
	// semicolon, which no client has to escape.
	query, err := url.ParseQuery(strings.ReplaceAll(c.r.URL.RawQuery, ";", "%3B"))
	if err != nil {
		return refuse("InvalidURI", "Couldn't parse the specified URI.")
	}
	c.query = query
	switch virtual := c.pipe.config.virtualBucket(c.r.Host); {
	case c.onCDN():
		return c.routeCDN()
	case virtual == "" && c.reads() && ownPages[c.r.URL.Path] != nil:
		c.op = ownPages[c.r.URL.Path]
		return nil
	default:
		c.bucket, c.key = split(c.r.URL.Path, virtual)
	}
	if c.r.Method == http.MethodOptions { // of any page that is not the gateway's own
		return refuse("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
	}
	if err := checkKey(c.key); err != nil {
		return err
	}
	sub, err := subResource(query)
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodPut && c.r.Header.Get("x-amz-copy-source") != "" {
		sub = strings.TrimSpace(sub + " copy")
	}
	operations := objectOperations
	switch {
	case c.bucket == "" && c.key != "":
		return store.ErrBucketName
	case c.bucket == "":
		operations = serviceOperations
	case c.key == "":
		operations = bucketOperations
	}
	c.op = operations[strings.TrimSpace(c.r.Method+" "+sub)]
	switch {
	case c.op != nil:
		return nil
	case sub != "":
		return errNotImplemented
	default:
		c.w.Header().Set("Allow", methodsOf(operations))
		return refuse("MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
}

// methodsOf lists the methods that operations of no sub-resource have.
func methodsOf(operations map[string]*operation) string {
	var all []string
	for name := range operations {
		if !strings.Contains(name, " ") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// reads says whether the request asks for a page or an object, or for its
// header alone.
func (c *call) reads() bool {
	return c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
}

// checkKey refuses a key that no object can have, whatever is asked of it.
func checkKey(key string) error {
	if len(key) > store.MaxKey {
		return refuse("KeyTooLongError", "Your key is too long").
			with("Size", strconv.Itoa(len(key))).with("MaxSizeAllowed", strconv.Itoa(store.MaxKey))
	}
	if !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0 {
		return refuse("InvalidURI", "Couldn't parse the specified URI.")
	}
	return nil
}

// subResource is the one query parameter that names another operation, or "".
func subResource(query url.Values) (sub string, err error) {
	for _, name := range subResources {
		if !query.Has(name) {
			continue
		}
		if sub != "" {
			return "", refuse("InvalidRequest", "The query parameters %s and %s do not go together.", sub, name)
		}
		sub = name
	}
	return sub, nil
}

// virtualBucket is the bucket that the host names, or "".
func (c *Config) virtualBucket(host string) string {
	if c.Domain == "" {
		return ""
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	bucket, ok := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), "."+c.Domain)
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
