// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// signedTrail writes a trail of two hours to a new folder, as a service that
// keeps an audit log would, and returns it with its public key.
func signedTrail() (*os.Root, cloudtrail.KeyRing) {
	dir, err := os.MkdirTemp("", "trail")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "audit"), 0o755); err != nil {
		log.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		log.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048) // or a key in a KMS
	if err != nil {
		log.Fatal(err)
	}
	signer := &cloudtrail.Signer{
		Bucket: "audit", Account: "111122223333", Trail: "gateway", Home: "eu-west-1", Region: "eu-west-1", Key: key,
	}
	ctx := context.Background()
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	w, err := cloudtrail.NewWriter(ctx, signer, cloudtrail.Directory{FS: root.FS()}, cloudtrail.Folder{Root: root}, begin)
	if err != nil {
		log.Fatal(err)
	}
	for h := range 2 {
		at := begin.Add(time.Duration(h) * time.Hour)
		record := json.RawMessage(fmt.Sprintf(`{"eventTime":%q,"eventName":"GetObject"}`, at.Format(time.RFC3339)))
		if err := w.WriteLog(ctx, at.Add(20*time.Minute), []json.RawMessage{record}); err != nil {
			log.Fatal(err)
		}
		if err := w.WriteDigest(ctx, at.Add(time.Hour)); err != nil {
			log.Fatal(err)
		}
	}
	public, err := signer.PublicKey(begin.AddDate(0, 0, -1), begin.AddDate(0, 0, 29))
	if err != nil {
		log.Fatal(err)
	}
	return root, cloudtrail.KeyRing{"eu-west-1": {public}}
}

// A trail is valid; then somebody deletes a log file.
func ExampleValidator() {
	root, keys := signedTrail()
	defer os.RemoveAll(root.Name())
	v := cloudtrail.Validator{
		Source:  cloudtrail.Directory{FS: root.FS()},
		Keys:    keys,
		Buckets: []string{"audit"},
		To:      time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC),
	}
	report, err := v.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Verdict, report.Counts.Digests, "/", report.Counts.Logs)

	logs, err := filepath.Glob(filepath.Join(root.Name(), "audit/AWSLogs/*/CloudTrail/*/*/*/*/*"))
	if err != nil || len(logs) == 0 {
		log.Fatal("no log files: ", err)
	}
	if err := os.Remove(logs[0]); err != nil {
		log.Fatal(err)
	}
	report, err = v.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	var f cloudtrail.Finding = report.Findings[0]
	fmt.Println(report.Verdict, f.Severity, f.Code, f.Chain.Trail, "exit", report.Verdict.ExitCode())
	for _, c := range report.Coverage {
		fmt.Println(c.Chain, c.Intervals[0].From.Format(time.Kitchen), "to", c.Intervals[0].To.Format(time.Kitchen), "tail", c.Tail)
	}
	// Output:
	// valid 2/2 valid / 2/2 valid
	// incomplete error log-missing gateway exit 2
	// 111122223333 eu-west-1 gateway (eu-west-1) 12:00AM to 2:00AM tail ok
}

// A run that was valid leaves a checkpoint; the next one requires that nothing
// of it has changed.
func ExampleCheckpoint() {
	root, keys := signedTrail()
	defer os.RemoveAll(root.Name())
	v := cloudtrail.Validator{Source: cloudtrail.Directory{FS: root.FS()}, Keys: keys, Buckets: []string{"audit"}}
	report, err := v.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	saved, err := json.Marshal(report.Checkpoint)
	if err != nil {
		log.Fatal(err)
	}
	if v.Checkpoint, err = cloudtrail.ParseCheckpoint(saved); err != nil {
		log.Fatal(err)
	}
	var end cloudtrail.ChainEnd = v.Checkpoint.Chains[0]
	fmt.Println("continues from", end.End.Format(time.RFC3339))

	if err := os.RemoveAll(filepath.Join(root.Name(), "audit", "AWSLogs")); err != nil {
		log.Fatal(err)
	}
	report, err = v.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Verdict, report.Findings[0].Code)
	// Output:
	// continues from 2026-03-01T02:00:00Z
	// incomplete digest-missing
}

