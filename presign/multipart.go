// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"strings"
)

// The limits of a form. S3 documents 20 KB for everything before the file's
// content; the fields with the file's name put in may have as much.
const (
	maxPreData = 20_480
	maxFields  = 100
	maxDrain   = 64 << 10
	maxPadding = 1024 // white space behind a boundary
	bufferSize = 64 << 10
)

// What the form reader finds; the verifier turns them into S3's errors.
var (
	errFormSyntax  = errors.New("the body is no well-formed multipart/form-data")
	errFormTooLong = errors.New("too much before the file")
)

// formReader reads multipart/form-data with a bound on what precedes the file,
// which mime/multipart has none for: parts, their headers and the delimiters
// between them are counted as they are on the wire.
type formReader struct {
	r     io.Reader
	buf   []byte // buf[lo:hi] is read and not used
	lo    int
	hi    int
	gone  int    // bytes of the body before buf[0]
	known int    // bytes from lo on that are content for sure
	delim []byte // CRLF, two hyphens, the boundary
	err   error  // of r
	// emptyReads counts Reads without data or error.
	emptyReads int
}

// newFormReader reads up to the first part.
func newFormReader(r io.Reader, boundary string) (*formReader, error) {
	f := &formReader{r: r, buf: make([]byte, bufferSize), delim: []byte("\r\n--" + boundary)}
	// The first delimiter needs no CRLF before it.
	for f.hi-f.lo < len(f.delim) && f.fill() {
		continue
	}
	switch {
	case bytes.HasPrefix(f.buf[f.lo:f.hi], f.delim[2:]):
		f.lo += len(f.delim) - 2
	case bytes.HasPrefix(f.buf[f.lo:f.hi], f.delim):
		f.lo += len(f.delim)
	default:
		return nil, f.broken()
	}
	return f, nil
}

// broken returns the error of the underlying reader, or that of the syntax.
func (f *formReader) broken() error {
	if f.err != nil && f.err != io.EOF {
		return f.err
	}
	return errFormSyntax
}

// offset returns how many bytes of the body are used.
func (f *formReader) offset() int { return f.gone + f.lo }

// fill reads more, and reports false at the end and on errors.
func (f *formReader) fill() bool {
	if f.err != nil {
		return false
	}
	if f.lo > 0 && f.hi == len(f.buf) {
		f.gone += f.lo
		f.hi = copy(f.buf, f.buf[f.lo:f.hi])
		f.lo = 0
	}
	if f.hi == len(f.buf) {
		return false
	}
	n, err := f.r.Read(f.buf[f.hi:])
	f.hi += n
	f.err = err
	if n > 0 {
		f.emptyReads = 0
		return true
	}
	if f.emptyReads++; err == nil && f.emptyReads == 100 {
		f.err = io.ErrNoProgress
	}
	return f.err == nil
}

// afterDelim reads what follows a delimiter: white space and a line end, or
// two hyphens, which end the form.
func (f *formReader) afterDelim() (last bool, err error) {
	for f.hi-f.lo < 2 && f.fill() {
		continue
	}
	if bytes.HasPrefix(f.buf[f.lo:f.hi], []byte("--")) {
		f.lo += 2
		return true, nil
	}
	for range maxPadding {
		switch rest := f.buf[f.lo:f.hi]; {
		case bytes.HasPrefix(rest, []byte("\r\n")):
			f.lo += 2
			return false, nil
		case len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t'):
			f.lo++
		case len(rest) < 2 && f.fill():
		default:
			return false, f.broken()
		}
	}
	return false, errFormSyntax
}

// partHeader is what a part says of itself.
type partHeader struct {
	name, filename, contentType string
}

// header reads the header lines of a part.
func (f *formReader) header() (h partHeader, err error) {
	seen := false
	for {
		line, err := f.line()
		if err != nil {
			return h, err
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsFunc(name, notToken) {
			return h, errFormSyntax
		}
		switch value = strings.Trim(value, " \t"); lowerASCII(name) {
		case "content-disposition":
			if seen || !h.disposition(value) {
				return h, errFormSyntax
			}
			seen = true
		case "content-type":
			if h.contentType != "" {
				return h, errFormSyntax
			}
			h.contentType = value
		case "content-transfer-encoding":
			if e := lowerASCII(value); e != "binary" && e != "8bit" && e != "7bit" {
				return h, errFormSyntax
			}
		}
	}
	if !seen || f.startsWithDelim() {
		return h, errFormSyntax
	}
	return h, nil
}

// startsWithDelim reports whether a delimiter stands right behind the empty
// line that ends a header. Some readers take it for one, with the line end of
// the header as its own, and others for content; no client sends it.
func (f *formReader) startsWithDelim() bool {
	word := f.delim[2:]
	for f.hi-f.lo <= len(word) && f.fill() {
		continue
	}
	rest, ok := bytes.CutPrefix(f.buf[f.lo:f.hi], word)
	return ok && (len(rest) == 0 || isDelimEnd(rest[0]))
}

// disposition reads form-data; name="…"; filename="…".
func (h *partHeader) disposition(value string) bool {
	kind, params, err := mime.ParseMediaType(value)
	if err != nil || kind != "form-data" || params["name"] == "" {
		return false
	}
	h.name, h.filename = params["name"], params["filename"]
	return true
}

// isHeaderControl says of a character that no header line may hold it (RFC 9110,
// section 5.5): other readers refuse the form, or read it otherwise.
func isHeaderControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// notToken says of a character that no header name has it (RFC 9110, section
// 5.6.2).
func notToken(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c < 0x7f && strings.ContainsRune("!#$%&'*+-.^_`|~", c))
}

