// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"crypto/ecdsa"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Keyring generates, wraps and unwraps data keys. Implementations are safe for
// concurrent use and leave the materials unchanged when they fail.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/choose-keyring.html
type Keyring interface {
	// OnEncrypt sets m.DataKey when it is nil, with a random key of
	// m.Suite.DataKeyLen() bytes, and appends that key, wrapped, to
	// m.EncryptedDataKeys. The wrapping should bind m.Context.
	OnEncrypt(ctx context.Context, m *EncryptionMaterials) error

	// OnDecrypt sets m.DataKey from the first of the keys, in order, that is
	// the keyring's own and unwraps. A data key of another length than the
	// suite's counts as one that did not unwrap. It fails when m.DataKey is
	// already set, and when no key unwraps.
	OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error
}

// EncryptionMaterials are what one message is encrypted with.
type EncryptionMaterials struct {
	Suite             Suite              // the message's
	Context           EncryptionContext  // every pair to authenticate; keyrings bind all of it
	RequiredKeys      []string           // keys of Context that the message will not store
	DataKey           []byte             // nil until a keyring sets it; the client zeroes it after use
	EncryptedDataKeys []EncryptedDataKey // the data key, wrapped
	SigningKey        *ecdsa.PrivateKey  // exactly when the suite signs

	room []byte // of the message's memory; see take
}

// DecryptionMaterials are what one message is decrypted with.
type DecryptionMaterials struct {
	Suite           Suite             // the message's
	Context         EncryptionContext // every pair: stored in the message and reproduced by the caller
	RequiredKeys    []string          // keys of Context that the message does not store, sorted
	DataKey         []byte            // nil until a keyring sets it; the client zeroes it after use
	VerificationKey *ecdsa.PublicKey  // exactly when the suite signs

	tentative int    // 1 + the index of the key that PKCS #1 cannot tell a wrong unwrapping of (ENV-73)
	room      []byte // of the message's memory; see take
}

// take returns n bytes of the room, which has one owner, or new ones where it
// is too small. What keyrings and managers are shown of one message they may
// keep, so it is never used for another: it is one allocation, rooms and all.
func take(room *[]byte, n int) []byte {
	if n > len(*room) {
		return make([]byte, n)
	}
	b := (*room)[:n:n]
	*room = (*room)[n:]
	return b
}

// encryptionRoom is the memory for one message's materials with one wrapped
// key, as nearly all have.
type encryptionRoom struct {
	materials EncryptionMaterials
	key       [1]EncryptedDataKey
	room      [224]byte // data key, wrapped key and its info, additional data
}

// handed is the memory for what others see of one message that is read: its
// keyring, and in the end whoever asked for the message.
type handed struct {
	request   DecryptionRequest
	key       [1]EncryptedDataKey // of the request
	materials DecryptionMaterials
	room      [96]byte // data key, additional data
	header    Header
	own       [1]EncryptedDataKey // of the header
	block     [160]byte           // message id, wrapped key and its info
	asked     bool
}

// wipe zeroes the data key, if there are materials at all.
func (m *EncryptionMaterials) wipe() {
	if m != nil {
		clear(m.DataKey)
	}
}

// wipe zeroes the data key, if there are materials at all.
func (m *DecryptionMaterials) wipe() {
	if m != nil {
		clear(m.DataKey)
	}
}

// setDataKey is OnDecrypt's last step in the package's own keyrings.
func (m *DecryptionMaterials) setDataKey(key []byte) error {
	if len(key) != m.Suite.DataKeyLen() {
		clear(key)
		return fail(ErrNoMatchingKey, "the unwrapped key has "+strconv.Itoa(len(key))+" bytes")
	}
	m.DataKey = key
	return nil
}

// EncryptionRequest asks a materials manager for the materials of one message.
type EncryptionRequest struct {
	Suite           Suite             // the answer must be of this suite
	Commitment      CommitmentPolicy  // the client's
	Context         EncryptionContext // the caller's pairs; read only
	RequiredKeys    []string          // keys of Context that the message must not store
	PlaintextLength int64             // at most; -1 when unknown
}

// DecryptionRequest asks a materials manager for the materials of a message
// whose header is not authentic yet.
type DecryptionRequest struct {
	Suite             Suite              // the message's
	Commitment        CommitmentPolicy   // the client's
	EncryptedDataKeys []EncryptedDataKey // read only
	Context           EncryptionContext  // the pairs that the message stores; read only
	Reproduced        EncryptionContext  // the caller's pairs; read only
}

