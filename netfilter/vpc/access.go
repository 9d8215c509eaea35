// SPDX-License-Identifier: Apache-2.0

package vpc

import "strings"

// publicAccess is VPC Block Public Access.
type publicAccess struct {
	mode       string
	exclusions map[string]string // VPC or subnet -> mode
}

func (p *publicAccess) read(s *Snapshot, n node) {
	if n.filled("VpcBlockPublicAccessOptions") {
		o := n.object("VpcBlockPublicAccessOptions")
		mode := ""
		if st := o.text("State"); st == "update-complete" || st == "default-state" {
			mode = o.text("InternetGatewayBlockMode")
		}
		s.once(o, "public access", "VPC Block Public Access", mode)
		p.mode = mode
	}
	for _, e := range n.list("VpcBlockPublicAccessExclusions") {
		if st := e.text("State"); st == "create-complete" || st == "update-complete" {
			arn, mode := e.text("ResourceArn"), e.text("InternetGatewayExclusionMode")
			s.once(e, "exclusion", arn, mode)
			p.exclusions[arn[strings.LastIndexByte(arn, '/')+1:]] = mode
		}
	}
}

// blocks reports whether traffic of the subnet through an internet or
// egress-only gateway is refused; outbound says that the gateway that the
// packet comes from lets connections out only.
func (p *publicAccess) blocks(vpc, subnet string, outbound bool) bool {
	mode := p.mode
	for _, id := range []string{vpc, subnet} {
		switch p.exclusions[id] {
		case "allow-bidirectional":
			return false
		case "allow-egress":
			if mode == "block-bidirectional" {
				mode = "block-ingress"
			}
		}
	}
	return mode == "block-bidirectional" || mode == "block-ingress" && !outbound
}
