// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/internal/arn"
)

// KMS is what the KMS keyrings need of AWS KMS in one Region, in plain types.
// The module envelope/kmskeyring implements it over aws-sdk-go-v2. A KMS that
// also has the method Region() string is held to the Region of the keyring.
// Implementations are safe for concurrent use.
//
// https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
type KMS interface {
	// GenerateDataKey makes a data key of r.NumberOfBytes and returns it
	// plain and wrapped.
	GenerateDataKey(ctx context.Context, r *KMSRequest) (*KMSResponse, error)
	// Encrypt wraps r.Plaintext.
	Encrypt(ctx context.Context, r *KMSRequest) (*KMSResponse, error)
	// Decrypt unwraps r.CiphertextBlob with the key r.KeyID and no other.
	Decrypt(ctx context.Context, r *KMSRequest) (*KMSResponse, error)
}

// KMSRequest holds the parameters of all three calls, named as in KMS's API.
type KMSRequest struct {
	KeyID             string            // ARN, alias or id of the key
	EncryptionContext EncryptionContext // read only
	GrantTokens       []string          // read only
	NumberOfBytes     int               // GenerateDataKey only
	Plaintext         []byte            // Encrypt only; read only
	CiphertextBlob    []byte            // Decrypt only; read only

	// EncryptionAlgorithm is of Decrypt with an RSA key only:
	// RSAES_OAEP_SHA_1 or RSAES_OAEP_SHA_256. Empty is SYMMETRIC_DEFAULT.
	EncryptionAlgorithm string
}

// KMSResponse holds the results of all three calls. KeyID is always the ARN of
// the key that was used. The keyring takes Plaintext over and zeroes it.
type KMSResponse struct {
	KeyID          string // key ARN
	Plaintext      []byte // not set by Encrypt
	CiphertextBlob []byte // not set by Decrypt
}

const kmsProvider = "aws-kms"

// keyARN is a KMS ARN with its resource split.
type keyARN struct {
	arn.ARN
	kind, id string // "key" or "alias", and the rest
}

// parseARN reads the ARN of a KMS key or alias (ENV-75).
func parseARN(text string) (a keyARN, ok bool) {
	if a.ARN, ok = arn.Parse(text); !ok || !utf8.ValidString(text) {
		return keyARN{}, false
	}
	a.kind, a.id, _ = strings.Cut(a.Resource, "/")
	ok = a.Partition != "" && a.Service == "kms" && a.Region != "" && a.Account != "" &&
		(a.kind == "key" || a.kind == "alias") && a.id != ""
	return a, ok
}

// parseKeyARN is parseARN for keys alone.
func parseKeyARN(text string) (keyARN, bool) {
	a, ok := parseARN(text)
	return a, ok && a.kind == "key"
}

// multiRegion reports whether the ARN is of a multi-Region key (ENV-76).
func (a *keyARN) multiRegion() bool {
	return a.kind == "key" && strings.HasPrefix(a.id, "mrk-")
}

// inRegion is the ARN of the replica in a Region.
func (a *keyARN) inRegion(region string) string {
	other := a.ARN
	other.Region = region
	return other.String()
}

// checkKeyID refuses what is no identifier of a KMS key (ENV-75).
func checkKeyID(id string) error {
	ok := id != "" && utf8.ValidString(id)
	switch {
	case strings.HasPrefix(id, "arn:"):
		_, ok = parseARN(id)
	case strings.HasPrefix(id, "alias/"):
		ok = ok && id != "alias/"
	default:
		ok = ok && !strings.ContainsAny(id, ":/")
	}
	if !ok {
		return fail(ErrConfig, "not the ARN, alias or id of a KMS key")
	}
	return nil
}

// mrkMatch reports whether two identifiers name the same key or replicas of
// one multi-Region key (ENV-80).
func mrkMatch(a, b string) bool {
	if a == b {
		return true
	}
	x, okX := parseARN(a)
	y, okY := parseARN(b)
	return okX && okY && x.multiRegion() && y.multiRegion() &&
		x.Partition == y.Partition && x.Account == y.Account && x.id == y.id
}

