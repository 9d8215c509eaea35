// SPDX-License-Identifier: Apache-2.0

package strictjson

// Limits bound a document. A field that is zero has its default.
type Limits struct {
	Size    int64 // bytes of the document; 1 MiB
	Depth   int   // objects and arrays inside each other; 16
	Tokens  int64 // tokens; one for each byte of Size
	Members int   // members of one object, elements are free; 10,000
	String  int   // bytes of one string, name or number as written; Size
	Value   int64 // bytes that Value may return, and so a scanner over a reader may hold; Size

	// PolicyEscapes also admits the escapes \$ and \v, which S3 POST policies
	// have and JSON lacks.
	PolicyEscapes bool
}

func (l Limits) filled() Limits {
	if l.Size == 0 {
		l.Size = 1 << 20
	}
	if l.Depth == 0 {
		l.Depth = 16
	}
	if l.Tokens == 0 {
		l.Tokens = l.Size
	}
	if l.Members == 0 {
		l.Members = 10_000
	}
	if l.String == 0 {
		l.String = int(min(l.Size, 1<<31-1))
	}
	if l.Value == 0 {
		l.Value = l.Size
	}
	return l
}
