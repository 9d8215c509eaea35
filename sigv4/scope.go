// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"strings"
	"time"
)

const terminator = "aws4_request"

// Scope is the credential scope a signature is bound to: a day, a region and a
// service. A Scope is a comparable value.
type Scope struct {
	// Date is the day in UTC, eight digits: 20130524.
	Date string
	// Region is the region, as given, such as "us-east-1". It is empty in
	// the scope of an AlgorithmV4A signature, which has a region set instead.
	Region string
	// Service is the service, as given, such as "s3".
	Service string
}

// NewScope returns the scope of the day that t falls on in UTC.
func NewScope(t time.Time, region, service string) Scope {
	var buf [amzDateLen]byte
	return Scope{Date: string(appendAmzDate(buf[:0], t)[:8]), Region: region, Service: service}
}

// String returns the form that is signed: date/region/service/aws4_request, or
// date/service/aws4_request where there is no region (AlgorithmV4A).
func (s Scope) String() string { return string(s.appendTo(nil)) }

func (s *Scope) appendTo(b []byte) []byte {
	b = append(b, s.Date...)
	b = append(b, '/')
	if s.Region != "" {
		b = append(b, s.Region...)
		b = append(b, '/')
	}
	b = append(b, s.Service...)
	return append(b, "/"+terminator...)
}

func (s *Scope) check() error {
	if !isDate8(s.Date) {
		return fmt.Errorf("%w: the date is not eight digits of a calendar day", ErrScope)
	}
	return checkRegionService(s.Region, s.Service)
}

// checkV4A is check for a scope without a region.
func (s *Scope) checkV4A() error {
	probe := *s
	probe.Region = "-"
	return probe.check()
}

func checkRegionService(region, service string) error {
	if !isScopePart(region) {
		return fmt.Errorf("%w: the region is empty or holds a slash, a comma, a space or a control byte", ErrScope)
	}
	if !isScopePart(service) {
		return fmt.Errorf("%w: the service is empty or holds a slash, a comma, a space or a control byte", ErrScope)
	}
	return nil
}

func isScopePart(s string) bool {
	for i := 0; i < len(s); i++ {
		if b := s[i]; b <= ' ' || b >= 0x7f || b == '/' || b == ',' {
			return false
		}
	}
	return s != ""
}

// ParseCredential splits the credential of a request signed with Signature
// Version 4, accessKeyID/date/region/service/aws4_request, from the right: an
// access key id may hold slashes. It returns ErrScope when a part is missing or
// empty, the date is no day, or the terminator is not aws4_request.
func ParseCredential(credential string) (accessKeyID string, s Scope, err error) {
	rest, ok := strings.CutSuffix(credential, "/"+terminator)
	if !ok {
		return "", Scope{}, fmt.Errorf("%w: the credential does not end in /%s", ErrScope, terminator)
	}
	return parseCredential(rest, AlgorithmV4)
}

// parseCredential splits a credential without its terminator. With
// AlgorithmV4A the scope has no region (SIG-37, SIG-41).
func parseCredential(rest string, a Algorithm) (accessKeyID string, s Scope, err error) {
	var parts [3]string // service, region, date
	for i := range parts {
		if i == 1 && a == AlgorithmV4A {
			continue
		}
		cut := strings.LastIndexByte(rest, '/')
		if cut < 0 {
			return "", Scope{}, fmt.Errorf("%w: the credential has too few parts", ErrScope)
		}
		rest, parts[i] = rest[:cut], rest[cut+1:]
	}
	if rest == "" {
		return "", Scope{}, fmt.Errorf("%w: the access key id is empty", ErrScope)
	}
	s = Scope{Date: parts[2], Region: parts[1], Service: parts[0]}
	if a == AlgorithmV4A {
		err = s.checkV4A()
	} else {
		err = s.check()
	}
	if err != nil {
		return "", Scope{}, err
	}
	return rest, s, nil
}
