// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
)

// answer is what a program said.
type answer struct {
	stdout, stderr string
	exit           int
	wall, cpu      time.Duration
}

// run runs a program to its end.
func run(tb testing.TB, env []string, name string, args ...string) answer {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), env...)
	begin := time.Now()
	_ = cmd.Run() // its exit status is what is asked for
	require.NotNil(tb, cmd.ProcessState, "%s did not start", name)
	return answer{
		out.String(), errs.String(), cmd.ProcessState.ExitCode(), time.Since(begin),
		cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
	}
}

// awsEnv points the AWS CLI at a local server.
func awsEnv(url string) []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + url, "AWS_ENDPOINT_URL_CLOUDTRAIL=" + url, "AWS_ENDPOINT_URL_ORGANIZATIONS=" + url, "AWS_ENDPOINT_URL_STS=" + url,
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=3", "AWS_RETRY_MODE=standard", "AWS_PAGER=",
	}
}

// validateLogs runs the AWS CLI over a served trail.
func validateLogs(tb testing.TB, url string, from, to time.Time, more ...string) answer {
	tb.Helper()
	args := []string{
		"cloudtrail", "validate-logs", "--verbose", "--trail-arn", "arn:aws:cloudtrail:us-east-1:111122223333:trail/main",
		"--start-time", from.Format(time.RFC3339), "--end-time", to.Format(time.RFC3339),
	}
	return run(tb, awsEnv(url), interop.Program(tb, "aws"), append(args, more...)...)
}

// token is what differs from run to run: fingerprints, parts of names.
var token = regexp.MustCompile(`[0-9a-f]{16,}`)

// verdict says in a few words what the AWS CLI answered.
func (a answer) verdict() string {
	var parts []string
	count := map[string]int{}
	for _, line := range strings.Split(a.stdout+a.stderr, "\n") {
		kind, rest, ok := strings.Cut(line, "\ts3://")
		_, reason, bad := strings.Cut(rest, "\tINVALID: ")
		if !ok || !bad {
			continue
		}
		reason = token.ReplaceAllString(reason, "…")
		what := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(kind, "(backfill) "), " file")) + ": " + reason
		if count[what]++; count[what] == 1 {
			parts = append(parts, what)
		}
	}
	for i, p := range parts {
		if count[p] > 1 {
			parts[i] = fmt.Sprintf("%s (%d)", p, count[p])
		}
	}
	slices.Sort(parts)
	switch {
	case len(parts) > 0:
	case strings.Contains(a.stdout, "No digests found"):
		parts = append(parts, "no digests found")
	case a.exit == 0:
		parts = append(parts, "valid")
	default:
		text := strings.TrimSpace(a.stderr)
		parts = append(parts, token.ReplaceAllString(text[strings.LastIndexByte(text, '\n')+1:], "…"))
	}
	if strings.Contains(a.stdout+a.stderr, "No log files were delivered") {
		parts = append(parts, "gap named")
	}
	return fmt.Sprintf("%s; exit %d", strings.Join(parts, ", "), a.exit)
}
