// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/percent"
)

// values is the parameters or headers of one side by name, each with all its
// values in order.
type values map[string][]string

// names returns every name of either side, sorted.
func names(a, b values) []string {
	var all []string
	for name := range a {
		all = append(all, name)
	}
	for name := range b {
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func splitQuery(query string) values {
	out := values{}
	for piece := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(piece, "="); piece != "" {
			out[name] = append(out[name], value)
		}
	}
	return out
}

func compareQuery(mine, theirs string) []Difference {
	if mine == theirs {
		return nil
	}
	var found []Difference
	a, b := splitQuery(mine), splitQuery(theirs)
	respelled := respellings(a, b)
	for _, name := range names(a, b) {
		other, paired := respelled[name]
		switch {
		case slices.Equal(a[name], b[name]), paired && other == "":
			continue
		case !paired:
			d := Difference{Field: "query", Name: name, Mine: strings.Join(a[name], ","), Theirs: strings.Join(b[name], ",")}
			d.Cause = queryCause(name, a[name], b[name], d.Mine, d.Theirs)
			found = append(found, d.withhold())
		default:
			found = append(found, Difference{Field: "query", Name: name, Mine: name, Theirs: other, Cause: nameCause(name, other)})
		}
	}
	if len(found) > 0 {
		return found
	}
	return []Difference{{
		Field: "query", Mine: redactQuery(mine), Theirs: redactQuery(theirs),
		Cause: "the parameters stand in another order: they are sorted by encoded name, then by encoded value",
	}}
}

// respellings pairs the names that only one side has, with the same values, and
// that are one name in two spellings: mine to theirs, and theirs to "".
func respellings(a, b values) map[string]string {
	pairs := map[string]string{}
	if len(a)*len(b) > 1<<16 { // each is held against each
		return pairs
	}
	for _, mine := range slices.Sorted(maps.Keys(a)) {
		if len(b[mine]) > 0 {
			continue
		}
		for _, theirs := range slices.Sorted(maps.Keys(b)) {
			_, taken := pairs[theirs]
			if !taken && len(a[theirs]) == 0 && slices.Equal(a[mine], b[theirs]) && nameCause(mine, theirs) != "" {
				pairs[mine], pairs[theirs] = theirs, ""
				break
			}
		}
	}
	return pairs
}

// nameCause explains two spellings of a parameter's name, "" for two names.
func nameCause(mine, theirs string) string {
	if cause := encodingCause(mine, theirs); cause != "" || !strings.EqualFold(mine, theirs) {
		return cause
	}
	return "the name's case was changed on the way: it is signed as it is written"
}

func queryCause(name string, a, b []string, mine, theirs string) string {
	switch {
	case len(b) == 0:
		return "the parameter was signed and did not reach the server: a proxy or a redirect dropped it"
	case len(a) == 0:
		return "the server got a parameter that was not signed: it was added after signing"
	case len(a) != len(b):
		return "the parameter is repeated a different number of times: duplicates are all signed"
	case slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))):
		return "repeated values of the parameter stand in another order: they are sorted by encoded value"
	}
	switch name {
	case "X-Amz-Date":
		return dateCause
	case "X-Amz-Credential":
		return "the credential is another one: compare access key id, day, region or service, the parts between its slashes"
	case "X-Amz-SignedHeaders":
		return headerListCause
	case nameToken, nameS3Token:
		return tokenCause
	default:
		return cmp.Or(encodingCause(mine, theirs), "the value was changed on the way")
	}
}

// encodingCause finds out whether two encoded texts are one text encoded in
// two ways.
func encodingCause(mine, theirs string) string {
	space := strings.NewReplacer("%20", " ", "+", " ", "%2B", " ")
	twice := func(a, b string) bool {
		return string(percent.Append(nil, a, strings.Contains(b, "/"))) == b
	}
	slash := strings.NewReplacer("%2F", "/", "%2f", "/")
	decoded := func(s string) string { return string(percent.AppendDecoded(nil, []byte(s))) }
	rawSpace := strings.Contains(mine+theirs, " ")
	escaped := strings.Contains(mine, "%") && strings.Contains(theirs, "%")
	switch {
	case strings.EqualFold(mine, theirs) && upperEscapes(mine) == upperEscapes(theirs):
		return "escapes are written with different case: canonical ones are upper case"
	case !rawSpace && space.Replace(mine) == space.Replace(theirs):
		return "a space was sent as + on one side and as %20 on the other, or a + was not escaped as %2B: send %20 and %2B"
	case slash.Replace(mine) == slash.Replace(theirs):
		return "an encoded slash, %2F, was decoded or encoded on the way"
	case escaped && twice(mine, theirs):
		return "encoded once on this side and twice on the server's"
	case escaped && twice(theirs, mine):
		return "encoded twice on this side and once on the server's"
	case percent.Valid(mine) && percent.Valid(theirs) && decoded(mine) == decoded(theirs):
		return "a character is escaped on one side and not on the other: all are but A-Z a-z 0-9 - . _ ~ and the slashes of a path"
	default:
		return ""
	}
}

// upperEscapes writes the escapes of s in capitals.
func upperEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToUpper(s[i+1:i+3]))
		}
	}
	return string(b)
}

