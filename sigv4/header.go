// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// head is one header to sign: its lowercase name in the arena, and its values.
type head struct {
	lo, hi int
	key    string   // as in the map, to order spellings of one name
	values []string // several lines
	value  string   // one line, where values is nil
}

func (sc *scratch) headName(h *head) []byte { return sc.arena[h.lo:h.hi] }

// lowerCase maps each byte to itself, capitals to small letters.
var lowerCase = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			t[c] += 'a' - 'A'
		}
	}
	return t
}()

// addHead adds a header under its lowercase name.
func (sc *scratch) addHead(key string, values []string, value string) *head {
	lo := len(sc.arena)
	arena := append(sc.arena, key...)
	name := arena[lo:]
	for i, c := range name {
		name[i] = lowerCase[c]
	}
	sc.arena = arena
	sc.heads = append(sc.heads, head{lo: lo, hi: len(arena), key: key, values: values, value: value})
	return &sc.heads[len(sc.heads)-1]
}

// addOwnHead adds a header of one value, its name in lower case.
func (sc *scratch) addOwnHead(name, value string) {
	lo := len(sc.arena)
	sc.arena = append(sc.arena, name...)
	sc.heads = append(sc.heads, head{lo: lo, hi: len(sc.arena), key: name, value: value})
}

// rank is a header's place in the order: the first eight bytes of its name, and
// which head it is. Sorting these, and not the heads, took a tenth off Sign.
type rank struct {
	prefix uint64
	head   int
}

func (sc *scratch) compareRanks(a, b rank) int {
	if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
		return c
	}
	ha, hb := &sc.heads[a.head], &sc.heads[b.head]
	if c := bytes.Compare(sc.headName(ha), sc.headName(hb)); c != 0 {
		return c
	}
	return strings.Compare(ha.key, hb.key)
}

func (sc *scratch) rankOf(i int) rank {
	name := sc.headName(&sc.heads[i])
	if len(name) >= 8 {
		return rank{binary.BigEndian.Uint64(name), i}
	}
	var prefix uint64
	for j, c := range name {
		prefix |= uint64(c) << (56 - 8*j)
	}
	return rank{prefix, i}
}

// maxPlaced is how many headers are sorted without branches; most requests have
// fewer.
const maxPlaced = 16

// sortHeads fills sc.ranks: by lowercase name, spellings of one name in the
// order in which net/http writes them.
func (sc *scratch) sortHeads() {
	n := len(sc.heads)
	sc.ranks = slices.Grow(sc.ranks[:0], n)[:n]
	if n > maxPlaced {
		for i := range sc.ranks {
			sc.ranks[i] = sc.rankOf(i)
		}
		slices.SortFunc(sc.ranks, sc.compareRanks)
		return
	}
	if sc.placeHeads() {
		return
	}
	for i := 1; i < n; i++ { // only what has equal prefixes is still to be moved
		r, j := sc.ranks[i], i
		for ; j > 0 && sc.compareRanks(r, sc.ranks[j-1]) < 0; j-- {
			sc.ranks[j] = sc.ranks[j-1]
		}
		sc.ranks[j] = r
	}
}

// placeHeads puts each header where the number of smaller prefixes says, and
// reports whether no two are equal. A map gives headers in a new order each
// time, so that the branches of a sort are mispredicted: 0.02 of Sign.
func (sc *scratch) placeHeads() bool {
	var prefix [maxPlaced]uint64
	var place [maxPlaced]uint8
	distinct := true
	for i := range sc.heads {
		own := sc.rankOf(i).prefix
		var smaller uint8
		for j, other := range prefix[:i] {
			var less uint8
			if other < own {
				less = 1
			}
			distinct = distinct && other != own
			smaller += less
			place[j] += 1 - less
		}
		prefix[i], place[i] = own, smaller
	}
	for i := range sc.heads {
		sc.ranks[place[i]] = rank{prefix[i], i}
	}
	return distinct
}

// writeHeads sorts sc.heads and writes the header block, one name:value line
// each, to sc.block, and the names, joined with a semicolon, to sc.names.
func (sc *scratch) writeHeads() {
	sc.sortHeads()
	block, names := sc.block[:0], sc.names[:0]
	var previous *head
	for i := range sc.ranks {
		h := &sc.heads[sc.ranks[i].head]
		name := sc.headName(h)
		if previous != nil && string(sc.headName(previous)) == string(name) {
			block[len(block)-1] = ',' // another spelling of the name: one more line of it
		} else {
			if previous != nil {
				names = append(names, ';')
			}
			names = append(names, name...)
			block = append(block, name...)
			block = append(block, ':')
		}
		block = appendValues(block, h.values, h.value)
		block = append(block, '\n')
		previous = h
	}
	sc.block, sc.names = block, names
}

func appendValues(dst []byte, values []string, value string) []byte {
	if values == nil {
		return appendTrimmed(dst, value)
	}
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendTrimmed(dst, v)
	}
	return dst
}

