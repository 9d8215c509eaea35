// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Digest is the content of a digest file: what CloudTrail states, and signs,
// about the log files it delivered in an hour. ParseDigest makes one; nothing
// in it is authenticated until its signature is.
//
// AWS page: cloudtrail-log-file-validation-digest-file-structure.
type Digest struct {
	Account     string    // awsAccountId
	Start       time.Time // digestStartTime: of delivery, not of events
	End         time.Time // digestEndTime
	Bucket      string    // digestS3Bucket: where CloudTrail put this digest
	Object      string    // digestS3Object
	Fingerprint string    // digestPublicKeyFingerprint
	Algorithm   string    // digestSignatureAlgorithm; empty when absent

	Previous *Previous // nil for a starting digest

	Logs    []LogFile // the log files it lists
	HasLogs bool      // false for logFiles null, which states nothing

	endText string // digestEndTime as written, which is what is signed
}

// Previous is what a digest says about the one before it in its chain.
type Previous struct {
	Bucket, Object string // where it lies
	Hash           string // hex SHA-256 of the uncompressed bytes
	HashAlgorithm  string // empty when absent
	Signature      string // hex
}

// LogFile is what a digest says about one log file.
type LogFile struct {
	Bucket, Object string    // where it lies
	Hash           string    // hex SHA-256 of the uncompressed bytes
	HashAlgorithm  string    // empty when absent
	Newest, Oldest time.Time // of its events; zero when not stated
}

// algorithms that CloudTrail uses, and the only ones accepted.
const (
	algorithmSignature = "SHA256withRSA"
	algorithmHash      = "SHA-256"
)

// ParseDigest reads the uncompressed bytes of a digest, strictly: one JSON
// object, no member twice, valid UTF-8, every required member present and of
// its type, within the limits. Unknown members are ignored. It fails with
// ErrDigest, and ErrLimit when over a limit.
func ParseDigest(data []byte, limits Limits) (*Digest, error) {
	limits = limits.filled()
	p := digestParser{
		jsonReader: newJSONReader(data, strictjson.Limits{Size: limits.DigestInflated, Depth: limits.Depth}),
		logs:       limits.DigestLogs,
	}
	err := p.document(p.member)
	if err == nil {
		err = p.complete()
	}
	if err != nil {
		return nil, wrapJSON(ErrDigest, err)
	}
	return &p.d, nil
}

type digestParser struct {
	*jsonReader
	d        Digest
	logs     int    // how many are allowed
	seen     uint16 // required members met
	previous previous
}

// previous holds the members about the digest before: absent or null is nil,
// except that null and absent differ for the algorithm.
type previous struct {
	bucket, object, hash, algorithm, signature *string
	algorithmNull                              bool
}

// required members of a digest, as bits of digestParser.seen.
const (
	hasAccount = 1 << iota
	hasStart
	hasEnd
	hasBucket
	hasObject
	hasFingerprint
	hasPreviousSignature
	hasLogFiles
	hasAll = 1<<iota - 1
)

func (p *digestParser) member(name string) (err error) {
	switch name {
	case "awsAccountId":
		p.seen |= hasAccount
		p.d.Account, err = p.text()
	case "digestStartTime":
		p.seen |= hasStart
		p.d.Start, _, err = p.time()
	case "digestEndTime":
		p.seen |= hasEnd
		p.d.End, p.d.endText, err = p.time()
	case "digestS3Bucket":
		p.seen |= hasBucket
		p.d.Bucket, err = p.text()
	case "digestS3Object":
		p.seen |= hasObject
		p.d.Object, err = p.text()
	case "digestPublicKeyFingerprint":
		p.seen |= hasFingerprint
		p.d.Fingerprint, err = p.text()
	case "digestSignatureAlgorithm":
		p.d.Algorithm, err = p.text()
	case "newestEventTime", "oldestEventTime":
		_, err = p.eventTime()
	case "previousDigestS3Bucket":
		p.previous.bucket, err = p.textOrNull()
	case "previousDigestS3Object":
		p.previous.object, err = p.textOrNull()
	case "previousDigestHashValue":
		p.previous.hash, err = p.textOrNull()
	case "previousDigestHashAlgorithm":
		p.previous.algorithm, err = p.textOrNull()
		p.previous.algorithmNull = p.previous.algorithm == nil
	case "previousDigestSignature":
		p.seen |= hasPreviousSignature
		p.previous.signature, err = p.textOrNull()
	case "logFiles":
		p.seen |= hasLogFiles
		err = p.logFiles()
	default:
		err = p.skip()
	}
	return err
}

