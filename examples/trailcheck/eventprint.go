// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// printer writes events in one format.
type printer interface {
	print(e *cloudtrail.Event) error
	end() error
}

func newPrinter(format string, out *bufio.Writer) printer {
	switch format {
	case "json":
		return &linePrinter{out: out}
	case "csv":
		return &csvPrinter{out: csv.NewWriter(out)}
	}
	return &tablePrinter{out: out}
}

// linePrinter writes JSON lines. White space between tokens goes, and
// characters that a terminal obeys are written as escapes: the JSON is the
// same.
type linePrinter struct {
	out  *bufio.Writer
	line bytes.Buffer
}

func (p *linePrinter) print(e *cloudtrail.Event) error {
	p.line.Reset()
	if err := json.Compact(&p.line, e.Raw()); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.out, visible(p.line.Bytes()))
	return err
}

func (p *linePrinter) end() error { return nil }

// column is a member of an event.
type column struct {
	name  string
	width int // in a table
	text  func(*cloudtrail.Event) []byte
}

// member returns the text of a string, the JSON of anything else but null.
func member(path ...string) func(*cloudtrail.Event) []byte {
	return func(e *cloudtrail.Event) []byte {
		value := e.Value(path...)
		if len(value) > 0 && value[0] == '"' {
			return e.Text(path...)
		}
		if string(value) == "null" {
			return nil
		}
		return value
	}
}

// who returns the first of what may name who called.
func who(e *cloudtrail.Event) []byte {
	for _, name := range []string{"arn", "invokedBy", "userName", "principalId", "accountId", "type"} {
		if text := e.Text("userIdentity", name); len(text) > 0 {
			return text
		}
	}
	return nil
}

func logFile(e *cloudtrail.Event) []byte { return []byte(e.Object()) }

var tableColumns = []column{
	{"TIME", 20, member("eventTime")},
	{"REGION", 14, member("awsRegion")},
	{"SERVICE", 24, member("eventSource")},
	{"EVENT", 24, member("eventName")},
	{"ADDRESS", 15, member("sourceIPAddress")},
	{"ERROR", 16, member("errorCode")},
	{"WHO", 0, who},
}

var csvColumns = []column{
	{"eventTime", 0, member("eventTime")},
	{"awsRegion", 0, member("awsRegion")},
	{"eventSource", 0, member("eventSource")},
	{"eventName", 0, member("eventName")},
	{"sourceIPAddress", 0, member("sourceIPAddress")},
	{"userAgent", 0, member("userAgent")},
	{"errorCode", 0, member("errorCode")},
	{"errorMessage", 0, member("errorMessage")},
	{"userType", 0, member("userIdentity", "type")},
	{"userArn", 0, member("userIdentity", "arn")},
	{"principalId", 0, member("userIdentity", "principalId")},
	{"accessKeyId", 0, member("userIdentity", "accessKeyId")},
	{"issuerArn", 0, member("userIdentity", "sessionContext", "sessionIssuer", "arn")},
	{"recipientAccountId", 0, member("recipientAccountId")},
	{"readOnly", 0, member("readOnly")},
	{"eventCategory", 0, member("eventCategory")},
	{"eventType", 0, member("eventType")},
	{"requestParameters", 0, member("requestParameters")},
	{"requestID", 0, member("requestID")},
	{"eventID", 0, member("eventID")},
	{"object", 0, logFile},
}

// tablePrinter writes columns of a fixed width, and what is longer whole.
type tablePrinter struct {
	out    *bufio.Writer
	headed bool
}

func (p *tablePrinter) print(e *cloudtrail.Event) error {
	if !p.headed {
		p.headed = true
		p.line(func(c column) string { return c.name })
	}
	p.line(func(c column) string {
		if text := c.text(e); len(text) > 0 {
			return visible(text)
		}
		return "-"
	})
	return nil // the buffer keeps its error for Flush
}

func (p *tablePrinter) line(cell func(column) string) {
	for i, c := range tableColumns {
		text := cell(c)
		fmt.Fprint(p.out, text)
		if i < len(tableColumns)-1 {
			fmt.Fprint(p.out, strings.Repeat(" ", max(0, c.width-utf8.RuneCountInString(text))), "  ")
		}
	}
	fmt.Fprintln(p.out)
}

func (p *tablePrinter) end() error { return nil }

// csvPrinter writes comma-separated values by RFC 4180, with a line of names.
type csvPrinter struct {
	out  *csv.Writer
	cell []string
}

func (p *csvPrinter) print(e *cloudtrail.Event) error {
	if p.cell == nil {
		p.cell = make([]string, len(csvColumns))
		for i, c := range csvColumns {
			p.cell[i] = c.name
		}
		if err := p.out.Write(p.cell); err != nil {
			return err
		}
	}
	for i, c := range csvColumns {
		p.cell[i] = harmless(visible(c.text(e)))
	}
	return p.out.Write(p.cell)
}

func (p *csvPrinter) end() error {
	p.out.Flush()
	return p.out.Error()
}

// harmless keeps spreadsheets from taking a cell for a formula: one that begins
// as a formula may, white space aside, gets an apostrophe before it.
func harmless(cell string) string {
	if rest := strings.TrimLeftFunc(cell, unicode.IsSpace); rest != "" && strings.ContainsRune("=+-@＝＋－＠", firstRune(rest)) {
		return "'" + cell
	}
	return cell
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// visible writes control characters, invisible ones, those that turn the
// direction of text, and bytes that are no characters as \u escapes. In JSON
// these stand in strings only, where an escape means the same.
func visible(text []byte) string {
	plain := true
	for _, c := range text {
		plain = plain && c >= ' ' && c < 0x7f
	}
	if plain {
		return string(text)
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&b, `\u%04x`, utf8.RuneError)
		case r != ' ' && (unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) || !unicode.IsGraphic(r)):
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		default:
			b.WriteRune(r)
		}
		text = text[n:]
	}
	return b.String()
}
