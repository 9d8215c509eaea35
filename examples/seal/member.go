// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"slices"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/internal/exact"
)

// contextMembers is an encryption context in JSON: every name once, and every
// value a text. Two readers of the line could take two contexts otherwise.
type contextMembers envelope.EncryptionContext

func (c *contextMembers) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	object, err := exact.Object(data)
	if err != nil {
		return err
	}
	*c = make(contextMembers, len(object))
	for k, raw := range object {
		var value *string
		if err := json.Unmarshal(raw, &value); err != nil || value == nil {
			return inputError("a value is not a text")
		}
		(*c)[k] = *value
	}
	return nil
}

// texts is a list of texts in JSON.
type texts []string

func (l *texts) UnmarshalJSON(data []byte) error {
	var list []*string
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if slices.Contains(list, nil) {
		return inputError("not a text")
	}
	for _, s := range list {
		*l = append(*l, *s)
	}
	return nil
}
