// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

// reference is the slow, obvious validator: it reads the rules one after the
// other, keeps everything in memory, decodes with encoding/json, and looks at
// time second by second. It knows trails in a directory with metadata, whatever
// number of chains, and returns the codes that a report must hold, sorted.
type reference struct {
	files            map[string][]byte
	from, to, expect time.Time
	codes            []string
	chains           map[string][]*refDigest
	broken           map[*refDigest]bool
	listed           map[string]bool
	lost             map[string][]refSpan // missing digests by chain
	gaps             map[string][]refSpan
	tail             map[string]bool
}

type refSpan struct{ from, to time.Time }

type refDigest struct {
	path, bucket, key string
	folder, chain     string
	account, region   string
	backfill          bool
	end               time.Time // of the key
	ok                bool
	start             time.Time
	sum, signature    string
	starting          bool
	previous          string // bucket/key
	prevSum, prevSig  string
	logs              []refLog
	hasLogs           bool
	selected          bool
}

type refLog struct{ path, sum string }

var refName = regexp.MustCompile(`^([^/]+)/((?:(.+)/)?AWSLogs/(?:(o-[a-z0-9]+)/)?([0-9]{12})/CloudTrail-Digest/([a-z0-9-]+)/([0-9]{4}/[0-9]{2}/[0-9]{2})/([0-9]{12})_CloudTrail-Digest_([a-z0-9-]+)_([A-Za-z0-9._-]{3,128})_([a-z]{2,}(?:-[a-z]+)+-[0-9]+)_([0-9]{8}T[0-9]{6}Z)(_backfill)?\.json\.gz)$`)

func refCodes(files map[string][]byte, from, to, expect time.Time) []string {
	r := &reference{
		files: files, from: from, to: to, expect: expect, chains: map[string][]*refDigest{}, broken: map[*refDigest]bool{},
		listed: map[string]bool{}, lost: map[string][]refSpan{}, gaps: map[string][]refSpan{}, tail: map[string]bool{},
	}
	given := !to.IsZero()
	r.find()
	if !given {
		for _, list := range r.chains {
			for _, d := range list {
				if d.end.After(r.to) {
					r.to = d.end
				}
			}
		}
	}
	r.readDigests()
	for name, list := range r.chains {
		r.link(name, list)
	}
	if given && expect.IsZero() {
		r.expect = to
	}
	r.tails()
	r.readLogs()
	r.unreferenced()
	slices.Sort(r.codes)
	return r.codes
}

func (r *reference) add(code string) { r.codes = append(r.codes, code) }

// find is CT-23 and CT-24.
func (r *reference) find() {
	for path := range r.files {
		m := refName.FindStringSubmatch(path)
		if m == nil {
			continue
		}
		end, err := time.Parse("20060102T150405Z", m[12])
		if err != nil || m[5] != m[8] || m[6] != m[9] || end.Format("2006/01/02") != m[7] {
			continue
		}
		d := &refDigest{path: path, bucket: m[1], key: m[2], account: m[5], region: m[6], end: end, backfill: m[13] != ""}
		d.folder = strings.Join([]string{m[1], m[3], m[4], m[5], m[6]}, "|")
		d.chain = strings.Join([]string{m[4], m[5], m[6], m[10], m[11], m[13]}, "|")
		r.chains[d.chain] = append(r.chains[d.chain], d)
	}
	for _, list := range r.chains {
		sort.Slice(list, func(i, j int) bool {
			if !list[i].end.Equal(list[j].end) {
				return list[i].end.Before(list[j].end)
			}
			return list[i].path < list[j].path
		})
	}
}

// readDigests is CT-26 and CT-16.
func (r *reference) readDigests() {
	last := r.to.Add(time.Hour)
	for _, list := range r.chains {
		for _, d := range list {
			d.selected = !d.end.Before(r.from) && !d.end.After(last)
			code := r.check(d)
			d.ok = code == "" || code == "digest-trailing-data"
			if d.selected && code != "" {
				r.add(code)
			}
			if d.ok {
				for _, l := range d.logs {
					r.listed[l.path] = true
				}
			}
		}
	}
}

