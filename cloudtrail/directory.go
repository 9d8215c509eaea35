// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Directory is a Source of files: the object bucket/key is the file of that
// path, and the metadata of a digest stand beside it in a file with .meta.json
// after its name:
//
//	{"metadata":{"signature":"44178a2b…","signature-algorithm":"SHA256withRSA"}}
//
// Without such files it reads a plain copy, as `aws s3 sync` makes it.
//
// FS should be the one of an os.Root: os.DirFS follows symbolic links out of
// the tree. It is safe for concurrent use.
type Directory struct {
	FS fs.FS // the tree; its top folders are the buckets
}

const (
	sidecar    = ".meta.json"
	maxSidecar = 64 << 10
)

// Buckets returns the names of the folders at the top, sorted, which are the
// buckets.
func (d Directory) Buckets() ([]string, error) {
	entries, err := fs.ReadDir(d.FS, ".")
	if err != nil {
		return nil, &Error{"the tree", fmt.Errorf("%w: %w", ErrListing, err)}
	}
	names := []string{} // not nil: a tree without buckets is a tree without digests
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Keys returns the public keys in the files keys.<region>.json at the top.
func (d Directory) Keys() (KeyRing, error) {
	files, err := fs.Glob(d.FS, "keys.*.json")
	if err != nil {
		return nil, &Error{"the tree", fmt.Errorf("%w: %w", ErrListing, err)}
	}
	ring := KeyRing{}
	for _, name := range files {
		region := strings.TrimSuffix(strings.TrimPrefix(name, "keys."), ".json")
		data, err := readLimited(d.FS, name, maxKeyList)
		if err != nil {
			return nil, &Error{name, fmt.Errorf("%w: %w", ErrKeys, err)}
		}
		keys, err := ParseKeys(data)
		if err != nil {
			return nil, &Error{name, err}
		}
		ring[region] = append(ring[region], keys...)
	}
	return ring, nil
}

// openFile opens a regular file. What is none, such as a pipe that nobody writes
// to, is not even opened: that might never return.
func openFile(tree fs.FS, name string) (fs.File, fs.FileInfo, error) {
	info, err := fs.Stat(tree, name)
	var f fs.File
	if err == nil && info.Mode().IsRegular() {
		if f, err = tree.Open(name); err == nil {
			info, err = f.Stat()
		}
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a file")
	}
	if err != nil {
		if f != nil {
			_ = f.Close() // nothing was written to it
		}
		return nil, nil, err
	}
	return f, info, nil
}

func readLimited(tree fs.FS, name string, most int64) ([]byte, error) {
	f, _, err := openFile(tree, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%w: file of more than %d bytes", ErrLimit, most)
	}
	return data, err
}

// file returns the path of an object. Keys that are no clean path, such as
// those with an element "..", have none.
func file(bucket, key string) (string, error) {
	name := bucket + "/" + key
	if strings.ContainsRune(bucket, '/') || !fs.ValidPath(name) || bucket == "." || strings.HasSuffix(key, sidecar) {
		return "", fmt.Errorf("%w: %w", fs.ErrInvalid, ErrName)
	}
	return name, nil
}

// Open opens an object and reads the metadata beside it.
func (d Directory) Open(_ context.Context, bucket, key string) (*Object, error) {
	name, err := file(bucket, key)
	if err != nil {
		return nil, err
	}
	f, info, err := openFile(d.FS, name)
	if err != nil {
		return nil, notPath(err)
	}
	o := &Object{Body: f, Size: info.Size(), Copied: true}
	if strings.Contains(key, "/CloudTrail-Digest/") {
		if o.Metadata, err = d.metadata(name + sidecar); err != nil {
			_ = f.Close()
			return nil, err
		}
	}
	return o, nil
}

// notPath takes the path out of an error: reports name the object already.
func notPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// metadata reads the file beside a digest. One that is absent, or that says
// nothing, holds no metadata.
func (d Directory) metadata(name string) (map[string]string, error) {
	data, err := readLimited(d.FS, name, maxSidecar)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("metadata: %w", notPath(err))
	}
	meta, err := parseSidecar(data)
	if err != nil {
		return nil, nil // no statement; the digest lacks its signature
	}
	return meta, nil
}

// parseSidecar reads {"metadata":{name:value}}; other members are ignored.
func parseSidecar(data []byte) (map[string]string, error) {
	r := newJSONReader(data, strictjson.Limits{Size: maxSidecar})
	meta := map[string]string{}
	err := r.document(func(name string) error {
		if name != "metadata" {
			return r.skip()
		}
		return r.members(func(name string) error {
			value, err := r.text()
			meta[name] = value
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return meta, nil
}

// marshalSidecar is the other half of parseSidecar.
func marshalSidecar(meta map[string]string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"metadata": meta, "contentType": "application/json", "contentEncoding": "gzip",
	})
}

// List yields the keys of a bucket. Symbolic links are objects, never folders.
func (d Directory) List(ctx context.Context, bucket, prefix, delimiter string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if delimiter != "" && delimiter != "/" {
			yield("", fmt.Errorf("%w: a directory's delimiter is /", fs.ErrInvalid))
			return
		}
		if _, err := file(bucket, "x"); err != nil {
			yield("", err)
			return
		}
		if _, err := fs.Stat(d.FS, bucket); err != nil {
			yield("", notPath(err))
			return
		}
		folder := path.Clean(bucket + "/" + prefix[:strings.LastIndexByte(prefix, '/')+1])
		if !fs.ValidPath(folder) || folder != bucket && !strings.HasPrefix(folder, bucket+"/") {
			return
		}
		l := lister{d.FS, bucket, prefix, delimiter == "", yield}
		l.list(ctx, folder)
	}
}

type lister struct {
	tree           fs.FS
	bucket, prefix string
	deep           bool
	yield          func(string, error) bool
}

// list yields what is in one folder, and with deep below it. It reports false
// when no more is wanted.
func (l *lister) list(ctx context.Context, folder string) bool {
	if err := ctx.Err(); err != nil {
		return l.yield("", err)
	}
	entries, err := fs.ReadDir(l.tree, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		l.yield("", notPath(err))
		return false
	}
	for _, e := range entries {
		name := folder + "/" + e.Name()
		key := strings.TrimPrefix(name, l.bucket+"/")
		switch {
		case e.IsDir():
			key += "/"
			if !strings.HasPrefix(key, l.prefix) && !strings.HasPrefix(l.prefix, key) || len(key) > maxKey {
				continue
			}
			if l.deep {
				if !l.list(ctx, name) {
					return false
				}
				continue
			}
		case strings.HasSuffix(key, sidecar):
			continue
		}
		if strings.HasPrefix(key, l.prefix) && !l.yield(key, nil) {
			return false
		}
	}
	return true
}
