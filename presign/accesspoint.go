// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
	"github.com/sallyport-go/sallyport/sigv4"
)

// accessPoint resolves an ARN that stands in the place of a bucket.
func (e *Endpoint) accessPoint(region, text string, p *partition) (Location, error) {
	a, ok := arn.Parse(text)
	kind, name := a.ID()
	switch {
	case !ok:
		return Location{}, fault(ErrEndpoint, "the ARN has not six parts")
	case e.PathStyle || e.Accelerate || e.Global:
		return Location{}, fault(ErrEndpoint, "an ARN goes with none of PathStyle, Accelerate and Global")
	case a.Partition != p.name:
		return Location{}, fault(ErrEndpoint, "the ARN is of partition %s and the region of %s", a.Partition, p.name)
	case a.Account == "":
		return Location{}, fault(ErrEndpoint, "the ARN names no account")
	case a.Service == "s3" && a.Region == "" && kind == "accesspoint":
		return e.multiRegion(name, p)
	case !isLabel(a.Region):
		return Location{}, fault(ErrEndpoint, "the ARN names no region")
	case a.Region != region && e.ClientRegionOnly:
		return Location{}, fault(ErrEndpoint, "the ARN is of region %s and ClientRegionOnly is set", a.Region)
	}
	l := Location{Scheme: e.scheme(), Region: a.Region, Service: a.Service}
	switch {
	case a.Service == "s3" && kind == "accesspoint":
		return e.finish(l, name, a.Account, e.variant("s3-accesspoint"), p)
	case a.Service == "s3-object-lambda" && kind == "accesspoint":
		if e.DualStack {
			return Location{}, fault(ErrEndpoint, "an object Lambda access point has no DualStack endpoint")
		}
		return e.finish(l, name, a.Account, e.variant("s3-object-lambda"), p)
	case a.Service == "s3-outposts" && kind == "outpost":
		return e.outpost(l, name, a.Account, p)
	}
	return Location{}, fault(ErrEndpoint, "the ARN is not that of an access point")
}

// finish puts NAME-ACCOUNT in front of the service's host, or of the custom one.
func (e *Endpoint) finish(l Location, name, account, service string, p *partition) (Location, error) {
	if !isLabel(name) || !isLabel(name+"-"+account) {
		return Location{}, fault(ErrEndpoint, "name and account of the access point make no host label")
	}
	l.Host = service + "." + l.Region + "." + p.suffix
	if e.URL != "" {
		var err error
		if l.Scheme, l.Host, l.Path, err = e.parseURL(); err != nil {
			return Location{}, err
		}
		if isAddress(l.Host) {
			return Location{}, fault(ErrEndpoint, "an access point needs an endpoint URL with a host name")
		}
	}
	l.Host = name + "-" + account + "." + l.Host
	return l, nil
}

// outpost resolves OUTPOST/accesspoint/NAME, with slashes or colons.
func (e *Endpoint) outpost(l Location, resource, account string, p *partition) (Location, error) {
	if e.FIPS || e.DualStack {
		return Location{}, fault(ErrEndpoint, "an Outpost has neither FIPS nor DualStack endpoints")
	}
	parts := strings.FieldsFunc(resource, func(r rune) bool { return r == '/' || r == ':' })
	if len(parts) != 3 || len(parts[0])+len(parts[1])+len(parts[2])+2 != len(resource) || parts[1] != "accesspoint" || !isLabel(parts[0]) {
		return Location{}, fault(ErrEndpoint, "the ARN is not outpost/ID/accesspoint/NAME")
	}
	l, err := e.finish(l, parts[2], account, "s3-outposts", p)
	if err == nil {
		front := parts[2] + "-" + account + "."
		l.Host = front + parts[0] + "." + strings.TrimPrefix(l.Host, front)
	}
	return l, err
}

// multiRegion resolves a multi-region access point, whose name has a dot and
// whose requests are signed for every region.
func (e *Endpoint) multiRegion(alias string, p *partition) (Location, error) {
	if e.FIPS || e.DualStack || e.URL != "" {
		return Location{}, fault(ErrEndpoint, "a multi-region access point goes with none of FIPS, DualStack and an endpoint URL")
	}
	if !strings.Contains(alias, ".") {
		return Location{}, fault(ErrEndpoint, "the ARN names no region, and its name is not that of a multi-region access point")
	}
	for label := range strings.SplitSeq(alias, ".") {
		if !isLabel(label) {
			return Location{}, fault(ErrEndpoint, "the alias of the multi-region access point is no host name")
		}
	}
	return Location{
		Scheme: e.scheme(), Host: alias + ".accesspoint.s3-global." + p.suffix,
		Region: "*", Service: "s3", Algorithm: sigv4.AlgorithmV4A,
	}, nil
}
