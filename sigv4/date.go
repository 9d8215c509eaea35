// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"net/http"
	"time"
)

// amzDateLen is the length of YYYYMMDDTHHMMSSZ.
const amzDateLen = 16

// FormatDate returns the time as requests carry it, in UTC: YYYYMMDDTHHMMSSZ.
// Years are 0 to 9999; of others four digits are left.
func FormatDate(t time.Time) string {
	var buf [amzDateLen]byte
	return string(appendAmzDate(buf[:0], t))
}

// ParseDate reads YYYYMMDDTHHMMSSZ and no other form, neither a fraction of a
// second nor a day that no calendar has. It returns ErrDate.
func ParseDate(s string) (time.Time, error) {
	t, ok := parseAmzDate(s)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: a date is YYYYMMDDTHHMMSSZ", ErrDate)
	}
	return t, nil
}

// appendAmzDate appends the time in the ISO 8601 basic form, in UTC. It is
// written by hand because time.Format is a third of the cost of a signature's
// HMAC.
func appendAmzDate(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	b = appendDigits2(b, year/100)
	b = appendDigits2(b, year%100)
	b = appendDigits2(b, int(month))
	b = appendDigits2(b, day)
	b = append(b, 'T')
	b = appendDigits2(b, hour)
	b = appendDigits2(b, minute)
	b = appendDigits2(b, sec)
	return append(b, 'Z')
}

func appendDigits2(b []byte, n int) []byte {
	return append(b, byte('0'+n/10%10), byte('0'+n%10))
}

// isSigningTime says whether the form of appendAmzDate can write the time, years
// 1 to 9999. Seconds tell it without a calendar, a fiftieth of Sign's time.
func isSigningTime(t time.Time) bool {
	const first, last = -62135596800, 253402300799 // 0001-01-01T00:00:00Z, 9999-12-31T23:59:59Z
	s := t.Unix()
	return first <= s && s <= last
}

// parseAmzDate reads YYYYMMDDTHHMMSSZ and nothing that time.Parse would also
// accept, such as a fraction of a second.
func parseAmzDate(s string) (time.Time, bool) {
	if len(s) != amzDateLen || s[8] != 'T' || s[15] != 'Z' || !isDate8(s[:8]) || !allDigits(s[9:15]) {
		return time.Time{}, false
	}
	hour, minute, sec := digits(s[9:11]), digits(s[11:13]), digits(s[13:15])
	if hour > 23 || minute > 59 || sec > 59 {
		return time.Time{}, false
	}
	days := daysFromCivil(digits(s[:4]), digits(s[4:6]), digits(s[6:8]))
	return time.Unix(int64(days)*86400+int64(hour*3600+minute*60+sec), 0).UTC(), true
}

// daysFromCivil counts the days from 1970-01-01 to a day of the Gregorian
// calendar. time.Date does the same for any time zone at four times the cost.
func daysFromCivil(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	// Years begin in March here, so that the leap day is the last.
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469
}

// isDate8 says whether s is eight digits of a day that the calendar has.
func isDate8(s string) bool {
	if len(s) != 8 || !allDigits(s) {
		return false
	}
	year, month, day := digits(s[:4]), digits(s[4:6]), digits(s[6:8])
	if year < 1 || month < 1 || month > 12 || day < 1 {
		return false
	}
	last := 31
	switch month {
	case 4, 6, 9, 11:
		last = 30
	case 2:
		last = 28
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			last = 29
		}
	}
	return day <= last
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// digits reads a short run of decimal digits that allDigits has accepted.
func digits(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// parseDateHeader reads a Date header: the three forms of HTTP, or ISO 8601
// basic (AWS: elements of an AWS API request signature).
func parseDateHeader(s string) (time.Time, bool) {
	if t, ok := parseAmzDate(s); ok {
		return t, true
	}
	t, err := http.ParseTime(s)
	if err != nil {
		if t, err = time.Parse(time.RFC1123Z, s); err != nil {
			return time.Time{}, false
		}
	} else if zone, _ := t.Zone(); zone != "UTC" && zone != "GMT" {
		return time.Time{}, false // RFC 850's form with a zone that package time does not know: it would count as UTC
	}
	return t.UTC(), isSigningTime(t)
}