// MaterialsManager makes materials out of keyrings: it is where caching and
// policies on the encryption context go. The client checks what it returns,
// and zeroes the DataKey of it after use: a manager that keeps materials
// returns copies. Implementations are safe for concurrent use.
type MaterialsManager interface {
	EncryptionMaterials(ctx context.Context, r *EncryptionRequest) (*EncryptionMaterials, error)
	DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error)
}

// NewMaterialsManager returns the manager that a client with Config.Keyring
// uses: it asks the keyring once for each message, and makes or finds the
// signing key of suites that sign. It is for a manager that wraps another.
func NewMaterialsManager(k Keyring) MaterialsManager { return &defaultManager{k} }

// defaultManager is the default CMM of AWS's pages.
type defaultManager struct{ keyring Keyring }

func (d *defaultManager) EncryptionMaterials(ctx context.Context, r *EncryptionRequest) (*EncryptionMaterials, error) {
	return d.encryption(ctx, r, &encryptionRoom{})
}

func (d *defaultManager) encryption(ctx context.Context, r *EncryptionRequest, own *encryptionRoom) (*EncryptionMaterials, error) {
	spec := r.Suite.spec()
	if spec == nil {
		return nil, fail(ErrUnsupportedSuite, "id "+r.Suite.hex())
	}
	if err := r.Commitment.checkEncrypt(spec); err != nil {
		return nil, err
	}
	if err := r.Context.checkReserved(); err != nil {
		return nil, err
	}
	m := &own.materials
	*m = EncryptionMaterials{Suite: r.Suite, Context: r.Context, RequiredKeys: r.RequiredKeys, EncryptedDataKeys: own.key[:0], room: own.room[:]}
	if spec.signing() {
		if err := m.addSigningKey(spec); err != nil {
			return nil, err
		}
	}
	if err := d.keyring.OnEncrypt(ctx, m); err != nil {
		clear(m.DataKey)
		return nil, asKind(ErrKeyring, "", err)
	}
	return m, nil
}

// addSigningKey makes the message's key pair and a context that names it; the
// caller's map stays as it is.
func (m *EncryptionMaterials) addSigningKey(spec *suiteSpec) error {
	key, err := generateSigningKey(spec)
	if err != nil {
		return err
	}
	entry, err := encodePublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	full := make(EncryptionContext, len(m.Context)+1)
	for k, v := range m.Context {
		full[k] = v
	}
	full[publicKeyEntry] = entry
	m.Context, m.SigningKey = full, key
	return nil
}

func (d *defaultManager) DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error) {
	return d.decryption(ctx, r, &DecryptionMaterials{})
}

func (d *defaultManager) decryption(ctx context.Context, r *DecryptionRequest, m *DecryptionMaterials) (*DecryptionMaterials, error) {
	spec := r.Suite.spec()
	if spec == nil {
		return nil, fail(ErrUnsupportedSuite, "id "+r.Suite.hex())
	}
	if err := r.Commitment.checkDecrypt(spec); err != nil {
		return nil, err
	}
	m.Suite = r.Suite
	if err := m.merge(r.Context, r.Reproduced); err != nil {
		return nil, err
	}
	entry, signed := r.Context[publicKeyEntry]
	switch {
	case signed != spec.signing() && signed:
		return nil, fail(ErrSignature, "a public key in the encryption context of an unsigned suite")
	case signed != spec.signing():
		return nil, fail(ErrSignature, "no public key in the encryption context of a signed suite")
	case signed:
		key, err := decodePublicKey(spec, entry)
		if err != nil {
			return nil, err
		}
		m.VerificationKey = key
	}
	if err := d.keyring.OnDecrypt(ctx, m, r.EncryptedDataKeys); err != nil {
		clear(m.DataKey)
		return nil, unwrapFailure(ctx, err)
	}
	return m, nil
}

// unwrapFailure makes what a keyring said an ErrNoMatchingKey, unless it was
// the caller who stopped.
func unwrapFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return asKind(ErrNoMatchingKey, "", err)
}

// merge makes the full context of stored and reproduced pairs (ENV-51).
func (m *DecryptionMaterials) merge(stored, reproduced EncryptionContext) error {
	m.Context = stored
	for k, v := range reproduced {
		old, twice := stored[k]
		switch {
		case twice && old != v:
			return fail(ErrEncryptionContext, "a reproduced pair differs from the stored one")
		case twice:
		case strings.HasPrefix(k, reservedPrefix):
			return fail(ErrEncryptionContext, "a reproduced pair would add a reserved key")
		default:
			m.RequiredKeys = append(m.RequiredKeys, k)
		}
	}
	if len(m.RequiredKeys) == 0 {
		return nil
	}
	slices.Sort(m.RequiredKeys)
	full := make(EncryptionContext, len(stored)+len(m.RequiredKeys))
	for k, v := range stored {
		full[k] = v
	}
	for _, k := range m.RequiredKeys {
		full[k] = reproduced[k]
	}
	m.Context = full
	return nil
}

