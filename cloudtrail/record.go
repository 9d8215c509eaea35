// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Record is an event, decoded and copied: the members that every service's
// events have. What is absent or null is zero; objects whose members differ
// from service to service are JSON as written, null included. Members not
// named here are reached with Event.Value.
//
// AWS pages: cloudtrail-event-reference-record-contents,
// cloudtrail-insights-fields-trails.
type Record struct {
	EventVersion string    `json:"eventVersion"` // MAJOR.MINOR, both numbers: 1.10 is newer than 1.9
	UserIdentity *Identity `json:"userIdentity"` // nil in Insights events
	EventTime    time.Time `json:"eventTime"`    // when the request was completed
	EventSource  string    `json:"eventSource"`  // the service, such as s3.amazonaws.com
	EventName    string    `json:"eventName"`    // the action, such as GetObject
	AWSRegion    string    `json:"awsRegion"`    // where the request was made to

	SourceIPAddress string `json:"sourceIPAddress"` // an IP address, a service's name, or AWS Internal
	UserAgent       string `json:"userAgent"`       // as the client says
	ErrorCode       string `json:"errorCode"`       // empty when the call succeeded
	ErrorMessage    string `json:"errorMessage"`    // in words

	RequestParameters   json.RawMessage `json:"requestParameters"`   // what was asked
	ResponseElements    json.RawMessage `json:"responseElements"`    // what was answered, of calls that change something
	AdditionalEventData json.RawMessage `json:"additionalEventData"` // what is part of neither
	ServiceEventDetails json.RawMessage `json:"serviceEventDetails"` // of events that no call caused
	InsightDetails      json.RawMessage `json:"insightDetails"`      // of Insights events
	Addendum            json.RawMessage `json:"addendum"`            // why the event is late, or what it corrects
	EventContext        json.RawMessage `json:"eventContext"`        // tags and condition keys of enriched events
	EdgeDeviceDetails   json.RawMessage `json:"edgeDeviceDetails"`   // of requests that edge devices handled
	TLSDetails          json.RawMessage `json:"tlsDetails"`          // version, cipher suite and host name

	RequestID       string     `json:"requestID"`       // the service's
	EventID         string     `json:"eventID"`         // CloudTrail's, one of a kind
	SharedEventID   string     `json:"sharedEventID"`   // what events of one action in several accounts share
	EventType       string     `json:"eventType"`       // AwsApiCall, AwsConsoleSignIn, AwsCloudTrailInsight, …
	APIVersion      string     `json:"apiVersion"`      // of the service's API
	EventCategory   string     `json:"eventCategory"`   // Management, Data, NetworkActivity, Insight; empty before 1.07
	ReadOnly        *bool      `json:"readOnly"`        // nil when not stated
	ManagementEvent *bool      `json:"managementEvent"` // nil when not stated
	Resources       []Resource `json:"resources"`       // what it was about

	RecipientAccountID           string `json:"recipientAccountId"`           // whose trail it is
	VPCEndpointID                string `json:"vpcEndpointId"`                // through which it came
	VPCEndpointAccountID         string `json:"vpcEndpointAccountId"`         // whose endpoint that is
	SessionCredentialFromConsole string `json:"sessionCredentialFromConsole"` // "true" or absent
}

// Identity is who made a request, or whose role a session is of.
//
// AWS page: cloudtrail-event-reference-user-identity.
type Identity struct {
	Type             string          `json:"type"`             // Root, IAMUser, AssumedRole, FederatedUser, AWSAccount, AWSService, …
	PrincipalID      string          `json:"principalId"`      // a unique id; of a session with :NAME
	ARN              string          `json:"arn"`              // of the user, or the session
	AccountID        string          `json:"accountId"`        // 12 digits
	AccessKeyID      string          `json:"accessKeyId"`      // what signed
	UserName         string          `json:"userName"`         // of a user or role
	InvokedBy        string          `json:"invokedBy"`        // the service that called on its behalf
	IdentityProvider string          `json:"identityProvider"` // of federated users
	CredentialID     string          `json:"credentialId"`     // of bearer tokens
	OnBehalfOf       json.RawMessage `json:"onBehalfOf"`       // of Identity Center users
	SessionContext   *Session        `json:"sessionContext"`   // nil without temporary credentials
}

// Session is how temporary credentials came about.
type Session struct {
	SessionIssuer       *Identity       `json:"sessionIssuer"` // the role or user they are of
	Attributes          Attributes      `json:"attributes"`
	SourceIdentity      string          `json:"sourceIdentity"`      // who assumed the role, where that was set
	EC2RoleDelivery     string          `json:"ec2RoleDelivery"`     // version of the metadata service
	AssumedRoot         string          `json:"assumedRoot"`         // "true" in sessions of sts:AssumeRoot
	WebIDFederationData json.RawMessage `json:"webIdFederationData"` // of sessions by web identity
}

// Attributes are those of a session.
type Attributes struct {
	CreationDate     string `json:"creationDate"`     // when it began; the form of the time differs
	MFAAuthenticated string `json:"mfaAuthenticated"` // "true" or "false"
}

// Resource is what a request was about.
type Resource struct {
	ARN       string `json:"ARN"`       // which
	AccountID string `json:"accountId"` // its owner
	Type      string `json:"type"`      // such as AWS::S3::Object
}

