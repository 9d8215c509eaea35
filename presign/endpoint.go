// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/sallyport-go/sallyport/sigv4"
)

// Endpoint says which of S3's endpoints a URL is for (AWS: "Amazon S3
// endpoints and quotas", "Virtual hosting of buckets"). The zero value is the
// regional endpoint over https, with the bucket in front of the host where the
// bucket can be a host label and in the path where it cannot. An Endpoint is a
// value.
type Endpoint struct {
	// URL is the endpoint of another implementation of S3, or of a proxy:
	// scheme://host[:port][/path]. Empty means AWS.
	URL string
	// PathStyle puts the bucket into the path always.
	PathStyle bool
	// DualStack is for the host that has IPv6 addresses too.
	DualStack bool
	// FIPS is for the host whose TLS is validated under FIPS 140.
	FIPS bool
	// Accelerate is for S3 Transfer Acceleration.
	Accelerate bool
	// Global is for the host without a region, in us-east-1 only.
	Global bool
	// Insecure allows http for AWS hosts; a URL of its own may always say http.
	Insecure bool
	// ClientRegionOnly refuses an access point ARN of another region than the
	// client's, which otherwise decides where to send and sign.
	ClientRegionOnly bool
	// DNSSuffix replaces the suffix of the region's partition, such as
	// "amazonaws.com".
	DNSSuffix string
}

// Location is where requests for a bucket go, and what they are signed for.
type Location struct {
	// Scheme is "https" or "http".
	Scheme string
	// Host is the host, with the port where it is not the scheme's own.
	Host string
	// Path is what stands, percent-encoded, before the slash and the key;
	// empty for a bucket in the host.
	Path string
	// Region is the region of the credential scope; with AlgorithmV4A the
	// region set, "*".
	Region string
	// Service is the service of the credential scope.
	Service string
	// Algorithm is AlgorithmV4, but for multi-region access points.
	Algorithm sigv4.Algorithm
}

// Resolve returns the location of a bucket, given by name or by the ARN of an
// access point, an object Lambda access point or an access point on an Outpost.
// Without a bucket it is that of ListBuckets. Combinations that S3 does not
// offer are ErrEndpoint, names that are none ErrInput.
func (e Endpoint) Resolve(region, bucket string) (Location, error) {
	t, err := e.resolve(region, bucket, false)
	if err != nil {
		return Location{}, err
	}
	return t.join(), nil
}

// target is a Location with the bucket still apart, which spares the common
// case from putting strings together twice.
type target struct {
	Location
	label   string // bucket in front of the host
	segment string // bucket in the path
}

func (t *target) join() Location {
	l := t.Location
	if t.label != "" {
		l.Host = t.label + "." + l.Host
	}
	if t.segment != "" {
		l.Path += "/" + t.segment
	}
	return l
}

// resolve is Resolve; control says that the bucket itself is created or
// deleted, which S3 Express does elsewhere.
func (e *Endpoint) resolve(region, bucket string, control bool) (target, error) {
	if !isLabel(region) {
		return target{}, fault(ErrEndpoint, "the region is empty or no host label")
	}
	p := partitionOf(region)
	if e.DNSSuffix != "" {
		p.suffix = e.DNSSuffix
	}
	if err := e.check(region, &p); err != nil {
		return target{}, err
	}
	switch {
	case strings.HasPrefix(bucket, "arn:"):
		if control {
			return target{}, fault(ErrEndpoint, "an access point cannot be created or deleted as a bucket")
		}
		l, err := e.accessPoint(region, bucket, &p)
		return target{Location: l}, err
	case bucket != "" && !isBucket(bucket):
		return target{}, fault(ErrInput, "the bucket is no bucket name")
	case e.URL != "":
		return e.custom(region, bucket)
	case isExpress(bucket):
		l, err := e.express(region, bucket, &p, control)
		return target{Location: l}, err
	}
	return e.regional(region, bucket, &p)
}

// check refuses the combinations that no bucket makes possible.
func (e *Endpoint) check(region string, p *partition) error {
	switch {
	case e.Accelerate && (e.PathStyle || e.FIPS):
		return fault(ErrEndpoint, "Accelerate goes with neither PathStyle nor FIPS")
	case e.Accelerate && p.name != "aws":
		return fault(ErrEndpoint, "there is no Accelerate in partition %s", p.name)
	case e.FIPS && p.name == "aws-cn":
		return fault(ErrEndpoint, "there is no FIPS endpoint in China")
	case e.URL != "" && (e.Accelerate || e.DualStack || e.FIPS || e.Global):
		return fault(ErrEndpoint, "an endpoint URL goes with none of Accelerate, DualStack, FIPS and Global")
	case e.Global && (region != "us-east-1" || e.Accelerate || e.DualStack || e.FIPS):
		return fault(ErrEndpoint, "Global is for us-east-1 only, and goes with none of Accelerate, DualStack and FIPS")
	}
	return nil
}

