// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

// TestParseOnlyVectors reads headers and walks frames of messages of the SDK
// for Python, whose keys are not here, and writes the context again (ENV-116).
func TestParseOnlyVectors(t *testing.T) {
	dir := testkit.Vectors(t, "envelope/parse-only")
	var manifest struct {
		Cases []struct {
			ID             string
			CiphertextFile string `json:"ciphertext_file"`
			Size           int
			FooterLength   int `json:"footer_length"`
			Header         struct {
				Version           int
				Suite             Suite
				MessageID         string            `json:"message_id"`
				EncryptionContext map[string]string `json:"encryption_context"`
				EncryptedDataKeys []struct {
					ProviderID       string `json:"provider_id"`
					ProviderInfo     string `json:"provider_info"`
					CiphertextLength int    `json:"ciphertext_length"`
					CiphertextSHA256 string `json:"ciphertext_sha256"`
				} `json:"encrypted_data_keys"`
				ContentType string `json:"content_type"`
				FrameLength int64  `json:"frame_length"`
				BodyEnd     int    `json:"body_end"`
				HeaderEnd   int    `json:"header_end"`
				IV, Tag     string
			}
			Body struct {
				RegularFrames      int    `json:"regular_frames"`
				FinalFrameSequence uint32 `json:"final_frame_sequence"`
				FinalFrameLength   int    `json:"final_frame_length"`
				ContentLength      int64  `json:"content_length"`
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &manifest))
	for _, v := range manifest.Cases {
		t.Run(v.ID, func(t *testing.T) {
			message, err := os.ReadFile(filepath.Join(dir, "..", v.CiphertextFile))
			require.NoError(t, err)
			require.Len(t, message, v.Size)
			h := &header{}
			err = h.parse(&source{buf: message}, limits{frameLen: maxFrames, headerBytes: defaultMaxHeaderBytes, pairs: defaultMaxPairs})
			require.NoError(t, err)
			require.Equal(t, v.Header.Suite, h.spec.id)
			require.Equal(t, v.Header.MessageID, hex.EncodeToString(h.messageID))
			require.Equal(t, v.Header.BodyEnd, len(h.body))
			require.Equal(t, v.Header.HeaderEnd, len(h.raw))
			require.Equal(t, v.Header.IV, hex.EncodeToString(h.iv))
			require.Equal(t, v.Header.Tag, hex.EncodeToString(h.tag))
			require.Len(t, h.context.pairs, len(v.Header.EncryptionContext))
			for k, value := range v.Header.EncryptionContext {
				require.Equal(t, value, h.context.pairs[k])
			}
			if !h.context.unsorted {
				require.True(t, bytes.Contains(h.body, appendContext(nil, h.context.pairs, nil)), "the context writes as it was")
			}
			require.Len(t, h.edks, len(v.Header.EncryptedDataKeys))
			for i, k := range v.Header.EncryptedDataKeys {
				sum := sha256.Sum256(h.edks[i].Ciphertext)
				require.Equal(t, k.ProviderID, h.edks[i].ProviderID)
				require.Equal(t, k.ProviderInfo, string(h.edks[i].ProviderInfo))
				require.Equal(t, k.CiphertextSHA256, hex.EncodeToString(sum[:]))
				_, region, _, _, ok := h.edks[i].KMS()
				require.True(t, ok)
				require.NotEmpty(t, region)
			}
			u, err := Inspect(bytes.NewReader(message))
			require.NoError(t, err)
			require.Equal(t, v.Header.Version, u.Version)
			require.Equal(t, v.Header.ContentType == "framed", u.Framed)
			require.Equal(t, v.Header.FrameLength, u.FrameLength)
			if !h.framed {
				n, err := nonFramedLength(message[len(h.raw):][:nonFramedPrefix], defaultMaxNonFramed)
				require.NoError(t, err)
				require.Equal(t, v.Body.ContentLength, n)
				return
			}
			in := &incoming{header: *h}
			in.frames.frameLen = int(h.frameLen)
			l := in.scan(message, len(h.raw))
			require.NoError(t, l.fault)
			require.Equal(t, v.Body.RegularFrames, l.regular)
			require.Equal(t, v.Body.FinalFrameSequence, uint32(l.regular+1))
			require.Len(t, l.final, v.Body.FinalFrameLength+finalOverhead)
			require.Equal(t, v.Size-v.FooterLength, l.end)
			if !h.spec.signing() {
				n, err := u.PlaintextSize(int64(len(message)))
				require.NoError(t, err)
				require.Equal(t, int64(l.regular)*u.FrameLength+int64(v.Body.FinalFrameLength), n)
			}
		})
	}
	testkit.Report(t, "vectors", "envelope/parse-only", "-", len(manifest.Cases))
}
