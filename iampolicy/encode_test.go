// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// shipped returns what a set is on the other end.
func shipped(tb testing.TB, s *iampolicy.Set) *iampolicy.Set {
	tb.Helper()
	if s == nil {
		return nil
	}
	data, err := s.MarshalBinary()
	require.NoError(tb, err)
	var out iampolicy.Set
	require.NoError(tb, out.UnmarshalBinary(data))
	again, err := out.MarshalBinary()
	require.NoError(tb, err)
	require.Equal(tb, data, again)
	return &out
}

func shippedPolicies(tb testing.TB, p *iampolicy.Policies) *iampolicy.Policies {
	tb.Helper()
	q := *p
	for _, s := range []**iampolicy.Set{&q.Identity, &q.Boundary, &q.Session, &q.Resource, &q.Endpoint} {
		*s = shipped(tb, *s)
	}
	q.SCP, q.RCP = slices.Clone(p.SCP), slices.Clone(p.RCP)
	for _, levels := range [][]*iampolicy.Set{q.SCP, q.RCP} {
		for i := range levels {
			levels[i] = shipped(tb, levels[i])
		}
	}
	return &q
}

// TestEncodedSetsDecideAlike ships generated policies of all kinds and compares
// decisions and explanations.
func TestEncodedSetsDecideAlike(t *testing.T) {
	requests := 20_000
	if testing.Short() {
		requests /= 10
	}
	g := newGenerator(75)
	for n := 0; n < requests; {
		c := g.policies()
		p := c.build(t)
		q := shippedPolicies(t, p)
		for range 20 {
			n++
			g.request(c)
			r := c.question(t)
			here, there := *p, *q
			if !r.Principal.IsSession() {
				here.Session, there.Session = nil, nil
			}
			require.Equal(t, here.Decide(r), there.Decide(r))
			if n%10 == 0 {
				require.Equal(t, here.Explain(r), there.Explain(r))
			}
		}
	}
}

// TestEncodedSetKeepsItsOptions: names, level, limits and switches are shipped.
func TestEncodedSetKeepsItsOptions(t *testing.T) {
	long := "arn:aws:s3:::b/" + strings.Repeat("k", 3000)
	o := iampolicy.Options{Level: "ou-1", MaxPattern: 4096, MultivaluedAsAny: true, NotPrincipal: iampolicy.LooseNotPrincipal}
	p, err := o.Parse([]byte(policy(allow("s3:*", long, `"Condition":{"StringEquals":{"aws:TagKeys":"a"}}`))))
	require.NoError(t, err)
	p.Name = "mine"
	s, err := o.Compile(iampolicy.KindSCP, p)
	require.NoError(t, err)
	got := shipped(t, s)
	require.Equal(t, iampolicy.KindSCP, got.Kind())
	c := refCase{Identity: []string{policy(anything)}, Resource: long, Context: map[string]any{"aws:TagKeys": []string{"a"}}}.filled()
	x := (&iampolicy.Policies{Identity: c.build(t).Identity, SCP: []*iampolicy.Set{got}}).Explain(c.question(t))
	require.Equal(t, iampolicy.Allowed, x.Outcome, "MultivaluedAsAny")
	require.Equal(t, "ou-1", x.Sets[1].Level)
	require.Equal(t, "mine", x.Sets[1].Statements[0].Policy)

	loose, err := iampolicy.Options{NotPrincipal: iampolicy.LooseNotPrincipal}.Compile(iampolicy.KindResource, parse(t, policy(`{"Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"Action":"*","Resource":"*"}`)))
	require.NoError(t, err)
	c = refCase{Identity: []string{policy(anything)}}.filled()
	for _, set := range []*iampolicy.Set{loose, shipped(t, loose)} {
		require.True(t, (&iampolicy.Policies{Identity: c.build(t).Identity, Resource: set}).Decide(c.question(t)).Allowed())
	}
}

func parse(tb testing.TB, doc string) *iampolicy.Policy {
	tb.Helper()
	p, err := iampolicy.Parse([]byte(doc))
	require.NoError(tb, err)
	return p
}

// sealed gives bytes their checksum.
func sealed(data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(slices.Clip(data), sum[:]...)
}

