// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"net/url"
	"strings"
)

// guess guesses bucket, key and style from the host, in lower case, and a path
// without its first slash. A malformed escape in the path is an error.
func (p *Presigned) guess(host, path string) error {
	if strings.IndexByte(path, '%') >= 0 {
		decoded, err := url.PathUnescape(path)
		if err != nil {
			return err
		}
		path = decoded
	}
	if p.Bucket, p.Style = bucketOf(host); p.Bucket != "" {
		p.Key = path
		return nil
	}
	p.Bucket, p.Key, _ = strings.Cut(path, "/")
	if p.Style == "" && isPathHost(host) {
		p.Style = "path"
	} else {
		p.Style = "unknown"
	}
	return nil
}

// bucketOf looks for a bucket or access point in front of a host of AWS.
func bucketOf(host string) (bucket, style string) {
	i := strings.LastIndex(host, ".s3") // a bucket may hold one too
	if i <= 0 || !strings.Contains(host[i:], ".amazonaws.") && !isOtherSuffix(host) {
		return "", ""
	}
	front, service := host[:i], host[i+1:]
	switch {
	case strings.HasPrefix(service, "s3-global.") && strings.HasSuffix(front, ".accesspoint"):
		return strings.TrimSuffix(front, ".accesspoint"), "access-point"
	case strings.HasPrefix(service, "s3-accesspoint"), strings.HasPrefix(service, "s3-object-lambda"), strings.HasPrefix(service, "s3-outposts"):
		return front, "access-point"
	case strings.HasPrefix(service, "s3."), strings.HasPrefix(service, "s3-"), strings.HasPrefix(service, "s3express-"):
		return front, "virtual-hosted"
	}
	return "", ""
}

// isOtherSuffix reports whether a host is of a partition with a domain of its
// own.
func isOtherSuffix(host string) bool {
	for i := range partitions {
		if strings.HasSuffix(host, "."+partitions[i].suffix) {
			return true
		}
	}
	return false
}

func isPathHost(host string) bool {
	return strings.HasPrefix(host, "s3.") || strings.HasPrefix(host, "s3-") || host == "localhost" || strings.HasPrefix(host, "localhost:") || isAddress(host)
}
