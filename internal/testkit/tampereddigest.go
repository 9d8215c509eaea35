// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"encoding/json"
	"slices"
	"strings"
)

func digestCase(name, verdict string, f func(t *Trail, path string), codes ...string) TrailCase {
	return TrailCase{Name: name, Codes: codes, Verdict: verdict, Build: func(t *Trail, c *TrailChain) { f(t, c.Digests[2]) }}
}

func tamperedDigests() []TrailCase {
	return slices.Concat(changedDigests(), changedSignatures(), signedDigests(), movedDigests(), membersMissing(), keyCases())
}

// changedDigests are digests whose bytes are not those that were signed.
func changedDigests() []TrailCase {
	return []TrailCase{
		digestCase("digest replaced by text", "tampered", editObject(func([]byte) []byte { return []byte("gone") }), "digest-invalid"),
		digestCase("digest stored without gzip", "tampered", func(t *Trail, p string) { t.Objects[p] = Gunzip(t.Objects[p]) }, "digest-invalid"),
		digestCase("digest empty", "tampered", editObject(func([]byte) []byte { return nil }), "digest-invalid"),
		digestCase("digest truncated", "tampered", editObject(func(b []byte) []byte { return b[:len(b)/2] }), "digest-invalid"),
		digestCase("digest CRC wrong", "tampered", editObject(func(b []byte) []byte { b[len(b)-6] ^= 4; return b }), "digest-invalid"),
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
		digestCase("digest with a second gzip member", "tampered", editObject(func(b []byte) []byte { return append(b, Gzip([]byte("{}"))...) }), "digest-trailing-data"),
		digestCase("digest with a byte behind", "tampered", editObject(func(b []byte) []byte { return append(b, 0) }), "digest-trailing-data"),
		digestCase("digest with a byte behind and another signature", "tampered", func(t *Trail, p string) {
			t.Objects[p] = append(t.Objects[p], 0)
			t.Meta[p]["signature"] = strings.Repeat("ab", 256)
		}, "digest-bad-signature"),
	}
}

// changedSignatures are digests whose metadata, with the signature, is another.
func changedSignatures() []TrailCase {
	meta := func(f func(m map[string]string)) func(*Trail, string) {
		return func(t *Trail, path string) { f(t.Meta[path]) }
	}
	return []TrailCase{
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
	}
}

func drop(member string) func(map[string]any) {
	return func(m map[string]any) { delete(m, member) }
}

// signedDigests are digests that CloudTrail's key signed as they are.
func signedDigests() []TrailCase {
	set := func(member string, v any) func(map[string]any) { return func(m map[string]any) { m[member] = v } }
	return []TrailCase{
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
	}
}

// movedDigests are digests under another name, and one that has not its own.
func movedDigests() []TrailCase {
	return []TrailCase{
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
}

// membersMissing are digests without one member each.
func membersMissing() []TrailCase {
	var cases []TrailCase
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
	return cases
}
