// SPDX-License-Identifier: Apache-2.0

// Netcheck answers questions about security groups, network ACLs and paths
// through VPCs.
//
// Without a command it reads requests from standard input, one JSON object a
// line, and writes one answer a line in the same order. The exit status is 0
// when the input could be read, whatever the answers; 2 for wrong flags; 3
// when standard input cannot be read.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/examples/internal/jsonline"
)

const usage = `usage: netcheck                                     JSON lines in, verdicts and paths out
       netcheck lint -snapshot DIR [-json] [-ports LIST] [-quotas=false]
       netcheck diff -snapshot DIR [-json] OLD NEW  two ACLs, or two lists of groups
       netcheck diff -snapshot DIR -to DIR [-json] ID
       netcheck path -snapshot DIR -from END -to END [-proto P] [-port N[-M]] [-json] [-svg FILE]
       netcheck exposure -snapshot DIR [-json]      what the internet reaches
       netcheck whatif -snapshot DIR [-remove ID]... [-add FILE] [-from END -to END] [-json]
       netcheck flows -snapshot DIR [-format FORMAT] [-json] [-trust-ports] [-workers N] FILE...

Each command explains its flags with -h. lint, diff, exposure and whatif exit 0
when they find nothing, path when packets and replies pass, flows when the rules
admit all that was accepted; 1 otherwise; all of them 2 for wrong usage and 3
when they cannot tell.
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// commands are the commands for people.
var commands = map[string]func(args []string, stdout, stderr io.Writer) int{
	"lint":     lint,
	"diff":     diff,
	"flows":    flows,
	"path":     path,
	"exposure": exposure,
	"whatif":   whatif,
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		if command, ok := commands[args[0]]; ok {
			return command(args[1:], stdout, stderr)
		}
	}
	flags := flag.NewFlagSet("netcheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	if err := flags.Parse(args); err != nil {
		return usageStatus(err)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "netcheck: unknown command %q\n%s", flags.Arg(0), usage)
		return 2
	}
	if err := jsonline.Serve(stdin, stdout, snapshots{}.answer); err != nil {
		fmt.Fprintln(stderr, "netcheck:", err)
		return 3
	}
	return 0
}

// usageStatus is the exit status of a command line that was not run: asking for
// help is no mistake.
func usageStatus(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	return 2
}

// fault is the answer to a line that cannot be used.
type fault struct {
	ID    json.RawMessage `json:"id"`
	Error string          `json:"error"`
}

// answer answers one line; blank ones are nobody's question.
func (s snapshots) answer(line []byte) any {
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return nil
	}
	var id, snapshot json.RawMessage
	if err := exact.Unmarshal(line, exact.Member{Name: "id", To: &id}, exact.Member{Name: "snapshot", To: &snapshot}); err != nil {
		return fault{ID: id, Error: "request: " + err.Error()}
	}
	decide := decideRules
	if given(snapshot) {
		decide = s.findPath
	}
	out, err := decide(id, line)
	if err != nil {
		return fault{ID: id, Error: err.Error()}
	}
	return out
}
