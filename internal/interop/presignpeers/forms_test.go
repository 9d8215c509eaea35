// SPDX-License-Identifier: Apache-2.0

package presignpeers

import (
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/stretchr/testify/require"
)

// TestOurForms posts our forms to live servers.
func TestOurForms(t *testing.T) {
	interop.Require(t)
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			c := newClient(server, viaNetHTTP, true)
			c.createBucket(t)
			for _, p := range []presign.PostPolicy{
				{Bucket: bucket, KeyPrefix: "home/ann/", MinSize: 1, MaxSize: 10, Prefixes: map[string]string{"Content-Type": "text/"}},
				{Bucket: bucket, Key: "home/exact.txt", MaxSize: 10, Fields: map[string]string{"success_action_status": "201", "Content-Type": "text/plain", "x-amz-meta-who": "a \"b\" $ \\"}},
				{Bucket: bucket, Key: "home/${filename}", AnySize: true},
			} {
				c.form(t, &p, name != "versitygw")
			}
			testkit.Report(t, "interop", "presignpeers/our-forms/"+name, server.Version, c.n)
		})
	}
}

// form posts a policy's form: as it is, and in ways that it forbids. A server
// that does not expand ${filename} is sent the name.
func (c *client) form(t testing.TB, p *presign.PostPolicy, expands bool) {
	t.Helper()
	form, err := c.Post(c.keys, p)
	require.NoError(t, err)
	var fields [][2]string
	for _, f := range form.Fields {
		if f.Name == "Content-Type" && f.Open {
			f.Value = "text/x-test"
		}
		if !expands {
			f.Value = strings.Replace(f.Value, "${filename}", "up.txt", 1)
		}
		fields = append(fields, [2]string{f.Name, f.Value})
	}
	want := 204
	if p.Fields["success_action_status"] == "201" {
		want = 201
	}
	a := sendForm(t, form.URL, fields, "up.txt", "hello")
	require.Equal(t, want, a.status, a.body)
	key := strings.Replace(form.Value("key"), "${filename}", "up.txt", 1)
	got := c.want(t, 200, "")(c.Get(c.keys, bucket, key, nil))
	require.Equal(t, "hello", got.body)
	c.n++
	changed := func(name, value string) [][2]string {
		out := append([][2]string(nil), fields...)
		for i := range out {
			if out[i][0] == name {
				out[i][1] = value
			}
		}
		return out
	}
	refused := func(fields [][2]string, content string) {
		t.Helper()
		a := sendForm(t, form.URL, fields, "up.txt", content)
		require.Contains(t, []int{400, 403}, a.status, a.body)
		c.n++
	}
	refused(changed("key", "elsewhere"), "hello")
	refused(changed("x-amz-signature", strings.Repeat("0", 64)), "hello")
	if p.MaxSize > 0 {
		refused(fields, "hello, world")
	}
	if p.Prefixes != nil {
		refused(changed("Content-Type", "image/png"), "hello")
	}
}
