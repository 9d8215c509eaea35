// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestEveryBitFlip is CT-59's second half: whichever bit of a small trail is
// flipped, in a log file, a digest or the metadata beside it, the report names
// the object. The exceptions are the bits that say nothing: those of the gzip
// form that leave the content as it was (the time and operating system in the
// header, a code that is not used), and in metadata the case of a hex digit and
// the members that are not metadata.
func TestEveryBitFlip(t *testing.T) {
	t.Parallel()
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Events = 1
	c.Hours(2, 1)
	tree := trail.FS()
	step := 1
	if testing.Short() {
		step = 11
	}
	flips, harmless := 0, 0
	for path, file := range trail.Files() {
		if strings.HasPrefix(path, "keys.") {
			continue
		}
		object := "s3://" + strings.TrimSuffix(path, ".meta.json")
		for bit := 0; bit < 8*len(file); bit += step {
			flipped := bytes.Clone(file)
			flipped[bit/8] ^= 1 << (bit % 8)
			tree[path] = &fstest.MapFile{Data: flipped, Mode: 0o644}
			rep := validate(t, tree, func(v *cloudtrail.Validator) { v.Workers = 1 })
			flips++
			if saysNothing(path, file, flipped, bit) {
				harmless++
				require.Equal(t, cloudtrail.Valid, rep.Verdict, "bit %d of %s\n%s", bit, path, asJSON(t, rep))
				continue
			}
			require.NotEqual(t, cloudtrail.Valid, rep.Verdict, "bit %d of %s", bit, path)
			require.Equal(t, object, rep.Findings[0].Object, "bit %d of %s", bit, path)
		}
		tree[path] = &fstest.MapFile{Data: file, Mode: 0o644}
	}
	t.Logf("%d flips, %d of them in bits that say nothing", flips, harmless)
	require.Greater(t, flips, 10*harmless)
}

// saysNothing reports whether a flip is one of the exceptions.
func saysNothing(path string, file, flipped []byte, bit int) bool {
	if !strings.HasSuffix(path, ".meta.json") {
		z, err := gzip.NewReader(bytes.NewReader(flipped))
		if err != nil || flipped[3]&0xe0 != 0 {
			return false
		}
		text, err := io.ReadAll(z)
		return err == nil && bytes.Equal(text, testkit.Gunzip(file))
	}
	type sidecar struct {
		Metadata map[string]string `json:"metadata"`
	}
	var before, after sidecar
	if !json.Valid(flipped) || bytes.IndexFunc(flipped, func(r rune) bool { return r == '\uFFFD' }) >= 0 {
		return false
	}
	if !bytes.Contains(flipped, []byte(`"metadata"`)) || json.Unmarshal(file, &before) != nil || json.Unmarshal(flipped, &after) != nil {
		return false
	}
	return strings.EqualFold(before.Metadata["signature"], after.Metadata["signature"]) &&
		before.Metadata["signature-algorithm"] == after.Metadata["signature-algorithm"]
}
