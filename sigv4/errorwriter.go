// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
)

// S3XML answers with the error body of S3: an Error element with S3's code,
// details and request id.
func S3XML(w http.ResponseWriter, _ *http.Request, e *Error) {
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error>")
	code := e.codeFor(s3Code)
	element(&b, "Code", code.Code)
	element(&b, "Message", e.publicMessage())
	for _, f := range e.Fields {
		element(&b, f.Name, f.Value)
	}
	if e.disclose && e.CanonicalRequest != "" {
		element(&b, "SignatureProvided", e.provided)
		element(&b, "StringToSign", e.StringToSign)
		element(&b, "StringToSignBytes", hexPairs(e.StringToSign))
		element(&b, "CanonicalRequest", e.CanonicalRequest)
		element(&b, "CanonicalRequestBytes", hexPairs(e.CanonicalRequest))
	}
	element(&b, "RequestId", e.RequestID)
	element(&b, "HostId", "")
	b.WriteString("</Error>")
	if e.RequestID != "" {
		w.Header().Set("X-Amz-Request-Id", e.RequestID)
	}
	respond(w, code.HTTPStatus, "application/xml", b.Bytes())
}

// QueryXML answers as the services of the query protocol do, such as IAM and
// STS.
func QueryXML(w http.ResponseWriter, _ *http.Request, e *Error) {
	var b bytes.Buffer
	code := e.codeFor(queryCode)
	kind := "Sender"
	if code.HTTPStatus >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	b.WriteString("<ErrorResponse><Error>")
	element(&b, "Type", kind)
	element(&b, "Code", code.Code)
	element(&b, "Message", e.publicMessage())
	b.WriteString("</Error>")
	element(&b, "RequestId", e.RequestID)
	b.WriteString("</ErrorResponse>")
	if e.RequestID != "" {
		w.Header().Set("X-Amzn-Requestid", e.RequestID)
	}
	respond(w, code.HTTPStatus, "text/xml", b.Bytes())
}

// JSON answers as the services of the JSON protocol do, such as KMS and
// DynamoDB.
func JSON(w http.ResponseWriter, _ *http.Request, e *Error) {
	code := e.codeFor(jsonCode)
	body, err := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{code.Code, e.publicMessage()})
	if err != nil {
		body = []byte("{}")
	}
	if e.RequestID != "" {
		w.Header().Set("X-Amzn-Requestid", e.RequestID)
	}
	w.Header().Set("X-Amzn-Errortype", code.Code)
	respond(w, code.HTTPStatus, "application/x-amz-json-1.1", body)
}

// publicMessage is what a client may read: nothing of a fault on our side.
func (e *Error) publicMessage() string {
	switch e.fault {
	case faultInternal, faultConfig:
		return "We encountered an internal error. Please try again."
	default:
		return e.Message
	}
}

// element writes <name>value</name>. Names are our own constants.
func element(b *bytes.Buffer, name, value string) {
	b.WriteString("<" + name + ">")
	xml.EscapeText(b, []byte(value)) //nolint:errcheck // a Buffer takes all
	b.WriteString("</" + name + ">")
}

// hexPairs is the form of S3's *Bytes elements: hex pairs, one space between.
func hexPairs(s string) string {
	b := make([]byte, 0, 3*len(s))
	for i := 0; i < len(s); i++ {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, lowerHex[s[i]>>4], lowerHex[s[i]&15])
	}
	return string(b)
}

func respond(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client is gone
}
