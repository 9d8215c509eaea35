// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// errUnwrap is all that a keyring says of a key that did not unwrap: which
// step failed would help only who forges messages.
var errUnwrap = errors.New("unwrap failed")

// needDataKey generates the data key when the materials have none. It reports
// whether it did, so that a failing keyring can take it back.
func (m *EncryptionMaterials) needDataKey() (generated bool, err error) {
	if m.DataKey != nil {
		if len(m.DataKey) != m.Suite.DataKeyLen() {
			return false, fail(ErrMaterials, "data key does not have the suite's length")
		}
		return false, nil
	}
	key := take(&m.room, m.Suite.DataKeyLen())
	if len(key) == 0 {
		return false, fail(ErrUnsupportedSuite, "id "+m.Suite.hex())
	}
	if _, err := rand.Read(key); err != nil {
		return false, failCause(ErrKeyring, "no randomness", err)
	}
	m.DataKey = key
	return true, nil
}

// wrapWith makes sure of a data key and appends what wrap makes of it; the
// materials are unchanged when that fails.
func (m *EncryptionMaterials) wrapWith(wrap func(dataKey []byte) (EncryptedDataKey, error)) error {
	generated, err := m.needDataKey()
	if err != nil {
		return err
	}
	edk, err := wrap(m.DataKey)
	if err != nil {
		if generated {
			clear(m.DataKey)
			m.DataKey = nil
		}
		return err
	}
	m.EncryptedDataKeys = append(m.EncryptedDataKeys, edk)
	return nil
}

// unwrapping collects why keys did not unwrap.
type unwrapping struct{ causes []error }

// add notes the failure of one key. The provider's info is public: it stands
// in the message in the clear.
func (u *unwrapping) add(index int, edk *EncryptedDataKey, err error) {
	id, info := edk.ProviderID, string(edk.ProviderInfo)
	u.causes = append(u.causes, fmt.Errorf("key %d (%.100q, %.300q): %w", index, id, info, err))
}

// failure is the error of a keyring that unwrapped none.
func (u *unwrapping) failure() error {
	if len(u.causes) == 0 {
		return fail(ErrNoMatchingKey, "none is this keyring's")
	}
	return failCause(ErrNoMatchingKey, "", joined(u.causes))
}

// joined is errors.Join on one line.
type joined []error

func (j joined) Error() string {
	texts := make([]string, len(j))
	for i, err := range j {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (j joined) Unwrap() []error { return j }

// unwrapFirst is OnDecrypt of a keyring that tries its keys one by one
// (ENV-63, ENV-65). try returns no key and no error for a key that is not the
// keyring's.
func (m *DecryptionMaterials) unwrapFirst(ctx context.Context, keys []EncryptedDataKey, try func(index int, edk *EncryptedDataKey) ([]byte, error)) error {
	if m.DataKey != nil {
		return fail(ErrMaterials, "a data key is already there")
	}
	var failed unwrapping
	for i := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		key, err := try(i, &keys[i])
		if err == nil && key == nil {
			continue
		}
		if err == nil {
			err = m.setDataKey(key)
		}
		if err == nil {
			return nil
		}
		failed.add(i, &keys[i], err)
	}
	return failed.failure()
}

// checkNamespace applies ENV-66 to the names of a raw keyring.
func checkNamespace(namespace, name string) error {
	switch {
	case namespace == "" || name == "":
		return fail(ErrConfig, "namespace and name must not be empty")
	case !utf8.ValidString(namespace) || !utf8.ValidString(name):
		return fail(ErrConfig, "namespace and name must be UTF-8")
	case len(namespace) > maxField || len(name) > maxField-rawAESInfo:
		return fail(ErrConfig, "namespace or name is too long")
	case strings.HasPrefix(namespace, "aws-kms"):
		return fail(ErrConfig, "a namespace must not start with aws-kms")
	}
	return nil
}

// Multi is a keyring of keyrings: messages can be opened with any one of them.
// It is immutable and as safe for concurrent use as they are.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/use-multi-keyring.html
type Multi struct {
	generator Keyring
	children  []Keyring
}

// NewMulti returns the keyring. The generator makes and wraps the data key,
// each child wraps it again. Without a generator (nil) the keyring encrypts
// only inside another that generated the key; it always decrypts. At least one
// of the two is needed.
func NewMulti(generator Keyring, children ...Keyring) (*Multi, error) {
	if generator == nil && len(children) == 0 {
		return nil, fail(ErrConfig, "a multi-keyring needs a generator or a child")
	}
	if slices.Contains(children, nil) {
		return nil, fail(ErrConfig, "a child of a multi-keyring is nil")
	}
	return &Multi{generator, slices.Clone(children)}, nil
}

// OnEncrypt implements [Keyring] (ENV-85).
func (k *Multi) OnEncrypt(ctx context.Context, m *EncryptionMaterials) error {
	trial := *m
	trial.EncryptedDataKeys = slices.Clip(m.EncryptedDataKeys)
	if err := k.onEncrypt(ctx, &trial); err != nil {
		if m.DataKey == nil {
			clear(trial.DataKey)
		}
		return err
	}
	*m = trial
	return nil
}

func (k *Multi) onEncrypt(ctx context.Context, m *EncryptionMaterials) error {
	if k.generator == nil {
		if m.DataKey == nil {
			return fail(ErrKeyring, "a multi-keyring without generator cannot make a data key")
		}
	} else {
		if m.DataKey != nil {
			return fail(ErrKeyring, "a data key is already there, and the multi-keyring has a generator")
		}
		if err := k.generator.OnEncrypt(ctx, m); err != nil {
			return err
		}
		if m.DataKey == nil {
			return fail(ErrKeyring, "the generator made no data key")
		}
	}
	for _, child := range k.children {
		if err := child.OnEncrypt(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// OnDecrypt implements [Keyring]: the generator is asked first, then the
// children in order.
func (k *Multi) OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error {
	if m.DataKey != nil {
		return fail(ErrMaterials, "a data key is already there")
	}
	var causes joined
	for i := -1; i < len(k.children); i++ {
		child := k.generator
		if i >= 0 {
			child = k.children[i]
		}
		if child == nil {
			continue
		}
		trial := *m
		err := child.OnDecrypt(ctx, &trial, keys)
		if err == nil && trial.DataKey != nil {
			*m = trial
			return nil
		}
		if err != nil {
			causes = append(causes, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return failCause(ErrNoMatchingKey, "", causes)
}
