// SPDX-License-Identifier: Apache-2.0

package cloudfront

import (
	"encoding/base64"
	"strings"
)

// alphabet is standard base64 with - for +, ~ for / and _ for the padding. It
// is not base64url, which has - and _ the other way about.
var alphabet = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~").WithPadding('_').Strict()

// decode reverses the alphabet for text of at most the given length, into room
// where that suffices. Line breaks, which encoding/base64 skips, are refused.
func decode(room []byte, text string, most int) ([]byte, bool) {
	if text == "" || len(text) > most || strings.IndexByte(text, '\r') >= 0 || strings.IndexByte(text, '\n') >= 0 {
		return nil, false
	}
	b, err := alphabet.AppendDecode(room[:0], []byte(text))
	return b, err == nil
}
