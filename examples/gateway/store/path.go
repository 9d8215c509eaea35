// SPDX-License-Identifier: Apache-2.0

package store

import (
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// The first letter of a file's or folder's name says what the rest is. A
// component is the text of a key between two slashes.
const (
	isObject   = 'o' // the last component of a key: an object file
	isFolder   = 'd' // a component with a slash behind it
	isContinue = 'c' // the beginning of a component too long for one file name
)

// longName is where a component is cut: file systems take names of 255 bytes.
const longName = 200

// MaxKey is the length of the longest key, in bytes.
const MaxKey = 1024

func validKey(key string) bool {
	return len(key) > 0 && len(key) <= MaxKey && utf8.ValidString(key) && strings.IndexByte(key, 0) < 0
}

// keyPath is the path of a key's file below the bucket's objects.
func keyPath(key string) string {
	var names []string
	for {
		component, rest, more := strings.Cut(key, "/")
		for {
			name, tail, cut := escape(component)
			if !cut {
				component = name
				break
			}
			names = append(names, string(isContinue)+name)
			component = tail
		}
		if !more {
			return filepath.Join(append(names, string(isObject)+component)...)
		}
		names = append(names, string(isFolder)+component)
		key = rest
	}
}

// escape makes a file name of a component. One that is too long is cut: name
// is then the beginning and tail what is left, unescaped. A cut name is always
// longer than an uncut one, which keeps walks in order: see walk.go.
func escape(component string) (name, tail string, cut bool) {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(component)+8)
	for i := 0; i < len(component); i++ {
		if len(b) >= longName {
			return string(b), component[i:], true
		}
		if c := component[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b), "", len(b) >= longName
}

func plain(c byte) bool { return plainBytes[c] }

// plainBytes are the bytes that stand for themselves.
var plainBytes = func() (table [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=+,@()") {
		table[c] = true
	}
	return table
}()

// unescape is the inverse of escape. It refuses names that escape never makes.
func unescape(name string) (string, bool) {
	clean := 0
	for clean < len(name) && plain(name[clean]) {
		clean++
	}
	if clean == len(name) { // most names need no copy
		return name, true
	}
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case plain(c):
		case c == '%' && i+2 < len(name) && nibble(name[i+1]) >= 0 && nibble(name[i+2]) >= 0:
			c = byte(nibble(name[i+1])<<4 | nibble(name[i+2]))
			i += 2
		default:
			return "", false
		}
		b = append(b, c)
	}
	return string(b), true
}

func nibble(c byte) int { return strings.IndexByte("0123456789ABCDEF", c) }

// entryText is what a folder's entry adds to the key text of its folder, and
// whether keys continue below it.
func entryText(name string) (text string, below, ok bool) {
	if name == "" {
		return "", false, false
	}
	text, ok = unescape(name[1:])
	if !ok {
		return "", false, false
	}
	switch name[0] {
	case isObject:
		return text, false, true
	case isFolder:
		return text + "/", true, true
	case isContinue:
		return text, true, true
	default:
		return "", false, false
	}
}
