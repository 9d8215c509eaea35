// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strconv"
	"strings"
)

// decimal is an exact decimal number: its digits before and behind the point,
// without leading and trailing zeros. Zero is never negative.
type decimal struct {
	whole, fraction string
	negative        bool
}

// parseDecimal reads an optional sign, digits and an optional fraction; an
// exponent, white space or anything else is not a number.
func parseDecimal(s string) (d decimal, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	n := digitsLen(s)
	if n == 0 {
		return d, false
	}
	d.whole = strings.TrimLeft(s[:n], "0")
	if s = s[n:]; s != "" {
		if s[0] != '.' || len(s) == 1 || digitsLen(s[1:]) != len(s)-1 {
			return d, false
		}
		d.fraction = strings.TrimRight(s[1:], "0")
	}
	if d.whole == "" && d.fraction == "" {
		d.negative = false
	}
	return d, true
}

func digitsLen(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// compare returns -1, 0 or 1.
func (d decimal) compare(o decimal) int {
	if d.negative != o.negative {
		if d.negative {
			return -1
		}
		return 1
	}
	c := len(d.whole) - len(o.whole)
	if c == 0 {
		c = strings.Compare(d.whole, o.whole)
	}
	if c == 0 {
		c = strings.Compare(d.fraction, o.fraction) // a shorter fraction is the smaller one
	}
	switch {
	case c == 0:
		return 0
	case c < 0 == d.negative:
		return 1
	}
	return -1
}

// plainNumber writes a JSON number without exponent. It reports false, with no
// text, when that takes more than maxPlain characters.
func plainNumber(s string) (plain string, ok bool) {
	const maxPlain = 512
	at := strings.IndexAny(s, "eE")
	if at < 0 {
		return s, true
	}
	exponent, err := strconv.Atoi(s[at+1:])
	if err != nil || exponent > maxPlain || exponent < -maxPlain || at > maxPlain {
		return "", false
	}
	sign := ""
	mantissa := s[:at]
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if exponent >= 0 {
		fraction += strings.Repeat("0", max(0, exponent-len(fraction)))
		whole, fraction = whole+fraction[:exponent], fraction[exponent:]
	} else {
		whole = strings.Repeat("0", max(0, -exponent-len(whole))) + whole
		cut := len(whole) + exponent
		whole, fraction = whole[:cut], whole[cut:]+fraction
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	return sign + whole, true
}
