// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// conditions are the headers that make a request depend on the object as it is.
type conditions struct {
	match, noneMatch         string
	modified, unmodified     time.Time
	hasMatch, hasNone, asked bool
}

// readConditions reads If-Match and the others, or those of a copy's source,
// which have a prefix.
func readConditions(h http.Header, prefix string) conditions {
	date := func(name string) time.Time {
		t, err := http.ParseTime(h.Get(prefix + name))
		if err != nil {
			return time.Time{} // HTTP: a date that is none is ignored
		}
		return t
	}
	c := conditions{
		match: listed(h, prefix+"If-Match"), noneMatch: listed(h, prefix+"If-None-Match"),
		modified: date("If-Modified-Since"), unmodified: date("If-Unmodified-Since"),
	}
	c.hasMatch, c.hasNone = c.match != "", c.noneMatch != ""
	c.asked = c.hasMatch || c.hasNone || !c.modified.IsZero() || !c.unmodified.IsZero()
	return c
}

// judge follows RFC 9110: an entity tag's condition makes that of a date moot.
func (c conditions) judge(info *store.Info, method string) error {
	modified := info.Modified.Truncate(time.Second)
	switch {
	case c.hasMatch && !tagMatches(c.match, info.ETag, false),
		!c.hasMatch && !c.unmodified.IsZero() && modified.After(c.unmodified):
		return refuse("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	case c.hasNone && tagMatches(c.noneMatch, info.ETag, true),
		!c.hasNone && !c.modified.IsZero() && !modified.After(c.modified):
		if method == http.MethodGet || method == http.MethodHead {
			return refuse("NotModified", "Not Modified")
		}
		return refuse("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return nil
}

// listed returns the value of a header that is a list, from all its lines.
func listed(h http.Header, name string) string { return strings.Join(h.Values(name), ",") }

// tagMatches reads a list of entity tags, or *. A weak tag counts where the
// comparison is weak, as RFC 9110 has it for If-None-Match.
func tagMatches(list, etag string, weak bool) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			return true
		}
		if weak {
			tag = strings.TrimPrefix(tag, "W/")
		}
		if strings.Trim(tag, `"`) == etag {
			return true
		}
	}
	return false
}

// writeCondition is what If-Match and If-None-Match ask of a write.
func writeCondition(h http.Header) (store.Condition, error) {
	match, none := listed(h, "If-Match"), listed(h, "If-None-Match")
	switch {
	case match == "" && none == "":
		return nil, nil
	case none != "" && (none != "*" || match != ""):
		return nil, refuse("NotImplemented", "A header you provided implies functionality that is not implemented.").with("Header", "If-None-Match")
	}
	failed := refuse("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	return func(current *store.Info) error {
		switch {
		case none != "" && current != nil:
			return failed.with("Condition", "If-None-Match")
		case match != "" && current == nil:
			return store.ErrNoKey
		case match != "" && !tagMatches(match, current.ETag, false):
			return failed.with("Condition", "If-Match")
		}
		return nil
	}, nil
}

// deleteCondition is what an entity tag asks of a deletion; without one, nothing.
func deleteCondition(match string) store.Condition {
	if match == "" {
		return nil
	}
	return func(current *store.Info) error {
		if current == nil || !tagMatches(match, current.ETag, false) {
			return refuse("PreconditionFailed", "At least one of the pre-conditions you specified did not hold").with("Condition", "If-Match")
		}
		return nil
	}
}
