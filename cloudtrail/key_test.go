// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestVectorsPublicKeys is CT-12: the four keys that AWS prints in its pages
// (cloudtrail-log-file-custom-validation and the CLI's list-public-keys) are
// read in either DER form, and their fingerprints are their MD5.
func TestVectorsPublicKeys(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testkit.Vectors(t, "cloudtrail"), "aws-public-keys.json"))
	require.NoError(t, err)
	keys, err := cloudtrail.ParseKeys(data)
	require.NoError(t, err)
	require.Len(t, keys, 4)
	for _, k := range keys {
		require.NoError(t, k.Usable(), k.Fingerprint)
		again := cloudtrail.NewPublicKey(k.Value, k.NotBefore, k.NotAfter)
		require.Equal(t, k.Fingerprint, again.Fingerprint)
		require.Equal(t, 30*24*time.Hour, k.NotAfter.Sub(k.NotBefore))
	}
	testkit.Report(t, "vectors", "cloudtrail", "-", len(keys))
}

// TestFIPSFingerprint: MD5 names keys and protects nothing, so keys are read
// where MD5 is not allowed as a protection.
func TestFIPSFingerprint(t *testing.T) {
	k := cloudtrail.NewPublicKey(nil, time.Time{}, time.Time{})
	require.Equal(t, "d41d8cd98f00b204e9800998ecf8427e", k.Fingerprint)
	require.ErrorIs(t, k.Usable(), cloudtrail.ErrKeys)
}

// TestFIPSTrail: a whole trail is checked in every mode of FIPS 140-3.
func TestFIPSTrail(t *testing.T) {
	tc := testkit.GoodTrails()[0]
	require.Equal(t, cloudtrail.Valid, validate(t, tc.Make().FS(), ofCase(&tc)).Verdict)
}

func keyList(members ...string) []byte {
	return []byte(`{"PublicKeyList":[{` + strings.Join(members, ",") + `}]}`)
}

// TestParseKeys is CT-11 and CT-12.
func TestParseKeys(t *testing.T) {
	trail, _ := plainTrail()
	key := trail.Keys["us-east-1"][0]
	value := `"Value":"` + base64.StdEncoding.EncodeToString(key.Value) + `"`
	print := `"Fingerprint":"` + key.Fingerprint + `"`
	day := time.Date(2026, 2, 26, 0, 0, 0, 0, time.UTC)
	even := append([]byte{}, key.Value...)
	even[len(even)-1] &^= 1
	for _, tc := range []struct {
		name   string
		data   []byte
		usable bool
		from   time.Time
	}{
		{"no window", keyList(value, print), true, time.Time{}},
		{"seconds", keyList(value, print, `"ValidityStartTime":1772064000`), true, day},
		{"seconds with a fraction", keyList(value, print, `"ValidityStartTime":1772064000.5`), true, day.Add(time.Second / 2)},
		{"seconds in a string", keyList(value, print, `"ValidityStartTime":"1772064000.0"`), true, day},
		{"ISO 8601", keyList(value, print, `"ValidityStartTime":"2026-02-26T00:00:00Z"`), true, day},
		{"ISO 8601 with an offset", keyList(value, print, `"ValidityStartTime":"2026-02-26T01:00:00+01:00"`), true, day},
		{"ISO 8601 without a zone", keyList(value, print, `"ValidityStartTime":"2026-02-26T00:00:00"`), true, day},
		{"upper case fingerprint", keyList(value, strings.ToUpper(print[:15])+print[15:]), false, time.Time{}},
		{"null window", keyList(value, print, `"ValidityStartTime":null`), true, time.Time{}},
		{"window that is no time", keyList(value, print, `"ValidityEndTime":"soon"`), false, time.Time{}},
		{"window that is an object", keyList(value, print, `"ValidityEndTime":{}`), false, time.Time{}},
		{"window below zero", keyList(value, print, `"ValidityEndTime":-1`), false, time.Time{}},
		{"other fingerprint", keyList(value, `"Fingerprint":"00"`), false, time.Time{}},
		{"no fingerprint", keyList(value), false, time.Time{}},
		{"not base64", keyList(`"Value":"*"`, print), false, time.Time{}},
		{"not DER", keyList(`"Value":"AAAA"`, `"Fingerprint":"`+testkit.Fingerprint([]byte{0, 0, 0})+`"`), false, time.Time{}},
		{"even exponent", keyList(`"Value":"`+base64.StdEncoding.EncodeToString(even)+`"`, `"Fingerprint":"`+testkit.Fingerprint(even)+`"`), false, time.Time{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			keys, err := cloudtrail.ParseKeys(tc.data)
			require.NoError(t, err)
			require.Len(t, keys, 1)
			if tc.usable {
				require.NoError(t, keys[0].Usable())
				require.True(t, tc.from.Equal(keys[0].NotBefore), keys[0].NotBefore)
			} else {
				require.ErrorIs(t, keys[0].Usable(), cloudtrail.ErrKeys)
			}
		})
	}
	many := strings.Repeat("{},", 10_000)
	for _, tc := range []struct {
		name, data string
		limit      bool
	}{
		{"empty", "", false},
		{"array", "[]", false},
		{"no list", "{}", false},
		{"list is null", `{"PublicKeyList":null}`, false},
		{"two lists", `{"PublicKeyList":[],"publicKeyList":[]}`, false},
		{"value is a number", `{"PublicKeyList":[{"Value":1}]}`, false},
		{"member twice", `{"PublicKeyList":[{"Value":"","Value":""}]}`, false},
		{"data behind", `{"PublicKeyList":[]} {}`, false},
		{"10,001 keys", `{"PublicKeyList":[` + many + `{}]}`, true},
		{"over 4 MiB", `{"PublicKeyList":[]` + strings.Repeat(" ", 4<<20) + `}`, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := cloudtrail.ParseKeys([]byte(tc.data))
			require.ErrorIs(t, err, cloudtrail.ErrKeys)
			if tc.limit {
				require.ErrorIs(t, err, cloudtrail.ErrLimit)
			}
		})
	}
	keys, err := cloudtrail.ParseKeys([]byte(`{"PublicKeyList":[` + strings.TrimSuffix(many, ",") + `]}`))
	require.NoError(t, err)
	require.Len(t, keys, 10_000)
}

