// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// checksumXML has a checksum in the element that S3 gives its algorithm.
type checksumXML struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumSHA512    string `xml:",omitempty"`
	ChecksumMD5       string `xml:",omitempty"`
}

func checksumsOf(sums map[string]string) checksumXML {
	return checksumXML{sums["crc32"], sums["crc32c"], sums["crc64nvme"], sums["sha1"], sums["sha256"], sums["sha512"], sums["md5"]}
}

// byAlgorithm is the inverse of checksumsOf.
func (x checksumXML) byAlgorithm() map[string]string {
	sums := map[string]string{}
	for algorithm, sum := range map[string]string{
		"crc32": x.ChecksumCRC32, "crc32c": x.ChecksumCRC32C, "crc64nvme": x.ChecksumCRC64NVME, "sha1": x.ChecksumSHA1, "sha256": x.ChecksumSHA256,
		"sha512": x.ChecksumSHA512, "md5": x.ChecksumMD5,
	} {
		if sum != "" {
			sums[algorithm] = sum
		}
	}
	return sums
}

type completeXML struct {
	XMLName xml.Name    `xml:"CompleteMultipartUpload"`
	Parts   chosenParts `xml:"Part"`
}

type chosenParts []chosenPart

type chosenPart struct {
	PartNumber int
	ETag       string
	checksumXML
}

// UnmarshalXML takes one more part, and none beyond what an upload can have: 4 MiB
// have room for 600,000 empty ones, which took 240 MiB of heap.
func (p *chosenParts) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	if len(*p) == store.MaxPart {
		return errMalformedXML
	}
	var one chosenPart
	err := d.DecodeElement(&one, &start)
	*p = append(*p, one)
	return err
}

type completedXML struct {
	XMLName               xml.Name `xml:"CompleteMultipartUploadResult"`
	Xmlns                 string   `xml:"xmlns,attr"`
	Location, Bucket, Key string
	ETag                  string
	checksumXML
	ChecksumType string `xml:",omitempty"`
}

// completeUpload makes an object of the parts that the request names.
func completeUpload(c *call) error {
	var doc completeXML
	text, err := c.readBody(4 << 20) // a checksum in the headers is the object's
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(text, &doc); err != nil {
		return errMalformedXML
	}
	if len(doc.Parts) == 0 {
		return errMalformedXML
	}
	cond, err := writeCondition(c.r.Header)
	if err != nil {
		return err
	}
	chosen := make([]store.Chosen, len(doc.Parts))
	for i, p := range doc.Parts {
		chosen[i] = store.Chosen{Number: p.PartNumber, ETag: strings.Trim(p.ETag, `"`), Checksums: p.byAlgorithm()}
	}
	info, err := c.complete(chosen, cond)
	if errors.Is(err, store.ErrNoUpload) { // a client that missed the answer asks again, and gets it again
		info, err = c.gw.store.Completed(c.r.Context(), c.name(), c.query.Get("uploadId"), chosen)
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("x-amz-server-side-encryption", "AES256")
	c.writeXML(http.StatusOK, completedXML{
		Xmlns: namespace, Location: c.location(), Bucket: c.bucket, Key: c.key,
		ETag: quote(info.ETag), checksumXML: checksumsOf(info.Checksums), ChecksumType: info.ChecksumType,
	})
	return nil
}

func (c *call) complete(chosen []store.Chosen, cond store.Condition) (*store.Info, error) {
	u, err := c.upload()
	if err != nil {
		return nil, err
	}
	finish := func(info *store.Info) error { return finishUpload(info, u, c.r.Header) }
	return c.gw.store.Complete(c.r.Context(), c.name(), u, chosen, minPart, finish, cond)
}

// finishUpload gives the object its checksum, and compares it and the size with
// what the request states.
func finishUpload(info *store.Info, u *store.Upload, h http.Header) error {
	if text := h.Get("x-amz-mp-object-size"); text != "" && text != strconv.FormatInt(info.Size, 10) {
		return refuse("InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match what was computed.")
	}
	if err := checkStated(u, h); err != nil || u.Algorithm == "" {
		return err
	}
	sum, err := combine(info.Parts, u.Algorithm, info.ChecksumType)
	if err != nil {
		return err
	}
	info.Checksums = map[string]string{u.Algorithm: sum}
	given := h.Get("x-amz-checksum-" + u.Algorithm)
	if whole, _, _ := strings.Cut(sum, "-"); given != "" && given != sum && given != whole {
		return refuse("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(u.Algorithm))
	}
	return nil
}

// checkStated refuses what a completion states and nothing can be compared with:
// a checksum of another algorithm than the upload's, or of another kind (Amazon
// S3 API Reference, CompleteMultipartUpload).
func checkStated(u *store.Upload, h http.Header) error {
	if kind := h.Get("x-amz-checksum-type"); kind != "" && !strings.EqualFold(kind, u.Info.ChecksumType) {
		return refuse("BadDigest", "The upload was not created with the %s checksum type. The complete request must use the same checksum type.", kind)
	}
	for name := range h {
		if algorithm, ok := statesChecksum(name); ok && algorithm != u.Algorithm {
			return refuse("InvalidRequest", "The upload was not created with the %s checksum algorithm, so there is none to compare.", algorithm)
		}
	}
	return nil
}

// combine makes an object's checksum of those of its parts, without reading
// them.
func combine(parts []store.Part, algorithm, kind string) (string, error) {
	sum := algorithms[algorithm]()
	whole := uint64(0)
	for i, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.Checksums[algorithm])
		if err != nil || len(raw) != sum.Size() {
			return "", refuse("InvalidPart", "Part %d has no %s checksum.", p.Number, strings.ToUpper(algorithm))
		}
		if kind == composite {
			sum.Write(raw)
			continue
		}
		if crc := number(raw); i == 0 {
			whole = crc
		} else {
			whole = polynomials[algorithm].join(whole, crc, p.Size)
		}
	}
	if kind == composite {
		return base64.StdEncoding.EncodeToString(sum.Sum(nil)) + "-" + strconv.Itoa(len(parts)), nil
	}
	raw := make([]byte, sum.Size())
	for i := range raw {
		raw[i] = byte(whole >> (8 * (len(raw) - 1 - i)))
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

// number reads a big-endian checksum.
func number(raw []byte) uint64 {
	n := uint64(0)
	for _, b := range raw {
		n = n<<8 | uint64(b)
	}
	return n
}
