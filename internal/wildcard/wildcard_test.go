// SPDX-License-Identifier: Apache-2.0

package wildcard_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/internal/wildcard"
	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, pattern, s string
		want             bool
	}{
		{"empty", "", "", true},
		{"empty pattern, some text", "", "a", false},
		{"star takes nothing", "*", "", true},
		{"star takes all", "*", "a/b:c\nd", true},
		{"question takes one", "?", "a", true},
		{"question takes not nothing", "?", "", false},
		{"question takes not two", "?", "ab", false},
		{"question takes one character of several bytes", "?", "é", true},
		{"two questions are two characters", "??", "é", false},
		{"question behind a star, several bytes", "*??x", "éñx", true},
		{"IAM-15 a star crosses slash and colon", "b/*", "b/a:b/c", true},
		{"exact", "s3:GetObject", "s3:GetObject", true},
		{"case counts", "s3:getobject", "s3:GetObject", false},
		{"prefix only", "s3:Get*", "s3:PutObject", false},
		{"suffix only", "*Object", "s3:GetObjects", false},
		{"overlap of prefix and suffix", "ab*ba", "aba", false},
		{"middle", "a*b*c", "a-b-b-c", true},
		{"middle, order", "a*b*c", "a-c-b", false},
		{"middle with question", "a*b?c*d", "abbxc-d", true},
		{"stars in a row", "a***b", "ab", true},
		{"no escape", `\*`, `\x`, true},
		{"no classes", "[ab]", "a", false},
		{"question in the suffix", "*b?", "aabé", true},
		{"question in the suffix, too short", "*b?", "aab", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, wildcard.Match(c.pattern, c.s))
			require.Equal(t, c.want, reference(c.pattern, c.s), "reference")
			require.Equal(t, c.want, wildcard.MatchParts(split(c.pattern), c.s), "parts")
		})
	}
}

func TestMatchFold(t *testing.T) {
	require.True(t, wildcard.MatchFold("S3:get*", "s3:GetObject"))
	require.True(t, wildcard.MatchFold("*OBJECT", "s3:GetObject"))
	require.True(t, wildcard.MatchFold("s3:*OB?E*T", "S3:getobjects-t"))
	require.True(t, wildcard.MatchFold("s3:getobject", "S3:GetObject"))
	require.False(t, wildcard.MatchFold("É", "é"), "only ASCII letters fold")
	require.False(t, wildcard.MatchFold("[", "{"), "only letters fold")
	require.False(t, wildcard.MatchFold("a@", "a`"), "only letters fold")
}

func TestMatchPartsTakesLiteralTextAsItIs(t *testing.T) {
	parts := func(name string) []wildcard.Part {
		return []wildcard.Part{{Text: "b/"}, {Text: name, Literal: true}, {Text: "/*"}}
	}
	require.True(t, wildcard.MatchParts(parts("ann"), "b/ann/x"))
	// A user called * must not read every folder (IAM-30).
	require.False(t, wildcard.MatchParts(parts("*"), "b/ann/x"))
	require.True(t, wildcard.MatchParts(parts("*"), "b/*/x"))
	require.False(t, wildcard.MatchParts(parts("a?n"), "b/ann/x"))
	require.True(t, wildcard.MatchParts(parts(""), "b//x"))
	require.True(t, wildcard.MatchParts(nil, ""))
	require.False(t, wildcard.MatchParts(nil, "x"))
	require.False(t, wildcard.MatchParts([]wildcard.Part{{Text: "*", Literal: true}}, "x"))
	star := []wildcard.Part{{Text: "*"}, {Text: "*a", Literal: true}, {Text: "?"}}
	require.True(t, wildcard.MatchParts(star, "x*a*ab"))
	require.False(t, wildcard.MatchParts(star, "x*a*a"))
}

func TestHasAndValid(t *testing.T) {
	require.True(t, wildcard.Has("a*"))
	require.True(t, wildcard.Has("?"))
	require.False(t, wildcard.Has("arn:aws:s3:::b"))
	require.True(t, wildcard.Valid("é"))
	require.False(t, wildcard.Valid("\xff"))
}

