// SPDX-License-Identifier: Apache-2.0

// Package envelope encrypts and decrypts messages of the AWS Encryption SDK:
// the same bytes as AWS's own implementations, in any size, as slices, streams
// and ranges.
//
// # Messages, data keys, keyrings
//
// A message is encrypted under a data key of its own. The data key travels in
// the message, wrapped once for each wrapping key; a [Keyring] wraps and
// unwraps it, with a key at hand ([RawAES], [RawRSA], [RawECDH]), with AWS KMS
// ([KMSKeyring], [KMSRSAKeyring]), or with several keys ([Multi]). The
// plaintext is cut into frames, each of which is authenticated at its place.
//
//	ring, err := envelope.NewRawAES("my app", "key 2026", wrappingKey)
//	…
//	c, err := envelope.New(envelope.Config{Keyring: ring})
//	…
//	message, err := c.Encrypt(ctx, nil, plaintext, envelope.EncryptionContext{"tenant": "7"})
//	…
//	plaintext, header, err := c.Decrypt(ctx, nil, message, envelope.EncryptionContext{"tenant": "7"})
//
// # Encryption context
//
// An [EncryptionContext] says what the message is about. It is authenticated,
// and stored in the clear. Pass it to Decrypt too: a pair that differs from the
// stored one is refused. A pair that the message does not have at all is
// refused as well, unless the message was written without storing it; read
// Header.Context where a message must have a pair, or name its key in
// Config.RequiredContextKeys, which keeps it out of the message and makes
// whoever decrypts supply it.
//
// # Suites, commitment, signatures
//
// A [Suite] says how a message is encrypted. The default signs every message
// with a key pair made for it, so that who can only decrypt cannot have written
// it; that costs a hash of the whole message. Between parties that share the
// wrapping key anyway, [Unsigned] is many times faster. Suites with key
// commitment tie a message to one data key; the zero [CommitmentPolicy] accepts
// no others. To read old messages set RequireEncryptAllowDecrypt.
//
// # Slices, streams, ranges
//
// [Client.Decrypt] returns all of a message or nothing. A [Reader] returns
// verified frames as they come, and io.EOF only for a message that was good to
// its end; the trap is to act on what it returned before that. A [ReaderAt]
// opens just the frames of a range. A [Writer]'s message exists when Close has
// returned nil. [Inspect] shows a header without any key, and without proof;
// [Lint] adds what speaks against the message.
//
// # Another wrapping key
//
// [Client.Reencrypt] gives a message to other wrapping keys under a new data
// key, as a stream, which is how to leave a key behind. [Client.Rewrap] keeps
// data key and frames and writes another header; only messages of format
// version 1 bear that, and it revokes nothing. The trap is to take it for more:
// who could open the old message may know the data key of the rewrapped one.
// Where the wrapping keys are in KMS, rotating one under its ARN changes no
// message at all.
//
// # Caching
//
// A [CachingManager] in place of the keyring lets many messages share a data
// key, so that a key service is asked once and not for each of them; see
// [CachingConfig] for its limits. The price: who learns one data key reads all
// messages under it, and access that was taken away at the key service lasts
// until the entry's age is over, or [MaterialsCache.Clear].
//
// # Errors
//
// Every failure is an [*Error] whose Kind is one of the package's sentinels,
// for errors.Is. None carries a key, plaintext or a context value.
//
// # What this does not protect against
//
// The length of the plaintext, the frame length, the context and the names of
// the wrapping keys can be read by anybody. Who has a wrapping key can write
// messages under it. An old message stays valid: replaying or deleting whole
// messages is for the caller to notice. Keys are zeroed after use as far as
// the program holds them, which does not reach copies in the runtime. Legacy
// suites and PKCS #1 v1.5 wrapping are here to read old messages.
//
// # Concurrency
//
// [Client], keyrings, managers and [ReaderAt] are immutable and, like
// [MaterialsCache], safe for concurrent use.
// A [Writer] or [Reader] is for one goroutine at a time, and uses several of
// its own for long messages; none of them outlives an error, Close, or the end
// of the work at hand.
//
// The format is described at
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html.
package envelope
