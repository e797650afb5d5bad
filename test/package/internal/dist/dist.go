// Package dist finds what make package made, and runs what reads it.
package dist

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Root returns a path of the repository.
func Root(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "builder-config.yaml")); err == nil {
			return filepath.Join(dir, filepath.FromSlash(path))
		}
		above := filepath.Dir(dir)
		require.NotEqual(t, dir, above, "no folder above this test has a builder-config.yaml")
		dir = above
	}
}

// File returns the path of a file that make package made: of the folder that DIST names, or of ./dist.
func File(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("DIST")
	if dir == "" {
		dir = Root(t, "dist")
	}
	path := filepath.Join(dir, name)
	_, err := os.Stat(path)
	require.NoError(t, err, "run these tests with `make test-package`, which makes it")
	return path
}

var version = regexp.MustCompile(`(?m)^  version: (\S+)$`)

// Version is that of the distribution, from its one home.
func Version(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(Root(t, "builder-config.yaml"))
	require.NoError(t, err)
	match := version.FindSubmatch(text)
	require.NotNil(t, match, "builder-config.yaml has no dist.version")
	return string(match[1])
}

// machines are what packages call the architectures of Go.
var machines = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// Machine is what rpm and apk call this machine's architecture.
func Machine() string { return machines[runtime.GOARCH] }

// Deb returns the package of Debian for this machine.
func Deb(t testing.TB) string {
	return File(t, "otelcol-ml_"+Version(t)+"_"+runtime.GOARCH+".deb")
}

// RPM returns the rpm package for this machine.
func RPM(t testing.TB) string {
	return File(t, "otelcol-ml-"+Version(t)+"-1."+Machine()+".rpm")
}

// APK returns the package of Alpine for this machine.
func APK(t testing.TB) string {
	return File(t, "otelcol-ml_"+Version(t)+"_"+Machine()+".apk")
}

// Run runs a program and returns what it wrote. The test fails where the program does.
func Run(t testing.TB, program string, args ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", program, args, output)
	return string(output)
}
