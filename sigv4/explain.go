// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"cmp"
	"crypto/sha256"
	"strings"
)

// Difference is one thing on which two sides of a signature do not agree, and
// what usually makes it so. Session tokens, signatures and customer keys are
// withheld from it.
type Difference struct {
	// Field is the part that differs: "method", "path", "query", "header",
	// "signed headers", "payload hash", "algorithm", "date", "scope",
	// "canonical request", "signature" or "server error".
	Field string
	// Name is the header, the query parameter or the part of the scope; empty
	// for the other fields.
	Name string
	// Mine and Theirs are the two values, empty where a side has none.
	Mine, Theirs string
	// Cause says in words what to look at.
	Cause string
}

// Explain says why a server did not accept a signature: it compares the
// canonical request that was signed with what the server's error body says
// ([ParseSignatureError]), and names each difference with its usual cause. Where
// both sides computed the same, it says that the key is to blame; a server that
// does not tell what it computed leaves that open. An error body that cannot be
// read is itself the difference; the result is never empty.
//
// The canonical request comes from a Signer with Debug, or from
// [Canonicalize]; from the latter it has no scope, and none is compared.
func Explain(local *Canonical, serverError []byte) []Difference {
	report, err := ParseSignatureError(serverError)
	if err != nil {
		return []Difference{{Field: "server error", Cause: err.Error()}}
	}
	if report.Code != "SignatureDoesNotMatch" {
		return explainCode(local, report)
	}
	var found []Difference
	if report.CanonicalRequest != "" {
		theirs, ok := parseCanonical(report.CanonicalRequest)
		if !ok {
			return []Difference{{Field: "server error", Cause: "the CanonicalRequest in it has not the form of one"}}
		}
		found = Compare(local, theirs)
	}
	found = append(found, compareStringToSign(local, report, len(found) == 0)...)
	if len(found) == 0 {
		cause := "both sides signed the same text with different keys: the secret is not that of the access key id, or it was rotated and an old derived key is still cached, or the session token belongs to other credentials"
		if report.CanonicalRequest == "" && report.StringToSign == "" {
			cause = "the server does not say what it signed: look for the canonical request in its log, and check the secret, the session token, the region and the clock"
		}
		found = append(found, Difference{Field: "signature", Theirs: redacted, Cause: cause})
	}
	return found
}

// Compare names what differs between two canonical requests, element by
// element, with the usual cause of each. It returns nil for equal ones. Date and
// scope are compared where both have them.
func Compare(mine, theirs *Canonical) []Difference {
	var found []Difference
	if mine.Method != theirs.Method {
		found = append(found, Difference{
			Field: "method", Mine: mine.Method, Theirs: theirs.Method,
			Cause: "the method was changed on the way, or a redirect was followed with another one",
		})
	}
	if mine.URI != theirs.URI {
		found = append(found, Difference{
			Field: "path", Mine: mine.URI, Theirs: theirs.URI, Cause: pathCause(mine.URI, theirs.URI),
		})
	}
	found = append(found, compareQuery(mine.Query, theirs.Query)...)
	found = append(found, compareHeaders(mine.Headers, theirs.Headers)...)
	if mine.SignedHeaders != theirs.SignedHeaders {
		found = append(found, Difference{
			Field: "signed headers", Mine: mine.SignedHeaders, Theirs: theirs.SignedHeaders,
			Cause: headerListCause,
		})
	}
	if mine.PayloadHash != theirs.PayloadHash {
		found = append(found, Difference{
			Field: "payload hash", Mine: mine.PayloadHash, Theirs: theirs.PayloadHash,
			Cause: payloadCause(mine.PayloadHash, theirs.PayloadHash),
		})
	}
	if mine.Date != "" && theirs.Date != "" {
		found = append(found, compareSigning(mine, theirs)...)
	}
	return found
}

