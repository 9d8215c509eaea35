// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/internal/exact"
)

// keyringSpec is a keyring in JSON; which fields count depends on the type.
type keyringSpec struct {
	Type, Namespace, Name string

	Key  string   // raw-aes: base64; KMS: ARN
	Keys []string // kms-multi: ARNs

	Padding, Public, Private, Curve, Scheme string

	Generator *keyringSpec
	Children  []keyringSpec

	Region, Partition string
	Accounts          []string
}

func (s *keyringSpec) UnmarshalJSON(data []byte) error {
	if nesting(data) > 2*maxNested { // an object and a list for each
		return inputError("keyrings are nested too deeply")
	}
	return exact.Unmarshal(data,
		exact.Member{Name: "type", To: &s.Type},
		exact.Member{Name: "namespace", To: &s.Namespace},
		exact.Member{Name: "name", To: &s.Name},
		exact.Member{Name: "key", To: &s.Key},
		exact.Member{Name: "keys", To: &s.Keys},
		exact.Member{Name: "padding", To: &s.Padding},
		exact.Member{Name: "public", To: &s.Public},
		exact.Member{Name: "private", To: &s.Private},
		exact.Member{Name: "curve", To: &s.Curve},
		exact.Member{Name: "scheme", To: &s.Scheme},
		exact.Member{Name: "generator", To: &s.Generator},
		exact.Member{Name: "children", To: &s.Children},
		exact.Member{Name: "region", To: &s.Region},
		exact.Member{Name: "partition", To: &s.Partition},
		exact.Member{Name: "accounts", To: &s.Accounts})
}

// build makes the keyring.
func (s *keyringSpec) build(ctx context.Context, services *kmsServices) (envelope.Keyring, error) {
	switch s.Type {
	case "raw-aes":
		key, err := base64.StdEncoding.DecodeString(s.Key)
		if err != nil {
			return nil, inputError("the key of a raw-aes keyring is not base64")
		}
		return asKeyring(envelope.NewRawAES(s.Namespace, s.Name, key))
	case "raw-rsa":
		return s.rawRSA()
	case "raw-ecdh":
		return s.rawECDH()
	case "multi":
		return s.multi(ctx, services)
	case "kms", "kms-mrk", "kms-multi", "kms-discovery", "kms-mrk-discovery", "kms-rsa":
		return s.kms(ctx, services)
	default:
		return nil, inputError(fmt.Sprintf("unknown keyring type %q", s.Type))
	}
}

// asKeyring keeps a nil pointer from becoming a keyring.
func asKeyring[K envelope.Keyring](k K, err error) (envelope.Keyring, error) {
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (s *keyringSpec) multi(ctx context.Context, services *kmsServices) (envelope.Keyring, error) {
	var generator envelope.Keyring
	var err error
	if s.Generator != nil {
		if generator, err = s.Generator.build(ctx, services); err != nil {
			return nil, err
		}
	}
	children := make([]envelope.Keyring, len(s.Children))
	for i := range s.Children {
		if children[i], err = s.Children[i].build(ctx, services); err != nil {
			return nil, err
		}
	}
	return asKeyring(envelope.NewMulti(generator, children...))
}

func (s *keyringSpec) rawRSA() (envelope.Keyring, error) {
	cfg := envelope.RawRSAConfig{Namespace: s.Namespace, Name: s.Name}
	if err := cfg.Padding.UnmarshalText([]byte(s.Padding)); err != nil {
		return nil, err
	}
	if s.Public != "" {
		var err error
		if cfg.Public, err = rsaPublic(s.Public); err != nil {
			return nil, err
		}
	}
	if s.Private != "" {
		key, err := parsePrivate(s.Private)
		if err != nil {
			return nil, err
		}
		if cfg.Private, _ = key.(*rsa.PrivateKey); cfg.Private == nil {
			return nil, inputError("the private key is not an RSA key")
		}
	}
	return asKeyring(envelope.NewRawRSA(cfg))
}

func rsaPublic(text string) (*rsa.PublicKey, error) {
	key, err := parsePublic([]byte(text))
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, inputError("the public key is not an RSA key")
	}
	return public, nil
}

