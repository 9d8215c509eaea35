// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/fips140"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing/fstest"
	"time"
)

// Trail is a CloudTrail trail in memory, for tests to tamper with. It is
// written from the format's description alone, with nothing of the package
// that it tests.
type Trail struct {
	Objects map[string][]byte            // by bucket/key, as stored
	Meta    map[string]map[string]string // of digests, by bucket/key
	Keys    map[string][]TrailKey        // public keys by region
}

// TrailKey is an element of a ListPublicKeys answer.
type TrailKey struct {
	Value       []byte
	Fingerprint string
	NotBefore   time.Time
	NotAfter    time.Time
}

// TrailKeys are the private keys of generated trails, made once per process.
var TrailKeys = [2]func() *rsa.PrivateKey{sync.OnceValue(newTrailKey), sync.OnceValue(newTrailKey)}

func newTrailKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // a test cannot go on without randomness
	}
	return key
}

// TrailStart is when generated trails begin.
var TrailStart = time.Date(2026, 3, 1, 0, 13, 52, 0, time.UTC)

// NewTrail returns an empty trail.
func NewTrail() *Trail {
	return &Trail{Objects: map[string][]byte{}, Meta: map[string]map[string]string{}, Keys: map[string][]TrailKey{}}
}

// AddKey lists the public half of a key for a region, valid for thirty days
// around TrailStart.
func (t *Trail) AddKey(region string, key *rsa.PrivateKey) {
	der := x509.MarshalPKCS1PublicKey(&key.PublicKey)
	t.Keys[region] = append(t.Keys[region], TrailKey{
		Value: der, Fingerprint: Fingerprint(der),
		NotBefore: TrailStart.AddDate(0, 0, -3), NotAfter: TrailStart.AddDate(0, 0, 27),
	})
}

// Fingerprint is the hex MD5 of a key's DER bytes.
func Fingerprint(der []byte) string {
	var sum [md5.Size]byte
	fips140.WithoutEnforcement(func() { sum = md5.Sum(der) })
	return hex.EncodeToString(sum[:])
}

// TrailChain writes one chain of a Trail, hour by hour.
type TrailChain struct {
	Trail                                                *Trail
	Bucket, Prefix, Org, Account, Region, Name, HomeName string
	Key                                                  *rsa.PrivateKey
	Backfill                                             bool
	Start                                                time.Time // of the next digest
	Events                                               int       // in each log file

	// Edit, when set, changes the members of the next digest before it is
	// signed; EditLogs those of its log entries. They are used once.
	Edit     func(m map[string]any)
	EditMeta func(m map[string]string)

	Digests []string   // bucket/key of the digests, oldest first
	Logs    [][]string // bucket/key of the log files of each

	previous struct{ bucket, object, hash, signature any }
	serial   int
}

// Chain begins a chain with everything at a common default.
func (t *Trail) Chain() *TrailChain {
	return &TrailChain{
		Trail: t, Bucket: "trail-logs", Account: "111122223333", Region: "us-east-1", Name: "main",
		HomeName: "us-east-1", Key: TrailKeys[0](), Start: TrailStart, Events: 4,
	}
}

// Restart makes the next digest a starting one that begins at start.
func (c *TrailChain) Restart(start time.Time) {
	c.Start = start
	c.previous = struct{ bucket, object, hash, signature any }{}
}

// Hours writes n digests of logs log files each.
func (c *TrailChain) Hours(n, logs int) {
	for range n {
		c.Hour(logs)
	}
}

// Hour writes the log files of the next hour and its digest.
func (c *TrailChain) Hour(logs int) {
	end := c.Start.Add(time.Hour)
	entries := []any{}
	var paths []string
	for i := range logs {
		at := c.Start.Add(time.Duration(i+1) * time.Hour / time.Duration(logs+2))
		key, body, text := c.log(at)
		c.Trail.Objects[c.Bucket+"/"+key] = body
		paths = append(paths, c.Bucket+"/"+key)
		entries = append(entries, LogEntry(c.Bucket, key, text, at))
	}
	c.Logs = append(c.Logs, paths)
	c.Digest(end, entries)
	c.Start = end
}

// LogEntry is the member of logFiles for a log file.
func LogEntry(bucket, key string, text []byte, at time.Time) map[string]any {
	sum := sha256.Sum256(text)
	stamp := at.Format(time.RFC3339)
	return map[string]any{
		"s3Bucket": bucket, "s3Object": key, "hashValue": hex.EncodeToString(sum[:]), "hashAlgorithm": "SHA-256",
		"newestEventTime": stamp, "oldestEventTime": stamp,
	}
}

// LogKey returns the key of a log file of the chain's folder.
func (c *TrailChain) LogKey(at time.Time, id string) string {
	return fmt.Sprintf("%s/%s_CloudTrail_%s_%s_%s.json.gz", c.folder("CloudTrail", at), c.Account, c.Region,
		at.UTC().Format("20060102T1504Z"), id)
}

// DigestKey returns the key of the chain's digest that ends at end.
func (c *TrailChain) DigestKey(end time.Time) string {
	suffix := ""
	if c.Backfill {
		suffix = "_backfill"
	}
	return fmt.Sprintf("%s/%s_CloudTrail-Digest_%s_%s_%s_%s%s.json.gz", c.folder("CloudTrail-Digest", end), c.Account,
		c.Region, c.Name, c.HomeName, end.UTC().Format("20060102T150405Z"), suffix)
}

