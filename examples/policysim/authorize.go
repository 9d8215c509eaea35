// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// why is the reasons of an answer.
type why struct {
	SameAccount bool     `json:"sameAccount"`
	Session     string   `json:"session,omitempty"`
	Identity    string   `json:"identity"`
	Resource    string   `json:"resource"`
	Boundary    string   `json:"boundary,omitempty"`
	Endpoint    string   `json:"vpce,omitempty"`
	SCP         string   `json:"scp"`
	RCP         string   `json:"rcp"`
	BlockedBy   []string `json:"blockedBy,omitempty"`
	Allow       []string `json:"allow"`
	Deny        []string `json:"deny"`
	Reason      string   `json:"reason,omitempty"`
	Missing     []string `json:"missing,omitempty"`
	// Indeterminate says that a statement that cannot be evaluated denied.
	Indeterminate bool `json:"indeterminate,omitempty"`

	// Of Discovery: what was set aside, and what is left to know.
	IgnoredConditions      map[string]*ignoredOf `json:"ignoredConditions,omitempty"`
	IgnoredRoleSessionName bool                  `json:"ignoredRoleSessionName,omitempty"`
	Conditions             *iampolicy.Expr       `json:"conditions,omitempty"`
}

type answer struct {
	ID       json.RawMessage   `json:"id,omitempty"`
	Decision iampolicy.Outcome `json:"decision"`
	Why      *why              `json:"why,omitempty"`
}

// do carries out one line.
func (c *config) do(members map[string]json.RawMessage, m *meter) ([]byte, error) {
	op := "authorize"
	if !absent(members["op"]) {
		if err := json.Unmarshal(members["op"], &op); err != nil {
			return nil, fmt.Errorf("op: %w", err)
		}
	}
	switch op {
	case "authorize":
		return c.authorize(members, m)
	case "validate":
		return validate(members)
	}
	return nil, fmt.Errorf("unknown op %q", op)
}

func (c *config) authorize(members map[string]json.RawMessage, m *meter) ([]byte, error) {
	discovery, err := readMode(members["mode"])
	if err != nil {
		return nil, err
	}
	r, err := readRequest(members["request"])
	if err != nil {
		return nil, err
	}
	p, err := readPolicies(members, r)
	if err != nil {
		return nil, err
	}
	if discovery {
		return c.discover(members["id"], members["discoveryContextKeyConstraints"], p, r)
	}
	c.measure(p, r, m)
	if c.why == "none" && !c.explain {
		d := p.Decide(r)
		if d.Err != nil {
			return nil, d.Err
		}
		return encode(answer{ID: members["id"], Decision: d.Outcome}), nil
	}
	x := p.Explain(r)
	switch {
	case x.Err != nil:
		return nil, x.Err
	case c.explain && c.json:
		return encode(struct {
			ID json.RawMessage `json:"id,omitempty"`
			*iampolicy.Explanation
		}{members["id"], x}), nil
	case c.explain:
		return []byte(heading(members["id"], r) + x.String() + "\n"), nil
	}
	return encode(answer{ID: members["id"], Decision: x.Outcome, Why: reasons(x)}), nil
}

func heading(id json.RawMessage, r *iampolicy.Request) string {
	var b strings.Builder
	if len(id) > 0 {
		fmt.Fprintf(&b, "[%s] ", id)
	}
	fmt.Fprintf(&b, "%s may %s on %s?\n", r.Principal.String(), r.Action, r.Resource)
	return b.String()
}

// measure decides the request as often as -bench says.
func (c *config) measure(p *iampolicy.Policies, r *iampolicy.Request, m *meter) {
	if c.bench == 0 {
		return
	}
	start := time.Now()
	for range c.bench {
		p.Decide(r)
	}
	m.add(c.bench, time.Since(start))
}

// readPolicies reads the policies of a line and compiles them.
func readPolicies(members map[string]json.RawMessage, r *iampolicy.Request) (*iampolicy.Policies, error) {
	p := new(iampolicy.Policies)
	for _, f := range []struct {
		name    string
		kind    iampolicy.Kind
		to      **iampolicy.Set
		several bool
	}{
		{"identityPolicies", iampolicy.KindIdentity, &p.Identity, true},
		{"resourcePolicy", resourceKind(r.Action), &p.Resource, false},
		{"permissionBoundaries", iampolicy.KindBoundary, &p.Boundary, true},
		{"sessionPolicy", iampolicy.KindSession, &p.Session, false},
		{"vpcEndpointPolicies", iampolicy.KindEndpoint, &p.Endpoint, true},
	} {
		var err error
		if *f.to, err = readSet(members[f.name], f.kind, "", f.several, false); err != nil {
			return nil, fmt.Errorf("%s%w", f.name, spaced(err))
		}
	}
	if !r.Principal.IsSession() {
		p.Session = nil
	}
	var err error
	if p.SCP, err = readLevels(members["scps"], iampolicy.KindSCP); err != nil {
		return nil, fmt.Errorf("scps%w", spaced(err))
	}
	if p.RCP, err = readLevels(members["rcps"], iampolicy.KindRCP); err != nil {
		return nil, fmt.Errorf("rcps%w", spaced(err))
	}
	if raw := members["s3BlockPublicAccess"]; !absent(raw) {
		if err := json.Unmarshal(raw, &p.RestrictPublicBuckets); err != nil {
			return nil, fmt.Errorf("s3BlockPublicAccess: %w", err)
		}
	}
	return p, nil
}

// spaced puts a colon before an error that does not begin with an index.
func spaced(err error) error {
	if strings.HasPrefix(err.Error(), "[") {
		return err
	}
	return fmt.Errorf(": %w", err)
}

// resourceKind returns the kind of the resource's policy: a trust policy for
// the actions that assume roles.
func resourceKind(action string) iampolicy.Kind {
	name, ok := strings.CutPrefix(strings.ToLower(action), "sts:")
	if !ok {
		return iampolicy.KindResource
	}
	switch name {
	case "assumerole", "assumerolewithsaml", "assumerolewithwebidentity", "tagsession", "setsourceidentity", "setcontext":
		return iampolicy.KindTrust
	}
	return iampolicy.KindResource
}

// reasons puts an explanation into the words of the protocol.
func reasons(x *iampolicy.Explanation) *why {
	w := &why{
		SameAccount: x.SameAccount, Session: x.Session, Identity: x.Identity, Resource: x.Resource, Boundary: x.Boundary,
		Endpoint: x.Endpoint, SCP: x.SCP, RCP: x.RCP, BlockedBy: x.BlockedBy, Allow: []string{}, Deny: []string{},
		Reason: x.Reason, Missing: x.Missing, Indeterminate: x.Indeterminate,
	}
	for _, set := range x.Sets {
		place := set.Type
		if set.Level != "" {
			place += ":" + set.Level
		}
		for _, st := range set.Statements {
			name := place + "/" + st.Policy + "/" + st.Name()
			switch {
			case !st.Applied:
			case st.Effect == "Deny":
				w.Deny = append(w.Deny, name)
			default:
				w.Allow = append(w.Allow, name)
			}
		}
	}
	return w
}
