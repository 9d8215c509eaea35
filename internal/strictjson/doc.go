// SPDX-License-Identifier: Apache-2.0

// Package strictjson reads JSON the way a security decision needs it read:
// the same bytes mean one thing or nothing. It is a scanner over a byte slice
// or a reader that hands out one token at a time, without copying.
//
// # What it refuses
//
// Besides everything RFC 8259 does not allow: a member name that occurs twice
// in one object (compared after its escapes are decoded), invalid UTF-8, an
// escape that is half of a surrogate pair, anything but white space after the
// document, and whatever exceeds a limit. A decoder that lets the last of two
// members win, as most do, can be made to disagree with one that lets the
// first win.
//
// # Reading
//
//	s := strictjson.New(data, strictjson.Limits{})
//	for {
//		kind, err := s.Next()
//		if err != nil {
//			return err
//		}
//		switch kind {
//		case strictjson.Name:
//			name := s.Text()  // decoded; valid until the next call
//		case strictjson.String, strictjson.Number:
//			value := s.Text()
//		case strictjson.End:
//			return nil
//		}
//	}
//
// The slices that Raw, Text and Value return point into the input or a buffer
// of the scanner: they are valid until the next call, and over a byte slice
// Raw and Value stay valid as long as it does.
//
// # Memory
//
// A scanner over a reader holds one buffer, as large as the longest token (or
// the longest value that Value was asked for), and the names of the members of
// the objects that are open. Close to nothing is allocated per document when a
// scanner is Reset and used again.
//
// A Scanner is for one goroutine.
package strictjson
