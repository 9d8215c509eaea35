// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"sync"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/internal/progress"
)

// tree is a directory whose messages are given to new keys.
type tree struct {
	*renewal
	root  *os.Root
	names []keyName // of the new keys, in the order of a header
	tally *tally
	bar   *progress.Meter
}

// treeError says that a tree was not done; what was wrong has been told.
type treeError struct{ status int }

func (e *treeError) Error() string { return "not all files were rewrapped" }

// rewrapTree gives every message below the input to the new keys.
func (o *options) rewrapTree(ctx context.Context) error {
	if o.out != "" {
		return fmt.Errorf("%w: -o does not go with a directory", errUsage)
	}
	t, err := o.newTree(ctx)
	if err != nil {
		return err
	}
	defer t.root.Close() //nolint:errcheck // nothing was written through it
	dir, err := t.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // likewise
	if err := lock(dir); err != nil {
		return err
	}
	var total int64
	if progress.Terminal(o.stderr) {
		total = t.size(ctx)
	}
	t.bar = progress.New(o.stderr, total)
	t.tally = &tally{out: o.stdout, errs: o.stderr, json: o.json, bar: t.bar}
	errWalk := t.run(ctx)
	t.bar.End()
	return t.tally.end(errWalk)
}

func (o *options) newTree(ctx context.Context) (*tree, error) {
	from, err := o.keys.keyrings(ctx)
	if err != nil {
		return nil, err
	}
	to, err := o.newKeys.keyrings(ctx)
	if err != nil {
		return nil, err
	}
	// A file may be under the new keys and not be done: it has other keys too,
	// or another suite than the flags ask for.
	all, err := envelope.NewMulti(nil, append(from, to...)...)
	if err != nil {
		return nil, err
	}
	r, err := o.newRenewal(ctx, all, to)
	if err != nil {
		return nil, err
	}
	t := &tree{renewal: r}
	if t.names, err = r.probe(ctx); err != nil {
		return nil, err
	}
	t.root, err = os.OpenRoot(o.in)
	return t, err
}

// tempName is how the file is called that a message's new form is written to.
// One that is there when a run begins is of a run that was killed.
var tempName = regexp.MustCompile(`^\.seal-[0-9a-f]{16}\.rewrap$`)

// run does every file, several at a time.
func (t *tree) run(ctx context.Context) error {
	names := make(chan string)
	var workers sync.WaitGroup
	for range t.o.jobs {
		workers.Go(func() {
			for name := range names {
				t.tally.add(ctx, t.file(ctx, name))
			}
		})
	}
	err := t.walk(ctx, func(name string, d fs.DirEntry) error {
		if tempName.MatchString(d.Name()) {
			return t.root.Remove(name)
		}
		names <- name
		return nil
	})
	close(names)
	workers.Wait()
	return err
}

// walk hands out the regular files. What cannot be read is told and passed
// over.
func (t *tree) walk(ctx context.Context, each func(name string, d fs.DirEntry) error) error {
	return fs.WalkDir(t.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && d.Type().IsRegular() {
			err = each(name, d)
		}
		if err != nil && t.tally != nil {
			t.tally.add(ctx, failed(name, err))
		}
		if err != nil && d != nil && d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

// size adds up what there is to read.
func (t *tree) size(ctx context.Context) int64 {
	var total int64
	_ = t.walk(ctx, func(_ string, d fs.DirEntry) error {
		if info, err := d.Info(); err == nil {
			total += info.Size()
		}
		return nil
	})
	return total
}

// attempts is how often a file is taken that changes under the work.
const attempts = 3

// file does one file and says what became of it.
func (t *tree) file(ctx context.Context, name string) outcome {
	var err error
	for range attempts {
		if err = ctx.Err(); err != nil {
			break
		}
		var out outcome
		if out, err = t.try(ctx, name); err == nil {
			return out
		}
		if !errors.Is(err, errChanged) {
			break
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return outcome{File: name, Result: resultGone}
	}
	return failed(name, err)
}

// try does one file, unless it is done or is none of ours.
func (t *tree) try(ctx context.Context, name string) (outcome, error) {
	f, info, err := t.open(name)
	if err != nil {
		return outcome{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	out := outcome{File: name, Bytes: info.Size()}
	ours, err := isMessage(f)
	if err != nil {
		return out, err
	}
	if !ours {
		t.bar.Add(info.Size())
		out.Result = resultOther
		return out, nil
	}
	h, err := envelope.Inspect(io.NewSectionReader(f, 0, info.Size()))
	if err != nil {
		return out, err
	}
	if t.done(ctx, h, io.NewSectionReader(f, 0, info.Size())) {
		t.bar.Add(info.Size())
		out.Result = resultAlready
		return out, nil
	}
	out.Result = resultRewrapped
	return out, t.replace(ctx, name, f, info, h)
}
