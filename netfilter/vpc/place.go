// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// place finds the value that a path such as "Vpcs[0].VpcId" leads to in one of
// the top-level objects of a document: its offset from 0, and its line and
// column from 1, columns in bytes. It is only asked about documents that decode.
func place(data []byte, page int, path string) (offset int64, line, column int) {
	f := &finder{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	for range page {
		f.skip()
	}
	offset = f.start()
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if !f.into(step) {
			break
		}
		offset = f.start()
	}
	before := data[:offset]
	return offset, bytes.Count(before, []byte("\n")) + 1, len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1
}

// finder walks a document by tokens.
type finder struct {
	data []byte
	dec  *json.Decoder
}

// start returns where the next value begins.
func (f *finder) start() int64 {
	at := min(f.dec.InputOffset(), int64(len(f.data)))
	for at < int64(len(f.data)) && bytes.IndexByte([]byte(" \t\r\n,:"), f.data[at]) >= 0 {
		at++
	}
	return at
}

func (f *finder) skip() {
	var v json.RawMessage
	_ = f.dec.Decode(&v)
}

// into goes to a member of the object, or to an element of the list, that comes
// next. Of members that stand twice a decoder takes the last, which netfilter
// refuses before.
func (f *finder) into(step string) bool {
	open, err := f.dec.Token()
	if err != nil {
		return false
	}
	index, _ := strconv.Atoi(step)
	for i := 0; f.dec.More(); i++ {
		if open == json.Delim('[') {
			if i == index {
				return true
			}
			f.skip()
			continue
		}
		key, err := f.dec.Token()
		if err != nil || key == step {
			return err == nil
		}
		f.skip()
	}
	return false
}
