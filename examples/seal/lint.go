// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/sallyport-go/sallyport/envelope"
)

// findingDescription is a finding as "seal inspect -json" prints it.
type findingDescription struct {
	Code    string `json:"code"`
	Detail  string `json:"detail"`
	Frame   uint32 `json:"frame,omitempty"`
	Refused string `json:"refused,omitempty"` // what a strict client refuses the message with
}

// describeFindings returns a list even of none, so that "findings" is one.
func describeFindings(found []envelope.Finding) []findingDescription {
	out := make([]findingDescription, len(found))
	for i, f := range found {
		out[i] = findingDescription{Code: f.Code, Detail: f.Detail, Frame: f.Frame}
		if f.Err != nil {
			out[i].Refused = errorText(f.Err)
		}
	}
	return out
}

func (f findingDescription) String() string {
	text := f.Code + ": " + f.Detail
	if f.Frame > 0 {
		text += fmt.Sprintf(" (frame %d)", f.Frame)
	}
	if f.Refused != "" {
		text += "; a strict client refuses it: " + f.Refused
	}
	return text
}