// compareSigning compares the lines of the string to sign but the last.
func compareSigning(mine, theirs *Canonical) []Difference {
	var found []Difference
	add := func(field, name, a, b, cause string) {
		if a != b {
			found = append(found, Difference{field, name, a, b, cause})
		}
	}
	add("algorithm", "", mine.Algorithm.String(), theirs.Algorithm.String(), "the two sides use different algorithms")
	add("date", "", mine.Date, theirs.Date, dateCause)
	add("scope", "date", mine.Scope.Date, theirs.Scope.Date, "the day of the scope is not that of the request, or the signing key of another day was used")
	add("scope", "region", mine.Scope.Region, theirs.Scope.Region, "the request is signed for the wrong region: sign for the one the server names")
	add("scope", "service", mine.Scope.Service, theirs.Scope.Service, "the request is signed for the wrong service")
	return found
}

const dateCause = "the two sides used different times: a clock is wrong, or the date was set again after signing"

// compareStringToSign compares what the server says it signed with the local
// one, where the local scope is known.
func compareStringToSign(local *Canonical, report *ServerReport, same bool) []Difference {
	lines := strings.Split(report.StringToSign, "\n")
	switch {
	case len(lines) == 4:
	case report.StringToSign != "" && same:
		return []Difference{{Field: "server error", Cause: "the StringToSign in it is not that of a request: it may be the policy of a form"}}
	default:
		return nil
	}
	theirs := *local
	a, ok := parseAlgorithm(lines[0])
	if !ok {
		return []Difference{{Field: "algorithm", Mine: local.Algorithm.String(), Theirs: lines[0], Cause: "the server signs with an algorithm that is not known here"}}
	}
	theirs.Algorithm, theirs.Date = a, lines[1]
	var found []Difference
	if local.Date != "" {
		if _, scope, ok := parseScope(lines[2], a); ok {
			theirs.Scope = scope
			found = compareSigning(local, &theirs)
		}
	}
	sum := sha256.Sum256([]byte(local.String()))
	if mine := string(appendHex(nil, sum[:])); same && report.CanonicalRequest == "" && mine != lines[3] {
		found = append(found, Difference{
			Field: "canonical request", Mine: mine, Theirs: lines[3],
			Cause: "the canonical requests differ, and the server did not send its own: compare method, path, query, headers and payload hash one by one",
		})
	}
	return found
}

func parseScope(text string, a Algorithm) (string, Scope, bool) {
	rest, ok := strings.CutSuffix("-/"+text, "/"+terminator)
	if !ok {
		return "", Scope{}, false
	}
	id, scope, err := parseCredential(rest, a)
	return id, scope, err == nil
}

// explainCode explains the refusals that come before a signature is compared.
func explainCode(local *Canonical, report *ServerReport) []Difference {
	d := Difference{Field: "server error", Theirs: report.Code, Cause: cmp.Or(report.Message, "the server refused the request before it compared signatures")}
	switch {
	case report.Code == "RequestTimeTooSkewed":
		d = Difference{
			Field: "date", Mine: cmp.Or(local.Date, report.RequestTime), Theirs: report.ServerTime,
			Cause: "the clock of the client and that of the server are too far apart: set the client's clock",
		}
	case report.Region != "":
		d = Difference{
			Field: "scope", Name: "region", Mine: local.Scope.Region, Theirs: report.Region,
			Cause: "the request is signed for the wrong region: sign for the one the server names",
		}
	case report.Code == "InvalidAccessKeyId":
		d.Cause = "the server does not know the access key id: it was deleted, or belongs to another partition or server"
	case report.Code == "InvalidToken" || report.Code == "ExpiredToken":
		d.Cause = "the session token is not that of the access key id, is missing, or has expired: get new temporary credentials"
	}
	return []Difference{d}
}

// parseCanonical takes the text of a canonical request apart.
func parseCanonical(text string) (*Canonical, bool) {
	method, rest, ok1 := strings.Cut(text, "\n")
	uri, rest, ok2 := strings.Cut(rest, "\n")
	query, rest, ok3 := strings.Cut(rest, "\n")
	headers, rest, ok4 := strings.Cut(rest, "\n\n")
	signed, payload, ok5 := strings.Cut(rest, "\n")
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || strings.Contains(payload, "\n") {
		return nil, false
	}
	return &Canonical{
		Method: method, URI: uri, Query: query, Headers: headers + "\n", SignedHeaders: signed, PayloadHash: payload,
	}, true
}
