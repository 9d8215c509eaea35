// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Filter says which events are wanted. Its zero value wants all. A field that
// is set has to be met; of a list, one element. Values are compared exactly.
type Filter struct {
	// From and To bound eventTime: [From, To). An event's time may lie hours
	// before its digest's, which Validator.From and To select.
	From, To time.Time

	// Principals is who: the ARN, principal id, access key id, user name or
	// invoking service of the user identity, or ARN or name of the role whose
	// session it is.
	Principals []string

	// Accounts is whose: the account of the user identity, or the one that
	// received the event.
	Accounts []string

	Sources []string // what service, such as s3.amazonaws.com
	Names   []string // what action, such as GetObject
	Regions []string // awsRegion

	// Addresses is where from: IP addresses, CIDR blocks, or the names that
	// stand in sourceIPAddress for calls by services.
	Addresses []string

	// Categories are Management, Data, NetworkActivity and Insight. Events of
	// versions before 1.07 do not say: they are Insight by their eventType, Data
	// when managementEvent is false, and Management otherwise.
	Categories []string

	// Errors wants only calls that failed: those with an errorCode or
	// errorMessage. ErrorCodes wants those with one of these codes.
	Errors     bool
	ErrorCodes []string

	// ReadOnly wants calls that only read, or, when it points to false, all
	// that are not marked so.
	ReadOnly *bool
}

// compiledFilter is a filter whose addresses are parsed.
type compiledFilter struct {
	Filter
	blocks []netip.Prefix
	texts  []string        // addresses that are none
	seen   map[string]bool // sourceIPAddress values met, and whether they are wanted
}

// compile parses the addresses. It fails with ErrConfig.
func (f Filter) compile() (*compiledFilter, error) {
	c := &compiledFilter{Filter: f, seen: map[string]bool{}}
	for _, text := range f.Addresses {
		if strings.Contains(text, "/") {
			block, err := netip.ParsePrefix(text)
			if err != nil || block != block.Masked() {
				return nil, &Error{"Filter.Addresses holds a CIDR block that is none", ErrConfig}
			}
			c.blocks = append(c.blocks, block)
		} else if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			a = a.Unmap()
			c.blocks = append(c.blocks, netip.PrefixFrom(a, a.BitLen()))
		} else {
			c.texts = append(c.texts, text)
		}
	}
	if !f.From.IsZero() && !f.To.IsZero() && f.From.After(f.To) {
		return nil, &Error{"Filter.From is after Filter.To", ErrConfig}
	}
	return c, nil
}

var errEventTime = errors.New("eventTime is not a time in RFC 3339")

// match reports whether an event is wanted. An event whose time does not parse
// cannot be judged by time.
func (f *compiledFilter) match(e *Event) (bool, error) {
	if !f.From.IsZero() || !f.To.IsZero() {
		var at time.Time
		if err := at.UnmarshalText(e.Text("eventTime")); err != nil {
			return false, errEventTime
		}
		if at.Before(f.From) || !f.To.IsZero() && !at.Before(f.To) {
			return false, nil
		}
	}
	return one(f.Names, e, "eventName") && one(f.Sources, e, "eventSource") && one(f.Regions, e, "awsRegion") &&
		f.accounts(e) && f.principals(e) && f.addresses(e) && f.categories(e) && f.failures(e) && f.readOnly(e), nil
}

// one reports whether a member is one of a list, or the list is empty.
func one(list []string, e *Event, path ...string) bool {
	if len(list) == 0 {
		return true
	}
	text := e.Text(path...)
	return text != nil && slices.ContainsFunc(list, func(s string) bool { return s == string(text) })
}

func (f *compiledFilter) accounts(e *Event) bool {
	return one(f.Accounts, e, "recipientAccountId") || one(f.Accounts, e, "userIdentity", "accountId")
}

func (f *compiledFilter) principals(e *Event) bool {
	return one(f.Principals, e, "userIdentity", "arn") ||
		one(f.Principals, e, "userIdentity", "principalId") ||
		one(f.Principals, e, "userIdentity", "accessKeyId") ||
		one(f.Principals, e, "userIdentity", "userName") ||
		one(f.Principals, e, "userIdentity", "invokedBy") ||
		one(f.Principals, e, "userIdentity", "sessionContext", "sessionIssuer", "arn") ||
		one(f.Principals, e, "userIdentity", "sessionContext", "sessionIssuer", "userName")
}

// addresses remembers what it decided: parsing allocates, and most addresses
// come again. What it remembers is bounded.
func (f *compiledFilter) addresses(e *Event) bool {
	if len(f.Addresses) == 0 {
		return true
	}
	const most, longest = 4096, 64
	text := e.Text("sourceIPAddress")
	if text == nil {
		return false
	}
	wanted, met := f.seen[string(text)]
	if met {
		return wanted
	}
	wanted = f.address(string(text))
	if len(text) <= longest {
		if len(f.seen) == most {
			clear(f.seen)
		}
		f.seen[string(text)] = wanted
	}
	return wanted
}

func (f *compiledFilter) address(text string) bool {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return slices.Contains(f.texts, text)
	}
	a = a.Unmap()
	return slices.ContainsFunc(f.blocks, func(b netip.Prefix) bool { return b.Contains(a) })
}

func (f *compiledFilter) categories(e *Event) bool {
	if len(f.Categories) == 0 {
		return true
	}
	category := string(e.Text("eventCategory"))
	switch {
	case category != "":
	case string(e.Text("eventType")) == "AwsCloudTrailInsight":
		category = "Insight"
	case string(e.Value("managementEvent")) == "false":
		category = "Data"
	default:
		category = "Management"
	}
	return slices.Contains(f.Categories, category)
}

func (f *compiledFilter) failures(e *Event) bool {
	if f.Errors && len(e.Text("errorCode")) == 0 && len(e.Text("errorMessage")) == 0 {
		return false
	}
	return one(f.ErrorCodes, e, "errorCode")
}

func (f *compiledFilter) readOnly(e *Event) bool {
	return f.ReadOnly == nil || *f.ReadOnly == (string(e.Value("readOnly")) == "true")
}
