// SPDX-License-Identifier: Apache-2.0

// Seal encrypts and decrypts files and pipes as AWS Encryption SDK messages.
//
//	seal encrypt  [-key FILE | -kms ARN]… [-context k=v]… [-o OUT] [IN]
//	seal decrypt  [-key FILE | -kms ARN]… [-context k=v]… [-o OUT] [IN]
//	seal rewrap   [-key FILE | -kms ARN]… -to FILE | -to-kms ARN [-o OUT] [IN]
//	seal inspect  [-json] [IN]
//	seal jsonl
//
// IN and OUT default to standard input and output. OUT appears only when all
// of the work succeeded: a message that fails leaves no file. A pipe gets
// plaintext frame by frame, each verified, and the exit status tells whether
// the whole was.
//
// A key file holds 16, 24 or 32 bytes, raw or in base64, or a keyring as
// "seal jsonl" takes it. With several keys the first makes the data key and
// each can decrypt. KMS is reached with the usual AWS configuration, or at
// $KMS_ENDPOINT.
//
// Exit status: 0 done, 1 the message was refused, 2 wrong usage, 3 a file, a
// key or a service could not be used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/sallyport-go/sallyport/envelope"
)

const usage = `usage: seal encrypt [-key FILE | -kms ARN]... [-context k=v]... [-suite ID] [-frame N] [-o OUT] [IN]
       seal decrypt [-key FILE | -kms ARN]... [-context k=v]... [-commitment P] [-o OUT] [IN]
       seal rewrap  [-key FILE | -kms ARN]... [-to FILE | -to-kms ARN]... [-context k=v]... [-o OUT] IN
       seal inspect [-json] [IN]
       seal jsonl
`

// Exit statuses.
const (
	exitRefused = 1
	exitUsage   = 2
	exitFailed  = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	var err error
	switch args[0] {
	case "encrypt", "decrypt", "rewrap", "inspect":
		var o *options
		if o, err = parseOptions(args[0], args[1:], stderr); err == nil {
			o.stdin, o.stdout, o.stderr = stdin, stdout, stderr
			err = o.run(ctx)
		}
	case "jsonl":
		if len(args) > 1 {
			err = errUsage
			break
		}
		err = serve(ctx, stdin, stdout)
	case "-h", "-help", "--help", "help":
		fmt.Fprint(stdout, usage)
		return 0
	default:
		err = fmt.Errorf("%w: unknown command %q", errUsage, args[0])
	}
	return exitCode(err, stderr)
}

var errUsage = errors.New("wrong usage")

// exitCode tells what went wrong and returns the exit status for it.
func exitCode(err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintln(stderr, "seal:", err)
	var e *envelope.Error
	var unreachable net.Error // what could not be asked has not been refused
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprint(stderr, usage)
		return exitUsage
	case !errors.As(err, &e), errors.As(err, &unreachable), errors.Is(err, envelope.ErrKeyring), errors.Is(err, envelope.ErrConfig), errors.Is(err, envelope.ErrFIPS):
		return exitFailed
	default:
		fmt.Fprintln(stderr, "seal:", e.Hint())
		return exitRefused
	}
}

// options are the flags of the commands for people.
type options struct {
	command        string
	keys, newKeys  keyList
	context        pairs
	config         envelope.Config
	in, out        string
	json           bool
	stdin          io.Reader
	stdout, stderr io.Writer
}

// keyList gathers -key and -kms in their order.
type keyList []keySource

type keySource struct{ file, arn string }

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
	f := flag.NewFlagSet("seal "+command, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.out, "o", "", "write to this file, which appears when all went well")
	if command == "inspect" {
		f.BoolVar(&o.json, "json", false, "print JSON")
	} else {
		f.Func("key", "file of a key or keyring; may be repeated", func(s string) error { o.keys = append(o.keys, keySource{file: s}); return nil })
		f.Func("kms", "ARN of a KMS key; may be repeated", func(s string) error { o.keys = append(o.keys, keySource{arn: s}); return nil })
		f.Var(o.context, "context", "pair `k=v` of the encryption context; may be repeated")
		f.Func("require", "context `key` that is authenticated and not stored; may be repeated", func(s string) error {
			o.config.RequiredContextKeys = append(o.config.RequiredContextKeys, s)
			return nil
		})
		f.TextVar(&o.config.Commitment, "commitment", envelope.RequireEncryptRequireDecrypt, "`policy`: require-require, require-allow or forbid-allow")
		f.Func("suite", "algorithm suite, four hex digits (0578)", func(s string) error { return o.config.Suite.UnmarshalText([]byte(s)) })
		f.Int64Var(&o.config.FrameLength, "frame", 0, "frame length in bytes (4096)")
	}
	if command == "rewrap" {
		f.Func("to", "file of the new key; may be repeated", func(s string) error { o.newKeys = append(o.newKeys, keySource{file: s}); return nil })
		f.Func("to-kms", "ARN of the new KMS key; may be repeated", func(s string) error { o.newKeys = append(o.newKeys, keySource{arn: s}); return nil })
	}
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	switch {
	case f.NArg() > 1:
		return nil, fmt.Errorf("%w: more than one input", errUsage)
	case command == "rewrap" && (f.NArg() == 0 || len(o.newKeys) == 0):
		return nil, fmt.Errorf("%w: rewrap needs a file and a new key", errUsage)
	case command != "inspect" && len(o.keys) == 0:
		return nil, fmt.Errorf("%w: a key is needed", errUsage)
	}
	if o.in = f.Arg(0); o.in == "-" {
		o.in = ""
	}
	return o, nil
}
