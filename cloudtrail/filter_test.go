// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

func TestReferenceEventImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_event_test.go", "github.com/sallyport-go/sallyport/cloudtrail")
}

// filterEvents makes events and filters out of few words, so that they meet.
type filterEvents struct{ random *rand.Rand }

func (g filterEvents) one(of ...string) string { return of[g.random.IntN(len(of))] }

func (g filterEvents) some(of ...string) (list []string) {
	if g.random.IntN(6) > 0 {
		return nil
	}
	for range g.random.IntN(3) + 1 {
		list = append(list, g.one(of...))
	}
	return list
}

var (
	filterNames     = []string{"GetObject", "PutObject", "getobject", "Größe"}
	filterWho       = []string{"arn:aws:iam::111122223333:user/ann", "AIDAEXAMPLE", "AKIAEXAMPLE", "ann", "ec2.amazonaws.com", "role", "arn:aws:iam::111122223333:role/role"}
	filterAccounts  = []string{"111122223333", "444455556666"}
	filterAddresses = []string{"192.0.2.1", "192.0.2.77", "2001:db8::1", "::ffff:192.0.2.1", "AWS Internal", "ec2.amazonaws.com"}
	filterBlocks    = []string{"192.0.2.0/24", "192.0.2.0/30", "2001:db8::/32", "0.0.0.0/0", "192.0.2.1/32"}
	filterErrors    = []string{"AccessDenied", "NoSuchKey"}
)

// event has each member often, sometimes as null, and sometimes written with
// escapes.
func (g filterEvents) event() []byte {
	event := map[string]any{"eventTime": g.time().Format(time.RFC3339)}
	set := func(m map[string]any, name string, value any) {
		switch g.random.IntN(8) {
		case 0:
			m[name] = nil
		case 1:
		default:
			m[name] = value
		}
	}
	set(event, "eventVersion", g.one("1.0", "1.05", "1.11"))
	if event["eventVersion"] == nil {
		delete(event, "eventVersion")
	}
	set(event, "eventName", g.one(filterNames...))
	set(event, "eventSource", g.one("s3.amazonaws.com", "ec2.amazonaws.com"))
	set(event, "awsRegion", g.one("us-east-1", "eu-west-1"))
	set(event, "recipientAccountId", g.one(filterAccounts...))
	set(event, "sourceIPAddress", g.one(filterAddresses...))
	set(event, "eventCategory", g.one("Management", "Data", "NetworkActivity", "Insight", ""))
	set(event, "eventType", g.one("AwsApiCall", "AwsCloudTrailInsight"))
	set(event, "managementEvent", g.random.IntN(2) == 0)
	set(event, "readOnly", g.random.IntN(2) == 0)
	if g.random.IntN(3) == 0 {
		set(event, g.one("errorCode", "errorMessage"), g.one(append(filterErrors, "")...))
	}
	who, issuer := map[string]any{}, map[string]any{}
	set(who, "arn", g.one(filterWho...))
	set(who, "principalId", g.one(filterWho...))
	set(who, "accessKeyId", g.one(filterWho...))
	set(who, "userName", g.one(filterWho...))
	set(who, "invokedBy", g.one(filterWho...))
	set(who, "accountId", g.one(filterAccounts...))
	set(issuer, "arn", g.one(filterWho...))
	set(issuer, "userName", g.one(filterWho...))
	set(who, "sessionContext", map[string]any{"sessionIssuer": issuer})
	set(event, "userIdentity", who)
	data, err := json.Marshal(event)
	if err != nil {
		panic(err) // maps of strings
	}
	if g.random.IntN(8) == 0 {
		data = escaped(data)
	}
	return data
}

// escaped writes the letter e in strings as an escape, which changes nothing,
// except in true and false.
func escaped(data []byte) (out []byte) {
	quoted := false
	for _, c := range data {
		quoted = quoted != (c == '"')
		if c == 'e' && quoted {
			out = append(out, `\u0065`...)
		} else {
			out = append(out, c)
		}
	}
	return out
}

func (g filterEvents) time() time.Time {
	return testkit.TrailStart.Add(time.Duration(g.random.IntN(10)) * time.Minute)
}

func (g filterEvents) filter() (f cloudtrail.Filter) {
	f.Names = g.some(filterNames...)
	f.Sources = g.some("s3.amazonaws.com", "ec2.amazonaws.com", "x")
	f.Regions = g.some("us-east-1", "eu-west-1", "x")
	f.Accounts = g.some(filterAccounts...)
	f.Principals = g.some(filterWho...)
	f.Addresses = g.some(append(filterAddresses, filterBlocks...)...)
	f.Categories = g.some("Management", "Data", "NetworkActivity", "Insight")
	f.ErrorCodes = g.some(filterErrors...)
	f.Errors = g.random.IntN(6) == 0
	if g.random.IntN(5) == 0 {
		value := g.random.IntN(2) == 0
		f.ReadOnly = &value
	}
	if g.random.IntN(5) == 0 {
		f.From = g.time()
	}
	if g.random.IntN(5) == 0 {
		if f.To = g.time(); f.To.Before(f.From) {
			f.From, f.To = f.To, f.From
		}
	}
	return f
}

