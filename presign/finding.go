// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"slices"
	"strings"
	"time"
)

// Finding is one thing that is wrong or weak about a presigned URL.
type Finding struct {
	// Code names the kind: "expired", "too-long", "scope-date", "unsorted-headers",
	// "host-unsigned", "http", "hoisted", "unpinned", "unknown-algorithm" or
	// "legacy".
	Code string
	// Message says it in a sentence.
	Message string
}

func (p *Presigned) add(code, message string) {
	p.Findings = append(p.Findings, Finding{code, message})
}

// judge fills in the findings that need no clock; date is X-Amz-Date.
func (p *Presigned) judge(date string) {
	if !strings.HasPrefix(p.Algorithm, "AWS4-HMAC-SHA256") && !strings.HasPrefix(p.Algorithm, "AWS4-ECDSA-P256-SHA256") {
		p.add("unknown-algorithm", "no server knows this algorithm")
	}
	if p.Expires > maxExpires || p.Expires == 0 {
		p.add("too-long", "X-Amz-Expires is not 1 to 604800 seconds: every server refuses it")
	}
	if p.Scope.Date != date[:8] {
		p.add("scope-date", "the date of the scope is not that of X-Amz-Date")
	}
	if !slices.IsSorted(p.SignedHeaders) {
		p.add("unsorted-headers", "X-Amz-SignedHeaders is not sorted")
	}
	if !slices.Contains(p.SignedHeaders, "host") {
		p.add("host-unsigned", "host is not signed")
	}
	if p.Scheme == "http" {
		p.add("http", "the URL is a secret and goes over the wire in the clear")
	}
	for _, name := range p.Parameters {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(hoisted[:], lower) && lower != "x-amz-content-sha256" {
			p.add("hoisted", name+" stands in the query, where S3 does not enforce it as a header")
		}
	}
	p.pinning()
}

// pinning judges what the holder of an upload URL is bound to. A URL does not
// say its method: only one that carries headers of an upload is taken for one.
func (p *Presigned) pinning() {
	upload, pinned := slices.Contains(p.Parameters, "partNumber") || p.operation == "PutObject", false
	for _, name := range p.SignedHeaders {
		switch {
		case name == "content-length", name == "content-md5", name == "x-amz-content-sha256", name == "content-type",
			strings.HasPrefix(name, "x-amz-checksum-"):
			pinned = true
		case name == "x-amz-acl", name == "x-amz-tagging", name == "x-amz-storage-class",
			strings.HasPrefix(name, "x-amz-meta-"), strings.HasPrefix(name, "x-amz-server-side-encryption"):
			upload = true
		}
	}
	if upload && !pinned {
		p.add("unpinned", "neither length nor checksum nor type of an upload is signed: whoever holds the URL uploads anything")
	}
}

// FindingsAt returns Findings, with "expired" in front when the URL's own
// expiry is past at that time.
func (p *Presigned) FindingsAt(now time.Time) []Finding {
	if !now.After(p.ExpiresAt) {
		return p.Findings
	}
	return append([]Finding{{"expired", "the URL expired at " + p.ExpiresAt.UTC().Format(time.RFC3339)}}, p.Findings...)
}
