// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/iampolicy"
)

// options are how documents are read: what cannot be evaluated denies.
var options = iampolicy.Options{Lenient: true}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// readRequest reads the member request.
func readRequest(raw json.RawMessage) (*iampolicy.Request, error) {
	if absent(raw) {
		return nil, errors.New("request: missing")
	}
	r := new(iampolicy.Request)
	var principal, context json.RawMessage
	err := exact.Unmarshal(raw,
		exact.Member{Name: "action", To: &r.Action}, exact.Member{Name: "resource", To: &r.Resource},
		exact.Member{Name: "resourceAccountId", To: &r.ResourceAccount}, exact.Member{Name: "wildcardOnlyAction", To: &r.WildcardOnly},
		exact.Member{Name: "principal", To: &principal}, exact.Member{Name: "context", To: &context})
	switch {
	case err != nil:
		return nil, fmt.Errorf("request: %w", err)
	case r.Action == "":
		return nil, errors.New("request.action: missing")
	case r.Resource == "":
		return nil, errors.New("request.resource: missing")
	}
	if r.Principal, err = readPrincipal(principal, federates(r.Action)); err != nil {
		return nil, fmt.Errorf("request.principal: %w", err)
	}
	if err := readContext(context, &r.Context); err != nil {
		return nil, fmt.Errorf("request.context: %w", err)
	}
	return r, nil
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
		var typ string
		if exact.Unmarshal(raw, exact.Member{Name: "type", To: &typ}) == nil && typ == "Anonymous" {
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
	members, err := exact.Object(raw)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		value := members[key]
		if value[0] == '[' {
			values, err := readList(value)
			if err != nil {
				return fmt.Errorf("%q: %w", key, err)
			}
			c.SetList(key, values)
			continue
		}
		if absent(value) {
			continue
		}
		text, ok := scalar(value)
		if !ok {
			return fmt.Errorf("%q: must be a string, number, boolean or array", key)
		}
		c.Set(key, text)
	}
	return c.Err()
}

func readList(raw json.RawMessage) ([]string, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, err
	}
	values := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := scalar(item)
		if !ok {
			return nil, errors.New("a list holds strings, numbers and booleans")
		}
		values = append(values, text)
	}
	return values, nil
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
	if wrapper, err := exact.Object(raw); wrapper["policy"] != nil && wrapper["Statement"] == nil {
		if err != nil {
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
		if err != nil && several {
			err = fmt.Errorf("[%d]: %w", i, err)
		}
		if err != nil {
			return nil, err
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
		level, err := exact.Object(text)
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
