// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Finding is something about a message, or about reading it with a
// configuration, that its owner may want to know. Like the header it comes
// from, it is not authenticated.
type Finding struct {
	Code   string // the kind of finding; [Lint] lists them
	Detail string // one sentence for people
	Frame  uint32 // the first frame it is about, from 1; 0 outside the body
	Err    error  // what a client of the configuration, with Strict set, refuses the message with; nil for advice
}

// lint gathers findings on one message.
type lint struct {
	cfg   Config
	lim   limits
	h     *header
	found []Finding
}

func (l *lint) advise(code, detail string) {
	l.found = append(l.found, Finding{Code: code, Detail: detail})
}

func (l *lint) refuse(code, detail string, err error) {
	f := Finding{Code: code, Detail: detail, Err: err}
	var e *Error
	if errors.As(err, &e) {
		f.Frame = e.Frame
	}
	l.found = append(l.found, f)
}

// Lint reads a message without any key and returns its header and what can be
// said against it, in the order of the message. cfg is the configuration that
// the message is to be read with; of its keyring, which may be missing, only
// the kind is looked at. An error means that the header could not be parsed
// (as by [Inspect]), that r failed, or that cfg is invalid; a faulty body is a
// finding. All of r is read.
//
// Findings that a client of cfg with Strict refuses the message for have an
// Err:
//
//   - policy: the suite is not one that cfg.Commitment reads.
//   - signed: cfg.FailOnSigned, and the suite signs.
//   - data-keys, frame-length, non-framed-length: past the limits of cfg.
//   - unsorted-context: pairs are not in the order of their keys.
//   - counted-empty-context: no pairs, written with a count.
//   - frame-iv: the IV of a frame is not its number.
//   - empty-final: a frame of nothing after full ones.
//   - body: frames out of sequence, no end, or something after it.
//
// The others are advice:
//
//   - no-key-derivation: a legacy suite, which encrypts with the data key itself.
//   - no-commitment: the suite does not commit to its key.
//   - header-iv: a header IV in version 1 that is not zero. [Client.Rewrap]
//     writes those, and nothing is wrong with them.
//   - unknown-provider: a wrapped key of a KMS provider that does not exist.
//   - mixed-partitions: KMS keys of several AWS partitions.
//   - raw-signed: signed, and each wrapped key is a raw keyring's: who can
//     decrypt can also write, so that the signature adds little.
//   - no-context: no encryption context.
//   - pkcs1: a keyring of cfg unwraps a key with PKCS #1 v1.5.
//   - alias: a KMS keyring of cfg names no key ARN, and can decrypt nothing.
func Lint(r io.Reader, cfg Config) (*UnauthenticatedHeader, []Finding, error) {
	c := &Client{cfg: cfg}
	if err := c.chooseLimits(); err != nil {
		return nil, nil, err
	}
	if _, err := cfg.Commitment.MarshalText(); err != nil {
		return nil, nil, err
	}
	br := bufio.NewReaderSize(r, taskBytes)
	h, err := readUnauthenticated(br, c.lim.headerBytes, c.lim.pairs)
	if err != nil {
		return nil, nil, err
	}
	l := &lint{cfg: cfg, lim: c.lim, h: h}
	l.suite()
	l.context()
	l.dataKeys()
	l.keyring(cfg.Keyring)
	l.manager(cfg.Manager)
	if err := l.body(br); err != nil {
		return nil, nil, err
	}
	return h.unauthenticated(), l.found, nil
}

func (l *lint) suite() {
	spec := l.h.spec
	if err := l.cfg.Commitment.checkDecrypt(spec); err != nil {
		l.refuse("policy", "the commitment policy "+l.cfg.Commitment.String()+" does not read suite "+spec.id.hex(), err)
	}
	if l.cfg.FailOnSigned && spec.signing() {
		l.refuse("signed", "signed messages are not to be read", fail(ErrSignedSuite, "suite "+spec.id.hex()))
	}
	if spec.kdf == kdfNone {
		l.advise("no-key-derivation", "the legacy suite "+spec.id.hex()+" encrypts with the data key itself")
	}
	if !spec.committing {
		l.advise("no-commitment", "suite "+spec.id.hex()+" does not commit to its key: the message may open as another under another key")
	}
	if spec.version == 1 && [ivLen]byte(l.h.iv) != zeroIV {
		l.advise("header-iv", "the IV of the header is not zero")
	}
	if n := int64(l.h.frameLen); n > l.lim.frameLen {
		l.refuse("frame-length", "frames of "+strconv.FormatInt(n, 10)+" bytes", fail(ErrLimit, "frame length "+strconv.FormatInt(n, 10)))
	}
}

func (l *lint) context() {
	c := l.h.context
	if c.unsorted {
		l.refuse("unsorted-context", "the pairs of the encryption context are not sorted", errUnsorted())
	}
	if c.zeroCount {
		l.refuse("counted-empty-context", "an empty encryption context is written with a count", errZeroCount())
	}
	_, entry := c.pairs[publicKeyEntry]
	if len(c.pairs) == 0 || len(c.pairs) == 1 && entry {
		l.advise("no-context", "no encryption context says what the message is about")
	}
}

func (l *lint) dataKeys() {
	if n := len(l.h.edks); l.lim.edks > 0 && n > l.lim.edks {
		l.refuse("data-keys", strconv.Itoa(n)+" encrypted data keys", fail(ErrLimit, strconv.Itoa(n)+" encrypted data keys"))
	}
	raw, partitions := true, []string{}
	for i := range l.h.edks {
		id := l.h.edks[i].ProviderID
		if !strings.HasPrefix(id, kmsProvider) {
			continue
		}
		raw = false
		if !slices.Contains(kmsProviders, id) {
			l.advise("unknown-provider", "the provider of key "+strconv.Itoa(i)+" is "+strconv.Quote(id))
		}
		if a, ok := parseKeyARN(string(l.h.edks[i].ProviderInfo)); ok && !slices.Contains(partitions, a.Partition) {
			partitions = append(partitions, a.Partition)
		}
	}
	if len(partitions) > 1 {
		l.advise("mixed-partitions", "KMS keys of the partitions "+strings.Join(partitions, ", "))
	}
	if raw && l.h.spec.signing() {
		l.advise("raw-signed", "signed, with raw wrapping keys only: who can decrypt can also write")
	}
}

// kmsProviders are the provider ids of AWS's own keyrings.
var kmsProviders = []string{kmsProvider, kmsRSAProvider, ecdhKMSProvider, "aws-kms-hierarchy"}

// manager looks through the package's own managers for keyrings.
func (l *lint) manager(m MaterialsManager) {
	switch m := m.(type) {
	case *CachingManager:
		l.manager(m.next)
	case *defaultManager:
		l.keyring(m.keyring)
	}
}

func (l *lint) keyring(k Keyring) {
	switch k := k.(type) {
	case *Multi:
		l.keyring(k.generator)
		for _, child := range k.children {
			l.keyring(child)
		}
	case *KMSKeyring:
		if _, ok := parseKeyARN(k.keyID); k.keyID != "" && !ok {
			l.advise("alias", "the KMS keyring of "+strconv.Quote(k.keyID)+" can decrypt nothing: it needs the ARN of the key")
		}
	case *RawRSA:
		if k.cfg.Padding != PKCS1v15 {
			return
		}
		for i := range l.h.edks {
			if k.matches(&l.h.edks[i]) {
				l.advise("pkcs1", "key "+strconv.Itoa(i)+" is wrapped with PKCS #1 v1.5")
			}
		}
	}
}
