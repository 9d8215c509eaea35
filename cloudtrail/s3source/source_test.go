// SPDX-License-Identifier: Apache-2.0

package s3source_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	cloudtrailapi "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cttypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/cloudtrail/s3source"
)

// fake is a bucket of two objects a page, or of an error.
type fake struct {
	keys []string
	err  error
}

func (f *fake) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	body := *in.Bucket + "/" + *in.Key
	return &s3.GetObjectOutput{
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: aws.Int64(int64(len(body))),
		Metadata: map[string]string{"signature": "00"},
	}, nil
}

func (f *fake) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if f.err != nil {
		return nil, f.err
	}
	var found []string
	for _, k := range f.keys {
		if strings.HasPrefix(k, *in.Prefix) && k > aws.ToString(in.ContinuationToken) {
			found = append(found, k)
		}
	}
	out := &s3.ListObjectsV2Output{}
	for _, k := range found[:min(2, len(found))] {
		if rest := k[len(*in.Prefix):]; in.Delimiter != nil && strings.Contains(rest, *in.Delimiter) {
			folder, _, _ := strings.Cut(rest, *in.Delimiter)
			out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: aws.String(*in.Prefix + folder + *in.Delimiter)})
			continue
		}
		out.Contents = append(out.Contents, types.Object{Key: aws.String(k)})
	}
	if len(found) > 2 {
		out.IsTruncated, out.NextContinuationToken = aws.Bool(true), aws.String(found[1])
	}
	return out, nil
}

func TestListPages(t *testing.T) {
	s := s3source.New(&fake{keys: []string{"a/1", "a/2", "a/3", "a/4", "a/5", "b/1"}})
	var got []string
	for key, err := range s.List(t.Context(), "bucket", "a/", "") {
		require.NoError(t, err)
		got = append(got, key)
	}
	require.Equal(t, []string{"a/1", "a/2", "a/3", "a/4", "a/5"}, got)
	got = nil
	for key, err := range s.List(t.Context(), "bucket", "", "/") {
		require.NoError(t, err)
		got = append(got, key)
	}
	require.Equal(t, []string{"a/", "b/"}, slices.Compact(got))
}

// cut is a bucket whose every page says that more follows.
type cut struct {
	fake
	token *string
}

func (f *cut) ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return &s3.ListObjectsV2Output{
		Contents: []types.Object{{Key: aws.String("a")}}, IsTruncated: aws.Bool(true), NextContinuationToken: f.token,
	}, nil
}

// A listing that says that it is cut and not how to go on is not taken for the
// whole, and one that goes on where it is ends (CT-47): what was not listed
// cannot be missed.
func TestListCut(t *testing.T) {
	for _, token := range []*string{nil, aws.String(""), aws.String("same")} {
		s := s3source.New(&cut{token: token})
		var failed error
		n := 0
		for _, failed = range s.List(t.Context(), "b", "", "") {
			if n++; n > 10 {
				break
			}
		}
		require.ErrorContains(t, failed, "the listing is cut", "%v", token)
		require.LessOrEqual(t, n, 3)
	}
}

// versioned is a bucket of versions, two a page.
type versioned struct{ fake }

func (f *versioned) ListObjectVersions(_ context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	all := []types.ObjectVersion{
		{Key: in.Prefix, VersionId: aws.String("3")},
		{Key: in.Prefix, VersionId: aws.String("2")},
		{Key: in.Prefix, VersionId: aws.String("1")},
		{Key: aws.String(*in.Prefix + "x"), VersionId: aws.String("0")},
	}
	if in.VersionIdMarker != nil {
		return &s3.ListObjectVersionsOutput{Versions: all[2:]}, nil
	}
	return &s3.ListObjectVersionsOutput{Versions: all[:2], IsTruncated: aws.Bool(true), NextKeyMarker: in.Prefix, NextVersionIdMarker: aws.String("2")}, nil
}

// TestVersions is CT-48: all pages, only of the object itself, and the one that
// is asked for is opened.
func TestVersions(t *testing.T) {
	s := s3source.New(&versioned{})
	var got []string
	for id, err := range s.Versions(t.Context(), "b", "k") {
		require.NoError(t, err)
		got = append(got, id)
	}
	require.Equal(t, []string{"3", "2", "1"}, got)
	o, err := s.OpenVersion(t.Context(), "b", "k", "2")
	require.NoError(t, err)
	require.Equal(t, int64(3), o.Size)
	for _, source := range []*s3source.Source{s3source.New(&fake{}), s3source.New(&versioned{fake{err: apiError("AccessDenied")}})} {
		for _, err := range source.Versions(t.Context(), "b", "k") {
			require.Error(t, err)
		}
	}
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code} }

func status(n int, err error) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: n}}, Err: err,
	}, RequestID: "differs from request to request"}
}

