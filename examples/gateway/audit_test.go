// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

func TestAuditOutlivesAKilledProcess(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	require.NoError(t, b.g.audit.journal.write(entry{ID: "1", Record: json.RawMessage(`{"eventName":"PutObject","eventTime":"2026-01-01T00:00:00Z"}`)}))
	text, err := os.ReadFile(filepath.Join(b.config.Audit.Dir, "journal"))
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "journal"), append(text, `{"id":"2","rec`...), 0o600)) // killed in the middle of a line
	j, err := openJournal(filepath.Join(dir, "journal"), false, interrupted)
	require.NoError(t, err)
	var names []string
	require.NoError(t, j.take(func(records []json.RawMessage) error {
		for _, r := range records {
			var e struct{ EventName, ErrorCode string }
			require.NoError(t, json.Unmarshal(r, &e))
			names = append(names, e.EventName+" "+e.ErrorCode)
		}
		return nil
	}))
	slices.Sort(names)
	require.Equal(t, []string{"CreateBucket ", "PutObject Interrupted"}, names)
	require.NoError(t, j.file.Close())
}

func TestAuditRecords(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "secret body")
	b.send(request{method: "GET", target: "/bucket/k", as: "guest"})
	b.send(request{method: "GET", target: "/bucket/k", anonymous: true})
	b.send(request{method: "GET", target: "/bucket/k?X-Amz-Signature=abc&X-Amz-Security-Token=tok3n", anonymous: true})
	var records []map[string]any
	require.NoError(t, b.g.audit.journal.take(func(raw []json.RawMessage) error {
		for _, r := range raw {
			require.NotContains(t, string(r), "secret")
			require.NotContains(t, string(r), "tok3n")
			var m map[string]any
			require.NoError(t, json.Unmarshal(r, &m))
			records = append(records, m)
		}
		return nil
	}))
	var lines []string
	for _, r := range records {
		who := r["userIdentity"].(map[string]any)
		lines = append(lines, fmt.Sprint(r["eventName"], " ", who["type"], " ", who["userName"], " ", r["errorCode"]))
	}
	require.Equal(t, []string{
		"CreateBucket IAMUser owner <nil>", "PutObject IAMUser owner <nil>", "GetObject IAMUser guest AccessDenied",
		"GetObject AWSAccount <nil> AccessDenied", "GetObject AWSAccount <nil> AuthorizationQueryParametersError",
	}, lines)
}

// TestAuditRecordsAreBounded: who may do nothing at all fills no memory with what
// they call themselves or what they ask for, though JSON makes six bytes of one.
func TestAuditRecordsAreBounded(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("&", 60_000)
	for _, q := range []request{
		{method: "GET", target: "/" + long},
		{method: "GET", target: "/bucket/" + long},
		{method: "GET", target: "/bucket/" + long[:1024], header: map[string]string{"User-Agent": long}},
		{method: "GET", target: "/", header: map[string]string{"Host": long}},
		{method: "GET", target: "/", header: map[string]string{"Host": long + ".s3.test"}},
	} {
		q.anonymous = true
		require.GreaterOrEqual(t, b.send(q).status, 400)
	}
	require.NoError(t, b.g.audit.journal.take(func(raw []json.RawMessage) error {
		require.Len(t, raw, 5)
		for _, r := range raw {
			require.True(t, json.Valid(r))
			require.LessOrEqual(t, len(r), 50<<10)
		}
		require.Contains(t, string(raw[2]), strings.Repeat(`\u0026`, 1024), "the longest key")
		return nil
	}))
}

func TestAuditTrailIsValid(t *testing.T) {
	began := time.Now().Add(-time.Minute)
	c := newClock(began)
	b := newBench(t, c.use)
	b.bucket("bucket")
	require.NoError(t, b.g.audit.rotate(t.Context()))
	b.put("/bucket/k", "")
	c.set(began.Add(2 * time.Second))
	require.NoError(t, b.g.audit.digest(t.Context()))
	dir := cloudtrail.Directory{FS: os.DirFS(b.config.Audit.Dir)}
	keys, err := dir.Keys()
	require.NoError(t, err)
	report, err := (&cloudtrail.Validator{Source: dir, Keys: keys, Buckets: []string{auditBucket}}).Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, cloudtrail.Valid, report.Verdict, "%v", report.Findings)
	require.Equal(t, 2, report.Counts.Logs.Valid)
}

func TestUnaudited(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	now := time.Now()
	b.g.audit.journal.now = func() time.Time { return now }
	require.NoError(t, b.g.audit.journal.file.Close())
	for _, q := range []request{put("/bucket/k", "x"), get("/bucket"), get("/none")} {
		require.Equal(t, 503, b.send(q).status)
	}
	require.NoError(t, b.g.audit.rotate(t.Context()))
	b.empty("bucket")
}
