// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// documented are events of the forms that pages of the AWS documentation show,
// with values of our own.
var documented = []struct{ page, event string }{
	{"cloudtrail-log-file-examples: EC2, version 1.0, epoch times", `{"eventVersion":"1.0","userIdentity":{"type":"IAMUser","principalId":"EX_PRINCIPAL_ID","arn":"arn:aws:iam::123456789012:user/ann","accessKeyId":"AKIAEXAMPLE","accountId":"123456789012","userName":"ann"},"eventTime":"2014-03-06T21:22:54Z","eventSource":"ec2.amazonaws.com","eventName":"StartInstances","awsRegion":"us-east-2","sourceIPAddress":"203.0.113.64","userAgent":"ec2-api-tools 1.6.12.2","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-0example"}]}},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-0example","currentState":{"code":0,"name":"pending"},"previousState":{"code":80,"name":"stopped"}}]}}}`},
	{"cloudtrail-log-file-examples: an error", `{"eventVersion":"1.04","userIdentity":{"type":"IAMUser","principalId":"EX","arn":"arn:aws:iam::123456789012:user/ann","accountId":"123456789012","accessKeyId":"AKIAEXAMPLE","userName":"ann"},"eventTime":"2016-07-14T19:15:45Z","eventSource":"cloudtrail.amazonaws.com","eventName":"UpdateTrail","awsRegion":"us-east-2","sourceIPAddress":"205.0.113.182","userAgent":"aws-cli/1.10.32 Python/2.7.9","errorCode":"TrailNotFoundException","errorMessage":"Unknown trail: main for the user: 123456789012","requestParameters":{"name":"main"},"responseElements":null,"requestID":"5d40662a-49f7-11e6-97e4-dEXAMPLE","eventID":"b7d4398e-b2f0-4faa-9c76-e2EXAMPLE","eventType":"AwsApiCall","recipientAccountId":"123456789012"}`},
	{"cloudtrail-log-file-examples: in no account of ours", `{"eventVersion":"1.08","userIdentity":{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"},"eventTime":"2023-07-19T21:14:12Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-central-1","sourceIPAddress":"2001:db8::7","userAgent":"[\"quoted\" \u003d é \ud83d\ude00]","readOnly":true,"managementEvent":false,"eventCategory":"Data","resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::amzn-s3-demo-bucket/a"},{"accountId":"123456789012","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::amzn-s3-demo-bucket"}]}`},
	{"cloudtrail-event-reference-user-identity: a role's session, a date without hyphens", `{"eventVersion":"1.05","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:name","arn":"arn:aws:sts::123456789012:assumed-role/ops/name","accountId":"123456789012","accessKeyId":"","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::123456789012:role/ops","accountId":"123456789012","userName":"ops"},"attributes":{"mfaAuthenticated":"false","creationDate":"20131102T010628Z"}}}}`},
	{"cloudtrail-event-reference-user-identity: Identity Center", `{"eventVersion":"1.09","userIdentity":{"type":"IdentityCenterUser","accountId":"123456789012","onBehalfOf":{"userId":"94482488-3041-7005-ee95-EXAMPLE","identityStoreArn":"arn:aws:identitystore::123456789012:identitystore/d-EXAMPLE"},"credentialId":"EXAMPLE-CREDENTIAL"}}`},
	{"cloudtrail-event-reference-user-identity: source identity, web identity, EC2, in scope of", `{"eventVersion":"1.11","userIdentity":{"type":"WebIdentityUser","principalId":"accounts.example.com:app:user","userName":"user","identityProvider":"accounts.example.com","invokedBy":"ec2.amazonaws.com","inScopeOf":{"sourceArn":"x"},"sessionContext":{"sourceIdentity":"ann","ec2RoleDelivery":"2.0","assumedRoot":"true","webIdFederationData":{"federatedProvider":"x","attributes":{"a":"b"}},"attributes":{}}}}`},
	{"cloudtrail-event-reference-aws-console-sign-in-events", `{"eventVersion":"1.05","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::123456789012:user/ann","accountId":"123456789012","userName":"ann"},"eventTime":"2018-07-27T16:05:01Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-2","sourceIPAddress":"192.0.2.100","userAgent":"Mozilla/5.0","errorMessage":"Failed authentication","requestParameters":null,"responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MobileVersion":"No","LoginTo":"https://console.example.com/?a=b&c","MFAUsed":"Yes"},"eventID":"11ea990b-4678-4bcd-8fbe-625EXAMPLE","eventType":"AwsConsoleSignIn","recipientAccountId":"123456789012"}`},
	{"cloudtrail-insights-fields-trails", `{"eventVersion":"1.07","eventTime":"2019-10-17T10:05:00Z","awsRegion":"us-east-1","eventID":"aab985f2-3a56-48cc-a8a5-e0af77606f5f","eventType":"AwsCloudTrailInsight","recipientAccountId":"123456789012","sharedEventID":"12edc982-3348-4794-83d3-a3db26525049","insightDetails":{"state":"Start","eventSource":"ssm.amazonaws.com","eventName":"UpdateInstanceInformation","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":1.7561507937},"insight":{"average":50.1}},"attributions":[]}},"eventCategory":"Insight"}`},
	{"logging-network-events-with-cloudtrail", `{"eventVersion":"1.09","userIdentity":{"type":"AWSAccount","principalId":"AKIAEXAMPLE","accountId":"777788889999"},"eventTime":"2024-06-05T00:00:00Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","awsRegion":"us-west-2","sourceIPAddress":"10.0.0.1","errorCode":"VpceAccessDenied","errorMessage":"The request was denied due to a VPC endpoint policy","requestID":"16bcc089-ac49-43f1-9177-EXAMPLE","eventID":"228ca3c8-5f95-4a8a-9732-EXAMPLE","eventType":"AwsVpceEvent","recipientAccountId":"123456789012","sharedEventID":"183aa6f7-1aa5-4e1d-8e1c-EXAMPLE","vpcEndpointId":"vpce-EXAMPLE08c1b6b9b7","vpcEndpointAccountId":"123456789012","eventCategory":"NetworkActivity"}`},
	{"cloudtrail-event-reference-record-contents: the rest", `{"eventVersion":"1.11","apiVersion":"2017-04-15","addendum":{"reason":"UPDATED_DATA","updatedFields":"responseElements","originalRequestID":"a","originalEventID":"b"},"sessionCredentialFromConsole":"true","serviceEventDetails":{"backgroundAction":[1,2.50,1e3,{}]},"edgeDeviceDetails":{"type":"snowball"},"eventContext":{"requestContext":{},"tagContext":{"resourceTags":[]}},"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"x","clientProvidedHostHeader":"y"},"readOnly":null,"managementEvent":true,"resources":null,"userIdentity":null,"new member":{"a":[null]}}`},
}

