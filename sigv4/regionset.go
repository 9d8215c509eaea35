// SPDX-License-Identifier: Apache-2.0

package sigv4

import "strings"

// maxRegionSet bounds the value of X-Amz-Region-Set, in bytes.
const maxRegionSet = 4096

// parseRegionSet splits the value of X-Amz-Region-Set (SIG-45): names or
// patterns separated by commas, spaces and tabs around them dropped. An empty
// set, an empty element and an overlong set are no region set.
func parseRegionSet(value string) ([]string, bool) {
	if len(value) > maxRegionSet {
		return nil, false
	}
	set := strings.Split(value, ",")
	for i, element := range set {
		set[i] = strings.Trim(element, " \t")
		if set[i] == "" {
			return nil, false
		}
	}
	return set, true
}

// regionSetMatches reports whether the region is one that the signer named.
func regionSetMatches(set []string, region string) bool {
	for _, pattern := range set {
		if regionMatches(pattern, region) {
			return true
		}
	}
	return false
}

// regionMatches matches one element, in which each * stands for any run of
// characters, the empty one included. The first piece is anchored at the
// start, the last at the end, and those between are found leftmost, which for
// patterns of * alone is enough: time is linear in pattern plus region, times
// the number of stars at worst.
func regionMatches(pattern, region string) bool {
	first, rest, starred := strings.Cut(pattern, "*")
	if !starred {
		return pattern == region
	}
	region, ok := strings.CutPrefix(region, first)
	if !ok {
		return false
	}
	for {
		piece, more, starred := strings.Cut(rest, "*")
		if !starred {
			return strings.HasSuffix(region, rest)
		}
		at := strings.Index(region, piece)
		if at < 0 {
			return false
		}
		region, rest = region[at+len(piece):], more
	}
}
