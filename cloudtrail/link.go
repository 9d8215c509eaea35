// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"math"
	"strings"
	"time"
)

// linker joins the digests of one chain and says what is wrong between them.
// It is pure but for resolve.
type linker struct {
	chain    *chainState
	fromOpen bool // the range has no explicit beginning
	resolve  func(*previousState) pointee
	report   func(Finding)

	last    *state            // the newest accepted digest so far
	between []*state          // unverified ones since
	named   map[location]bool // missing digests already reported
}

const hour = time.Hour

// link goes through the selected digests, oldest first.
func (l *linker) link() {
	l.named = map[location]bool{l.chain.gone: true}
	for _, s := range l.chain.digests {
		switch {
		case !s.inRange:
		case !s.accepted:
			l.between = append(l.between, s)
		case l.chain.id.Backfill:
			l.backfill(s)
			l.advance(s)
		case s.previous == nil:
			l.starting(s)
			l.advance(s)
		default:
			l.continuing(s)
			l.advance(s)
		}
	}
	if n := len(l.between); n > 0 && !l.chain.id.Backfill {
		l.holes(l.between[n-1].end, time.Time{})
	}
	l.chain.holes = union(append(l.chain.holes, l.chain.missing...))
	l.chain.gaps = union(l.chain.gaps)
}

func (l *linker) advance(s *state) {
	if l.last == nil || !s.end.Before(l.last.end) {
		l.last = s
	}
	l.between = l.between[:0]
}

// lower is where the time begins that nothing accepted covers yet: the end of
// the newest accepted digest, or of the oldest unverified one.
func (l *linker) lower() (time.Time, bool) {
	switch {
	case l.last != nil:
		return l.last.end, true
	case len(l.between) > 0:
		return l.between[0].end, true
	}
	return time.Time{}, false
}

// holes reports what lies between lower and to and no unverified digest nor
// the missing one that ended at missed (zero for none) explains. Each explains
// the hour before its end.
func (l *linker) holes(to, missed time.Time) (inferred []Interval) {
	from, ok := l.lower()
	if !ok {
		return nil
	}
	return l.holesFrom(from, to, missed)
}

// holesFrom is holes with another beginning.
func (l *linker) holesFrom(from, to, missed time.Time) (inferred []Interval) {
	var explained []Interval
	for _, s := range l.between {
		explained = append(explained, Interval{s.end.Add(-hour), s.end})
	}
	if !missed.IsZero() {
		explained = append(explained, Interval{missed.Add(-hour), missed})
	}
	rest := subtract(union([]Interval{{from, to}}), union(explained))
	for _, i := range rest {
		switch {
		case !missed.IsZero() && i.To.Equal(missed.Add(-hour)):
			inferred = append(inferred, i)
		case i.To.Equal(to) || i.To.Sub(i.From) >= time.Minute:
			l.hole(i)
		}
	}
	return inferred
}

func (l *linker) hole(i Interval) {
	f := newFinding(CoverageHole, &l.chain.id, i.From, "", "")
	f.From, f.To = i.From, i.To
	l.report(f)
	l.chain.holes = append(l.chain.holes, i)
}

// starting is a digest with which a chain begins anew.
func (l *linker) starting(s *state) {
	from, ok := l.lower()
	if !ok {
		return
	}
	if l.last != nil && !l.chain.id.Backfill && !l.last.end.Before(s.start) {
		s.broken = true
		f := l.finding(GapOverlap, s, "")
		f.From, f.To = s.start, l.last.end
		l.report(f)
		l.chain.gaps = append(l.chain.gaps, Interval{f.From, f.To})
		return
	}
	if n := len(l.between); n > 0 {
		from = l.between[n-1].end
		if !l.chain.id.Backfill {
			l.holes(from, time.Time{})
		}
	}
	if from.Before(s.start) {
		f := newFinding(GapInfo, &l.chain.id, from, "", "")
		f.From, f.To = from, s.start
		l.report(f)
		l.chain.gaps = append(l.chain.gaps, Interval{from, s.start})
	}
}

// first reports whether s is the oldest digest of the range and its
// predecessor lies outside the request, so that nobody looks for it.
func (l *linker) first(s *state) bool {
	return l.last == nil && len(l.between) == 0 && (l.fromOpen || s.start.Before(l.chain.from))
}

// backfill links by the pointer alone: these digests owe no continuity.
func (l *linker) backfill(s *state) {
	if s.previous == nil {
		l.starting(s)
		return
	}
	if l.first(s) {
		return
	}
	switch p := l.resolve(s.previous); {
	case p.kind == foreign || p.kind == present && p.chain != l.chain:
		l.broken(s, "what it names as the previous digest is none of its chain", "", p.where.String())
	case p.kind == present && p.state.accepted:
		l.same(p.state, s)
	case p.kind == absent:
		l.lost(DigestMissing, p, s)
	case p.kind == unreadable:
		l.lost(DigestUnreadable, p, s)
	}
}

