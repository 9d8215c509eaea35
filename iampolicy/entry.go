// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
)

// match says how a policy names a caller, weakest first. In an Allow it
// decides what else limits the caller; in a Deny every match denies.
type match uint8

const (
	matchNone          match = iota
	matchAccount             // by its account: a delegation to identity policies
	matchRole                // a session by its role
	matchUserOfSession       // a federated session by the user who made it
	matchDirect              // the caller itself
	matchEveryone
)

type entryType uint8

const (
	entryNever entryType = iota
	entryEveryone
	entryUser
	entryRole
	entrySession
	entryAccount
	entryService
	entryFederated
	entryCanonical
	entryUniqueID
)

// entry is one compiled entry of Principal or NotPrincipal.
type entry struct {
	text      string
	partition string // "" for an account id, which stands for every partition
	account   string
	name      string // of the user or role, without path
	typ       entryType
}

// compileEntry reads an entry. What is no principal, and what holds wildcards
// (which principals must not), names nobody.
func compileEntry(typ, text string) entry {
	e := entry{text: text}
	switch {
	case typ == "AWS" && text == "*":
		e.typ = entryEveryone
	case text == "" || strings.ContainsAny(text, "*?"):
	case typ == "Service":
		e.typ = entryService
	case typ == "Federated":
		e.typ = entryFederated
	case typ == "CanonicalUser":
		e.typ = entryCanonical
	case accountID(text):
		e.typ, e.account = entryAccount, text
	case uniqueID(text):
		e.typ = entryUniqueID
	default:
		e.readARN()
	}
	return e
}

func (e *entry) readARN() {
	a, ok := arn.Parse(e.text)
	if !ok || a.Account == "" {
		return
	}
	sort, rest, _ := strings.Cut(a.Resource, "/")
	e.partition, e.account, e.name = a.Partition, a.Account, lastSegment(rest)
	switch {
	case a.Service == "iam" && a.Resource == "root":
		e.typ = entryAccount
	case a.Service == "iam" && sort == "user":
		e.typ = entryUser
	case a.Service == "iam" && sort == "role":
		e.typ = entryRole
	case a.Service == "sts" && (sort == "assumed-role" || sort == "federated-user"):
		e.typ = entrySession
	}
}

// accountID reports whether a text is the id of an account.
func accountID(text string) bool { return len(text) == 12 && digitsLen(text) == 12 }

// uniqueID reports whether a text has the form of the unique id of a user or
// role: AIDA… or AROA…, of any length.
func uniqueID(text string) bool {
	if len(text) <= len("AIDA") || !strings.HasPrefix(text, "AIDA") && !strings.HasPrefix(text, "AROA") {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// match says how the entry names the caller.
func (e *entry) match(r *Request) match {
	p := &r.Principal
	switch e.typ {
	case entryEveryone:
		return matchEveryone
	case entryService:
		return p.direct(Service, e.text)
	case entryFederated:
		return p.direct(Federated, e.text)
	case entryCanonical:
		return e.canonical(p)
	}
	if !p.inAccount() {
		return matchNone
	}
	switch e.typ {
	case entryUser:
		if p.kind == FederatedSession && p.name == e.name && p.partition == e.partition && p.account == e.account {
			return matchUserOfSession
		}
		return p.direct(User, e.text)
	case entrySession:
		if (p.kind == RoleSession || p.kind == FederatedSession) && p.text == e.text {
			return matchDirect
		}
	case entryRole:
		if p.kind == RoleSession && p.name == e.name && p.partition == e.partition && p.account == e.account ||
			p.kind == Role && p.text == e.text {
			return matchRole
		}
	case entryAccount:
		if p.account == e.account && (e.partition == "" || p.partition == e.partition) {
			return matchAccount
		}
	case entryUniqueID:
		return e.unique(r)
	}
	return matchNone
}

func (p *Principal) direct(kind PrincipalType, text string) match {
	if p.kind == kind && p.text == text {
		return matchDirect
	}
	return matchNone
}

// sessionOf reports whether the entry names some session of the caller's role.
func (e *entry) sessionOf(p *Principal) bool {
	if e.typ != entrySession || p.account != e.account || p.partition != e.partition {
		return false
	}
	role := e.role()
	return role != "" && role == p.name
}

// role returns the name of the role whose session the entry names, or "".
func (e *entry) role() string {
	a, _ := arn.Parse(e.text)
	role, ok := strings.CutPrefix(a.Resource, "assumed-role/")
	if !ok {
		return ""
	}
	role, _, _ = strings.Cut(role, "/")
	return role
}

func (e *entry) canonical(p *Principal) match {
	if !p.inAccount() || p.CanonicalID == "" || p.CanonicalID != e.text {
		return matchNone
	}
	if p.OwnCanonicalID {
		return matchDirect
	}
	return matchAccount
}

// unique matches AIDA… with the user that has it, AROA… with the sessions of
// the role, whose aws:userid is AROA…:session, and with the role itself.
func (e *entry) unique(r *Request) match {
	p, userID := &r.Principal, r.Principal.ID
	if v := r.Context.find("aws:userid", keyUserID); v != nil && !v.multi {
		userID = v.text
	}
	id, _, session := strings.Cut(userID, ":")
	if id != e.text {
		return matchNone
	}
	switch p.kind {
	case User:
		if !session {
			return matchDirect
		}
	case Role, RoleSession:
		return matchRole
	}
	return matchNone
}

// names reports whether the entry names the caller itself, which is what makes
// a Deny with NotPrincipal spare it.
func (e *entry) names(r *Request) bool {
	p := &r.Principal
	switch e.typ {
	case entryEveryone:
		return true
	case entryUser, entrySession:
		return e.match(r) == matchDirect
	case entryRole:
		return p.kind == Role && p.text == e.text
	case entryAccount:
		return p.kind == Root && e.match(r) == matchAccount
	case entryUniqueID:
		return p.kind != RoleSession && e.match(r) != matchNone
	}
	return e.match(r) != matchNone
}

// spared reports whether the entries of a NotPrincipal in a Deny spare the
// caller.
func spared(entries []entry, r *Request, mode NotPrincipalMode) bool {
	p := &r.Principal
	var itself, byRole, byAccount, any bool
	for i := range entries {
		e := &entries[i]
		if e.typ == entryEveryone {
			return true
		}
		itself = itself || e.names(r)
		m := e.match(r)
		any = any || m != matchNone
		byRole = byRole || m == matchRole || m == matchUserOfSession
		byAccount = byAccount || m == matchAccount
	}
	switch mode {
	case LooseNotPrincipal:
		return any
	case StrictNotPrincipal:
		switch p.kind {
		case User, Role:
			return itself && byAccount
		case RoleSession, FederatedSession:
			return itself && byRole && byAccount
		}
	}
	return itself
}

var keyUserID = hashFold("aws:userid")