// Writing a trail by hand: a log file, and the digest that lists it.
func ExampleSigner() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	s := cloudtrail.Signer{Bucket: "audit", Account: "111122223333", Trail: "main", Home: "us-east-1", Region: "us-east-1", Key: key}
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	object, entry, err := s.Log(begin.Add(7*time.Minute), []json.RawMessage{[]byte(`{"eventName":"PutObject"}`)})
	if err != nil {
		log.Fatal(err)
	}
	name, err := cloudtrail.ParseLogName(object.Key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(name.Kind, name.Region, name.Time.Format(time.TimeOnly), len(entry.Hash))

	var digest *cloudtrail.StoredObject
	var link *cloudtrail.Link
	digest, link, err = s.Digest(cloudtrail.DigestInput{Start: begin, End: begin.Add(time.Hour), Logs: []cloudtrail.LogFile{entry}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(digest.Key)
	fmt.Println(digest.Metadata["signature-algorithm"], link.End.Format(time.TimeOnly))
	// Output:
	// CloudTrail us-east-1 00:07:00 64
	// AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/111122223333_CloudTrail-Digest_us-east-1_main_us-east-1_20260301T010000Z.json.gz
	// SHA256withRSA 01:00:00
}

// A Folder is a Sink that a Directory reads.
func ExampleFolder() {
	root, _ := signedTrail()
	defer os.RemoveAll(root.Name())
	var sink cloudtrail.Sink = cloudtrail.Folder{Root: root}
	err := sink.Put(context.Background(), &cloudtrail.StoredObject{Bucket: "audit", Key: "AWSLogs/note", Body: []byte("hello")})
	if err != nil {
		log.Fatal(err)
	}
	var o *cloudtrail.Object
	o, err = cloudtrail.Directory{FS: root.FS()}.Open(context.Background(), "audit", "AWSLogs/note")
	if err != nil {
		log.Fatal(err)
	}
	defer o.Body.Close()
	fmt.Println(o.Size, o.Metadata == nil)
	// Output: 5 true
}

// A faster inflater takes the place of compress/gzip when it has its methods.
func ExampleGunzip() {
	root, keys := signedTrail()
	defer os.RemoveAll(root.Name())
	v := cloudtrail.Validator{
		Source: cloudtrail.Directory{FS: root.FS()}, Keys: keys, Buckets: []string{"audit"},
		NewGunzip: func() cloudtrail.Gunzip { return new(gzip.Reader) },
	}
	report, err := v.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Verdict)
	// Output: valid
}

// memory is a Sink in five lines.
type memory map[string]*cloudtrail.StoredObject

func (m memory) Put(_ context.Context, o *cloudtrail.StoredObject) error {
	m[o.Bucket+"/"+o.Key] = o
	return nil
}

var _ cloudtrail.Sink = memory{}

// A Writer keeps a trail going and knows where it stands.
func ExampleNewWriter() {
	root, _ := signedTrail()
	defer os.RemoveAll(root.Name())
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	s := &cloudtrail.Signer{Bucket: "audit", Account: "444455556666", Trail: "main", Home: "us-east-1", Region: "us-east-1", Key: key}
	var source cloudtrail.Source = cloudtrail.Directory{FS: root.FS()}
	var w *cloudtrail.Writer
	w, err = cloudtrail.NewWriter(context.Background(), s, source, memory{}, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		log.Fatal(err)
	}
	if err := w.WriteLog(context.Background(), time.Date(2026, 3, 1, 0, 5, 0, 0, time.UTC), nil); err != nil {
		log.Fatal(err)
	}
	last, pending := w.Last()
	fmt.Println(last == nil, pending)
	// Output: true 1
}

// Names are taken apart from both ends: a trail may be named my_org_trail.
func ExampleParseDigestName() {
	var n cloudtrail.DigestName
	n, err := cloudtrail.ParseDigestName("logs/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/01/111122223333_CloudTrail-Digest_eu-west-1_my_org_trail_us-east-1_20260301T041352Z.json.gz")
	if err != nil {
		log.Fatal(err)
	}
	var c cloudtrail.Chain = n.Chain
	fmt.Println(n.Prefix, c.Account, c.Region, c.Trail, c.Home, n.End.Format(time.RFC3339))
	// Output: logs 111122223333 eu-west-1 my_org_trail us-east-1 2026-03-01T04:13:52Z
}

// The name of a log file says when it was begun, to the minute.
func ExampleParseLogName() {
	var n cloudtrail.LogName
	n, err := cloudtrail.ParseLogName("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/111122223333_CloudTrail_eu-west-1_20260301T0413Z_0123456789abcdef.json.gz")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n.Account, n.Region, n.Time.Format("15:04"), n.ID)
	// Output: 111122223333 eu-west-1 04:13 0123456789abcdef
}

