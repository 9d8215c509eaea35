// SPDX-License-Identifier: Apache-2.0

package store

import "sync"

// uploadLocks has a lock for every upload that somebody is at. They have none in
// common: a completion copies what may be terabytes.
type uploadLocks struct {
	mu   sync.Mutex
	held map[string]*uploadLock // by id
}

type uploadLock struct {
	sync.Mutex
	users int // who have it or wait for it
}

func (l *uploadLocks) lock(id string) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*uploadLock{}
	}
	one := l.held[id]
	if one == nil {
		one = &uploadLock{}
		l.held[id] = one
	}
	one.users++
	l.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(l.held, id)
		}
	}
}
