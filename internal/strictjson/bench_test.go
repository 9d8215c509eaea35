// SPDX-License-Identifier: Apache-2.0

package strictjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// policy is a policy of 100 statements, 12 KB.
func policy() []byte {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[`)
	for i := range 100 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Sid":"S%d","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::amzn-s3-demo-bucket-%d/*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"t%d"}}}`, i, i, i)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// record is like one event of a CloudTrail log, 1.4 KB.
const record = `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:session","arn":"arn:aws:sts::111122223333:assumed-role/app/session","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/app","accountId":"111122223333","userName":"app"},"attributes":{"creationDate":"2026-03-01T04:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2026-03-01T04:13:52Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.10","userAgent":"[aws-sdk-go-v2/1.36 os/linux lang/go]","requestParameters":{"bucketName":"amzn-s3-demo-bucket","Host":"amzn-s3-demo-bucket.s3.us-east-1.amazonaws.com","key":"home/ann/photo.jpg"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","bytesTransferredOut":31415},"requestID":"EXAMPLE123456789","eventID":"3038ebd2-c98a-4c65-9b6e-e22506292313","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::amzn-s3-demo-bucket/home/ann/photo.jpg"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}`

func BenchmarkScanPolicy(b *testing.B) {
	data := policy()
	b.Run("strictjson", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		s := new(strictjson.Scanner)
		for b.Loop() {
			s.Reset(data, strictjson.Limits{})
			for {
				kind, err := s.Next()
				if err != nil {
					b.Fatal(err)
				}
				if kind == strictjson.End {
					break
				}
			}
		}
	})
	b.Run("json.Valid", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if !json.Valid(data) {
				b.Fatal("invalid")
			}
		}
	})
	b.Run("json.Unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			var doc struct {
				Version   string
				Statement []struct {
					Sid, Effect, Resource string
					Action                []string
					Condition             map[string]map[string]string
				}
			}
			if err := json.Unmarshal(data, &doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRecords(b *testing.B) {
	const count = 1000
	data := []byte(`{"Records":[` + strings.Repeat(record+",", count-1) + record + "]}")
	limits := strictjson.Limits{Size: 1 << 30, Depth: 128, Value: 1 << 20}
	b.Run("reader", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		s := new(strictjson.Scanner)
		for b.Loop() {
			s.ResetReader(bytes.NewReader(data), limits)
			if n := records(b, s); n != count {
				b.Fatal(n)
			}
		}
	})
	b.Run("slice", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		s := new(strictjson.Scanner)
		for b.Loop() {
			s.Reset(data, limits)
			if n := records(b, s); n != count {
				b.Fatal(n)
			}
		}
	})
}

func records(tb testing.TB, s *strictjson.Scanner) (n int) {
	for range 3 {
		if _, err := s.Next(); err != nil {
			tb.Fatal(err)
		}
	}
	for {
		kind, err := s.Next()
		if err != nil {
			tb.Fatal(err)
		}
		if kind == strictjson.ArrayClose {
			return n
		}
		if _, err := s.Value(); err != nil {
			tb.Fatal(err)
		}
		n++
	}
}

// BenchmarkObject reads the same records by Object.
func BenchmarkObject(b *testing.B) {
	const count = 1000
	data := []byte(`{"Records":[` + strings.Repeat(record+",", count-1) + record + "]}")
	limits := strictjson.Limits{Size: 1 << 30, Depth: 128, Value: 1 << 20}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	s := new(strictjson.Scanner)
	var members []strictjson.Member
	for b.Loop() {
		s.Reset(data, limits)
		n := 0
		for kind := strictjson.Invalid; kind != strictjson.End; {
			var err error
			if kind, err = s.Next(); err == nil && kind == strictjson.ObjectOpen && s.Depth() == 3 {
				_, members, err = s.Object(members[:0])
				n++
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		if n != count || len(members) != 19 {
			b.Fatal(n, len(members))
		}
	}
}
