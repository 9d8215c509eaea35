// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

func TestServersAnswerAndEnd(t *testing.T) {
	Require(t)
	for name, start := range map[string]func(testing.TB) *Server{"versitygw": Versitygw, "minio": Minio} {
		t.Run(name, func(t *testing.T) {
			var s *Server
			t.Run("running", func(t *testing.T) {
				s = start(t)
				if !Answers(s.URL) {
					t.Errorf("%s does not answer", s.URL)
				}
				if !strings.HasPrefix(s.Version, "v") {
					t.Errorf("version %q", s.Version)
				}
			})
			if !s.Process.Exited() || Answers(s.URL) {
				t.Errorf("%s still answers after its test", s.URL)
			}
			testkit.Report(t, "interop", "interop/"+name, s.Version, 1)
		})
	}
}

func TestMotoAnswers(t *testing.T) {
	Require(t)
	if s := Moto(t); !Answers(s.URL) {
		t.Errorf("%s does not answer", s.URL)
	}
}

func TestClientsAreFound(t *testing.T) {
	Require(t)
	for name, args := range map[string][]string{
		"aws": {"--version"}, "s3cmd": {"--version"}, "rclone": {"--version"}, "openssl": {"version"}, "curl": {"--version"}, "node": {"--version"},
	} {
		t.Log(name, Version(t, Program(t, name), args...))
	}
	t.Log("boto3", Version(t, Python(t, "boto3"), "-c", "import boto3; print(boto3.__version__)"))
	t.Log(Version(t, Chromium(t), "--version"))
}

func TestProcessReportsAnEarlyEnd(t *testing.T) {
	p := Start(t, exec.Command("go", "version"))
	<-p.done
	if !p.Exited() || !strings.Contains(p.Output(), "go version") {
		t.Errorf("exited %v, output %q", p.Exited(), p.Output())
	}
	p.Stop() // ending what has ended is no fault
}

func TestOutputIsBounded(t *testing.T) {
	var o output
	for range 200 {
		if _, err := o.Write(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(o.String()); n != 8<<20 {
		t.Errorf("kept %d bytes", n)
	}
}
