// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// eventTree writes a trail of an hour whose log files hold one event each.
func eventTree(t *testing.T, events ...string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "logs"), 0o755))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	s := &cloudtrail.Signer{Bucket: "logs", Account: "111122223333", Trail: "main", Home: "us-east-1", Region: "us-east-1", Key: signingKey()}
	w, err := cloudtrail.NewWriter(t.Context(), s, cloudtrail.Directory{FS: root.FS()}, cloudtrail.Folder{Root: root}, begin)
	require.NoError(t, err)
	for i, e := range events {
		require.NoError(t, w.WriteLog(t.Context(), begin.Add(time.Duration(i+1)*time.Minute), []json.RawMessage{[]byte(e)}))
	}
	require.NoError(t, w.WriteDigest(t.Context(), begin.Add(time.Hour)))
	key, err := s.PublicKey(begin.AddDate(0, 0, -1), begin.AddDate(0, 0, 29))
	require.NoError(t, err)
	data, err := cloudtrail.MarshalKeys([]cloudtrail.PublicKey{key})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.us-east-1.json"), data, 0o644))
	return dir
}

const (
	deletion = `{"eventVersion":"1.11","eventTime":"2026-03-01T00:15:00Z","eventSource":"s3.amazonaws.com","eventName":"DeleteObject","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333"},"readOnly":false,"requestParameters":{"key":"a, \"b\""},"eventID":"1"}`
	refusal  = `{"eventVersion":"1.11","eventTime":"2026-03-01T00:16:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"eu-west-1","sourceIPAddress":"2001:db8::9","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/ops/bob","accountId":"111122223333","sessionContext":{"sessionIssuer":{"userName":"ops"}}},"errorCode":"Client.UnauthorizedOperation","readOnly":false,"eventID":"2"}`
	reading  = `{"eventVersion":"1.11","eventTime":"2026-03-01T00:17:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"AWS Internal","userIdentity":{"type":"AWSService","invokedBy":"config.amazonaws.com"},"readOnly":true,"managementEvent":false,"eventID":"3"}`
)

// TestEvents prints what the flags ask for, in each format, on stdout alone.
func TestEvents(t *testing.T) {
	dir := eventTree(t, deletion, refusal, reading)
	for _, tc := range []struct {
		name string
		args []string
		ids  string
	}{
		{"all", nil, "123"},
		{"who: a user", []string{"-who", "arn:aws:iam::111122223333:user/ann"}, "1"},
		{"who: a role or a service", []string{"-who", "ops,config.amazonaws.com"}, "23"},
		{"account", []string{"-event-account", "111122223333"}, "12"},
		{"service", []string{"-service", "s3.amazonaws.com"}, "13"},
		{"name", []string{"-name", "RunInstances", "-name", "GetObject"}, "23"},
		{"both", []string{"-service", "s3.amazonaws.com", "-name", "GetObject"}, "3"},
		{"region", []string{"-event-region", "eu-west-1"}, "2"},
		{"address", []string{"-address", "192.0.2.7"}, "1"},
		{"blocks", []string{"-address", "192.0.2.0/24,2001:db8::/32"}, "12"},
		{"address that is none", []string{"-address", "AWS Internal"}, "3"},
		{"category", []string{"-category", "Data"}, "3"},
		{"errors", []string{"-errors"}, "2"},
		{"error", []string{"-error", "Client.UnauthorizedOperation"}, "2"},
		{"read-only", []string{"-read-only"}, "3"},
		{"write", []string{"-write"}, "12"},
		{"after", []string{"-after", "2026-03-01T00:16:00Z"}, "23"},
		{"before", []string{"-before", "2026-03-01T01:16:00+01:00"}, "1"},
		{"none", []string{"-name", "getobject"}, ""},
		{"another trail", []string{"-trail", "other"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stdout, stderr, exit := command(t, append([]string{"events", "-dir", dir, "-format", "json"}, tc.args...)...)
			ids := ""
			for line := range strings.Lines(stdout) {
				var e struct{ EventID string }
				require.NoError(t, json.Unmarshal([]byte(line), &e))
				ids += e.EventID
			}
			require.Equal(t, tc.ids, ids)
			if tc.name == "another trail" {
				require.Equal(t, 2, exit)
				require.Equal(t, "ERROR\tno-digests\t\tno digests found\n0 events\ndigests: 0/0 valid\nlogs: 0/0 valid, 0 bytes\nverdict: incomplete\n", stderr)
				return
			}
			require.Zero(t, exit)
			require.Contains(t, stderr, "verdict: valid\n")
		})
	}
	stdout, _, _ := command(t, "events", "-dir", dir, "-format", "json")
	require.Equal(t, deletion+"\n"+refusal+"\n"+reading+"\n", stdout)
	stdout, _, _ = command(t, "events", "-dir", dir)
	require.Equal(t, ""+
		"TIME                  REGION          SERVICE                   EVENT                     ADDRESS          ERROR             WHO\n"+
		"2026-03-01T00:15:00Z  us-east-1       s3.amazonaws.com          DeleteObject              192.0.2.7        -                 arn:aws:iam::111122223333:user/ann\n"+
		"2026-03-01T00:16:00Z  eu-west-1       ec2.amazonaws.com         RunInstances              2001:db8::9      Client.UnauthorizedOperation  arn:aws:sts::111122223333:assumed-role/ops/bob\n"+
		"2026-03-01T00:17:00Z  us-east-1       s3.amazonaws.com          GetObject                 AWS Internal     -                 config.amazonaws.com\n", stdout)
	stdout, _, _ = command(t, "events", "-dir", dir, "-format", "csv")
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 4)
	row := map[string]string{}
	for i, name := range rows[0] {
		row[name] = rows[1][i]
	}
	require.Equal(t, "DeleteObject", row["eventName"])
	require.Equal(t, `{"key":"a, \"b\""}`, row["requestParameters"])
	require.Equal(t, "false", row["readOnly"])
	require.True(t, strings.HasPrefix(row["object"], "s3://logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/"))
}

