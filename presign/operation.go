// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
	"github.com/sallyport-go/sallyport/internal/percent"
	"github.com/sallyport-go/sallyport/sigv4"
)

// The operations of the S3 API reference. The table is never written.
var (
	opGet             = operation{method: http.MethodGet, object: true}
	opHead            = operation{method: http.MethodHead, object: true}
	opPut             = operation{method: http.MethodPut, object: true}
	opDelete          = operation{method: http.MethodDelete, object: true}
	opCreateMultipart = operation{method: http.MethodPost, query: "uploads=", object: true}
	opComplete        = operation{method: http.MethodPost, object: true}
	opGetTagging      = operation{method: http.MethodGet, query: "tagging=", object: true}
	opPutTagging      = operation{method: http.MethodPut, query: "tagging=", object: true}
	opDeleteTagging   = operation{method: http.MethodDelete, query: "tagging=", object: true}
	opGetAttributes   = operation{method: http.MethodGet, query: "attributes=", object: true}
	opGetACL          = operation{method: http.MethodGet, query: "acl=", object: true}
	opPutACL          = operation{method: http.MethodPut, query: "acl=", object: true}
	opGetRetention    = operation{method: http.MethodGet, query: "retention=", object: true}
	opPutRetention    = operation{method: http.MethodPut, query: "retention=", object: true}
	opGetLegalHold    = operation{method: http.MethodGet, query: "legal-hold=", object: true}
	opPutLegalHold    = operation{method: http.MethodPut, query: "legal-hold=", object: true}
	opRestore         = operation{method: http.MethodPost, query: "restore=", object: true}
	opSelect          = operation{method: http.MethodPost, query: "select=&select-type=2", object: true}

	opListParts    = operation{method: http.MethodGet, object: true}
	opListUploads  = operation{method: http.MethodGet, query: "uploads="}
	opListObjects  = operation{method: http.MethodGet, query: "list-type=2"}
	opListVersions = operation{method: http.MethodGet, query: "versions="}
	opDeleteMany   = operation{method: http.MethodPost, query: "delete="}
	opHeadBucket   = operation{method: http.MethodHead}
	opCreateBucket = operation{method: http.MethodPut, control: true}
	opDeleteBucket = operation{method: http.MethodDelete, control: true}
	opListBuckets  = operation{method: http.MethodGet, service: true}
)

func (s *S3) object(c *sigv4.Credentials, op *operation, bucket, key string, o *Options) (*URL, error) {
	return s.presign(c, op, request{bucket: bucket, key: key}, o)
}

// Get presigns GetObject.
func (s *S3) Get(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opGet, bucket, key, o)
}

// Head presigns HeadObject. A URL for Get is no good for it: the method is signed.
func (s *S3) Head(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opHead, bucket, key, o)
}

// Put presigns PutObject. Pin what is uploaded with ContentLength, SHA256 or a
// Checksum, and ContentType: a URL without them takes any body of any size.
func (s *S3) Put(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opPut, bucket, key, o)
}

// Delete presigns DeleteObject.
func (s *S3) Delete(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opDelete, bucket, key, o)
}

// Source names the object that a copy is made of.
type Source struct {
	// Bucket is the bucket, or the ARN of an access point.
	Bucket string
	// Key is the key, as it is.
	Key string
	// VersionID names a version; empty means the current one.
	VersionID string
	// CustomerKey is the SSE-C key of the source, 32 bytes.
	CustomerKey []byte
}

