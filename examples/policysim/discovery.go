// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/iampolicy"
)

// readMode reports whether a line asks for Discovery.
func readMode(raw json.RawMessage) (discovery bool, err error) {
	if absent(raw) {
		return false, nil
	}
	var mode string
	if err := json.Unmarshal(raw, &mode); err != nil {
		return false, fmt.Errorf("mode: %w", err)
	}
	switch mode {
	case "Strict", "":
		return false, nil
	case "Discovery":
		return true, nil
	}
	return false, fmt.Errorf("unknown mode %q", mode)
}

// constraint says what is known of the keys that it names.
type constraint struct {
	name      string         // in lower case, or
	pattern   *regexp.Regexp // what names match
	knowledge iampolicy.Knowledge
}

// maxPatterns bounds the regular expressions of a line, in bytes: one such as
// x{1000} takes some 100 KB.
const maxPatterns = 4 << 10

// read reads a constraint, with so much room for a pattern, of which it takes.
func (c *constraint) read(raw json.RawMessage, room *int) error {
	var name string
	var presence, value bool
	err := exact.Unmarshal(raw, exact.Member{Name: "keyName", To: &name},
		exact.Member{Name: "presenceIsKnown", To: &presence}, exact.Member{Name: "valueIsKnown", To: &value})
	switch {
	case err != nil:
		return err
	case name == "":
		return errors.New("keyName is missing")
	case value && !presence:
		return errors.New("valueIsKnown needs presenceIsKnown")
	case value:
		c.knowledge = iampolicy.Known
	case presence:
		c.knowledge = iampolicy.PresenceKnown
	default:
		c.knowledge = iampolicy.Unknown
	}
	if n := len(name); n > 1 && name[0] == '/' && name[n-1] == '/' {
		if *room -= n - 2; *room < 0 {
			return fmt.Errorf("regular expressions of more than %d bytes in all", maxPatterns)
		}
		c.pattern, err = regexp.Compile("(?i:" + name[1:n-1] + ")")
		return err
	}
	c.name = strings.ToLower(name)
	return nil
}

// readConstraints returns what the constraints of a line say of a key. Of
// several for one key the one that knows most counts.
func readConstraints(raw json.RawMessage) (func(key string) iampolicy.Knowledge, error) {
	const member = "discoveryContextKeyConstraints"
	var in []json.RawMessage
	if !absent(raw) {
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, fmt.Errorf("%s: %w", member, err)
		}
	}
	names := make(map[string]iampolicy.Knowledge)
	var patterns []constraint
	room := maxPatterns
	for i, text := range in {
		var c constraint
		if err := c.read(text, &room); err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", member, i, err)
		}
		if c.pattern != nil {
			patterns = append(patterns, c)
		} else if was, twice := names[c.name]; !twice || c.knowledge < was {
			names[c.name] = c.knowledge
		}
	}
	return func(key string) iampolicy.Knowledge {
		most, named := names[strings.ToLower(key)]
		if !named {
			most = iampolicy.Unknown
		}
		for i := range patterns {
			if c := &patterns[i]; c.knowledge < most && c.pattern.MatchString(key) {
				most = c.knowledge
			}
		}
		return most
	}, nil
}

// ignored is a condition that Discovery set aside.
type ignored struct {
	Operator string   `json:"op"`
	Key      string   `json:"key"`
	Values   []string `json:"values"`
}

// ignoredOf are the conditions set aside in one type of policies.
type ignoredOf struct {
	Allow []ignored `json:"allow,omitempty"`
	Deny  []ignored `json:"deny,omitempty"`
}

// discoveryReasons puts what Discover set aside into the words of the protocol.
func discoveryReasons(x *iampolicy.Discovery) *why {
	w := reasons(x.Explanation)
	w.IgnoredRoleSessionName, w.Conditions = x.IgnoredSessionName, x.Depends
	for _, c := range x.Ignored {
		typ := c.Type
		switch typ {
		case "boundary":
			typ = "permissionBoundary"
		case "vpce":
			typ = "endpointPolicy"
		}
		if w.IgnoredConditions == nil {
			w.IgnoredConditions = make(map[string]*ignoredOf)
		}
		of := w.IgnoredConditions[typ]
		if of == nil {
			of = new(ignoredOf)
			w.IgnoredConditions[typ] = of
		}
		one := ignored{Operator: c.Operator, Key: c.Key, Values: c.Values}
		if c.Effect == "Deny" {
			of.Deny = append(of.Deny, one)
		} else {
			of.Allow = append(of.Allow, one)
		}
	}
	return w
}

// discover answers a line in Discovery mode.
func (c *config) discover(id, constraints json.RawMessage, p *iampolicy.Policies, r *iampolicy.Request) ([]byte, error) {
	knowledge, err := readConstraints(constraints)
	if err != nil {
		return nil, err
	}
	x := p.Discover(r, knowledge)
	switch {
	case x.Err != nil:
		return nil, x.Err
	case c.explain && !c.json:
		return []byte(heading(id, r) + x.String() + "\n"), nil
	case c.why == "none":
		return encode(answer{ID: id, Decision: x.Outcome}), nil
	}
	return encode(answer{ID: id, Decision: x.Outcome, Why: discoveryReasons(x)}), nil
}
