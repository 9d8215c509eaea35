// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// root is a place that holds an AWSLogs/ folder.
type root struct{ bucket, prefix string }

func (p root) logs() string {
	if p.prefix == "" {
		return "AWSLogs/"
	}
	return p.prefix + "/AWSLogs/"
}

// folder is what holds the log files of an account and region.
type folder struct {
	root
	org, account, region string
}

// folder returns where the log files of a digest's account and region lie.
func (c *chainState) folder(s *state) folder {
	return folder{root{s.bucket, s.prefix}, c.id.Org, c.id.Account, c.id.Region}
}

func (f folder) key(kind string) string {
	var b strings.Builder
	writeFolder(&b, f.prefix, f.org, f.account, kind, f.region)
	return b.String()
}

// discover lists the buckets level by level, several folders at a time, and
// groups the digests by chain. No description of the trails is needed.
func (r *run) discover(ctx context.Context) error {
	var owners []folder
	for _, bucket := range r.v.Buckets {
		// Most trails lie at the top: what is there is listed while the rest is
		// looked for.
		top := r.ahead(ctx, bucket)
		roots, err := r.findRoots(ctx, bucket)
		if err != nil {
			return err
		}
		for _, p := range roots {
			r.roots[p] = true
			more, err := r.findOwners(ctx, p, top)
			if err != nil {
				return err
			}
			owners = append(owners, more...)
		}
	}
	if err := r.listOwners(ctx, owners); err != nil {
		return err
	}
	r.continueFrom()
	return nil
}

// ahead lists the folders of AWSLogs/ at the top of a bucket, and hands them out
// when they are asked for.
func (r *run) ahead(ctx context.Context, bucket string) func() ([]string, error) {
	if r.v.Prefixes != nil {
		return nil
	}
	var names []string
	var err error
	done := make(chan struct{})
	r.background.Go(func() {
		defer close(done)
		names, err = r.folders(ctx, bucket, root{}.logs())
	})
	return func() ([]string, error) {
		<-done
		return names, err
	}
}

// findRoots returns the places in a bucket that hold AWSLogs/.
func (r *run) findRoots(ctx context.Context, bucket string) ([]root, error) {
	if r.v.Prefixes != nil {
		var roots []root
		for _, p := range r.v.Prefixes {
			roots = append(roots, root{bucket, p})
		}
		return roots, nil
	}
	var roots []root
	level := []string{""}
	for depth := 0; len(level) > 0 && (r.v.WalkDepth == 0 || depth <= r.v.WalkDepth); depth++ {
		found := make([][]string, len(level))
		err := r.each(ctx, len(level), func(ctx context.Context, i int) (err error) {
			found[i], err = r.folders(ctx, bucket, level[i])
			return err
		})
		if err != nil {
			return nil, err
		}
		var next []string
		for i, prefix := range level {
			for _, f := range found[i] {
				if f == "AWSLogs" {
					roots = append(roots, root{bucket, strings.TrimSuffix(prefix, "/")})
				} else if len(prefix)+len(f) < maxKey {
					next = append(next, prefix+f+"/")
				}
			}
		}
		level = next
	}
	return roots, nil
}

// each calls f for 0 to n-1, several at a time, and returns an error of one.
func (r *run) each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	return r.pool(ctx, func(yield func(job) bool) {
		for i := range n {
			if !yield(func(ctx context.Context) error { return f(ctx, i) }) {
				return
			}
		}
	})
}

type job func(context.Context) error

