// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/iampolicy"
)

// maxMatrix bounds the document of -matrix.
const maxMatrix = 64 << 20

// matrixUsage is what -h says of the document that -matrix reads.
const matrixUsage = `
-matrix reads one JSON document, from FILE or standard input, and writes who can
do what: a row for each principal and resource, a column for each action. In the
table "-" is an implicit deny, "denied" an explicit one.

  {"principals": [{"principal": "arn:…:user/ana", "context": {…}, "identityPolicies": […],
                   "permissionBoundaries": […], "sessionPolicy": {…}, "scps": […], "vpcEndpointPolicies": […]}, …],
   "resources":  [{"resource": "arn:…", "resourceAccountId": "111122223333", "context": {…}, "resourcePolicy": {…},
                   "rcps": […], "s3BlockPublicAccess": true}, …],
   "actions":    ["s3:GetObject", {"action": "s3:ListAllMyBuckets", "wildcardOnlyAction": true}, …]}

The members are those of a request line, and mean the same; a member that is not
listed here is an error. The policy of a role is its trust policy.
`

// matrix is what the document asks.
type matrix struct {
	callers  []*iampolicy.Caller
	targets  []*iampolicy.Target
	actions  []string
	wildcard map[string]bool // actions that support no resource types
}

// members reads the members of an object, which must be among those listed.
func members(raw json.RawMessage, names ...string) (map[string]json.RawMessage, error) {
	out, err := exact.Object(raw)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("unknown member %q", name)
		}
	}
	return out, nil
}

// readMatrix reads the document.
func readMatrix(text []byte) (*matrix, error) {
	top, err := members(text, "principals", "resources", "actions")
	if err != nil {
		return nil, err
	}
	m := &matrix{wildcard: make(map[string]bool)}
	for _, part := range []struct {
		name string
		read func(json.RawMessage) error
	}{{"actions", m.readAction}, {"principals", m.readCaller}, {"resources", m.readTarget}} {
		var items []json.RawMessage
		if err := json.Unmarshal(top[part.name], &items); err != nil || len(items) == 0 {
			return nil, fmt.Errorf("%s: must be an array that is not empty", part.name)
		}
		for i, item := range items {
			if err := part.read(item); err != nil {
				return nil, fmt.Errorf("%s[%d]%w", part.name, i, spaced(err))
			}
		}
	}
	return m, nil
}

func (m *matrix) readAction(raw json.RawMessage) error {
	var name string
	wildcardOnly := false
	if raw[0] == '{' {
		in, err := members(raw, "action", "wildcardOnlyAction")
		if err != nil {
			return err
		}
		if !absent(in["wildcardOnlyAction"]) {
			if err := json.Unmarshal(in["wildcardOnlyAction"], &wildcardOnly); err != nil {
				return err
			}
		}
		raw = in["action"]
	}
	if json.Unmarshal(raw, &name) != nil || name == "" {
		return errors.New("must be the name of an action")
	}
	if was, twice := m.wildcard[name]; twice && was != wildcardOnly {
		return errors.New("listed already, with another wildcardOnlyAction")
	}
	m.actions, m.wildcard[name] = append(m.actions, name), wildcardOnly
	return nil
}

// federates reports whether all actions are those of identity providers.
func (m *matrix) federates() bool {
	return !slices.ContainsFunc(m.actions, func(a string) bool { return !federates(a) })
}

func (m *matrix) readCaller(raw json.RawMessage) error {
	in, err := members(raw, "principal", "context", "identityPolicies", "permissionBoundaries", "sessionPolicy", "scps", "vpcEndpointPolicies")
	if err != nil {
		return err
	}
	c := new(iampolicy.Caller)
	if c.Principal, err = readPrincipal(in["principal"], m.federates()); err != nil {
		return fmt.Errorf("principal: %w", err)
	}
	p, err := readPolicies(in, &iampolicy.Request{Principal: c.Principal})
	if err != nil {
		return err
	}
	p.RCP, c.Policies = nil, *p
	m.callers = append(m.callers, c)
	return readContext(in["context"], &c.Context)
}

func (m *matrix) readTarget(raw json.RawMessage) error {
	in, err := members(raw, "resource", "resourceAccountId", "context", "resourcePolicy", "rcps", "s3BlockPublicAccess")
	if err != nil {
		return err
	}
	t := new(iampolicy.Target)
	for _, f := range []struct {
		name string
		to   *string
	}{{"resource", &t.Resource}, {"resourceAccountId", &t.Account}} {
		if !absent(in[f.name]) {
			if err := json.Unmarshal(in[f.name], f.to); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	if t.Resource == "" {
		return errors.New("resource: missing")
	}
	r := new(iampolicy.Request)
	if strings.HasPrefix(t.Resource, "arn:") && strings.Contains(t.Resource, ":iam:") && strings.Contains(t.Resource, ":role/") {
		r.Action = "sts:AssumeRole" // of the actions that trust policies are for
	}
	p, err := readPolicies(in, r)
	if err != nil {
		return err
	}
	t.Policies = *p
	m.targets = append(m.targets, t)
	return readContext(in["context"], &t.Context)
}

// matrixOf reads the document named, or standard input, and writes the matrix.
func (c *config) matrixOf(names []string, in io.Reader, out, errs io.Writer) int {
	if len(names) == 1 {
		f, err := os.Open(names[0])
		if err != nil {
			fmt.Fprintln(errs, "policysim:", err)
			return 3
		}
		defer f.Close()
		in = f
	}
	err := c.writeMatrix(in, out)
	if err != nil {
		fmt.Fprintln(errs, "policysim:", err)
		return 3
	}
	return 0
}

func (c *config) writeMatrix(in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(io.LimitReader(in, maxMatrix+1))
	if err != nil {
		return err
	}
	if len(text) > maxMatrix {
		return fmt.Errorf("a document of more than %d bytes", maxMatrix)
	}
	m, err := readMatrix(text)
	if err != nil {
		return err
	}
	w := newMatrixWriter(out, c.csv, c.json)
	w.header(m.actions)
	batch := iampolicy.Batch{
		Callers: slices.Values(m.callers), Targets: slices.Values(m.targets), Actions: slices.Values(m.actions),
		WildcardOnly: func(action string) bool { return m.wildcard[action] }, Workers: c.workers,
	}
	var undecided error
	for a, err := range batch.Run(context.Background()) {
		switch {
		case err != nil:
			return err
		case a.Decision.Err != nil && undecided == nil:
			undecided = fmt.Errorf("%s, %s, %s: %w", a.Caller.Principal.String(), a.Target.Resource, a.Action, a.Decision.Err)
		}
		w.cell(&a)
	}
	return errors.Join(w.close(), undecided)
}
