// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/sigv4"
)

// cutCredential reads a credential as signers write it: four of its slashes
// escaped and nothing else, from a day that is known to be one. Not to decode
// it saves a sixth of Parse's time. Where ok is false, sigv4.ParseCredential
// has to decide.
func cutCredential(raw, day string) (id string, s sigv4.Scope, ok bool) {
	var parts [4]string // day, region, service, terminator
	id = raw
	for i := range parts {
		cut := strings.LastIndexByte(id, '%')
		if cut < 0 || !strings.HasPrefix(id[cut:], "%2F") {
			return "", s, false
		}
		id, parts[3-i] = id[:cut], id[cut+3:]
	}
	s = sigv4.Scope{Date: parts[0], Region: parts[1], Service: parts[2]}
	if parts[0] != day || parts[3] != "aws4_request" || !isName(s.Region) || !isName(s.Service) {
		return "", s, false
	}
	return id, s, id != "" && !hasAny(id, "%+")
}

// isName reports whether s is of lower-case letters, digits and hyphens only.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

// hasAny is strings.ContainsAny for a short set, without its table.
func hasAny(s, set string) bool {
	for i := range len(set) {
		if strings.IndexByte(s, set[i]) >= 0 {
			return true
		}
	}
	return false
}

// readCredential reads a credential, not yet decoded, from the right; SigV4A
// has no region.
func readCredential(raw, algorithm, day string) (id string, s sigv4.Scope, err error) {
	v4A := algorithm == sigv4.AlgorithmV4A.String()
	if id, s, ok := cutCredential(raw, day); ok && !v4A {
		return id, s, nil
	}
	text, err := queryUnescape(raw)
	if err != nil {
		return "", s, err
	}
	if !v4A {
		return sigv4.ParseCredential(text)
	}
	parts := strings.Split(text, "/")
	if n := len(parts); n > 3 {
		parts = slices.Insert(parts, n-2, "*")
	}
	id, s, err = sigv4.ParseCredential(strings.Join(parts, "/"))
	s.Region = ""
	return id, s, err
}
