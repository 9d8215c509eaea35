// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// refStream is the slow reading of an aws-chunked body (SIG-49 to SIG-59): the
// whole body in memory, cut apart with string functions, every rule in the
// order of the specification. It shares no code with the package.
type refStream struct {
	signed    bool             // chunks carry signatures
	key       []byte           // HMAC key, or
	pub       *ecdsa.PublicKey // the ECDSA key
	date      string
	scope     string
	seed      string
	trailers  []string // announced, in any order; nil in a mode without
	decoded   int      // promised length
	min       int
	published map[string]string
}

var errRef = errors.New("the reference refuses")

func (s *refStream) algorithm() string {
	if s.pub != nil {
		return "AWS4-ECDSA-P256-SHA256"
	}
	return "AWS4-HMAC-SHA256"
}

func hexSHA256(data string) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:])
}

// check verifies one signature of the chain and returns what the next one
// continues.
func (s *refStream) check(text, sig string) (string, bool) {
	if s.pub == nil {
		mac := hmac.New(sha256.New, s.key)
		mac.Write([]byte(text))
		return sig, sig == hex.EncodeToString(mac.Sum(nil))
	}
	if len(sig) != 144 {
		return "", false
	}
	sig = strings.TrimRight(sig, "*")
	der, err := hex.DecodeString(sig)
	if err != nil || sig != strings.ToLower(sig) {
		return "", false
	}
	digest := sha256.Sum256([]byte(text))
	return sig, ecdsa.VerifyASN1(s.pub, digest[:], der)
}

func (s *refStream) sigLen() int {
	if s.pub != nil {
		return 144
	}
	return 64
}

// decode returns the data of a body, or errRef.
func (s *refStream) decode(body string) (string, error) {
	pattern := `^([0-9a-fA-F]{1,16})\r\n`
	if s.signed {
		pattern = `^([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f*]{` + strconv.Itoa(s.sigLen()) + `})\r\n`
	}
	header := regexp.MustCompile(pattern)
	var data strings.Builder
	prev, last := s.seed, -1
	for {
		m := header.FindStringSubmatch(body)
		if m == nil {
			return "", errRef
		}
		body = body[len(m[0]):]
		size, err := strconv.ParseInt(m[1], 16, 64)
		if err != nil {
			return "", errRef
		}
		if size > 0 && last >= 0 && last < s.min {
			return "", errRef
		}
		if size > int64(s.decoded-data.Len()) || size > 0 && int64(len(body)) < size+2 {
			return "", errRef
		}
		chunk := body[:size]
		if s.signed {
			text := strings.Join([]string{
				s.algorithm() + "-PAYLOAD", s.date, s.scope, prev, hexSHA256(""), hexSHA256(chunk),
			}, "\n")
			ok := false
			if prev, ok = s.check(text, m[2]); !ok {
				return "", errRef
			}
		}
		if size == 0 {
			break
		}
		data.WriteString(chunk)
		last = int(size)
		if body[size:size+2] != "\r\n" {
			return "", errRef
		}
		body = body[size+2:]
	}
	if data.Len() != s.decoded {
		return "", errRef
	}
	if s.trailers == nil {
		if body != "\r\n" {
			return "", errRef
		}
		return data.String(), nil
	}
	return data.String(), s.trailer(body, prev, data.String())
}

// trailer judges everything behind the 0-chunk.
func (s *refStream) trailer(body, prev, data string) error {
	if len(body) > 8192 || !strings.HasSuffix(body, "\r\n\r\n") && body != "\r\n" {
		return errRef
	}
	body = strings.TrimSuffix(body, "\r\n")
	body = regexp.MustCompile(`([^\r\n])\n\r\n`).ReplaceAllString(body, "$1\r\n")
	var lines []string
	for body != "" {
		line, rest, ok := strings.Cut(body, "\r\n")
		if !ok || strings.ContainsAny(line, "\r\n") {
			return errRef
		}
		lines, body = append(lines, line), rest
	}
	sig := ""
	if s.signed {
		if len(lines) == 0 {
			return errRef
		}
		name, value, _ := strings.Cut(lines[len(lines)-1], ":")
		if !strings.EqualFold(name, "x-amz-trailer-signature") {
			return errRef
		}
		sig, lines = strings.Trim(value, " \t"), lines[:len(lines)-1]
	}
	s.published = map[string]string{}
	var names []string
	line := regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*$")
	for _, l := range lines {
		if !line.MatchString(l) {
			return errRef
		}
		name, value, _ := strings.Cut(l, ":")
		name = strings.ToLower(name)
		names = append(names, name)
		s.published[name] = strings.Trim(value, " \t")
	}
	want := slices.Clone(s.trailers)
	slices.Sort(want)
	slices.Sort(names)
	if !slices.Equal(want, names) {
		return errRef
	}
	if s.signed {
		var t strings.Builder
		for _, name := range names {
			t.WriteString(name + ":" + s.published[name] + "\n")
		}
		text := strings.Join([]string{s.algorithm() + "-TRAILER", s.date, s.scope, prev, hexSHA256(t.String())}, "\n")
		if _, ok := s.check(text, sig); !ok {
			return errRef
		}
	}
	return s.checksums(data)
}

func (s *refStream) checksums(data string) error {
	for name, value := range s.published {
		var sum []byte
		switch name {
		case "x-amz-checksum-crc32":
			sum = binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(data)))
		case "x-amz-checksum-crc32c":
			sum = binary.BigEndian.AppendUint32(nil, crc32.Checksum([]byte(data), crc32.MakeTable(crc32.Castagnoli)))
		case "x-amz-checksum-crc64nvme":
			sum = binary.BigEndian.AppendUint64(nil, refCRC64NVME(data))
		case "x-amz-checksum-sha1":
			s := sha1.Sum([]byte(data))
			sum = s[:]
		case "x-amz-checksum-sha256":
			s := sha256.Sum256([]byte(data))
			sum = s[:]
		default:
			continue
		}
		if value != base64.StdEncoding.EncodeToString(sum) {
			return errRef
		}
	}
	return nil
}

// refCRC64NVME works bit by bit.
func refCRC64NVME(data string) uint64 {
	crc := ^uint64(0)
	for i := range len(data) {
		crc ^= uint64(data[i])
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ 0x9a6c9329ac4bc9b5
			} else {
				crc >>= 1
			}
		}
	}
	return ^crc
}