// The text that makes backtracking matchers take exponential time.
func TestManyStarsEnd(t *testing.T) {
	s := strings.Repeat("a", 20_000)
	require.False(t, wildcard.Match(strings.Repeat("a*", 1000)+"b", s))
	require.False(t, wildcard.Match("*"+strings.Repeat("a", 1000)+"b", s))
	require.False(t, wildcard.MatchParts([]wildcard.Part{{Text: strings.Repeat("*a", 100)}, {Text: "b"}}, s[:2000]))
}

func TestMatchAgainstReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	classes := testkit.Classes{}
	const total = 50_000
	for range total {
		pattern := random(rng, []string{"a", "b", "A", "é", "*", "*", "?", "/"}, 8)
		s := random(rng, []string{"a", "b", "A", "é", "/", "\xff"}, 12)
		want := reference(pattern, s)
		classes.Add("match", want)
		classes.Add("no match", !want)
		classes.Add("star", strings.Contains(pattern, "*"))
		classes.Add("two stars with text between", strings.Count(strings.Trim(pattern, "*"), "*") > 1)
		classes.Add("question", strings.Contains(pattern, "?"))
		classes.Add("several bytes under a question", want && strings.Contains(pattern, "?") && strings.Contains(s, "é"))
		classes.Add("invalid UTF-8", !utf8.ValidString(s))
		require.Equal(t, want, wildcard.Match(pattern, s), "%q %q", pattern, s)
		require.Equal(t, want, wildcard.MatchParts(split(pattern), s), "parts %q %q", pattern, s)
		require.Equal(t, reference(strings.ToLower(pattern), strings.ToLower(s)) || !utf8.ValidString(s) && wildcard.MatchFold(pattern, s),
			wildcard.MatchFold(pattern, s), "fold %q %q", pattern, s)
	}
	classes.Require(t, total)
}

func random(rng *rand.Rand, alphabet []string, most int) string {
	var b strings.Builder
	for range rng.IntN(most + 1) {
		b.WriteString(alphabet[rng.IntN(len(alphabet))])
	}
	return b.String()
}

// split cuts a pattern into parts of one character, so that MatchParts cannot
// take its shortcut.
func split(pattern string) []wildcard.Part {
	parts := []wildcard.Part{{}}
	for _, r := range pattern {
		parts = append(parts, wildcard.Part{Text: string(r)})
	}
	return parts
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*", "")
	f.Add("*é?", "é\xffx")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := wildcard.Match(pattern, s)
		if !utf8.ValidString(pattern) || len(pattern)*len(s) > 1<<16 {
			return
		}
		require.Equal(t, reference(pattern, s), got)
		require.Equal(t, got, wildcard.MatchParts(split(pattern), s))
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct{ name, pattern, s string }{
		{"literal", "arn:aws:s3:::amzn-s3-demo-bucket/a", "arn:aws:s3:::amzn-s3-demo-bucket/a"},
		{"prefix", "amzn-s3-demo-bucket/home/*", "amzn-s3-demo-bucket/home/ann/photo.jpg"},
		{"middle", "amzn-*/home/*/photo?.jpg", "amzn-s3-demo-bucket/home/ann/x/photo1.jpg"},
		{"hostile", strings.Repeat("a*", 500) + "b", strings.Repeat("a", 4000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.s)))
			for b.Loop() {
				wildcard.Match(c.pattern, c.s)
			}
		})
	}
}

// BenchmarkMatchBound holds the worst that is known of a run with a ? against
// the bound, pattern times text: per-pair must not grow as both double (IAM-22).
func BenchmarkMatchBound(b *testing.B) {
	for n := 256; n <= 4096; n *= 2 {
		pattern := "*" + strings.Repeat("a", n/2-1) + "?b*"
		parts := []wildcard.Part{{Text: pattern[:n/4]}, {Text: pattern[n/4:]}}
		s := strings.Repeat("a", n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				wildcard.Match(pattern, s)
				wildcard.MatchParts(parts, s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(pattern)*len(s)), "ns/pair")
		})
	}
}
