// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"
)

const (
	maxTrailers      = 16      // trailers of one body
	maxTrailerBlock  = 8 << 10 // bytes of all trailer lines together
	trailerSignature = "x-amz-trailer-signature"
)

// trailer is one name:value line after the last chunk; the name is lower case
// and the value trimmed.
type trailer struct{ name, value string }

// sortTrailers puts trailers into the order in which they are signed.
func sortTrailers(t []trailer) {
	slices.SortFunc(t, func(a, b trailer) int { return strings.Compare(a.name, b.name) })
}

// appendTrailers writes the lines name:value, each ended by eol: "\n" in what
// is signed, "\r\n" on the wire.
func appendTrailers(dst []byte, t []trailer, eol string) []byte {
	for _, line := range t {
		dst = append(dst, line.name...)
		dst = append(dst, ':')
		dst = append(dst, line.value...)
		dst = append(dst, eol...)
	}
	return dst
}

// trailerHash is the last line of a trailer's string to sign (SIG-51).
func trailerHash(t []trailer) [sha256.Size]byte {
	return sha256.Sum256(appendTrailers(nil, t, "\n"))
}

// parseAnnounced reads the value of x-amz-trailer: the names, lower case and
// sorted. It refuses an empty list, an empty or repeated name, one that is no
// token, and the name that carries the signature.
func parseAnnounced(value string) ([]string, error) {
	if len(value) > maxTrailerBlock {
		return nil, errTrailer("x-amz-trailer is too long")
	}
	names := strings.Split(strings.ToLower(value), ",")
	if len(names) > maxTrailers {
		return nil, errTrailer("x-amz-trailer announces too many trailers")
	}
	for i, name := range names {
		names[i] = strings.Trim(name, " \t")
		if !isToken(names[i]) || names[i] == trailerSignature {
			return nil, errTrailer("x-amz-trailer does not name the trailers of the body")
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		return nil, errTrailer("x-amz-trailer names a trailer twice")
	}
	return names, nil
}

// isToken reports whether s is a header name.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// isFieldValue reports whether s may be a header's value: no control
// characters but the tab.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// trailerReader reads the lines between the 0-chunk and the end of the body.
type trailerReader struct {
	src  *bufio.Reader
	size int // bytes read so far
	line []byte
}

// read returns the trailers, sorted, and the signature that ends a signed
// block ("" where signed is false).
func (r *trailerReader) read(signed bool) ([]trailer, string, error) {
	var list []trailer
	for {
		line, err := r.next()
		if err != nil {
			return nil, "", err
		}
		if line == "" {
			if signed {
				return nil, "", errTrailer("the trailer has no signature")
			}
			break
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(name), strings.Trim(value, " \t")
		if !ok || !isToken(name) || !isFieldValue(value) {
			return nil, "", errTrailer("a trailer line is not name:value")
		}
		if signed && name == trailerSignature {
			return finishTrailers(list), value, r.end()
		}
		if len(list) == maxTrailers {
			return nil, "", errTrailer("more trailers than a body may have")
		}
		list = append(list, trailer{name, value})
	}
	return finishTrailers(list), "", nil
}

func finishTrailers(list []trailer) []trailer {
	sortTrailers(list)
	return list
}

// end demands the empty line that closes the block.
func (r *trailerReader) end() error {
	line, err := r.next()
	if err == nil && line != "" {
		return errTrailer("something follows the trailer's signature")
	}
	return err
}

// next returns one line without its end. A line that ends with a bare LF is
// taken only if CR LF stands right behind it, as minio-go writes (SIG-52).
func (r *trailerReader) next() (string, error) {
	r.line = r.line[:0]
	for {
		piece, err := r.src.ReadSlice('\n')
		r.size += len(piece)
		if r.size > maxTrailerBlock {
			return "", errTrailer("the trailers are longer than 8 KiB")
		}
		r.line = append(r.line, piece...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", truncated(err)
		}
	}
	line := r.line[:len(r.line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return string(line[:n-1]), nil
	}
	if len(line) == 0 {
		return "", errTrailer("a trailer line ends without CR")
	}
	var crlf [2]byte
	if _, err := io.ReadFull(r.src, crlf[:]); err != nil {
		return "", truncated(err)
	}
	if string(crlf[:]) != "\r\n" {
		return "", errTrailer("a trailer line ends without CR")
	}
	r.size += 2
	return string(line), nil
}

// matchTrailers demands that exactly the announced names arrived, each once.
// Both lists are sorted.
func matchTrailers(announced []string, got []trailer) error {
	same := slices.EqualFunc(announced, got, func(name string, t trailer) bool { return name == t.name })
	if !same {
		return errTrailer("the trailers are not those that x-amz-trailer announced")
	}
	return nil
}
