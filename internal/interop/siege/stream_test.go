// SPDX-License-Identifier: Apache-2.0

package siege

import (
	"fmt"
	"strconv"
	"strings"
)

// piece is as large as a chunk that is not the last has to be.
var piece = strings.Repeat("0123456789abcdef", 512)

// stream is a signed upload in two chunks: the request and its framed pieces.
func stream(a *attacker, path string, change func(w *wire)) (*wire, []string) {
	w := a.request("PUT", path, "")
	w.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	w.set("x-amz-decoded-content-length", strconv.Itoa(2*len(piece)))
	if change != nil {
		change(w)
	}
	w.headers()
	return w, w.chunks(piece, piece)
}

func streamControl(a *attacker) []byte {
	w, _ := stream(a, "/siege/control", nil)
	return w.render()
}

// unsignedTrailer is an upload whose chunks carry no signatures.
func unsignedTrailer(a *attacker, path, body string) *wire {
	w := a.request("PUT", path, "")
	w.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	w.set("x-amz-decoded-content-length", "4").set("x-amz-trailer", "x-amz-checksum-crc32")
	w.headers()
	w.body = body
	return w
}

// streamAttacks are those on bodies in chunks.
func streamAttacks() []attack {
	list := []attack{
		{"SIG-87 CVE-2025-31489 garbage for a seed signature", "SignatureDoesNotMatch", func(a *attacker) []byte {
			w := unsignedTrailer(a, loot, "4\r\nbody\r\n0\r\nx-amz-checksum-crc32:iyK5ag==\r\n\r\n")
			last := len(w.header) - 1
			w.header[last] = strings.Replace(w.header[last], w.seed, strings.Repeat("0", 64), 1)
			return w.render()
		}},
		{"SIG-54 another checksum in the trailer", "BadDigest", func(a *attacker) []byte {
			return unsignedTrailer(a, loot, "4\r\nbody\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n").render()
		}},
		{"SIG-54 a trailer that was not announced", "MalformedTrailerError", func(a *attacker) []byte {
			return unsignedTrailer(a, loot, "4\r\nbody\r\n0\r\nx-amz-checksum-crc32:iyK5ag==\r\nx-amz-meta-a:1\r\n\r\n").render()
		}},
		{"SIG-54 the announced trailer left out", "MalformedTrailerError", func(a *attacker) []byte {
			return unsignedTrailer(a, loot, "4\r\nbody\r\n0\r\n\r\n").render()
		}},
		{"SIG-103 endless trailers", "MalformedTrailerError IncompleteBody", func(a *attacker) []byte {
			return unsignedTrailer(a, loot, "4\r\nbody\r\n0\r\n"+strings.Repeat("x-amz-meta-a:1\r\n", 100_000)+"\r\n").render()
		}},
		{"SIG-103 a chunk header without an end", "InvalidRequest IncompleteBody MalformedTrailerError InvalidChunkSizeError", func(a *attacker) []byte {
			return unsignedTrailer(a, loot, strings.Repeat("0", 8<<20)).render()
		}},
		{"SIG-50 a chunk of 2^64 bytes", "InvalidRequest IncompleteBody", func(a *attacker) []byte {
			return unsignedTrailer(a, loot, "10000000000000000\r\nbody\r\n0\r\nx-amz-checksum-crc32:iyK5ag==\r\n\r\n").render()
		}},
		{"SIG-50 a negative chunk", "InvalidRequest IncompleteBody", func(a *attacker) []byte {
			return unsignedTrailer(a, loot, "-4\r\nbody\r\n0\r\nx-amz-checksum-crc32:iyK5ag==\r\n\r\n").render()
		}},
		{"SIG-57 a small chunk that is not the last", "InvalidChunkSizeError", func(a *attacker) []byte {
			w := a.request("PUT", loot, "")
			w.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
			w.set("x-amz-decoded-content-length", "8").headers().chunks("body", "body")
			return w.render()
		}},
	}
	for name, bend := range map[string]func(w *wire, framed []string){
		"SIG-101 cut after the first chunk": func(w *wire, f []string) { w.body = f[0] },
		"SIG-101 cut inside a chunk":        func(w *wire, f []string) { w.body = f[0][:200] },
		"SIG-101 no last chunk":             func(w *wire, f []string) { w.body = f[0] + f[1] },
		"SIG-101 the first chunk twice":     func(w *wire, f []string) { w.body = f[0] + f[0] + f[2] },
		"SIG-101 chunks in another order":   func(w *wire, f []string) { w.body = f[1] + f[0] + f[2] },
		"SIG-101 bytes after the end":       func(w *wire, f []string) { w.body += "more" },
		"SIG-101 a second end":              func(w *wire, f []string) { w.body += f[2] },
		"SIG-101 the first chunk dropped":   func(w *wire, f []string) { w.body = f[1] + f[2] },
		"SIG-49 a bit of the data":          func(w *wire, f []string) { w.body = strings.Replace(w.body, "0123", "0132", 1) },
		"SIG-50 another chunk extension": func(w *wire, f []string) {
			w.body = strings.Replace(w.body, ";chunk-signature", ";x=1;chunk-signature", 1)
		},
		"SIG-50 no carriage return":          func(w *wire, f []string) { w.body = strings.Replace(w.body, "\r\n", "\n", 1) },
		"SIG-50 the chunk unsigned":          func(w *wire, f []string) { w.body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 2*len(piece), piece+piece) },
		"SIG-103 terabytes announced in hex": func(w *wire, f []string) { w.body = "ffffffffffff;" + strings.SplitN(f[0], ";", 2)[1] + f[1] + f[2] },
	} {
		list = append(list, attack{name, "IncompleteBody SignatureDoesNotMatch InvalidRequest InvalidChunkSizeError", func(a *attacker) []byte {
			w, framed := stream(a, loot, nil)
			bend(w, framed)
			return w.render()
		}})
	}
	for _, length := range []string{"16385", "16383", "-1", "18446744073709551616", "0x4000", "1e3", "", " 16384 1"} {
		list = append(list, attack{fmt.Sprintf("SIG-102 decoded length %q", length), "IncompleteBody MissingContentLength InvalidRequest InvalidArgument", func(a *attacker) []byte {
			w, _ := stream(a, loot, func(w *wire) { w.header[len(w.header)-1] = "x-amz-decoded-content-length: " + length })
			return w.render()
		}})
	}
	list = append(list,
		attack{"SIG-102 no decoded length", "MissingContentLength", func(a *attacker) []byte {
			w, _ := stream(a, loot, func(w *wire) { w.header = w.header[:1] })
			return w.render()
		}},
		attack{"SIG-102 two decoded lengths", "InvalidRequest InvalidArgument AuthorizationHeaderMalformed", func(a *attacker) []byte {
			w, _ := stream(a, loot, func(w *wire) { w.set("x-amz-decoded-content-length", "1") })
			return w.render()
		}},
		attack{"SIG-48 a trailer announced where none may be", "InvalidRequest", func(a *attacker) []byte {
			w, _ := stream(a, loot, func(w *wire) { w.set("x-amz-trailer", "x-amz-checksum-crc32") })
			return w.render()
		}})
	return list
}
