// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
	"github.com/sallyport-go/sallyport/sigv4"
)

// record is a CloudTrail event of version 1.11. It holds no header, no query
// and no body of the request: a log must not be worth stealing.
type record struct {
	EventVersion       string            `json:"eventVersion"`
	UserIdentity       userIdentity      `json:"userIdentity"`
	EventTime          string            `json:"eventTime"`
	EventSource        string            `json:"eventSource"`
	EventName          string            `json:"eventName"`
	AWSRegion          string            `json:"awsRegion"`
	SourceIPAddress    string            `json:"sourceIPAddress"`
	UserAgent          string            `json:"userAgent"`
	ErrorCode          string            `json:"errorCode,omitempty"`
	ErrorMessage       string            `json:"errorMessage,omitempty"`
	RequestParameters  map[string]string `json:"requestParameters"`
	ResponseElements   map[string]string `json:"responseElements"`
	AdditionalData     map[string]string `json:"additionalEventData"`
	RequestID          string            `json:"requestID"`
	EventID            string            `json:"eventID"`
	ReadOnly           bool              `json:"readOnly"`
	Resources          []resource        `json:"resources"`
	EventType          string            `json:"eventType"`
	ManagementEvent    bool              `json:"managementEvent"`
	RecipientAccountID string            `json:"recipientAccountId"`
	EventCategory      string            `json:"eventCategory"`
}

type userIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn,omitempty"`
	AccountID   string `json:"accountId"`
	AccessKeyID string `json:"accessKeyId,omitempty"`
	UserName    string `json:"userName,omitempty"`
}

type resource struct {
	Type string `json:"type"`
	ARN  string `json:"ARN"`
}

// record describes the call as far as it has come.
func (c *call) record() json.RawMessage {
	account := c.pipe.config.Account
	host, _, _ := net.SplitHostPort(c.r.RemoteAddr)
	r := record{
		EventVersion: "1.11", EventTime: c.started.UTC().Format(time.RFC3339), EventSource: "s3.amazonaws.com", EventName: c.opName(),
		AWSRegion: c.pipe.config.Region, SourceIPAddress: host, UserAgent: cut("[" + c.r.UserAgent() + "]"),
		RequestParameters: map[string]string{"Host": cut(c.r.Host)}, AdditionalData: map[string]string{"SignatureVersion": "SigV4"},
		RequestID: c.id, EventID: c.eventID, EventType: "AwsApiCall", RecipientAccountID: account,
		ReadOnly:     c.reads(),
		UserIdentity: userIdentity{Type: "AWSAccount", AccountID: "anonymous"}, EventCategory: "Data",
	}
	if r.EventName == "" {
		r.EventName = "Unknown"
	}
	switch {
	case c.caller.grant != nil:
		r.UserIdentity = userIdentity{Type: "AWSService", PrincipalID: c.caller.grant.KeyPairID, AccountID: account, UserName: cdnService}
	case c.caller.form != nil:
		r.AdditionalData["AuthenticationMethod"] = "HtmlForm"
		fallthrough
	case !c.caller.anonymous():
		r.UserIdentity = userIdentity{"IAMUser", c.caller.AccessKeyID, c.caller.ARN, account, c.caller.AccessKeyID, c.caller.Name}
	}
	if id := c.caller.identity; id != nil {
		r.AdditionalData["AuthenticationMethod"] = "AuthHeader"
		if id.Mode&sigv4.ModeQuery != 0 {
			r.AdditionalData["AuthenticationMethod"] = "QueryString"
		}
	}
	name := store.Name{Bucket: cut(c.bucket), Key: cut(c.key)}
	if name.Bucket != "" {
		r.RequestParameters["bucketName"] = name.Bucket
		r.Resources = append(r.Resources, resource{"AWS::S3::Bucket", "arn:aws:s3:::" + name.Bucket})
	}
	if name.Key != "" {
		r.RequestParameters["key"] = name.Key
		r.Resources = slices.Insert(r.Resources, 0, resource{"AWS::S3::Object", objectARN(name)})
	} else {
		r.ManagementEvent, r.EventCategory = true, "Management"
	}
	if c.fault != nil {
		r.ErrorCode, r.ErrorMessage = c.fault.Code, cut(c.fault.Message)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil // strings and booleans always marshal
	}
	return text
}

// cut bounds a text that a stranger chose, by the length of the longest key: a
// record is held in memory and written before anybody is known to be allowed
// anything.
func cut(text string) string { return text[:min(len(text), store.MaxKey)] }

// interrupted is the record of a call that the process did not survive.
func interrupted(text json.RawMessage) json.RawMessage {
	var r map[string]any
	if json.Unmarshal(text, &r) != nil {
		return text
	}
	r["errorCode"], r["errorMessage"] = "Interrupted", "The server ended before the call did: it may have had its effect."
	text, err := json.Marshal(r)
	if err != nil {
		return nil
	}
	return text
}

// newUUID is a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// enter notes the call in the journal before it has any effect: a request that
// cannot be audited is refused.
func (a *audit) enter(c *call) error {
	if err := a.journal.write(entry{ID: c.eventID, Record: c.record()}); err != nil {
		return unaudited(err)
	}
	return nil
}

// leave closes it with its outcome.
func (a *audit) leave(c *call) error {
	return a.journal.write(entry{ID: c.eventID, Closed: true, Record: c.record()})
}

func unaudited(cause error) *fault {
	f := refuse("ServiceUnavailable", "The request cannot be audited. Please try again later.")
	f.cause = cause
	return f
}

// auditedWriter closes the call in the journal when its outcome is known and
// before a byte of the answer leaves. Where that fails, the answer is 503
// whatever it was to be.
type auditedWriter struct {
	http.ResponseWriter
	call    *call
	written bool
	refused bool
}

func (w *auditedWriter) WriteHeader(status int) {
	if w.written {
		return
	}
	w.written = true
	c := w.call
	err := c.pipe.recorder.leave(c)
	if err == nil {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.refused = true
	c.gw.log.Error("request not audited", "id", c.id, "cause", err)
	clear(w.Header())
	w.Header().Set("Content-Length", "0")
	w.ResponseWriter.WriteHeader(http.StatusServiceUnavailable)
}

func (w *auditedWriter) Write(p []byte) (int, error) {
	if !w.written {
		w.WriteHeader(http.StatusOK)
	}
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

func (w *auditedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
