// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"time"
)

// smallKey returns a public key of too few bits.
func smallKey(bits uint) *rsa.PublicKey {
	key := TrailKeys[0]().PublicKey
	n := new(big.Int).Rsh(key.N, 2048-bits)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: key.E}
}

// keyCases are trails whose keys are not there or not good.
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
