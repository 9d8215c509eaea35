// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// The targets of this package are CT-64: no decoder panics, and what one accepts
// comes out of its other half as it went in, or as encoding/json reads it.

// FuzzNames: a key that is accepted is given back as it was.
func FuzzNames(f *testing.F) {
	for _, tc := range digestNames {
		f.Add(tc.key)
	}
	for _, tc := range logNames {
		f.Add(tc.key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if n, err := cloudtrail.ParseDigestName(key); err == nil {
			require.Equal(t, key, n.String())
		}
		if n, err := cloudtrail.ParseLogName(key); err == nil {
			require.Equal(t, key, n.String())
		}
	})
}

// FuzzDigest: what is accepted is what encoding/json reads too.
func FuzzDigest(f *testing.F) {
	trail, c := plainTrail()
	for _, path := range c.Digests {
		f.Add(testkit.Gunzip(trail.Objects[path]))
	}
	f.Add([]byte(`{"logFiles":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := cloudtrail.ParseDigest(data, cloudtrail.Limits{DigestInflated: 1 << 20})
		if err != nil {
			require.ErrorIs(t, err, cloudtrail.ErrDigest)
			return
		}
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &want))
		text := func(name string) (s string) {
			require.NoError(t, json.Unmarshal(want[name], &s))
			return s
		}
		require.Equal(t, text("awsAccountId"), d.Account)
		require.Equal(t, text("digestS3Bucket"), d.Bucket)
		require.Equal(t, text("digestS3Object"), d.Object)
		require.Equal(t, text("digestStartTime"), d.Start.Format("2006-01-02T15:04:05Z"))
		signed := strings.Split(d.StringToSign(sha256.Sum256(data)), "\n")
		require.Equal(t, text("digestEndTime"), signed[0])
		require.Equal(t, d.HasLogs, string(want["logFiles"]) != "null")
		require.Equal(t, d.Previous == nil, string(want["previousDigestSignature"]) == "null")
	})
}

// FuzzKeys: what is accepted is written and read back equal.
func FuzzKeys(f *testing.F) {
	trail, _ := plainTrail()
	f.Add(trail.KeysJSON("us-east-1"))
	f.Add([]byte(`{"PublicKeyList":[{"Value":"AAAA","Fingerprint":"x","ValidityEndTime":"2026-01-01"}]}`))
	f.Add([]byte(`{"PublicKeyList":[{"ValidityStartTime":"1969-12-31T23:59:59Z","ValidityEndTime":"9999-12-31T23:59:59Z"}]}`))
	f.Add(bytes.Replace(trail.KeysJSON("us-east-1"), []byte(`"ValidityStartTime":`), []byte(`"ValidityStartTime":-`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := cloudtrail.ParseKeys(data)
		if err != nil {
			require.ErrorIs(t, err, cloudtrail.ErrKeys)
			return
		}
		for _, k := range keys {
			if k.Usable() == nil {
				require.Equal(t, testkit.Fingerprint(k.Value), k.Fingerprint)
			}
		}
		data, err = cloudtrail.MarshalKeys(keys)
		if err != nil {
			require.ErrorIs(t, err, cloudtrail.ErrKeys)
			return
		}
		again, err := cloudtrail.ParseKeys(data)
		if errors.Is(err, cloudtrail.ErrLimit) {
			return // it takes a little more room
		}
		require.NoError(t, err)
		require.Len(t, again, len(keys))
		for i, k := range keys {
			require.Equal(t, k.Usable() == nil, again[i].Usable() == nil)
			require.True(t, bytes.Equal(k.Value, again[i].Value))
			require.Equal(t, k.Fingerprint, again[i].Fingerprint)
			require.WithinDuration(t, k.NotBefore, again[i].NotBefore, time.Millisecond)
			require.WithinDuration(t, k.NotAfter, again[i].NotAfter, time.Millisecond)
		}
	})
}

// FuzzCheckpoint: what is accepted is written and read back equal.
func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte(`{"version":1,"chains":[]}`))
	f.Add([]byte(`{"version":1,"chains":[{"account":"111122223333","region":"us-east-1","trail":"main","home":"us-east-1","backfill":false,"digest":"s3://b/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/111122223333_CloudTrail-Digest_us-east-1_main_us-east-1_20260301T011352Z.json.gz","end":"2026-03-01T01:13:52Z","sha256":"00","signature":"00"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := cloudtrail.ParseCheckpoint(data)
		if err != nil {
			require.ErrorIs(t, err, cloudtrail.ErrCheckpoint)
			return
		}
		out, err := json.Marshal(c)
		require.NoError(t, err)
		again, err := cloudtrail.ParseCheckpoint(out)
		require.NoError(t, err)
		require.Len(t, again.Chains, len(c.Chains))
		for i := range c.Chains {
			require.True(t, c.Chains[i].End.Equal(again.Chains[i].End))
			again.Chains[i].End = c.Chains[i].End
			require.Equal(t, c.Chains[i], again.Chains[i])
		}
	})
}

// FuzzSidecar: no bytes beside a digest are more than metadata or nothing.
func FuzzSidecar(f *testing.F) {
	f.Add([]byte(`{"metadata":{"signature":"00","signature-algorithm":"SHA256withRSA"},"contentType":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		const name = "b/x/CloudTrail-Digest/d.json.gz"
		d := cloudtrail.Directory{FS: fstest.MapFS{name: {}, name + ".meta.json": {Data: data}}}
		o, err := d.Open(t.Context(), "b", name[2:])
		if err != nil {
			require.ErrorIs(t, err, cloudtrail.ErrLimit)
			return
		}
		if o.Metadata != nil {
			// By way of a map: a struct's field also takes "METADATA".
			var members map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(data, &members))
			want := map[string]string{}
			if raw, ok := members["metadata"]; ok {
				require.NoError(t, json.Unmarshal(raw, &want))
			}
			require.Equal(t, want, o.Metadata)
		}
	})
}

// FuzzLog compares the classification of a stored log file with an obvious one.
func FuzzLog(f *testing.F) {
	text := []byte(`{"Records":[]}`)
	body := testkit.Gzip(text)
	for _, seed := range [][]byte{
		{},
		{0x1f},
		{0x1f, 0x8b},
		text, body, body[:len(body)-1], body[:len(body)-8], append(bytes.Clone(body), 0),
		append(bytes.Clone(body), body...), testkit.Gzip(nil), testkit.Gzip(bytes.Repeat([]byte("a"), 100_000)),
	} {
		f.Add(seed)
	}
	trail, c := plainTrail()
	f.Fuzz(func(t *testing.T, stored []byte) {
		tree := trail.FS()
		tree[c.Logs[1][0]] = &fstest.MapFile{Data: stored}
		rep := validate(t, tree, func(v *cloudtrail.Validator) {
			v.Workers, v.From, v.To = 1, testkit.TrailStart.Add(90*60e9), testkit.TrailStart.Add(90*60e9)
		})
		require.Equal(t, []string{obvious(stored)}, codes(rep))
	})
}

// obvious classifies by reading everything at once.
func obvious(stored []byte) string {
	if len(stored) >= 2 && !bytes.HasPrefix(stored, []byte{0x1f, 0x8b}) {
		return "log-not-gzip"
	}
	if len(stored) > 3 && stored[3]&0xe0 != 0 {
		return "log-invalid"
	}
	r := bytes.NewReader(stored)
	z, err := gzip.NewReader(r)
	if err != nil {
		return "log-invalid"
	}
	z.Multistream(false)
	if _, err := io.ReadAll(z); err != nil {
		return "log-invalid"
	}
	if r.Len() > 0 {
		return "log-trailing-data"
	}
	return "log-hash-mismatch"
}
