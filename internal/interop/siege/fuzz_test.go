// SPDX-License-Identifier: Apache-2.0

package siege

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestFuzzedGateway sends requests with a few bytes changed, for ten seconds or
// for as long as SALLYPORT_SIEGE says (an hour in the long form of CI). Half of
// them are signed with a wrong secret: none of those may ever succeed. The
// others are signed rightly: what succeeds in spite of the change is what was
// signed. No request ends in an internal error, the memory stays bounded, and
// the trail proves valid.
func TestFuzzedGateway(t *testing.T) {
	interop.Require(t)
	duration := 10 * time.Second
	if text := os.Getenv("SALLYPORT_SIEGE"); text != "" {
		var err error
		duration, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	a := besiege(t, interop.GatewayConfig{Fields: map[string]any{"audit": map[string]any{"rotate": "2s", "digest": "3s"}, "stall": "500ms"}})
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var tally tally
	deadline := time.Now().Add(duration)
	for round := uint64(0); time.Now().Before(deadline); round++ {
		var wg sync.WaitGroup
		for worker := range uint64(8) {
			random := rand.New(rand.NewPCG(seed, round<<8|worker))
			wg.Go(func() {
				for range 50 {
					tally.add(a.shot(random))
				}
			})
		}
		wg.Wait()
		require.Empty(t, tally.faults, "seed %d", seed)
		a.requireUntouched()
		tally.peak = max(tally.peak, a.residentMiB())
	}
	require.Less(t, tally.peak, 512, "MiB of memory")
	require.Greater(t, tally.requests, 500, "too few requests to prove anything")
	require.Positive(t, tally.classes[403])
	require.Positive(t, tally.classes[400])
	require.Positive(t, tally.classes[200], "no change left a request valid: the requests are not near enough to valid ones")
	a.g.ValidTrail(t)
	testkit.Report(t, "interop", "siege/fuzzed", "-", tally.requests)
	t.Logf("%d requests, answers %v, at most %d MiB", tally.requests, tally.classes, tally.peak)
}

// tally is what came of the shots.
type tally struct {
	mu             sync.Mutex
	requests, peak int
	classes        map[int]int
	faults         []string
}

func (y *tally) add(status int, fault string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.classes == nil {
		y.classes = map[int]int{}
	}
	y.requests++
	y.classes[status]++
	if fault != "" {
		y.faults = append(y.faults, fault)
	}
}

// shot sends one bent request, and says what is wrong with its answer.
func (a *attacker) shot(random *rand.Rand) (status int, fault string) {
	forged := random.IntN(2) == 0
	raw := mutate(random, a.fuzzed(random, forged).render())
	got, err := a.exchange(raw, time.Second)
	switch {
	case err != nil:
		return 0, fmt.Sprintf("%v: %q", err, raw)
	case got.status == 500:
		return 500, fmt.Sprintf("an internal error for %q: %s", raw, got.body)
	case forged && got.status/100 == 2:
		return got.status, fmt.Sprintf("a request with a forged signature succeeded: %q", raw)
	case strings.Contains(got.body, a.g.SecretAccessKey):
		return got.status, fmt.Sprintf("the answer holds a secret: %q", raw)
	}
	return got.status, ""
}

// requireUntouched requires that of all objects only those are there that
// somebody with a right stored, and as they were stored.
func (a *attacker) requireUntouched() {
	a.t.Helper()
	body, _ := a.read(victim)
	require.Equal(a.t, "untouched", body)
	if body, there := a.read("/siege/mine"); there {
		require.Contains(a.t, []string{"mine", piece + piece}, body)
	}
	got := a.must(a.request("GET", "/siege", "").headers())
	for _, part := range strings.Split(got.body, "<Key>")[1:] {
		key, _, _ := strings.Cut(part, "</Key>")
		require.Contains(a.t, []string{"victim", "secret", "mine"}, key)
	}
}

// fuzzed is one of the requests that are bent.
func (a *attacker) fuzzed(random *rand.Rand, forged bool) *wire {
	bend := func(w *wire) {
		if forged {
			w.secret = "not the secret"
		}
	}
	var w *wire
	switch random.IntN(6) {
	case 0:
		w = a.request("GET", "/siege/secret", "")
		bend(w)
		return w.headers()
	case 1:
		w = a.request("PUT", "/siege/mine", "mine").set("x-amz-meta-a", "1").set("Content-Type", "text/plain")
		bend(w)
		return w.headers()
	case 2:
		w = a.request("GET", "/siege/secret", "").param("response-content-type", "text/plain")
		bend(w)
		return w.presign("60")
	case 3:
		w, _ = stream(a, "/siege/mine", bend)
		return w
	case 4:
		w = a.request("GET", "/siege", "").param("list-type", "2").param("prefix", "m")
		bend(w)
		return w.headers()
	default:
		w = a.request("DELETE", "/siege/mine", "")
		bend(w)
		return w.headers()
	}
}

// mutate changes a few bytes, lines or pieces, of the request line too: no
// answer but the end of the connection is an answer as well.
func mutate(random *rand.Rand, raw []byte) []byte {
	raw = bytes.Clone(raw)
	for range 1 + random.IntN(3) {
		i := random.IntN(len(raw))
		switch random.IntN(7) {
		case 0:
			raw[i] ^= 1 << random.IntN(8)
		case 1:
			raw[i] = byte(random.IntN(256))
		case 2:
			raw = append(raw[:i], raw[i+1:]...)
		case 3:
			raw = append(raw[:i], append([]byte{"\x00\r\n;=&%/:,+ \xff"[random.IntN(13)]}, raw[i:]...)...)
		case 4: // a line twice
			lines := bytes.SplitAfter(raw, []byte("\r\n"))
			n := random.IntN(len(lines))
			lines = append(lines[:n], append([][]byte{lines[n]}, lines[n:]...)...)
			raw = bytes.Join(lines, nil)
		case 5: // a line less
			lines := bytes.SplitAfter(raw, []byte("\r\n"))
			n := random.IntN(len(lines))
			raw = bytes.Join(append(lines[:n:n], lines[n+1:]...), nil)
		default: // letters in another case
			raw = append(raw[:i], append(bytes.ToUpper(raw[i:min(i+8, len(raw))]), raw[min(i+8, len(raw)):]...)...)
		}
		if len(raw) == 0 {
			raw = []byte("G")
		}
	}
	return raw
}

// residentMiB is the gateway's memory now, or 0 where the system does not tell.
func (a *attacker) residentMiB() int { return statusKiB(a.g.Process, "VmRSS:") >> 10 }

// statusKiB is a number that the system knows of a process, or 0.
func statusKiB(p *interop.Process, name string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	_, rest, _ := strings.Cut(string(text), name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(fields[0])
	return n
}
