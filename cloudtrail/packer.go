// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"hash"
	"runtime"
)

// packer compresses and hashes a text that is written in pieces, so that the text
// of a log file never lies in memory as a whole. Writing to it does not fail.
type packer struct {
	*bufio.Writer
	sum hash.Hash
	zip *gzip.Writer
	out bytes.Buffer
}

func newPacker() *packer {
	p := &packer{sum: sha256.New()}
	p.zip = gzip.NewWriter(&p.out)
	p.Writer = bufio.NewWriterSize(packed{p}, 32<<10)
	return p
}

// packed takes what a packer has collected. After each piece others may run: the
// scheduler would let them wait 10 ms at a time, and a log file of 10,000 records
// takes 60.
type packed struct{ p *packer }

func (w packed) Write(piece []byte) (int, error) {
	defer runtime.Gosched()
	_, _ = w.p.sum.Write(piece)
	return w.p.zip.Write(piece)
}

// end returns the compressed text and the hash of the text.
func (p *packer) end() (body []byte, sum [sha256.Size]byte) {
	_, _ = p.Flush(), p.zip.Close()
	return p.out.Bytes(), [sha256.Size]byte(p.sum.Sum(nil))
}
