// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// ResultSign is the sign file that CloudTrail Lake writes beside the results of
// a query, result_sign.json: the hash of each file and a signature over all of
// them. ParseResultSign makes one; nothing in it is authenticated until
// VerifyResults is content.
//
// AWS page: cloudtrail-results-file-validation.
type ResultSign struct {
	Region             string       // whose key signed
	Files              []ResultFile // in the order in which they are signed
	HashAlgorithm      string       // SHA-256
	SignatureAlgorithm string       // SHA256withRSA
	Completed          time.Time    // queryCompleteTime
	Signature          string       // hashSignature, hex
	Fingerprint        string       // publicKeyFingerprint
}

// ResultFile is one file of the results.
type ResultFile struct {
	Name string // beside the sign file
	Hash string // hex SHA-256 of the file as it is stored, compressed
}

// Limits of a sign file.
const (
	maxResultSign  = 16 << 20
	maxResultFiles = 100_000
	maxResultFile  = 16 << 30
)

// ParseResultSign reads a sign file, strictly: at most 16 MiB and 100,000 files,
// every member there once. It fails with ErrDigest, and ErrLimit.
func ParseResultSign(data []byte) (*ResultSign, error) {
	r := newJSONReader(data, strictjson.Limits{Size: maxResultSign, Depth: 8})
	var s ResultSign
	files, seen := false, 0
	text := map[string]*string{
		"region": &s.Region, "hashAlgorithm": &s.HashAlgorithm, "signatureAlgorithm": &s.SignatureAlgorithm,
		"hashSignature": &s.Signature, "publicKeyFingerprint": &s.Fingerprint,
	}
	err := r.document(func(name string) (err error) {
		switch p := text[name]; {
		case p != nil:
			seen++
			*p, err = r.text()
		case name == "queryCompleteTime":
			seen++
			var at string
			if at, err = r.text(); err == nil {
				if s.Completed, err = time.Parse(time.RFC3339, at); err != nil {
					err = r.scan.Fail("not a time like " + layoutTime)
				}
				s.Completed = s.Completed.UTC()
			}
		case name == "files":
			files = true
			err = r.elements(func() error {
				if len(s.Files) == maxResultFiles {
					return fmt.Errorf("%w: more than %d files", ErrLimit, maxResultFiles)
				}
				f, err := readResultFile(r)
				s.Files = append(s.Files, f)
				return err
			})
		default:
			err = r.skip()
		}
		return err
	})
	if err == nil && (!files || seen != len(text)+1) {
		err = errors.New("a member of a sign file is missing")
	}
	if err == nil && !validRegion(s.Region) {
		err = errors.New("region is no region")
	}
	if err != nil {
		return nil, wrapJSON(ErrDigest, err)
	}
	return &s, nil
}

