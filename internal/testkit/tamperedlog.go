// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"strings"
	"time"
)

func logCase(name, code string, f func(t *Trail, path string)) TrailCase {
	verdict := "tampered"
	if code == "log-missing" || code == "log-unreadable" {
		verdict = "incomplete"
	}
	return TrailCase{
		Name: name, Codes: []string{code}, Verdict: verdict,
		Build: func(t *Trail, c *TrailChain) { f(t, c.Logs[1][1]) },
	}
}

func tamperedLogs() []TrailCase { return append(changedLogs(), misplacedLogs()...) }

// forgedLog is a log file that nobody signed.
func forgedLog() []byte { return Gzip([]byte(`{"Records":[{"eventName":"Forged"}]}`)) }

// changedLogs are log files whose bytes are not those that were signed.
func changedLogs() []TrailCase {
	return []TrailCase{
		logCase("log content changed", "log-hash-mismatch", func(t *Trail, p string) { rewrite(t, p, replace("GetObject", "PutObject")) }),
		logCase("log event removed", "log-hash-mismatch", func(t *Trail, p string) { rewrite(t, p, func([]byte) []byte { return []byte(`{"Records":[]}`) }) }),
		logCase("log with white space behind", "log-hash-mismatch", func(t *Trail, p string) { rewrite(t, p, func(b []byte) []byte { return append(b, '\n') }) }),
		logCase("log of another hour in its place", "log-hash-mismatch", func(t *Trail, p string) {
			t.Objects[p] = Gzip([]byte(`{"Records":[{"eventName":"Other"}]}`))
		}),
		logCase("log truncated in the data", "log-invalid", editObject(func(b []byte) []byte { return b[:len(b)/2] })),
		logCase("log truncated in the header", "log-invalid", editObject(func(b []byte) []byte { return b[:6] })),
		logCase("log without trailer", "log-invalid", editObject(func(b []byte) []byte { return b[:len(b)-8] })),
		logCase("log with half a trailer", "log-invalid", editObject(func(b []byte) []byte { return b[:len(b)-4] })),
		logCase("log empty", "log-invalid", editObject(func([]byte) []byte { return []byte{} })),
		logCase("log of one byte", "log-invalid", editObject(func([]byte) []byte { return []byte{0x1f} })),
		logCase("log CRC wrong", "log-invalid", editObject(func(b []byte) []byte { b[len(b)-8] ^= 1; return b })),
		logCase("log length wrong", "log-invalid", editObject(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })),
		logCase("log compression method wrong", "log-invalid", editObject(func(b []byte) []byte { b[2] = 7; return b })),
		logCase("log reserved header flag", "log-invalid", editObject(func(b []byte) []byte { b[3] |= 0x80; return b })),
		logCase("log stored without gzip", "log-not-gzip", func(t *Trail, p string) { t.Objects[p] = Gunzip(t.Objects[p]) }),
		logCase("log replaced by text", "log-not-gzip", func(t *Trail, p string) { t.Objects[p] = []byte("gone") }),
		logCase("log with a second gzip member", "log-trailing-data", editObject(func(b []byte) []byte { return append(b, forgedLog()...) })),
		logCase("log with a zero byte behind", "log-trailing-data", editObject(func(b []byte) []byte { return append(b, 0) })),
		logCase("log with text behind", "log-trailing-data", editObject(func(b []byte) []byte { return append(b, `{"Records":[]}`...) })),
		logCase("log deleted", "log-missing", func(t *Trail, p string) { remove(t, p) }),
	}
}

// misplacedLogs are log files that are gone, somewhere else, or nobody's.
func misplacedLogs() []TrailCase {
	return []TrailCase{
		{Name: "two logs deleted", Codes: []string{"log-missing", "log-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Logs[0][0], c.Logs[4][2])
		}},
		{Name: "logs exchanged", Codes: []string{"log-hash-mismatch", "log-hash-mismatch"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			a, b := c.Logs[0][0], c.Logs[4][2]
			t.Objects[a], t.Objects[b] = t.Objects[b], t.Objects[a]
		}},
		{Name: "log key with dots", Offline: true, Bare: true, Codes: []string{"log-unreadable"}, Verdict: "incomplete", Build: func(_ *Trail, c *TrailChain) {
			c.Edit = func(m map[string]any) {
				m["logFiles"].([]any)[0].(map[string]any)["s3Object"] = "AWSLogs/../../../etc/passwd"
			}
			c.Hour(1)
			for p := range c.Trail.Objects {
				if !strings.Contains(p, "Digest") {
					remove(c.Trail, p)
				}
			}
			c.Hours(5, 1)
		}},
		{Name: "log key too long", Bare: true, Codes: []string{"log-unreadable"}, Verdict: "incomplete", Build: func(_ *Trail, c *TrailChain) {
			c.Digest(c.Start.Add(time.Hour), []any{LogEntry(c.Bucket, strings.Repeat("x", 1025), nil, c.Start)})
			c.Start = c.Start.Add(time.Hour)
			c.Hours(5, 1)
		}},
		{Name: "log forged and slipped in", Codes: []string{"log-unreferenced"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			t.Objects[c.Bucket+"/"+c.LogKey(TrailStart.Add(150*time.Minute), "FORGEDforged0001")] = forgedLog()
		}},
		{Name: "log forged in a folder of another day", Codes: []string{"log-unreferenced"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			key := c.LogKey(TrailStart.Add(150*time.Minute), "FORGEDforged0001")
			t.Objects[c.Bucket+"/"+strings.Replace(key, "2026/03/01", "2026/02/28", 1)] = forgedLog()
		}},
		{Name: "log copied under another name", Codes: []string{"log-unreferenced"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			t.Objects[c.Bucket+"/"+c.LogKey(TrailStart.Add(90*time.Minute), "COPYcopy00000001")] = t.Objects[c.Logs[1][0]]
		}},
		{Name: "log renamed", Codes: []string{"log-missing", "log-unreferenced"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			t.Objects[c.Bucket+"/"+c.LogKey(TrailStart.Add(90*time.Minute), "MOVEDmoved000001")] = t.Objects[c.Logs[1][0]]
			remove(t, c.Logs[1][0])
		}},
	}
}
