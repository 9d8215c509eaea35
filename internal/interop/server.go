// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Server is a foreign server that answers.
type Server struct {
	URL             string // http://127.0.0.1:PORT, without a slash at the end
	Region          string
	AccessKeyID     string // of a user who may do everything
	SecretAccessKey string
	Version         string // what the server's program says of itself
	Dir             string // where its data lies
	Process         *Process
}

const (
	peerRegion = "us-east-1"
	peerKeyID  = "AKIAPEERPEERPEERPEER"
	peerSecret = "peer/secret+peer/secret+peer/secret+0000"
)

// FreePort returns a port of 127.0.0.1 that nobody listens on. Another process
// may take it before the caller does: start servers through [Listen].
func FreePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// Listen starts the command that command builds for an address, and waits until
// ready(base URL) is true. A program that ends early, as it does when its port
// was taken meanwhile, is started again on another port, three times in all.
func Listen(tb testing.TB, command func(addr string) *exec.Cmd, ready func(url string) bool) *Server {
	tb.Helper()
	for range 3 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(tb)))
		s := &Server{
			URL: "http://" + addr, Region: peerRegion,
			AccessKeyID: peerKeyID, SecretAccessKey: peerSecret,
		}
		s.Process = Start(tb, command(addr))
		if await(tb, s, ready) {
			return s
		}
		tb.Logf("interop: the server on %s ended early:\n%s", addr, s.Process.Output())
	}
	tb.Fatal("interop: the server does not start")
	return nil
}

// await polls until the server is ready (true) or has ended (false), and fails
// the test after a minute of neither.
func await(tb testing.TB, s *Server, ready func(url string) bool) bool {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if s.Process.Exited() {
			return false
		}
		if ready(s.URL) {
			return true
		}
		time.Sleep(20 * time.Millisecond) // between two polls of a foreign process: it has nothing to wait on
	}
	tb.Fatalf("interop: %s does not answer:\n%s", s.URL, s.Process.Output())
	return false
}

// Answers reports whether a GET of the URL brings any HTTP answer below 500.
func Answers(url string) bool {
	status := statusOf(url)
	return status > 0 && status < 500
}

// statusOf is the status of the answer to a GET, or 0 where none comes.
func statusOf(url string) int {
	client := http.Client{Timeout: 2 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// Versitygw starts versitygw over an empty folder.
func Versitygw(tb testing.TB) *Server {
	tb.Helper()
	program, dir := Program(tb, "versitygw"), tb.TempDir()
	data, iam := filepath.Join(dir, "data"), filepath.Join(dir, "iam")
	mkdir(tb, data, iam)
	s := Listen(tb, func(addr string) *exec.Cmd {
		cmd := exec.Command(program, "--port", addr, "--region", peerRegion, "--iam-dir", iam, "--quiet", "posix", data)
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+peerKeyID, "ROOT_SECRET_KEY="+peerSecret)
		return cmd
	}, Answers)
	s.Version, s.Dir = Version(tb, program), data
	return s
}

// Minio starts minio over an empty folder. Its bucket names have three
// characters and more. It says that it is ready before it answers requests
// otherwise than by 503, so both are waited for.
func Minio(tb testing.TB) *Server {
	tb.Helper()
	program, dir := Program(tb, "minio"), tb.TempDir()
	data, home := filepath.Join(dir, "data"), filepath.Join(dir, "home")
	mkdir(tb, data, home)
	s := Listen(tb, func(addr string) *exec.Cmd {
		cmd := exec.Command(program, "server", "--quiet", "--address", addr, data)
		cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+peerKeyID, "MINIO_ROOT_PASSWORD="+peerSecret,
			"MINIO_REGION="+peerRegion, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1", "HOME="+home)
		return cmd
	}, func(url string) bool { return ok(url+"/minio/health/ready") && Answers(url) })
	s.Version, s.Dir = Version(tb, program), data
	return s
}

// Moto starts the AWS simulator moto, which takes any credentials. It skips
// the test where the machine has none: moto is never the only proof.
func Moto(tb testing.TB) *Server {
	tb.Helper()
	python := FindPython("moto.server")
	if python == "" {
		tb.Skip("interop: no Python on this machine has moto")
	}
	s := Listen(tb, func(addr string) *exec.Cmd {
		host, port, _ := net.SplitHostPort(addr)
		return exec.Command(python, "-m", "moto.server", "-H", host, "-p", port)
	}, func(url string) bool { return ok(url + "/moto-api/") })
	s.Version = Version(tb, python, "-c", "import moto; print(moto.__version__)")
	return s
}

func ok(url string) bool { return statusOf(url) == http.StatusOK }

func mkdir(tb testing.TB, dirs ...string) {
	tb.Helper()
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			tb.Fatal(err)
		}
	}
}