// line reads one header line, without its CRLF, inside the bound.
func (f *formReader) line() (string, error) {
	from := 0
	for {
		rest := f.buf[f.lo:f.hi]
		if i := bytes.Index(rest[from:], []byte("\r\n")); i >= 0 {
			line := string(rest[:from+i])
			f.lo += from + i + 2
			if f.offset() > maxPreData {
				return "", errFormTooLong
			}
			if strings.ContainsFunc(line, isHeaderControl) {
				return "", errFormSyntax
			}
			return line, nil
		}
		from = max(0, len(rest)-1)
		if f.offset()+len(rest) > maxPreData {
			return "", errFormTooLong
		}
		if !f.fill() {
			return "", f.broken()
		}
	}
}

// value reads the content of a part that is a field, up to its delimiter.
func (f *formReader) value() (string, error) {
	from := 0
	for {
		end, sure := f.find(from)
		switch {
		case f.offset()+end > maxPreData:
			return "", errFormTooLong
		case sure:
			value := string(f.buf[f.lo : f.lo+end])
			f.lo += end + len(f.delim)
			return value, nil
		}
		from = end
		if !f.fill() {
			return "", f.broken()
		}
	}
}

// find looks for the delimiter in what is buffered, from an index on. It
// returns where it begins and true or, when it is not there, how many bytes
// cannot belong to one and false.
func (f *formReader) find(from int) (end int, sure bool) {
	window := f.buf[f.lo:f.hi]
	for {
		i := bytes.Index(window[from:], f.delim)
		if i < 0 {
			break
		}
		from += i
		rest := window[from+len(f.delim):]
		switch {
		case len(rest) < 2:
			if f.err == nil {
				return from, false // what follows decides
			}
			return from, len(rest) == 0 || isDelimEnd(rest[0])
		case isDelimEnd(rest[0]) && (rest[0] != '-' || rest[1] == '-'):
			return from, true
		}
		from++ // the boundary is the beginning of a longer word
	}
	// A CR near the end may begin a delimiter.
	tail := max(from, len(window)-len(f.delim)-1)
	if i := bytes.IndexByte(window[tail:], '\r'); i >= 0 {
		return tail + i, false
	}
	return len(window), false
}

// isDelimEnd says of a byte behind the boundary that the boundary ends there. A
// line feed alone does, so that afterDelim refuses the form: mime/multipart takes
// such a line for a delimiter, and what one reader calls content another must
// not call parts.
func isDelimEnd(c byte) bool { return c == '-' || c == '\r' || c == '\n' || c == ' ' || c == '\t' }

// read copies content of the current part to p. At its end it returns io.EOF,
// with the delimiter used up; a body that ends before is an error.
func (f *formReader) read(p []byte) (int, error) {
	for {
		if f.known > 0 {
			n := copy(p, f.buf[f.lo:f.lo+f.known])
			f.lo += n
			f.known -= n
			return n, nil
		}
		end, sure := f.find(0)
		switch {
		case end > 0:
			f.known = end
			continue
		case sure:
			f.lo += len(f.delim)
			return 0, io.EOF
		case f.fill():
			continue
		}
		if err := f.broken(); err != errFormSyntax {
			return 0, err
		}
		return 0, io.ErrUnexpectedEOF
	}
}

// drain reads past what follows the file, up to a bound: it says whether the
// form ends as it should, as far as it looked.
func (f *formReader) drain() error {
	last, err := f.afterDelim()
	if err != nil || last {
		return err
	}
	from := f.offset()
	for f.offset()-from < maxDrain {
		end, sure := f.find(0)
		f.lo += end
		switch {
		case sure:
			f.lo += len(f.delim)
			if last, err := f.afterDelim(); err != nil || last {
				return err
			}
		case end == 0 && !f.fill():
			return f.broken()
		}
	}
	return nil
}