// check refuses materials that do not fit the request (ENV-50).
func (m *EncryptionMaterials) check(r *EncryptionRequest) error {
	if m == nil || m.Suite != r.Suite {
		return fail(ErrMaterials, "another suite than the requested one")
	}
	spec := m.Suite.spec()
	switch {
	case len(m.DataKey) != spec.keyLen:
		return fail(ErrMaterials, "data key of "+strconv.Itoa(len(m.DataKey))+" bytes")
	case len(m.EncryptedDataKeys) == 0 || len(m.EncryptedDataKeys) > maxField:
		return fail(ErrMaterials, strconv.Itoa(len(m.EncryptedDataKeys))+" encrypted data keys")
	case (m.SigningKey != nil) != spec.signing():
		return fail(ErrMaterials, "signing key and suite do not go together")
	case m.SigningKey != nil && m.SigningKey.Curve != spec.curve:
		return fail(ErrMaterials, "signing key of another curve")
	}
	if err := m.checkPublicKey(); err != nil {
		return err
	}
	for i := range m.EncryptedDataKeys {
		k := &m.EncryptedDataKeys[i]
		if max(len(k.ProviderID), len(k.ProviderInfo), len(k.Ciphertext)) > maxField || !utf8.ValidString(k.ProviderID) {
			return fail(ErrMaterials, "encrypted data key "+strconv.Itoa(i)+" does not fit the format")
		}
	}
	return m.checkRequired(r)
}

// checkPublicKey holds the context's entry to the signing key.
func (m *EncryptionMaterials) checkPublicKey() error {
	entry, signed := m.Context[publicKeyEntry]
	if signed != (m.SigningKey != nil) {
		return fail(ErrMaterials, "public key entry and suite do not go together")
	}
	if !signed {
		return nil
	}
	if want, err := encodePublicKey(&m.SigningKey.PublicKey); err != nil || entry != want {
		return fail(ErrMaterials, "public key entry is not of the signing key")
	}
	return nil
}

func (m *EncryptionMaterials) checkRequired(r *EncryptionRequest) error {
	for _, k := range m.RequiredKeys {
		if _, ok := m.Context[k]; !ok {
			return fail(ErrMaterials, "a required key is not in the encryption context")
		}
		if strings.HasPrefix(k, reservedPrefix) {
			return fail(ErrMaterials, "a reserved key cannot be required")
		}
	}
	for _, k := range r.RequiredKeys {
		if !slices.Contains(m.RequiredKeys, k) {
			return fail(ErrMaterials, "a requested required key was dropped")
		}
	}
	for k, v := range r.Context {
		if got, ok := m.Context[k]; !ok || got != v {
			return fail(ErrMaterials, "a pair of the encryption context was dropped or changed")
		}
	}
	return nil
}

// check refuses materials that do not fit the message.
func (m *DecryptionMaterials) check(r *DecryptionRequest) error {
	if m == nil || m.Suite != r.Suite {
		return fail(ErrMaterials, "another suite than the message's")
	}
	spec := m.Suite.spec()
	switch {
	case len(m.DataKey) == 0:
		return fail(ErrNoMatchingKey, "the keyring returned no key")
	case len(m.DataKey) != spec.keyLen:
		return fail(ErrMaterials, "data key of "+strconv.Itoa(len(m.DataKey))+" bytes")
	case (m.VerificationKey != nil) != spec.signing():
		return fail(ErrMaterials, "verification key and suite do not go together")
	}
	for k, v := range r.Context {
		if got, ok := m.Context[k]; !ok || got != v {
			return fail(ErrMaterials, "a stored pair was dropped or changed")
		}
	}
	for k, v := range r.Reproduced {
		if got, ok := m.Context[k]; !ok || got != v {
			return fail(ErrMaterials, "a reproduced pair was dropped or changed")
		}
	}
	return m.checkRequired(r.Context)
}

// checkRequired holds that the required keys are exactly the pairs that the
// message does not store.
func (m *DecryptionMaterials) checkRequired(stored EncryptionContext) error {
	if len(m.Context) != len(stored)+len(m.RequiredKeys) {
		return fail(ErrMaterials, "required keys are not the pairs that are not stored")
	}
	for i, k := range m.RequiredKeys {
		_, in := m.Context[k]
		if _, twice := stored[k]; !in || twice || i > 0 && m.RequiredKeys[i-1] >= k {
			return fail(ErrMaterials, "required keys are not the pairs that are not stored")
		}
	}
	return nil
}