// KMSConfig is what a [KMSKeyring] of one key is made of.
type KMSConfig struct {
	Client      KMS      // of the key's Region
	KeyID       string   // ARN of the key. With an alias or a bare id the keyring encrypts, and decrypts nothing
	MultiRegion bool     // also unwrap what a replica of the same multi-Region key wrapped
	GrantTokens []string // sent with every call
}

// KMSDiscoveryConfig is what a [KMSKeyring] is made of that unwraps with
// whatever key a message names, and cannot encrypt. Restrict it: without
// Partition and Accounts whoever writes messages chooses the key, of whatever
// account lets the caller decrypt.
type KMSDiscoveryConfig struct {
	Client      KMS      // of one Region
	Partition   string   // with Accounts: only keys of this partition,
	Accounts    []string // and of one of these accounts
	MultiRegion bool     // unwrap with the replica in Region what any replica wrapped
	Region      string   // needed with MultiRegion: the Client's
	GrantTokens []string // sent with every call
}

// KMSKeyring wraps data keys with AWS KMS. It is immutable and safe for
// concurrent use.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/use-kms-keyring.html
type KMSKeyring struct {
	client    KMS
	keyID     string // empty: discovery
	mrk       bool
	region    string // of discovery with mrk
	partition string // empty: no filter
	accounts  []string
	tokens    []string
}

// NewKMS returns a keyring of one key (ENV-77, ENV-78, ENV-80).
func NewKMS(cfg KMSConfig) (*KMSKeyring, error) {
	if cfg.Client == nil {
		return nil, fail(ErrConfig, "a KMS keyring needs a client")
	}
	if err := checkKeyID(cfg.KeyID); err != nil {
		return nil, err
	}
	return &KMSKeyring{client: cfg.Client, keyID: cfg.KeyID, mrk: cfg.MultiRegion, tokens: slices.Clone(cfg.GrantTokens)}, nil
}

// NewKMSDiscovery returns a keyring that only decrypts (ENV-81, ENV-82).
func NewKMSDiscovery(cfg KMSDiscoveryConfig) (*KMSKeyring, error) {
	switch {
	case cfg.Client == nil:
		return nil, fail(ErrConfig, "a KMS keyring needs a client")
	case (cfg.Partition == "") != (len(cfg.Accounts) == 0):
		return nil, fail(ErrConfig, "a discovery filter has a partition and accounts")
	case slices.Contains(cfg.Accounts, ""):
		return nil, fail(ErrConfig, "an account of the discovery filter is empty")
	case cfg.MultiRegion && cfg.Region == "":
		return nil, fail(ErrConfig, "discovery with multi-Region keys needs the Region")
	}
	if c, ok := cfg.Client.(interface{ Region() string }); ok && cfg.Region != "" && c.Region() != "" && c.Region() != cfg.Region {
		return nil, fail(ErrConfig, "the client is of another Region")
	}
	return &KMSKeyring{
		client: cfg.Client, mrk: cfg.MultiRegion, region: cfg.Region, partition: cfg.Partition,
		accounts: slices.Clone(cfg.Accounts), tokens: slices.Clone(cfg.GrantTokens),
	}, nil
}

// OnEncrypt implements [Keyring].
func (k *KMSKeyring) OnEncrypt(ctx context.Context, m *EncryptionMaterials) error {
	if k.keyID == "" {
		return fail(ErrKeyring, "a discovery keyring cannot encrypt")
	}
	r := &KMSRequest{KeyID: k.keyID, EncryptionContext: m.Context, GrantTokens: k.tokens}
	if m.DataKey == nil {
		return k.generate(ctx, m, r)
	}
	r.Plaintext = m.DataKey
	out, err := k.client.Encrypt(ctx, r)
	if err != nil {
		return kmsFailure(ctx, ErrKeyring, "Encrypt", err)
	}
	return k.addKey(m, out)
}

