// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// span is the part of a body that a GET or a copy wants.
type span struct {
	offset, length int64
	partial        bool
	part           int // the number asked for, where the span is a part
}

// span reads the Range header or the partNumber parameter.
func (c *call) span(info *store.Info) (span, error) {
	text := c.r.Header.Get("Range")
	if c.query.Has("partNumber") {
		if text != "" {
			return span{}, refuse("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
		}
		return partSpan(info, c.query.Get("partNumber"))
	}
	if match := c.r.Header.Get("If-Range"); match != "" && match != quote(info.ETag) && match != info.Modified.UTC().Format(http.TimeFormat) {
		text = ""
	}
	return parseRange(text, info.Size)
}

// parseRange reads one byte range. What is no range at all, and a list of
// ranges, mean the whole body, as HTTP has it.
func parseRange(text string, size int64) (span, error) {
	whole := span{length: size}
	unit, spec, ok := strings.Cut(text, "=")
	if !ok || !strings.EqualFold(unit, "bytes") || strings.Contains(spec, ",") {
		return whole, nil
	}
	from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return whole, nil
	}
	first, errFirst := parseOffset(from)
	last, errLast := parseOffset(to)
	unsatisfiable := refuse("InvalidRange", "The requested range is not satisfiable").
		with("RangeRequested", text).with("ActualObjectSize", strconv.FormatInt(size, 10))
	switch {
	case from == "" && errLast == nil: // the last bytes
		if last == 0 || size == 0 {
			return span{}, unsatisfiable
		}
		n := min(int64(last), size)
		return span{offset: size - n, length: n, partial: true}, nil
	case errFirst != nil || to != "" && errLast != nil || to != "" && last < first:
		return whole, nil
	case int64(first) >= size:
		return span{}, unsatisfiable
	case to == "" || int64(last) >= size:
		last = uint64(size - 1)
	}
	return span{offset: int64(first), length: int64(last-first) + 1, partial: true}, nil
}

// parseOffset reads a number; one too large for any object is the largest there
// is.
func parseOffset(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxInt64, nil
	}
	return n, err
}

// partSpan is the part of a multipart object that has a number, counted from 1.
func partSpan(info *store.Info, text string) (span, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > store.MaxPart {
		return span{}, refuse("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", store.MaxPart)
	}
	if n > len(info.Parts) {
		f := refuse("InvalidPartNumber", "The requested partnumber is not satisfiable")
		f.Status = http.StatusRequestedRangeNotSatisfiable
		return span{}, f
	}
	s := span{part: n, partial: true}
	for _, p := range info.Parts[:n-1] {
		s.offset += p.Size
	}
	s.length = info.Parts[n-1].Size
	if info.Size == 0 || info.Parts[0].Number == 0 { // not a multipart object: its one part is all of it
		s.part, s.partial = 0, info.Size != 0
	}
	return s, nil
}

func (s span) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", s.offset, s.offset+s.length-1, size)
}

// checksums writes the checksums of what the span is: the object, or a part.
func (s span) checksums(h http.Header, info *store.Info) {
	sums := info.Checksums
	switch {
	case s.part > 0:
		sums = info.Parts[s.part-1].Checksums
	case s.partial && s.length != info.Size:
		return // S3 has none for a range
	case info.ChecksumType != "":
		h.Set("x-amz-checksum-type", info.ChecksumType)
	}
	for algorithm, sum := range sums {
		h.Set("x-amz-checksum-"+algorithm, sum)
	}
}
