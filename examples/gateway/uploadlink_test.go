// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestUploadLinkKeys: a link is made with a key that still works, whichever of
// the user's entries has it, and not at all without one.
func TestUploadLinkKeys(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	config := &Config{Listen: "127.0.0.1:1", Region: "us-east-1", now: func() time.Time { return now }, Users: []User{
		{Name: "gone", AccessKeyID: "AKIAGONE", SecretAccessKey: "s", Expires: now},
		{Name: "both", AccessKeyID: "AKIAOLD", SecretAccessKey: "s", Expires: now.Add(-time.Hour)},
		{Name: "both", AccessKeyID: "AKIANEW", SecretAccessKey: "s", Expires: now.Add(time.Hour)},
	}}
	for user, want := range map[string]int{"gone": 3, "both": 0, "nobody": 2} {
		var out strings.Builder
		l := linkFlags{target: "bucket/in/", user: user, maxBytes: 1, expires: time.Minute}
		require.Equal(t, want, l.print(&out, config), user)
		require.Equal(t, want == 0, out.Len() > 0, user)
	}
}

// TestUploadLinkURL: without -url the link leads to where the gateway listens,
// and where that is every address it says that it needs one.
func TestUploadLinkURL(t *testing.T) {
	for _, c := range []struct {
		listen, cert, url, want string
		status                  int
	}{
		{"127.0.0.1:1", "", "", "http://127.0.0.1:1/upload#", 0},
		{"127.0.0.1:1", "cert.pem", "", "https://127.0.0.1:1/upload#", 0},
		{":1", "", "", "", 2},
		{"0.0.0.0:1", "", "", "", 2},
		{"[::]:1", "", "", "", 2},
		{":1", "", "https://files.example/", "https://files.example/upload#", 0},
	} {
		config := &Config{Listen: c.listen, TLSCert: c.cert, Region: "us-east-1", now: time.Now, Users: []User{{Name: "a", AccessKeyID: "AKIA", SecretAccessKey: "s"}}}
		var out strings.Builder
		l := linkFlags{target: "bucket/in/", user: "a", url: c.url, maxBytes: 1, expires: time.Minute}
		require.Equal(t, c.status, l.print(&out, config), c.listen)
		require.True(t, strings.HasPrefix(out.String(), c.want), out.String())
	}
}