func (r *reference) check(d *refDigest) string {
	text, shape := refInflate(r.files[d.path])
	if shape != "" && shape != "trailing" {
		return "digest-invalid"
	}
	sum := sha256.Sum256(text)
	d.sum = hex.EncodeToString(sum[:])
	var m map[string]any
	if refDuplicates(text) || json.Unmarshal(text, &m) != nil {
		return "digest-invalid"
	}
	str := func(m map[string]any, name string) (string, bool) { s, ok := m[name].(string); return s, ok }
	for _, name := range []string{"awsAccountId", "digestStartTime", "digestEndTime", "digestS3Bucket", "digestS3Object", "digestPublicKeyFingerprint"} {
		if _, ok := str(m, name); !ok {
			return "digest-invalid"
		}
	}
	start, err := time.Parse("2006-01-02T15:04:05Z", m["digestStartTime"].(string))
	if err != nil {
		return "digest-invalid"
	}
	end, err := time.Parse("2006-01-02T15:04:05Z", m["digestEndTime"].(string))
	if err != nil {
		return "digest-invalid"
	}
	d.start = start
	signature, hasSignature := m["previousDigestSignature"]
	logs, hasLogs := m["logFiles"]
	if !hasSignature || !hasLogs {
		return "digest-invalid"
	}
	d.starting = signature == nil
	for _, name := range []string{"previousDigestS3Bucket", "previousDigestS3Object", "previousDigestHashValue"} {
		if (m[name] == nil) != d.starting {
			return "digest-invalid"
		}
	}
	if !d.starting {
		d.previous = m["previousDigestS3Bucket"].(string) + "/" + m["previousDigestS3Object"].(string)
		d.prevSum, d.prevSig = m["previousDigestHashValue"].(string), signature.(string)
	}
	algorithms := true
	if entries, ok := logs.([]any); ok {
		d.hasLogs = true
		for _, e := range entries {
			entry := e.(map[string]any)
			d.logs = append(d.logs, refLog{entry["s3Bucket"].(string) + "/" + entry["s3Object"].(string), strings.ToLower(entry["hashValue"].(string))})
			algorithms = algorithms && entry["hashAlgorithm"] == "SHA-256"
		}
	}
	var side struct{ Metadata map[string]string }
	if json.Unmarshal(r.files[d.path+".meta.json"], &side) != nil {
		side.Metadata = nil
	}
	// One time with and without zone, seconds and marks: ISO 8601 has them all.
	stamp := strings.TrimSuffix(side.Metadata["backfill-generation-timestamp"], "Z")
	if len(stamp) == len("2006-01-02T15:04") {
		stamp += ":00"
	}
	generated, err := time.Parse("2006-01-02T15:04:05", stamp)
	if err != nil {
		generated, err = time.Parse("20060102T150405", stamp)
	}
	if err != nil {
		generated, err = time.Parse(time.RFC3339, stamp)
	}
	if d.backfill && err != nil {
		return "digest-invalid"
	}
	if m["digestS3Bucket"] != d.bucket || m["digestS3Object"] != d.key {
		return "digest-moved"
	}
	_, signed := side.Metadata["signature"]
	_, named := side.Metadata["signature-algorithm"]
	if !signed || !named {
		return "digest-no-signature"
	}
	if side.Metadata["signature-algorithm"] != "SHA256withRSA" || m["digestSignatureAlgorithm"] != "SHA256withRSA" {
		return "digest-unsupported-algorithm"
	}
	d.signature = strings.ToLower(side.Metadata["signature"])
	window := refSpan{start, end.Add(2 * time.Hour)}
	if d.backfill {
		window = refSpan{generated.Add(-time.Hour), generated.Add(time.Hour)}
	}
	previous := "null"
	if !d.starting {
		previous = d.prevSig
	}
	toSign := m["digestEndTime"].(string) + "\n" + d.path + "\n" + d.sum + "\n" + previous
	if code := r.signed(d.region, m["digestPublicKeyFingerprint"].(string), toSign, d.signature, window); code != "" {
		return code
	}
	if !algorithms || !d.starting && m["previousDigestHashAlgorithm"] != "SHA-256" {
		return "digest-unsupported-algorithm"
	}
	if m["awsAccountId"] != d.account {
		return "digest-wrong-account"
	}
	if !end.Equal(d.end) || !start.Before(end) {
		return "digest-time-mismatch"
	}
	if shape == "trailing" {
		return "digest-trailing-data"
	}
	return ""
}