// TestFilterReference is CT-62: it compares filters with a slow one, field by field.
func TestFilterReference(t *testing.T) {
	g := filterEvents{rand.New(rand.NewPCG(3, 4))}
	n := 400
	if full() {
		n = 20_000
	}
	classes := testkit.Classes{}
	total := 0
	for range n {
		f := g.filter()
		scan, err := cloudtrail.NewLogScan(f, cloudtrail.Limits{})
		require.NoError(t, err)
		var want, got []string
		text := []byte(`{"Records":[`)
		for i := range 20 {
			e := g.event()
			if i > 0 {
				text = append(text, ',')
			}
			text = append(text, e...)
			hit := refMatch(f, e)
			if hit {
				want = append(want, string(e))
			}
			total++
			classes.Add("wanted", hit)
			classes.Add("not wanted", !hit)
			classes.Add("by name", f.Names != nil && hit)
			classes.Add("by source", f.Sources != nil && hit)
			classes.Add("by region", f.Regions != nil && hit)
			classes.Add("by account", f.Accounts != nil && hit)
			classes.Add("by principal", f.Principals != nil && hit)
			classes.Add("by address", f.Addresses != nil && hit)
			classes.Add("by category", f.Categories != nil && hit)
			classes.Add("by error", (f.Errors || f.ErrorCodes != nil) && !hit)
			classes.Add("by readOnly", f.ReadOnly != nil && hit)
			classes.Add("by time", (!f.From.IsZero() || !f.To.IsZero()) && hit)
		}
		text = append(text, "]}"...)
		require.NoError(t, scan.File(text, func(e *cloudtrail.Event, err error) bool {
			require.NoError(t, err)
			got = append(got, string(e.Raw()))
			return true
		}))
		require.Equal(t, want, got, "%+v", f)
	}
	classes.Require(t, total)
}

// TestFilterTime is [From, To), and an event whose time does not parse, which
// no filter by time may let through nor drop in silence.
func TestFilterTime(t *testing.T) {
	at := testkit.TrailStart
	for _, tc := range []struct {
		name     string
		from, to time.Time
		want     bool
	}{
		{"none", time.Time{}, time.Time{}, true},
		{"from it", at, time.Time{}, true},
		{"after it", at.Add(1), time.Time{}, false},
		{"to it", time.Time{}, at, false},
		{"past it", time.Time{}, at.Add(1), true},
		{"around it", at, at.Add(1), true},
		{"empty", at, at, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			scan, err := cloudtrail.NewLogScan(cloudtrail.Filter{From: tc.from, To: tc.to}, cloudtrail.Limits{})
			require.NoError(t, err)
			n := 0
			event := `{"eventVersion":"1.0","eventTime":"` + at.Format(time.RFC3339) + `"}`
			require.NoError(t, scan.File([]byte(event), func(*cloudtrail.Event, error) bool { n++; return true }))
			require.Equal(t, tc.want, n == 1)
		})
	}
	scan, err := cloudtrail.NewLogScan(cloudtrail.Filter{To: at}, cloudtrail.Limits{})
	require.NoError(t, err)
	for _, event := range []string{`{"eventVersion":"1.0"}`, `{"eventVersion":"1.0","eventTime":"yesterday"}`, `{"eventVersion":"1.0","eventTime":0}`} {
		var got error
		require.NoError(t, scan.File([]byte(event), func(e *cloudtrail.Event, err error) bool {
			require.Nil(t, e)
			got = err
			return true
		}))
		require.ErrorIs(t, got, cloudtrail.ErrEvent)
		require.ErrorContains(t, got, "eventTime is not a time")
	}
}

// TestFilterManyAddresses forgets addresses it has met and decides alike.
func TestFilterManyAddresses(t *testing.T) {
	f := cloudtrail.Filter{Addresses: []string{"10.0.0.0/9", "x", ""}}
	scan, err := cloudtrail.NewLogScan(f, cloudtrail.Limits{})
	require.NoError(t, err)
	var text, want, got []byte
	for i := range 10_000 {
		address := fmt.Sprintf(`"10.%d.%d.1"`, i&255, i>>8)
		switch i % 10 {
		case 7:
			address = []string{`""`, "null", `"x"`, `"` + strings.Repeat("x", 100) + `"`}[i/10%4]
		case 8:
			address = `"10.1.1.1"`
		}
		e := fmt.Appendf(nil, `{"sourceIPAddress":%s}`, address)
		text = append(append(text, ','), e...)
		if refMatch(f, e) {
			want = append(want, e...)
		}
	}
	require.NoError(t, scan.File([]byte(`{"Records":[`+string(text[1:])+"]}"), func(e *cloudtrail.Event, err error) bool {
		require.NoError(t, err)
		got = append(got, e.Raw()...)
		return true
	}))
	require.LessOrEqual(t, scan.Addresses(), 4096)
	require.NotEmpty(t, want)
	require.True(t, bytes.Equal(want, got))
}
