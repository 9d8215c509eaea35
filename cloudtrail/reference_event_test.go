// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// refEvents is the slow, obvious reader of verified events: every event of
// every file that an accepted digest of the range lists and whose content has
// the hash, as path, a blank and the event, sorted. A file listed twice counts
// once.
func refEvents(files map[string][]byte, from, to time.Time) []string {
	r := &reference{files: files, from: from, to: to, chains: map[string][]*refDigest{}, listed: map[string]bool{}}
	r.find()
	if to.IsZero() {
		for _, list := range r.chains {
			for _, d := range list {
				if d.end.After(r.to) {
					r.to = d.end
				}
			}
		}
	}
	r.readDigests()
	var events []string
	done := map[refLog]bool{}
	for _, list := range r.chains {
		for _, d := range list {
			for _, l := range d.logs {
				if d.ok && d.selected && !done[l] {
					done[l] = true
					events = append(events, r.events(l)...)
				}
			}
		}
	}
	slices.Sort(events)
	return events
}

// events returns those of one file, or none.
func (r *reference) events(l refLog) (events []string) {
	stored, ok := r.files[l.path]
	if !ok {
		return nil
	}
	text, shape := refInflate(stored)
	sum := sha256.Sum256(text)
	if shape != "" || hex.EncodeToString(sum[:]) != l.sum {
		return nil
	}
	var log struct{ Records []json.RawMessage }
	if json.Unmarshal(text, &log) != nil {
		return nil
	}
	for _, e := range log.Records {
		events = append(events, "s3://"+l.path+" "+string(e))
	}
	return events
}

// refMatch is Filter, field by field, over an event decoded by encoding/json.
func refMatch(f cloudtrail.Filter, raw []byte) bool {
	var event map[string]any
	if json.Unmarshal(raw, &event) != nil {
		return false
	}
	get := func(path ...string) any {
		v := any(event)
		for _, name := range path {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		return v
	}
	in := func(list []string, paths ...[]string) bool {
		for _, p := range paths {
			if s, ok := get(p...).(string); ok && slices.Contains(list, s) {
				return true
			}
		}
		return len(list) == 0
	}
	one := func(name string) []string { return []string{name} }
	user := func(names ...string) []string { return append([]string{"userIdentity"}, names...) }
	if !f.From.IsZero() || !f.To.IsZero() {
		at, err := time.Parse(time.RFC3339, event["eventTime"].(string))
		if err != nil || at.Before(f.From) || !f.To.IsZero() && !at.Before(f.To) {
			return false
		}
	}
	category, _ := event["eventCategory"].(string)
	if category == "" {
		category = "Management"
		if event["managementEvent"] == false {
			category = "Data"
		}
		if event["eventType"] == "AwsCloudTrailInsight" {
			category = "Insight"
		}
	}
	text := func(name string) string { s, _ := event[name].(string); return s }
	failed := text("errorCode") != "" || text("errorMessage") != ""
	return in(f.Names, one("eventName")) && in(f.Sources, one("eventSource")) && in(f.Regions, one("awsRegion")) &&
		in(f.Accounts, one("recipientAccountId"), user("accountId")) &&
		in(f.Principals, user("arn"), user("principalId"), user("accessKeyId"), user("userName"), user("invokedBy"),
			user("sessionContext", "sessionIssuer", "arn"), user("sessionContext", "sessionIssuer", "userName")) &&
		refAddress(f.Addresses, event["sourceIPAddress"]) &&
		(len(f.Categories) == 0 || slices.Contains(f.Categories, category)) &&
		(!f.Errors || failed) && in(f.ErrorCodes, one("errorCode")) &&
		(f.ReadOnly == nil || *f.ReadOnly == (event["readOnly"] == true))
}

// refAddress compares addresses bit by bit.
func refAddress(list []string, value any) bool {
	if len(list) == 0 {
		return true
	}
	text, ok := value.(string)
	if !ok {
		return false
	}
	a, isAddr := netip.ParseAddr(text)
	for _, want := range list {
		base, bits, isBlock := strings.Cut(want, "/")
		b, err := netip.ParseAddr(base)
		switch {
		case err != nil || isAddr != nil:
			if want == text && err != nil && isAddr != nil {
				return true
			}
			continue
		}
		x, y := a.Unmap().AsSlice(), b.Unmap().AsSlice()
		n := len(y) * 8
		if isBlock {
			n = 0
			for _, c := range bits {
				n = 10*n + int(c-'0')
			}
		}
		if len(x) == len(y) && bytes.Equal(refBits(x, n), refBits(y, n)) {
			return true
		}
	}
	return false
}

func refBits(b []byte, n int) (bits []byte) {
	for i := range n {
		bits = append(bits, b[i/8]>>(7-i%8)&1)
	}
	return bits
}
