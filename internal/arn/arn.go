// SPDX-License-Identifier: Apache-2.0

// Package arn splits Amazon resource names and matches them, without
// allocating. The fields of an ARN are what stands between its first five
// colons; the sixth, the resource, is the rest as it is, colons included.
package arn

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// ARN holds the six fields of a resource name, or of a pattern of one. Its
// strings share the memory of the text that was split.
type ARN struct {
	Prefix    string // "arn"
	Partition string // "aws", "aws-cn", …
	Service   string
	Region    string // empty for global resources
	Account   string // empty for S3 buckets and others
	Resource  string // everything behind the fifth colon
}

// Split cuts text at its first five colons and returns the fields with their
// number, 1 to 6. Fields that are not there are empty.
func Split(text string) (a ARN, fields int) {
	for _, field := range [...]*string{&a.Prefix, &a.Partition, &a.Service, &a.Region, &a.Account} {
		fields++
		head, tail, more := strings.Cut(text, ":")
		*field = head
		if !more {
			return a, fields
		}
		text = tail
	}
	a.Resource = text
	return a, fields + 1
}

// Parse splits a resource name; ok reports that it has six fields and begins
// with arn. It says nothing about the fields: an empty one is not refused.
func Parse(text string) (a ARN, ok bool) {
	a, fields := Split(text)
	return a, fields == 6 && a.Prefix == "arn"
}

// String puts the fields together again.
func (a ARN) String() string {
	return a.Prefix + ":" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// ID cuts the resource at its first slash or colon, whichever comes first:
// "key/1234" and "key:1234" both give "key" and "1234". Without either, kind
// is empty and id the whole resource.
func (a ARN) ID() (kind, id string) {
	i := strings.IndexAny(a.Resource, "/:")
	if i < 0 {
		return "", a.Resource
	}
	return a.Resource[:i], a.Resource[i+1:]
}

// Match reports whether each field of value matches the same field of the
// pattern, in which * and ? are wildcards that stay inside their field.
// Case counts everywhere (the Arn condition operators).
func Match(pattern, value ARN) bool {
	return wildcard.Match(pattern.Resource, value.Resource) &&
		wildcard.Match(pattern.Service, value.Service) &&
		wildcard.Match(pattern.Account, value.Account) &&
		wildcard.Match(pattern.Region, value.Region) &&
		wildcard.Match(pattern.Partition, value.Partition) &&
		wildcard.Match(pattern.Prefix, value.Prefix)
}

// MatchFold is Match without regard to ASCII case in partition, service,
// region and account (the Resource element of policies).
func MatchFold(pattern, value ARN) bool {
	return wildcard.Match(pattern.Resource, value.Resource) &&
		wildcard.MatchFold(pattern.Service, value.Service) &&
		wildcard.MatchFold(pattern.Account, value.Account) &&
		wildcard.MatchFold(pattern.Region, value.Region) &&
		wildcard.MatchFold(pattern.Partition, value.Partition) &&
		wildcard.Match(pattern.Prefix, value.Prefix)
}
