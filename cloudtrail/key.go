// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"cmp"
	"context"
	"crypto/fips140"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// KeySource hands out the public keys that CloudTrail signed digests with in a
// region. Keys returns all keys whose validity meets [from, to]; it may return
// more. An error counts as an empty list: digests whose key is then unknown
// are reported as such. Keys is called from one goroutine at a time.
//
// Trust comes from here: whoever can choose the keys can sign a trail. Take
// them from CloudTrail over TLS, not from the bucket that holds the trail.
type KeySource interface {
	Keys(ctx context.Context, region string, from, to time.Time) ([]PublicKey, error)
}

// KeyRing is a KeySource of key lists at hand, by region; those under "" serve
// every region.
type KeyRing map[string][]PublicKey

// Keys returns the region's keys and those for every region. It never fails.
func (r KeyRing) Keys(_ context.Context, region string, _, _ time.Time) ([]PublicKey, error) {
	if region == "" {
		return slices.Clone(r[""]), nil
	}
	return slices.Concat(r[region], r[""]), nil
}

// PublicKey is one key of a ListPublicKeys answer. A key that cannot vouch for
// anything stays in the list, so that a digest naming it is told apart from
// one whose key nobody knows.
type PublicKey struct {
	Fingerprint string    // hex MD5 of Value: a name, not a protection
	Value       []byte    // DER, PKCS #1 RSAPublicKey or SubjectPublicKeyInfo
	NotBefore   time.Time // begin of validity; zero is open
	NotAfter    time.Time // end of validity; zero is open

	key    *rsa.PublicKey
	reason string // why the key is not usable; empty when it is
}

// NewPublicKey checks a key of DER bytes, in either form, and computes its
// fingerprint. It never fails: Usable says whether the key is good.
func NewPublicKey(der []byte, notBefore, notAfter time.Time) PublicKey {
	k := PublicKey{Fingerprint: fingerprint(der), Value: der, NotBefore: notBefore, NotAfter: notAfter}
	k.check()
	return k
}

// Usable returns nil for a key that may verify, else an error that wraps
// ErrKeys and says why it may not.
func (k *PublicKey) Usable() error {
	if k.key == nil {
		return fmt.Errorf("%w: %s", ErrKeys, cmp.Or(k.reason, "key was not checked"))
	}
	return nil
}

// meets reports whether the key is valid at some moment of [from, to].
func (k *PublicKey) meets(from, to time.Time) bool {
	return (k.NotBefore.IsZero() || !k.NotBefore.After(to)) && (k.NotAfter.IsZero() || !k.NotAfter.Before(from))
}

func (k *PublicKey) check() {
	key, err := parseRSA(k.Value)
	switch {
	case k.reason != "":
	case err != nil:
		k.reason = err.Error()
	case fingerprint(k.Value) != k.Fingerprint:
		k.reason = "the fingerprint is not that of the key"
	default:
		k.key = key
	}
}

// fingerprint is the hex MD5 of a key's DER bytes. CloudTrail chose MD5 to name
// keys; nothing rests on it, so it is computed in FIPS-only mode too.
func fingerprint(der []byte) string {
	var sum [md5.Size]byte
	fips140.WithoutEnforcement(func() { sum = md5.Sum(der) })
	return hex.EncodeToString(sum[:])
}

// parseRSA reads either form of an RSA key.
func parseRSA(der []byte) (*rsa.PublicKey, error) {
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		other, errSPKI := x509.ParsePKIXPublicKey(der)
		var ok bool
		if key, ok = other.(*rsa.PublicKey); errSPKI != nil || !ok {
			return nil, errors.New("the value is no RSA key")
		}
	}
	if n := key.N.BitLen(); n < 2048 || n > 8192 {
		return nil, fmt.Errorf("a modulus of %d bits, not 2048 to 8192", n)
	}
	if key.E < 3 || key.E&1 == 0 {
		return nil, errors.New("a public exponent that is even or less than 3")
	}
	return key, nil
}

// Limits of a key list.
const (
	maxKeyList = 4 << 20
	maxKeys    = 10_000
	maxKeyTime = 1 << 38 // Unix seconds
)

