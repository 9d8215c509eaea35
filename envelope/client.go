// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/fips140"
	"crypto/rand"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Config is how a [Client] writes and reads. With a Keyring and nothing else
// it is the recommended one: signed messages with key commitment, frames of
// 4 KiB, no message without commitment accepted.
type Config struct {
	Keyring Keyring          // wraps and unwraps data keys; or
	Manager MaterialsManager // makes the materials itself; exactly one of the two

	Commitment CommitmentPolicy // which suites are written and read
	Suite      Suite            // to encrypt with; 0: 0578, under ForbidEncryptAllowDecrypt 0378

	// FrameLength is the plaintext bytes of a frame on writing, 1 to 2^32-1
	// and not above MaxFrameLength; 0 means 4096. Longer frames cost less and
	// make a reader wait longer for its first byte.
	FrameLength int64

	// PlaintextBound, when positive, is the most plaintext bytes a message
	// may be given; one more is ErrLimit, and the message is never finished.
	PlaintextBound int64

	// RequiredContextKeys are keys of the encryption context that messages
	// authenticate and do not store. Whoever encrypts must pass them, whoever
	// decrypts must reproduce them.
	RequiredContextKeys []string

	// FailOnSigned refuses signed messages on reading, right after the header
	// is parsed: a stream of them releases plaintext before its origin is
	// proven.
	FailOnSigned bool

	// Strict refuses on reading what other writers of the format produced and
	// the specification does not ask for: unsorted context pairs, a context of
	// no pairs with a count, frame IVs that are not the sequence number, an
	// empty final frame after full ones. [Lint] says which of these a message
	// has.
	Strict bool

	// PKCS1Retry repeats unwrapping, at most 8 times, when the data key of a
	// PKCS #1 v1.5 wrapping proves wrong; see [RawRSA]. Only messages with
	// several such wrappings under one name need it.
	PKCS1Retry bool

	// NetV4Retry accepts the faulty header authentication and key derivation
	// of the .NET release 4.0.0, tried once after a header that does not
	// verify.
	NetV4Retry bool

	// AllowUnverifiedSignature lets NewReaderAt open signed messages. A range
	// cannot check the signature: the origin of what it reads is not proven.
	AllowUnverifiedSignature bool

	MaxEncryptedDataKeys int   // 0: no limit
	MaxFrameLength       int64 // bytes; 0: 64 MiB
	MaxHeaderBytes       int   // 0: 1 MiB
	MaxContextPairs      int   // 0: 1024
	MaxNonFramed         int64 // bytes of a non-framed message, which are held until the tag verifies; 0: 1 GiB

	// Parallelism is how many goroutines seal or open the frames of one
	// message, once it is longer than 1 MiB; 0 means one for each CPU, 1 none
	// but the caller's. The bytes are the same for every value.
	Parallelism int
}

// Unsigned is the configuration for speed between parties that trust each
// other with the wrapping key: key commitment, no signature, frames of 64 KiB.
func Unsigned(k Keyring) Config {
	return Config{Keyring: k, Suite: Suite0478, FrameLength: 64 << 10}
}

const (
	defaultFrameLength    = 4096
	defaultMaxFrameLength = 64 << 20
	defaultMaxHeaderBytes = 1 << 20
	defaultMaxPairs       = 1024
	defaultMaxNonFramed   = 1 << 30
)

// Client encrypts and decrypts messages. It is immutable and safe for
// concurrent use.
type Client struct {
	cfg      Config
	spec     *suiteSpec
	manager  MaterialsManager
	required []string
	frameLen int
	workers  int
	lim      limits
	random   func([]byte) (int, error)
	tasks    *sync.Pool // of *task
	incoming *sync.Pool // of *incoming, all zeroed
	derivers *derivers
}

