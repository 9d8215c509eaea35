// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"html"
	"strings"
)

// String returns the form's URL and the names of its fields, without values: a
// form is a bearer secret.
func (f *PostForm) String() string {
	names := make([]string, len(f.Fields))
	for i, field := range f.Fields {
		names[i] = field.Name
	}
	return "POST " + f.URL + " " + strings.Join(names, ",")
}

// Value returns the value of a field, "" where there is none of that name.
func (f *PostForm) Value(name string) string {
	for _, field := range f.Fields {
		if field.Name == name {
			return field.Value
		}
	}
	return ""
}

// HTML returns the form element, everything in it escaped: hidden inputs for
// the fixed fields, text inputs for the open ones, and the file last.
func (f *PostForm) HTML() string {
	var b strings.Builder
	b.WriteString(`<form action="` + html.EscapeString(f.URL) + `" method="post" enctype="multipart/form-data">` + "\n")
	for _, field := range f.Fields {
		kind := "hidden"
		if field.Open {
			kind = "text"
		}
		b.WriteString(`  <input type="` + kind + `" name="` + html.EscapeString(field.Name) + `" value="` + html.EscapeString(field.Value) + `">` + "\n")
	}
	b.WriteString(`  <input type="file" name="file" required>` + "\n" + `  <button type="submit">Upload</button>` + "\n</form>\n")
	return b.String()
}
