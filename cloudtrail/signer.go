// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Signer builds log files and signed digests as CloudTrail does: Validator and
// `aws cloudtrail validate-logs` accept them. It holds no state; Writer keeps a
// trail going with it. All fields but Prefix and Org are required. It is safe
// for concurrent use when its Key is.
type Signer struct {
	Bucket  string // where the objects will be put
	Prefix  string // before AWSLogs/, without the slash
	Org     string // o-…, for the layout of organization trails
	Account string // 12 digits
	Trail   string // 3 to 128 letters, digits, dots, hyphens, underscores
	Home    string // home region of the trail
	Region  string // region the logs are of

	// Key signs: an RSA key of 2048 to 8192 bits. It may live in a KMS or HSM.
	Key crypto.Signer
}

// StoredObject is an object as it has to be stored.
type StoredObject struct {
	Bucket, Key string            // where
	Body        []byte            // gzip
	Metadata    map[string]string // user metadata; nil for log files
}

// Link is what a digest must know of the one before it.
type Link struct {
	Bucket, Object string    // where it lies
	Hash           string    // hex SHA-256 of the uncompressed bytes
	Signature      string    // hex
	End            time.Time // digestEndTime
}

// DigestInput is what a digest is to say.
type DigestInput struct {
	Start, End time.Time // Start < End; to the second
	Logs       []LogFile
	Previous   *Link // nil begins a chain

	// Generated, when set, makes a backfill digest, signed at that time.
	Generated time.Time
}

func (s *Signer) check() error {
	pub, ok := publicRSA(s.Key)
	switch {
	case s.Bucket == "":
		return &Error{"Signer.Bucket is empty", ErrConfig}
	case !validAccount(s.Account):
		return &Error{"Signer.Account is not 12 digits", ErrConfig}
	case !validTrail(s.Trail):
		return &Error{"Signer.Trail is no trail name", ErrConfig}
	case !validRegion(s.Home) || !validRegion(s.Region):
		return &Error{"Signer.Home or Region is no region", ErrConfig}
	case s.Org != "" && !validOrg(s.Org):
		return &Error{"Signer.Org is no organization id", ErrConfig}
	case strings.HasPrefix(s.Prefix, "/") || strings.HasSuffix(s.Prefix, "/"):
		return &Error{"Signer.Prefix begins or ends with a slash", ErrConfig}
	case !ok || pub.N.BitLen() < 2048 || pub.N.BitLen() > 8192:
		return &Error{"Signer.Key is no RSA key of 2048 to 8192 bits", ErrConfig}
	}
	return nil
}

func publicRSA(key crypto.Signer) (*rsa.PublicKey, bool) {
	if key == nil {
		return nil, false
	}
	pub, ok := key.Public().(*rsa.PublicKey)
	return pub, ok
}

// PublicKey returns the signer's key as ListPublicKeys would list it.
func (s *Signer) PublicKey(notBefore, notAfter time.Time) (PublicKey, error) {
	if err := s.check(); err != nil {
		return PublicKey{}, err
	}
	pub, _ := publicRSA(s.Key)
	return NewPublicKey(x509.MarshalPKCS1PublicKey(pub), notBefore, notAfter), nil
}

// Log builds a log file of records, each the JSON object of one event, named
// for the minute of at. It returns the object and the entry that the next
// digest has to list. It fails with ErrSigner for a record that is not one JSON
// object, ErrConfig for a Signer that is not complete.
func (s *Signer) Log(at time.Time, records []json.RawMessage) (*StoredObject, LogFile, error) {
	if err := s.check(); err != nil {
		return nil, LogFile{}, err
	}
	entry := LogFile{Bucket: s.Bucket, HashAlgorithm: algorithmHash}
	p, reader := newPacker(), newJSONReader(nil, strictjson.Limits{})
	_, _ = p.WriteString(`{"Records":[`)
	for i, rec := range records {
		t, err := recordTime(reader, rec)
		if err != nil {
			return nil, LogFile{}, fmt.Errorf("%w: record %d: %w", ErrSigner, i, err)
		}
		if i > 0 {
			_ = p.WriteByte(',')
		}
		_, _ = p.Write(rec)
		if !t.IsZero() && (entry.Oldest.IsZero() || t.Before(entry.Oldest)) {
			entry.Oldest = t
		}
		if t.After(entry.Newest) {
			entry.Newest = t
		}
	}
	_, _ = p.WriteString("]}")
	body, sum := p.end()
	entry.Hash = hex.EncodeToString(sum[:])
	entry.Object = LogName{
		Prefix: s.Prefix, Org: s.Org, Account: s.Account, Kind: "CloudTrail", Region: s.Region,
		Time: at.UTC().Truncate(time.Minute), ID: rand.Text()[:16],
	}.String()
	return &StoredObject{Bucket: s.Bucket, Key: entry.Object, Body: body}, entry, nil
}

// recordTime requires one JSON object and returns its eventTime, if it has one.
// The reader is one that may be used again.
func recordTime(r *jsonReader, rec []byte) (t time.Time, err error) {
	r.scan.Reset(rec, strictjson.Limits{Size: 16 << 20, Depth: 128})
	err = r.document(func(name string) error {
		if name == "eventTime" && r.kind == strictjson.String {
			if at, err := time.Parse(time.RFC3339, string(r.scan.Text())); err == nil {
				t = at.UTC()
			}
		}
		return r.skip()
	})
	return t, err
}