// complete checks what no single member shows.
func (p *digestParser) complete() error {
	if missing := hasAll &^ p.seen; missing != 0 {
		names := [...]string{
			"awsAccountId", "digestStartTime", "digestEndTime", "digestS3Bucket", "digestS3Object",
			"digestPublicKeyFingerprint", "previousDigestSignature", "logFiles",
		}
		for i, name := range names {
			if missing&(1<<i) != 0 {
				return errors.New("member " + name + " is missing")
			}
		}
	}
	v := &p.previous
	first := v.signature == nil
	for _, s := range []*string{v.bucket, v.object, v.hash} {
		if (s == nil) != first {
			return errors.New("some members about the previous digest are null and some are not")
		}
	}
	if first && v.algorithm != nil || !first && v.algorithmNull {
		return errors.New("some members about the previous digest are null and some are not")
	}
	if !first {
		p.d.Previous = &Previous{Bucket: *v.bucket, Object: *v.object, Hash: *v.hash, Signature: *v.signature}
		if v.algorithm != nil {
			p.d.Previous.HashAlgorithm = *v.algorithm
		}
	}
	return nil
}

func (p *digestParser) logFiles() error {
	if p.kind == strictjson.Null {
		return nil
	}
	p.d.HasLogs = true
	return p.elements(func() error {
		if len(p.d.Logs) == p.logs {
			return fmt.Errorf("%w: more than %d log files", ErrLimit, p.logs)
		}
		return p.logFile()
	})
}

func (p *digestParser) logFile() error {
	var l LogFile
	seen := 0
	err := p.members(func(name string) (err error) {
		switch name {
		case "s3Bucket":
			seen++
			l.Bucket, err = p.text()
		case "s3Object":
			seen++
			l.Object, err = p.text()
		case "hashValue":
			seen++
			l.Hash, err = p.text()
		case "hashAlgorithm":
			l.HashAlgorithm, err = p.text()
		case "newestEventTime":
			l.Newest, err = p.eventTime()
		case "oldestEventTime":
			l.Oldest, err = p.eventTime()
		default:
			err = p.skip()
		}
		return err
	})
	if err == nil && seen != 3 {
		err = p.scan.Fail("s3Bucket, s3Object or hashValue of a log file is missing")
	}
	p.d.Logs = append(p.d.Logs, l)
	return err
}

// time reads a time of the digest itself, to the second.
func (p *digestParser) time() (time.Time, string, error) {
	text, err := p.text()
	if err != nil {
		return time.Time{}, "", err
	}
	t, err := time.Parse(layoutTime, text)
	if err != nil || len(text) != len(layoutTime) {
		return time.Time{}, "", p.scan.Fail("not a time like " + layoutTime)
	}
	return t, text, nil
}

// eventTime reads the time of an event, or null.
func (p *digestParser) eventTime() (time.Time, error) {
	text, err := p.textOrNull()
	if err != nil || text == nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return time.Time{}, p.scan.Fail("not a time like " + layoutTime)
	}
	return t.UTC(), nil
}

// StringToSign returns what CloudTrail signs for a digest whose uncompressed
// bytes have the SHA-256 sum.
//
// AWS page: cloudtrail-log-file-validation-custom-validation.
func (d *Digest) StringToSign(sum [32]byte) string {
	signature := "null"
	if d.Previous != nil {
		signature = d.Previous.Signature
	}
	return fmt.Sprintf("%s\n%s/%s\n%x\n%s", d.endText, d.Bucket, d.Object, sum, signature)
}
