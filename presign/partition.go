// SPDX-License-Identifier: Apache-2.0

package presign

import "strings"

// partition is a separate set of AWS regions.
type partition struct {
	name, prefix, suffix string
}

// partitions lists those that a region's prefix tells from "aws", which every
// other region belongs to.
var partitions = [...]partition{
	{"aws-cn", "cn-", "amazonaws.com.cn"},
	{"aws-us-gov", "us-gov-", "amazonaws.com"},
	{"aws-iso", "us-iso-", "c2s.ic.gov"},
	{"aws-iso-b", "us-isob-", "sc2s.sgov.gov"},
	{"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk"},
	{"aws-iso-f", "us-isof-", "csp.hci.ic.gov"},
	{"aws-eusc", "eusc-", "amazonaws.eu"},
}

func partitionOf(region string) partition {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p
		}
	}
	return partition{"aws", "", "amazonaws.com"}
}

// isLabel reports whether s can be one label of a host name, in lower case.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// isBucketLabel reports whether a bucket can stand in front of a host name.
func isBucketLabel(bucket string) bool { return len(bucket) >= 3 && isLabel(bucket) }

// isBucket reports whether a name can be a bucket at all: those of old may be
// long, and hold upper case letters, dots and underscores.
func isBucket(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return name != "" && len(name) <= 255 && name != "." && name != ".."
}
