// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
)

const (
	ecdhProvider    = "raw-ecdh"
	ecdhKMSProvider = "aws-kms-ecdh"
	ecdhVersion     = 1
	ecdhSaltLen     = 32
)

// RawECDHConfig is what a [RawECDH] keyring is made of. Which of the keys are
// set decides the key agreement scheme:
//
//   - Private and Public, static: between this private key and the other
//     party's public key, both ways.
//   - Public alone, ephemeral: to the holder of that key, with a new sender
//     key for each message. It cannot decrypt.
//   - Private alone, discovery: what anybody sent to this key. It cannot
//     encrypt.
type RawECDHConfig struct {
	Private *ecdh.PrivateKey // P-256, P-384 or P-521
	Public  *ecdh.PublicKey  // the other party's, on the same curve
}

// RawECDH is a keyring whose wrapping key comes of a key agreement. It is
// immutable and safe for concurrent use.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/use-raw-ecdh-keyring.html
type RawECDH struct {
	curve   *ecdhCurve
	private *ecdh.PrivateKey
	public  *ecdh.PublicKey
	own     []byte // private's public key, compressed
	other   []byte // public, compressed
}

// ecdhCurve is a curve under the three names it goes by.
type ecdhCurve struct {
	name  string
	curve ecdh.Curve
	point elliptic.Curve // to compress and decompress
}

var ecdhCurves = [...]ecdhCurve{
	{"p256", ecdh.P256(), elliptic.P256()},
	{"p384", ecdh.P384(), elliptic.P384()},
	{"p521", ecdh.P521(), elliptic.P521()},
}

// NewRawECDH returns the keyring. A curve that is not one of the three is
// [ErrUnsupported].
func NewRawECDH(cfg RawECDHConfig) (*RawECDH, error) {
	k := &RawECDH{private: cfg.Private, public: cfg.Public}
	var curve ecdh.Curve
	switch {
	case cfg.Private == nil && cfg.Public == nil:
		return nil, fail(ErrConfig, "an ECDH keyring needs a private or a public key")
	case cfg.Private != nil && cfg.Public != nil && cfg.Private.Curve() != cfg.Public.Curve():
		return nil, fail(ErrConfig, "the keys are of different curves")
	case cfg.Private != nil:
		curve = cfg.Private.Curve()
	default:
		curve = cfg.Public.Curve()
	}
	for i := range ecdhCurves {
		if ecdhCurves[i].curve == curve {
			k.curve = &ecdhCurves[i]
		}
	}
	if k.curve == nil {
		return nil, fail(ErrUnsupported, "this curve")
	}
	if cfg.Private != nil {
		k.own = compressPoint(cfg.Private.PublicKey().Bytes())
	}
	if cfg.Public != nil {
		k.other = compressPoint(cfg.Public.Bytes())
	}
	return k, nil
}

// OnEncrypt implements [Keyring] (ENV-86, ENV-87).
func (k *RawECDH) OnEncrypt(_ context.Context, m *EncryptionMaterials) error {
	if k.public == nil {
		return fail(ErrKeyring, "an ECDH keyring without the other party's key cannot encrypt")
	}
	private, sender := k.private, k.own
	if private == nil {
		var err error
		if private, err = k.curve.curve.GenerateKey(rand.Reader); err != nil {
			return wrapFIPS(err)
		}
		sender = compressPoint(private.PublicKey().Bytes())
	}
	return m.wrapWith(func(dataKey []byte) (EncryptedDataKey, error) {
		var salt [ecdhSaltLen]byte
		if _, err := rand.Read(salt[:]); err != nil {
			return EncryptedDataKey{}, failCause(ErrKeyring, "no randomness", err)
		}
		agreed, err := k.agree(private, k.public, sender, k.other, salt[:], m.Context)
		if err != nil {
			return EncryptedDataKey{}, failCause(ErrKeyring, "key agreement", err)
		}
		defer agreed.wipe()
		aead, err := newGCM(agreed.wrapping[:])
		if err != nil {
			return EncryptedDataKey{}, err
		}
		ciphertext := append(salt[:], agreed.commit[:]...)
		// A zero IV is safe here: the wrapping key is new with every salt.
		ciphertext = aead.Seal(ciphertext, zeroIV[:], dataKey, agreed.info)
		return EncryptedDataKey{ecdhProvider, ecdhInfo(k.other, sender), ciphertext}, nil
	})
}

