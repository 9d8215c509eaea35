// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"syscall"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// fault is an answer that refuses: S3's code, its status, a message for people
// and elements of its own.
type fault struct {
	Code    string
	Status  int
	Message string
	Extra   []element
	cause   error // for the log, never for the client
}

// element is an XML element that only some codes have.
type element struct{ Name, Value string }

func (f *fault) Error() string { return f.Code + ": " + f.Message }
func (f *fault) Unwrap() error { return f.cause }

// refuse makes a fault with the status that S3 gives the code.
func refuse(code, format string, args ...any) *fault {
	status, ok := statusOf[code]
	if !ok {
		status = http.StatusBadRequest
	}
	return &fault{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// with adds an element.
func (f *fault) with(name, value string) *fault {
	f.Extra = append(f.Extra, element{name, value})
	return f
}

// statusOf has the codes whose status is not 400.
var statusOf = map[string]int{
	"AccessDenied":            http.StatusForbidden,
	"AccessForbidden":         http.StatusForbidden,
	"BucketAlreadyOwnedByYou": http.StatusConflict,
	"BucketNotEmpty":          http.StatusConflict,
	"InternalError":           http.StatusInternalServerError,
	"InvalidRange":            http.StatusRequestedRangeNotSatisfiable,
	"MethodNotAllowed":        http.StatusMethodNotAllowed,
	"MissingContentLength":    http.StatusLengthRequired,
	"NoSuchBucket":            http.StatusNotFound,
	"NoSuchBucketPolicy":      http.StatusNotFound,

	"NoSuchPublicAccessBlockConfiguration": http.StatusNotFound,

	"NoSuchKey":          http.StatusNotFound,
	"NoSuchTagSet":       http.StatusNotFound,
	"NoSuchUpload":       http.StatusNotFound,
	"NotImplemented":     http.StatusNotImplemented,
	"NotModified":        http.StatusNotModified,
	"PreconditionFailed": http.StatusPreconditionFailed,
	"ServiceUnavailable": http.StatusServiceUnavailable,
	"SlowDown":           http.StatusServiceUnavailable,
}

// storeFaults says what the store's refusals are in S3's words.
var storeFaults = []struct {
	err     error
	code    string
	message string
}{
	{store.ErrNoBucket, "NoSuchBucket", "The specified bucket does not exist."},
	{store.ErrBucketExists, "BucketAlreadyOwnedByYou", "The bucket exists already."},
	{store.ErrBucketNotEmpty, "BucketNotEmpty", "The bucket you tried to delete is not empty."},
	{store.ErrBucketName, "InvalidBucketName", "The specified bucket is not valid."},
	{store.ErrNoKey, "NoSuchKey", "The specified key does not exist."},
	{store.ErrKeyName, "KeyTooLongError", "Your key is too long, or not UTF-8."},
	{store.ErrNoUpload, "NoSuchUpload", "The specified upload does not exist: it was never begun, or is completed or aborted."},
	{store.ErrInvalidPart, "InvalidPart", "A part was not found, or its entity tag or checksum is another."},
	{store.ErrPartOrder, "InvalidPartOrder", "The list of parts was not in ascending order."},
	{store.ErrPartTooSmall, "EntityTooSmall", "A part other than the last is smaller than 5 MiB."},
}

// asFault says any error in S3's words. What it does not know is an internal
// error, whose cause goes to the log.
func asFault(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	for _, known := range storeFaults {
		if errors.Is(err, known.err) {
			return refuse(known.code, "%s", known.message)
		}
	}
	if f := signatureFault(err); f != nil {
		return f
	}
	if why := unavailable(err); why != "" {
		return &fault{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: why, cause: err}
	}
	if errors.Is(err, context.Canceled) {
		return &fault{Code: "RequestTimeout", Status: http.StatusBadRequest, Message: "The client went away.", cause: err}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &fault{Code: "RequestTimeout", Status: http.StatusBadRequest, Message: "Your connection stood still for too long.", cause: err}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refuse("EntityTooLarge", "The body is larger than this server takes.")
	}
	f := refuse("InternalError", "We encountered an internal error. Please try again.")
	f.cause = err
	return f
}

// unavailable says what is missing that may come back, or "".
func unavailable(err error) string {
	switch {
	case errors.Is(err, errNoKeys):
		return "The key management service cannot be reached. Please try again later."
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "The store has no space left. Delete objects, or give it room."
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return "The store can only be read at present."
	}
	return ""
}

// errorXML is S3's error document.
type errorXML struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Extra     []elementXML
	Resource  string `xml:",omitempty"`
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

type elementXML struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

// writeFault answers with the error document; HEAD and 304 have no body.
func (c *call) writeFault(f *fault) {
	doc := errorXML{Code: f.Code, Message: f.Message, Resource: c.r.URL.Path, RequestID: c.id, HostID: "sallyport"}
	for _, e := range f.Extra {
		doc.Extra = append(doc.Extra, elementXML{xml.Name{Local: e.Name}, e.Value})
	}
	c.fault = f
	c.tellRegion(f)
	if c.r.Method == http.MethodHead || f.Status == http.StatusNotModified {
		c.w.WriteHeader(f.Status)
		return
	}
	c.writeXML(f.Status, doc)
}

// tellRegion says where the bucket is to who asked in another region, and to
// who asks just that: HeadBucket answers so even where it refuses, and clients
// look for the header, since HEAD has no document.
func (c *call) tellRegion(f *fault) {
	told := c.op == bucketOperations["HEAD"] && f.Status == http.StatusForbidden
	for _, e := range f.Extra {
		told = told || e.Name == "Region"
	}
	if told && c.bucket != "" {
		c.w.Header().Set("x-amz-bucket-region", c.pipe.config.Region)
	}
}
