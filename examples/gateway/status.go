// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"time"
)

// statusPath is a page for operators: sallyport:GetStatus on * has to be
// allowed.
const statusPath = "/_status"

// statusDoc is what it answers.
type statusDoc struct {
	Users    int         `json:"users"`
	Rotation *rotation   `json:"rotation"` // how far the objects have moved to the key that writes
	Refused  *refusedDoc `json:"refused"`  // a configuration that waits to be mended; null: none
}

type refusedDoc struct {
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

func getStatus(c *call) error {
	doc := statusDoc{Rotation: c.gw.rotation.Load(), Users: len(c.pipe.config.Users)}
	if r := c.gw.refused.Load(); r != nil {
		doc.Refused = &refusedDoc{r.at.UTC(), r.err.Error()}
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(append(text, '\n'))
	return nil
}