func (c *TrailChain) folder(kind string, at time.Time) string {
	parts := []string{"AWSLogs", c.Account, kind, c.Region, at.UTC().Format("2006/01/02")}
	if c.Org != "" {
		parts = slices.Insert(parts, 1, c.Org)
	}
	if c.Prefix != "" {
		parts = slices.Insert(parts, 0, c.Prefix)
	}
	return strings.Join(parts, "/")
}

func (c *TrailChain) log(at time.Time) (key string, body, text []byte) {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range c.Events {
		if i > 0 {
			b.WriteByte(',')
		}
		c.serial++
		fmt.Fprintf(&b, `{"eventVersion":"1.11","eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":%q,`+
			`"sourceIPAddress":"192.0.2.%d","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::%s:user/alice"},"eventID":"%s-%d","readOnly":true}`,
			at.UTC().Format(time.RFC3339), c.Region, c.serial%250, c.Account, c.Name, c.serial)
	}
	b.WriteString("]}")
	sum := sha256.Sum256(b.Bytes())
	return c.LogKey(at, hex.EncodeToString(sum[:8])), Gzip(b.Bytes()), b.Bytes()
}

// Digest writes a digest from c.Start to end that lists entries.
func (c *TrailChain) Digest(end time.Time, entries any) {
	key := c.DigestKey(end)
	der := x509.MarshalPKCS1PublicKey(&c.Key.PublicKey)
	m := map[string]any{
		"awsAccountId": c.Account, "digestStartTime": c.Start.Format(time.RFC3339), "digestEndTime": end.Format(time.RFC3339),
		"digestS3Bucket": c.Bucket, "digestS3Object": key, "digestPublicKeyFingerprint": Fingerprint(der),
		"digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": nil, "oldestEventTime": nil,
		"previousDigestS3Bucket": c.previous.bucket, "previousDigestS3Object": c.previous.object,
		"previousDigestHashValue": c.previous.hash, "previousDigestHashAlgorithm": nil,
		"previousDigestSignature": c.previous.signature, "logFiles": entries,
	}
	if c.previous.hash != nil {
		m["previousDigestHashAlgorithm"] = "SHA-256"
	}
	if c.Edit != nil {
		c.Edit(m)
		c.Edit = nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and nil only
	}
	meta := map[string]string{"signature": c.Sign(text), "signature-algorithm": "SHA256withRSA"}
	if c.Backfill {
		meta["backfill-generation-timestamp"] = end.Add(30 * time.Hour).Format(time.RFC3339)
	}
	if c.EditMeta != nil {
		c.EditMeta(meta)
		c.EditMeta = nil
	}
	path := c.Bucket + "/" + key
	c.Trail.Objects[path] = Gzip(text)
	c.Trail.Meta[path] = meta
	c.Digests = append(c.Digests, path)
	sum := sha256.Sum256(text)
	c.previous.bucket, c.previous.object = c.Bucket, key
	c.previous.hash, c.previous.signature = hex.EncodeToString(sum[:]), meta["signature"]
}

// Sign returns the hex signature of a digest text, whatever it says.
func (c *TrailChain) Sign(text []byte) string {
	var d struct {
		DigestEndTime, DigestS3Bucket, DigestS3Object string
		PreviousDigestSignature                       *string
	}
	if err := json.Unmarshal(text, &d); err != nil {
		panic(err)
	}
	previous := "null"
	if d.PreviousDigestSignature != nil {
		previous = *d.PreviousDigestSignature
	}
	toSign := fmt.Sprintf("%s\n%s/%s\n%x\n%s", d.DigestEndTime, d.DigestS3Bucket, d.DigestS3Object, sha256.Sum256(text), previous)
	sum := sha256.Sum256([]byte(toSign))
	signature, err := rsa.SignPKCS1v15(rand.Reader, c.Key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(signature)
}

// Gzip compresses.
func Gzip(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text) // to memory
	_ = z.Close()
	return b.Bytes()
}

// Gunzip is the other half of Gzip.
func Gunzip(body []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	return text
}

// KeysJSON returns the key list of a region as list-public-keys prints it.
func (t *Trail) KeysJSON(region string) []byte {
	list := []any{}
	for _, k := range t.Keys[region] {
		m := map[string]any{"Value": k.Value, "Fingerprint": k.Fingerprint}
		if !k.NotBefore.IsZero() {
			m["ValidityStartTime"] = float64(k.NotBefore.Unix())
		}
		if !k.NotAfter.IsZero() {
			m["ValidityEndTime"] = float64(k.NotAfter.Unix())
		}
		list = append(list, m)
	}
	data, err := json.Marshal(map[string]any{"PublicKeyList": list})
	if err != nil {
		panic(err)
	}
	return data
}

// Files returns the tree of the offline layout: objects, sidecars, key lists.
func (t *Trail) Files() map[string][]byte {
	files := maps.Clone(t.Objects)
	for path, meta := range t.Meta {
		if _, ok := t.Objects[path]; !ok || meta == nil {
			continue
		}
		data, err := json.Marshal(map[string]any{"metadata": meta, "contentType": "application/json", "contentEncoding": "gzip"})
		if err != nil {
			panic(err)
		}
		files[path+".meta.json"] = data
	}
	for region := range t.Keys {
		files["keys."+region+".json"] = t.KeysJSON(region)
	}
	return files
}

// FS returns the tree as a file system.
func (t *Trail) FS() fstest.MapFS {
	tree := fstest.MapFS{}
	for path, data := range t.Files() {
		tree[path] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	return tree
}

// WriteTo writes the tree to a folder.
func (t *Trail) WriteTo(dir string) error {
	for path, data := range t.Files() {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
