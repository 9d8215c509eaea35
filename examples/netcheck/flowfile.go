// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/examples/internal/progress"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

func newMeter(w io.Writer, total int64) *progress.Meter { return progress.New(w, total) }

// flowFiles lists the files to read: those named, those below folders whose names
// end in .log or .gz, and "-". total is their size, 0 when it is not known.
func flowFiles(args []string) (names []string, total int64, err error) {
	known := true
	add := func(name string, info fs.FileInfo) {
		names = append(names, name)
		total += info.Size()
		known = known && info.Mode().IsRegular()
	}
	for _, arg := range args {
		if arg == "-" {
			names, known = append(names, arg), false
			continue
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, 0, err
		}
		if !info.IsDir() {
			add(arg, info)
			continue
		}
		err = filepath.WalkDir(arg, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".log") && !strings.HasSuffix(name, ".gz") {
				return err
			}
			info, err := os.Stat(name)
			if err == nil {
				add(name, info)
			}
			return err
		})
		if err != nil {
			return nil, 0, err
		}
	}
	if len(names) == 0 {
		return nil, 0, errors.New("the folders hold no file whose name ends in .log or .gz")
	}
	if !known {
		total = 0
	}
	return names, total, nil
}

// flowRun reads files.
type flowRun struct {
	network *flowlog.Network
	format  *flowlog.Format
	names   []string
	meter   *progress.Meter

	mu     sync.Mutex
	unread int64 // lines and files that could not be read
	faults []flowFault
}

// all reads all files, some at a time, and merges what they say.
func (run *flowRun) all(workers int) *flowlog.Summary {
	defer run.meter.End()
	next := make(chan int)
	summaries := make([]*flowlog.Summary, min(workers, len(run.names)))
	var wg sync.WaitGroup
	for w := range summaries {
		summaries[w] = flowlog.NewSummary(run.network)
		wg.Go(func() {
			for i := range next {
				run.file(i, summaries[w])
			}
		})
	}
	for i := range run.names {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, s := range summaries[1:] {
		if err := summaries[0].Merge(s); err != nil { // all are of one network
			run.fault(flowFault{file: len(run.names), text: err.Error()})
		}
	}
	return summaries[0]
}

func (run *flowRun) file(i int, s *flowlog.Summary) {
	in := os.Stdin
	if name := run.names[i]; name != "-" {
		f, err := os.Open(name)
		if err != nil {
			run.fault(flowFault{file: i, text: err.Error()})
			return
		}
		defer f.Close()
		in = f
	}
	faults := int64(0)
	reader := flowlog.Reader{Format: run.format, Name: run.names[i]}
	for r, err := range reader.Records(run.meter.Reader(in)) {
		if err == nil {
			s.Add(r)
			continue
		}
		if faults++; faults > faultsOfFile {
			run.count()
			continue
		}
		at := flowFault{file: i, line: math.MaxInt64, text: err.Error()}
		var parse *flowlog.ParseError
		if errors.As(err, &parse) {
			at.line = parse.Line
		}
		run.fault(at)
	}
}

func (run *flowRun) fault(f flowFault) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.unread++
	run.faults = append(run.faults, f)
}

func (run *flowRun) count() {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.unread++
}

// vpcBlocks reads the CIDR blocks of the VPCs in a snapshot: they tell the
// addresses of resolvers and routers, whose traffic is not logged.
func vpcBlocks(dir string) (map[string][]netip.Prefix, error) {
	out := map[string][]netip.Prefix{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".json") {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		for dec := json.NewDecoder(f); ; {
			var doc json.RawMessage
			if err := dec.Decode(&doc); err == io.EOF {
				return nil
			} else if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if err := blocksOf(doc, out); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	})
	return out, err
}

func blocksOf(doc []byte, out map[string][]netip.Prefix) error {
	var vpcs []json.RawMessage
	if err := exact.Unmarshal(doc, exact.Member{Name: "Vpcs", To: &vpcs}); err != nil {
		return err
	}
	for _, v := range vpcs {
		var id, first string
		var more []json.RawMessage
		err := exact.Unmarshal(v, exact.Member{Name: "VpcId", To: &id}, exact.Member{Name: "CidrBlock", To: &first},
			exact.Member{Name: "CidrBlockAssociationSet", To: &more})
		if err != nil {
			return err
		}
		blocks := []string{first}
		for _, m := range more {
			var block string
			if err := exact.Unmarshal(m, exact.Member{Name: "CidrBlock", To: &block}); err != nil {
				return err
			}
			if block != first {
				blocks = append(blocks, block)
			}
		}
		for _, b := range blocks {
			if p, err := netfilter.ParseMember(b); err == nil {
				out[id] = append(out[id], p)
			}
		}
	}
	return nil
}