func (s *keyringSpec) rawECDH() (envelope.Keyring, error) {
	curve := map[string]ecdh.Curve{"P256": ecdh.P256(), "P384": ecdh.P384(), "P521": ecdh.P521()}[s.Curve]
	if curve == nil {
		return nil, &envelope.Error{Kind: envelope.ErrUnsupported, Detail: fmt.Sprintf("curve %q", s.Curve), Offset: -1} // SM2 among them
	}
	var cfg envelope.RawECDHConfig
	switch s.Scheme {
	case "static", "ephemeral", "discovery":
	default:
		return nil, inputError(fmt.Sprintf("unknown scheme %q", s.Scheme))
	}
	var err error
	if s.Scheme != "discovery" {
		if cfg.Public, err = ecdhPublic(s.Public); err != nil {
			return nil, err
		}
		if cfg.Public.Curve() != curve {
			return nil, inputError("the public key is of another curve")
		}
	}
	if s.Scheme != "ephemeral" {
		if cfg.Private, err = ecdhPrivate(s.Private); err != nil {
			return nil, err
		}
		if cfg.Private.Curve() != curve {
			return nil, inputError("the private key is of another curve")
		}
	}
	return asKeyring(envelope.NewRawECDH(cfg))
}

func ecdhPublic(text string) (*ecdh.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, inputError("the public key is not base64")
	}
	key, err := parsePublic(der)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, inputError("the public key is not on an elliptic curve")
	}
	public, err := ec.ECDH()
	if err != nil {
		return nil, inputError("the public key is of no use for key agreement")
	}
	return public, nil
}

func ecdhPrivate(text string) (*ecdh.PrivateKey, error) {
	key, err := parsePrivate(text)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, inputError("the private key is not on an elliptic curve")
	}
	private, err := ec.ECDH()
	if err != nil {
		return nil, inputError("the private key is of no use for key agreement")
	}
	return private, nil
}

// parsePublic reads a public key, PEM or DER.
func parsePublic(data []byte) (any, error) {
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	if key, err := x509.ParsePKIXPublicKey(data); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PublicKey(data); err == nil {
		return key, nil
	}
	return nil, inputError("the public key cannot be parsed")
}

// parsePrivate reads a private key in PEM.
func parsePrivate(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, inputError("the private key is not PEM")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, inputError("the private key cannot be parsed")
}

// keyring makes the keyring of the command line: the first key makes data keys,
// each of them opens messages.
func (l keyList) keyring(ctx context.Context) (envelope.Keyring, error) {
	rings, err := l.keyrings(ctx)
	if err != nil || len(rings) == 1 {
		return first(rings), err
	}
	return asKeyring(envelope.NewMulti(rings[0], rings[1:]...))
}

func first(rings []envelope.Keyring) envelope.Keyring {
	if len(rings) == 0 {
		return nil
	}
	return rings[0]
}

func (l keyList) keyrings(ctx context.Context) ([]envelope.Keyring, error) {
	rings, services := make([]envelope.Keyring, len(l)), &kmsServices{}
	for i, source := range l {
		spec := &keyringSpec{Type: "kms-mrk", Key: source.arn}
		var err error
		if source.arn == "" {
			if spec, err = readKeyFile(source.file); err != nil {
				return nil, err
			}
		}
		if rings[i], err = spec.build(ctx, services); err != nil {
			return nil, err
		}
	}
	return rings, nil
}

// readKeyFile reads a keyring in JSON, or an AES key, raw or in base64.
func readKeyFile(name string) (*keyringSpec, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	text := bytes.TrimSpace(data)
	if len(text) > 0 && text[0] == '{' && (!isKey(data) || json.Valid(text)) { // a raw key may begin with any byte
		spec := &keyringSpec{}
		if err := json.Unmarshal(text, spec); err != nil {
			return nil, fmt.Errorf("%s: not a keyring", name)
		}
		return spec, nil
	}
	if decoded, err := base64.StdEncoding.DecodeString(string(text)); err == nil && isKey(decoded) {
		data = decoded
	}
	if !isKey(data) {
		return nil, errors.New(name + ": neither a key of 16, 24 or 32 bytes nor a keyring")
	}
	return &keyringSpec{Type: "raw-aes", Namespace: "seal", Name: "key", Key: base64.StdEncoding.EncodeToString(data)}, nil
}

func isKey(b []byte) bool { return len(b) == 16 || len(b) == 24 || len(b) == 32 }