// signed is CT-9 to CT-14, of usable keys in PKCS #1 form.
func (r *reference) signed(region, fingerprint, toSign, signature string, window refSpan) string {
	var list struct {
		PublicKeyList []struct {
			Value                              []byte
			Fingerprint                        string
			ValidityStartTime, ValidityEndTime float64
		}
	}
	if json.Unmarshal(r.files["keys."+region+".json"], &list) != nil {
		return "digest-unknown-key"
	}
	for _, k := range list.PublicKeyList {
		if k.Fingerprint != fingerprint {
			continue
		}
		key, err := x509.ParsePKCS1PublicKey(k.Value)
		if err != nil {
			return "key-unusable"
		}
		raw, err := hex.DecodeString(signature)
		sum := sha256.Sum256([]byte(toSign))
		if err != nil || len(raw) != key.Size() || rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw) != nil {
			return "digest-bad-signature"
		}
		if float64(window.to.Unix()) < k.ValidityStartTime || float64(window.from.Unix()) > k.ValidityEndTime {
			return "key-window"
		}
		return ""
	}
	return "digest-unknown-key"
}

// refInflate is CT-18 and CT-19.
func refInflate(stored []byte) (text []byte, shape string) {
	switch obvious(stored) {
	case "log-not-gzip":
		return nil, "not-gzip"
	case "log-invalid":
		return nil, "invalid"
	case "log-trailing-data":
		shape = "trailing"
	}
	z := newObviousReader(stored)
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, "invalid"
	}
	return text, shape
}

// refDuplicates reports a member that stands twice in one object, or anything
// that is not one JSON value.
func refDuplicates(text []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // a number that no float64 holds is one all the same
	var walk func() bool
	walk = func() bool {
		tok, err := dec.Token()
		if err != nil {
			return true
		}
		switch tok {
		case json.Delim('{'):
			seen := map[string]bool{}
			for dec.More() {
				name, err := dec.Token()
				if err != nil {
					return true
				}
				if s := fmt.Sprint(name); seen[s] {
					return true
				} else {
					seen[s] = true
				}
				if walk() {
					return true
				}
			}
			_, err = dec.Token()
		case json.Delim('['):
			for dec.More() {
				if walk() {
					return true
				}
			}
			_, err = dec.Token()
		}
		return err != nil
	}
	return walk()
}

// link is CT-28 to CT-35.
func (r *reference) link(name string, list []*refDigest) {
	var verified []*refDigest
	for _, d := range list {
		if d.selected && d.ok {
			verified = append(verified, d)
		}
	}
	first := func(d *refDigest) bool {
		for _, o := range list {
			if o.selected {
				return o == d
			}
		}
		return false
	}
	for i, n := range verified {
		var p *refDigest
		if i > 0 {
			p = verified[i-1]
		}
		if n.starting {
			r.starting(name, list, p, n)
			continue
		}
		if first(n) && (r.from.IsZero() || n.start.Before(r.from)) {
			continue
		}
		named := r.at(n.previous)
		switch {
		case named != nil && named.chain != n.chain:
			r.break_(n)
		case named == nil && r.files[n.previous] != nil:
			r.break_(n)
		case n.backfill && named != nil:
			if named.ok && (named.sum != strings.ToLower(n.prevSum) || named.signature != strings.ToLower(n.prevSig)) {
				r.break_(n)
			}
		case named != nil && !named.selected:
			if p != nil {
				r.break_(n)
			} else {
				r.holes(name, list, named.end, n.start, time.Time{}, "coverage-hole")
			}
		case named != nil && named.ok && named != p:
			r.break_(n)
		case named != nil && named.ok:
			if p.sum != strings.ToLower(n.prevSum) || p.signature != strings.ToLower(n.prevSig) || n.start.Before(p.end) {
				r.break_(n)
			} else {
				r.holes(name, list, p.end, n.start, time.Time{}, "coverage-hole")
			}
		case named != nil:
			r.below(name, list, p, n.start, n, time.Time{})
		default:
			r.missing(name, list, p, n)
		}
	}
	// Unverified digests behind the last verified one.
	var lastU *refDigest
	var p *refDigest
	for _, d := range list {
		if d.selected && d.ok {
			p, lastU = d, nil
		} else if d.selected {
			lastU = d
		}
	}
	if lastU != nil && !lastU.backfill {
		r.below(name, list, p, lastU.end, lastU, time.Time{})
	}
}