func pathCause(mine, theirs string) string {
	normal := func(path string) string { return string(appendNormalized(nil, path)) }
	rooted := strings.HasPrefix(mine, "/") && strings.HasPrefix(theirs, "/")
	switch cause := encodingCause(mine, theirs); {
	case strings.HasPrefix(cause, "encoded"):
		return cause + ": S3 encodes the path once (SingleEncode), other services twice"
	case cause != "":
		return cause
	case rooted && normal(mine) == normal(theirs):
		return "one side removed dot segments or repeated slashes from the path: S3 does not (RawPath), other services do"
	case strings.EqualFold(mine, theirs):
		return "the case of the path was changed on the way: it is signed as it is sent"
	case strings.TrimSuffix(mine, "/") == strings.TrimSuffix(theirs, "/"):
		return "a slash at the end of the path was added or removed on the way"
	case strings.HasSuffix(mine, theirs) || strings.HasSuffix(theirs, mine):
		return "a prefix of the path was added or removed: by a proxy or a router (Verifier.OriginalURI), or by bucket-in-host against bucket-in-path addressing"
	default:
		return "the path was changed on the way, or the two sides escape it differently"
	}
}

func splitHeaders(block string) values {
	out := values{}
	for line := range strings.Lines(block) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		out[name] = append(out[name], value)
	}
	return out
}

func compareHeaders(mine, theirs string) []Difference {
	var found []Difference
	a, b := splitHeaders(mine), splitHeaders(theirs)
	for _, name := range names(a, b) {
		if slices.Equal(a[name], b[name]) {
			continue
		}
		d := Difference{Field: "header", Name: name, Mine: strings.Join(a[name], ","), Theirs: strings.Join(b[name], ",")}
		switch {
		case len(b[name]) == 0:
			d.Cause = "the header was signed and is missing at the server: a proxy removed it, or the client never sent it"
		case len(a[name]) == 0:
			d.Cause = "the server counts a header that was not signed here: a proxy or the HTTP client added it"
		default:
			d.Cause = headerCause(name, d.Mine, d.Theirs)
		}
		found = append(found, d.withhold())
	}
	return found
}

const (
	tokenCause      = "the session token is another one: it belongs to other credentials, or was refreshed after signing"
	headerListCause = "the two sides do not sign the same list of headers: it is sorted, lowercase, and joined with semicolons"
)

// headerCause explains two values of one header.
func headerCause(name, mine, theirs string) string {
	switch name {
	case "host":
		return hostCause(mine, theirs)
	case "x-amz-date", "date":
		return dateCause
	case "x-amz-content-sha256":
		return payloadCause(mine, theirs)
	case "content-length", "x-amz-decoded-content-length":
		return "the body was sent with another length than it was signed with: it was compressed, framed or cut"
	case "x-amz-security-token", "x-amz-s3session-token":
		return tokenCause
	}
	spaces := func(s string) string { return strings.Join(strings.Fields(s), "") }
	switch {
	case !signedByDefault(name) || name == "accept-encoding":
		return "proxies and HTTP clients rewrite this header: do not sign it"
	case spaces(mine) == spaces(theirs):
		return "the value has other spaces: runs of spaces count as one, also inside quotes, and spaces at the ends as none"
	case strings.EqualFold(mine, theirs):
		return "the value's case was changed on the way"
	default:
		return "the value was changed between signing and the server"
	}
}

func hostCause(mine, theirs string) string {
	bare := func(host string) string {
		if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
			return host[:i]
		}
		return host
	}
	dotless := func(host string) string { return strings.TrimSuffix(bare(host), ".") }
	switch {
	case strings.EqualFold(mine, theirs):
		return "the case of the host was changed on the way: it is signed as it is sent"
	case strings.EqualFold(bare(mine), bare(theirs)):
		return "one side has the port in the host: the default port of the scheme is never signed, any other always is"
	case strings.EqualFold(dotless(mine), dotless(theirs)):
		return "one side has a dot at the end of the host: it is signed as it is sent"
	}
	return "a proxy or load balancer changed the Host header: keep it, or tell the server which host clients sign (Verifier.Host, HostAliases)"
}

func payloadCause(mine, theirs string) string {
	literal := func(s string) bool { return len(s) != len(emptyHash) }
	switch {
	case literal(mine) != literal(theirs):
		return "one side takes the payload for hashed, the other for unsigned or streaming: x-amz-content-sha256 decides, and must be signed as it is sent; without it a URL presigned for S3 has UNSIGNED-PAYLOAD, any other request the hash of its body"
	case mine == emptyHash:
		return "an empty body was signed and another one arrived, or its hash was stated"
	case theirs == emptyHash:
		return "the server saw an empty body: it was lost on the way, by a redirect or a retry for example"
	case literal(mine):
		return "the two sides name different payload modes in x-amz-content-sha256"
	default:
		return "the body that arrived is not the one that was hashed: it was changed, compressed or re-encoded after signing"
	}
}

// withhold replaces the values of what must stay secret.
func (d Difference) withhold() Difference {
	secret := isSecretHeader(strings.ToLower(d.Name))
	if d.Field == "query" {
		switch authParamOf([]byte(d.Name)) {
		case paramToken, paramS3Token, paramSignature:
			secret = true
		}
	}
	for _, value := range [...]*string{&d.Mine, &d.Theirs} {
		if secret && *value != "" {
			*value = redacted
		}
	}
	return d
}
