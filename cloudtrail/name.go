// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// maxKey is the length limit of an S3 object key in bytes.
const maxKey = 1024

// Layouts of the times in object names and in digests. All are UTC.
const (
	layoutDigestName = "20060102T150405Z"
	layoutLogName    = "20060102T1504Z"
	layoutDay        = "2006/01/02"
	layoutTime       = "2006-01-02T15:04:05Z"
)

// Chain identifies a digest chain: all digests of one account, source region,
// trail, home region and kind. Bucket and prefix are no part of it, because a
// trail may change them; the organization is, because a member account may own
// a trail with the name of an organization trail. Chain is comparable.
type Chain struct {
	Account  string `json:"account"`       // 12 digits
	Region   string `json:"region"`        // the region the digests speak of
	Trail    string `json:"trail"`         // the trail's name
	Home     string `json:"home"`          // the region the trail was created in
	Backfill bool   `json:"backfill"`      // digests delivered late, for past hours
	Org      string `json:"org,omitempty"` // o-…, only on organization trails
}

// Compare orders chains as reports list them: by account, region, trail, home
// region, then standard before backfill, then organization.
func (c Chain) Compare(d Chain) int {
	kind := func(c Chain) int {
		if c.Backfill {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(c.Account, d.Account), cmp.Compare(c.Region, d.Region),
		cmp.Compare(c.Trail, d.Trail), cmp.Compare(c.Home, d.Home),
		cmp.Compare(kind(c), kind(d)), cmp.Compare(c.Org, d.Org),
	)
}

// DigestName is the key of a digest object, taken apart:
//
//	[prefix/]AWSLogs/[O-ID/]ACCT/CloudTrail-Digest/REGION/YYYY/MM/DD/ACCT_CloudTrail-Digest_REGION_TRAIL_HOME_YYYYMMDDTHHMMSSZ[_backfill].json.gz
//
// AWS page: cloudtrail-log-file-validation-digest-file-structure.
type DigestName struct {
	Prefix string    // what stands before AWSLogs/, without the slash
	Chain  Chain     // whose digest it is
	End    time.Time // digestEndTime, to the second, UTC
}

// ParseDigestName takes the key of a digest apart, from both ends, since a
// trail's name may hold underscores, dots and hyphens. For every key it accepts,
// String gives the same key back. It fails with ErrName.
func ParseDigestName(key string) (DigestName, error) {
	f, ok := splitKey(key)
	if !ok || f.kind != "CloudTrail-Digest" {
		return DigestName{}, fmt.Errorf("%w: not the path of a digest", ErrName)
	}
	rest, ok := strings.CutSuffix(f.file, ".json.gz")
	if !ok {
		return DigestName{}, fmt.Errorf("%w: a digest's key ends in .json.gz", ErrName)
	}
	n := DigestName{Prefix: f.prefix, Chain: Chain{Account: f.account, Region: f.region, Org: f.org}}
	rest, n.Chain.Backfill = strings.CutSuffix(rest, "_backfill")
	rest, ok = strings.CutPrefix(rest, f.account+"_CloudTrail-Digest_"+f.region+"_")
	if !ok {
		return DigestName{}, fmt.Errorf("%w: account, kind or region differ between folder and file", ErrName)
	}
	rest, stamp, ok := cutLast(rest, "_")
	if !ok {
		return DigestName{}, fmt.Errorf("%w: no time stamp", ErrName)
	}
	n.Chain.Trail, n.Chain.Home, ok = cutLast(rest, "_")
	if !ok || !validTrail(n.Chain.Trail) || !validRegion(n.Chain.Home) {
		return DigestName{}, fmt.Errorf("%w: no trail name and home region", ErrName)
	}
	end, err := time.Parse(layoutDigestName, stamp)
	if err != nil || end.Format(layoutDigestName) != stamp || end.Format(layoutDay) != f.day {
		return DigestName{}, fmt.Errorf("%w: the time stamp is not a time of the folder's day", ErrName)
	}
	n.End = end
	return n, nil
}

// String returns the object key.
func (n DigestName) String() string {
	c := n.Chain
	var b strings.Builder
	writeFolder(&b, n.Prefix, c.Org, c.Account, "CloudTrail-Digest", c.Region)
	stamp := n.End.UTC().Format(layoutDigestName)
	b.WriteString(n.End.UTC().Format(layoutDay))
	for _, s := range []string{"/", c.Account, "_CloudTrail-Digest_", c.Region, "_", c.Trail, "_", c.Home, "_", stamp} {
		b.WriteString(s)
	}
	if c.Backfill {
		b.WriteString("_backfill")
	}
	b.WriteString(".json.gz")
	return b.String()
}

// LogName is the key of a log file, taken apart:
//
//	[prefix/]AWSLogs/[O-ID/]ACCT/KIND/REGION/YYYY/MM/DD/ACCT_KIND_REGION_YYYYMMDDTHHMMZ_16chars.json.gz
//
// AWS page: cloudtrail-log-file-examples.
type LogName struct {
	Prefix  string // what stands before AWSLogs/, without the slash
	Org     string // o-…, empty outside organization trails
	Account string
	Kind    string // CloudTrail, CloudTrail-Insight, …
	Region  string
	Time    time.Time // to the minute; neither an event's time nor that of delivery
	ID      string    // 16 letters and digits
}

// ParseLogName takes the key of a log file apart. For every key it accepts,
// String gives the same key back. It fails with ErrName.
func ParseLogName(key string) (LogName, error) {
	f, ok := splitKey(key)
	if !ok || f.kind == "CloudTrail-Digest" {
		return LogName{}, fmt.Errorf("%w: not the path of a log file", ErrName)
	}
	rest, ok := strings.CutPrefix(f.file, f.account+"_"+f.kind+"_"+f.region+"_")
	if !ok {
		return LogName{}, fmt.Errorf("%w: account, kind or region differ between folder and file", ErrName)
	}
	n := LogName{Prefix: f.prefix, Org: f.org, Account: f.account, Kind: f.kind, Region: f.region}
	at, id, ok := logStamp(rest)
	if !ok || at.Format(layoutDay) != f.day {
		return LogName{}, fmt.Errorf("%w: no time stamp of the folder's day and id", ErrName)
	}
	n.Time, n.ID = at, id
	return n, nil
}

// String returns the object key.
func (n LogName) String() string {
	var b strings.Builder
	writeFolder(&b, n.Prefix, n.Org, n.Account, n.Kind, n.Region)
	t := n.Time.UTC()
	for _, s := range []string{t.Format(layoutDay), "/", n.Account, "_", n.Kind, "_", n.Region, "_", t.Format(layoutLogName), "_", n.ID, ".json.gz"} {
		b.WriteString(s)
	}
	return b.String()
}

// logStamp reads YYYYMMDDTHHMMZ_16chars.json.gz.
func logStamp(s string) (at time.Time, id string, ok bool) {
	s, ok = strings.CutSuffix(s, ".json.gz")
	if !ok {
		return time.Time{}, "", false
	}
	stamp, id, ok := strings.Cut(s, "_")
	if !ok || len(id) != 16 || !only(id, isAlnum) {
		return time.Time{}, "", false
	}
	at, err := time.Parse(layoutLogName, stamp)
	if err != nil || at.Format(layoutLogName) != stamp {
		return time.Time{}, "", false
	}
	return at, id, true
}

// keyFields are the parts that digest and log keys have in common.
type keyFields struct {
	prefix, org, account, kind, region, day, file string
}

// splitKey takes a key apart from the right, where the layout is fixed.
func splitKey(key string) (f keyFields, ok bool) {
	if len(key) > maxKey || strings.HasPrefix(key, "/") {
		return f, false
	}
	rest := key
	part := func() string {
		var last string
		if i := strings.LastIndexByte(rest, '/'); i >= 0 {
			rest, last = rest[:i], rest[i+1:]
		} else {
			rest, last = "", rest
		}
		return last
	}
	f.file = part()
	day, month := part(), part()
	f.day = part() + "/" + month + "/" + day
	f.region, f.kind, f.account = part(), part(), part()
	if validOrg(rest) {
		f.org = part()
	}
	if rest != "AWSLogs" {
		f.prefix, ok = strings.CutSuffix(rest, "/AWSLogs")
		if !ok || f.prefix == "" {
			return keyFields{}, false
		}
	}
	ok = validAccount(f.account) && validRegion(f.region) && validKind(f.kind)
	return f, ok
}

// validOrg reports whether the last element of rest is an organization id.
func validOrg(rest string) bool {
	last := rest[strings.LastIndexByte(rest, '/')+1:]
	id, ok := strings.CutPrefix(last, "o-")
	return ok && id != "" && only(id, isLowerAlnum)
}

func writeFolder(b *strings.Builder, prefix, org, account, kind, region string) {
	if prefix != "" {
		b.WriteString(prefix)
		b.WriteByte('/')
	}
	b.WriteString("AWSLogs/")
	if org != "" {
		b.WriteString(org)
		b.WriteByte('/')
	}
	for _, s := range []string{account, "/", kind, "/", region, "/"} {
		b.WriteString(s)
	}
}

func validAccount(s string) bool { return len(s) == 12 && only(s, isDigit) }

// validKind accepts CloudTrail and CloudTrail-Name.
func validKind(s string) bool {
	rest, ok := strings.CutPrefix(s, "CloudTrail")
	if !ok || rest == "" {
		return ok
	}
	rest, ok = strings.CutPrefix(rest, "-")
	return ok && rest != "" && only(rest, isAlnum)
}

func validTrail(s string) bool {
	return len(s) >= 3 && len(s) <= 128 && only(s, func(c byte) bool {
		return isAlnum(c) || c == '.' || c == '_' || c == '-'
	})
}

// validRegion accepts [a-z]{2,}(-[a-z]+)+-[0-9]+, such as us-gov-west-1.
func validRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(s) > 64 || len(parts) < 3 || len(parts[0]) < 2 {
		return false
	}
	last := len(parts) - 1
	for _, p := range parts[:last] {
		if p == "" || !only(p, func(c byte) bool { return 'a' <= c && c <= 'z' }) {
			return false
		}
	}
	return parts[last] != "" && only(parts[last], isDigit)
}

func only(s string, f func(byte) bool) bool {
	for i := range len(s) {
		if !f(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool      { return '0' <= c && c <= '9' }
func isLowerAlnum(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'z' }
func isAlnum(c byte) bool      { return isLowerAlnum(c) || 'A' <= c && c <= 'Z' }

// cutLast is strings.Cut around the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
