// SPDX-License-Identifier: Apache-2.0

package store

import "errors"

// What the methods refuse. Everything else is a fault of the disk or of the
// cipher.
var (
	ErrNoBucket       = errors.New("store: no such bucket")
	ErrBucketExists   = errors.New("store: bucket exists")
	ErrBucketNotEmpty = errors.New("store: bucket is not empty")
	ErrBucketName     = errors.New("store: not a bucket name")
	ErrNoKey          = errors.New("store: no such key")
	ErrKeyName        = errors.New("store: not an object key")
	ErrNoDocument     = errors.New("store: bucket has no such document")
	ErrNoUpload       = errors.New("store: no such upload")
	ErrInvalidPart    = errors.New("store: part missing or changed")
	ErrPartOrder      = errors.New("store: parts not in ascending order")
	ErrPartTooSmall   = errors.New("store: part below the minimum size")
	ErrDamaged        = errors.New("store: object file is damaged")
)