// recordOf decodes one event through a log file; ok is false when it is refused
// as a part of one.
func recordOf(t testing.TB, event []byte) (r *cloudtrail.Record, err error, ok bool) {
	t.Helper()
	scan, err := cloudtrail.NewLogScan(cloudtrail.Filter{}, cloudtrail.Limits{})
	require.NoError(t, err)
	text := append(append([]byte(`{"Records":[`), event...), "]}"...)
	n := 0
	fault := scan.File(text, func(e *cloudtrail.Event, bad error) bool {
		if n++; bad == nil && string(bytes.Trim(event, " \t\r\n")) == string(e.Raw()) { // else it closes the array itself
			r, err = e.Record()
			ok = true
		}
		return true
	})
	return r, err, ok && fault == nil && n == 1
}

// TestRecordDocumented decodes the documented events as encoding/json does.
func TestRecordDocumented(t *testing.T) {
	for _, tc := range documented {
		t.Run(tc.page, func(t *testing.T) {
			got, err, ok := recordOf(t, []byte(tc.event))
			require.True(t, ok)
			require.NoError(t, err)
			var want cloudtrail.Record
			require.NoError(t, json.Unmarshal([]byte(tc.event), &want))
			require.Empty(t, cmp.Diff(&want, got))
		})
	}
}

// TestRecordEverything is CT-62: each field is in some documented event, so that none
// is forgotten.
func TestRecordEverything(t *testing.T) {
	unset := recordShape()
	for _, tc := range documented {
		var members map[string]any
		require.NoError(t, json.Unmarshal([]byte(tc.event), &members))
		for name, value := range members {
			if value != nil {
				delete(unset, name)
			}
		}
	}
	require.Empty(t, unset)
}

// TestRecordRefuses says which member has the wrong type, and where.
func TestRecordRefuses(t *testing.T) {
	for event, fault := range map[string]string{
		`{"eventName":1}`:                                      "line 1, column 14 (offset 13), at eventName: expected a string, found a number",
		`{"eventTime":"2026-03-01"}`:                           "at eventTime: not a time in RFC 3339",
		`{"readOnly":"true"}`:                                  "at readOnly: expected true or false, found a string",
		`{"userIdentity":"root"}`:                              "at userIdentity: expected an object, found a string",
		`{"userIdentity":{"sessionContext":{"attributes":1}}}`: "at userIdentity.sessionContext.attributes: expected an object, found a number",
		`{"resources":{}}`:                                     "at resources: expected an array, found an object",
		`{"resources":[{"ARN":[]}]}`:                           "at resources[0].ARN: expected a string, found an array",
	} {
		_, err, ok := recordOf(t, []byte(event))
		require.True(t, ok)
		require.ErrorIs(t, err, cloudtrail.ErrEvent)
		require.ErrorContains(t, err, fault)
	}
	r, err, ok := recordOf(t, []byte(`{"EventName":"A","eventname":"B","USERIDENTITY":7}`))
	require.True(t, ok)
	require.NoError(t, err)
	require.Equal(t, &cloudtrail.Record{}, r, "names are exact")
}

