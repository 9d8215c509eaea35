// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"fmt"
	"unicode/utf8"
)

// Size returns the size of a document as the quota of its kind counts it, and
// the quota, as of 2026-05 (IAM User Guide, "IAM and AWS STS quotas";
// Organizations User Guide, "Quotas"; Amazon S3 User Guide, "Bucket
// policies"): characters, without white space except for SCPs and RCPs; bytes
// for policies of resources. The quota of identity policies and boundaries is
// that of managed policies; inline policies have others.
func (p *Policy) Size(kind Kind) (used, allowed int) {
	switch kind {
	case KindIdentity, KindBoundary:
		return p.characters(), 6_144
	case KindSession, KindTrust:
		return p.characters(), 2_048
	case KindSCP:
		return utf8.RuneCountInString(p.src), 10_240
	case KindRCP:
		return utf8.RuneCountInString(p.src), 5_120
	}
	return len(p.src), 20 << 10
}

// characters counts what is not white space.
func (p *Policy) characters() int {
	n := 0
	for i := range len(p.src) {
		if c := p.src[i]; c > ' ' && c&0xc0 != 0x80 { // the first byte of a character; below a blank JSON has only white space
			n++
		}
	}
	return n
}

func (v *validator) size() {
	used, allowed := v.p.Size(v.kind)
	if used <= allowed {
		return
	}
	code := "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA"
	switch v.kind {
	case KindIdentity, KindBoundary, KindSession:
		code = "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"
	case KindTrust:
		code = "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA"
	case KindSCP:
		code = "POLICY_SIZE_EXCEEDS_SCP_QUOTA"
	case KindRCP:
		code = "POLICY_SIZE_EXCEEDS_RCP_QUOTA"
	}
	v.report(code, span{0, int32(len(v.p.src))}, "", fmt.Sprintf("the policy counts %d, its quota is %d", used, allowed))
}