// TestErrors is CT-47: what is missing, archived and refused are told apart, and
// no text differs from request to request.
func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want error
		text string
	}{
		{"missing", apiError("NoSuchKey"), fs.ErrNotExist, ""},
		{"bucket missing", apiError("NoSuchBucket"), fs.ErrNotExist, ""},
		{"404", status(404, errors.New("x")), fs.ErrNotExist, ""},
		{"archived", status(403, apiError("InvalidObjectState")), cloudtrail.ErrArchived, ""},
		{"denied", status(403, apiError("AccessDenied")), s3source.ErrRefused, "s3source: refused: AccessDenied"},
		{"KMS", status(400, apiError("KMS.DisabledException")), s3source.ErrRefused, "s3source: refused: KMS.DisabledException"},
		{"status alone", status(502, errors.New("x")), s3source.ErrRefused, "s3source: refused: status 502"},
		{"connection", errors.New("dial tcp 10.0.0.1:443"), s3source.ErrRefused, "s3source: refused: no answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := s3source.New(&fake{err: tc.err})
			_, err := s.Open(t.Context(), "b", "k")
			require.ErrorIs(t, err, tc.want)
			if tc.text != "" {
				require.EqualError(t, err, tc.text)
			}
			for _, err := range s.List(t.Context(), "b", "", "") {
				require.ErrorIs(t, err, tc.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s3source.New(&fake{err: errors.New("x")}).Open(ctx, "b", "k")
	require.ErrorIs(t, err, context.Canceled)
}

// keyPages answers with one key a page.
type keyPages struct {
	keys []cttypes.PublicKey
	err  error
	seen []string
}

func (p *keyPages) ListPublicKeys(_ context.Context, in *cloudtrailapi.ListPublicKeysInput, opts ...func(*cloudtrailapi.Options)) (*cloudtrailapi.ListPublicKeysOutput, error) {
	var o cloudtrailapi.Options
	for _, f := range opts {
		f(&o)
	}
	p.seen = append(p.seen, o.Region)
	if p.err != nil {
		return nil, p.err
	}
	n := len(aws.ToString(in.NextToken))
	out := &cloudtrailapi.ListPublicKeysOutput{PublicKeyList: p.keys[n : n+1]}
	if n+1 < len(p.keys) {
		out.NextToken = aws.String(strings.Repeat("x", n+1))
	}
	return out, nil
}

// TestKeys is CT-11: all pages, in the region that signed, and a key whose
// fingerprint is not its own stays unusable.
func TestKeys(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	good := cloudtrail.NewPublicKey([]byte("a"), time.Time{}, time.Time{})
	p := &keyPages{keys: []cttypes.PublicKey{
		{Value: []byte("a"), Fingerprint: &good.Fingerprint, ValidityStartTime: &at},
		{Value: []byte("b"), Fingerprint: &good.Fingerprint},
	}}
	keys, err := s3source.Keys{Client: p}.Keys(t.Context(), "eu-west-1", at, at.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.Equal(t, []string{"eu-west-1", "eu-west-1"}, p.seen)
	require.True(t, keys[0].NotBefore.Equal(at))
	require.True(t, keys[0].NotAfter.IsZero())
	require.Equal(t, good.Fingerprint, keys[1].Fingerprint)
	require.Error(t, keys[1].Usable())
	_, err = s3source.Keys{Client: &keyPages{err: errors.New("refused")}}.Keys(t.Context(), "eu-west-1", at, at)
	require.ErrorContains(t, err, "eu-west-1")
}

// FuzzGunzip compares the faster inflater with the standard library's as a
// Validator uses it: the same bytes, the same refusals, and nothing read behind
// the member.
func FuzzGunzip(f *testing.F) {
	var b bytes.Buffer
	z := stdgzip.NewWriter(&b)
	_, _ = z.Write([]byte(strings.Repeat(`{"Records":[]}`, 100)))
	_ = z.Close()
	body := b.Bytes()
	f.Add(body)
	f.Add(append(bytes.Clone(body), body...))
	f.Add(append(bytes.Clone(body), 0))
	f.Add(body[:len(body)-4])
	f.Add([]byte{0x1f, 0x8b})
	reserved := bytes.Clone(body)
	reserved[3] = 0x40
	f.Add(reserved)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 3 && data[3]&0xe0 != 0 {
			return // reserved flags, which a Validator refuses itself: one of the two does not
		}
		read := func(g cloudtrail.Gunzip) (text []byte, rest int, ok bool) {
			r := bytes.NewReader(data)
			if g.Reset(r) != nil {
				return nil, 0, false
			}
			g.Multistream(false)
			text, err := io.ReadAll(io.LimitReader(g, 1<<20))
			return text, r.Len(), err == nil
		}
		text, rest, ok := read(new(stdgzip.Reader))
		text2, rest2, ok2 := read(s3source.NewGunzip())
		require.Equal(t, ok, ok2)
		if ok {
			require.Equal(t, text, text2)
			require.Equal(t, rest, rest2)
		}
	})
}

// A trail in S3, with keys from CloudTrail.
func Example() {
	var client s3source.Client = &fake{keys: []string{"AWSLogs/111122223333/CloudTrail/"}} // an *s3.Client
	var keys s3source.KeyClient = &keyPages{}                                              // a *cloudtrail.Client of the SDK
	var source *s3source.Source = s3source.New(client)
	v := cloudtrail.Validator{
		Source: source, Keys: s3source.Keys{Client: keys}, Buckets: []string{"my-logs"},
		WalkDepth: 4, Live: true, NewGunzip: s3source.NewGunzip,
	}
	report, err := v.Run(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Verdict, report.Findings[0].Code)
	// Output: incomplete no-digests
}

// New takes any client with the two methods.
func ExampleNew() {
	source := s3source.New(&fake{})
	o, err := source.Open(context.Background(), "bucket", "key")
	if err != nil {
		panic(err)
	}
	defer o.Body.Close()
	fmt.Println(o.Size, o.Copied, o.Metadata["signature"])
	// Output: 10 false 00
}

// The inflater of klauspost/compress.
func ExampleNewGunzip() {
	g := s3source.NewGunzip()
	fmt.Println(g.Reset(strings.NewReader("not gzip")) != nil)
	// Output: true
}
