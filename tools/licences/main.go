// Command licences writes the licences of everything that is linked into a Go
// program, as its binary must carry them: Go itself, and each module that has a
// package in it. It fails where a module has no licence, or one that is not
// among those allowed.
//
//	go -C tools/licences run . -program ../../build -o ../../dist/THIRD-PARTY-NOTICES.txt
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	program := flag.String("program", ".", "folder of the program's package main")
	platforms := flag.String("platforms", "linux/amd64,linux/arm64", "what the program is built for")
	tags := flag.String("tags", "", "build tags of the program")
	output := flag.String("o", "", "file to write; without it only the licences are checked")
	flag.Parse()
	if err := run(*program, *tags, strings.Split(*platforms, ","), *output); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(program, tags string, platforms []string, output string) error {
	packages := map[string]listed{}
	for _, platform := range platforms {
		found, err := list(program, tags, platform)
		if err != nil {
			return err
		}
		for _, p := range found {
			packages[p.ImportPath] = p
		}
	}
	root, err := goroot()
	if err != nil {
		return err
	}
	modules, err := read(packages, root)
	if err != nil {
		return err
	}
	var failed []error
	for _, m := range modules {
		if err := m.check(); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 || output == "" {
		return errors.Join(failed...)
	}
	return os.WriteFile(output, notices(modules), 0o644)
}

// listed is a package as go list describes it.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	Module          *struct {
		Path, Version, Dir string
	}
}

// list returns the packages of a program on a platform, its own and the ones it needs.
func list(program, tags, platform string) ([]listed, error) {
	system, arch, ok := strings.Cut(platform, "/")
	if !ok {
		return nil, fmt.Errorf("platform: found %q, must be GOOS/GOARCH, such as linux/amd64", platform)
	}
	command := exec.Command("go", "list", "-tags", tags, "-deps", "-json=ImportPath,Dir,Standard,Module", ".")
	command.Dir, command.Stderr = program, os.Stderr
	command.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0")
	text, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w", program, err)
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

func goroot() (string, error) {
	text, err := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(text)), err
}

// own are the modules of this repository, which LICENSE is for.
const own = "github.com/otelcol-ml/otelcol-ml"

// read returns the modules of packages with their licences, Go's first, sorted by path.
func read(packages map[string]listed, goroot string) ([]*module, error) {
	goVersion, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return nil, err
	}
	standard := &module{path: "Go standard library", version: strings.TrimSpace(string(goVersion))}
	if err := standard.readFolder(goroot); err != nil {
		return nil, err
	}
	byPath := map[string]*module{}
	for _, path := range slices.Sorted(maps.Keys(packages)) { // so that the same packages give the same file
		p := packages[path]
		if p.Standard || p.Module == nil || p.Module.Path == own || strings.HasPrefix(p.Module.Path, own+"/") {
			continue
		}
		m := byPath[p.Module.Path]
		if m == nil {
			m = &module{path: p.Module.Path, version: p.Module.Version}
			byPath[m.path] = m
		}
		// The module's own, and that of code which it took over from others.
		for dir := p.Dir; ; dir = filepath.Dir(dir) {
			if err := m.readFolder(dir); err != nil {
				return nil, err
			}
			if dir == p.Module.Dir || len(dir) <= len(p.Module.Dir) {
				break
			}
		}
	}
	modules := []*module{standard}
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		modules = append(modules, byPath[path])
	}
	return modules, nil
}