// ParseKeys reads the JSON that ListPublicKeys and `aws cloudtrail
// list-public-keys` answer: at most 4 MiB and 10,000 keys. Times are Unix
// seconds or ISO 8601. A key that is not usable stays in the list. It fails
// with ErrKeys, or ErrLimit.
func ParseKeys(data []byte) ([]PublicKey, error) {
	r := newJSONReader(data, strictjson.Limits{Size: maxKeyList, Depth: 16})
	var keys []PublicKey
	found := false
	err := r.document(func(name string) error {
		if name != "PublicKeyList" && name != "publicKeyList" {
			return r.skip()
		}
		if found {
			return r.scan.Fail("two key lists")
		}
		found = true
		return r.elements(func() error {
			if len(keys) == maxKeys {
				return fmt.Errorf("%w: more than %d keys", ErrLimit, maxKeys)
			}
			k, err := readKey(r)
			keys = append(keys, k)
			return err
		})
	})
	if err == nil && !found {
		err = errors.New("no PublicKeyList")
	}
	if err != nil {
		return nil, wrapJSON(ErrKeys, err)
	}
	return keys, nil
}

// readKey reads one element of the list; the reader is at its first token.
func readKey(r *jsonReader) (PublicKey, error) {
	var k PublicKey
	err := r.members(func(name string) error {
		switch name {
		case "Value":
			text, err := r.text()
			if err != nil {
				return err
			}
			if k.Value, err = base64.StdEncoding.DecodeString(text); err != nil {
				k.reason = "the value is not base64"
			}
		case "Fingerprint":
			text, err := r.text()
			k.Fingerprint = strings.ToLower(text)
			return err
		case "ValidityStartTime":
			k.NotBefore = k.readTime(r)
		case "ValidityEndTime":
			k.NotAfter = k.readTime(r)
		}
		return r.skip()
	})
	k.check()
	return k, err
}

// readTime reads a bound of validity. One that is there but not understood
// makes the key unusable: it must not count as open.
func (k *PublicKey) readTime(r *jsonReader) time.Time {
	switch r.kind {
	case strictjson.Null:
		return time.Time{}
	case strictjson.Number, strictjson.String:
		text := string(r.scan.Text())
		if v, err := strconv.ParseFloat(text, 64); err == nil && v > 0 && v < maxKeyTime {
			sec, frac := math.Modf(v)
			return time.Unix(int64(sec), int64(math.Round(frac*1e3))*1e6).UTC()
		}
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700"} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC()
			}
		}
	}
	k.reason = "a validity time that is no time"
	return time.Time{}
}

// MarshalKeys returns keys as the JSON of a ListPublicKeys answer, which
// ParseKeys reads as the same, to the millisecond. It fails with ErrKeys for a
// key that is not usable for what stood in the list it was read from and would
// be when it is read from this one.
func MarshalKeys(keys []PublicKey) ([]byte, error) {
	type element struct {
		Value             []byte
		ValidityStartTime any `json:",omitempty"`
		ValidityEndTime   any `json:",omitempty"`
		Fingerprint       string
	}
	list := make([]element, 0, len(keys))
	for _, k := range keys {
		again := PublicKey{Fingerprint: k.Fingerprint, Value: k.Value}
		if again.check(); k.reason != "" && again.key != nil {
			return nil, fmt.Errorf("%w: %s: %s", ErrKeys, k.Fingerprint, k.reason)
		}
		value := append([]byte{}, k.Value...) // "" and not null
		list = append(list, element{value, keyTime(k.NotBefore), keyTime(k.NotAfter), k.Fingerprint})
	}
	return json.MarshalIndent(map[string]any{"PublicKeyList": list}, "", "  ")
}

// keyTime is a bound of validity as CloudTrail writes it, in Unix seconds, or as
// text where those are not what readTime takes for some; nil for none.
func keyTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	if v := float64(t.UnixMilli()) / 1000; v > 0 && v < maxKeyTime {
		return v
	}
	return t.UTC().Format(time.RFC3339Nano)
}
