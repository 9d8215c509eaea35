// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// finding is a finding in the words of the protocol: Type is ERROR exactly for
// what makes AWS refuse to save the document.
type finding struct {
	Path     string `json:"path"`
	Message  string `json:"message"`
	Detail   string `json:"detail,omitempty"` // what is wrong, where IAM's message does not say it
	Code     string `json:"code"`
	Type     string `json:"type"`
	Severity string `json:"severity"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
}

func findings(kind iampolicy.Kind, text []byte) []finding {
	out := []finding{}
	for _, f := range iampolicy.Validate(kind, text) {
		typ := f.Severity.String()
		switch {
		case f.Refused:
			typ = "ERROR"
		case f.Severity == iampolicy.SeverityError:
			typ = iampolicy.SeverityWarning.String()
		}
		out = append(out, finding{
			Path: f.Span.Path, Message: f.Message, Detail: f.Detail, Code: f.Code, Type: typ, Severity: f.Severity.String(),
			Line: f.Span.Start.Line, Column: f.Span.Start.Column,
		})
	}
	return out
}

// validate answers a line with op validate.
func validate(members map[string]json.RawMessage) ([]byte, error) {
	kind := iampolicy.KindIdentity
	if absent(members["policyType"]) {
		return nil, errors.New("policyType: missing")
	}
	if err := json.Unmarshal(members["policyType"], &kind); err != nil {
		return nil, fmt.Errorf("policyType: %w", err)
	}
	document := members["policy"]
	if len(document) == 0 {
		return nil, errors.New("policy: missing")
	}
	if document[0] == '"' {
		var text string
		if err := json.Unmarshal(document, &text); err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		document = []byte(text)
	}
	return encode(struct {
		ID       json.RawMessage `json:"id,omitempty"`
		Findings []finding       `json:"findings"`
	}{members["id"], findings(kind, document)}), nil
}

// readDocument reads a file, of one that is too long for Validate no more than
// shows that it is.
func readDocument(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, maxLine+1))
}

// validateFiles writes the findings of files, for people or as JSON lines.
func (c *config) validateFiles(names []string, out, errs io.Writer) int {
	code := 0
	for _, name := range names {
		text, err := readDocument(name)
		if err != nil {
			fmt.Fprintln(errs, "policysim:", err)
			return 3
		}
		all := findings(c.kind, text)
		if c.json {
			_, _ = out.Write(encode(struct {
				File     string    `json:"file"`
				Findings []finding `json:"findings"`
			}{name, all}))
		}
		for _, f := range all {
			if f.Type == "ERROR" {
				code = 1
			}
			if !c.json {
				text := f.Message
				if f.Detail != "" {
					text += " (" + f.Detail + ")"
				}
				fmt.Fprintf(out, "%s:%d:%d: %s %s: %s\n", name, f.Line, f.Column, f.Severity, f.Code, text)
			}
		}
	}
	return code
}