// shape is the objects of a Record whose member names are exact.
type shape map[string]func() shape

func none() shape { return nil }

func recordShape() shape {
	s := shape{"userIdentity": identityShape, "resources": func() shape { return shape{"ARN": none, "accountId": none, "type": none} }}
	for name := range strings.FieldsSeq("eventVersion eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage " +
		"requestParameters responseElements additionalEventData serviceEventDetails insightDetails addendum eventContext edgeDeviceDetails tlsDetails " +
		"requestID eventID sharedEventID eventType apiVersion eventCategory readOnly managementEvent recipientAccountId vpcEndpointId " +
		"vpcEndpointAccountId sessionCredentialFromConsole") {
		s[name] = none
	}
	return s
}

func identityShape() shape {
	s := shape{"sessionContext": func() shape {
		return shape{
			"sessionIssuer": identityShape, "attributes": func() shape { return shape{"creationDate": none, "mfaAuthenticated": none} },
			"sourceIdentity": none, "ec2RoleDelivery": none, "assumedRoot": none, "webIdFederationData": none,
		}
	}}
	for name := range strings.FieldsSeq("type principalId arn accountId accessKeyId userName invokedBy identityProvider credentialId onBehalfOf") {
		s[name] = none
	}
	return s
}

// exact returns the JSON without the members that encoding/json would take for
// others of another case.
func exact(raw json.RawMessage, s shape) json.RawMessage {
	var list []json.RawMessage
	if s != nil && json.Unmarshal(raw, &list) == nil && list != nil {
		for i := range list {
			list[i] = exact(list[i], s)
		}
		return append(append(json.RawMessage("["), bytes.Join(asBytes(list), []byte(","))...), ']')
	}
	var members map[string]json.RawMessage
	if s == nil || json.Unmarshal(raw, &members) != nil || members == nil {
		return raw
	}
	var out []json.RawMessage
	for name, value := range members {
		if inner, known := s[name]; known {
			quoted, err := json.Marshal(name)
			if err != nil {
				panic(err) // a string
			}
			out = append(out, append(append(quoted, ':'), exact(value, inner())...))
		}
	}
	return append(append(json.RawMessage("{"), bytes.Join(asBytes(out), []byte(","))...), '}')
}

func asBytes(list []json.RawMessage) (out [][]byte) {
	for _, raw := range list {
		out = append(out, raw)
	}
	return out
}

// FuzzRecord: what is decoded is what encoding/json decodes, and what one
// refuses the other does.
func FuzzRecord(f *testing.F) {
	for _, tc := range documented {
		f.Add([]byte(tc.event))
	}
	f.Add([]byte(`{"EVENTNAME":"x","eventName":"y","userIdentity":{"ARN":"z"}}`))
	f.Add([]byte(`{"resources":[null,{}],"userIdentity":{"sessionContext":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err, ok := recordOf(t, data)
		if !ok {
			return
		}
		var want cloudtrail.Record
		wantErr := json.Unmarshal(exact(data, recordShape()), &want)
		require.Equal(t, wantErr == nil, err == nil, "%v, %v", wantErr, err)
		if err == nil {
			require.Empty(t, cmp.Diff(&want, got))
		}
	})
}

// FuzzLogScan: no text makes the scanner panic, and what it yields is what a
// decoder of the whole finds, as far as the text is well formed.
func FuzzLogScan(f *testing.F) {
	for _, tc := range documented {
		f.Add([]byte(`{"Records":[` + tc.event + `,` + tc.event + `]}`))
		f.Add([]byte(tc.event))
	}
	f.Add([]byte(`{"eventVersion":"1.08","eventTime":"2019-10-17T10:05:00Z","eventID":"1","insightDetails":{"average":1E7561507937}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		scan, err := cloudtrail.NewLogScan(cloudtrail.Filter{}, cloudtrail.Limits{})
		require.NoError(t, err)
		var got []string
		bad := 0
		err = scan.File(text, func(e *cloudtrail.Event, err error) bool {
			if err != nil {
				bad++
				return true
			}
			got = append(got, string(e.Raw()))
			require.True(t, json.Valid(e.Raw()))
			e.Value("userIdentity", "sessionContext", "sessionIssuer", "arn")
			e.Text("eventName")
			return true
		})
		if err != nil {
			return
		}
		require.False(t, refDuplicates(text), "a member twice")
		var log map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &log))
		if log["Records"] == nil {
			require.LessOrEqual(t, len(got)+bad, 1)
			return
		}
		var records []json.RawMessage
		require.NoError(t, json.Unmarshal(log["Records"], &records))
		require.Len(t, records, len(got)+bad)
		for _, e := range got {
			require.Contains(t, records, json.RawMessage(e))
		}
	})
}
