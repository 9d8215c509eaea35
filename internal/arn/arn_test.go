// SPDX-License-Identifier: Apache-2.0

package arn_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-go/sallyport/internal/arn"
	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       arn.ARN
		fields     int
		ok         bool
	}{
		{"bucket", "arn:aws:s3:::b/a:b/c", arn.ARN{Prefix: "arn", Partition: "aws", Service: "s3", Region: "", Account: "", Resource: "b/a:b/c"}, 6, true},
		{"key", "arn:aws-cn:kms:cn-north-1:111122223333:key/1", arn.ARN{Prefix: "arn", Partition: "aws-cn", Service: "kms", Region: "cn-north-1", Account: "111122223333", Resource: "key/1"}, 6, true},
		{"five fields only", "arn:aws:sqs:*:q", arn.ARN{Prefix: "arn", Partition: "aws", Service: "sqs", Region: "*", Account: "q", Resource: ""}, 5, false},
		{"star", "*", arn.ARN{Prefix: "*"}, 1, false},
		{"empty", "", arn.ARN{}, 1, false},
		{"another prefix", "ARN:aws:s3:::b", arn.ARN{Prefix: "ARN", Partition: "aws", Service: "s3", Region: "", Account: "", Resource: "b"}, 6, false},
		{"empty resource", "arn:aws:s3:::", arn.ARN{Prefix: "arn", Partition: "aws", Service: "s3", Region: "", Account: "", Resource: ""}, 6, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, fields := arn.Split(c.text)
			require.Empty(t, cmp.Diff(c.want, got))
			require.Equal(t, c.fields, fields)
			_, ok := arn.Parse(c.text)
			require.Equal(t, c.ok, ok)
			if fields == 6 {
				require.Equal(t, c.text, got.String())
			}
		})
	}
}

func TestID(t *testing.T) {
	for text, want := range map[string][2]string{
		"arn:aws:kms:r:1:key/12/3":           {"key", "12/3"},
		"arn:aws:s3:r:1:accesspoint:n":       {"accesspoint", "n"},
		"arn:aws:lambda:r:1:function:f/x:1":  {"function", "f/x:1"},
		"arn:aws:sqs:r:1:queue":              {"", "queue"},
		"arn:aws:iam::1:role/path:odd/name":  {"role", "path:odd/name"},
		"arn:aws:elasticache:r:1:user/:/etc": {"user", ":/etc"},
	} {
		a, ok := arn.Parse(text)
		require.True(t, ok)
		kind, id := a.ID()
		require.Equal(t, want, [2]string{kind, id}, text)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, pattern, value string
		want, fold           bool
	}{
		{"equal", "arn:aws:s3:::b/k", "arn:aws:s3:::b/k", true, true},
		{"star in the resource crosses colon", "arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b/c", true, true},
		{"star stays inside its field", "arn:aws:sqs:*:q", "arn:aws:sqs:us-east-1:111122223333:q", false, false},
		{"IAM-45 a star swallows no field", "arn:aws:x:*:111122223333:finance/*", "arn:aws:x:us-east-2:999999999999:store/abc:111122223333:finance/doc", false, false},
		{"service in upper case", "arn:aws:S3:::b", "arn:aws:s3:::b", false, true},
		{"region in upper case", "arn:aws:sqs:US-*:1:q", "arn:aws:sqs:us-east-1:1:q", false, true},
		{"resource keeps its case", "arn:aws:s3:::B", "arn:aws:s3:::b", false, false},
		{"prefix keeps its case", "ARN:aws:s3:::b", "arn:aws:s3:::b", false, false},
		{"another account", "arn:aws:sqs:r:1:q", "arn:aws:sqs:r:2:q", false, false},
		{"another partition", "arn:aws-cn:sqs:r:1:q", "arn:aws:sqs:r:1:q", false, false},
		{"partition star", "arn:*:sqs:r:1:q", "arn:aws:sqs:r:1:q", true, true},
		{"another region", "arn:aws:sqs:s:1:q", "arn:aws:sqs:r:1:q", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			pattern, _ := arn.Split(c.pattern)
			value, _ := arn.Split(c.value)
			require.Equal(t, c.want, arn.Match(pattern, value))
			require.Equal(t, c.fold, arn.MatchFold(pattern, value))
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("arn:aws:s3:::b/a:b")
	f.Add("a:b")
	f.Fuzz(func(t *testing.T, text string) {
		a, fields := arn.Split(text)
		parts := strings.SplitN(text, ":", 6)
		require.Len(t, parts, fields)
		if fields == 6 {
			require.Equal(t, text, a.String())
			require.Equal(t, parts, []string{a.Prefix, a.Partition, a.Service, a.Region, a.Account, a.Resource})
		}
	})
}

func BenchmarkParseAndMatch(b *testing.B) {
	pattern, _ := arn.Split("arn:aws:s3:::amzn-s3-demo-bucket/home/*")
	const value = "arn:aws:s3:::amzn-s3-demo-bucket/home/ann/photo.jpg"
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	for b.Loop() {
		v, _ := arn.Parse(value)
		arn.MatchFold(pattern, v)
	}
}
