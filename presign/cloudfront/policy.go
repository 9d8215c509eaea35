// SPDX-License-Identifier: Apache-2.0

package cloudfront

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Policy is what a signed URL or a set of signed cookies grants.
type Policy struct {
	// Expires is when the grant ends (DateLessThan): it holds before that
	// second and not from it on. Required, in whole seconds; a fraction is cut.
	Expires time.Time
	// NotBefore is when the grant begins (DateGreaterThan): it holds after
	// that second. The zero value means at once.
	NotBefore time.Time
	// SourceIP is the range of IPv4 addresses that may use the grant. The zero
	// value means any. CloudFront's policies know no IPv6.
	SourceIP netip.Prefix
	// Resource is the URL granted, in which * stands for any characters and ?
	// for one, each inside its own part of protocol, domain, path and query.
	// Empty means the URL that is signed; cookies need one.
	Resource string
}

// canned reports whether the short form says it all.
func (p *Policy) canned() bool {
	return p.NotBefore.IsZero() && !p.SourceIP.IsValid() && !strings.Contains(p.Resource, "*")
}

// check refuses what CloudFront would, before anything is signed.
func (p *Policy) check() error {
	switch {
	case p.Expires.Unix() <= 0:
		return fault(ErrInput, "Policy.Expires is not set")
	case !p.NotBefore.IsZero() && p.NotBefore.Unix() <= 0:
		return fault(ErrInput, "Policy.NotBefore is before 1970")
	case !p.NotBefore.IsZero() && p.NotBefore.Unix() >= p.Expires.Unix():
		return fault(ErrInput, "Policy.NotBefore is not before Policy.Expires")
	case p.SourceIP != netip.Prefix{} && (!p.SourceIP.IsValid() || !p.SourceIP.Addr().Is4()):
		return fault(ErrInput, "Policy.SourceIP is not an IPv4 range")
	}
	return checkResource(p.Resource)
}

// appendText appends the policy as CloudFront wants it, byte for byte, without
// white space and with no character escaped. The resource was checked.
func (p *Policy) appendText(dst []byte) []byte {
	dst = append(dst, `{"Statement":[{"Resource":"`...)
	dst = append(dst, p.Resource...)
	dst = append(dst, `","Condition":{`...)
	if p.SourceIP.IsValid() {
		dst = append(dst, `"IpAddress":{"AWS:SourceIp":"`...)
		dst = p.SourceIP.Masked().AppendTo(dst)
		dst = append(dst, `"},`...)
	}
	if !p.NotBefore.IsZero() {
		dst = append(dst, `"DateGreaterThan":{"AWS:EpochTime":`...)
		dst = strconv.AppendInt(dst, p.NotBefore.Unix(), 10)
		dst = append(dst, `},`...)
	}
	dst = append(dst, `"DateLessThan":{"AWS:EpochTime":`...)
	dst = strconv.AppendInt(dst, p.Expires.Unix(), 10)
	return append(dst, `}}}]}`...)
}

// maxPolicy bounds the encoded policy of a request, maxSeconds its times.
const (
	maxPolicy  = 8 << 10
	maxSeconds = 1 << 53
)

// parsePolicy reads a custom policy whose signature was checked: one
// statement, no member but those known, none twice. Without a resource, which
// would grant everything under the key, it is malformed unless allowed.
func parsePolicy(scanner *strictjson.Scanner, text []byte, allowNoResource bool) (Policy, error) {
	var p Policy
	scanner.Reset(text, strictjson.Limits{Size: maxPolicy, Depth: 8, Members: 8})
	r := policyReader{Scanner: scanner, p: &p}
	err := r.document()
	if err == nil && p.Resource == "" && !allowNoResource {
		err = r.Fail("the policy names no Resource")
	}
	var e *strictjson.Error
	if errors.As(err, &e) {
		return p, fault(ErrMalformed, "policy: "+e.Error())
	}
	return p, err
}

type policyReader struct {
	*strictjson.Scanner
	p *Policy
}

// object reads an object, calling member at each name, which is valid
// until member reads on.
func (r policyReader) object(member func(name []byte) error) error {
	if kind, err := r.Next(); err != nil {
		return err
	} else if kind != strictjson.ObjectOpen {
		return r.Fail("an object should be here")
	}
	for {
		kind, err := r.Next()
		if err != nil || kind == strictjson.ObjectClose {
			return err
		}
		if err := member(r.Text()); err != nil {
			return err
		}
	}
}

func (r policyReader) expect(kind strictjson.Kind) error {
	got, err := r.Next()
	if err == nil && got != kind {
		return r.Fail(kind.String() + " should be here")
	}
	return err
}

func (r policyReader) document() error {
	seen := false
	err := r.object(func(name []byte) error {
		if string(name) != "Statement" {
			return r.Fail("unknown member")
		}
		seen = true
		if err := r.expect(strictjson.ArrayOpen); err != nil {
			return err
		}
		if err := r.statement(); err != nil {
			return err
		}
		return r.expect(strictjson.ArrayClose)
	})
	if err != nil {
		return err
	}
	if !seen {
		return r.Fail("the policy has no Statement")
	}
	return r.expect(strictjson.End)
}

func (r policyReader) statement() error {
	condition := false
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "Resource":
			if err := r.expect(strictjson.String); err != nil {
				return err
			}
			if r.p.Resource = string(r.Text()); r.p.Resource == "" {
				return r.Fail("the Resource is empty")
			}
			return nil
		case "Condition":
			condition = true
			return r.object(r.condition)
		}
		return r.Fail("unknown member")
	})
	if err == nil && (!condition || r.p.Expires.IsZero()) {
		return r.Fail("the statement has no DateLessThan")
	}
	return err
}

func (r policyReader) condition(name []byte) error {
	switch string(name) {
	case "DateLessThan":
		return r.single("AWS:EpochTime", func() error { return r.seconds(&r.p.Expires) })
	case "DateGreaterThan":
		return r.single("AWS:EpochTime", func() error { return r.seconds(&r.p.NotBefore) })
	case "IpAddress":
		return r.single("AWS:SourceIp", r.sourceIP)
	}
	return r.Fail("unknown condition")
}

// single reads an object of exactly one member.
func (r policyReader) single(key string, value func() error) error {
	seen := false
	err := r.object(func(name []byte) error {
		if string(name) != key {
			return r.Fail("unknown condition key")
		}
		seen = true
		return value()
	})
	if err == nil && !seen {
		return r.Fail("the condition is empty")
	}
	return err
}

func (r policyReader) seconds(t *time.Time) error {
	if err := r.expect(strictjson.Number); err != nil {
		return err
	}
	n, err := strconv.ParseUint(string(r.Raw()), 10, 63)
	if err != nil || n == 0 || n > maxSeconds {
		return r.Fail("a whole number of seconds should be here")
	}
	*t = time.Unix(int64(n), 0)
	return nil
}

func (r policyReader) sourceIP() error {
	if err := r.expect(strictjson.String); err != nil {
		return err
	}
	prefix, ok := parseSourceIP(string(r.Text()))
	if !ok {
		return r.Fail("one IPv4 address or range should be here")
	}
	r.p.SourceIP = prefix
	return nil
}

// parseSourceIP reads an IPv4 address or range; host bits of a range are
// ignored.
func parseSourceIP(text string) (netip.Prefix, bool) {
	if !strings.Contains(text, "/") {
		text += "/32"
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() {
		return netip.Prefix{}, false
	}
	return prefix.Masked(), true
}
