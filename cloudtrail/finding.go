// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Code names a kind of finding. The vocabulary is closed: every code a Report
// can hold is among these.
type Code string

// The codes. Tampered are those whose bytes contradict a signed statement or
// the layout; incomplete those where evidence is absent or cannot be read.
const (
	LogHashMismatch  Code = "log-hash-mismatch" // content differs from the signed hash
	LogInvalid       Code = "log-invalid"       // damaged, truncated or empty gzip data
	LogNotGzip       Code = "log-not-gzip"      // stored without gzip
	LogTrailingData  Code = "log-trailing-data" // bytes or a second member behind the gzip member
	LogMissing       Code = "log-missing"       // listed by an accepted digest, does not exist
	LogUnreadable    Code = "log-unreadable"    // refused, persistently broken off, or over a limit
	LogArchived      Code = "log-archived"      // in an archive class, not restored
	LogUnreferenced  Code = "log-unreferenced"  // in covered time, listed by no digest
	DigestInvalid    Code = "digest-invalid"    // not one gzip member of one strict JSON digest
	DigestTrailing   Code = "digest-trailing-data"
	DigestBadSig     Code = "digest-bad-signature"
	DigestNoSig      Code = "digest-no-signature"
	DigestUnknownKey Code = "digest-unknown-key"
	DigestAlgorithm  Code = "digest-unsupported-algorithm"
	DigestMoved      Code = "digest-moved"         // not where it says it was put
	DigestAccount    Code = "digest-wrong-account" // awsAccountId is not the key's account
	DigestTime       Code = "digest-time-mismatch" // digestEndTime is not the key's time
	DigestMissing    Code = "digest-missing"       // named by a later digest, or inferred
	DigestUnreadable Code = "digest-unreadable"
	ChainBroken      Code = "chain-broken" // a digest does not continue the one before it
	GapOverlap       Code = "gap-overlap"  // a starting digest begins before the chain ended
	GapInfo          Code = "gap-info"     // logging or validation was off in between
	CoverageHole     Code = "coverage-hole"
	TailMissing      Code = "tail-missing" // the newest digests are not there
	NoDigests        Code = "no-digests"
	KeyUnusable      Code = "key-unusable" // the key a digest names cannot verify
	KeyWindow        Code = "key-window"   // a good signature by a key outside its validity
	UsageError       Code = "usage-error"
)

// Verdict is the answer about a whole run, and what a finding alone leads to.
// The strongest of all wins: tampered, error, incomplete, valid.
type Verdict uint8

// The verdicts, weakest first.
const (
	Valid      Verdict = iota // everything asked for is there and as it was signed
	Incomplete                // evidence is absent or cannot be read
	Failed                    // the run itself could not be done as asked
	Tampered                  // bytes contradict what was signed
)

// String returns valid, incomplete, error or tampered.
func (v Verdict) String() string {
	if v > Tampered {
		return fmt.Sprintf("Verdict(%d)", uint8(v))
	}
	return [...]string{"valid", "incomplete", "error", "tampered"}[v]
}

// MarshalText returns String.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// ExitCode returns the exit status of a command with this verdict: 0 valid, 1
// tampered, 2 incomplete, 3 error.
func (v Verdict) ExitCode() int {
	switch v {
	case Valid:
		return 0
	case Tampered:
		return 1
	case Incomplete:
		return 2
	}
	return 3
}

// Severity says how loud a finding is: info, warning or error.
type Severity string

// The severities.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Fault   Severity = "error"
)

// Codes returns every code with the severity and the verdict it has unless a
// rule says otherwise for a case, in the order of the documentation.
func Codes() []Finding {
	list := make([]Finding, 0, len(codeTable))
	for _, c := range codeTable {
		list = append(list, Finding{Code: c.code, Severity: c.severity, Verdict: c.verdict, Detail: c.meaning})
	}
	return list
}

