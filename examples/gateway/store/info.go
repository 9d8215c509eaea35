// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// Info is what is known of an object beside its body.
type Info struct {
	Size         int64             `json:"size"`
	ETag         string            `json:"etag"` // MD5 of the body in hex; of parts: MD5 of the MD5s, a dash, their number
	Modified     time.Time         `json:"modified"`
	Headers      map[string]string `json:"headers,omitempty"`  // Content-Type and the like, by canonical name
	Meta         map[string]string `json:"meta,omitempty"`     // x-amz-meta-*, by the lower-case name behind the prefix
	Tags         map[string]string `json:"tags,omitempty"`     // by key
	Checksums    map[string]string `json:"checksum,omitempty"` // base64, by algorithm such as crc32c
	ChecksumType string            `json:"checksumType,omitempty"`
	Upload       string            `json:"upload,omitempty"` // that it was completed from
	Parts        []Part            `json:"parts"`            // in order; an object put in one piece has one
}

// Part is one encrypted message of a body.
type Part struct {
	Number    int               `json:"number,omitempty"`
	Size      int64             `json:"size"`   // bytes of plaintext
	Length    int64             `json:"length"` // bytes of the file
	ID        string            `json:"id"`     // of the message
	ETag      string            `json:"etag,omitempty"`
	Modified  time.Time         `json:"modified,omitzero"`
	Checksums map[string]string `json:"checksum,omitempty"`
}

// The end of an object file: the sealed info, its length, the magic number.
const (
	magic      = "sallyobj"
	footerSize = 8 + len(magic)
	maxInfo    = 4 << 20 // 10,000 parts take about 2 MiB
)

// appendInfo writes the info and the footer behind the body.
func appendInfo(ctx context.Context, c Cipher, f io.Writer, name Name, info *Info) error {
	text, err := json.Marshal(info)
	if err != nil {
		return err
	}
	sealed, err := c.Seal(ctx, text, name)
	if err != nil {
		return fmt.Errorf("store: sealing an info: %w", err)
	}
	footer := binary.BigEndian.AppendUint64(sealed, uint64(len(sealed)))
	_, err = f.Write(append(footer, magic...))
	return err
}

// readInfo reads the info at the end of an object file.
func readInfo(ctx context.Context, c Cipher, f *os.File, name Name) (*Info, error) {
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := stat.Size()
	var footer [footerSize]byte
	if size < int64(footerSize) {
		return nil, fmt.Errorf("%w: %d bytes", ErrDamaged, size)
	}
	if _, err := f.ReadAt(footer[:], size-int64(footerSize)); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint64(footer[:8])
	if !bytes.Equal(footer[8:], []byte(magic)) || length > maxInfo || int64(length) > size-int64(footerSize) {
		return nil, fmt.Errorf("%w: no footer", ErrDamaged)
	}
	sealed := make([]byte, length)
	body := size - int64(footerSize) - int64(length)
	if _, err := f.ReadAt(sealed, body); err != nil {
		return nil, err
	}
	return openInfo(ctx, c, sealed, name, body)
}

func openInfo(ctx context.Context, c Cipher, sealed []byte, name Name, body int64) (*Info, error) {
	text, err := c.Unseal(ctx, sealed, name)
	if err != nil {
		return nil, fmt.Errorf("%w: its info does not open: %w", ErrDamaged, err)
	}
	info := new(Info)
	if err := json.Unmarshal(text, info); err != nil {
		return nil, fmt.Errorf("%w: its info does not parse", ErrDamaged)
	}
	for _, p := range info.Parts {
		body -= p.Length
	}
	if body != 0 {
		return nil, fmt.Errorf("%w: its body has another length", ErrDamaged)
	}
	return info, nil
}
