// SPDX-License-Identifier: Apache-2.0

package cloudfront

import "strings"

// MatchResource is matchResource for a URL given as base, path and query.
func MatchResource(resource, base, path, query string) (bool, error) {
	protocol, domain, _ := strings.Cut(base, "://")
	return matchResource(resource, &location{protocol, domain, path, query})
}

// CheckSignature is the bare check, for the benchmarks' floor.
var CheckSignature = checkSignature