// OnDecrypt implements [Keyring].
func (k *RawECDH) OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error {
	if k.private == nil {
		return fail(ErrNoMatchingKey, "an ephemeral ECDH keyring cannot decrypt")
	}
	return m.unwrapFirst(ctx, keys, func(_ int, edk *EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != ecdhProvider && edk.ProviderID != ecdhKMSProvider {
			return nil, nil
		}
		recipient, sender, ok := parseECDHInfo(edk.ProviderInfo, len(k.own))
		if !ok {
			return nil, nil
		}
		peer := k.peer(recipient, sender)
		if peer == nil {
			return nil, nil
		}
		return k.unwrap(edk.Ciphertext, peer, sender, recipient, m.Context)
	})
}

// peer returns which of a key's two points is the other party's, nil when the
// key is not between this keyring's parties. A static keyring is either of
// them.
func (k *RawECDH) peer(recipient, sender []byte) []byte {
	switch {
	case k.other == nil && bytes.Equal(recipient, k.own):
		return sender
	case k.other == nil:
		return nil
	case bytes.Equal(recipient, k.own) && bytes.Equal(sender, k.other):
		return sender
	case bytes.Equal(recipient, k.other) && bytes.Equal(sender, k.own):
		return recipient
	default:
		return nil
	}
}

func (k *RawECDH) unwrap(ciphertext, peer, sender, recipient []byte, ec EncryptionContext) ([]byte, error) {
	if len(ciphertext) < ecdhSaltLen+commitKeyLen+tagLen {
		return nil, errUnwrap
	}
	point := decompressPoint(k.curve.point, peer)
	if point == nil {
		return nil, errUnwrap
	}
	public, err := k.curve.curve.NewPublicKey(point)
	if err != nil {
		return nil, errUnwrap
	}
	agreed, err := k.agree(k.private, public, sender, recipient, ciphertext[:ecdhSaltLen], ec)
	if err != nil {
		return nil, errUnwrap
	}
	defer agreed.wipe()
	if subtle.ConstantTimeCompare(agreed.commit[:], ciphertext[ecdhSaltLen:ecdhSaltLen+commitKeyLen]) != 1 {
		return nil, errUnwrap
	}
	aead, err := newGCM(agreed.wrapping[:])
	if err != nil {
		return nil, err
	}
	key, err := aead.Open(nil, zeroIV[:], ciphertext[ecdhSaltLen+commitKeyLen:], agreed.info)
	if err != nil {
		return nil, errUnwrap
	}
	return key, nil
}

// agreement is what two keys and a salt give.
type agreement struct {
	commit, wrapping [32]byte
	info             []byte // the fixed info, which is the AAD too
}

func (a *agreement) wipe() { clear(a.wrapping[:]) }

// agree derives the wrapping key (ENV-88): the counter mode of NIST SP 800-108
// with HMAC-SHA384.
func (k *RawECDH) agree(private *ecdh.PrivateKey, public *ecdh.PublicKey, sender, recipient, salt []byte, ec EncryptionContext) (*agreement, error) {
	shared, err := private.ECDH(public)
	if err != nil {
		return nil, err
	}
	defer clear(shared)
	a := &agreement{}
	a.info = append(a.info, "ecdh-key-derivation\x00"+k.curve.name+"\x00HMAC_SHA384\x00"...)
	a.info = append(append(a.info, sender...), recipient...)
	a.info = append(a.info, 0, ecdhVersion, 0)
	a.info = appendContext(a.info, ec, nil)
	var out []byte
	mac := hmac.New(sha512.New384, shared)
	for i := byte(1); i <= 2; i++ {
		mac.Reset()
		mac.Write([]byte{0, 0, 0, i})
		mac.Write(a.info)
		mac.Write([]byte{0})
		mac.Write(salt)
		mac.Write([]byte{0, 0, 2, 0}) // 512 bits
		out = mac.Sum(out)
	}
	copy(a.commit[:], out)
	copy(a.wrapping[:], out[commitKeyLen:])
	clear(out)
	return a, nil
}

// ecdhInfo is the key info: a version and the two points.
func ecdhInfo(recipient, sender []byte) []byte {
	info := []byte{ecdhVersion}
	for _, point := range [][]byte{recipient, sender} {
		info = binary.BigEndian.AppendUint32(info, uint32(len(point)))
		info = append(info, point...)
	}
	return info
}

// parseECDHInfo takes a key info apart whose points have n bytes.
func parseECDHInfo(info []byte, n int) (recipient, sender []byte, ok bool) {
	if len(info) != 1+2*(4+n) || info[0] != ecdhVersion ||
		binary.BigEndian.Uint32(info[1:]) != uint32(n) || binary.BigEndian.Uint32(info[5+n:]) != uint32(n) {
		return nil, nil, false
	}
	return info[5 : 5+n], info[9+n:], true
}