var codeTable = [...]struct {
	code     Code
	severity Severity
	verdict  Verdict
	meaning  string
}{
	{LogHashMismatch, Fault, Tampered, "content differs from the signed hash"},
	{LogInvalid, Fault, Tampered, "damaged, truncated or empty gzip data"},
	{LogNotGzip, Fault, Tampered, "stored without gzip"},
	{LogTrailingData, Fault, Tampered, "data behind the gzip member"},
	{LogMissing, Fault, Incomplete, "listed by a digest, does not exist"},
	{LogUnreadable, Fault, Incomplete, "cannot be read"},
	{LogArchived, Warning, Incomplete, "in an archive class, not restored"},
	{LogUnreferenced, Fault, Tampered, "log file that no digest lists"},
	{DigestInvalid, Fault, Tampered, "not a well formed digest"},
	{DigestTrailing, Fault, Tampered, "data behind the gzip member"},
	{DigestBadSig, Fault, Tampered, "signature does not verify"},
	{DigestNoSig, Fault, Incomplete, "signature metadata is absent"},
	{DigestUnknownKey, Fault, Tampered, "no such public key"},
	{DigestAlgorithm, Fault, Tampered, "algorithm not supported"},
	{DigestMoved, Fault, Tampered, "not where it says it was put"},
	{DigestAccount, Fault, Tampered, "account differs from the key's"},
	{DigestTime, Fault, Tampered, "times differ from the key's"},
	{DigestMissing, Fault, Incomplete, "digest does not exist"},
	{DigestUnreadable, Fault, Incomplete, "cannot be read"},
	{ChainBroken, Fault, Tampered, "does not continue the digest before it"},
	{GapOverlap, Warning, Incomplete, "a new chain begins before the old one ended"},
	{GapInfo, Info, Valid, "logging or validation was off"},
	{CoverageHole, Fault, Incomplete, "no digest covers this time"},
	{TailMissing, Fault, Incomplete, "the newest digests are not there"},
	{NoDigests, Fault, Incomplete, "no digests found"},
	{KeyUnusable, Fault, Failed, "the public key is not usable"},
	{KeyWindow, Fault, Tampered, "signed by a key outside its validity"},
	{UsageError, Fault, Failed, "the request contradicts itself"},
}

// Finding is one thing a run found. One cause makes one finding.
type Finding struct {
	Code     Code     `json:"code"`     // what kind of thing
	Severity Severity `json:"severity"` // how loud
	Verdict  Verdict  `json:"verdict"`  // what this finding alone leads to
	Object   string   `json:"object"`   // s3://bucket/key, or empty
	Chain    *Chain   `json:"chain"`    // nil when it concerns none
	Detail   string   `json:"detail"`   // like Want and Got cut behind 2 KiB
	Want     string   `json:"want,omitempty"`
	Got      string   `json:"got,omitempty"`

	// From and To bound the time a gap, hole or missing digest concerns.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`

	// Inferred marks a missing digest that no digest names, but the time
	// between two others.
	Inferred bool `json:"inferred,omitempty"`

	when   time.Time // for the order
	reason shape     // of damaged objects
}

// Error makes a *Finding an error, for Events: its code, object and detail.
func (f *Finding) Error() string {
	text := "cloudtrail: " + string(f.Code)
	if f.Object != "" {
		text += ": " + f.Object
	}
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	return text
}

// newFinding returns a finding with the severity and verdict of its code.
func newFinding(code Code, chain *Chain, when time.Time, object, detail string) Finding {
	f := Finding{Code: code, Severity: Fault, Verdict: Failed, Chain: chain, Object: object, Detail: detail, when: when}
	for _, c := range codeTable {
		if c.code == code {
			f.Severity, f.Verdict = c.severity, c.verdict
			if f.Detail == "" {
				f.Detail = c.meaning
			}
			return f
		}
	}
	return f
}

// maxQuoted bounds what a finding quotes of an object, twice the longest
// location: an unsigned digest may say 64 MiB of anything, and each has a finding.
const maxQuoted = 2 << 10

// clip cuts a text that is longer, and keeps none of the rest in memory.
func clip(text string) string {
	if len(text) <= maxQuoted {
		return text
	}
	return strings.ToValidUTF8(text[:maxQuoted], "") + "…"
}

// compareFindings orders by chain, time, object and code; what concerns no
// chain comes last.
func compareFindings(a, b Finding) int {
	switch {
	case a.Chain == nil && b.Chain != nil:
		return 1
	case a.Chain != nil && b.Chain == nil:
		return -1
	case a.Chain != nil:
		if c := a.Chain.Compare(*b.Chain); c != 0 {
			return c
		}
	}
	return cmp.Or(
		a.when.Compare(b.when), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Code, b.Code),
		a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Got, b.Got), cmp.Compare(a.Want, b.Want),
		cmp.Compare(a.Detail, b.Detail),
	)
}
