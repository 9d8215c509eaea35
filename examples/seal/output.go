// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// output is where a result goes: standard output or a device, or a temporary
// file that takes the name of the real one when all went well.
type output struct {
	io.Writer
	temp *os.File
	name string
	like fs.FileInfo // whose mode and owner the file gets; nil: the owner's alone
}

// create opens the output. A symbolic link stays one: the file it names is
// replaced.
func (o *options) create() (*output, error) {
	if o.out == "" || o.out == "-" {
		return &output{Writer: o.stdout}, nil
	}
	info, err := os.Stat(o.out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory", o.out)
	case !info.Mode().IsRegular(): // a device or a pipe is written to, not replaced
		f, err := os.OpenFile(o.out, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &output{Writer: f}, nil
	}
	name := o.out
	if err == nil {
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return nil, err
		}
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.tmp") // for the owner alone
	if err != nil {
		return nil, err
	}
	return &output{Writer: f, temp: f, name: name}, nil
}

// finish makes the file appear, or leaves no trace of it when err is not nil.
func (out *output) finish(err error) error {
	if out.temp == nil {
		return err
	}
	if err == nil && out.like != nil {
		err = keepMode(out.temp, out.like)
	}
	if err == nil {
		err = out.temp.Sync()
	}
	if errClose := out.temp.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = os.Rename(out.temp.Name(), out.name)
	}
	if err != nil {
		if errRemove := os.Remove(out.temp.Name()); errRemove != nil {
			err = errors.Join(err, errRemove)
		}
		return err
	}
	return syncDir(os.Open(filepath.Dir(out.name)))
}

// syncDir makes a rename last.
func syncDir(dir *os.File, err error) error {
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// keepMode gives a file that replaces another its owner and mode.
func keepMode(f *os.File, like fs.FileInfo) error {
	if err := keepOwner(f, like); err != nil { // first: it clears bits of the mode
		return fmt.Errorf("cannot keep the owner: %w", err)
	}
	return f.Chmod(like.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky))
}
