// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

const resultsUsage = `usage: trailcheck results -keys FILE [-format text|json|sarif|junit] FOLDER

Checks the saved results of a CloudTrail Lake query: FOLDER holds result_sign.json
and the files that it names. FILE is what list-public-keys printed for the region
and the time of the query.

Exit status: 0 valid, 1 tampered, 2 incomplete, 3 error.

`

// results is the subcommand.
func results(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, f := trusting("trailcheck results", resultsUsage, stderr)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	switch {
	case err != nil:
	case len(o.keys) == 0:
		err = errors.New("-keys is needed")
	case f.NArg() != 1:
		err = errors.New("one folder is needed")
	}
	o.format.anywhere(args)
	if err != nil {
		complain(stderr, err)
		return write(usageReport(err), o, stdout, stderr)
	}
	rep, err := checkResults(ctx, f.Arg(0), o.keys)
	if err != nil {
		complain(stderr, err)
		rep = &cloudtrail.Report{Verdict: cloudtrail.Failed}
	}
	return write(rep, o, stdout, stderr)
}

func checkResults(ctx context.Context, folder string, keys []string) (*cloudtrail.Report, error) {
	ring, err := readKeys(keys)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	data, err := readSign(root.FS())
	if err != nil {
		return nil, err
	}
	s, err := cloudtrail.ParseResultSign(data)
	switch {
	case errors.Is(err, cloudtrail.ErrLimit):
		return nil, err
	case err != nil:
		return &cloudtrail.Report{Verdict: cloudtrail.Tampered, Findings: []cloudtrail.Finding{{
			Code: cloudtrail.DigestInvalid, Severity: cloudtrail.Fault, Verdict: cloudtrail.Tampered, Object: signName, Detail: err.Error(),
		}}}, nil
	}
	return cloudtrail.VerifyResults(ctx, s, root.FS(), ring), nil
}

// signName is the name of the sign file; maxSign more than its largest size.
const (
	signName = "result_sign.json"
	maxSign  = 17 << 20
)

func readSign(folder fs.FS) ([]byte, error) {
	info, err := fs.Stat(folder, signName)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a file")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", signName, err)
	}
	f, err := folder.Open(signName)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", signName, err)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSign))
}
