// SPDX-License-Identifier: Apache-2.0

package strictjson

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a text. Every error of a Scanner that is not the
// reader's own is an *Error that wraps one of them.
var (
	// ErrSyntax is text that is not JSON.
	ErrSyntax = errors.New("not JSON")
	// ErrDuplicate is a member name that occurs twice in one object.
	ErrDuplicate = errors.New("member name occurs twice in one object")
	// ErrUTF8 is text that is not UTF-8, or an escape that is no character.
	ErrUTF8 = errors.New("not UTF-8")
	// ErrLimit is text over one of the Limits.
	ErrLimit = errors.New("over a limit")
	// ErrShape is JSON that is not what the caller expects at this place; only
	// Fail makes it.
	ErrShape = errors.New("unexpected value")
)

// Error says what is wrong and where. Its text never holds a value of the
// document; the path holds the names of members.
type Error struct {
	Offset int64  // of the offending byte, from 0
	Line   int    // from 1
	Column int    // from 1, in bytes
	Path   string // such as Statement[1].Condition["s3:prefix"][0]; empty for the document itself
	Reason string // what is wrong, without the position
	err    error
}

// Error returns the reason with its position and path.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d, column %d (offset %d)", e.Line, e.Column, e.Offset)
	if e.Path != "" {
		b.WriteString(", at ")
		b.WriteString(e.Path)
	}
	b.WriteString(": ")
	b.WriteString(e.Reason)
	return b.String()
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.err }
