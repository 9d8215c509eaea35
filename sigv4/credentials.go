// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/fips140"
	"fmt"
	"log/slog"
	"time"
)

// Credentials are what a client signs with. The zero value signs nothing:
// an access key id and a secret are required.
//
// A Credentials value may be copied and used by several goroutines. Printing
// it, with fmt or log/slog, shows the access key id only.
type Credentials struct {
	// AccessKeyID names the key; it travels in clear in every request.
	AccessKeyID string
	// SecretAccessKey never leaves the process.
	SecretAccessKey string
	// SessionToken accompanies temporary credentials; empty otherwise.
	SessionToken string
	// Expires is when temporary credentials end, in the zero value never or
	// not known. A Signer does not read it: a server answers for that.
	Expires time.Time
}

// String returns the access key id and hides the rest.
func (c Credentials) String() string {
	return fmt.Sprintf("sigv4.Credentials(%s, REDACTED)", c.AccessKeyID)
}

// GoString is String, so that %#v shows no secret either.
func (c Credentials) GoString() string { return c.String() }

// LogValue is what log/slog records: the access key id and the expiry.
func (c Credentials) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("access_key_id", c.AccessKeyID),
		slog.Time("expires", c.Expires),
	)
}

// Sign returns the signature of any text under the signing key of the scope,
// 64 lowercase hex digits. POST policies are signed so; requests are signed by
// a [Signer]. It returns ErrCredentials, ErrScope or ErrFIPS.
func (c Credentials) Sign(scope Scope, text []byte) (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	if err := scope.check(); err != nil {
		return "", err
	}
	k, err := newSigningKey(c.SecretAccessKey, scope)
	if err != nil {
		return "", err
	}
	sum := k.sum(text)
	return string(appendHex(nil, sum[:])), nil
}

func (c *Credentials) check() error {
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return fmt.Errorf("%w: access key id or secret is empty", ErrCredentials)
	}
	for i := 0; i < len(c.AccessKeyID); i++ {
		if b := c.AccessKeyID[i]; b <= ' ' || b >= 0x7f || b == ',' {
			return fmt.Errorf("%w: the access key id holds a space, a comma or a byte outside ASCII", ErrCredentials)
		}
	}
	for i := 0; i < len(c.SessionToken); i++ {
		if b := c.SessionToken[i]; b <= ' ' || b >= 0x7f {
			return fmt.Errorf("%w: the session token holds a space or a byte outside ASCII", ErrCredentials)
		}
	}
	return nil
}

// minFIPSKey is the shortest HMAC key, in bytes, that FIPS 140-only mode
// allows: 112 bits. The first key of the derivation is "AWS4" and the secret.
const minFIPSKey = 112 / 8

func checkFIPS(secret string) error {
	if fips140.Enforced() && len("AWS4")+len(secret) < minFIPSKey {
		return fmt.Errorf("%w: a secret of %d bytes makes an HMAC key under 112 bits", ErrFIPS, len(secret))
	}
	return nil
}