// TestMarshalKeys: what it writes is read back.
func TestMarshalKeys(t *testing.T) {
	trail, _ := plainTrail()
	keys, err := cloudtrail.ParseKeys(trail.KeysJSON("us-east-1"))
	require.NoError(t, err)
	data, err := cloudtrail.MarshalKeys(keys)
	require.NoError(t, err)
	again, err := cloudtrail.ParseKeys(data)
	require.NoError(t, err)
	require.Equal(t, keys, again)
}

// TestKeyWindows is CT-14: at each edge of the window and a second past it.
func TestKeyWindows(t *testing.T) {
	first, last := testkit.TrailStart, testkit.TrailStart.Add(3*time.Hour) // the trail has digests of three hours
	zero := time.Time{}
	for i, tc := range []struct {
		from, to time.Time
		late     time.Duration
		bad      int
	}{
		{zero, zero, 0, 0},
		{zero, first, 0, 2}, // only the first digest's window begins so early
		{zero, first.Add(-time.Second), 0, 3},
		{first.Add(3 * time.Hour), zero, 0, 0}, // the first digest ends at 1 h, and may be signed until 3 h
		{first.Add(3*time.Hour + time.Second), zero, 0, 1},
		{last.Add(2 * time.Hour), zero, 0, 2},
		{last.Add(2*time.Hour + time.Second), zero, 0, 3},
		{last.Add(2*time.Hour + time.Second), zero, 5 * time.Hour, 0},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			trail, _ := plainTrail()
			trail.Keys["us-east-1"][0].NotBefore, trail.Keys["us-east-1"][0].NotAfter = tc.from, tc.to
			rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) { v.LateDelivery = tc.late })
			require.Len(t, rep.Findings, tc.bad)
			for _, f := range rep.Findings {
				require.Equal(t, cloudtrail.KeyWindow, f.Code)
			}
		})
	}
}

