// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// forge makes messages that break one rule and keep all others: its tags,
// commitment and signature are computed over what it writes, so that nothing
// but the rule can refuse them (ENV-112). The data key is fixedKeyring's.
type forge struct {
	version, kind byte
	suite         Suite
	section       []byte // the serialized encryption context
	required      []byte // the serialized pairs that are not stored
	edkCount      int    // -1: as many as edks
	edks          []EncryptedDataKey
	content       byte
	reserved      uint32
	ivLen         byte
	frameLen      uint32
	headerIV      []byte
	badCommit     bool

	frames    []forgedFrame
	nonFramed []byte
	lengthOf  uint64 // non-framed: the length written; 0: the real one

	key       *ecdsa.PrivateKey
	badFooter bool
	noFooter  bool
	footerCut int
	trailing  []byte
}

// forgedFrame is one frame; AAD and IV follow what it says of itself.
type forgedFrame struct {
	final  bool
	seq    uint32
	iv     []byte // nil: the sequence number
	plain  []byte
	length int64 // of the final frame; negative: the real one
}

func finalAt(seq uint32, plain string) forgedFrame {
	return forgedFrame{final: true, seq: seq, plain: []byte(plain), length: -1}
}

func regularAt(seq uint32, plain string) forgedFrame {
	return forgedFrame{seq: seq, plain: []byte(plain)}
}

// newForge describes a good message: two frames of 4 bytes.
func newForge(t testing.TB, s Suite) *forge {
	t.Helper()
	spec := s.spec()
	f := &forge{
		version: spec.version, kind: typeCustomer, suite: s, edkCount: -1,
		edks: []EncryptedDataKey{{"ns", []byte("name"), []byte("edk")}}, content: contentFramed, ivLen: ivLen, frameLen: 4,
		headerIV: make([]byte, ivLen), frames: []forgedFrame{regularAt(1, "abcd"), finalAt(2, "ef")},
	}
	ec := EncryptionContext{"k": "v"}
	if spec.signing() {
		key, err := ecdsa.GenerateKey(spec.curve, rand.Reader)
		require.NoError(t, err)
		f.key = key
		ec[publicKeyEntry], err = encodePublicKey(&key.PublicKey)
		require.NoError(t, err)
	}
	f.section = appendContext(nil, ec, nil)
	return f
}

// build writes the message.
func (f *forge) build(t testing.TB) []byte {
	t.Helper()
	spec := f.suite.spec()
	if spec == nil { // no tag can be right for what is no suite
		spec = Suite0478.spec()
	}
	id := counting(0, map[byte]int{1: 16, 2: 32}[f.version]+map[bool]int{true: spec.messageIDLen()}[f.version != 1 && f.version != 2])
	var d derived
	require.NoError(t, d.derive(&derivers{}, spec, counting(0x80, spec.keyLen), id))
	aead, err := d.aead(spec)
	require.NoError(t, err)
	m := f.header(spec, id, &d)
	m = f.auth(m, aead.Seal(nil, f.headerIV, nil, append(append([]byte(nil), m...), f.required...)))
	if f.nonFramed != nil {
		n := f.lengthOf
		if n == 0 {
			n = uint64(len(f.nonFramed))
		}
		iv := append(make([]byte, 11), 1)
		m = binary.BigEndian.AppendUint64(append(m, iv...), n)
		m = aead.Seal(m, iv, f.nonFramed, patch(appendBodyAAD(nil, id, nonFramedText), 1, len(f.nonFramed)))
	}
	for _, frame := range f.frames {
		m = frame.append(m, id, func(dst, iv, plain, aad []byte) []byte { return aead.Seal(dst, iv, plain, aad) })
	}
	return append(f.footer(t, m), f.trailing...)
}

func (f *forge) header(spec *suiteSpec, id []byte, d *derived) []byte {
	m := []byte{f.version}
	if f.version == 1 {
		m = append(m, f.kind)
	}
	m = binary.BigEndian.AppendUint16(m, uint16(f.suite))
	m = append(m, id...)
	m = appendField(m, f.section)
	count := f.edkCount
	if count < 0 {
		count = len(f.edks)
	}
	m = binary.BigEndian.AppendUint16(m, uint16(count))
	for _, k := range f.edks {
		m = appendField(appendField(appendField(m, k.ProviderID), k.ProviderInfo), k.Ciphertext)
	}
	m = append(m, f.content)
	if f.version == 1 {
		m = append(binary.BigEndian.AppendUint32(m, f.reserved), f.ivLen)
	}
	m = binary.BigEndian.AppendUint32(m, f.frameLen)
	if spec.committing {
		commit := d.commit
		if f.badCommit {
			commit[31] ^= 1
		}
		m = append(m, commit[:]...)
	}
	return m
}

func (f *forge) auth(m, tag []byte) []byte {
	if f.version == 1 {
		m = append(m, f.headerIV...)
	}
	return append(m, tag...)
}

func (x *forgedFrame) append(m, id []byte, seal func(dst, iv, plain, aad []byte) []byte) []byte {
	text := regularText
	if x.final {
		text = finalText
		m = binary.BigEndian.AppendUint32(m, finalMarker)
	}
	iv := x.iv
	if iv == nil {
		iv = binary.BigEndian.AppendUint32(make([]byte, 8), x.seq)
	}
	m = binary.BigEndian.AppendUint32(m, x.seq)
	m = append(m, iv...)
	if x.final {
		n := x.length
		if n < 0 {
			n = int64(len(x.plain))
		}
		m = binary.BigEndian.AppendUint32(m, uint32(n))
	}
	return seal(m, iv, x.plain, patch(appendBodyAAD(nil, id, text), x.seq, len(x.plain)))
}

func (f *forge) footer(t testing.TB, m []byte) []byte {
	if f.key == nil || f.noFooter {
		return m
	}
	digest := sha512.Sum384(m)
	sum := digest[:]
	if f.suite == Suite0214 {
		short := sha256.Sum256(m)
		sum = short[:]
	}
	if f.badFooter {
		sum[0] ^= 1
	}
	out, err := appendFooter(m, f.key, sum)
	require.NoError(t, err)
	return out[:len(out)-f.footerCut]
}
