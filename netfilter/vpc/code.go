// SPDX-License-Identifier: Apache-2.0

package vpc

// Code says why a packet does not get on.
type Code string

// The codes.
const (
	// SGEgress and SGIngress: no rule of the interface's groups admits.
	SGEgress  Code = "SG_EGRESS"
	SGIngress Code = "SG_INGRESS"
	// ACLOut and ACLIn: an entry of the subnet's ACL, or its end, denies.
	ACLOut Code = "ACL_OUT"
	ACLIn  Code = "ACL_IN"
	// ELBACL: a Classic Load Balancer's subnet denies it the way to a target.
	ELBACL Code = "ELB_ACL"
	// NoRoute: no route covers the destination.
	NoRoute Code = "NO_ROUTE"
	// RouteMismatch: the gateway cannot carry this packet.
	RouteMismatch Code = "ROUTE_MISMATCH"
	// RouteState: the route is a black hole.
	RouteState Code = "ROUTE_STATE"
	// State and AttachmentState: a component, or its attachment, is not active.
	State           Code = "STATE"
	AttachmentState Code = "ATTACHMENT_STATE"
	// SrcDstCheck: the interface is neither source nor destination.
	SrcDstCheck Code = "SRC_DST_CHECK"
	// NoPublicAddress: the internet is reached from, and reaches, public addresses.
	NoPublicAddress Code = "NO_PUBLIC_ADDRESS"
	// TGWNoRoute: the transit gateway has no route, or no table for the attachment.
	TGWNoRoute Code = "TGW_NO_ROUTE"
	// ProtocolOnly: the component passes other protocols only.
	ProtocolOnly Code = "PROTOCOL"
	// PublicAccessBlocked: VPC Block Public Access, or the interface's own flag.
	PublicAccessBlocked Code = "PUBLIC_ACCESS_BLOCKED"
	// NoSuchAddress: no interface of the VPC has the address.
	NoSuchAddress Code = "NO_SUCH_ADDRESS"
	// NATUnsolicited: a NAT gateway takes no connections from outside.
	NATUnsolicited Code = "NAT_UNSOLICITED"
	// NATProtocol: a NAT gateway carries TCP, UDP and ICMP.
	NATProtocol Code = "NAT_PROTOCOL"
	// EgressOnly: an egress-only gateway takes no connections from outside.
	EgressOnly Code = "EGRESS_ONLY"
	// NotTransitive: a peering connection leads to its VPC and no farther.
	NotTransitive Code = "NOT_TRANSITIVE"
	// Loop: the packet came back to where it was, or went too many hops.
	Loop Code = "LOOP"
)

// RA returns the explanation code of AWS Reachability Analyzer that stands for
// the code in most places, "" where it has none. Block.RA is the exact one.
//
// See https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html.
func (c Code) RA() string {
	switch c {
	case SGEgress, SGIngress:
		return "ENI_SG_RULES_MISMATCH"
	case ACLOut, ACLIn:
		return "SUBNET_ACL_RESTRICTION"
	case ELBACL:
		return "ELB_ACL_RESTRICTION"
	case NoRoute:
		return "NO_ROUTE_TO_DESTINATION"
	case RouteMismatch:
		return "CANNOT_ROUTE"
	case RouteState:
		return "BAD_STATE_ROUTE"
	case State:
		return "BAD_STATE"
	case AttachmentState:
		return "BAD_STATE_ATTACHMENT"
	case SrcDstCheck:
		return "ENI_SOURCE_DEST_CHECK_RESTRICTION"
	case NoPublicAddress:
		return "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
	case TGWNoRoute:
		return "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"
	case ProtocolOnly:
		return "PROTOCOL_RESTRICTION"
	case PublicAccessBlocked:
		return "VPC_BLOCK_PUBLIC_ACCESS_ENABLED"
	}
	return ""
}