func (k *KMSKeyring) generate(ctx context.Context, m *EncryptionMaterials, r *KMSRequest) error {
	if r.NumberOfBytes = m.Suite.DataKeyLen(); r.NumberOfBytes == 0 {
		return fail(ErrUnsupportedSuite, "id "+m.Suite.hex())
	}
	out, err := k.client.GenerateDataKey(ctx, r)
	if err != nil {
		return kmsFailure(ctx, ErrKeyring, "GenerateDataKey", err)
	}
	if out != nil && len(out.Plaintext) != r.NumberOfBytes {
		clear(out.Plaintext)
		return fail(ErrKeyring, "KMS returned a data key of another length")
	}
	if err := k.addKey(m, out); err != nil {
		if out != nil {
			clear(out.Plaintext)
		}
		return err
	}
	m.DataKey = out.Plaintext
	return nil
}

// addKey checks which key KMS says it used, and adds what it wrapped.
func (k *KMSKeyring) addKey(m *EncryptionMaterials, out *KMSResponse) error {
	if out == nil || len(out.CiphertextBlob) == 0 {
		return fail(ErrKeyring, "KMS returned no wrapped key")
	}
	if _, ok := parseKeyARN(out.KeyID); !ok {
		return fail(ErrKeyring, "KMS returned something else than the ARN of a key")
	}
	m.EncryptedDataKeys = append(m.EncryptedDataKeys, EncryptedDataKey{kmsProvider, []byte(out.KeyID), out.CiphertextBlob})
	return nil
}

func kmsFailure(ctx context.Context, kind error, call string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failCause(kind, "KMS "+call, err)
}

// OnDecrypt implements [Keyring].
func (k *KMSKeyring) OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error {
	if err := checkInfos(keys, kmsProvider); err != nil {
		return err
	}
	return m.unwrapFirst(ctx, keys, func(_ int, edk *EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != kmsProvider {
			return nil, nil
		}
		id := k.keyFor(string(edk.ProviderInfo))
		if id == "" {
			return nil, nil
		}
		return callDecrypt(ctx, k.client, &KMSRequest{KeyID: id, EncryptionContext: m.Context, GrantTokens: k.tokens, CiphertextBlob: edk.Ciphertext})
	})
}

// checkInfos refuses a message with a key of the provider that names no key,
// before any key is tried: such a message is nobody's.
func checkInfos(keys []EncryptedDataKey, provider string) error {
	for i := range keys {
		if keys[i].ProviderID != provider {
			continue
		}
		if _, ok := parseKeyARN(string(keys[i].ProviderInfo)); !ok {
			return fail(ErrNoMatchingKey, "the info of a KMS key is not the ARN of a key")
		}
	}
	return nil
}

// callDecrypt has KMS unwrap a key, and holds it to the key it was asked for.
func callDecrypt(ctx context.Context, client KMS, r *KMSRequest) ([]byte, error) {
	out, err := client.Decrypt(ctx, r)
	if err != nil {
		return nil, kmsFailure(ctx, ErrNoMatchingKey, "Decrypt", err)
	}
	if out == nil || out.KeyID != r.KeyID {
		if out != nil {
			clear(out.Plaintext)
		}
		return nil, fail(ErrNoMatchingKey, "KMS used another key than it was asked to")
	}
	if out.Plaintext == nil {
		return nil, errUnwrap
	}
	return out.Plaintext, nil
}

// keyFor returns the key to unwrap with what the key of the ARN wrapped, empty
// when that is not the keyring's business.
func (k *KMSKeyring) keyFor(info string) string {
	if k.keyID != "" {
		if info == k.keyID || k.mrk && mrkMatch(info, k.keyID) {
			return k.keyID
		}
		return ""
	}
	a, ok := parseKeyARN(info)
	if !ok || k.partition != "" && (a.Partition != k.partition || !slices.Contains(k.accounts, a.Account)) {
		return ""
	}
	switch {
	case !k.mrk:
		return info
	case a.multiRegion():
		return a.inRegion(k.region)
	case a.Region == k.region:
		return info
	default:
		return ""
	}
}

