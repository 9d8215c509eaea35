// SPDX-License-Identifier: Apache-2.0

// Seal encrypts and decrypts files and pipes as AWS Encryption SDK messages.
//
//	seal encrypt  [-key FILE | -kms ARN]… [-context k=v]… [-o OUT] [IN]
//	seal decrypt  [-key FILE | -kms ARN]… [-context k=v]… [-o OUT] [IN]
//	seal inspect  [-key FILE | -kms ARN]… [-context k=v]… [-json] [-o OUT] [IN]
//	seal rewrap   [-key FILE | -kms ARN]… [-to FILE | -to-kms ARN]… [-o OUT] [IN]
//	seal rewrap   [-key FILE | -kms ARN]… [-to FILE | -to-kms ARN]… [-json] DIR
//	seal jsonl
//
// IN and OUT default to standard input and output; rewrap puts the result in
// the place of IN. OUT appears only when all of the work succeeded: a message
// that fails leaves no file. A pipe gets plaintext frame by frame, each
// verified, and the exit status tells whether the whole was.
//
// Rewrap encrypts messages anew under other keys and a new data key, with suite
// and frame length as they were; a suite without key commitment becomes 0478 or
// 0578. It verifies all of a message before it replaces it. Given a directory
// it takes every message below, each replaced in one step, and does not follow
// symbolic links. A run that was stopped, or killed, is continued by running it
// again: files that are under the new keys are known by their header, proven
// with the new keys, and left alone, as are files that are no messages.
//
// A key file holds 16, 24 or 32 bytes, raw or in base64, or a keyring as
// "seal jsonl" takes it. Text that is the base64 of a key is that key, with a
// new line at its end or without: 32 characters of base64 are a key of 24
// bytes. (Random raw bytes are not base64: 32 of them are once in 2^64.) With
// several keys the first makes the data key and each can decrypt; but of two RSA
// keys with PKCS #1 v1.5 and one name the first alone is tried, as nothing tells
// that it is the wrong one. KMS is reached with the usual AWS configuration, or
// at $KMS_ENDPOINT.
//
// Exit status: 0 done, 1 a message was refused, 2 wrong usage, 3 a file, a key
// or a service could not be used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/sallyport-go/sallyport/envelope"
)

const usage = `usage: seal encrypt [-key FILE | -kms ARN]... [-context k=v]... [-suite ID] [-frame N] [-o OUT] [IN]
       seal decrypt [-key FILE | -kms ARN]... [-context k=v]... [-commitment P] [-o OUT] [IN]
       seal inspect [-key FILE | -kms ARN]... [-context k=v]... [-json] [-o OUT] [IN]
       seal rewrap  [-key FILE | -kms ARN]... [-to FILE | -to-kms ARN]... [-context k=v]... [-o OUT] [IN]
       seal rewrap  [-key FILE | -kms ARN]... [-to FILE | -to-kms ARN]... [-context k=v]... [-json] DIR
       seal jsonl

Each command but jsonl explains its flags with -h.
`

// Exit statuses.
const (
	exitRefused = 1
	exitUsage   = 2
	exitFailed  = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], &input{ctx: ctx, r: os.Stdin}, os.Stdout, os.Stderr)
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
			err = fmt.Errorf("%w: jsonl takes no arguments", errUsage)
			break
		}
		err = serve(ctx, stdin, stdout)
	case "-h", "-help", "--help", "help":
		fmt.Fprint(stdout, usage)
		return 0
	default:
		err = fmt.Errorf("%w: unknown command %q", errUsage, args[0])
	}
	return report(ctx, err, stderr)
}

var errUsage = errors.New("wrong usage")

// report tells what went wrong and returns the exit status for it.
func report(ctx context.Context, err error, stderr io.Writer) int {
	status := exitCode(err)
	var told *treeError // its files were reported one by one
	switch {
	case status == 0 || errors.As(err, &told):
		return status
	case ctx.Err() != nil: // an error of the input that was closed says less
		err = errors.New("interrupted")
		status = exitFailed
	}
	fmt.Fprintln(stderr, "seal:", err)
	switch status {
	case exitUsage:
		fmt.Fprint(stderr, usage)
	case exitRefused:
		fmt.Fprintln(stderr, "seal:", hint(err))
	}
	return status
}

// exitCode is the exit status that an error stands for.
func exitCode(err error) int {
	var e *envelope.Error
	var tree *treeError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &tree):
		return tree.status
	case errors.Is(err, errUsage):
		return exitUsage
	case !errors.As(err, &e), undecided(err), errors.Is(err, envelope.ErrKeyring), errors.Is(err, envelope.ErrConfig), errors.Is(err, envelope.ErrFIPS):
		return exitFailed
	default:
		return exitRefused
	}
}

// hint says what to change, where the error knows.
func hint(err error) string {
	var e *envelope.Error
	switch {
	case errors.Is(err, envelope.ErrRewrapUnsafe):
		return "Leave out -keep-data-key: the message is then encrypted anew."
	case errors.Is(err, envelope.ErrCommitmentPolicy):
		return "Pass -commitment require-allow to read older messages, forbid-allow to write them too."
	case errors.As(err, &e):
		return e.Hint()
	default:
		return ""
	}
}
