// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	sdk "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

// sdkFrame signs and encodes a frame as the SDK's client does.
func sdkFrame(t testing.TB, signer *sdk.StreamSigner, date time.Time, message []byte) []byte {
	t.Helper()
	headers := eventstream.Headers{}
	headers.Set(":date", eventstream.TimestampValue(date))
	var encoded bytes.Buffer
	require.NoError(t, eventstream.EncodeHeaders(&encoded, headers))
	sig, err := signer.GetSignature(context.Background(), encoded.Bytes(), message, date)
	require.NoError(t, err)
	headers.Set(":chunk-signature", eventstream.BytesValue(sig))
	var frame bytes.Buffer
	require.NoError(t, eventstream.NewEncoder().Encode(&frame, eventstream.Message{Headers: headers, Payload: message}))
	return frame.Bytes()
}

// Frames against the SDK's StreamSigner and encoder, over midnight: byte for
// byte the same, and read by our Verifier.
func TestStreamSigner(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	cases := 0
	for stream := range 50 {
		now := time.Date(2026, 3, 1, 23, 59, 50, 0, time.UTC).Add(time.Duration(stream) * time.Millisecond)
		start := now
		ours := &sigv4.Signer{Region: region, Profile: sigv4.ProfileFor("transcribe"), Now: func() time.Time { return now }}
		c := sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
		r, err := http.NewRequest("POST", "https://transcribestreaming.us-east-1.amazonaws.com/stream-transcription", nil)
		require.NoError(t, err)
		seed, err := ours.Sign(r, c, sigv4.Payload{Mode: sigv4.PayloadEvents})
		require.NoError(t, err)
		signer, err := ours.EventSigner(seed, c)
		require.NoError(t, err)
		raw, err := hex.DecodeString(seed.Signature)
		require.NoError(t, err)
		theirs := sdk.NewStreamSigner(aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, "transcribe", region, raw)
		var body, plain []byte
		for i := range 21 {
			now = now.Add(time.Duration(rng.IntN(1500)) * time.Millisecond)
			var message []byte
			if i < 20 {
				event := sigv4.Event{
					Headers: []sigv4.EventHeader{{Name: ":event-type", Value: "AudioEvent"}, {Name: "n", Value: int32(i)}},
					Payload: bytes.Repeat([]byte("a"), rng.IntN(3000)),
				}
				message, err = event.AppendTo(nil)
				require.NoError(t, err)
			}
			frame, err := signer.AppendFrame(nil, message)
			require.NoError(t, err)
			require.Equal(t, sdkFrame(t, theirs, now, message), frame, "stream %d frame %d", stream, i)
			body, plain = append(body, frame...), append(plain, message...)
			cases++
		}
		v := &sigv4.Verifier{
			Keys: sigv4.StaticKeys{keyID: {Secret: secret}}, Region: region, Profile: sigv4.ProfileFor("transcribe"),
			Modes: sigv4.ModeHeader | sigv4.ModeEvents, Now: func() time.Time { return start },
		}
		in := httptest.NewRequest("POST", r.URL.String(), bytes.NewReader(body))
		in.Header = r.Header
		_, err = v.Verify(in)
		require.NoError(t, err)
		got, err := io.ReadAll(in.Body)
		require.NoError(t, err)
		require.Equal(t, plain, got)
	}
	testkit.Report(t, "interop", "streams/stream-signer", interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2"), cases)
}

// Messages with every kind of header, encoded by one side and decoded by the
// other.
func TestEventCodec(t *testing.T) {
	cases := 0
	for i := range 200 {
		headers := []sigv4.EventHeader{
			{Name: "bool", Value: i%2 == 0},
			{Name: "byte", Value: int8(i)},
			{Name: "short", Value: int16(i * 37)},
			{Name: "int", Value: int32(i * 12345)},
			{Name: "long", Value: int64(i) << 40},
			{Name: "bytes", Value: bytes.Repeat([]byte{byte(i)}, i)},
			{Name: "string", Value: fmt.Sprint("ü", i)},
			{Name: "time", Value: time.UnixMilli(int64(i) * 1e9).UTC()},
			{Name: "uuid", Value: [16]byte{byte(i)}},
		}[:i%10]
		event := sigv4.Event{Headers: headers, Payload: bytes.Repeat([]byte("p"), i)}
		b, err := event.AppendTo(nil)
		require.NoError(t, err)
		theirs, err := eventstream.NewDecoder().Decode(bytes.NewReader(b), nil)
		require.NoError(t, err)
		require.Equal(t, len(headers), len(theirs.Headers))
		require.Equal(t, event.Payload, append([]byte{}, theirs.Payload...))
		var again bytes.Buffer
		require.NoError(t, eventstream.NewEncoder().Encode(&again, theirs))
		require.Equal(t, b, again.Bytes())
		back, err := sigv4.ReadEvent(&again)
		require.NoError(t, err)
		require.Equal(t, len(headers), len(back.Headers))
		for j := range headers {
			require.Equal(t, headers[j], back.Headers[j])
		}
		cases++
	}
	testkit.Report(t, "interop", "streams/event-codec", interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"), cases)
}