// TestEncodedSetHostile: what is no encoded set is refused, and the set stays
// as it was.
func TestEncodedSetHostile(t *testing.T) {
	s, err := iampolicy.Compile(iampolicy.KindIdentity, parse(t, policy(deny("s3:*", "*", ""))))
	require.NoError(t, err)
	good, err := s.MarshalBinary()
	require.NoError(t, err)
	const magic = "sallyport-iampolicy-set\n"
	body := good[:len(good)-sha256.Size]
	at := len(magic)
	edit := func(i int, b byte) []byte {
		out := slices.Clone(body)
		out[i] = b
		return sealed(out)
	}
	for i := range good {
		var out iampolicy.Set
		require.Error(t, out.UnmarshalBinary(good[:i]), "cut at %d", i)
		changed := slices.Clone(good)
		changed[i] ^= 0x20
		require.Error(t, out.UnmarshalBinary(changed), "changed at %d", i)
		require.Zero(t, out)
	}
	head := append([]byte(magic), 1, 1, 0, 0)
	huge := binary.AppendUvarint(nil, 1<<62)
	for _, c := range []struct {
		name string
		data []byte
		want error
		text string
	}{
		{"nothing", nil, iampolicy.ErrEncoding, "does not begin like one"},
		{"another file", []byte("{}"), iampolicy.ErrEncoding, "does not begin like one"},
		{"a newer version", edit(at, 2), iampolicy.ErrUnsupported, "version 2 of the encoding, where this package reads version 1: compile it again"},
		{"an older version", edit(at, 0), iampolicy.ErrUnsupported, "version 0 of the encoding"},
		{"a newer version of another shape", append([]byte(magic), 9), iampolicy.ErrUnsupported, "version 9"},
		{"a changed byte", append(slices.Clone(good[:len(good)-1]), good[len(good)-1]^1), iampolicy.ErrEncoding, "the checksum differs"},
		{"one byte more", append(slices.Clone(good), 0), iampolicy.ErrEncoding, "the checksum differs"},
		{"an unknown kind", edit(at+1, 99), iampolicy.ErrEncoding, "no such kind"},
		{"kind 0", edit(at+1, 0), iampolicy.ErrEncoding, "no such kind"},
		{"an unknown switch", edit(at+2, 16), iampolicy.ErrEncoding, "an option that this package does not know"},
		{"an unknown NotPrincipal mode", edit(at+3, 3), iampolicy.ErrEncoding, "an option that this package does not know"},
		{"a limit that is too large", sealed(append(slices.Clip(head), huge...)), iampolicy.ErrEncoding, "out of range"},
		{"a limit of nothing", sealed(append(slices.Clip(head), 0, 1, 0, 0)), iampolicy.ErrEncoding, "a limit of nothing"},
		{"a level longer than the rest", sealed(append(slices.Clip(head), append([]byte{1, 1}, huge...)...)), iampolicy.ErrEncoding, "out of range"},
		{"a hundred thousand policies that are not there", sealed(append(slices.Clip(head), append([]byte{1, 1, 0}, binary.AppendUvarint(nil, 100_000)...)...)), iampolicy.ErrEncoding, "the middle of a number"},
		{"more policies than there may be", sealed(append(slices.Clip(head), append([]byte{1, 1, 0}, binary.AppendUvarint(nil, 100_001)...)...)), iampolicy.ErrEncoding, "out of range"},
		{"bytes behind the policies", sealed(append(slices.Clone(body), 'x')), iampolicy.ErrEncoding, "behind the last policy"},
		{"a document that is none", sealed(append(slices.Clip(head), 1, 1, 0, 1, 0, 2, '{', '}')), iampolicy.ErrSyntax, "no Statement"},
		{"a document that does not compile", sealed([]byte(strings.Replace(string(body), `"Resource":"*"`, `"Resource":"x"`, 1))), iampolicy.ErrUnsupported, "must be in ARN format"},
		{"over 64 MiB", make([]byte, 64<<20+1), iampolicy.ErrLimit, "more than 67108864 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := *s
			err := out.UnmarshalBinary(c.data)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.Equal(t, s, &out, "the set stays as it was")
		})
	}
}

// TestEncodedSetLimits: what is over the limits is not written.
func TestEncodedSetLimits(t *testing.T) {
	var zero iampolicy.Set
	_, err := zero.MarshalBinary()
	require.ErrorIs(t, err, iampolicy.ErrUnsupported)
	_, err = (*iampolicy.Set)(nil).MarshalBinary()
	require.ErrorIs(t, err, iampolicy.ErrUnsupported)
	for _, o := range []iampolicy.Options{{MaxPattern: 64<<10 + 1}, {MaxStatements: 1_000_001}} {
		s, err := o.Compile(iampolicy.KindIdentity)
		require.NoError(t, err)
		_, err = s.MarshalBinary()
		require.ErrorIs(t, err, iampolicy.ErrLimit)
	}
	s, err := iampolicy.Options{MaxPattern: 64 << 10, MaxStatements: 1_000_000}.Compile(iampolicy.KindIdentity)
	require.NoError(t, err)
	require.Equal(t, 0, shipped(t, s).Len())

	many := slices.Repeat([]*iampolicy.Policy{parse(t, policy())}, 100_001)
	s, err = iampolicy.Compile(iampolicy.KindIdentity, many...)
	require.NoError(t, err)
	_, err = s.MarshalBinary()
	require.ErrorIs(t, err, iampolicy.ErrLimit)
	s, err = iampolicy.Compile(iampolicy.KindIdentity, many[1:]...)
	require.NoError(t, err)
	shipped(t, s)
}

// FuzzUnmarshalSet: whatever the bytes, the answer is a set that encodes to
// them again, or an error; the checksum is put right so that what lies behind
// it is reached.
func FuzzUnmarshalSet(f *testing.F) {
	for kind := iampolicy.KindIdentity; kind <= iampolicy.KindEndpoint; kind++ {
		doc := parse(f, policy(`{"Effect":"Deny","Action":"s3:*"}`))
		s, err := iampolicy.Options{Lenient: true, Level: "r"}.Compile(kind, doc, doc)
		require.NoError(f, err)
		data, err := s.MarshalBinary()
		require.NoError(f, err)
		f.Add(data[:len(data)-sha256.Size])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var out iampolicy.Set
		require.Error(t, out.UnmarshalBinary(data))
		data = sealed(data)
		if out.UnmarshalBinary(data) != nil {
			return
		}
		again, err := out.MarshalBinary()
		require.NoError(t, err)
		var twice iampolicy.Set
		require.NoError(t, twice.UnmarshalBinary(again))
		require.Equal(t, out.Kind(), twice.Kind())
		require.Equal(t, out.Len(), twice.Len())
	})
}
