// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

// cloud serves a trail as S3 and CloudTrail do: listings, objects with their
// metadata, DescribeTrails and ListPublicKeys. It checks no signatures.
type cloud struct {
	*httptest.Server
	trail *testkit.Trail
	keys  []string // of all objects, bucket/key, sorted

	// describe is the answer's trail; fault may answer an object request in
	// another way; latency is waited for before each answer.
	describe map[string]any
	fault    func(w http.ResponseWriter, key string) bool
	versions func(w http.ResponseWriter, r *http.Request) bool
	keyList  []byte // instead of the trail's keys
	latency  time.Duration

	gets  atomic.Int64
	lists atomic.Int64
}

func serve(tb testing.TB, trail *testkit.Trail) *cloud {
	tb.Helper()
	c := &cloud{trail: trail, describe: map[string]any{
		"Name": "main", "S3BucketName": "trail-logs", "HomeRegion": "us-east-1", "IsMultiRegionTrail": false,
		"IsOrganizationTrail": false, "LogFileValidationEnabled": true,
		"TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/main",
	}}
	for path := range trail.Objects {
		c.keys = append(c.keys, path)
	}
	slices.Sort(c.keys)
	c.Server = httptest.NewServer(c)
	tb.Cleanup(c.Close)
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.latency > 0 {
		time.Sleep(c.latency)
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if c.versions != nil && c.versions(w, r) {
		return
	}
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/":
		c.cloudtrail(w, r)
	case r.URL.Query().Has("location"):
		fmt.Fprint(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>`)
	case key == "":
		c.list(w, r, bucket)
	default:
		c.object(w, r, bucket, key)
	}
}

func (c *cloud) cloudtrail(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	action := target[strings.LastIndexByte(target, '.')+1:]
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch action {
	case "DescribeTrails":
		_ = json.NewEncoder(w).Encode(map[string]any{"trailList": []any{c.describe}})
	case "DescribeOrganization":
		_ = json.NewEncoder(w).Encode(map[string]any{"Organization": map[string]any{"Id": "o-exampleorgid"}})
	case "ListPublicKeys":
		c.publicKeys(w, r)
	default:
		http.Error(w, `{"__type":"UnknownOperationException"}`, http.StatusBadRequest)
	}
}

// publicKeys answers with the keys whose validity meets the range.
func (c *cloud) publicKeys(w http.ResponseWriter, r *http.Request) {
	var in struct {
		StartTime, EndTime float64
		NextToken          string
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	region := "us-east-1"
	if parts := strings.Split(r.Header.Get("Authorization"), "/"); len(parts) > 3 {
		region = parts[2]
	}
	var list struct{ PublicKeyList []map[string]any }
	keys := c.keyList
	if keys == nil {
		keys = c.trail.KeysJSON(region)
	}
	_ = json.Unmarshal(keys, &list)
	list.PublicKeyList = slices.DeleteFunc(list.PublicKeyList, func(k map[string]any) bool {
		from, okFrom := k["ValidityStartTime"].(float64)
		to, okTo := k["ValidityEndTime"].(float64)
		return okFrom && in.EndTime != 0 && from > in.EndTime || okTo && in.StartTime != 0 && to < in.StartTime
	})
	if list.PublicKeyList == nil {
		list.PublicKeyList = []map[string]any{}
	}
	_ = json.NewEncoder(w).Encode(list)
}

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name, Prefix          string
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	NextMarker            string `xml:",omitempty"`
	Contents              []struct {
		Key          string
		Size         int
		LastModified string
	}
	CommonPrefixes []struct{ Prefix string }
}

func (c *cloud) list(w http.ResponseWriter, r *http.Request, bucket string) {
	c.lists.Add(1)
	q := r.URL.Query()
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	after := max(q.Get("marker"), q.Get("start-after"), q.Get("continuation-token"))
	out := listResult{Name: bucket, Prefix: prefix}
	start, _ := slices.BinarySearch(c.keys, bucket+"/"+max(prefix, after))
	folder := ""
	known := slices.ContainsFunc(c.keys, func(k string) bool { return strings.HasPrefix(k, bucket+"/") })
	if !known {
		fail(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	for _, path := range c.keys[start:] {
		key, ok := strings.CutPrefix(path, bucket+"/")
		if !ok || !strings.HasPrefix(key, prefix) {
			break
		}
		if key <= after {
			continue
		}
		if i := strings.Index(key[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			if f := key[:len(prefix)+i+1]; f != folder {
				folder = f
				out.CommonPrefixes = append(out.CommonPrefixes, struct{ Prefix string }{f})
			}
			continue
		}
		if len(out.Contents) == 1000 {
			out.IsTruncated = true
			out.NextMarker = out.Contents[999].Key
			out.NextContinuationToken = out.NextMarker
			break
		}
		out.Contents = append(out.Contents, struct {
			Key          string
			Size         int
			LastModified string
		}{key, len(c.trail.Objects[path]), "2026-03-02T00:00:00.000Z"})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(out)
}

func (c *cloud) object(w http.ResponseWriter, r *http.Request, bucket, key string) {
	c.gets.Add(1)
	if c.fault != nil && c.fault(w, key) {
		return
	}
	body, ok := c.trail.Objects[bucket+"/"+key]
	if !ok {
		fail(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	for name, value := range c.trail.Meta[bucket+"/"+key] {
		w.Header()["x-amz-meta-"+name] = []string{value} // in lower case, as S3 sends it: boto3 keeps the case
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.Header().Set("Last-Modified", "Mon, 02 Mar 2026 00:00:00 GMT")
	if r.Method != http.MethodHead {
		_, _ = bytes.NewReader(body).WriteTo(w)
	}
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<Error><Code>%s</Code><Message>%s</Message></Error>`, code, code)
}