// pool does jobs, several at a time, and returns an error of one. A job is asked
// for when it can be begun, so that few are held.
func (r *run) pool(ctx context.Context, jobs iter.Seq[job]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := make(chan struct{}, r.v.Workers)
	for do := range jobs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := do(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// folders returns the names of the folders directly under a prefix, sorted.
func (r *run) folders(ctx context.Context, bucket, prefix string) ([]string, error) {
	var names []string
	for key, err := range r.v.Source.List(ctx, bucket, prefix, "/") {
		if err != nil {
			return nil, errListing(location{bucket, prefix}, err)
		}
		rest, ok := strings.CutPrefix(key, prefix)
		if name, isFolder := strings.CutSuffix(rest, "/"); ok && isFolder && name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// findOwners returns the accounts under a root that pass the filters, each as a
// folder without its region.
func (r *run) findOwners(ctx context.Context, p root, ahead func() ([]string, error)) ([]folder, error) {
	if ahead == nil || p.prefix != "" {
		ahead = func() ([]string, error) { return r.folders(ctx, p.bucket, p.logs()) }
	}
	top, err := ahead()
	if err != nil {
		return nil, err
	}
	var owners []folder
	for _, name := range top {
		if validAccount(name) {
			owners = append(owners, folder{root: p, account: name})
			continue
		}
		if !validOrg(name) {
			continue
		}
		members, err := r.folders(ctx, p.bucket, p.logs()+name+"/")
		if err != nil {
			return nil, err
		}
		for _, account := range members {
			owners = append(owners, folder{root: p, org: name, account: account})
		}
	}
	return slices.DeleteFunc(owners, func(f folder) bool {
		return !validAccount(f.account) || !passes(r.v.Accounts, f.account)
	}), nil
}

// fewDigests is what S3 lists in one answer.
const fewDigests = 1000

// listOwners lists the digests of accounts: all regions at once where that is
// one answer, else region by region.
func (r *run) listOwners(ctx context.Context, owners []folder) error {
	found := make([][]folder, len(owners))
	err := r.each(ctx, len(owners), func(ctx context.Context, i int) error {
		f := owners[i]
		prefix := strings.TrimSuffix(f.key("CloudTrail-Digest"), "/")
		var keys []string
		for key, err := range r.v.Source.List(ctx, f.bucket, prefix, "") {
			if err != nil {
				return errListing(location{f.bucket, prefix}, err)
			}
			if keys = append(keys, key); len(keys) == fewDigests {
				break
			}
		}
		if len(keys) < fewDigests {
			r.enterOwned(f, keys)
			return nil
		}
		regions, err := r.folders(ctx, f.bucket, prefix)
		for _, f.region = range regions {
			if validRegion(f.region) && passes(r.v.Regions, f.region) {
				found[i] = append(found[i], f)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	folders := slices.Concat(found...)
	return r.each(ctx, len(folders), func(ctx context.Context, i int) error { return r.listDigests(ctx, folders[i]) })
}

// enterOwned enters those of the keys under an account's folder that are
// digests of the regions asked for.
func (r *run) enterOwned(owner folder, keys []string) {
	for _, key := range keys {
		name, err := ParseDigestName(key)
		f := folder{root{owner.bucket, name.Prefix}, name.Chain.Org, name.Chain.Account, name.Chain.Region}
		if f.region != "" && passes(r.v.Regions, f.region) {
			owner.region = f.region
			if err == nil && f == owner {
				r.enter(f, name)
			}
		}
	}
}

func passes(filter []string, value string) bool {
	return len(filter) == 0 || slices.Contains(filter, value)
}

// listDigests enters the digests of one folder. What is not named like one is
// none.
func (r *run) listDigests(ctx context.Context, f folder) error {
	prefix := f.key("CloudTrail-Digest")
	for key, err := range r.v.Source.List(ctx, f.bucket, prefix, "") {
		if err != nil {
			return errListing(location{f.bucket, prefix}, err)
		}
		name, err := ParseDigestName(key)
		if err != nil || !strings.HasPrefix(key, prefix) {
			continue
		}
		r.enter(f, name)
	}
	return nil
}

// enter enters a digest.
func (r *run) enter(f folder, name DigestName) {
	r.mu.Lock()
	c := r.chain(name.Chain)
	c.digests = append(c.digests, &state{bucket: f.bucket, prefix: f.prefix, end: name.End})
	r.mu.Unlock()
}

// chain returns the state of a chain, made when it is first asked for.
func (r *run) chain(id Chain) *chainState {
	c := r.chains[id]
	if c == nil {
		c = &chainState{id: id, tail: "unchecked"}
		c.examined = (r.v.Trail == "" || r.v.Trail == id.Trail) &&
			passes(r.v.Accounts, id.Account) && passes(r.v.Regions, id.Region)
		r.chains[id] = c
	}
	return c
}

// continueFrom enters where the last run ended, and the digests it ended with
// that are not there any more.
func (r *run) continueFrom() {
	if r.v.Checkpoint == nil {
		return
	}
	for i := range r.v.Checkpoint.Chains {
		end := &r.v.Checkpoint.Chains[i]
		c := r.chain(end.Chain)
		if !c.examined {
			continue
		}
		c.continued = end
		where, ok := parseLocation(end.Digest)
		if !ok || !slices.ContainsFunc(c.digests, func(s *state) bool { return c.location(s) == where }) {
			f := newFinding(DigestMissing, &c.id, end.End, end.Digest, "the checkpoint names it")
			f.From, f.To = end.End.Add(-hour), end.End
			r.report(f)
			c.missing = append(c.missing, Interval{f.From, f.To})
			c.lost++
			c.gone = where
		}
	}
}

// parseLocation reads s3://bucket/key.
func parseLocation(s string) (location, bool) {
	rest, ok := strings.CutPrefix(s, "s3://")
	bucket, key, found := strings.Cut(rest, "/")
	return location{bucket, key}, ok && found && bucket != "" && key != ""
}

// follow looks for pointers to places that were not listed yet, lists those,
// and reports whether that found more digests.
func (r *run) follow(ctx context.Context) (more bool, err error) {
	before := map[root]bool{}
	for _, c := range r.sorted() {
		for _, s := range c.digests {
			if !s.selected || s.previous == nil || r.beginsBefore(c, s) {
				continue
			}
			name, err := ParseDigestName(s.previous.object)
			p := root{s.previous.bucket, name.Prefix}
			if _, known := r.roots[p]; known || err != nil || name.Chain != c.id || before[p] {
				continue
			}
			before[p] = true
			f := folder{root: p, org: c.id.Org, account: c.id.Account, region: c.id.Region}
			readable, err := r.tryFolder(ctx, f)
			if err != nil {
				return false, err
			}
			r.roots[p] = readable
			more = more || readable
		}
	}
	return more, nil
}

// beginsBefore reports whether the predecessor of s lies outside the request.
func (r *run) beginsBefore(c *chainState, s *state) bool {
	return !c.from.IsZero() && s.start.Before(c.from)
}

// tryFolder lists a place that only a pointer names; that it cannot be listed
// is no failure of the run.
func (r *run) tryFolder(ctx context.Context, f folder) (bool, error) {
	err := r.listDigests(ctx, f)
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	}
	return false, nil
}

// resolve finds what a digest's pointer leads to.
func (r *run) resolve(ctx context.Context, p *previousState) pointee {
	where := location{p.bucket, p.object}
	name, err := ParseDigestName(p.object)
	if err != nil {
		return r.probe(ctx, pointee{where: where})
	}
	found := pointee{kind: absent, where: where, end: name.End}
	if c := r.chains[name.Chain]; c != nil {
		for _, s := range c.at(name.End) {
			if s.bucket == p.bucket && s.prefix == name.Prefix {
				found.kind, found.chain, found.state = present, c, s
				return found
			}
		}
	}
	listed, known := r.roots[root{p.bucket, name.Prefix}]
	switch {
	case known && !listed:
		found.kind = unreadable
	case !known:
		return r.probe(ctx, found)
	}
	return found
}

// probe asks for an object that no listing could show.
func (r *run) probe(ctx context.Context, p pointee) pointee {
	o, err := r.v.Source.Open(ctx, p.where.bucket, p.where.key)
	switch {
	case err == nil:
		_ = o.Body.Close() // nothing was read from it
		p.kind = foreign
	case errors.Is(err, fs.ErrNotExist):
		p.kind = absent
	default:
		p.kind = unreadable
	}
	return p
}

// at returns the digests whose keys have a time.
func (c *chainState) at(end time.Time) []*state {
	i, _ := slices.BinarySearchFunc(c.digests, end, func(s *state, t time.Time) int { return s.end.Compare(t) })
	j := i
	for j < len(c.digests) && c.digests[j].end.Equal(end) {
		j++
	}
	return c.digests[i:j]
}
