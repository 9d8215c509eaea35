// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// comparison is how a condition compares.
type comparison uint8

const (
	compareEqual comparison = iota
	comparePrefix
	compareSize
)

// condition is one condition of a policy.
type condition struct {
	compare  comparison
	name     string // of the field, lowercase
	value    string
	min, max int64  // compareSize
	text     string // as written
}

// policy is a POST policy that was read.
type policy struct {
	expiration time.Time
	conditions []condition
}

// The limits of a policy.
const (
	maxConditions  = 1000
	maxPolicyDepth = 4
)

// decodePolicy decodes the field: standard base64, the padding optional,
// without white space.
func decodePolicy(text string) ([]byte, bool) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	if raw := strings.TrimRight(text, "="); len(raw) != len(text) {
		if len(text)%4 != 0 || len(text)-len(raw) > 2 {
			return nil, false
		}
		text = raw
	}
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	return b, err == nil
}

// parsePolicy reads a policy. Errors are *strictjson.Error.
func parsePolicy(text []byte) (*policy, error) {
	r := policyReader{Scanner: strictjson.New(text, strictjson.Limits{
		Size: maxPreData, Depth: maxPolicyDepth, Members: maxConditions, PolicyEscapes: true,
	}), out: new(policy), text: text}
	if err := r.document(); err != nil {
		return nil, err
	}
	return r.out, nil
}

type policyReader struct {
	*strictjson.Scanner
	out  *policy
	text []byte
}

func (r *policyReader) expect(kind strictjson.Kind) error {
	got, err := r.Next()
	if err == nil && got != kind {
		return r.Fail(kind.String() + " should be here")
	}
	return err
}

func (r *policyReader) document() error {
	if err := r.expect(strictjson.ObjectOpen); err != nil {
		return err
	}
	expiration, conditions := false, false
	for {
		kind, err := r.Next()
		if err != nil {
			return err
		}
		if kind == strictjson.ObjectClose {
			break
		}
		switch name := string(r.Text()); name {
		case "expiration":
			expiration = true
			err = r.expiration()
		case "conditions":
			conditions = true
			err = r.conditions()
		default:
			err = r.Fail("unknown member")
		}
		if err != nil {
			return err
		}
	}
	if !expiration || !conditions {
		return r.Fail("expiration or conditions is missing")
	}
	return r.expect(strictjson.End)
}

func (r *policyReader) expiration() error {
	if err := r.expect(strictjson.String); err != nil {
		return err
	}
	t, ok := parseExpiration(string(r.Text()))
	if !ok {
		return r.Fail("the expiration is not a time such as 2030-01-31T12:00:00.000Z")
	}
	r.out.expiration = t
	return nil
}

// parseExpiration reads RFC 3339 with an optional fraction and Z. time.Parse
// alone would take offsets, an hour of one digit, and a comma before the
// fraction.
func parseExpiration(text string) (time.Time, bool) {
	const hour, second = len("2006-01-02T15"), len("2006-01-02T15:04:05")
	if !strings.HasSuffix(text, "Z") || len(text) <= second || len(text) > 40 || text[hour] != ':' || text[second] == ',' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t, err == nil
}

func (r *policyReader) conditions() error {
	if err := r.expect(strictjson.ArrayOpen); err != nil {
		return err
	}
	for {
		kind, err := r.Next()
		if err != nil {
			return err
		}
		if kind == strictjson.ArrayClose {
			return nil
		}
		if len(r.out.conditions) == maxConditions {
			return r.Fail("too many conditions")
		}
		begin, _ := r.Offset()
		var c condition
		switch kind {
		case strictjson.ObjectOpen:
			c, err = r.property()
		case strictjson.ArrayOpen:
			c, err = r.list()
		default:
			err = r.Fail("a condition should be here")
		}
		if err != nil {
			return err
		}
		_, end := r.Offset()
		c.text = string(r.text[begin:end])
		r.out.conditions = append(r.out.conditions, c)
	}
}

// property reads {"name":"value"}.
func (r *policyReader) property() (c condition, err error) {
	if err := r.expect(strictjson.Name); err != nil {
		return c, err
	}
	if c.name = lowerASCII(string(r.Text())); c.name == "" {
		return c, r.Fail("a condition names no field")
	}
	if err := r.expect(strictjson.String); err != nil {
		return c, err
	}
	c.value = string(r.Text())
	return c, r.expect(strictjson.ObjectClose)
}

// list reads ["eq","$name","value"], ["starts-with","$name","prefix"] and
// ["content-length-range",min,max].
func (r *policyReader) list() (c condition, err error) {
	if err := r.expect(strictjson.String); err != nil {
		return c, err
	}
	switch lowerASCII(string(r.Text())) {
	case "eq":
	case "starts-with":
		c.compare = comparePrefix
	case "content-length-range":
		return r.sizes()
	default:
		return c, r.Fail("unknown operator")
	}
	if err := r.expect(strictjson.String); err != nil {
		return c, err
	}
	name, dollar := strings.CutPrefix(string(r.Text()), "$")
	if !dollar || name == "" {
		return c, r.Fail("the name of a field begins with $")
	}
	if c.name = lowerASCII(name); c.compare == comparePrefix && !mayCompareByPrefix(c.name) {
		return c, r.Fail("this field must be compared with eq")
	}
	kind, err := r.Next()
	if err != nil {
		return c, err
	}
	switch kind {
	case strictjson.String:
		c.value = string(r.Text())
	case strictjson.Number:
		c.value = string(r.Raw())
	default:
		return c, r.Fail("a string should be here")
	}
	return c, r.expect(strictjson.ArrayClose)
}

// mayCompareByPrefix reports whether a signer may loosen the field to a
// prefix: never what decides who signed for which bucket.
func mayCompareByPrefix(lower string) bool {
	switch lower {
	case "bucket", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token", "tagging":
		return false
	}
	return true
}

func (r *policyReader) sizes() (c condition, err error) {
	c.compare = compareSize
	if c.min, err = r.size(); err == nil {
		c.max, err = r.size()
	}
	if err != nil {
		return c, err
	}
	if c.min > c.max {
		return c, r.Fail("the least size is greater than the greatest")
	}
	return c, r.expect(strictjson.ArrayClose)
}

func (r *policyReader) size() (int64, error) {
	kind, err := r.Next()
	if err != nil {
		return 0, err
	}
	text := string(r.Text())
	n, errNumber := strconv.ParseUint(text, 10, 62)
	if kind != strictjson.Number && kind != strictjson.String || errNumber != nil {
		return 0, r.Fail("a size in bytes should be here")
	}
	return int64(n), nil
}

// matches reports whether a submitted value meets the condition.
func (c *condition) matches(value string) bool {
	if c.compare == compareEqual {
		return value == c.value
	}
	if c.name != "content-type" || !strings.Contains(value, ",") {
		return strings.HasPrefix(value, c.value)
	}
	for element := range strings.SplitSeq(value, ",") {
		if !strings.HasPrefix(strings.TrimSpace(element), c.value) {
			return false
		}
	}
	return true
}

// reasonOf returns where and what is wrong in a policy.
func reasonOf(err error) string {
	var e *strictjson.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return "malformed"
}