// appendTrimmed appends a header value without spaces and tabs around it and
// with every inner run of them as one space, SIG-14. A line break of a folded
// header belongs to the run.
func appendTrimmed(dst []byte, v string) []byte {
	if isPlain(v) {
		return append(dst, v...)
	}
	for len(v) > 0 && isFold(v[0]) {
		v = v[1:]
	}
	for len(v) > 0 && isFold(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	run := 0
	for i := 0; i < len(v); i++ {
		if c := v[i]; c > ' ' || !isFold(c) || c == ' ' && !isFold(v[i+1]) {
			continue // the last byte is no space: i+1 exists
		}
		dst = append(dst, v[run:i]...)
		dst = append(dst, ' ')
		for isFold(v[i+1]) {
			i++
		}
		run = i + 1
	}
	return append(dst, v[run:]...)
}

// isPlain says whether v holds no byte up to the space, by eights: most values
// do not, and they are the larger part of a canonical request.
func isPlain(v string) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(v); i += 8 {
		x := uint64(v[i]) | uint64(v[i+1])<<8 | uint64(v[i+2])<<16 | uint64(v[i+3])<<24 |
			uint64(v[i+4])<<32 | uint64(v[i+5])<<40 | uint64(v[i+6])<<48 | uint64(v[i+7])<<56
		if (x-ones*(' '+1))&^x&highs != 0 {
			return false
		}
	}
	for ; i < len(v); i++ {
		if v[i] <= ' ' {
			return false
		}
	}
	return true
}

func isFold(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// signedByDefault says whether the default rule of SIG-23 signs a header that
// is neither host nor x-amz-*. Excluded is what proxies and transports add or
// rewrite.
func signedByDefault(name string) bool {
	switch name {
	case "authorization", "user-agent", "x-amzn-trace-id", "expect", "connection", "transfer-encoding",
		"accept-encoding", "te", "trailer", "upgrade", "keep-alive", "cookie":
		return false
	}
	return !strings.HasPrefix(name, "proxy-") && !strings.HasPrefix(name, "sec-") &&
		!strings.HasPrefix(name, "x-forwarded-")
}

// hostOf returns the host a client sends: r.Host, else the URL's.
func hostOf(r *http.Request) string {
	if r.Host != "" || r.URL == nil {
		return r.Host
	}
	return r.URL.Host
}

// appendSigned appends the line of the named header of a request. It reports
// false where no such header arrived.
func (sc *scratch) appendSigned(dst []byte, r *http.Request, a *arrival, host, name string) ([]byte, bool) {
	var (
		values []string
		value  string
		ok     bool
	)
	if name != "host" && name != "transfer-encoding" {
		values, ok = a.find(name)
	}
	if !ok {
		if values, value, ok = sc.arrived(r, host, name); !ok {
			return dst, false
		}
	}
	dst = append(dst, name...)
	dst = append(dst, ':')
	dst = appendValues(dst, values, value)
	return append(dst, '\n'), true
}

// arrived finds the value of a header where net/http keeps it (SIG-17): several
// lines in values, or one in value.
func (sc *scratch) arrived(r *http.Request, host, name string) (values []string, value string, ok bool) {
	switch name {
	case "host":
		return nil, host, host != ""
	case "transfer-encoding":
		if len(r.TransferEncoding) > 0 {
			return r.TransferEncoding, "", true
		}
	case "content-length":
		if _, ok := r.Header["Content-Length"]; !ok && r.ContentLength > 0 {
			return nil, strconv.FormatInt(r.ContentLength, 10), true
		}
	case "trailer":
		if _, ok := r.Header["Trailer"]; !ok && len(r.Trailer) > 0 {
			return trailerNames(r), "", true
		}
	case "expect":
		// The HTTP/2 server takes this one value away; the signature still
		// tells whether the client sent it.
		if _, ok := r.Header["Expect"]; !ok && r.ProtoMajor == 2 {
			return nil, "100-continue", true
		}
	}
	if strings.ToLower(name) != name {
		return nil, "", false
	}
	values = r.Header[string(sc.canonicalKey(name))]
	return values, "", len(values) > 0
}

func trailerNames(r *http.Request) []string {
	names := make([]string, 0, len(r.Trailer))
	for name := range r.Trailer {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// canonicalKey spells a lowercase name as net/http's map does, in a buffer
// that is good until the next call: textproto's function allocates for every
// x-amz- name.
func (sc *scratch) canonicalKey(name string) []byte {
	sc.tmp = append(sc.tmp[:0], name...)
	upper := true
	for i, c := range sc.tmp {
		if upper && 'a' <= c && c <= 'z' {
			sc.tmp[i] = c - ('a' - 'A')
		}
		upper = c == '-'
	}
	return sc.tmp
}

// amzPrefix is compared literally: x-amzn-trace-id does not have it (SIG-24).
const amzPrefix = "x-amz-"

// dropHead takes back the last addHead.
func (sc *scratch) dropHead() {
	last := len(sc.heads) - 1
	sc.arena = sc.arena[:sc.heads[last].lo]
	sc.heads = sc.heads[:last]
}

// selectHeaders adds the headers of r that the default rule signs.
func (sc *scratch) selectHeaders(r *http.Request) {
	sc.addOwnHead("host", hostOf(r))
	for key, values := range r.Header {
		if len(values) == 0 {
			continue
		}
		name := string(sc.headName(sc.addHead(key, values, "")))
		if name == "host" || !strings.HasPrefix(name, amzPrefix) && !signedByDefault(name) {
			sc.dropHead()
		}
	}
}
