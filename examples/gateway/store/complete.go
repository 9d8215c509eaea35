// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Chosen is a part that the completion of an upload names.
type Chosen struct {
	Number    int
	ETag      string            // without quotes; it has to be the stored part's
	Checksums map[string]string // those given have to be the stored part's
}

// Complete makes an object of the chosen parts: their messages are copied as
// they are, without being decrypted. finish fills in what it knows of the info,
// and may refuse. minimum is the fewest bytes of every part but the last.
func (s *Store) Complete(ctx context.Context, name Name, u *Upload, chosen []Chosen, minimum int64, finish func(*Info) error, cond Condition) (*Info, error) {
	info, gone, err := s.complete(ctx, name, u, chosen, minimum, finish, cond)
	if err = errors.Join(err, os.RemoveAll(gone)); err != nil {
		return nil, err
	}
	return info, nil
}

func (s *Store) complete(ctx context.Context, name Name, u *Upload, chosen []Chosen, minimum int64, finish func(*Info) error, cond Condition) (info *Info, gone string, err error) {
	defer s.uploads.lock(u.ID)()
	if _, err := s.readUpload(ctx, name.Bucket, u.ID); err != nil {
		return nil, "", err // completed or aborted meanwhile
	}
	if info, err = s.choose(ctx, name, u, chosen, minimum); err != nil {
		return nil, "", err
	}
	if err := finish(info); err != nil {
		return nil, "", err
	}
	info.Upload = u.ID
	f, err := s.assemble(ctx, name, u.ID, info)
	if err != nil {
		return nil, "", err
	}
	unlock := s.lock(name)
	defer unlock()
	if err := s.replace(f, s.objectPath(name), s.bucketDir(name.Bucket), s.judge(ctx, name, cond)); err != nil {
		return nil, "", err
	}
	gone, err = s.takeUpload(name.Bucket, u.ID)
	return info, gone, err
}

// Completed returns the object that an upload was completed to, if it is still
// there and the chosen parts are the ones it was made of: then a completion that
// is asked for again has happened. Otherwise it returns ErrNoUpload.
func (s *Store) Completed(ctx context.Context, name Name, id string, chosen []Chosen) (*Info, error) {
	info, err := s.Stat(ctx, name)
	if errors.Is(err, ErrNoKey) || err == nil && (info.Upload != id || len(info.Parts) != len(chosen)) {
		return nil, ErrNoUpload
	}
	if err != nil {
		return nil, err
	}
	for i, c := range chosen {
		if p := info.Parts[i]; p.Number != c.Number || p.ETag != c.ETag || differ(c.Checksums, p.Checksums) {
			return nil, ErrNoUpload
		}
	}
	return info, nil
}

// choose checks the parts named against the stored ones.
func (s *Store) choose(ctx context.Context, name Name, u *Upload, chosen []Chosen, minimum int64) (*Info, error) {
	ascending := slices.IsSortedFunc(chosen, func(a, b Chosen) int { return cmp.Or(cmp.Compare(a.Number, b.Number), -1) })
	if !ascending {
		return nil, ErrPartOrder
	}
	info := u.Info
	sum := md5.New()
	for i, c := range chosen {
		p, err := s.readPart(ctx, name, u.ID, c.Number)
		if err != nil {
			return nil, err
		}
		if p.ETag != c.ETag || differ(c.Checksums, p.Checksums) {
			return nil, ErrInvalidPart
		}
		if p.Size < minimum && i != len(chosen)-1 {
			return nil, ErrPartTooSmall
		}
		raw, err := hex.DecodeString(p.ETag)
		if err != nil {
			return nil, fmt.Errorf("%w: a part's ETag", ErrDamaged)
		}
		sum.Write(raw)
		info.Size += p.Size
		info.Parts = append(info.Parts, p)
	}
	info.ETag = fmt.Sprintf("%x-%d", sum.Sum(nil), len(chosen))
	info.Modified = s.now()
	return &info, nil
}

func differ(given, stored map[string]string) bool {
	for algorithm, sum := range given {
		if stored[algorithm] != sum {
			return true
		}
	}
	return false
}

// assemble copies the parts' messages one behind the other.
func (s *Store) assemble(ctx context.Context, name Name, id string, info *Info) (*os.File, error) {
	f, err := s.temp()
	if err != nil {
		return nil, err
	}
	for _, p := range info.Parts {
		if err = s.appendPart(ctx, f, s.partPath(name.Bucket, id, p.Number), p.Length); err != nil {
			break
		}
	}
	if err == nil {
		err = appendInfo(ctx, s.cipher, f, name, info)
	}
	if err == nil {
		err = s.durability.Sync(f) // before anybody waits
	}
	if err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return nil, err
	}
	return f, nil
}

func (s *Store) appendPart(ctx context.Context, f *os.File, path string, length int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	part, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = part.Close() }()
	_, err = io.CopyN(f, part, length)
	return err
}
