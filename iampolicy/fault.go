// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"errors"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// fault is something wrong with a document that is JSON all the same.
type fault struct {
	at     span
	path   string
	code   string
	reason string
	fatal  bool // also with Lenient
}

// maxFaults bounds the faults of a document that are kept. AWS refuses it for
// any of them.
const maxFaults = 10_000

func (q *parser) wrap(err error) error {
	sentinel, code := ErrSyntax, "JSON_SYNTAX_ERROR"
	if errors.Is(err, strictjson.ErrLimit) {
		sentinel = ErrLimit
	}
	e := &Error{Code: code, Reason: err.Error(), err: sentinel}
	var js *strictjson.Error
	if errors.As(err, &js) {
		at := Position{Offset: int(js.Offset), Line: js.Line, Column: js.Column}
		e.Span, e.Reason = Span{Path: js.Path, Start: at, End: at}, js.Reason
	}
	return e
}

// fault records something wrong at the current token.
func (q *parser) fault(el elementSet, code, reason string, fatal bool) {
	path := ""
	if !q.enough(fatal) {
		path = q.s.Path()
	}
	q.faultAt(q.at(), path, el, code, reason, fatal)
}

// enough reports whether nobody asks for further faults; the first fatal one is
// asked for always.
func (q *parser) enough(fatal bool) bool {
	n := len(q.p.faults)
	return n > 0 && q.first || n >= maxFaults && (!fatal || q.fatal)
}

func (q *parser) faultAt(at span, path string, el elementSet, code, reason string, fatal bool) {
	if q.st != nil {
		q.st.bad |= el
	}
	if q.enough(fatal) {
		return
	}
	q.fatal = q.fatal || fatal
	q.p.faults = append(q.p.faults, fault{at: at, path: path, code: code, reason: reason, fatal: fatal})
}
