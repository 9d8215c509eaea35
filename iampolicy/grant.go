// SPDX-License-Identifier: Apache-2.0

package iampolicy

import "strings"

// Grant is a KMS grant on a key (AWS KMS Developer Guide, "Grants in AWS
// KMS"): one more way in which the key lets a principal in. Grants never deny.
type Grant struct {
	Grantee    string   // ARN of a user, role or session, or the name of a service
	Key        string   // ARN of the key
	Operations []string // such as Decrypt

	// EncryptionContextSubset and EncryptionContextEquals, if not nil, demand
	// that the request's encryption context, in the context keys
	// kms:EncryptionContext:…, holds these pairs, or these and no others.
	EncryptionContextSubset, EncryptionContextEquals map[string]string
}

// granted says how a grant or an ACL lets the caller in.
func (p *Policies) granted(e *evaluation) match {
	how := p.ACL.grants(e)
	for i := range p.Grants {
		if p.Grants[i].covers(e) {
			return max(how, matchDirect)
		}
	}
	return how
}

func (g *Grant) covers(e *evaluation) bool { return g.names(e) && g.constrains(&e.req.Context) }

// names reports whether the grant is for the request, its constraints aside.
func (g *Grant) names(e *evaluation) bool {
	if !isKey(e) || !equalFold(e.service, "kms") || g.Key != e.req.Resource || e.mode != resourcePlain ||
		!oneOfFold(e.name, g.Operations...) {
		return false
	}
	typ := "AWS"
	if !strings.HasPrefix(g.Grantee, "arn:") {
		typ = "Service"
	}
	grantee := compileEntry(typ, g.Grantee)
	how := grantee.match(e.req)
	return how != matchNone && how != matchAccount
}

// constrains reports whether the encryption context is what the grant demands.
func (g *Grant) constrains(ctx *Context) bool {
	return (g.EncryptionContextSubset == nil || ctx.encryptionContext(g.EncryptionContextSubset) >= 0) &&
		(g.EncryptionContextEquals == nil || ctx.encryptionContext(g.EncryptionContextEquals) == len(g.EncryptionContextEquals))
}

// encryptionContext returns the number of pairs of the encryption context, or
// -1 when one of those given is not among them.
func (c *Context) encryptionContext(pairs map[string]string) int {
	const prefix = "kms:encryptioncontext:"
	n, found := 0, 0
	for i := range c.values {
		v := &c.values[i]
		if v.multi || !strings.HasPrefix(v.key, prefix) {
			continue
		}
		n++
		if want, ok := pairs[v.name[len(prefix):]]; ok && want == v.text {
			found++
		}
	}
	if found < len(pairs) {
		return -1
	}
	return n
}