// A list of public keys: one that cannot verify stays in it and says why.
func ExampleParseKeys() {
	var keys []cloudtrail.PublicKey
	keys, err := cloudtrail.ParseKeys([]byte(`{"PublicKeyList":[{"Value":"AAAA","Fingerprint":"00","ValidityStartTime":1772064000}]}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys[0].NotBefore.Format(time.DateOnly), keys[0].Usable())
	var source cloudtrail.KeySource = cloudtrail.KeyRing{"us-east-1": keys}
	_, err = source.Keys(context.Background(), "us-east-1", time.Time{}, time.Time{})
	fmt.Println(err)
	// Output:
	// 2026-02-26 cloudtrail: malformed public key list: the value is no RSA key
	// <nil>
}

// A key from its DER bytes.
func ExampleNewPublicKey() {
	k := cloudtrail.NewPublicKey([]byte("not a key"), time.Time{}, time.Time{})
	fmt.Println(len(k.Fingerprint), errors.Is(k.Usable(), cloudtrail.ErrKeys))
	// Output: 32 true
}

// What a digest states, and the text that is signed.
func ExampleParseDigest() {
	var d *cloudtrail.Digest
	d, err := cloudtrail.ParseDigest([]byte(`{"awsAccountId":"111122223333","digestStartTime":"2026-03-01T03:13:52Z",
		"digestEndTime":"2026-03-01T04:13:52Z","digestS3Bucket":"logs","digestS3Object":"d.json.gz",
		"digestPublicKeyFingerprint":"976f","digestSignatureAlgorithm":"SHA256withRSA","previousDigestSignature":null,
		"logFiles":[{"s3Bucket":"logs","s3Object":"l.json.gz","hashValue":"c40a","hashAlgorithm":"SHA-256"}]}`), cloudtrail.Limits{DigestLogs: 1})
	if err != nil {
		log.Fatal(err)
	}
	var l cloudtrail.LogFile = d.Logs[0]
	var p *cloudtrail.Previous = d.Previous
	fmt.Println(l.Object, l.Hash, p == nil)
	fmt.Println(strings.ReplaceAll(d.StringToSign([32]byte{}), "\n", "|"))
	// Output:
	// l.json.gz c40a true
	// 2026-03-01T04:13:52Z|logs/d.json.gz|0000000000000000000000000000000000000000000000000000000000000000|null
}

// A checkpoint is read strictly.
func ExampleParseCheckpoint() {
	_, err := cloudtrail.ParseCheckpoint([]byte(`{"version":2,"chains":[]}`))
	fmt.Println(err)
	// Output: cloudtrail: malformed checkpoint: version is not 1
}

// Findings, for a table of one's own: the vocabulary is closed.
func ExampleCodes() {
	tampered := 0
	for _, f := range cloudtrail.Codes() {
		var v cloudtrail.Verdict = f.Verdict
		var s cloudtrail.Severity = f.Severity
		var c cloudtrail.Code = f.Code
		if v == cloudtrail.Tampered && s == cloudtrail.Fault && c != "" {
			tampered++
		}
	}
	fmt.Println(len(cloudtrail.Codes()), tampered)
	// Output: 28 15
}

// The report as text.
func ExampleReport() {
	root, keys := signedTrail()
	defer os.RemoveAll(root.Name())
	var shown cloudtrail.Progress
	v := cloudtrail.Validator{
		Source: cloudtrail.Directory{FS: root.FS()}, Keys: keys, Buckets: []string{"audit"},
		Progress: func(p cloudtrail.Progress) { shown = p },
	}
	var report *cloudtrail.Report
	report, err := v.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	var counts cloudtrail.Counts = report.Counts
	var logs cloudtrail.Tally = counts.Logs
	var first cloudtrail.Coverage = report.Coverage[0]
	var covered cloudtrail.Interval = first.Intervals[0]
	fmt.Println(shown.Logs == logs.Total, covered.To.Sub(covered.From))
	if err := report.WriteText(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// true 2h0m0s
	// digests: 2/2 valid
	// logs: 2/2 valid, 148 bytes
	// coverage 111122223333 eu-west-1 gateway (eu-west-1): 2026-03-01T00:00:00Z/2026-03-01T02:00:00Z tail unchecked
	// verdict: valid
}

// Errors carry what they are about and a hint.
func ExampleError() {
	_, err := new(cloudtrail.Validator).Run(context.Background())
	var e *cloudtrail.Error
	if errors.As(err, &e) {
		fmt.Println(e)
		fmt.Println(e.Hint())
	}
	// Output:
	// cloudtrail: configuration: Validator.Source is nil
	// Set the field to a value its documentation allows.
}

// A Source needs two methods; this one puts another bucket name before one that
// is there.
type renamed struct{ cloudtrail.Directory }

func (r renamed) Open(ctx context.Context, _, key string) (*cloudtrail.Object, error) {
	return r.Directory.Open(ctx, "audit", key)
}

func ExampleSource() {
	root, _ := signedTrail()
	defer os.RemoveAll(root.Name())
	var s cloudtrail.Source = renamed{cloudtrail.Directory{FS: root.FS()}}
	for key, err := range s.List(context.Background(), "audit", "AWSLogs/111122223333/", "/") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key)
	}
	// Output:
	// AWSLogs/111122223333/CloudTrail/
	// AWSLogs/111122223333/CloudTrail-Digest/
}

// Who read which object, out of files that verify. Somebody rewrites one of
// them: it yields no event but a finding, and the rest is read.
func ExampleValidator_Events() {
	root, keys := signedTrail()
	defer os.RemoveAll(root.Name())
	v := cloudtrail.Validator{
		Source:  cloudtrail.Directory{FS: root.FS()},
		Keys:    keys,
		Buckets: []string{"audit"},
	}
	wanted := cloudtrail.Filter{Names: []string{"GetObject"}, From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	show := func() {
		for event, err := range v.Events(context.Background(), wanted) {
			var finding *cloudtrail.Finding
			switch {
			case errors.As(err, &finding):
				fmt.Println(finding.Code, finding.Verdict)
			case err != nil:
				fmt.Println(err)
			default:
				fmt.Printf("%s at %s\n", event.Text("eventName"), event.Text("eventTime"))
			}
		}
	}
	show()
	name, err := filepath.Glob(filepath.Join(root.Name(), "audit/AWSLogs/*/CloudTrail/*/*/*/*/*.gz"))
	if err != nil {
		log.Fatal(err)
	}
	var forged bytes.Buffer
	z := gzip.NewWriter(&forged)
	if _, err := z.Write([]byte(`{"Records":[{"eventTime":"2026-03-01T00:00:00Z","eventName":"GetObject","userAgent":"x"}]}`)); err != nil {
		log.Fatal(err)
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(name[0], forged.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
	show()
	// Output:
	// GetObject at 2026-03-01T00:00:00Z
	// GetObject at 2026-03-01T01:00:00Z
	// log-hash-mismatch tampered
	// GetObject at 2026-03-01T01:00:00Z
}

// An event, decoded and copied.
func ExampleEvent_Record() {
	dir, err := os.MkdirTemp("", "trail")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	v := auditOf(dir, `{"eventVersion":"1.11","eventTime":"2026-03-01T00:12:00Z","eventSource":"s3.amazonaws.com","eventName":"DeleteObject",
		"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/ops/ann","sessionContext":{
		"sessionIssuer":{"type":"Role","userName":"ops"},"attributes":{"mfaAuthenticated":"true","creationDate":"2026-03-01T00:00:00Z"}}},
		"requestParameters":{"bucketName":"amzn-s3-demo-bucket","key":"report"},"resources":[{"ARN":"arn:aws:s3:::amzn-s3-demo-bucket/report"}],
		"readOnly":false}`)
	for event, err := range v.Events(context.Background(), cloudtrail.Filter{}) {
		if err != nil {
			log.Fatal(err)
		}
		record, err := event.Record()
		if err != nil {
			log.Fatal(err)
		}
		var (
			who      *cloudtrail.Identity  = record.UserIdentity
			session  *cloudtrail.Session   = who.SessionContext
			how      cloudtrail.Attributes = session.Attributes
			resource cloudtrail.Resource   = record.Resources[0]
		)
		fmt.Println(record.EventName, resource.ARN, "by", who.ARN)
		fmt.Println("role", session.SessionIssuer.UserName, "with MFA", how.MFAAuthenticated)
		fmt.Printf("%s\n", event.Value("requestParameters", "key"))
	}
	// Output:
	// DeleteObject arn:aws:s3:::amzn-s3-demo-bucket/report by arn:aws:sts::111122223333:assumed-role/ops/ann
	// role ops with MFA true
	// "report"
}

// auditOf writes a trail of one hour with one event to a folder.
func auditOf(dir, event string) *cloudtrail.Validator {
	if err := os.Mkdir(filepath.Join(dir, "audit"), 0o755); err != nil {
		log.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		log.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	signer := &cloudtrail.Signer{
		Bucket: "audit", Account: "111122223333", Trail: "audit", Home: "eu-west-1", Region: "eu-west-1", Key: key,
	}
	tree := cloudtrail.Directory{FS: root.FS()}
	ctx, begin := context.Background(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	w, err := cloudtrail.NewWriter(ctx, signer, tree, cloudtrail.Folder{Root: root}, begin)
	if err != nil {
		log.Fatal(err)
	}
	if err := w.WriteLog(ctx, begin.Add(20*time.Minute), []json.RawMessage{json.RawMessage(event)}); err != nil {
		log.Fatal(err)
	}
	if err := w.WriteDigest(ctx, begin.Add(time.Hour)); err != nil {
		log.Fatal(err)
	}
	public, err := signer.PublicKey(begin.AddDate(0, 0, -1), begin.AddDate(0, 0, 29))
	if err != nil {
		log.Fatal(err)
	}
	return &cloudtrail.Validator{
		Source: tree, Keys: cloudtrail.KeyRing{"eu-west-1": {public}}, Buckets: []string{"audit"},
	}
}
