// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxErrorBody bounds the error body that ParseSignatureError reads.
const maxErrorBody = 1 << 20

// ServerReport is what an S3 error body says about a refused signature. The
// canonical request in it may hold session tokens: keep it out of logs.
type ServerReport struct {
	// Code is the error code, such as "SignatureDoesNotMatch".
	Code string
	// Message is the server's sentence.
	Message string
	// AccessKeyID is the key the server looked up.
	AccessKeyID string
	// StringToSign is what the server expected to be signed.
	StringToSign string
	// CanonicalRequest is what the server made of the request; empty for a
	// POST policy.
	CanonicalRequest string
	// SignatureProvided is the signature that arrived.
	SignatureProvided string
	// Region is the region the server wants, where it says so.
	Region string
	// RequestTime and ServerTime are the two clocks, where they differ too
	// much, as the server wrote them.
	RequestTime, ServerTime string
}

// ParseSignatureError reads an S3 error body, such as SignatureDoesNotMatch,
// RequestTimeTooSkewed or AuthorizationHeaderMalformed. Where the body gives
// bytes (StringToSignBytes, CanonicalRequestBytes) they win over the text, in
// which XML changes line ends. A body over 1 MiB, with a document type or
// entities of its own, or with another root than Error is ErrServerReport.
func ParseSignatureError(body []byte) (*ServerReport, error) {
	if len(body) > maxErrorBody {
		return nil, fmt.Errorf("%w: longer than 1 MiB", ErrServerReport)
	}
	values, err := errorElements(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrServerReport, err)
	}
	report := &ServerReport{
		Code: values["Code"], Message: values["Message"], AccessKeyID: values["AWSAccessKeyId"],
		SignatureProvided: values["SignatureProvided"], Region: values["Region"],
		RequestTime: values["RequestTime"], ServerTime: values["ServerTime"],
	}
	if report.StringToSign, err = textOf(values, "StringToSign"); err != nil {
		return nil, err
	}
	if report.CanonicalRequest, err = textOf(values, "CanonicalRequest"); err != nil {
		return nil, err
	}
	return report, nil
}

// textOf prefers the bytes of an element over its text.
func textOf(values map[string]string, name string) (string, error) {
	pairs, ok := values[name+"Bytes"]
	if !ok {
		return values[name], nil
	}
	text, err := hex.DecodeString(strings.Join(strings.Fields(pairs), ""))
	if err != nil {
		return "", fmt.Errorf("%w: %sBytes is not hex pairs", ErrServerReport, name)
	}
	return string(text), nil
}

// errorElements returns the text of each child of the root Error.
func errorElements(body []byte) (map[string]string, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	values := make(map[string]string)
	var path []string
	var text strings.Builder
	rooted := false
	for {
		token, err := d.Token()
		if err == io.EOF {
			if !rooted {
				return nil, errors.New("no Error element")
			}
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			text.Reset()
			if len(path) == 1 && (rooted || path[0] != "Error") {
				return nil, errors.New("the root element is not one Error")
			}
			rooted = true
		case xml.EndElement:
			if len(path) == 2 {
				if _, twice := values[path[1]]; twice {
					return nil, errors.New("an element stands there twice")
				}
				values[path[1]] = text.String()
			}
			path = path[:len(path)-1]
			text.Reset()
		case xml.CharData:
			if len(path) == 2 {
				text.Write(token)
			}
		case xml.Directive:
			return nil, errors.New("a document type is not accepted")
		}
	}
}