// header adds x-amz-copy-source and the source's key.
func (src *Source) header(d *draft) {
	switch {
	case src.Bucket == "" || src.Key == "" || len(src.Key) > 1024:
		d.fail("the Source has no bucket or no key of 1 to 1024 bytes")
		return
	case strings.HasPrefix(src.Bucket, "arn:"):
		if _, ok := arn.Parse(src.Bucket); !ok {
			d.fail("the bucket of the Source is no ARN")
			return
		}
	case !isBucket(src.Bucket):
		d.fail("the bucket of the Source is no bucket name")
		return
	}
	b := percent.Append(nil, src.Bucket, true)
	b = append(b, '/')
	if strings.HasPrefix(src.Bucket, "arn:") {
		b = append(b, "object/"...)
	}
	b = percent.Append(b, src.Key, true)
	if src.VersionID != "" {
		b = append(b, "?versionId="...)
		b = percent.Append(b, src.VersionID, false)
	}
	d.set("X-Amz-Copy-Source", string(b))
	if src.CustomerKey != nil {
		d.customerKey("X-Amz-Copy-Source-Server-Side-Encryption-Customer-", src.CustomerKey)
	}
}

// Copy presigns CopyObject. The holder of the URL must send x-amz-copy-source
// as URL.Header has it, and can send no other.
func (s *S3) Copy(c sigv4.Credentials, bucket, key string, source Source, o *Options) (*URL, error) {
	return s.presign(&c, &opPut, request{bucket: bucket, key: key, extra: source.header}, o)
}

// CreateMultipartUpload presigns CreateMultipartUpload.
func (s *S3) CreateMultipartUpload(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opCreateMultipart, bucket, key, o)
}

// part adds the number of a part, 1 to 10,000, and its upload.
func part(number int, uploadID string) func(*draft) {
	return func(d *draft) {
		if number < 1 || number > 10_000 {
			d.fail("a part's number is not 1 to 10000")
		}
		d.param("partNumber", strconv.Itoa(number))
		upload(uploadID)(d)
	}
}

// upload adds an upload's id.
func upload(id string) func(*draft) {
	return func(d *draft) {
		if id == "" {
			d.fail("the upload id is empty")
		}
		d.param("uploadId", id)
	}
}

// UploadPart presigns UploadPart; number is 1 to 10,000.
func (s *S3) UploadPart(c sigv4.Credentials, bucket, key, uploadID string, number int, o *Options) (*URL, error) {
	return s.presign(&c, &opPut, request{bucket, key, part(number, uploadID)}, o)
}

// UploadPartCopy presigns UploadPartCopy; number is 1 to 10,000. A range of the
// source is the header x-amz-copy-source-range.
func (s *S3) UploadPartCopy(c sigv4.Credentials, bucket, key, uploadID string, number int, source Source, o *Options) (*URL, error) {
	return s.presign(&c, &opPut, request{bucket, key, func(d *draft) {
		part(number, uploadID)(d)
		source.header(d)
	}}, o)
}

// CompleteMultipartUpload presigns CompleteMultipartUpload.
func (s *S3) CompleteMultipartUpload(c sigv4.Credentials, bucket, key, uploadID string, o *Options) (*URL, error) {
	return s.presign(&c, &opComplete, request{bucket, key, upload(uploadID)}, o)
}

// AbortMultipartUpload presigns AbortMultipartUpload.
func (s *S3) AbortMultipartUpload(c sigv4.Credentials, bucket, key, uploadID string, o *Options) (*URL, error) {
	return s.presign(&c, &opDelete, request{bucket, key, upload(uploadID)}, o)
}

// ListParts presigns ListParts.
func (s *S3) ListParts(c sigv4.Credentials, bucket, key, uploadID string, o *Options) (*URL, error) {
	return s.presign(&c, &opListParts, request{bucket, key, upload(uploadID)}, o)
}

// ListMultipartUploads presigns ListMultipartUploads.
func (s *S3) ListMultipartUploads(c sigv4.Credentials, bucket string, o *Options) (*URL, error) {
	return s.object(&c, &opListUploads, bucket, "", o)
}

// ListObjects presigns ListObjectsV2; prefix, delimiter, max-keys and
// continuation-token go into Options.Query.
func (s *S3) ListObjects(c sigv4.Credentials, bucket string, o *Options) (*URL, error) {
	return s.object(&c, &opListObjects, bucket, "", o)
}

