// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Checkpoint is where a valid run ended: the last accepted digest of each
// chain. A Validator that is given one requires those digests to be there
// unchanged, so that a trail rolled back or rewritten between two runs is
// noticed. Keep it where whoever can write the trail cannot.
type Checkpoint struct {
	Chains []ChainEnd // in the order of reports
}

// ChainEnd is the last accepted digest of a chain.
type ChainEnd struct {
	Chain               // whose digest it is
	Digest    string    // s3://bucket/key
	End       time.Time // its digestEndTime
	SHA256    string    // hex, of the uncompressed bytes
	Signature string    // hex
}

// chainEndJSON is the form of a ChainEnd in a file.
type chainEndJSON struct {
	Chain
	Digest    string    `json:"digest"`
	End       time.Time `json:"end"`
	SHA256    string    `json:"sha256"`
	Signature string    `json:"signature"`
}

// maxCheckpoint bounds a checkpoint file.
const maxCheckpoint = 64 << 20

// MarshalJSON returns the checkpoint as ParseCheckpoint reads it.
func (c *Checkpoint) MarshalJSON() ([]byte, error) {
	chains := make([]chainEndJSON, len(c.Chains))
	for i, e := range c.Chains {
		chains[i] = chainEndJSON(e)
	}
	return json.Marshal(struct {
		Version int            `json:"version"`
		Chains  []chainEndJSON `json:"chains"`
	}{1, chains})
}

// ParseCheckpoint reads a checkpoint, strictly: a truncated or edited one must
// not weaken the check. It fails with ErrCheckpoint.
func ParseCheckpoint(data []byte) (*Checkpoint, error) {
	r := newJSONReader(data, strictjson.Limits{Size: maxCheckpoint})
	var c Checkpoint
	version, seen := "", map[Chain]bool{}
	err := r.document(func(name string) error {
		switch name {
		case "version":
			if err := r.want(strictjson.Number); err != nil {
				return err
			}
			version = string(r.scan.Text())
		case "chains":
			return r.elements(func() error {
				e, err := readChainEnd(r)
				if err == nil && seen[e.Chain] {
					err = r.scan.Fail("a chain ends twice")
				}
				seen[e.Chain] = true
				c.Chains = append(c.Chains, e)
				return err
			})
		default:
			return r.scan.Fail("not a member of a checkpoint")
		}
		return nil
	})
	if err == nil && version != "1" {
		err = fmt.Errorf("version is not 1")
	}
	if err != nil {
		return nil, wrapJSON(ErrCheckpoint, err)
	}
	return &c, nil
}

func readChainEnd(r *jsonReader) (e ChainEnd, err error) {
	seen := 0
	text := map[string]*string{
		"account": &e.Account, "region": &e.Region, "trail": &e.Trail, "home": &e.Home,
		"digest": &e.Digest, "sha256": &e.SHA256, "signature": &e.Signature,
	}
	err = r.members(func(name string) (err error) {
		switch p := text[name]; {
		case p != nil:
			seen++
			*p, err = r.text()
		case name == "org":
			e.Org, err = r.text()
		case name == "backfill" && (r.kind == strictjson.True || r.kind == strictjson.False):
			seen++
			e.Backfill = r.kind == strictjson.True
		case name == "end":
			seen++
			var s string
			if s, err = r.text(); err == nil {
				if e.End, err = time.Parse(time.RFC3339, s); err != nil {
					err = r.scan.Fail("not a time")
				}
			}
		default:
			err = r.scan.Fail("not a member of a chain's end")
		}
		return err
	})
	if err != nil {
		return e, err
	}
	where, ok := parseLocation(e.Digest)
	name, errName := ParseDigestName(where.key)
	_, errSum := hex.DecodeString(e.SHA256)
	if seen != len(text)+2 || !ok || errName != nil || errSum != nil || name.Chain != e.Chain || !name.End.Equal(e.End) {
		return e, r.scan.Fail("a chain's end is incomplete or contradicts itself")
	}
	return e, nil
}

// checkpoint returns the last accepted digest of each chain, and what the last
// checkpoint holds of chains that this run did not meet.
func (r *run) checkpoint() *Checkpoint {
	c := &Checkpoint{Chains: []ChainEnd{}}
	for _, chain := range r.sorted() {
		var last *state
		for _, s := range chain.digests {
			if s.selected && s.accepted {
				last = s
			}
		}
		switch {
		case last != nil:
			c.Chains = append(c.Chains, ChainEnd{
				Chain: chain.id, Digest: chain.location(last).String(), End: last.end,
				SHA256: hexSum(last.sum), Signature: hex.EncodeToString(last.saved),
			})
		case chain.continued != nil:
			c.Chains = append(c.Chains, *chain.continued)
		case r.v.Checkpoint != nil:
			for _, e := range r.v.Checkpoint.Chains {
				if e.Chain == chain.id {
					c.Chains = append(c.Chains, e)
				}
			}
		}
	}
	return c
}