func (e *Endpoint) scheme() string {
	if e.Insecure {
		return "http"
	}
	return "https"
}

// variant returns the name of a service's host with its variants: -fips behind
// the name, .dualstack behind that.
func (e *Endpoint) variant(service string) string {
	if e.FIPS {
		service += "-fips"
	}
	if e.DualStack {
		service += ".dualstack"
	}
	return service
}

func (e *Endpoint) regional(region, bucket string, p *partition) (target, error) {
	t := target{Location: Location{Scheme: e.scheme(), Region: region, Service: "s3"}}
	switch {
	case e.Accelerate && bucket != "" && !isBucketLabel(bucket):
		return target{}, fault(ErrEndpoint, "Accelerate needs a bucket that is a host label, without a dot")
	case e.Accelerate && bucket != "" && e.DualStack:
		t.Host = "s3-accelerate.dualstack." + p.suffix
	case e.Accelerate && bucket != "":
		t.Host = "s3-accelerate." + p.suffix
	case e.Global:
		t.Host = "s3." + p.suffix
	default:
		t.Host = e.variant("s3") + "." + region + "." + p.suffix
	}
	t.place(e, bucket)
	return t, nil
}

// place puts the bucket in front of the host, where it can be a label of one,
// or into the path.
func (t *target) place(e *Endpoint, bucket string) {
	switch {
	case bucket == "":
	case e.PathStyle, !isBucketLabel(bucket), e.URL != "" && isAddress(t.Host):
		t.segment = bucket
	default:
		t.label = bucket
	}
}

func (e *Endpoint) custom(region, bucket string) (target, error) {
	t := target{Location: Location{Region: region, Service: "s3"}}
	var err error
	if t.Scheme, t.Host, t.Path, err = e.parseURL(); err != nil {
		return target{}, err
	}
	t.place(e, bucket)
	return t, nil
}

// parseURL takes the endpoint URL apart.
func (e *Endpoint) parseURL() (scheme, host, path string, err error) {
	u, err := url.Parse(e.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", "", "", fault(ErrEndpoint, "the endpoint URL is not scheme://host[:port][/path]")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(e.URL, "#"):
		return "", "", "", fault(ErrEndpoint, "the endpoint URL has a user, a query or a fragment")
	}
	host = u.Host
	if port := u.Port(); port == "" || port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		host = strings.TrimSuffix(strings.TrimSuffix(host, port), ":")
	}
	return u.Scheme, host, strings.TrimSuffix(u.EscapedPath(), "/"), nil
}

// isAddress reports whether a host is an IP address, with or without a port.
func isAddress(host string) bool {
	if _, err := netip.ParseAddrPort(host); err == nil {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// What the names of directory buckets end in, and those of their access points.
const (
	expressSuffix      = "--x-s3"
	expressAccessPoint = "--xa-s3"
)

func isExpress(bucket string) bool {
	return strings.HasSuffix(bucket, expressSuffix) || strings.HasSuffix(bucket, expressAccessPoint)
}

// express resolves a directory bucket, NAME--ZONE--x-s3, or an access point of
// one, NAME--ZONE--xa-s3 (AWS: "Access points for directory buckets").
func (e *Endpoint) express(region, bucket string, p *partition, control bool) (Location, error) {
	name, point := strings.CutSuffix(bucket, expressAccessPoint)
	name = strings.TrimSuffix(name, expressSuffix)
	cut := strings.LastIndex(name, "--")
	switch {
	case control && point:
		return Location{}, fault(ErrEndpoint, "an access point cannot be created or deleted as a bucket")
	case e.Accelerate || e.PathStyle || e.Global:
		return Location{}, fault(ErrEndpoint, "an S3 Express bucket goes with none of Accelerate, PathStyle and Global")
	case cut <= 0 || !isBucketLabel(bucket) || !isLabel(name[cut+2:]):
		return Location{}, fault(ErrEndpoint, "an S3 Express bucket is called NAME--ZONE--x-s3")
	}
	l := Location{Scheme: e.scheme(), Region: region, Service: "s3express"}
	if control {
		l.Host = e.variant("s3express-control") + "." + region + "." + p.suffix
		l.Path = "/" + bucket
		return l, nil
	}
	host := "s3express-"
	if e.FIPS {
		host += "fips-"
	}
	host += name[cut+2:]
	if e.DualStack {
		host += ".dualstack"
	}
	l.Host = bucket + "." + host + "." + region + "." + p.suffix
	return l, nil
}