// KMSMultiConfig is what a [Multi] over several KMS keys is made of: either
// Generator and Keys, to encrypt and decrypt, or Regions, to discover.
type KMSMultiConfig struct {
	Generator   string                           // ARN of the key that makes the data keys
	Keys        []string                         // ARNs of the keys that wrap them too
	Regions     []string                         // discovery: where to decrypt
	Partition   string                           // discovery: as in KMSDiscoveryConfig
	Accounts    []string                         // discovery: as in KMSDiscoveryConfig
	MultiRegion bool                             // treat replicas of a multi-Region key as one
	Client      func(region string) (KMS, error) // called once for each key or Region
	GrantTokens []string                         // sent with every call
}

// NewKMSMulti returns the keyring (ENV-83).
func NewKMSMulti(cfg KMSMultiConfig) (*Multi, error) {
	strict := cfg.Generator != "" || len(cfg.Keys) > 0
	switch {
	case cfg.Client == nil:
		return nil, fail(ErrConfig, "a KMS multi-keyring needs clients")
	case strict == (len(cfg.Regions) > 0):
		return nil, fail(ErrConfig, "either keys or Regions are needed")
	case !strict:
		return cfg.discovery()
	}
	if cfg.MultiRegion {
		if err := checkUnique(append([]string{cfg.Generator}, cfg.Keys...)); err != nil {
			return nil, err
		}
	}
	var generator Keyring
	if cfg.Generator != "" {
		k, err := cfg.one(cfg.Generator)
		if err != nil {
			return nil, err
		}
		generator = k
	}
	children := make([]Keyring, len(cfg.Keys))
	for i, id := range cfg.Keys {
		k, err := cfg.one(id)
		if err != nil {
			return nil, err
		}
		children[i] = k
	}
	return NewMulti(generator, children...)
}

func (cfg *KMSMultiConfig) one(id string) (*KMSKeyring, error) {
	a, ok := parseARN(id)
	if !ok {
		return nil, fail(ErrConfig, "a KMS multi-keyring needs ARNs")
	}
	client, err := cfg.client(a.Region)
	if err != nil {
		return nil, err
	}
	return NewKMS(KMSConfig{Client: client, KeyID: id, MultiRegion: cfg.MultiRegion, GrantTokens: cfg.GrantTokens})
}

func (cfg *KMSMultiConfig) client(region string) (KMS, error) {
	client, err := cfg.Client(region)
	if err != nil {
		return nil, failCause(ErrConfig, "no KMS client", err)
	}
	return client, nil
}

func (cfg *KMSMultiConfig) discovery() (*Multi, error) {
	children := make([]Keyring, len(cfg.Regions))
	for i, region := range cfg.Regions {
		if region == "" {
			return nil, fail(ErrConfig, "a Region is empty")
		}
		client, err := cfg.client(region)
		if err != nil {
			return nil, err
		}
		k, err := NewKMSDiscovery(KMSDiscoveryConfig{
			Client: client, Partition: cfg.Partition, Accounts: cfg.Accounts,
			MultiRegion: cfg.MultiRegion, Region: region, GrantTokens: cfg.GrantTokens,
		})
		if err != nil {
			return nil, err
		}
		children[i] = k
	}
	return NewMulti(nil, children...)
}

// checkUnique refuses two replicas of one multi-Region key, naming all.
func checkUnique(ids []string) error {
	var twice []string
	for i, id := range ids {
		a, ok := parseARN(id)
		if !ok || !a.multiRegion() {
			continue
		}
		for j, other := range ids {
			if b, ok := parseARN(other); i != j && ok && b.multiRegion() && a.id == b.id {
				twice = append(twice, id)
				break
			}
		}
	}
	if len(twice) > 0 {
		return fail(ErrConfig, "more than one replica of a multi-Region key: "+strings.Join(twice, ", "))
	}
	return nil
}