// continuing is a digest that names the one before it.
func (l *linker) continuing(s *state) {
	if l.first(s) {
		return
	}
	p := l.resolve(s.previous)
	switch {
	case p.kind == foreign || p.kind == present && p.chain != l.chain:
		l.broken(s, "what it names as the previous digest is none of its chain", l.lastName(), p.where.String())
	case p.kind == present && p.state == l.last:
		l.neighbours(s)
	case p.kind == present && !p.state.inRange && l.last != nil:
		l.broken(s, "the digest before it is not the one it names", p.where.String(), l.lastName())
	case p.kind == present && !p.state.inRange:
		// It lies before the range: only the time between is of interest.
		l.holesFrom(p.state.end, s.start, time.Time{})
	case p.kind == present && p.state.accepted:
		l.broken(s, "the digest before it is not the one it names", p.where.String(), l.lastName())
	case p.kind == present:
		l.holes(s.start, time.Time{})
	case p.kind == absent && l.explained(p.end):
		l.holes(s.start, time.Time{})
	case p.kind == absent:
		l.lost(DigestMissing, p, s)
		l.infer(p, l.holes(s.start, p.end))
	default:
		l.lost(DigestUnreadable, p, s)
		for _, i := range l.holes(s.start, p.end) {
			l.hole(i)
		}
	}
}

// explained reports whether an unverified digest has the time of one that does
// not exist, such as one that was moved to another bucket: the hour then has
// its finding.
func (l *linker) explained(end time.Time) bool {
	for _, s := range l.between {
		if s.end.Equal(end) {
			return true
		}
	}
	return false
}

// neighbours checks a digest against the accepted one before it, which it
// names.
func (l *linker) neighbours(s *state) {
	switch {
	case !l.same(l.last, s):
	case s.start.Before(l.last.end):
		l.broken(s, "it begins before the previous digest ends", l.last.end.Format(layoutTime), s.start.Format(layoutTime))
	default:
		l.holes(s.start, time.Time{})
	}
}

// same requires that what s says about the digest before it is so.
func (l *linker) same(before, s *state) bool {
	switch {
	case !strings.EqualFold(s.previous.sum, hexSum(before.sum)):
		l.broken(s, "the previous digest has another hash than it says", s.previous.sum, hexSum(before.sum))
	case s.previous.sig != before.sig:
		l.broken(s, "the previous digest has another signature than it says", "", "")
	default:
		return true
	}
	return false
}

func (l *linker) lastName() string {
	if l.last == nil {
		return ""
	}
	return l.chain.location(l.last).String()
}

func (l *linker) finding(code Code, s *state, detail string) Finding {
	return newFinding(code, &l.chain.id, s.end, l.chain.location(s).String(), detail)
}

func (l *linker) broken(s *state, detail, want, got string) {
	s.broken = true
	f := l.finding(ChainBroken, s, detail)
	f.Want, f.Got = want, got
	l.report(f)
}

// lost reports the digest that s names and that cannot be had.
func (l *linker) lost(code Code, p pointee, s *state) {
	if l.named[p.where] {
		return
	}
	l.named[p.where] = true
	end := p.end
	if end.IsZero() {
		end = s.start
	}
	detail := "the next digest names it"
	if code == DigestUnreadable {
		detail = "the next digest names it, and its bucket cannot be read"
	}
	f := newFinding(code, &l.chain.id, end, p.where.String(), detail)
	f.From, f.To = end.Add(-hour), end
	l.report(f)
	l.chain.missing = append(l.chain.missing, Interval{f.From, f.To})
	l.chain.lost++
}

// maxInferred bounds the digests inferred for one hole: a year of hours.
const maxInferred = 24 * 366

// infer reports the digests that must have been there below the missing one
// that a digest names: one for each hour of the rest.
func (l *linker) infer(p pointee, rests []Interval) {
	name, err := ParseDigestName(p.where.key)
	if err != nil {
		return
	}
	for _, rest := range rests {
		length := rest.To.Sub(rest.From)
		if length < time.Minute {
			continue
		}
		n := max(1, int(math.Round(length.Hours())))
		for i := range min(n, maxInferred) {
			name.End = rest.To.Add(-hour * time.Duration(i))
			f := newFinding(DigestMissing, &l.chain.id, name.End,
				location{p.where.bucket, name.String()}.String(), "inferred from the time between its neighbours")
			f.Inferred = true
			f.From, f.To = name.End.Add(-hour), name.End
			l.report(f)
			l.chain.lost++
		}
		l.chain.missing = append(l.chain.missing, rest)
		if n > maxInferred {
			l.hole(Interval{rest.From, rest.To.Add(-hour * maxInferred)})
		}
	}
}
