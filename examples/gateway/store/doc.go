// SPDX-License-Identifier: Apache-2.0

// Package store keeps buckets and objects in a directory.
//
// # What is promised
//
// An object is written to a temporary file, synced, and renamed to its place;
// then the folders are synced. A process killed at any moment loses nothing
// that a method has returned for, and shows nothing half written: a reader sees
// the old object or the new one. A reader that has opened an object keeps it,
// whatever happens to its name. With [Written] durability nothing is synced, and
// the promise is good against a killed process alone.
//
// # One file an object
//
// A file is the object's body, as one or more encrypted messages, then its
// [Info], encrypted too, then the length of that and a magic number. So one
// rename publishes both, and the disk holds ciphertext only; what can be read
// from the folder is how many objects there are, their names and their lengths.
//
// # Names
//
// A key is split at its slashes into folders, as people expect when they look.
// Every component is escaped, so that no key leaves its bucket: "..", "//" and
// a trailing slash are ordinary bytes. The file system must tell upper case
// from lower case.
//
// # Listing
//
// [Store.List] walks the folders in key order. It holds a bounded number of
// names whatever the size of a folder; a folder's names are read once for every
// few thousand of them, or of the common prefixes that they are rolled up to.
//
// One process may use a directory at a time. Methods are safe for concurrent
// use within it.
package store