// readResultFile reads an element of files. A hash of another form would make
// one text of hashes out of two lists; a name with a slash would lead elsewhere.
func readResultFile(r *jsonReader) (f ResultFile, err error) {
	err = r.members(func(name string) (err error) {
		switch name {
		case "fileName":
			f.Name, err = r.text()
		case "fileHashValue":
			f.Hash, err = r.text()
		default:
			err = r.skip()
		}
		return err
	})
	if err != nil {
		return f, err
	}
	if _, err := hex.DecodeString(f.Hash); err != nil || len(f.Hash) != 2*sha256.Size {
		return f, r.scan.Fail("fileHashValue is no SHA-256")
	}
	if !fs.ValidPath(f.Name) || strings.ContainsAny(f.Name, `/\`) || f.Name == "." {
		return f, r.scan.Fail("fileName is no name of a file")
	}
	return f, nil
}

// VerifyResults checks the results of a query in a folder by its sign file and
// keys that the caller trusts: the signature over the hashes, by a key of the
// region that was valid when the query completed, and the hash of each file as
// it is stored. Where the signature does not verify, no file is looked at. The
// report's log counts are of the files; names of findings are file names. Files
// that the sign file does not name are not looked at.
func VerifyResults(ctx context.Context, s *ResultSign, folder fs.FS, keys KeySource) *Report {
	r := &run{v: &Validator{}, chains: map[Chain]*chainState{}, keys: newKeyCache(keys)}
	refuse := func(f *fault, name string) {
		n := newFinding(f.code, nil, s.Completed, name, f.detail)
		n.Want, n.Got = f.want, f.got
		if f.verdict != Valid {
			n.Verdict = f.verdict
		}
		r.report(n)
	}
	if f := r.resultSigned(ctx, s); f != nil {
		refuse(f, resultSignName)
		return r.resultReport()
	}
	for _, file := range s.Files {
		r.counts.Logs.Total++
		f := checkResult(ctx, folder, file, &r.counts.Bytes)
		if f == nil {
			r.counts.Logs.Valid++
			continue
		}
		r.counts.Logs.Invalid++
		refuse(f, file.Name)
	}
	return r.resultReport()
}

const resultSignName = "result_sign.json"

func (r *run) resultReport() *Report {
	rep := r.finish()
	rep.Checkpoint = nil
	return rep
}

// resultSigned checks what the sign file says of itself.
func (r *run) resultSigned(ctx context.Context, s *ResultSign) *fault {
	switch {
	case len(s.Files) == 0:
		return &fault{code: DigestInvalid, detail: "no files are signed"}
	case s.SignatureAlgorithm != algorithmSignature:
		return &fault{code: DigestAlgorithm, want: algorithmSignature, got: s.SignatureAlgorithm}
	case s.HashAlgorithm != algorithmHash:
		return &fault{code: DigestAlgorithm, want: algorithmHash, got: s.HashAlgorithm}
	}
	// CloudTrail signs when it delivers, some time after the query completed.
	span := Interval{s.Completed.Add(-hour), s.Completed.Add(defaultLate)}
	set := r.keys.lookup(ctx, s.Region, span)
	keys, unusable := set.find(s.Fingerprint)
	switch {
	case len(keys) == 0 && set.anyMeets(span):
		return &fault{code: DigestUnknownKey, got: s.Fingerprint}
	case len(keys) == 0:
		return &fault{code: DigestUnknownKey, got: s.Fingerprint, verdict: Failed, detail: "no public key of region " + s.Region + " was valid when it was signed"}
	case unusable != "":
		return &fault{code: KeyUnusable, detail: unusable, got: s.Fingerprint}
	}
	signature, err := hex.DecodeString(s.Signature)
	if err != nil || len(signature) != keys[0].key.Size() {
		return &fault{code: DigestBadSig, detail: "the signature is not of the key's length in hex"}
	}
	if verify(keys[0].key, s.stringToSign(), signature) != nil {
		return &fault{code: DigestBadSig}
	}
	for i := range keys {
		if keys[i].meets(span.From, span.To) {
			return nil
		}
	}
	return &fault{code: KeyWindow, got: s.Fingerprint}
}

// stringToSign is the hashes as written, with one space between.
func (s *ResultSign) stringToSign() string {
	hashes := make([]string, len(s.Files))
	for i, f := range s.Files {
		hashes[i] = f.Hash
	}
	return strings.Join(hashes, " ")
}

// checkResult compares a file as it is stored with its hash.
func checkResult(ctx context.Context, folder fs.FS, file ResultFile, size *int64) *fault {
	if ctx.Err() != nil {
		return &fault{code: LogUnreadable, detail: ctx.Err().Error()}
	}
	f, _, err := openFile(folder, file.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return &fault{code: LogMissing}
	}
	if err != nil {
		return &fault{code: LogUnreadable, detail: notPath(err).Error()}
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, maxResultFile+1))
	*size += n
	switch {
	case err != nil:
		return &fault{code: LogUnreadable, detail: notPath(err).Error()}
	case n > maxResultFile:
		return &fault{code: LogUnreadable, detail: "limit"}
	}
	if got := hex.EncodeToString(h.Sum(nil)); !strings.EqualFold(got, file.Hash) {
		return &fault{code: LogHashMismatch, want: file.Hash, got: got}
	}
	return nil
}
