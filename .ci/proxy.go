// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Command proxy proves that a program outside the repository can use the
// library: it publishes each library module, as a release would (relative
// replace dropped, the root required by version), to a module proxy in the file
// system, then lets a scratch module `go get` each and build a program that
// imports every package.
//
//	go run .ci/proxy.go
package main

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	root    = "github.com/sallyport-go/sallyport"
	version = "v0.999.0"
)

// nested are the library modules beside the root.
var nested = []string{"envelope/kmskeyring", "cloudtrail/s3source"}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "proxy:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "proxy")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	modules := []string{"."}
	for _, m := range nested {
		if _, err := os.Stat(filepath.Join(m, "go.mod")); err == nil {
			modules = append(modules, m)
		}
	}
	var packages []string
	for _, m := range modules {
		if err := publish(filepath.Join(dir, "proxy"), m); err != nil {
			return fmt.Errorf("%s: %w", m, err)
		}
		some, err := listPackages(m)
		if err != nil {
			return err
		}
		packages = append(packages, some...)
	}
	return scratch(dir, modules, packages)
}

func modulePath(m string) string {
	if m == "." {
		return root
	}
	return root + "/" + m
}

// publish writes the four files a module proxy serves for one version.
func publish(proxy, m string) error {
	at := filepath.Join(proxy, filepath.FromSlash(modulePath(m)), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	mod, err := released(m)
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": version, "Time": time.Unix(0, 0).UTC()})
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"list": []byte(version + "\n"), version + ".info": info, version + ".mod": mod} {
		if err := os.WriteFile(filepath.Join(at, name), data, 0o644); err != nil {
			return err
		}
	}
	return pack(filepath.Join(at, version+".zip"), m, mod)
}

// released returns the module's go.mod as a release has it.
func released(m string) ([]byte, error) {
	tmp, err := os.CreateTemp("", "go*.mod")
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	tmp.Close()
	data, err := os.ReadFile(filepath.Join(m, "go.mod"))
	if err != nil || m == "." {
		return data, err
	}
	if err := os.WriteFile(tmp.Name(), data, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "mod", "edit", "-dropreplace="+root, "-require="+root+"@"+version, tmp.Name())
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(tmp.Name())
}

// pack zips the files of the module, without those of modules inside it.
func pack(file, m string, mod []byte) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z := zip.NewWriter(f)
	err = filepath.WalkDir(m, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(m, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, errMod := os.Stat(filepath.Join(path, "go.mod"))
			if rel != "." && (errMod == nil || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		w, err := z.Create(modulePath(m) + "@" + version + "/" + filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		data := mod
		if rel != "go.mod" {
			if data, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		_, err = w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	return z.Close()
}

func listPackages(m string) ([]string, error) {
	cmd := exec.Command("go", "list", "./...")
	cmd.Dir = m
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var some []string
	for _, p := range strings.Fields(string(out)) {
		if !strings.Contains(p, "/internal/") {
			some = append(some, p)
		}
	}
	return some, nil
}

// scratch makes a module outside the repository, gets each library module from
// the proxy and builds a program that imports every package.
func scratch(dir string, modules, packages []string) error {
	work := filepath.Join(dir, "scratch")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	var src strings.Builder
	src.WriteString("package main\n\nimport (\n")
	for _, p := range packages {
		fmt.Fprintf(&src, "\t_ %q\n", p)
	}
	src.WriteString(")\n\nfunc main() {}\n")
	if err := os.WriteFile(filepath.Join(work, "main.go"), []byte(src.String()), 0o644); err != nil {
		return err
	}
	env, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		return err
	}
	cache, upstream, _ := strings.Cut(strings.TrimSpace(string(env)), "\n")
	proxies := "file://" + filepath.Join(dir, "proxy") + ",file://" + filepath.Join(cache, "cache", "download") + "," + upstream
	steps := [][]string{{"mod", "init", "example.com/scratch"}}
	for _, m := range modules {
		steps = append(steps, []string{"get", modulePath(m) + "@" + version})
	}
	steps = append(steps, []string{"mod", "tidy"}, []string{"build", "-o", os.DevNull, "."})
	for _, args := range steps {
		cmd := exec.Command("go", args...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-modcacherw", "GONOSUMDB="+root+","+root+"/*",
			"GOMODCACHE="+filepath.Join(dir, "modcache"),
			"GOPROXY="+proxies)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	fmt.Printf("proxy: %d modules, %d packages, built outside the repository\n", len(modules), len(packages))
	return nil
}
