// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
)

// ticket is what the page reads behind the #.
type ticket struct {
	Action  string      `json:"action"` // path of the bucket
	Fields  [][2]string `json:"fields"`
	Prefix  string      `json:"prefix"`
	Max     int64       `json:"max"` // bytes
	Expires time.Time   `json:"expires"`
}

// uploadLink makes a URL of the page that lets whoever has it upload files
// below a prefix, each of at most maxSize bytes, as the user.
func uploadLink(base string, config *Config, u User, bucket, prefix string, maxSize int64, expires time.Duration) (string, error) {
	signer := &presign.S3{Region: config.Region, Endpoint: presign.Endpoint{URL: base, PathStyle: true}}
	form, err := signer.Post(sigv4.Credentials{AccessKeyID: u.AccessKeyID, SecretAccessKey: u.SecretAccessKey, SessionToken: u.SessionToken, Expires: u.Expires},
		&presign.PostPolicy{
			Bucket: bucket, KeyPrefix: prefix, MaxSize: maxSize, Expires: expires,
			Prefixes: map[string]string{"Content-Type": ""}, Fields: map[string]string{"success_action_status": "201"},
		})
	if err != nil {
		return "", err
	}
	t := ticket{Action: "/" + bucket, Prefix: prefix, Max: maxSize, Expires: form.ExpiresAt}
	for _, f := range form.Fields {
		t.Fields = append(t.Fields, [2]string{f.Name, f.Value})
	}
	text, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	return base + uploadPath + "#" + base64.RawURLEncoding.EncodeToString(text), nil
}

// linkFlags are the flags of -upload-link.
type linkFlags struct {
	target, user, url string
	maxBytes          int64
	expires           time.Duration
}

func (l *linkFlags) register(flags *flag.FlagSet) {
	flags.StringVar(&l.target, "upload-link", "", "print a link to the upload page for `BUCKET/PREFIX`, and end")
	flags.StringVar(&l.user, "user", "", "the `name` of the user as whom the link uploads")
	flags.StringVar(&l.url, "url", "", "the gateway's `URL` as the browser sees it; default the configured address")
	flags.Int64Var(&l.maxBytes, "max-bytes", 100<<20, "the `size` of the largest file that the link takes")
	flags.DurationVar(&l.expires, "expires", time.Hour, "how long the link works")
}

// listenURL is where the gateway listens, or "" where that is every address.
func listenURL(config *Config) string {
	host, _, err := net.SplitHostPort(config.Listen)
	if addr, errAddr := netip.ParseAddr(host); err != nil || host == "" || errAddr == nil && addr.IsUnspecified() {
		return ""
	}
	if config.TLSCert != "" {
		return "https://" + config.Listen
	}
	return "http://" + config.Listen
}

// print prints the link, and returns the exit status.
func (l *linkFlags) print(out io.Writer, config *Config) int {
	bucket, prefix, _ := strings.Cut(l.target, "/")
	if l.url == "" {
		if l.url = listenURL(config); l.url == "" {
			fmt.Fprintln(os.Stderr, "gateway: -url is needed, since the gateway listens on every address")
			return 2
		}
	}
	known := false
	for _, u := range config.Users {
		if u.Name != l.user {
			continue
		}
		if known = true; !u.Expires.IsZero() && !u.Expires.After(config.now()) {
			continue // another entry may have a key that still works
		}
		link, err := uploadLink(strings.TrimSuffix(l.url, "/"), config, u, bucket, prefix, l.maxBytes, l.expires)
		if err != nil {
			fmt.Fprintln(os.Stderr, "gateway:", err)
			return 3
		}
		fmt.Fprintln(out, link)
		return 0
	}
	if known {
		fmt.Fprintf(os.Stderr, "gateway: the keys of the user %q have expired\n", l.user)
		return 3
	}
	fmt.Fprintf(os.Stderr, "gateway: no user %q\n", l.user)
	return 2
}
