// SPDX-License-Identifier: Apache-2.0

package siege

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// form is a browser upload: its fields in order, the file among them.
type form struct {
	bucket     string
	conditions string
	expiration time.Time
	fields     [][2]string // before the credential's own
	file       string
	after      [][2]string // behind the file
	drop       string      // a field that is left out
	signature  string      // instead of the right one
	document   string      // instead of the policy that is built
	header     []string
}

func plainForm(a *attacker) *form {
	return &form{
		bucket: "siege", expiration: a.now.Add(time.Hour), file: "body",
		conditions: `{"bucket":"siege"},["starts-with","$key","lo"],["content-length-range",1,4]`,
		fields:     [][2]string{{"key", "loot"}},
	}
}

func (f *form) render(a *attacker) []byte {
	w := a.request("POST", "/"+f.bucket, "")
	credential := w.key + "/" + w.scope()
	document := f.document
	if document == "" {
		document = fmt.Sprintf(`{"expiration":"%s","conditions":[%s,{"x-amz-algorithm":"AWS4-HMAC-SHA256"},{"x-amz-credential":"%s"},{"x-amz-date":"%s"}]}`,
			f.expiration.Format("2006-01-02T15:04:05.000Z"), f.conditions, credential, w.date)
	}
	policy := base64.StdEncoding.EncodeToString([]byte(document))
	signature := hex.EncodeToString(mac(w.signingKey(), policy))
	if f.signature != "" {
		signature = f.signature
	}
	fields := append(slices.Clone(f.fields), [][2]string{
		{"x-amz-algorithm", "AWS4-HMAC-SHA256"},
		{"x-amz-credential", credential},
		{"x-amz-date", w.date},
		{"policy", policy},
		{"x-amz-signature", signature},
		{"file", f.file},
	}...)
	var body bytes.Buffer
	for _, field := range append(fields, f.after...) {
		if field[0] == f.drop {
			continue
		}
		filename := ""
		if field[0] == "file" {
			filename = `; filename="../../a.txt"`
		}
		fmt.Fprintf(&body, "--b\r\nContent-Disposition: form-data; name=%s%s\r\n\r\n%s\r\n", strconv.Quote(field[0]), filename, field[1])
	}
	body.WriteString("--b--\r\n")
	w.body = body.String()
	w.set("Content-Type", "multipart/form-data; boundary=b")
	w.header = append(w.header, f.header...)
	return w.render()
}

func formControl(a *attacker) []byte {
	f := plainForm(a)
	f.fields[0][1], f.conditions = "control", strings.Replace(f.conditions, `"lo"`, `"co"`, 1)
	return f.render(a)
}

// formAttacks are SIG-94 and PRE-65: conditions that nobody evaluates.
func formAttacks() []attack {
	var list []attack
	add := func(name, codes string, bend func(a *attacker, f *form)) {
		list = append(list, attack{name, codes, func(a *attacker) []byte {
			f := plainForm(a)
			bend(a, f)
			return f.render(a)
		}})
	}
	condition := func(text string) func(*attacker, *form) {
		return func(_ *attacker, f *form) { f.conditions += "," + text }
	}
	field := func(name, value string) func(*attacker, *form) {
		return func(_ *attacker, f *form) { f.fields = append(f.fields, [2]string{name, value}) }
	}
	add("SIG-94 another key", "AccessDenied", func(_ *attacker, f *form) {
		f.conditions = strings.Replace(f.conditions, `"lo"`, `"users/"`, 1)
	})
	add("SIG-94 a condition on a field that nobody knows", "AccessDenied", condition(`["eq","$color","red"]`))
	add("SIG-94 a content type that differs", "AccessDenied", func(a *attacker, f *form) {
		field("Content-Type", "text/html")(a, f)
		condition(`["starts-with","$Content-Type","image/"]`)(a, f)
	})
	add("SIG-94 one bad content type of a list", "AccessDenied", func(a *attacker, f *form) {
		field("Content-Type", "image/png,text/html")(a, f)
		condition(`["starts-with","$Content-Type","image/"]`)(a, f)
	})
	add("PRE-65 a field without a condition", "AccessDenied", field("x-amz-meta-owner", "mallory"))
	add("PRE-65 an ACL without a condition", "AccessDenied", field("acl", "public-read"))
	add("PRE-65 a field twice in another case", "InvalidArgument", field("KEY", "loot2"))
	add("PRE-65 no condition on the bucket", "AccessDenied", func(_ *attacker, f *form) {
		f.conditions = strings.Replace(f.conditions, `{"bucket":"siege"},`, "", 1)
	})
	add("PRE-65 the policy of another bucket", "AccessDenied", func(_ *attacker, f *form) {
		f.conditions = strings.Replace(f.conditions, `{"bucket":"siege"}`, `{"bucket":"other"}`, 1)
	})
	add("PRE-65 starts-with on the bucket", "InvalidPolicyDocument", func(_ *attacker, f *form) {
		f.conditions = strings.Replace(f.conditions, `{"bucket":"siege"}`, `["starts-with","$bucket",""]`, 1)
	})
	add("PRE-65 a bucket field of another", "AccessDenied", field("bucket", "other"))
	add("PRE-65 no key", "InvalidArgument AccessDenied", func(_ *attacker, f *form) { f.drop = "key" })
	add("PRE-65 no file", "InvalidArgument", func(_ *attacker, f *form) { f.drop = "file" })
	for _, name := range []string{"policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"} {
		add("PRE-34 no "+name, "InvalidArgument", func(_ *attacker, f *form) { f.drop = name })
	}
	add("PRE-65 too large", "EntityTooLarge", func(_ *attacker, f *form) { f.file = "bodyy" })
	add("PRE-65 too small", "EntityTooSmall", func(_ *attacker, f *form) { f.file = "" })
	add("PRE-65 two ranges, the last one wide", "EntityTooLarge", func(a *attacker, f *form) {
		condition(`["content-length-range",0,1000]`)(a, f)
		f.file = "bodyy"
	})
	add("PRE-65 expired", "AccessDenied", func(a *attacker, f *form) { f.expiration = a.now.Add(-time.Minute) })
	add("PRE-65 another signature", "SignatureDoesNotMatch", func(_ *attacker, f *form) { f.signature = strings.Repeat("0", 64) })
	add("SIG-95 an empty signature", "InvalidArgument SignatureDoesNotMatch", func(_ *attacker, f *form) {
		f.drop, f.fields = "x-amz-signature", append(f.fields, [2]string{"X-Amz-Signature", ""})
	})
	add("PRE-65 duplicate JSON keys", "InvalidPolicyDocument", func(a *attacker, f *form) {
		f.document = fmt.Sprintf(`{"expiration":"2000-01-01T00:00:00Z","expiration":"%s","conditions":[]}`, a.now.Add(time.Hour).Format(time.RFC3339))
	})
	add("PRE-43 a file name with path parts", "AccessDenied", func(_ *attacker, f *form) { f.fields[0][1] = "${filename}" })
	add("PRE-74 an Authorization header beside the form", "InvalidArgument AuthorizationHeaderMalformed MethodNotAllowed NotImplemented", func(_ *attacker, f *form) {
		f.header = []string{"Authorization: AWS4-HMAC-SHA256 x"}
	})
	add("SIG-93 the form's signature in the query", "InvalidArgument", func(_ *attacker, f *form) {
		f.bucket = "siege?X-Amz-Signature=" + strings.Repeat("0", 64)
	})
	return list
}
