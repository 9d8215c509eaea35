// SPDX-License-Identifier: Apache-2.0

// Sigdebug signs, presigns and verifies requests given as text, shows what was
// signed, and explains why two signatures differ.
//
// It reads requests from standard input, one JSON object a line, and writes one
// answer a line in the same order:
//
//	{"id":"1","op":"sign","algorithm":"v4","request":"GET / HTTP/1.1\nHost: example.com\n\n",
//	 "context":{"credentials":{"access_key_id":"…","secret_access_key":"…","token":"…"},
//	 "region":"us-east-1","service":"s3","timestamp":"2015-08-30T12:36:00Z",
//	 "expiration_in_seconds":3600,"normalize":true,"sign_body":false,"omit_session_token":false}}
//
// The algorithm is "v4" or "v4a". The op "explain" compares the request with
// another one ("other", or both as "requests"), or with what an S3 server
// answered ("server_error", the XML), and names each difference. A request that
// carries a signature is taken as it stands, another is signed first.
//
// The exit status is 0 when the input could be read, whatever the answers; 2
// for wrong flags; 3 when standard input cannot be read.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/examples/internal/jsonline"
)

const usage = `usage: sigdebug    JSON lines in, answers out

  op "sign", "presign"  answer {"id","canonical_request","string_to_sign","signature","signed_request"}
  op "verify"           answers {"id","ok":true} or {"id","ok":false,"error":"<code>"}
  op "explain"          answers {"id","differences":[{"where","ours","theirs","cause"}]}
  a line that cannot be used is answered {"id","error"}
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("sigdebug", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "sigdebug: unknown argument %q\n%s", flags.Arg(0), usage)
		return 2
	}
	if err := jsonline.Serve(stdin, stdout, answer); err != nil {
		fmt.Fprintln(stderr, "sigdebug:", err)
		return 3
	}
	return 0
}

// line is one request of the protocol.
type line struct {
	ID        json.RawMessage
	Op        string
	Algorithm string
	Request   string
	Context   signingContext

	// For explain: one of the three beside Request, or both in Requests.
	Other       string
	Requests    []string
	ServerError string

	v4a bool
	at  time.Time
}

// UnmarshalJSON reads the id first: a fault in another member keeps it.
func (l *line) UnmarshalJSON(data []byte) error {
	return exact.Unmarshal(data,
		exact.Member{Name: "id", To: &l.ID},
		exact.Member{Name: "op", To: &l.Op},
		exact.Member{Name: "algorithm", To: &l.Algorithm},
		exact.Member{Name: "request", To: &l.Request},
		exact.Member{Name: "context", To: &l.Context},
		exact.Member{Name: "other", To: &l.Other},
		exact.Member{Name: "requests", To: &l.Requests},
		exact.Member{Name: "server_error", To: &l.ServerError})
}

type signingContext struct {
	Credentials       credentials
	Region            string
	Service           string
	Timestamp         string
	ExpirationSeconds int64
	Normalize         bool
	SignBody          bool
	OmitSessionToken  bool
}

func (c *signingContext) UnmarshalJSON(data []byte) error {
	return exact.Unmarshal(data,
		exact.Member{Name: "credentials", To: &c.Credentials},
		exact.Member{Name: "region", To: &c.Region},
		exact.Member{Name: "service", To: &c.Service},
		exact.Member{Name: "timestamp", To: &c.Timestamp},
		exact.Member{Name: "expiration_in_seconds", To: &c.ExpirationSeconds},
		exact.Member{Name: "normalize", To: &c.Normalize},
		exact.Member{Name: "sign_body", To: &c.SignBody},
		exact.Member{Name: "omit_session_token", To: &c.OmitSessionToken})
}

type credentials struct{ AccessKeyID, SecretAccessKey, Token string }

func (c *credentials) UnmarshalJSON(data []byte) error {
	return exact.Unmarshal(data,
		exact.Member{Name: "access_key_id", To: &c.AccessKeyID},
		exact.Member{Name: "secret_access_key", To: &c.SecretAccessKey},
		exact.Member{Name: "token", To: &c.Token})
}

type failure struct {
	ID    json.RawMessage `json:"id"`
	Error string          `json:"error"`
}

// answer never fails: what cannot be used is answered with an error, and blank
// lines not at all.
func answer(data []byte) any {
	if data = bytes.TrimSpace(data); len(data) == 0 {
		return nil
	}
	var l line
	err := json.Unmarshal(data, &l)
	if err != nil {
		return failure{l.ID, "the line is not a request: " + err.Error()}
	}
	out, err := l.do()
	if err != nil {
		return failure{l.ID, err.Error()}
	}
	return out
}

func (l *line) do() (any, error) {
	switch l.Algorithm {
	case "", "v4":
	case "v4a":
		l.v4a = true
	default:
		return nil, fmt.Errorf("unknown algorithm %q", l.Algorithm)
	}
	if l.Op == "explain" {
		return l.explain()
	}
	text, err := parseRequest(l.Request)
	if err != nil {
		return nil, err
	}
	if l.at, err = parseTime(l.Context.Timestamp); err != nil {
		return nil, fmt.Errorf("the context's timestamp %q is not RFC 3339", l.Context.Timestamp)
	}
	switch l.Op {
	case "sign":
		return l.sign(text)
	case "presign":
		return l.presign(text)
	case "verify":
		return l.verify(text)
	default:
		return nil, fmt.Errorf("unknown op %q", l.Op)
	}
}

// parseTime reads RFC 3339. time.Parse alone would take an hour of one digit,
// and a comma before the fraction.
func parseTime(text string) (time.Time, error) {
	const hour, second = len("2006-01-02T15"), len("2006-01-02T15:04:05")
	if len(text) <= second || text[hour] != ':' || text[second] == ',' {
		return time.Time{}, errors.New("not RFC 3339")
	}
	return time.Parse(time.RFC3339, text)
}
