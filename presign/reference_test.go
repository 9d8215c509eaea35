// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

func TestReferenceImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_test.go", "github.com/sallyport-go/sallyport/internal/testkit")
}

// expirationForm is RFC 3339 with Z, which time.Parse alone does not hold to.
var expirationForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)

// refPolicy decides, from section 5.2 of the rules alone, whether a policy
// that was signed allows a form, and for which sizes. It reads JSON with
// encoding/json, so it does not see repeated members; and it knows no escapes
// but JSON's.
func refPolicy(encoded, bucket string, fields map[string]string, now time.Time) (minSize, maxSize int64, ok bool) {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return 0, 0, false
	}
	var doc map[string]json.RawMessage
	if json.Unmarshal(text, &doc) != nil || len(doc) != 2 {
		return 0, 0, false
	}
	var expiration string
	var conditions []json.RawMessage
	if json.Unmarshal(doc["expiration"], &expiration) != nil || json.Unmarshal(doc["conditions"], &conditions) != nil || conditions == nil {
		return 0, 0, false
	}
	end, err := time.Parse(time.RFC3339, expiration)
	if err != nil || !expirationForm.MatchString(expiration) || now.After(end) {
		return 0, 0, false
	}
	maxSize = -1
	seen := map[string]bool{}
	for _, raw := range conditions {
		op, name, value, low, high, ok := refCondition(raw)
		if !ok {
			return 0, 0, false
		}
		if op == "content-length-range" {
			minSize = max(minSize, low)
			if maxSize == -1 || high < maxSize {
				maxSize = high
			}
			continue
		}
		seen[name] = true
		if !refMeets(op, name, value, bucket, fields) {
			return 0, 0, false
		}
	}
	if !seen["bucket"] {
		return 0, 0, false
	}
	for name := range fields {
		if !seen[name] && name != "policy" && name != "x-amz-signature" && !strings.HasPrefix(name, "x-ignore-") {
			return 0, 0, false
		}
	}
	return minSize, maxSize, true
}

func refMeets(op, name, value, bucket string, fields map[string]string) bool {
	got, submitted := fields[name]
	if name == "bucket" {
		return op == "eq" && value == bucket && (!submitted || got == bucket)
	}
	switch {
	case !submitted:
		return false
	case op == "eq":
		return got == value
	case name == "content-type":
		for _, element := range strings.Split(got, ",") {
			if strings.Contains(got, ",") {
				element = strings.TrimSpace(element)
			}
			if !strings.HasPrefix(element, value) {
				return false
			}
		}
		return true
	}
	return strings.HasPrefix(got, value)
}

// refCondition is PRE-38 and PRE-40.
func refCondition(raw json.RawMessage) (op, name, value string, low, high int64, ok bool) {
	var object map[string]any
	if json.Unmarshal(raw, &object) == nil && object != nil {
		for name, v := range object {
			text, isText := v.(string)
			return "eq", strings.ToLower(name), text, 0, 0, isText && len(object) == 1 && name != ""
		}
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) != 3 {
		return
	}
	var parts [3]string
	for i, item := range list {
		if json.Unmarshal(item, &parts[i]) != nil || string(item) == "null" {
			if i == 0 || strings.Trim(string(item), "0123456789.eE+-") != "" {
				return "", "", "", 0, 0, false
			}
			parts[i] = string(item)
		}
	}
	op = strings.ToLower(parts[0])
	if op == "content-length-range" {
		a, errA := strconv.ParseInt(parts[1], 10, 63)
		b, errB := strconv.ParseInt(parts[2], 10, 63)
		return op, "", "", a, b, errA == nil && errB == nil && 0 <= a && a <= b && strings.Trim(parts[1]+parts[2], "0123456789") == ""
	}
	if list[1][0] != '"' || len(parts[1]) < 2 || parts[1][0] != '$' || op != "eq" && op != "starts-with" {
		return
	}
	name = strings.ToLower(parts[1][1:])
	exactOnly := []string{"bucket", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token", "tagging"}
	return op, name, parts[2], 0, 0, op == "eq" || !slices.Contains(exactOnly, name)
}

// refURL is the wire form of an object's URL by the table of section 2, for
// the variants that a bucket in the host can have.
func refURL(region, bucket, key string, dualstack, fips, path bool) string {
	suffix := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		suffix += ".cn"
	}
	service := "s3"
	if fips {
		service += "-fips"
	}
	if dualstack {
		service += ".dualstack"
	}
	host := service + "." + region + "." + suffix
	encoded := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(key))
	label := len(bucket) >= 3 && len(bucket) <= 63 && strings.Trim(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		!strings.HasPrefix(bucket, "-") && !strings.HasSuffix(bucket, "-")
	if path || !label {
		return "https://" + host + "/" + bucket + "/" + encoded
	}
	return "https://" + bucket + "." + host + "/" + encoded
}
