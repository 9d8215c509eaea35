// SPDX-License-Identifier: Apache-2.0

package vpc

// encryption is VPC encryption control. A VPC that enforces it lets no plain
// text pass; what is exempt is stated by kind of gateway. Whether a packet is
// plain text the snapshot does not say.
//
// See https://docs.aws.amazon.com/vpc/latest/userguide/vpc-encryption-controls.html.
type encryption struct {
	enforced bool
	exempt   map[string]bool
}

// The kinds of gateways that ResourceExclusions names.
const (
	internetKind   = "InternetGateway"
	egressOnlyKind = "EgressOnlyInternetGateway"
	natKind        = "NatGateway"
	vpnKind        = "VirtualPrivateGateway"
	peeringKind    = "VpcPeering"
)

func readEncryption(n node) encryption {
	e := encryption{exempt: map[string]bool{}}
	switch n.text("State") {
	case "creating", "enforce-failed", "deleted":
	default:
		e.enforced = n.text("Mode") == "enforce"
	}
	out := n.object("ResourceExclusions")
	for _, kind := range []string{internetKind, egressOnlyKind, natKind, vpnKind, peeringKind} {
		e.exempt[kind] = out.object(kind).text("State") == "enabled"
	}
	return e
}

// encrypted passes a gateway of the kind: where the VPC enforces encryption and
// does not exempt it, what passes depends on what the snapshot does not hold.
func (w *walk) encrypted(vpc, kind string) {
	if c := w.s.encryption[vpc]; c.enforced && !c.exempt[kind] {
		w.doubt()
	}
}