// Digest builds and signs a digest and returns it with the link that the next
// one needs. It fails with ErrSigner when the times are not in order or the key
// does not sign, ErrConfig for a Signer that is not complete.
func (s *Signer) Digest(in DigestInput) (*StoredObject, *Link, error) {
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	in.Start, in.End = in.Start.UTC().Truncate(time.Second), in.End.UTC().Truncate(time.Second)
	if !in.Start.Before(in.End) {
		return nil, nil, fmt.Errorf("%w: a digest begins before it ends", ErrSigner)
	}
	pub, _ := publicRSA(s.Key)
	chain := Chain{Account: s.Account, Region: s.Region, Trail: s.Trail, Home: s.Home, Org: s.Org, Backfill: !in.Generated.IsZero()}
	link := &Link{
		Bucket: s.Bucket, End: in.End,
		Object: DigestName{Prefix: s.Prefix, Chain: chain, End: in.End}.String(),
	}
	text, err := s.digestText(link.Object, fingerprint(x509.MarshalPKCS1PublicKey(pub)), in)
	if err != nil {
		return nil, nil, err
	}
	p := newPacker()
	_, _ = p.Write(text)
	body, sum := p.end()
	link.Hash = hex.EncodeToString(sum[:])
	signature, err := s.sign(pub, text, sum)
	if err != nil {
		return nil, nil, err
	}
	link.Signature = hex.EncodeToString(signature)
	meta := map[string]string{metaSignature: link.Signature, metaAlgorithm: algorithmSignature}
	if chain.Backfill {
		meta[metaGeneration] = in.Generated.UTC().Format(layoutTime)
	}
	return &StoredObject{Bucket: s.Bucket, Key: link.Object, Body: body, Metadata: meta}, link, nil
}

// sign signs the digest text and checks what came back: a key behind a network
// may answer with another's signature.
func (s *Signer) sign(pub *rsa.PublicKey, text []byte, sum [sha256.Size]byte) ([]byte, error) {
	d, err := ParseDigest(text, Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	toSign := d.StringToSign(sum)
	hashed := sha256.Sum256([]byte(toSign))
	signature, err := s.Key.Sign(rand.Reader, hashed[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	if verify(pub, toSign, signature) != nil {
		return nil, fmt.Errorf("%w: the key made a signature that is not its own", ErrSigner)
	}
	return signature, nil
}

// digestJSON has the members in the order in which CloudTrail writes them.
type digestJSON struct {
	Account           string        `json:"awsAccountId"`
	Start             string        `json:"digestStartTime"`
	End               string        `json:"digestEndTime"`
	Bucket            string        `json:"digestS3Bucket"`
	Object            string        `json:"digestS3Object"`
	Fingerprint       string        `json:"digestPublicKeyFingerprint"`
	Algorithm         string        `json:"digestSignatureAlgorithm"`
	Newest            *string       `json:"newestEventTime"`
	Oldest            *string       `json:"oldestEventTime"`
	PreviousBucket    *string       `json:"previousDigestS3Bucket"`
	PreviousObject    *string       `json:"previousDigestS3Object"`
	PreviousHash      *string       `json:"previousDigestHashValue"`
	PreviousAlgorithm *string       `json:"previousDigestHashAlgorithm"`
	PreviousSignature *string       `json:"previousDigestSignature"`
	Logs              []logFileJSON `json:"logFiles"`
}

type logFileJSON struct {
	Bucket    string  `json:"s3Bucket"`
	Object    string  `json:"s3Object"`
	Hash      string  `json:"hashValue"`
	Algorithm string  `json:"hashAlgorithm"`
	Newest    *string `json:"newestEventTime"`
	Oldest    *string `json:"oldestEventTime"`
}

func (s *Signer) digestText(key, fp string, in DigestInput) ([]byte, error) {
	d := digestJSON{
		Account: s.Account, Start: in.Start.Format(layoutTime), End: in.End.Format(layoutTime),
		Bucket: s.Bucket, Object: key, Fingerprint: fp, Algorithm: algorithmSignature,
		Logs: make([]logFileJSON, 0, len(in.Logs)),
	}
	if p := in.Previous; p != nil {
		algorithm := algorithmHash
		d.PreviousBucket, d.PreviousObject, d.PreviousHash = &p.Bucket, &p.Object, &p.Hash
		d.PreviousAlgorithm, d.PreviousSignature = &algorithm, &p.Signature
	}
	var newest, oldest time.Time
	for _, l := range in.Logs {
		d.Logs = append(d.Logs, logFileJSON{l.Bucket, l.Object, l.Hash, algorithmHash, seconds(l.Newest), seconds(l.Oldest)})
		if l.Newest.After(newest) {
			newest = l.Newest
		}
		if !l.Oldest.IsZero() && (oldest.IsZero() || l.Oldest.Before(oldest)) {
			oldest = l.Oldest
		}
	}
	d.Newest, d.Oldest = seconds(newest), seconds(oldest)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	// A slash outside a string is no JSON, so this escapes those in strings.
	return bytes.ReplaceAll(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte("/"), []byte(`\/`)), nil
}

func seconds(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(layoutTime)
	return &s
}
