// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// options are how documents are read: what cannot be evaluated denies.
var options = iampolicy.Options{Lenient: true}

// member is a member of a JSON object, in the order of the text.
type member struct {
	name  string
	value json.RawMessage
}

// object reads the members of an object, in order and repetitions included.
func object(raw json.RawMessage) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("must be an object")
	}
	var all []member
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: fmt.Sprint(t)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// unique reads the members of an object; one that occurs twice is an error,
// since one of the two would have to be believed.
func unique(raw json.RawMessage) (map[string]json.RawMessage, error) {
	all, err := object(raw)
	if err != nil {
		return nil, err
	}
	out := make(map[string]json.RawMessage, len(all))
	for _, m := range all {
		if _, twice := out[m.name]; twice {
			err = fmt.Errorf("member %q occurs twice", m.name)
		}
		out[m.name] = m.value
	}
	return out, err
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// readRequest reads the member request.
func readRequest(raw json.RawMessage) (*iampolicy.Request, error) {
	if absent(raw) {
		return nil, errors.New("request: missing")
	}
	in, err := unique(raw)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	r := new(iampolicy.Request)
	for _, f := range []struct {
		name     string
		to       any
		required bool
	}{
		{"action", &r.Action, true},
		{"resource", &r.Resource, true},
		{"resourceAccountId", &r.ResourceAccount, false},
		{"wildcardOnlyAction", &r.WildcardOnly, false},
	} {
		if absent(in[f.name]) {
			if f.required {
				return nil, fmt.Errorf("request.%s: missing", f.name)
			}
			continue
		}
		if err := json.Unmarshal(in[f.name], f.to); err != nil {
			return nil, fmt.Errorf("request.%s: %w", f.name, err)
		}
	}
	if r.Action == "" || r.Resource == "" {
		return nil, errors.New("request: action and resource must not be empty")
	}
	if r.Principal, err = readPrincipal(in["principal"], federates(r.Action)); err != nil {
		return nil, fmt.Errorf("request.principal: %w", err)
	}
	return r, readContext(in["context"], &r.Context)
}

// federates reports whether the callers of an action are identity providers.
func federates(action string) bool {
	return strings.EqualFold(action, "sts:AssumeRoleWithWebIdentity") || strings.EqualFold(action, "sts:AssumeRoleWithSAML")
}

// readPrincipal reads a principal; text that is no ARN is a service, or with
// federates an identity provider.
func readPrincipal(raw json.RawMessage, federates bool) (iampolicy.Principal, error) {
	if absent(raw) {
		return iampolicy.Principal{}, errors.New("missing")
	}
	if raw[0] == '{' {
		var object map[string]json.RawMessage
		var typ string
		if json.Unmarshal(raw, &object) == nil && json.Unmarshal(object["type"], &typ) == nil && typ == "Anonymous" {
			return iampolicy.Principal{}, nil
		}
		return iampolicy.Principal{}, errors.New(`an object must be {"type":"Anonymous"}`)
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return iampolicy.Principal{}, err
	}
	if !strings.HasPrefix(text, "arn:") && text != "" && federates {
		return iampolicy.FederatedPrincipal(text), nil
	}
	return iampolicy.ParsePrincipal(text)
}

// readContext reads the context keys: scalars are single values, arrays lists,
// null is no value at all.
func readContext(raw json.RawMessage, c *iampolicy.Context) error {
	if absent(raw) {
		return nil
	}
	members, err := object(raw)
	if err != nil {
		return fmt.Errorf("request.context: %w", err)
	}
	for _, m := range members {
		if m.value[0] == '[' {
			var items []json.RawMessage
			if err := json.Unmarshal(m.value, &items); err != nil {
				return fmt.Errorf("request.context: %w", err)
			}
			values := make([]string, 0, len(items))
			for _, item := range items {
				text, ok := scalar(item)
				if !ok {
					return fmt.Errorf("request.context: %q: a list holds strings, numbers and booleans", m.name)
				}
				values = append(values, text)
			}
			c.SetList(m.name, values)
			continue
		}
		if absent(m.value) {
			continue
		}
		text, ok := scalar(m.value)
		if !ok {
			return fmt.Errorf("request.context: %q: must be a string, number, boolean or array", m.name)
		}
		c.Set(m.name, text)
	}
	return c.Err()
}

// scalar returns the text of a string, number or boolean.
func scalar(raw json.RawMessage) (string, bool) {
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case '{', '[', 'n':
		return "", false
	}
	return string(raw), true
}

// readPolicy reads a document, bare or wrapped with a name.
func readPolicy(raw json.RawMessage) (*iampolicy.Policy, error) {
	document, name := raw, ""
	var wrapper map[string]json.RawMessage
	if json.Unmarshal(raw, &wrapper) == nil && wrapper["policy"] != nil && wrapper["Statement"] == nil {
		if _, err := unique(raw); err != nil {
			return nil, err
		}
		document = wrapper["policy"]
		if !absent(wrapper["name"]) {
			if err := json.Unmarshal(wrapper["name"], &name); err != nil {
				return nil, fmt.Errorf("name: %w", err)
			}
		}
	}
	p, err := options.Parse(document)
	if err != nil {
		return nil, err
	}
	p.Name = name
	return p, nil
}

// readSet reads a list of policies and compiles them. With several false the
// value is one policy. Absent is nil; an empty list is nil too unless it says
// something, as that of an organization level does.
func readSet(raw json.RawMessage, kind iampolicy.Kind, level string, several, keepEmpty bool) (*iampolicy.Set, error) {
	if absent(raw) && !keepEmpty {
		return nil, nil
	}
	var documents []json.RawMessage
	switch {
	case absent(raw):
	case several:
		if err := json.Unmarshal(raw, &documents); err != nil {
			return nil, err
		}
	default:
		documents = []json.RawMessage{raw}
	}
	if len(documents) == 0 && !keepEmpty {
		return nil, nil
	}
	policies := make([]*iampolicy.Policy, 0, len(documents))
	for i, document := range documents {
		p, err := readPolicy(document)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		policies = append(policies, p)
	}
	o := options
	o.Level = level
	return o.Compile(kind, policies...)
}

// readLevels reads the levels of an organization.
func readLevels(raw json.RawMessage, kind iampolicy.Kind) ([]*iampolicy.Set, error) {
	if absent(raw) {
		return nil, nil
	}
	var levels []json.RawMessage
	if err := json.Unmarshal(raw, &levels); err != nil {
		return nil, err
	}
	sets := make([]*iampolicy.Set, 0, len(levels))
	for i, text := range levels {
		level, err := unique(text)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		id := ""
		if !absent(level["id"]) {
			if err := json.Unmarshal(level["id"], &id); err != nil {
				return nil, fmt.Errorf("[%d].id: %w", i, err)
			}
		}
		set, err := readSet(level["policies"], kind, id, true, true)
		if err != nil {
			return nil, fmt.Errorf("[%d].policies%w", i, err)
		}
		sets = append(sets, set)
	}
	return sets, nil
}