// ListVersions presigns ListObjectVersions.
func (s *S3) ListVersions(c sigv4.Credentials, bucket string, o *Options) (*URL, error) {
	return s.object(&c, &opListVersions, bucket, "", o)
}

// GetTagging presigns GetObjectTagging.
func (s *S3) GetTagging(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opGetTagging, bucket, key, o)
}

// PutTagging presigns PutObjectTagging.
func (s *S3) PutTagging(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opPutTagging, bucket, key, o)
}

// DeleteTagging presigns DeleteObjectTagging.
func (s *S3) DeleteTagging(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opDeleteTagging, bucket, key, o)
}

// GetAttributes presigns GetObjectAttributes, whose header
// x-amz-object-attributes goes into Options.Header.
func (s *S3) GetAttributes(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opGetAttributes, bucket, key, o)
}

// GetACL presigns GetObjectAcl.
func (s *S3) GetACL(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opGetACL, bucket, key, o)
}

// PutACL presigns PutObjectAcl.
func (s *S3) PutACL(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opPutACL, bucket, key, o)
}

// GetRetention presigns GetObjectRetention.
func (s *S3) GetRetention(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opGetRetention, bucket, key, o)
}

// PutRetention presigns PutObjectRetention.
func (s *S3) PutRetention(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opPutRetention, bucket, key, o)
}

// GetLegalHold presigns GetObjectLegalHold.
func (s *S3) GetLegalHold(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opGetLegalHold, bucket, key, o)
}

// PutLegalHold presigns PutObjectLegalHold.
func (s *S3) PutLegalHold(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opPutLegalHold, bucket, key, o)
}

// Restore presigns RestoreObject.
func (s *S3) Restore(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opRestore, bucket, key, o)
}

// Select presigns SelectObjectContent.
func (s *S3) Select(c sigv4.Credentials, bucket, key string, o *Options) (*URL, error) {
	return s.object(&c, &opSelect, bucket, key, o)
}

// DeleteObjects presigns DeleteObjects.
func (s *S3) DeleteObjects(c sigv4.Credentials, bucket string, o *Options) (*URL, error) {
	return s.object(&c, &opDeleteMany, bucket, "", o)
}

// HeadBucket presigns HeadBucket.
func (s *S3) HeadBucket(c sigv4.Credentials, bucket string, o *Options) (*URL, error) {
	return s.object(&c, &opHeadBucket, bucket, "", o)
}

// CreateBucket presigns CreateBucket.
func (s *S3) CreateBucket(c sigv4.Credentials, bucket string, o *Options) (*URL, error) {
	return s.object(&c, &opCreateBucket, bucket, "", o)
}

// DeleteBucket presigns DeleteBucket.
func (s *S3) DeleteBucket(c sigv4.Credentials, bucket string, o *Options) (*URL, error) {
	return s.object(&c, &opDeleteBucket, bucket, "", o)
}

// ListBuckets presigns ListBuckets.
func (s *S3) ListBuckets(c sigv4.Credentials, o *Options) (*URL, error) {
	return s.object(&c, &opListBuckets, "", "", o)
}

// Do presigns any other request: the method, a bucket, a key or none, a query
// and headers. They are added to those of o.
func (s *S3) Do(c sigv4.Credentials, method, bucket, key string, query url.Values, header http.Header, o *Options) (*URL, error) {
	if method == "" {
		return nil, fault(ErrInput, "the method is empty")
	}
	for i := range len(method) {
		if !isToken(method[i]) {
			return nil, fault(ErrInput, "the method is no token")
		}
	}
	op := operation{method: method, object: key != "", service: bucket == ""}
	if op.service && op.object {
		return nil, fault(ErrInput, "a key needs a bucket")
	}
	return s.presign(&c, &op, request{bucket, key, func(d *draft) {
		d.further(&Options{Query: query, Header: header})
	}}, o)
}