// Record decodes the event. It fails with ErrEvent where a member has a JSON
// type that the documentation does not give it, naming which and where.
func (e *Event) Record() (*Record, error) {
	limits := strictjson.Limits{Size: int64(len(e.raw)), Depth: len(e.raw), Members: len(e.raw)}
	p := recordParser{newJSONReader(e.raw, limits)}
	r := new(Record)
	if err := p.document(p.into(r.fields())); err != nil {
		return nil, &Error{e.object, fmt.Errorf("%w: %w", ErrEvent, err)}
	}
	return r, nil
}

// field is where a member goes.
type field struct {
	name string
	to   any
}

func (r *Record) fields() []field {
	return []field{
		{"eventVersion", &r.EventVersion},
		{"userIdentity", &r.UserIdentity},
		{"eventTime", &r.EventTime},
		{"eventSource", &r.EventSource},
		{"eventName", &r.EventName},
		{"awsRegion", &r.AWSRegion},
		{"sourceIPAddress", &r.SourceIPAddress},
		{"userAgent", &r.UserAgent},
		{"errorCode", &r.ErrorCode},
		{"errorMessage", &r.ErrorMessage},
		{"requestParameters", &r.RequestParameters},
		{"responseElements", &r.ResponseElements},
		{"additionalEventData", &r.AdditionalEventData},
		{"serviceEventDetails", &r.ServiceEventDetails},
		{"insightDetails", &r.InsightDetails},
		{"addendum", &r.Addendum},
		{"eventContext", &r.EventContext},
		{"edgeDeviceDetails", &r.EdgeDeviceDetails},
		{"tlsDetails", &r.TLSDetails},
		{"requestID", &r.RequestID},
		{"eventID", &r.EventID},
		{"sharedEventID", &r.SharedEventID},
		{"eventType", &r.EventType},
		{"apiVersion", &r.APIVersion},
		{"eventCategory", &r.EventCategory},
		{"readOnly", &r.ReadOnly},
		{"managementEvent", &r.ManagementEvent},
		{"resources", &r.Resources},
		{"recipientAccountId", &r.RecipientAccountID},
		{"vpcEndpointId", &r.VPCEndpointID},
		{"vpcEndpointAccountId", &r.VPCEndpointAccountID},
		{"sessionCredentialFromConsole", &r.SessionCredentialFromConsole},
	}
}

func (i *Identity) fields() []field {
	return []field{
		{"type", &i.Type},
		{"principalId", &i.PrincipalID},
		{"arn", &i.ARN},
		{"accountId", &i.AccountID},
		{"accessKeyId", &i.AccessKeyID},
		{"userName", &i.UserName},
		{"invokedBy", &i.InvokedBy},
		{"identityProvider", &i.IdentityProvider},
		{"credentialId", &i.CredentialID},
		{"onBehalfOf", &i.OnBehalfOf},
		{"sessionContext", &i.SessionContext},
	}
}

func (s *Session) fields() []field {
	return []field{
		{"sessionIssuer", &s.SessionIssuer},
		{"attributes", &s.Attributes},
		{"sourceIdentity", &s.SourceIdentity},
		{"ec2RoleDelivery", &s.EC2RoleDelivery},
		{"assumedRoot", &s.AssumedRoot},
		{"webIdFederationData", &s.WebIDFederationData},
	}
}

// recordParser decodes members into fields by their exact names.
type recordParser struct{ *jsonReader }

func (p recordParser) into(fields []field) func(string) error {
	return func(name string) error {
		for _, f := range fields {
			if f.name == name {
				return p.value(f.to)
			}
		}
		return p.skip()
	}
}

// value decodes the value whose first token is the current one.
func (p recordParser) value(to any) error {
	if raw, ok := to.(*json.RawMessage); ok {
		value, err := p.scan.Value()
		*raw = bytes.Clone(value)
		return err
	}
	if p.kind == strictjson.Null {
		return nil
	}
	switch to := to.(type) {
	case *string:
		text, err := p.text()
		*to = text
		return err
	case *time.Time:
		text, err := p.text()
		if err != nil {
			return err
		}
		if to.UnmarshalText([]byte(text)) != nil {
			return p.scan.Fail("not a time in RFC 3339")
		}
		return nil
	case **bool:
		if p.kind != strictjson.True && p.kind != strictjson.False {
			return p.scan.Fail("expected true or false, found " + p.kind.String())
		}
		value := p.kind == strictjson.True
		*to = &value
		return nil
	case **Identity:
		*to = new(Identity)
		return p.members(p.into((*to).fields()))
	case **Session:
		*to = new(Session)
		return p.members(p.into((*to).fields()))
	case *Attributes:
		return p.members(p.into([]field{{"creationDate", &to.CreationDate}, {"mfaAuthenticated", &to.MFAAuthenticated}}))
	case *[]Resource:
		*to = []Resource{}
		return p.elements(func() error {
			var r Resource
			err := p.resource(&r)
			*to = append(*to, r)
			return err
		})
	}
	return p.skip()
}

func (p recordParser) resource(r *Resource) error {
	if p.kind == strictjson.Null {
		return nil
	}
	return p.members(p.into([]field{{"ARN", &r.ARN}, {"accountId", &r.AccountID}, {"type", &r.Type}}))
}
