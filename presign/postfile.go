// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"io"
	"net/http"
	"strconv"

	"github.com/sallyport-go/sallyport/sigv4"
)

// postFile is the content of the uploaded file, held to the range of sizes
// while it streams.
type postFile struct {
	form     *formReader
	min, max int64 // max is -1 for no bound
	size     int64
	err      error // what every further Read returns
}

// Read returns content and, in place of io.EOF, an error where the form breaks
// off or the size is out of range. It never returns a byte beyond the bound.
func (f *postFile) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if f.max >= 0 && int64(len(p)) > f.max-f.size {
		if f.max == f.size {
			return 0, f.atBound()
		}
		p = p[:f.max-f.size]
	}
	n, err := f.form.read(p)
	f.size += int64(n)
	if err != nil {
		f.err = f.finish(err)
	}
	return n, f.err
}

// atBound looks whether the content ends exactly at the greatest size.
func (f *postFile) atBound() error {
	var one [1]byte
	n, err := f.form.read(one[:])
	switch {
	case n > 0:
		f.err = refuse(ErrSize, http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
		f.err.(*sigv4.Error).Fields = []sigv4.ErrorField{
			{Name: "ProposedSize", Value: strconv.FormatInt(f.size+1, 10)}, {Name: "MaxSizeAllowed", Value: strconv.FormatInt(f.max, 10)},
		}
	default:
		f.err = f.finish(err)
	}
	return f.err
}

// finish says what the end of the content is.
func (f *postFile) finish(err error) error {
	if err != io.EOF {
		return formError(err)
	}
	if f.size < f.min {
		e := refuse(ErrSize, http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		e.Fields = []sigv4.ErrorField{
			{Name: "ProposedSize", Value: strconv.FormatInt(f.size, 10)}, {Name: "MinSizeAllowed", Value: strconv.FormatInt(f.min, 10)},
		}
		return e
	}
	if err := f.form.drain(); err != nil {
		return formError(err)
	}
	return io.EOF
}
