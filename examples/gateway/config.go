// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// Config is the one file that configures a gateway. Paths are relative to the
// file's own folder.
type Config struct {
	Listen  string `json:"listen"`  // address and port; default 127.0.0.1:9000
	Store   string `json:"store"`   // folder of the objects
	Region  string `json:"region"`  // default us-east-1
	Account string `json:"account"` // twelve digits: whom the buckets and users belong to
	Domain  string `json:"domain"`  // bucket.DOMAIN addresses a bucket; empty: only paths do
	TLSCert string `json:"tls_cert"`
	TLSKey  string `json:"tls_key"`
	Users   []User `json:"users"`

	Encryption Encryption `json:"encryption"` // the key that objects are encrypted under

	CDN CDN `json:"cdn"` // the path that CloudFront signed URLs and cookies open

	Audit Audit `json:"audit"` // the trail of every call

	SecurityGroup string   `json:"security_group"` // file of `aws ec2 describe-security-groups`; empty: everybody may connect
	Reload        duration `json:"reload"`         // how often changed files are looked for; default 1s

	Durability store.Durability `json:"durability"` // of objects: sync, the default, or write

	MaxObjectBytes int64    `json:"max_object_bytes"` // default 5 GiB
	MaxRequests    int      `json:"max_requests"`     // under way at once; default 256
	MaxConnections int      `json:"max_connections"`  // default 4096
	Stall          duration `json:"stall"`            // how long a body may stand still; default 30s
	UploadExpiry   duration `json:"upload_expiry"`    // when an unfinished upload is forgotten; default 168h

	dir      string
	stall    time.Duration
	now      func() time.Time // the clock of signatures, expiry, objects and records; deadlines have the system's
	document *document        // where its members are; nil: not from a file
}

// User is somebody with a key. Several entries may name one user, each with a
// key of its own.
type User struct {
	Name            string    `json:"name"`
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	SessionToken    string    `json:"session_token"` // of temporary keys
	Expires         time.Time `json:"expires,omitzero"`

	Policies []json.RawMessage `json:"policies"` // what the user may do: identity policies
}

// String names the user without the keys.
func (u User) String() string { return "user " + u.Name }

// duration is a time.Duration written as in "30s".
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// readConfig reads a configuration file.
func readConfig(path string) (*Config, error) {
	return fromFile(path, func(*Config) {})(files{})
}

// parseConfig reads a configuration strictly, changes it as the flags want and
// completes it.
func parseConfig(path string, text []byte, override func(*Config)) (*Config, error) {
	c := &Config{dir: filepath.Dir(path)}
	d, err := decodeStrictly(path, text, c)
	if err != nil {
		return nil, err
	}
	c.document = d
	override(c)
	return c, c.complete()
}

// path makes a path of the configuration one of this process.
func (c *Config) path(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}

// complete fills in defaults and checks what can be wrong.
func (c *Config) complete() error {
	setDefault(&c.Listen, "127.0.0.1:9000")
	setDefault(&c.Region, "us-east-1")
	setDefault(&c.Account, "123456789012")
	setDefault(&c.MaxObjectBytes, 5<<30)
	setDefault(&c.MaxRequests, 256)
	setDefault(&c.MaxConnections, 4096)
	setDefault(&c.Stall, duration(30*time.Second))
	setDefault(&c.Audit.Dir, "audit")
	setDefault(&c.Audit.KeyFile, "audit.pem")
	setDefault(&c.Audit.Rotate, duration(5*time.Minute))
	setDefault(&c.Audit.Digest, duration(time.Hour))
	setDefault(&c.Reload, duration(time.Second))
	setDefault(&c.UploadExpiry, duration(7*24*time.Hour))
	c.stall = time.Duration(c.Stall)
	if c.now == nil {
		c.now = time.Now
	}
	if c.Store == "" {
		return c.at("", errors.New("store: a folder is needed"))
	}
	if err := c.checkLimits(); err != nil {
		return err
	}
	for _, path := range []*string{&c.Store, &c.TLSCert, &c.TLSKey, &c.SecurityGroup, &c.Audit.Dir, &c.Audit.KeyFile} {
		*path = c.path(*path)
	}
	if err := c.Encryption.complete(c); err != nil {
		return err
	}
	return c.checkUsers()
}

// checkLimits refuses what would mean no limit, or a clock that does not tick.
func (c *Config) checkLimits() error {
	for _, limit := range []struct {
		path  string
		value int64
	}{
		{"reload", int64(c.Reload)},
		{"audit.rotate", int64(c.Audit.Rotate)},
		{"audit.digest", int64(c.Audit.Digest)},
		{"max_object_bytes", c.MaxObjectBytes},
		{"max_requests", int64(c.MaxRequests)},
		{"max_connections", int64(c.MaxConnections)},
		{"stall", int64(c.Stall)},
		{"upload_expiry", int64(c.UploadExpiry)},
	} {
		if limit.value <= 0 {
			return c.at(limit.path, errors.New("it has to be above 0"))
		}
	}
	return nil
}

func (c *Config) checkUsers() error {
	seen := map[string]bool{}
	for i, u := range c.Users {
		switch {
		case u.Name == "" || u.AccessKeyID == "" || u.SecretAccessKey == "":
			return c.at(fmt.Sprintf("users[%d]", i), errors.New("name, access_key_id and secret_access_key are needed"))
		case seen[u.AccessKeyID]:
			return c.at(fmt.Sprintf("users[%d].access_key_id", i), fmt.Errorf("access key %s is there twice", u.AccessKeyID))
		}
		seen[u.AccessKeyID] = true
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
