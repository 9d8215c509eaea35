// SPDX-License-Identifier: Apache-2.0

// Package exact decodes JSON objects by the exact names of their members.
//
// The standard decoder takes "SRC" for "src" too, so a member that should be
// ignored would replace the one that counts: two readers of one line would
// disagree about what was asked.
package exact

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Member is one member to read, and the place its value goes to.
type Member struct {
	Name string
	To   any // a pointer
}

// Unmarshal decodes the members of the object. Others are ignored, missing ones
// leave their place as it is, and so does null unless the place can hold it. Of
// several with one name the last counts.
func Unmarshal(data []byte, members ...Member) error {
	if !utf8.Valid(data) {
		return errors.New("not UTF-8") // what is echoed of it would not be JSON either
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return err
	}
	for _, m := range members {
		raw, ok := object[m.Name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, m.To); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}
