// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Context holds the condition keys of a request, such as aws:SourceIp or
// s3:prefix, with their values. Keys are compared without regard to ASCII
// case. A key has one value or a list of values, and the two differ even for a
// list of one; an empty string is a value, an empty list is none.
//
// A key is set once: setting it again, in whatever case, is an error that Err
// and every decision report, since one of two values would have to be believed.
// The zero Context is empty and ready to use. A Context may be read by several
// goroutines, but not while it is being changed.
type Context struct {
	values []contextValue
	table  []int16 // open addressing over the hashes, once there are many
	count  int     // values, those of lists each
	err    error
}

// contextValue is a key and what it holds.
type contextValue struct {
	hash    uint64
	key     string // in lower case
	name    string // as set
	text    string
	list    []string
	addr    netip.Addr // of text, if it is one
	multi   bool
	derived derivation
}

// derivation says whether a value was set by Request.Derive.
type derivation uint8

const (
	given derivation = iota
	derived
	derivedInexact
)

// linearKeys is the number of keys up to which they are compared one by one.
const linearKeys = 12

// Set gives a key one value.
func (c *Context) Set(key, value string) {
	c.add(key, contextValue{text: value, addr: parseAddr(value)})
}

// SetList gives a key a list of values. It keeps the slice, which must not be
// changed afterwards.
func (c *Context) SetList(key string, values []string) {
	c.add(key, contextValue{list: values, multi: true})
}

// SetBool gives a key the value true or false.
func (c *Context) SetBool(key string, value bool) { c.Set(key, strconv.FormatBool(value)) }

// SetInt gives a key a number.
func (c *Context) SetInt(key string, value int64) { c.Set(key, strconv.FormatInt(value, 10)) }

// SetTime gives a key a date, in UTC and to the second.
func (c *Context) SetTime(key string, value time.Time) {
	c.Set(key, value.UTC().Format("2006-01-02T15:04:05Z"))
}

// SetAddr gives a key an IP address.
func (c *Context) SetAddr(key string, value netip.Addr) { c.Set(key, value.Unmap().String()) }

// Has reports whether the key was set, be it to an empty list.
func (c *Context) Has(key string) bool { return c.lookup(lowerASCII(key), hashFold(key)) != nil }

// Len returns the number of keys.
func (c *Context) Len() int { return len(c.values) }

// Err returns the first error of a Set method: a key set twice, or too many
// values. It wraps ErrRequest or ErrLimit.
func (c *Context) Err() error { return c.err }

func (c *Context) add(key string, v contextValue) {
	v.hash, v.key, v.name = hashFold(key), lowerASCII(key), key
	if c.lookup(v.key, v.hash) != nil {
		c.fail(fmt.Errorf("%w: context key %q is set twice", ErrRequest, key))
		return
	}
	if c.count += 1 + len(v.list); c.count > maxContextValues {
		c.fail(fmt.Errorf("%w: more than %d context values", ErrLimit, maxContextValues))
		return
	}
	c.values = append(c.values, v)
	if len(c.values) > linearKeys {
		c.enter()
	}
}

func (c *Context) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// join makes c hold the keys of two contexts, in the memory that it has; it
// takes and returns memory for its table, which it may not need.
func (c *Context) join(a, b *Context, table []int16) []int16 {
	c.values, c.table, c.count, c.err = append(c.values[:0], a.values...), nil, a.count+b.count, a.err
	for i := range b.values {
		v := &b.values[i]
		if a.lookup(v.key, v.hash) != nil {
			c.fail(fmt.Errorf("%w: context key %q is set for the caller and for the target", ErrRequest, v.name))
		}
		c.values = append(c.values, *v)
	}
	if b.err != nil {
		c.fail(b.err)
	}
	if c.count > maxContextValues {
		c.fail(fmt.Errorf("%w: more than %d context values", ErrLimit, maxContextValues))
	}
	if len(c.values) > linearKeys {
		if size := tableSize(len(c.values)); size > len(table) {
			table = make([]int16, size)
		}
		clear(table)
		c.table = table
		c.fill(0)
	}
	return table
}

// enter puts the last value, or when the table is too small all of them, into
// the table.
func (c *Context) enter() {
	from := len(c.values) - 1
	if 2*len(c.values) > len(c.table) {
		c.table, from = make([]int16, tableSize(len(c.values))), 0
	}
	c.fill(from)
}

// tableSize returns the size of a table for n values, a power of two.
func tableSize(n int) int {
	size := 64
	for size < 4*n {
		size *= 2
	}
	return size
}

// fill enters the values from one on into the table.
func (c *Context) fill(from int) {
	for i := from; i < len(c.values); i++ {
		at := c.values[i].hash & uint64(len(c.table)-1)
		for c.table[at] != 0 {
			at = (at + 1) & uint64(len(c.table)-1)
		}
		c.table[at] = int16(i + 1)
	}
}

// lookup returns the entry of a key in lower case, or nil.
func (c *Context) lookup(key string, hash uint64) *contextValue {
	if c.table == nil {
		for i := range c.values {
			if v := &c.values[i]; v.hash == hash && v.key == key {
				return v
			}
		}
		return nil
	}
	for at := hash & uint64(len(c.table)-1); c.table[at] != 0; at = (at + 1) & uint64(len(c.table)-1) {
		if v := &c.values[c.table[at]-1]; v.hash == hash && v.key == key {
			return v
		}
	}
	return nil
}

// find returns the value of a key in lower case, or nil when it is absent or an empty list.
func (c *Context) find(key string, hash uint64) *contextValue {
	v := c.lookup(key, hash)
	if v != nil && v.multi && len(v.list) == 0 {
		return nil
	}
	return v
}

// parseAddr returns the address that a text is, or the zero Addr. Zones are
// refused, and IPv4-mapped addresses unmapped.
func parseAddr(text string) netip.Addr {
	if len(text) < 2 || len(text) > 45 || text[0] > 'f' {
		return netip.Addr{}
	}
	for i := range len(text) {
		if c := text[i]; c == '.' || c == ':' {
			addr, err := netip.ParseAddr(text)
			if err != nil || addr.Zone() != "" {
				return netip.Addr{}
			}
			return addr.Unmap()
		}
		if i > 4 {
			break
		}
	}
	return netip.Addr{}
}
