// SPDX-License-Identifier: Apache-2.0

package iampolicy

// instant is a point in time: seconds since 1970 in UTC and nanoseconds.
type instant struct {
	seconds int64
	nanos   int32
}

func (t instant) compare(o instant) int {
	switch {
	case t.seconds < o.seconds, t.seconds == o.seconds && t.nanos < o.nanos:
		return -1
	case t == o:
		return 0
	}
	return 1
}

// parseInstant reads a date of the W3C profile of ISO 8601 (YYYY, YYYY-MM,
// YYYY-MM-DD, or with a time of day and a zone) or an integer, which is seconds
// since 1970, never milliseconds. Four digits alone are a year. Digits behind
// the ninth of a fraction are not looked at.
func parseInstant(s string) (instant, bool) {
	if n := digitsLen(s); n == len(s) && n != 4 || s != "" && s[0] == '-' {
		return parseEpoch(s)
	}
	d := dateReader{s: s, ok: true}
	year := d.number(4)
	month, day := 1, 1
	if d.more('-') {
		month = d.number(2)
		if d.more('-') {
			day = d.number(2)
			if d.more('T') {
				return d.clock(year, month, day)
			}
		}
	}
	if !d.ok || d.s != "" || !validDay(year, month, day) {
		return instant{}, false
	}
	return instant{seconds: daysSince1970(year, month, day) * 86400}, true
}

func parseEpoch(s string) (instant, bool) {
	negative := s != "" && s[0] == '-'
	if negative {
		s = s[1:]
	}
	if s == "" || len(s) > 18 || digitsLen(s) != len(s) {
		return instant{}, false
	}
	var n int64
	for i := range len(s) {
		n = n*10 + int64(s[i]-'0')
	}
	if negative {
		n = -n
	}
	return instant{seconds: n}, true
}

// dateReader takes a date apart from the left.
type dateReader struct {
	s  string
	ok bool
}

// number takes n digits.
func (d *dateReader) number(n int) (value int) {
	if len(d.s) < n || digitsLen(d.s[:n]) != n {
		d.ok = false
		return 0
	}
	for i := range n {
		value = value*10 + int(d.s[i]-'0')
	}
	d.s = d.s[n:]
	return value
}

// more takes the byte c, if it comes next.
func (d *dateReader) more(c byte) bool {
	if d.ok && d.s != "" && d.s[0] == c {
		d.s = d.s[1:]
		return true
	}
	return false
}

// clock reads hh:mm[:ss[.s…]] and the zone, to the end.
func (d *dateReader) clock(year, month, day int) (instant, bool) {
	hour := d.number(2)
	d.ok = d.more(':') && d.ok
	minute := d.number(2)
	second, nanos := 0, int32(0)
	if d.more(':') {
		second = d.number(2)
		if d.more('.') {
			nanos = d.fraction()
		}
	}
	offset := d.zone()
	if !d.ok || d.s != "" || !validDay(year, month, day) || hour > 23 || minute > 59 || second > 59 {
		return instant{}, false
	}
	seconds := daysSince1970(year, month, day)*86400 + int64(hour*3600+minute*60+second)
	return instant{seconds: seconds - int64(offset), nanos: nanos}, true
}

func (d *dateReader) fraction() (nanos int32) {
	n := digitsLen(d.s)
	if n == 0 {
		d.ok = false
		return 0
	}
	for i := range 9 {
		nanos *= 10
		if i < n {
			nanos += int32(d.s[i] - '0')
		}
	}
	d.s = d.s[n:]
	return nanos
}

// zone reads Z or ±hh:mm and returns the offset in seconds east of UTC.
func (d *dateReader) zone() (offset int) {
	if d.more('Z') {
		return 0
	}
	sign := 1
	if !d.more('+') {
		d.ok = d.more('-') && d.ok
		sign = -1
	}
	hour := d.number(2)
	d.ok = d.more(':') && d.ok
	minute := d.number(2)
	if hour > 23 || minute > 59 {
		d.ok = false
	}
	return sign * (hour*3600 + minute*60)
}

func validDay(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		days = 29
	}
	return day <= days
}

// daysSince1970 counts days of the proleptic Gregorian calendar, the year
// beginning in March so that the leap day comes last.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = -1
	}
	ofEra := year - era*400
	ofYear := (153*(month-3)+2)/5 + day - 1
	return int64(era*146097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719468)
}
