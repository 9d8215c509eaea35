// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// Batch asks of many callers whether they may do each of many actions to each
// of many targets. Actions and Targets are read once, when Run starts, and
// kept; Callers are read as the answers are taken, so that there may be any
// number of them. Nothing that the iterators return may be changed before the
// answers that name it have been taken.
type Batch struct {
	Callers iter.Seq[*Caller] // who
	Actions iter.Seq[string]  // may do what, such as s3:GetObject
	Targets iter.Seq[*Target] // to what

	// WildcardOnly reports whether an action supports no resource types
	// (Request.WildcardOnly). It is asked once for each action; nil says that
	// all support some.
	WildcardOnly func(action string) bool
	// Workers is the number of goroutines that decide, the one that takes the
	// answers included; zero is runtime.GOMAXPROCS.
	Workers int
}

// Caller is a principal with its half of a question: what would be in Request
// and in Policies whatever the resource is.
type Caller struct {
	// Principal is Request.Principal.
	Principal Principal
	// Context holds the condition keys of all its requests.
	Context Context
	// Management is Request.ManagementPrincipal.
	Management bool
	// Policies are Identity, Boundary, Session, Endpoint and SCP. The others
	// are a target's, and giving them here is an error.
	Policies Policies
}

// Target is a resource with its half of a question.
type Target struct {
	// Resource and Account are Request.Resource and Request.ResourceAccount.
	Resource, Account string
	// Context holds more condition keys, such as the tags of the resource. A
	// key that the caller has too is an error in the Decision.
	Context Context
	// Management and AWSManagedKey are Request.ManagementResource and
	// Request.AWSManagedKey.
	Management, AWSManagedKey bool
	// Policies are Resource, RCP, Grants, ACL, RestrictPublicBuckets and
	// RCPServices. The others are a caller's, and giving them here is an error.
	Policies Policies
}

// Answer is the answer to one question of a Batch.
type Answer struct {
	Caller   *Caller  // who asks
	Target   *Target  // about what
	Action   string   // to do what
	Decision Decision // as of Policies.Decide
}

// Run decides every question, and yields the answers in order: those of the
// first caller first, of each caller those on the first target first, and there
// in the order of the actions, however many workers there are. It allocates
// nothing per question. An error ends it: a caller or target with the other's
// policies (ErrRequest), or that ctx is done; a question that cannot be judged
// does not, its Decision tells. When the loop over the answers is left, for
// whatever reason, no goroutine of the Batch is running. A Batch may be run
// again if its iterators can be.
func (b *Batch) Run(ctx context.Context) iter.Seq2[Answer, error] {
	return func(yield func(Answer, error) bool) {
		r := batchRun{ctx: ctx, yield: yield}
		if err := r.read(b); err != nil {
			yield(Answer{}, err)
			return
		}
		if len(r.actions) == 0 || len(r.targets) == 0 || b.Callers == nil {
			return
		}
		defer r.stop()
		r.start(b.Workers)
		for c := range b.Callers {
			if err := c.check(); err != nil {
				if r.drain() {
					yield(Answer{}, err)
				}
				return
			}
			if !r.add(c) {
				return
			}
		}
		r.drain()
	}
}

// batchAction is an action with what is known of it.
type batchAction struct {
	name         string
	wildcardOnly bool
}

// batchTarget is what is known of a target, whoever asks.
type batchTarget struct {
	asked   askedResource
	kindErr error // what is wrong with the kinds of its sets
}

// read collects actions and targets.
func (r *batchRun) read(b *Batch) error {
	if b.Actions != nil {
		for action := range b.Actions {
			r.actions = append(r.actions, batchAction{name: action, wildcardOnly: b.WildcardOnly != nil && b.WildcardOnly(action)})
		}
	}
	if b.Targets != nil {
		r.targets = slices.Collect(b.Targets)
	}
	r.known = make([]batchTarget, len(r.targets))
	for i, t := range r.targets {
		if err := t.check(); err != nil {
			return err
		}
		r.known[i].kindErr = t.Policies.checkKinds()
		r.known[i].asked.askFor(t.Resource, false)
	}
	return r.ctx.Err()
}

func (c *Caller) check() error {
	if c == nil {
		return fmt.Errorf("%w: a nil Caller", ErrRequest)
	}
	if p := &c.Policies; p.Resource != nil || p.RCP != nil || p.Grants != nil || p.ACL != nil || p.RestrictPublicBuckets || p.RCPServices != nil {
		return fmt.Errorf("%w: the caller %s with policies of a target", ErrRequest, clip(c.Principal.String()))
	}
	return nil
}

func (t *Target) check() error {
	if t == nil {
		return fmt.Errorf("%w: a nil Target", ErrRequest)
	}
	if p := &t.Policies; p.Identity != nil || p.Boundary != nil || p.Session != nil || p.Endpoint != nil || p.SCP != nil {
		return fmt.Errorf("%w: the target %s with policies of a caller", ErrRequest, clip(t.Resource))
	}
	return nil
}