// TestEventsOfTamperedTrails is CT-42 and CT-61 at the command: a file that
// fails a check prints no event but a line on stderr, and decides the exit
// status.
func TestEventsOfTamperedTrails(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		tamper     func(t *testing.T, path string)
		exit       int
	}{
		{"content", "log-hash-mismatch", func(t *testing.T, path string) {
			other := eventTree(t, strings.Replace(refusal, `"2"`, `"forged"`, 1))
			data, err := os.ReadFile(object(t, other, "CloudTrail/", 0))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, data, 0o644))
		}, 1},
		{"a second member", "log-trailing-data", func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, append(data, data...), 0o644))
		}, 1},
		{"deleted", "log-missing", func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := eventTree(t, deletion, refusal, reading)
			tc.tamper(t, object(t, dir, "CloudTrail/", 1))
			stdout, stderr, exit := command(t, "events", "-dir", dir, "-format", "json")
			require.Equal(t, tc.exit, exit)
			require.Equal(t, deletion+"\n"+reading+"\n", stdout)
			require.Contains(t, stderr, "ERROR\t"+tc.code+"\ts3://logs/")
		})
	}
	dir := eventTree(t, deletion, `{"eventName":"A","eventVersion":"3.0"}`, reading)
	stdout, stderr, exit := command(t, "events", "-dir", dir, "-format", "json")
	require.Equal(t, 3, exit, "an event of an unknown version")
	require.Equal(t, deletion+"\n"+reading+"\n", stdout)
	require.Contains(t, stderr, "eventVersion of major version 3, not 1")
}

// TestEventsHarmless is what events may do to whoever looks at them: nothing.
// Escape sequences, characters that turn text around and formulas are data.
func TestEventsHarmless(t *testing.T) {
	evil := `{"eventVersion":"1.11","eventName":"=cmd|' /C calc'!A0","userAgent":"\u001b[2J\u0007 x \u009b31m y \u202etxt.exe\u2066 z\u2028 \u007f \u0000 \ufeff \ud83d\ude00 é","errorCode":"@SUM(1)","errorMessage":" \t-1+1","sourceIPAddress":"+1","awsRegion":"＝1","requestParameters":{"k` + "\u202e\u009b" + `":"` + "\u009b31m\u2029\u200b\U000e0041" + `"},"userIdentity":{"arn":"a\nb\r\nverdict: valid"}}`
	dir := eventTree(t, evil)
	for _, format := range []string{"table", "json", "csv"} {
		stdout, stderr, exit := command(t, "events", "-dir", dir, "-format", format)
		require.Zero(t, exit, stderr)
		require.True(t, utf8.ValidString(stdout))
		require.Equal(t, map[string]int{"table": 2, "json": 1, "csv": 2}[format], strings.Count(stdout, "\n"))
		for _, r := range strings.ReplaceAll(stdout, "\n", "") {
			require.True(t, r == ' ' || unicode.IsGraphic(r) && !unicode.In(r, unicode.C), "%s: %U", format, r)
		}
		switch format {
		case "json":
			var want, got any
			require.NoError(t, json.Unmarshal([]byte(evil), &want))
			require.NoError(t, json.Unmarshal([]byte(stdout), &got))
			require.Equal(t, want, got, "it says the same")
		case "csv":
			rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
			require.NoError(t, err)
			for _, cell := range rows[1] {
				require.False(t, strings.ContainsAny(strings.TrimLeft(cell, " ")+" ", "=+-@＝") &&
					strings.IndexAny(strings.TrimLeft(cell, " "), "=+-@＝") == 0, "%q", cell)
			}
			require.Contains(t, stdout, "'=cmd|' /C calc'!A0")
			require.Contains(t, stdout, `\u001b[2J\u0007 x \u009b31m y \u202etxt.exe\u2066 z\u2028 \u007f \u0000 \ufeff 😀 é`)
		}
	}
}

// TestEventsUsage is exit status 3 for what cannot be understood, and 0 for -h.
func TestEventsUsage(t *testing.T) {
	dir := eventTree(t, reading)
	for _, args := range [][]string{
		{},
		{"-dir", dir, "-format", "xml"},
		{"-dir", dir, "-after", "yesterday"},
		{"-dir", dir, "-read-only", "-write"},
		{"-dir", dir, "-address", "192.0.2.0/99"},
		{"-dir", dir, "-after", "2026-03-02", "-before", "2026-03-01"},
		{"-dir", dir, "-start", "2026-03-02", "-end", "2026-03-01"},
		{"-dir", dir, "-name", ""},
		{"-dir", dir, "more"},
		{"-dir", filepath.Join(dir, "nowhere")},
	} {
		stdout, stderr, exit := command(t, append([]string{"events"}, args...)...)
		require.Equal(t, 3, exit, "%q", args)
		require.Empty(t, stdout)
		require.NotEmpty(t, stderr)
	}
	stdout, stderr, exit := command(t, "events", "-h")
	require.Zero(t, exit)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "usage: trailcheck events")
}

// TestEventsStdoutFails ends with 3 when nothing more can be written.
func TestEventsStdoutFails(t *testing.T) {
	dir := eventTree(t, deletion)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full")
	}
	defer full.Close()
	var stderr strings.Builder
	for _, format := range []string{"table", "json", "csv"} {
		require.Equal(t, 3, events(t.Context(), []string{"-dir", dir, "-format", format}, full, &stderr))
	}
}
