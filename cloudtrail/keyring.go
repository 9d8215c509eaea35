// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// keyCache asks a KeySource once for each region and span of time.
type keyCache struct {
	source  KeySource
	mu      sync.Mutex
	regions map[string]*regionKeys
}

// regionKeys are the keys of one region: those for the span of its digests,
// and what was last asked for beside: an unsigned digest may claim any time.
type regionKeys struct {
	span Interval
	main *keySet
	more map[Interval]*keySet
}

// maxSpans bounds regionKeys.more.
const maxSpans = 16

// keySet is a list of keys by fingerprint.
type keySet struct {
	keys map[string][]PublicKey
}

func newKeyCache(source KeySource) *keyCache {
	return &keyCache{source: source, regions: map[string]*regionKeys{}}
}

// extend makes the span of a region's keys include i. It is called before the
// first lookup.
func (k *keyCache) extend(region string, i Interval) {
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.regions[region]
	if g == nil {
		k.regions[region] = &regionKeys{span: i, more: map[Interval]*keySet{}}
		return
	}
	if i.From.Before(g.span.From) {
		g.span.From, g.main = i.From, nil
	}
	if i.To.After(g.span.To) {
		g.span.To, g.main = i.To, nil
	}
}

// warm asks for the keys of every region while the digests are on their way.
func (k *keyCache) warm(ctx context.Context) {
	k.mu.Lock()
	regions := slices.Sorted(maps.Keys(k.regions))
	k.mu.Unlock()
	for _, region := range regions {
		if ctx.Err() != nil {
			return
		}
		k.mu.Lock()
		if g := k.regions[region]; g.main == nil {
			g.main = k.fetch(ctx, region, g.span)
		}
		k.mu.Unlock()
	}
}

// lookup returns the keys of a region that hold those valid in i. Which others
// it holds depends on the digests of the run alone, not on the order of calls.
func (k *keyCache) lookup(ctx context.Context, region string, i Interval) *keySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.regions[region]
	if g == nil {
		g = &regionKeys{span: i, more: map[Interval]*keySet{}}
		k.regions[region] = g
	}
	if g.main == nil {
		g.main = k.fetch(ctx, region, g.span)
	}
	if !i.From.Before(g.span.From) && !i.To.After(g.span.To) {
		return g.main
	}
	set := g.more[i]
	if set == nil {
		set = k.fetch(ctx, region, i)
		for fp, keys := range g.main.keys {
			set.keys[fp] = append(set.keys[fp], keys...)
		}
		if len(g.more) == maxSpans {
			clear(g.more)
		}
		g.more[i] = set
	}
	return set
}

// fetch asks the source. A list that cannot be had counts as empty.
func (k *keyCache) fetch(ctx context.Context, region string, i Interval) *keySet {
	set := &keySet{keys: map[string][]PublicKey{}}
	keys, err := k.source.Keys(ctx, region, i.From, i.To)
	if err != nil {
		return set
	}
	for _, key := range keys {
		key.key = nil
		key.check() // whoever made the list may have set its fields one by one
		fp := strings.ToLower(key.Fingerprint)
		set.keys[fp] = append(set.keys[fp], key)
	}
	return set
}

// anyMeets reports whether some key's window meets i.
func (s *keySet) anyMeets(i Interval) bool {
	for _, keys := range s.keys {
		for j := range keys {
			if keys[j].meets(i.From, i.To) {
				return true
			}
		}
	}
	return false
}

// find returns the keys with a fingerprint; unusable says why none of them can
// be trusted with it.
func (s *keySet) find(fp string) (keys []PublicKey, unusable string) {
	keys = s.keys[strings.ToLower(fp)]
	for i := range keys {
		switch {
		case !bytes.Equal(keys[i].Value, keys[0].Value):
			return keys, "two different keys have this fingerprint"
		case keys[i].key == nil:
			unusable = keys[i].reason
		}
	}
	return keys, unusable
}

// span is when a digest may have been signed.
func (r *run) span(start, end, generated time.Time, backfill bool) Interval {
	if backfill {
		return Interval{generated.Add(-hour), generated.Add(hour)}
	}
	return Interval{start, end.Add(r.v.LateDelivery)}
}
