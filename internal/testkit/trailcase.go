// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"strings"
	"time"
)

// TrailCase is a trail, good or tampered with, and what a validator has to say
// of it.
type TrailCase struct {
	Name    string
	Build   func(t *Trail, c *TrailChain) // c has written six hours unless Bare
	Bare    bool                          // c is empty
	Codes   []string                      // sorted; the exact multiset
	Verdict string

	From, To, Expect time.Time // To zero means TrailStart + 7 h, which is in the tail's hour
	NoTo             bool      // no end is given
	Account, Trail   string    // filters
	Offline          bool      // has no meaning for a trail in S3
}

// Make builds the trail of a case.
func (tc *TrailCase) Make() *Trail {
	t := NewTrail()
	t.AddKey("us-east-1", TrailKeys[0]())
	c := t.Chain()
	if !tc.Bare {
		c.Hours(3, 3)
		c.Hour(0)
		c.Hours(2, 3)
	}
	tc.Build(t, c)
	return t
}

// Until is the end of the request, zero for none.
func (tc *TrailCase) Until() time.Time {
	if tc.NoTo {
		return time.Time{}
	}
	if tc.To.IsZero() {
		return time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	}
	return tc.To
}

func nothing(*Trail, *TrailChain) {}

// rewrite changes the uncompressed text of an object.
func rewrite(t *Trail, path string, f func([]byte) []byte) {
	t.Objects[path] = Gzip(f(Gunzip(t.Objects[path])))
}

func remove(t *Trail, paths ...string) {
	for _, p := range paths {
		delete(t.Objects, p)
		delete(t.Meta, p)
	}
}

// sibling begins another chain and lets change write it.
func (c *TrailChain) sibling(change func(*TrailChain)) *TrailChain {
	d := c.Trail.Chain()
	change(d)
	return d
}

func replace(old, text string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(text), 1) }
}