// TestBackfillKeyWindow: backfill digests are signed long after their hour, and
// the key has to be of that time.
func TestBackfillKeyWindow(t *testing.T) {
	generated := testkit.TrailStart.Add(31 * time.Hour) // by the generator
	for i, tc := range []struct {
		from, to time.Time
		code     []string
	}{
		{generated.Add(-time.Hour), generated.Add(time.Hour), nil},
		{generated.Add(time.Hour), time.Time{}, nil},
		{generated.Add(time.Hour + time.Second), time.Time{}, []string{"key-window"}},
		{time.Time{}, generated.Add(-time.Hour), nil},
		{time.Time{}, generated.Add(-time.Hour - time.Second), []string{"key-window"}},
		{time.Time{}, testkit.TrailStart.Add(2 * time.Hour), []string{"key-window"}},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			trail := testkit.NewTrail()
			trail.AddKey("us-east-1", testkit.TrailKeys[0]())
			trail.Keys["us-east-1"][0].NotBefore, trail.Keys["us-east-1"][0].NotAfter = tc.from, tc.to
			c := trail.Chain()
			c.Backfill = true
			c.Hour(1)
			require.Equal(t, tc.code, codes(validate(t, trail.FS(), nil)))
		})
	}
}

// TestBackfillTimestamp is CT-1: the time of generation is in ISO 8601, as the
// AWS CLI reads it, and no form of it makes a good digest look altered.
func TestBackfillTimestamp(t *testing.T) {
	made := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	for text, ok := range map[string]bool{
		"2026-03-05T12:00:00Z": true, "2026-03-05T12:00:00.123456Z": true, "2026-03-05T13:00:00+01:00": true, "2026-03-05T13:00:00.5+0100": true,
		"2026-03-05T12:00:00": true, "2026-03-05T12:00:00.123": true, "2026-03-05T12:00Z": true, "20260305T120000Z": true, "20260305T120000": true,
		"": false, "2026-03-05": false, "1772712000": false, "2026-02-30T12:00:00Z": false, "2026-03-05T12:00:00Zz": false,
	} {
		trail := testkit.NewTrail()
		trail.AddKey("us-east-1", testkit.TrailKeys[0]())
		trail.Keys["us-east-1"][0].NotBefore, trail.Keys["us-east-1"][0].NotAfter = made.Add(-time.Hour), made.Add(time.Hour)
		c := trail.Chain()
		c.Backfill = true
		c.EditMeta = func(m map[string]string) { m["backfill-generation-timestamp"] = text }
		c.Hour(1)
		var want []string
		if !ok {
			want = []string{"digest-invalid"}
		}
		require.Equal(t, want, codes(validate(t, trail.FS(), nil)), text)
	}
}

// TestKeysUnavailable: a key list that cannot be had counts as empty.
func TestKeysUnavailable(t *testing.T) {
	trail, _ := plainTrail()
	rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) { v.Keys = noKeys{} })
	require.Equal(t, cloudtrail.Failed, rep.Verdict)
	require.Equal(t, []string{"digest-unknown-key", "digest-unknown-key", "digest-unknown-key"}, codes(rep))
}

func TestFingerprintIsMD5(t *testing.T) {
	want, err := hex.DecodeString("900150983cd24fb0d6963f7d28e17f72")
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(want), cloudtrail.NewPublicKey([]byte("abc"), time.Time{}, time.Time{}).Fingerprint)
}

// TestKeySourceLies is CT-12: the fingerprint of every key is computed, whatever
// a KeySource says it is.
func TestKeySourceLies(t *testing.T) {
	trail, _ := plainTrail()
	good, err := cloudtrail.ParseKeys(trail.KeysJSON("us-east-1"))
	require.NoError(t, err)
	other := testkit.NewTrail()
	other.AddKey("us-east-1", testkit.TrailKeys[1]())
	lie, err := cloudtrail.ParseKeys(other.KeysJSON("us-east-1"))
	require.NoError(t, err)
	lie[0].Fingerprint = good[0].Fingerprint
	rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) { v.Keys = cloudtrail.KeyRing{"us-east-1": lie} })
	require.Equal(t, []string{"key-unusable", "key-unusable", "key-unusable"}, codes(rep))
}