func (r *reference) at(path string) *refDigest {
	for _, list := range r.chains {
		for _, d := range list {
			if d.path == path {
				return d
			}
		}
	}
	return nil
}

func (r *reference) break_(d *refDigest) {
	r.add("chain-broken")
	r.broken[d] = true
}

// unverifiedBetween returns the unverified digests after p and before n.
func unverifiedBetween(list []*refDigest, p, n *refDigest) (us []*refDigest) {
	on := p == nil
	for _, d := range list {
		switch {
		case d == p:
			on = true
		case d == n:
			return us
		case on && d.selected && !d.ok:
			us = append(us, d)
		case d.ok && d.selected:
			us = nil
		}
	}
	return us
}

// starting is CT-31.
func (r *reference) starting(name string, list []*refDigest, p, n *refDigest) {
	us := unverifiedBetween(list, p, n)
	if p == nil && len(us) == 0 {
		return
	}
	if p != nil && !n.backfill && !p.end.Before(n.start) {
		r.add("gap-overlap")
		r.broken[n] = true
		r.gaps[name] = append(r.gaps[name], refSpan{n.start, p.end})
		return
	}
	var from time.Time
	if p != nil {
		from = p.end
	}
	if len(us) > 0 {
		last := us[len(us)-1]
		from = last.end
		if !n.backfill {
			r.below(name, list, p, last.end, last, time.Time{})
		}
	}
	if from.Before(n.start) {
		r.add("gap-info")
		r.gaps[name] = append(r.gaps[name], refSpan{from, n.start})
	}
}

// below looks at the time between the newest verified digest (or the oldest
// unverified one) and hi.
func (r *reference) below(name string, list []*refDigest, p *refDigest, hi time.Time, n *refDigest, missed time.Time) {
	lo := time.Time{}
	if p != nil {
		lo = p.end
	} else if us := unverifiedBetween(list, nil, n); len(us) > 0 {
		lo = us[0].end
	}
	if lo.IsZero() {
		return
	}
	r.holes(name, list, lo, hi, missed, "coverage-hole")
}

// missing is CT-32 and CT-33.
func (r *reference) missing(name string, list []*refDigest, p, n *refDigest) {
	m := refName.FindStringSubmatch(n.previous)
	end := n.start
	if m != nil {
		end, _ = time.Parse("20060102T150405Z", m[12])
	}
	for _, u := range unverifiedBetween(list, p, n) {
		if u.end.Equal(end) {
			r.below(name, list, p, n.start, n, time.Time{})
			return
		}
	}
	r.add("digest-missing")
	r.lost[name] = append(r.lost[name], refSpan{end.Add(-time.Hour), end})
	if !n.backfill {
		r.below(name, list, p, n.start, n, end)
	}
}

// holes is CT-34, second by second.
func (r *reference) holes(name string, list []*refDigest, lo, hi, missed time.Time, code string) {
	n := int(hi.Sub(lo) / time.Second)
	if n <= 0 {
		return
	}
	explained := make([]bool, n)
	mark := func(end time.Time) {
		for s := end.Add(-time.Hour); s.Before(end); s = s.Add(time.Second) {
			if i := int(s.Sub(lo) / time.Second); !s.Before(lo) && i < n {
				explained[i] = true
			}
		}
	}
	for _, d := range list {
		if d.selected && !d.ok && d.end.After(lo) {
			mark(d.end)
		}
	}
	if !missed.IsZero() {
		mark(missed)
	}
	for i := 0; i < n; {
		if explained[i] {
			i++
			continue
		}
		j := i
		for j < n && !explained[j] {
			j++
		}
		from, to := lo.Add(time.Duration(i)*time.Second), lo.Add(time.Duration(j)*time.Second)
		length := to.Sub(from)
		switch {
		case !missed.IsZero() && to.Equal(missed.Add(-time.Hour)):
			if length >= time.Minute {
				for range max(1, int(math.Round(length.Hours()))) {
					r.add("digest-missing")
				}
				r.lost[name] = append(r.lost[name], refSpan{from, to})
			}
		case j == n || length >= time.Minute:
			r.add(code)
		}
		i = j
	}
}

