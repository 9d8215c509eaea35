// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"math/big"
	"net/netip"
	"strings"
)

// refVersions is the table of NET-57 and NET-58.
var refVersions = map[int]string{
	2: "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
	3: "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr",
	4: "region az-id sublocation-type sublocation-id",
	5: "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path",
	6: "resource-type tgw-id tgw-attachment-id tgw-pair-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id " +
		"tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id " +
		"packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired",
	7: "ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id " +
		"ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id",
	8:  "reject-reason",
	9:  "resource-id",
	10: "encryption-status",
	11: "instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id " +
		"next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type",
}

// refVersionOf returns the highest version of the names, and whether one of them
// is in no version.
func refVersionOf(names []string) (version int, unknown bool) {
	for _, name := range names {
		known := false
		for v, list := range refVersions {
			for _, one := range strings.Fields(list) {
				if one == name {
					known, version = true, max(version, v)
				}
			}
		}
		unknown = unknown || !known
	}
	return version, unknown
}

// refMost is the greatest value of each numeric field.
var refMost = map[string]string{
	"version": "255", "srcport": "65535", "dstport": "65535", "protocol": "255", "packets": "18446744073709551615",
	"bytes": "18446744073709551615", "start": "9223372036854775807", "end": "9223372036854775807", "tcp-flags": "65535",
	"traffic-path": "255", "packets-lost-no-route": "18446744073709551615", "packets-lost-blackhole": "18446744073709551615",
	"packets-lost-mtu-exceeded": "18446744073709551615", "packets-lost-ttl-expired": "18446744073709551615",
}

var refWords = map[string]string{
	"action": " ACCEPT REJECT ", "log-status": " OK NODATA SKIPDATA ", "type": " IPv4 IPv6 EFA ", "flow-direction": " ingress egress ",
}

// refParse reads a line by name: the canonical value of every field that is
// present. bad is the name of the first field at fault, "*" for too many.
func refParse(names []string, line string) (values map[string]string, bad string) {
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' })
	values = map[string]string{}
	for i, name := range names {
		if i >= len(words) {
			return nil, name
		}
		if words[i] == "-" {
			continue
		}
		value, ok := refValue(name, words[i])
		if !ok {
			return nil, name
		}
		values[name] = value
	}
	if len(words) > len(names) {
		return nil, "*"
	}
	if v, ok := values["version"]; ok {
		want, unknown := refVersionOf(names)
		got, _ := new(big.Int).SetString(v, 10)
		if c := got.Cmp(big.NewInt(int64(want))); c < 0 || c > 0 && !unknown {
			return nil, "version"
		}
	}
	return values, ""
}

func refValue(name, word string) (string, bool) {
	if most, numeric := refMost[name]; numeric {
		n, ok := new(big.Int).SetString(word, 10)
		limit, _ := new(big.Int).SetString(most, 10)
		if !ok || strings.Trim(word, "0123456789") != "" || len(word) > 20 || n.Cmp(limit) > 0 {
			return "", false
		}
		if strings.HasPrefix(name, "packets-lost-") { // written as it was read
			return word, true
		}
		return n.String(), true
	}
	if words, ok := refWords[name]; ok {
		return word, strings.Contains(words, " "+word+" ")
	}
	switch name {
	case "srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr":
		a, err := netip.ParseAddr(word)
		return a.Unmap().String(), err == nil && a.Zone() == ""
	}
	return word, true
}