// New checks the configuration and returns a client of it. Errors are
// [ErrConfig], [ErrCommitmentPolicy] or [ErrUnsupportedSuite] for what the
// configuration asks, [ErrLimit] for a frame length that the same client would
// not read, [ErrFIPS] in FIPS 140-only mode, which has no AES-GCM with the IVs
// of this format.
func New(cfg Config) (*Client, error) {
	if fips140.Enforced() {
		return nil, fail(ErrFIPS, "AES-GCM with counter IVs")
	}
	c := &Client{cfg: cfg, random: rand.Read, tasks: &sync.Pool{}, incoming: &sync.Pool{}, derivers: &derivers{}}
	if err := c.chooseManager(); err != nil {
		return nil, err
	}
	if err := c.chooseSuite(); err != nil {
		return nil, err
	}
	if err := c.chooseLimits(); err != nil {
		return nil, err
	}
	if err := c.chooseRequired(); err != nil {
		return nil, err
	}
	switch {
	case cfg.Parallelism < 0:
		return nil, fail(ErrConfig, "Parallelism is negative")
	case cfg.Parallelism == 0:
		c.workers = runtime.GOMAXPROCS(0)
	default:
		c.workers = cfg.Parallelism
	}
	return c, nil
}

func (c *Client) chooseManager() error {
	switch {
	case (c.cfg.Keyring == nil) == (c.cfg.Manager == nil):
		return fail(ErrConfig, "exactly one of Keyring and Manager is needed")
	case c.cfg.Manager != nil:
		c.manager = c.cfg.Manager
	default:
		c.manager = NewMaterialsManager(c.cfg.Keyring)
	}
	return nil
}

func (c *Client) chooseSuite() error {
	if c.cfg.Commitment > ForbidEncryptAllowDecrypt {
		return fail(ErrConfig, "unknown commitment policy")
	}
	id := c.cfg.Suite
	if id == 0 {
		id = c.cfg.Commitment.defaultSuite()
	}
	if c.spec = id.spec(); c.spec == nil {
		return fail(ErrUnsupportedSuite, "id "+id.hex())
	}
	return c.cfg.Commitment.checkEncrypt(c.spec)
}

func (c *Client) chooseLimits() error {
	cfg := &c.cfg
	if cfg.MaxEncryptedDataKeys < 0 || cfg.MaxFrameLength < 0 || cfg.MaxHeaderBytes < 0 ||
		cfg.MaxContextPairs < 0 || cfg.MaxNonFramed < 0 || cfg.PlaintextBound < 0 || cfg.FrameLength < 0 {
		return fail(ErrConfig, "a limit is negative")
	}
	c.lim = limits{
		frameLen:    min(orDefault(cfg.MaxFrameLength, defaultMaxFrameLength), math.MaxUint32, math.MaxInt-finalOverhead),
		headerBytes: orDefault(cfg.MaxHeaderBytes, defaultMaxHeaderBytes),
		pairs:       orDefault(cfg.MaxContextPairs, defaultMaxPairs),
		edks:        cfg.MaxEncryptedDataKeys,
		nonFramed:   min(orDefault(cfg.MaxNonFramed, defaultMaxNonFramed), maxNonFramed),
	}
	if k, ok := cfg.Keyring.(*RawAES); ok {
		c.lim.provider = k.namespace
	}
	frameLen := orDefault(cfg.FrameLength, min(defaultFrameLength, c.lim.frameLen))
	if frameLen > c.lim.frameLen {
		return fail(ErrLimit, "frame length "+strconv.FormatInt(frameLen, 10))
	}
	c.frameLen = int(frameLen)
	return nil
}

func orDefault[T int | int64](value, def T) T {
	if value == 0 {
		return def
	}
	return value
}

func (c *Client) chooseRequired() error {
	c.required = slices.Clone(c.cfg.RequiredContextKeys)
	slices.Sort(c.required)
	c.required = slices.Compact(c.required)
	for _, k := range c.required {
		if strings.HasPrefix(k, reservedPrefix) {
			return fail(ErrEncryptionContext, "a required key must not start with aws-crypto-")
		}
	}
	return nil
}

// checkRequired refuses a context without a required key (ENV-53).
func (c *Client) checkRequired(ec EncryptionContext) error {
	for _, k := range c.required {
		if _, ok := ec[k]; !ok {
			return fail(ErrEncryptionContext, "required key "+strconv.Quote(k)+" is missing")
		}
	}
	return nil
}