// GoodTrails are those in which nothing is wrong but what the codes name.
func GoodTrails() []TrailCase {
	hour := func(n int) time.Time { return TrailStart.Add(time.Duration(n) * time.Hour) }
	return []TrailCase{
		{Name: "plain", Build: nothing, Verdict: "valid"},
		{Name: "no end given", Build: nothing, NoTo: true, Verdict: "valid"},
		{Name: "prefix", Bare: true, Build: func(_ *Trail, c *TrailChain) { c.Prefix = "team/audit"; c.Hours(6, 2) }, Verdict: "valid"},
		{Name: "organization", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Org = "o-exampleorgid"
			c.Hours(6, 2)
			c.sibling(func(d *TrailChain) { d.Org, d.Account = "o-exampleorgid", "444455556666"; d.Hours(6, 1) })
		}, Verdict: "valid"},
		{Name: "two regions", Build: func(t *Trail, c *TrailChain) {
			t.AddKey("eu-west-1", TrailKeys[1]())
			c.sibling(func(d *TrailChain) { d.Region, d.Key = "eu-west-1", TrailKeys[1](); d.Hours(6, 2) })
		}, Verdict: "valid"},
		{Name: "key rotation", Bare: true, Build: func(t *Trail, c *TrailChain) {
			c.Hours(3, 2)
			c.Key = TrailKeys[1]()
			t.AddKey("us-east-1", c.Key)
			c.Hours(3, 2)
		}, Verdict: "valid"},
		{Name: "key as SubjectPublicKeyInfo", Bare: true, Build: func(t *Trail, c *TrailChain) {
			der, _ := x509.MarshalPKIXPublicKey(&c.Key.PublicKey) // of a key just made
			t.Keys["us-east-1"] = []TrailKey{{Value: der, Fingerprint: Fingerprint(der)}}
			for range 6 {
				c.Edit = func(m map[string]any) { m["digestPublicKeyFingerprint"] = Fingerprint(der) }
				c.Hour(1)
			}
		}, Verdict: "valid"},
		{Name: "empty hours", Bare: true, Build: func(_ *Trail, c *TrailChain) { c.Hours(6, 0) }, Verdict: "valid"},
		{Name: "logFiles null", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Hours(3, 1)
			c.Edit = func(m map[string]any) { m["logFiles"] = nil }
			c.Hour(0)
			c.Hours(2, 1)
		}, Verdict: "valid"},
		{Name: "backfill", Build: func(_ *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) { d.Backfill = true; d.Hours(3, 1) })
		}, Verdict: "valid"},
		{Name: "backfill with hours between", Build: func(_ *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Backfill = true
				d.Hour(1)
				d.Start = d.Start.Add(2 * time.Hour)
				d.Hour(1)
			})
		}, Verdict: "valid"},
		{Name: "bucket change", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Hours(3, 2)
			c.Bucket = "new-logs"
			c.Hours(3, 2)
		}, Verdict: "valid"},
		{Name: "log compressed again", Build: func(t *Trail, c *TrailChain) {
			rewrite(t, c.Logs[1][0], func(b []byte) []byte { return b })
			t.Objects[c.Logs[1][1]][9] = 7 // another operating system
		}, Verdict: "valid"},
		{Name: "two trails in a bucket", Build: func(_ *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) { d.Name = "second_trail"; d.Hours(6, 2) })
		}, Verdict: "valid"},
		{Name: "two trails, one checked", Trail: "main", Build: func(_ *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) { d.Name = "second_trail"; d.Hours(6, 2) })
		}, Verdict: "valid"},
		{Name: "partial range", From: hour(2), To: hour(4), Build: nothing, Verdict: "valid"},
		{Name: "older digests expired", From: hour(3).Add(-10 * time.Minute), Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[0], c.Digests[1])
		}, Verdict: "valid"},
		{Name: "upper case hex", Bare: true, Build: func(t *Trail, c *TrailChain) {
			c.Hours(2, 1)
			c.Edit = func(m map[string]any) {
				for _, name := range []string{"previousDigestHashValue"} {
					m[name] = strings.ToUpper(m[name].(string))
				}
				e := m["logFiles"].([]any)[0].(map[string]any)
				e["hashValue"] = strings.ToUpper(e["hashValue"].(string))
			}
			c.Hours(4, 1)
			t.Meta[c.Digests[5]]["signature"] = strings.ToUpper(t.Meta[c.Digests[5]]["signature"])
		}, Verdict: "valid"},
		{Name: "gap", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Hours(2, 1)
			c.Restart(hour(4))
			c.Hours(2, 1)
		}, Codes: []string{"gap-info"}, Verdict: "valid"},
		{Name: "log listed twice", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Hours(3, 1)
			c.Edit = func(m map[string]any) {
				e := m["logFiles"].([]any)
				m["logFiles"] = append(e, e[0])
			}
			c.Hours(3, 1)
		}, Verdict: "valid"},
	}
}

// smallKey returns a public key of too few bits.
func smallKey(bits uint) *rsa.PublicKey {
	key := TrailKeys[0]().PublicKey
	n := new(big.Int).Rsh(key.N, 2048-bits)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: key.E}
}

// TamperedTrails are trails with one thing wrong each.
func TamperedTrails() []TrailCase {
	return append(append(tamperedLogs(), tamperedDigests()...), tamperedChains()...)
}

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