// tails is CT-37 and CT-38.
func (r *reference) tails() {
	found := false
	for name, list := range r.chains {
		found = found || len(r.lost[name]) > 0
		for _, d := range list {
			found = found || d.selected
		}
	}
	if !found {
		r.add("no-digests")
		return
	}
	if r.expect.IsZero() {
		return
	}
	for name, list := range r.chains {
		if list[0].backfill {
			continue
		}
		var newest, inRange time.Time
		for _, d := range list {
			newest = d.end
			if d.selected {
				inRange = d.end
			}
		}
		bound := r.expect
		if r.to.Before(bound) {
			bound = r.to
		}
		if r.expect.Sub(newest) > time.Hour || !inRange.IsZero() && newest.After(inRange) && bound.Sub(inRange) > time.Hour {
			r.add("tail-missing")
			r.tail[name] = true
		}
	}
}

// readLogs is CT-40.
func (r *reference) readLogs() {
	for _, list := range r.chains {
		for _, d := range list {
			if !d.selected || !d.ok {
				continue
			}
			for _, l := range d.logs {
				stored, ok := r.files[l.path]
				if !ok {
					r.add("log-missing")
					continue
				}
				code := obvious(stored)
				if code == "log-hash-mismatch" {
					text, _ := refInflate(stored)
					sum := sha256.Sum256(text)
					if hex.EncodeToString(sum[:]) == l.sum {
						continue
					}
				}
				r.add(code)
			}
		}
	}
}

var refLogName = regexp.MustCompile(`^([^/]+)/(?:(.+)/)?AWSLogs/(?:(o-[a-z0-9]+)/)?([0-9]{12})/CloudTrail/([a-z0-9-]+)/.*/[0-9]{12}_CloudTrail_[a-z0-9-]+_([0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]{16}\.json\.gz$`)

// unreferenced is CT-57.
func (r *reference) unreferenced() {
	for path := range r.files {
		m := refLogName.FindStringSubmatch(path)
		if m == nil || r.listed[path] {
			continue
		}
		at, err := time.Parse("20060102T1504Z", m[6])
		folder := strings.Join([]string{m[1], m[2], m[3], m[4], m[5]}, "|")
		if err == nil && r.examined(folder) && r.covered(folder, at) {
			r.add("log-unreferenced")
		}
	}
}

func (r *reference) examined(folder string) bool {
	for _, list := range r.chains {
		for _, d := range list {
			if d.folder == folder && d.selected {
				return true
			}
		}
	}
	return false
}

// covered reports whether every second of the fifteen minutes from at on is
// covered by some chain and left open by none.
func (r *reference) covered(folder string, at time.Time) bool {
	for s := at; s.Before(at.Add(15 * time.Minute)); s = s.Add(time.Second) {
		some := false
		for name, list := range r.chains {
			if !slices.ContainsFunc(list, func(d *refDigest) bool { return d.folder == folder }) {
				continue
			}
			by := false
			for _, d := range list {
				by = by || d.selected && d.ok && d.hasLogs && !r.broken[d] && inSpan(s, refSpan{d.start, d.end})
			}
			switch {
			case list[0].backfill:
				for _, d := range list {
					if d.selected && !d.ok && inSpan(s, refSpan{d.end.Add(-time.Hour), d.end}) {
						return false
					}
				}
				for _, l := range r.lost[name] {
					if inSpan(s, l) {
						return false
					}
				}
			case by:
				some = true
			case inSpan(s, r.active(name, list)) && !slices.ContainsFunc(r.gaps[name], func(g refSpan) bool { return inSpan(s, g) }):
				return false
			}
		}
		if !some {
			return false
		}
	}
	return true
}

func inSpan(s time.Time, span refSpan) bool { return !s.Before(span.from) && s.Before(span.to) }

// active is the time in which a chain may have delivered log files.
func (r *reference) active(name string, list []*refDigest) refSpan {
	span := refSpan{list[0].end.Add(-time.Hour), list[len(list)-1].end.Add(2 * time.Hour)}
	for _, d := range list {
		if !d.selected {
			continue
		}
		if d == list[0] && d.ok && d.starting {
			span.from = d.start
		} else if r.from.Before(span.from) {
			span.from = r.from
		}
		break
	}
	if r.tail[name] {
		span.to = r.expect.Add(2 * time.Hour)
	}
	return span
}
