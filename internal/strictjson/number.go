// SPDX-License-Identifier: Apache-2.0

package strictjson

// number reads the number at pos. It reports false when more had to be read
// first, and on errors.
func (s *Scanner) number() bool {
	i, ok := numberEnd(s.data, s.pos)
	switch {
	case i == len(s.data) && !s.eof:
		if i-s.pos > s.limits.String {
			return s.failed(ErrLimit, s.pos, "number too long")
		}
		return s.short()
	case !ok && i == len(s.data):
		return s.short()
	case !ok:
		s.unexpected(i, "a digit")
		return false
	case i-s.pos > s.limits.String:
		return s.failed(ErrLimit, s.pos, "number too long")
	}
	s.begin, s.end = s.pos, i
	s.pos = i
	return true
}

// numberEnd returns the index behind the number at i, or of the first byte
// that fits no number.
func numberEnd(data []byte, i int) (end int, ok bool) {
	if data[i] == '-' {
		i++
	}
	if i < len(data) && data[i] == '0' {
		i++
	} else if i, ok = digits(data, i); !ok {
		return i, false
	}
	if i < len(data) && data[i] == '.' {
		if i, ok = digits(data, i+1); !ok {
			return i, false
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if i, ok = digits(data, i); !ok {
			return i, false
		}
	}
	return i, true
}

func digits(data []byte, i int) (end int, ok bool) {
	begin := i
	for i < len(data) && '0' <= data[i] && data[i] <= '9' {
		i++
	}
	return i, i > begin
}
