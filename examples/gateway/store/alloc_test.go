// SPDX-License-Identifier: Apache-2.0

//go:build !race

package store

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCommonPrefixesCostTheirNames: a listing of common prefixes reads the names of
// a folder twice at most, and of folders that it rolls up a few, however many keys
// are behind each. Go allocates twice for every name that it reads.
func TestCommonPrefixesCostTheirNames(t *testing.T) {
	s := open(t)
	const groups, keys = 3, 1100
	var want, names []string
	for g := range groups {
		for i := range keys {
			names = append(names, fmt.Sprintf("flat/%d-%04d", g, i), fmt.Sprintf("deep/%d/%04d", g, i))
		}
		want = append(want, fmt.Sprintf("%d", g))
	}
	name(t, s, names...)
	for _, tc := range []struct {
		q    ListQuery
		most float64
	}{
		{ListQuery{Prefix: "flat/", Delimiter: "-", Limit: 1000}, 2 * groups * keys * 3},
		{ListQuery{Prefix: "deep/", Delimiter: "/", Limit: 1000}, groups * 300},
		{ListQuery{Delimiter: "/", Limit: 1000}, 2 * 300},
	} {
		var page Page
		got := testing.AllocsPerRun(1, func() {
			var err error
			page, err = s.List(t.Context(), "bucket", tc.q)
			require.NoError(t, err)
		})
		require.LessOrEqual(t, got, tc.most, "%+v", tc.q)
		if tc.q.Prefix != "" {
			require.Len(t, page.Entries, groups)
			for i, e := range page.Entries {
				require.Equal(t, tc.q.Prefix+want[i]+tc.q.Delimiter, e.Key)
			}
		}
	}
}
