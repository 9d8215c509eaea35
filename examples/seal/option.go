// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/sallyport-go/sallyport/envelope"
)

// options are the flags of the commands for people.
type options struct {
	command        string
	keys, newKeys  keyList
	context        pairs
	config         envelope.Config
	in, out        string
	json           bool
	keepDataKey    bool
	jobs           int
	stdin          io.Reader
	stdout, stderr io.Writer
}

// keyList gathers -key and -kms in their order.
type keyList []keySource

type keySource struct{ file, arn string }

// flags adds the two flags of a list.
func (l *keyList) flags(f *flag.FlagSet, file, arn, what string) {
	f.Func(file, "`FILE` of "+what+", or of a keyring; may be repeated", func(s string) error {
		return l.add(s, keySource{file: s})
	})
	f.Func(arn, "`ARN` of "+what+" in KMS; may be repeated", func(s string) error {
		return l.add(s, keySource{arn: s})
	})
}

// add refuses what an unset variable of a script becomes.
func (l *keyList) add(value string, source keySource) error {
	if value == "" {
		return errors.New("it is empty")
	}
	*l = append(*l, source)
	return nil
}

// pairs gathers -context k=v.
type pairs envelope.EncryptionContext

func (p pairs) String() string { return "" }

func (p pairs) Set(text string) error {
	k, v, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("a pair is written k=v")
	}
	if _, twice := p[k]; twice {
		return errors.New("a key is given twice")
	}
	p[k] = v
	return nil
}

func parseOptions(command string, args []string, stderr io.Writer) (*options, error) {
	o := &options{command: command, context: pairs{}}
	o.config.PKCS1Retry = true // the keys behind one of PKCS #1 v1.5 can decrypt too
	f := flag.NewFlagSet("seal "+command, flag.ContinueOnError)
	f.SetOutput(stderr)
	o.flags(f)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	switch {
	case f.NArg() > 1:
		return nil, fmt.Errorf("%w: more than one input", errUsage)
	case command == "rewrap" && len(o.newKeys) == 0:
		return nil, fmt.Errorf("%w: a new key is needed", errUsage)
	case command != "inspect" && len(o.keys) == 0:
		return nil, fmt.Errorf("%w: a key is needed", errUsage)
	case command == "rewrap" && o.jobs < 1:
		return nil, fmt.Errorf("%w: -jobs is less than 1", errUsage)
	}
	if o.in = f.Arg(0); o.in == "-" {
		o.in = ""
	}
	return o, nil
}

// flags adds what the command takes.
func (o *options) flags(f *flag.FlagSet) {
	f.StringVar(&o.out, "o", "", "write to `OUT`, which appears when all went well")
	o.keys.flags(f, "key", "kms", "a key")
	f.Var(o.context, "context", "pair `k=v` of the encryption context; may be repeated")
	f.Func("require", "context `key` that is authenticated and not stored; may be repeated", func(s string) error {
		o.config.RequiredContextKeys = append(o.config.RequiredContextKeys, s)
		return nil
	})
	f.TextVar(&o.config.Commitment, "commitment", envelope.RequireEncryptRequireDecrypt, "`policy`: require-require, require-allow or forbid-allow")
	if o.command != "inspect" {
		f.Func("suite", "algorithm suite, four hex digits; default 0578, for rewrap the message's", func(s string) error {
			return o.config.Suite.UnmarshalText([]byte(s))
		})
		f.Int64Var(&o.config.FrameLength, "frame", 0, "frame length in bytes; default 4096, for rewrap the message's")
	}
	switch o.command {
	case "inspect":
		f.BoolVar(&o.json, "json", false, "print JSON")
	case "rewrap":
		o.newKeys.flags(f, "to", "to-kms", "a new key")
		f.BoolVar(&o.json, "json", false, "of a directory: print a line of JSON for each file, and the counts last")
		f.BoolVar(&o.keepDataKey, "keep-data-key", false, "write only another header; messages of format version 1 alone, and revokes nothing")
		f.IntVar(&o.jobs, "jobs", 4, "of a directory: how many files at a time")
	}
}
