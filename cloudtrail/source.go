// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"io"
	"iter"
)

// Source reads the buckets that hold trails. Its methods are called from many
// goroutines at once.
type Source interface {
	// Open opens an object. It fails with fs.ErrNotExist where there is none,
	// ErrArchived where it would have to be restored first, ErrTransient where
	// trying again may help, and with any other error where it is refused.
	Open(ctx context.Context, bucket, key string) (*Object, error)

	// List yields the keys that begin with prefix, in any order. With a
	// delimiter, usually "/", keys that hold it behind the prefix are yielded
	// as one key each, up to and with it: the folders. It yields an error,
	// wrapping fs.ErrNotExist when there is no such bucket, and ends.
	List(ctx context.Context, bucket, prefix, delimiter string) iter.Seq2[string, error]
}

// Object is an open object. The receiver closes Body.
type Object struct {
	// Body is the object as it is stored. A transport that inflates what has
	// Content-Encoding gzip must be told not to.
	Body io.ReadCloser

	// Size is the length of the stored object, by which a body that was cut on
	// its way is told from an object that is damaged; -1 when not known.
	Size int64

	// Metadata is the user metadata, names in lower case without x-amz-meta-.
	Metadata map[string]string

	// Copied says that the object is a copy whose metadata may not have been
	// copied with it. A digest without a signature is then looked up in the
	// digest that follows it.
	Copied bool
}

// Names of the metadata of digests.
const (
	metaSignature  = "signature"
	metaAlgorithm  = "signature-algorithm"
	metaGeneration = "backfill-generation-timestamp"
)

// location is where an object lies.
type location struct{ bucket, key string }

func (l location) String() string { return "s3://" + l.bucket + "/" + l.key }