func tamperedLogs() []TrailCase {
	edit := func(f func([]byte) []byte) func(*Trail, string) {
		return func(t *Trail, path string) { t.Objects[path] = f(bytes.Clone(t.Objects[path])) }
	}
	forged := Gzip([]byte(`{"Records":[{"eventName":"Forged"}]}`))
	return []TrailCase{
		logCase("log content changed", "log-hash-mismatch", func(t *Trail, p string) { rewrite(t, p, replace("GetObject", "PutObject")) }),
		logCase("log event removed", "log-hash-mismatch", func(t *Trail, p string) { rewrite(t, p, func([]byte) []byte { return []byte(`{"Records":[]}`) }) }),
		logCase("log with white space behind", "log-hash-mismatch", func(t *Trail, p string) { rewrite(t, p, func(b []byte) []byte { return append(b, '\n') }) }),
		logCase("log of another hour in its place", "log-hash-mismatch", func(t *Trail, p string) {
			t.Objects[p] = Gzip([]byte(`{"Records":[{"eventName":"Other"}]}`))
		}),
		logCase("log truncated in the data", "log-invalid", edit(func(b []byte) []byte { return b[:len(b)/2] })),
		logCase("log truncated in the header", "log-invalid", edit(func(b []byte) []byte { return b[:6] })),
		logCase("log without trailer", "log-invalid", edit(func(b []byte) []byte { return b[:len(b)-8] })),
		logCase("log with half a trailer", "log-invalid", edit(func(b []byte) []byte { return b[:len(b)-4] })),
		logCase("log empty", "log-invalid", edit(func([]byte) []byte { return []byte{} })),
		logCase("log of one byte", "log-invalid", edit(func([]byte) []byte { return []byte{0x1f} })),
		logCase("log CRC wrong", "log-invalid", edit(func(b []byte) []byte { b[len(b)-8] ^= 1; return b })),
		logCase("log length wrong", "log-invalid", edit(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })),
		logCase("log compression method wrong", "log-invalid", edit(func(b []byte) []byte { b[2] = 7; return b })),
		logCase("log reserved header flag", "log-invalid", edit(func(b []byte) []byte { b[3] |= 0x80; return b })),
		logCase("log stored without gzip", "log-not-gzip", func(t *Trail, p string) { t.Objects[p] = Gunzip(t.Objects[p]) }),
		logCase("log replaced by text", "log-not-gzip", func(t *Trail, p string) { t.Objects[p] = []byte("gone") }),
		logCase("log with a second gzip member", "log-trailing-data", edit(func(b []byte) []byte { return append(b, forged...) })),
		logCase("log with a zero byte behind", "log-trailing-data", edit(func(b []byte) []byte { return append(b, 0) })),
		logCase("log with text behind", "log-trailing-data", edit(func(b []byte) []byte { return append(b, `{"Records":[]}`...) })),
		logCase("log deleted", "log-missing", func(t *Trail, p string) { remove(t, p) }),
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
			t.Objects[c.Bucket+"/"+c.LogKey(TrailStart.Add(150*time.Minute), "FORGEDforged0001")] = forged
		}},
		{Name: "log forged in a folder of another day", Codes: []string{"log-unreferenced"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			key := c.LogKey(TrailStart.Add(150*time.Minute), "FORGEDforged0001")
			t.Objects[c.Bucket+"/"+strings.Replace(key, "2026/03/01", "2026/02/28", 1)] = forged
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

// signedEdit is a case in which CloudTrail's own key signed an odd digest.
func signedEdit(name, verdict string, edit func(m map[string]any), codes ...string) TrailCase {
	return TrailCase{Name: name, Bare: true, Codes: codes, Verdict: verdict, Build: func(_ *Trail, c *TrailChain) {
		c.Hours(3, 1)
		c.Edit = edit
		c.Hour(1)
		c.Hours(2, 1)
	}}
}

func digestCase(name, verdict string, f func(t *Trail, path string), codes ...string) TrailCase {
	return TrailCase{Name: name, Codes: codes, Verdict: verdict, Build: func(t *Trail, c *TrailChain) { f(t, c.Digests[2]) }}
}

func tamperedDigests() []TrailCase {
	edit := func(f func([]byte) []byte) func(*Trail, string) {
		return func(t *Trail, path string) { t.Objects[path] = f(bytes.Clone(t.Objects[path])) }
	}
	meta := func(f func(m map[string]string)) func(*Trail, string) {
		return func(t *Trail, path string) { f(t.Meta[path]) }
	}
	drop := func(member string) func(map[string]any) { return func(m map[string]any) { delete(m, member) } }
	set := func(member string, v any) func(map[string]any) { return func(m map[string]any) { m[member] = v } }
	cases := []TrailCase{
		digestCase("digest replaced by text", "tampered", edit(func([]byte) []byte { return []byte("gone") }), "digest-invalid"),
		digestCase("digest stored without gzip", "tampered", func(t *Trail, p string) { t.Objects[p] = Gunzip(t.Objects[p]) }, "digest-invalid"),
		digestCase("digest empty", "tampered", edit(func([]byte) []byte { return nil }), "digest-invalid"),
		digestCase("digest truncated", "tampered", edit(func(b []byte) []byte { return b[:len(b)/2] }), "digest-invalid"),
		digestCase("digest CRC wrong", "tampered", edit(func(b []byte) []byte { b[len(b)-6] ^= 4; return b }), "digest-invalid"),
		digestCase("digest of two JSON values", "tampered", func(t *Trail, p string) { rewrite(t, p, func(b []byte) []byte { return append(b, "{}"...) }) }, "digest-invalid"),
		digestCase("digest with a member twice", "tampered", func(t *Trail, p string) { rewrite(t, p, replace("{", `{"logFiles":[],`)) }, "digest-invalid"),
		digestCase("digest not UTF-8", "tampered", func(t *Trail, p string) { rewrite(t, p, replace("{", "{\"x\":\"\xff\",")) }, "digest-invalid"),
		digestCase("digest nested deeply", "incomplete", func(t *Trail, p string) {
			rewrite(t, p, replace("{", `{"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`,`))
		}, "digest-unreadable"),
		digestCase("digest entry removed", "tampered", func(t *Trail, p string) {
			rewrite(t, p, func(b []byte) []byte {
				var m map[string]any
				_ = json.Unmarshal(b, &m) // it is one of ours
				m["logFiles"] = m["logFiles"].([]any)[1:]
				b, _ = json.Marshal(m)
				return b
			})
		}, "digest-bad-signature"),
		digestCase("digest with a space more", "tampered", func(t *Trail, p string) { rewrite(t, p, replace("{", "{ ")) }, "digest-bad-signature"),
		digestCase("digest with a second gzip member", "tampered", edit(func(b []byte) []byte { return append(b, Gzip([]byte("{}"))...) }), "digest-trailing-data"),
		digestCase("digest with a byte behind", "tampered", edit(func(b []byte) []byte { return append(b, 0) }), "digest-trailing-data"),
		digestCase("digest with a byte behind and another signature", "tampered", func(t *Trail, p string) {
			t.Objects[p] = append(t.Objects[p], 0)
			t.Meta[p]["signature"] = strings.Repeat("ab", 256)
		}, "digest-bad-signature"),
		digestCase("signature of another digest", "tampered", func(t *Trail, p string) {
			for other, m := range t.Meta {
				if other != p {
					t.Meta[p]["signature"] = m["signature"]
				}
			}
		}, "digest-bad-signature"),
		digestCase("signature short", "tampered", meta(func(m map[string]string) { m["signature"] = m["signature"][:510] }), "digest-bad-signature"),
		digestCase("signature long", "tampered", meta(func(m map[string]string) { m["signature"] += "00" }), "digest-bad-signature"),
		digestCase("signature of odd length", "tampered", meta(func(m map[string]string) { m["signature"] = m["signature"][1:] }), "digest-bad-signature"),
		digestCase("signature not hex", "tampered", meta(func(m map[string]string) { m["signature"] = "zz" + m["signature"][2:] }), "digest-bad-signature"),
		digestCase("signature removed", "incomplete", meta(func(m map[string]string) { delete(m, "signature") }), "digest-no-signature"),
		digestCase("signature algorithm removed", "incomplete", meta(func(m map[string]string) { delete(m, "signature-algorithm") }), "digest-no-signature"),
		digestCase("metadata removed", "incomplete", func(t *Trail, p string) { delete(t.Meta, p) }, "digest-no-signature"),
		digestCase("signature algorithm exchanged", "tampered", meta(func(m map[string]string) { m["signature-algorithm"] = "MD5withRSA" }), "digest-unsupported-algorithm"),
		digestCase("signature metadata too long", "incomplete", meta(func(m map[string]string) { m["signature"] = strings.Repeat("ab", 1025) }), "digest-unreadable"),
		signedEdit("digest of another account", "tampered", set("awsAccountId", "999999999999"), "digest-wrong-account"),
		signedEdit("digest with the time of another", "tampered", set("digestEndTime", "2026-03-01T04:13:53Z"), "digest-time-mismatch"),
		signedEdit("digest that ends before it starts", "tampered", set("digestStartTime", "2026-03-01T05:00:00Z"), "digest-time-mismatch"),
		signedEdit("digest that lies elsewhere", "tampered", set("digestS3Bucket", "other"), "digest-moved"),
		signedEdit("digest without its signature algorithm", "tampered", drop("digestSignatureAlgorithm"), "digest-unsupported-algorithm"),
		signedEdit("digest with SHA-1", "tampered", set("digestSignatureAlgorithm", "SHA1withRSA"), "digest-unsupported-algorithm"),
		signedEdit("previous hash of another algorithm", "tampered", set("previousDigestHashAlgorithm", "MD5"), "digest-unsupported-algorithm"),
		signedEdit("log hash of another algorithm", "tampered", func(m map[string]any) {
			m["logFiles"].([]any)[0].(map[string]any)["hashAlgorithm"] = "SHA-1"
		}, "digest-unsupported-algorithm"),
		signedEdit("log hash without algorithm", "tampered", func(m map[string]any) {
			delete(m["logFiles"].([]any)[0].(map[string]any), "hashAlgorithm")
		}, "digest-unsupported-algorithm"),
		signedEdit("log entry without hash", "tampered", func(m map[string]any) {
			delete(m["logFiles"].([]any)[0].(map[string]any), "hashValue")
		}, "digest-invalid"),
		signedEdit("log entry with a number for its hash", "tampered", func(m map[string]any) {
			m["logFiles"].([]any)[0].(map[string]any)["hashValue"] = 1
		}, "digest-invalid"),
		signedEdit("previous members half null", "tampered", set("previousDigestHashValue", nil), "digest-invalid"),
		signedEdit("digest time with an offset", "tampered", set("digestStartTime", "2026-03-01T03:13:52+00:00"), "digest-invalid"),
		signedEdit("event time that is none", "tampered", set("newestEventTime", "yesterday"), "digest-invalid"),
		digestCase("digest copied to a later hour", "tampered", func(t *Trail, p string) {
			later := strings.Replace(p, "T031352Z", "T033000Z", 1)
			t.Objects[later], t.Meta[later] = t.Objects[p], t.Meta[p]
		}, "digest-moved"),
		digestCase("digest moved to another bucket", "tampered", func(t *Trail, p string) {
			other := strings.Replace(p, "trail-logs/", "copy/", 1)
			t.Objects[other], t.Meta[other] = t.Objects[p], t.Meta[p]
			remove(t, p)
		}, "digest-moved"),
		{Name: "backfill digest without its time", Codes: []string{"digest-invalid"}, Verdict: "tampered", Build: func(_ *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Backfill = true
				d.EditMeta = func(m map[string]string) { delete(m, "backfill-generation-timestamp") }
				d.Hour(1)
				d.Hour(1)
			})
		}},
	}
	for _, member := range []string{
		"awsAccountId", "digestStartTime", "digestEndTime", "digestS3Bucket", "digestS3Object",
		"digestPublicKeyFingerprint", "previousDigestSignature", "logFiles",
	} {
		if member != "digestEndTime" && member != "digestS3Bucket" && member != "digestS3Object" {
			cases = append(cases, signedEdit("digest without "+member, "tampered", drop(member), "digest-invalid"))
			continue
		}
		// These are in the text that is signed.
		cases = append(cases, digestCase("digest without "+member, "tampered", func(t *Trail, p string) {
			rewrite(t, p, replace(`"`+member+`"`, `"not-`+member+`"`))
		}, "digest-invalid"))
	}
	return append(cases, keyCases()...)
}

func keyCases() []TrailCase {
	six := func(code string) []string { return []string{code, code, code, code, code, code} }
	keys := func(f func(k *TrailKey)) func(*Trail, *TrailChain) {
		return func(t *Trail, _ *TrailChain) { f(&t.Keys["us-east-1"][0]) }
	}
	return []TrailCase{
		{Name: "digest by a key nobody lists", Bare: true, Codes: []string{"digest-unknown-key"}, Verdict: "tampered", Build: func(_ *Trail, c *TrailChain) {
			c.Hours(3, 1)
			c.Key = TrailKeys[1]()
			c.Hour(1)
			c.Key = TrailKeys[0]()
			c.Hours(2, 1)
		}},
		{Name: "no keys", Codes: six("digest-unknown-key"), Verdict: "error", Build: func(t *Trail, _ *TrailChain) { delete(t.Keys, "us-east-1") }},
		{Name: "keys of another region", Codes: six("digest-unknown-key"), Verdict: "error", Build: func(t *Trail, _ *TrailChain) {
			t.Keys["eu-west-1"] = t.Keys["us-east-1"]
			delete(t.Keys, "us-east-1")
		}},
		{Name: "keys of another month", Codes: six("digest-unknown-key"), Verdict: "error", Build: func(t *Trail, _ *TrailChain) {
			t.Keys["us-east-1"] = nil
			t.AddKey("us-east-1", TrailKeys[1]())
			k := &t.Keys["us-east-1"][0]
			k.NotBefore, k.NotAfter = k.NotBefore.AddDate(0, 2, 0), k.NotAfter.AddDate(0, 2, 0)
		}},
		{Name: "key valid later", Codes: six("key-window"), Verdict: "tampered", Build: keys(func(k *TrailKey) {
			k.NotBefore, k.NotAfter = k.NotBefore.AddDate(0, 2, 0), k.NotAfter.AddDate(0, 2, 0)
		})},
		{Name: "key valid earlier", Codes: six("key-window"), Verdict: "tampered", Build: keys(func(k *TrailKey) { k.NotAfter = TrailStart.Add(-time.Second) })},
		{Name: "key with another fingerprint", Codes: six("key-unusable"), Verdict: "error", Build: keys(func(k *TrailKey) { k.Value = append(k.Value, 0) })},
		{Name: "two keys of one fingerprint", Codes: six("key-unusable"), Verdict: "error", Build: func(t *Trail, _ *TrailChain) {
			other := t.Keys["us-east-1"][0]
			other.Value = x509.MarshalPKCS1PublicKey(&TrailKeys[1]().PublicKey)
			t.Keys["us-east-1"] = append(t.Keys["us-east-1"], other)
		}},
		{Name: "key too small", Bare: true, Codes: six("key-unusable"), Verdict: "error", Build: func(t *Trail, c *TrailChain) {
			der := x509.MarshalPKCS1PublicKey(smallKey(1024))
			t.Keys["us-east-1"] = []TrailKey{{Value: der, Fingerprint: Fingerprint(der)}}
			for range 6 {
				c.Edit = func(m map[string]any) { m["digestPublicKeyFingerprint"] = Fingerprint(der) }
				c.Hour(1)
			}
		}},
	}
}

func tamperedChains() []TrailCase {
	hour := func(n int) time.Time { return TrailStart.Add(time.Duration(n) * time.Hour) }
	return []TrailCase{
		{Name: "digest deleted", Codes: []string{"digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests[2]) }},
		{Name: "two digests deleted", Codes: []string{"digest-missing", "digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[2], c.Digests[3])
		}},
		{Name: "four digests deleted", Codes: []string{"digest-missing", "digest-missing", "digest-missing", "digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[1], c.Digests[2], c.Digests[3], c.Digests[4])
		}},
		{Name: "digests deleted with their logs", Codes: []string{"digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[2])
			remove(t, c.Logs[2]...)
		}},
		{Name: "oldest digest deleted", From: TrailStart, Codes: []string{"digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests[0]) }},
		{Name: "oldest digest deleted, no start given", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests[0]) }, Verdict: "valid"},
		{Name: "digest damaged below a deleted one", Codes: []string{"digest-invalid", "digest-missing"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			t.Objects[c.Digests[1]] = []byte("junk")
			remove(t, c.Digests[2])
		}},
		{Name: "digest damaged above a deleted one", Codes: []string{"coverage-hole", "digest-invalid"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			t.Objects[c.Digests[3]] = []byte("junk")
			remove(t, c.Digests[2])
		}},
		{Name: "junk between two digests", Codes: []string{"digest-invalid"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			p := c.Bucket + "/" + c.DigestKey(hour(2).Add(time.Minute))
			t.Objects[p] = []byte("junk")
		}},
		{Name: "newest digest deleted", To: hour(8), Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests[5]) }},
		{Name: "newest digests and logs deleted", Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[4], c.Digests[5])
			remove(t, c.Logs[4]...)
			remove(t, c.Logs[5]...)
		}},
		{Name: "newest digests deleted, no end given", NoTo: true, Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[4], c.Digests[5])
			remove(t, c.Logs[4]...)
			remove(t, c.Logs[5]...)
		}, Verdict: "valid"},
		{Name: "newest digests deleted, expected", NoTo: true, Expect: hour(7), Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[4], c.Digests[5])
		}},
		{Name: "digests deleted at the end of the range", To: hour(4), Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[2], c.Digests[3], c.Digests[4])
		}},
		{Name: "everything deleted", Codes: []string{"no-digests"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { clear(t.Objects); clear(t.Meta) }},
		{Name: "all digests deleted", Codes: []string{"no-digests"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests...) }},
		{Name: "filter that matches nothing", Account: "000000000000", Codes: []string{"no-digests"}, Verdict: "incomplete", Build: nothing},
		{Name: "range before the trail", From: hour(-48), To: hour(-24), Codes: []string{"no-digests"}, Verdict: "incomplete", Build: nothing},
		{Name: "range that ends before it begins", From: hour(4), To: hour(2), Codes: []string{"usage-error"}, Verdict: "error", Build: nothing},
		signedEdit("previous hash of another digest", "tampered", func(m map[string]any) { m["previousDigestHashValue"] = strings.Repeat("0", 64) }, "chain-broken"),
		signedEdit("previous signature of another digest", "tampered", func(m map[string]any) { m["previousDigestSignature"] = strings.Repeat("0", 512) }, "chain-broken"),
		signedEdit("digest that begins in the hour before", "tampered", func(m map[string]any) { m["digestStartTime"] = "2026-03-01T03:00:00Z" }, "chain-broken"),
		signedEdit("digest that begins late", "incomplete", func(m map[string]any) { m["digestStartTime"] = "2026-03-01T03:13:53Z" }, "coverage-hole"),
		signedEdit("pointer to a log file", "tampered", func(m map[string]any) {
			m["previousDigestS3Object"] = m["logFiles"].([]any)[0].(map[string]any)["s3Object"]
		}, "chain-broken"),
		{Name: "pointer past a digest", Bare: true, Codes: []string{"chain-broken"}, Verdict: "tampered", Build: func(_ *Trail, c *TrailChain) {
			c.Hours(2, 1)
			saved := c.previous
			c.Hour(1)
			c.previous = saved
			c.Hours(3, 1)
		}},
		{Name: "pointer into a bucket that is not there", Bare: true, Codes: []string{"digest-unreadable"}, Verdict: "incomplete", From: TrailStart, Build: func(_ *Trail, c *TrailChain) {
			c.Edit = func(m map[string]any) {
				m["previousDigestS3Bucket"], m["previousDigestS3Object"] = "elsewhere", c.DigestKey(TrailStart)
				m["previousDigestHashValue"], m["previousDigestHashAlgorithm"] = strings.Repeat("0", 64), "SHA-256"
				m["previousDigestSignature"] = strings.Repeat("0", 512)
			}
			c.Hours(6, 1)
		}},
		{Name: "overlap", Bare: true, Codes: []string{"gap-overlap"}, Verdict: "incomplete", Build: func(_ *Trail, c *TrailChain) {
			c.Hours(3, 1)
			c.Restart(hour(3).Add(-30 * time.Minute))
			c.Hours(3, 0)
			c.Hour(0)
		}},
		{Name: "backfill digest deleted", Codes: []string{"digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Backfill = true
				d.Hours(3, 1)
				remove(t, d.Digests[1])
			})
		}},
		{Name: "newest backfill digest deleted", Codes: []string{"log-unreferenced"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Backfill = true
				d.Hours(3, 1)
				remove(t, d.Digests[2])
			})
		}},
		{Name: "backfill chain broken", Codes: []string{"chain-broken"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Backfill = true
				d.Hours(2, 1)
				d.previous.hash = strings.Repeat("0", 64)
				d.Hour(1)
			})
		}},
		{Name: "copy without metadata", Offline: true, Codes: []string{"digest-no-signature"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { clear(t.Meta) }},
		{Name: "copy without metadata, digest damaged", Offline: true, Codes: []string{"digest-invalid", "digest-no-signature", "digest-no-signature", "digest-no-signature"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			clear(t.Meta)
			t.Objects[c.Digests[2]] = []byte("junk")
		}},
		{Name: "copy without metadata, digest edited", Offline: true, Codes: []string{"digest-bad-signature", "digest-no-signature", "digest-no-signature", "digest-no-signature"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			clear(t.Meta)
			rewrite(t, c.Digests[2], replace("{", "{ "))
		}},
		{Name: "copy without metadata, range in the middle", Offline: true, From: hour(2), To: hour(3), Build: func(t *Trail, c *TrailChain) { clear(t.Meta) }, Verdict: "valid"},
		{Name: "tail of the second trail deleted", Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Name = "second_trail"
				d.Hours(6, 2)
				remove(t, d.Digests[4], d.Digests[5])
			})
		}},
	}
}
