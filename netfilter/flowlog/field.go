// SPDX-License-Identifier: Apache-2.0

package flowlog

// kind says how the values of a field are read.
type kind uint8

const (
	kindText  kind = iota // kept as it is, as are the fields that no table knows
	kindTag               // text, percent-encoded
	kindCount             // a number that nothing here looks at
	kindVersion
	kindSrcPort
	kindDstPort
	kindProtocol
	kindPackets
	kindBytes
	kindStart
	kindEnd
	kindFlags
	kindPath
	kindSrc
	kindDst
	kindPacketSrc
	kindPacketDst
	kindInterface
	kindAction
	kindStatus
	kindType
	kindDirection

	lastNumber  = kindPath
	lastAddress = kindPacketDst
)

// field is what is known of a field: the version of VPC Flow Logs that brought
// it, and its kind.
type field struct {
	version uint8
	kind    kind
}

// defaultFields is the default format, in order.
const defaultFields = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

// fields lists the fields of VPC and transit gateway flow logs.
//
// See https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
// and https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html.
var fields = map[string]field{
	"version": {2, kindVersion}, "account-id": {2, kindText}, "interface-id": {2, kindInterface},
	"srcaddr": {2, kindSrc}, "dstaddr": {2, kindDst}, "srcport": {2, kindSrcPort}, "dstport": {2, kindDstPort},
	"protocol": {2, kindProtocol}, "packets": {2, kindPackets}, "bytes": {2, kindBytes}, "start": {2, kindStart},
	"end": {2, kindEnd}, "action": {2, kindAction}, "log-status": {2, kindStatus},

	"vpc-id": {3, kindText}, "subnet-id": {3, kindText}, "instance-id": {3, kindText}, "tcp-flags": {3, kindFlags},
	"type": {3, kindType}, "pkt-srcaddr": {3, kindPacketSrc}, "pkt-dstaddr": {3, kindPacketDst},

	"region": {4, kindText}, "az-id": {4, kindText}, "sublocation-type": {4, kindText}, "sublocation-id": {4, kindText},

	"pkt-src-aws-service": {5, kindText}, "pkt-dst-aws-service": {5, kindText},
	"flow-direction": {5, kindDirection}, "traffic-path": {5, kindPath},

	"resource-type": {6, kindText}, "tgw-id": {6, kindText}, "tgw-attachment-id": {6, kindText}, "tgw-pair-attachment-id": {6, kindText},
	"tgw-src-vpc-account-id": {6, kindText}, "tgw-dst-vpc-account-id": {6, kindText}, "tgw-src-vpc-id": {6, kindText},
	"tgw-dst-vpc-id": {6, kindText}, "tgw-src-subnet-id": {6, kindText}, "tgw-dst-subnet-id": {6, kindText},
	"tgw-src-eni": {6, kindText}, "tgw-dst-eni": {6, kindText}, "tgw-src-az-id": {6, kindText}, "tgw-dst-az-id": {6, kindText},
	"packets-lost-no-route": {6, kindCount}, "packets-lost-blackhole": {6, kindCount},
	"packets-lost-mtu-exceeded": {6, kindCount}, "packets-lost-ttl-expired": {6, kindCount},

	"ecs-cluster-arn": {7, kindText}, "ecs-cluster-name": {7, kindText}, "ecs-container-instance-arn": {7, kindText},
	"ecs-container-instance-id": {7, kindText}, "ecs-container-id": {7, kindText}, "ecs-second-container-id": {7, kindText},
	"ecs-service-name": {7, kindText}, "ecs-task-definition-arn": {7, kindText}, "ecs-task-arn": {7, kindText}, "ecs-task-id": {7, kindText},

	"reject-reason": {8, kindText}, "resource-id": {9, kindText}, "encryption-status": {10, kindText},

	"instance-tag": {11, kindTag}, "instance-tag-2": {11, kindTag}, "interface-tag": {11, kindTag},
	"interface-tag-2": {11, kindTag}, "asg-tag": {11, kindTag}, "asg-tag-2": {11, kindTag}, "interface-type": {11, kindText},
	"next-hop-interface-id": {11, kindText}, "next-hop-subnet-id": {11, kindText}, "next-hop-az-id": {11, kindText},
	"next-hop-vpc-id": {11, kindText}, "next-hop-interface-type": {11, kindText},
}
