// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"fmt"
	"strings"
)

// String writes the explanation for people: the decision, what each type of
// policies came to, and each statement with the reason why it does not apply.
func (x *Explanation) String() string {
	var b strings.Builder
	b.WriteString(x.Outcome.String())
	if len(x.BlockedBy) > 0 {
		fmt.Fprintf(&b, ", blocked by %s", strings.Join(x.BlockedBy, ", "))
	}
	if x.Reason != "" {
		fmt.Fprintf(&b, ": %s", x.Reason)
	}
	b.WriteByte('\n')
	if x.Err != nil {
		return b.String()
	}
	for i := range x.Sets {
		x.Sets[i].write(&b)
	}
	if len(x.Sets) == 0 {
		b.WriteString("  no policies\n")
	}
	account := "another account's, or its owner unknown"
	if x.SameAccount {
		account = "the caller's account's"
	}
	fmt.Fprintf(&b, "  the resource is %s\n", account)
	if len(x.Missing) > 0 {
		fmt.Fprintf(&b, "  absent keys that could change this: %s\n", strings.Join(x.Missing, ", "))
	}
	for _, k := range x.Derived {
		if k.Inexact {
			fmt.Fprintf(&b, "  %s was derived and may be inexact\n", k.Key)
		}
	}
	if x.Indeterminate {
		b.WriteString("  a statement that cannot be evaluated denied\n")
	}
	return b.String()
}

func (s *SetExplanation) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s", s.Type)
	if s.Level != "" {
		fmt.Fprintf(b, " %s", s.Level)
	}
	fmt.Fprintf(b, ": %s\n", s.Verdict)
	for i := range s.Statements {
		st := &s.Statements[i]
		mark := "-"
		if st.Applied {
			mark = "*"
		}
		fmt.Fprintf(b, "    %s %s %s/%s (line %d)", mark, st.Effect, st.Policy, st.Name(), st.Span.Start.Line)
		switch {
		case !st.Applied:
			fmt.Fprintf(b, ": %s: %s", st.Failed, st.Why)
		case st.Principal != "":
			fmt.Fprintf(b, ": applies (principal: %s)", st.Principal)
		default:
			b.WriteString(": applies")
		}
		b.WriteByte('\n')
	}
}
