package installed

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/package/internal/confine"
	"github.com/otelcol-ml/otelcol-ml/test/package/internal/dist"
)

// system is an installed Debian with what it needs to take packages.
type system struct{ root string }

// debian is the release that the packages are tried on.
const debian = "bookworm"

// newSystem makes a clean one.
func newSystem(t *testing.T) system {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	root := filepath.Join(dir, "root")
	made := filepath.Join(cache(t), debian+".tar")
	if _, err := os.Stat(made); err != nil {
		unfinished := filepath.Join(cache(t), "unfinished-"+debian+".tar")
		dist.Run(t, "mmdebstrap", "--quiet", "--variant=essential", "--include=passwd,ca-certificates,rpm", debian, unfinished)
		require.NoError(t, os.Rename(unfinished, made))
	}
	require.NoError(t, os.Mkdir(root, 0o755))
	dist.Run(t, "tar", "--extract", "--file", made, "--directory", root, "--numeric-owner", "--exclude=./dev/*")
	return system{root}
}

// cache is where a clean system is kept between runs.
func cache(t *testing.T) string {
	t.Helper()
	dir := dist.Root(t, "build/package")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	return dir
}

// path is a file of the system, as seen from outside.
func (s system) path(name string) string { return filepath.Join(s.root, name) }

// try runs a command of the system, as root.
func (s system) try(t *testing.T, command string, args ...string) (string, error) {
	t.Helper()
	run := exec.CommandContext(t.Context(), "chroot", append([]string{s.root, command}, args...)...)
	run.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"}
	output, err := run.CombinedOutput()
	return string(output), err
}

func (s system) run(t *testing.T, command string, args ...string) string {
	t.Helper()
	output, err := s.try(t, command, args...)
	require.NoError(t, err, "%s %v: %s", command, args, output)
	return output
}

// copyIn puts a file into the system's /tmp and returns its path there.
func (s system) copyIn(t *testing.T, file string) string {
	t.Helper()
	dist.Run(t, "cp", file, s.path("tmp"))
	return "/tmp/" + filepath.Base(file)
}

func (s system) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	require.NoError(t, err)
	return string(text)
}

func (s system) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(s.path(name), []byte(text), 0o600))
}

// unit is what systemd would do, as far as there can be a test without it: the
// command lines with their environment, as the user, with the system calls allowed.
type unit struct {
	lines map[string][]string
}

const (
	unitFile    = "/usr/lib/systemd/system/otelcol-ml.service"
	ownUnitFile = "/etc/systemd/system/otelcol-ml.service" // an administrator's, which comes first
)

// first returns the first of several files of the system that exists.
func (s system) first(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if _, err := os.Stat(s.path(name)); err == nil {
			return name
		}
	}
	require.Fail(t, "none of these exists", names)
	return ""
}

func (s system) readUnit(t *testing.T) unit {
	t.Helper()
	u := unit{map[string][]string{}}
	for line := range strings.Lines(s.read(t, s.first(t, ownUnitFile, unitFile))) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(key, "#") {
			u.lines[key] = append(u.lines[key], value)
		}
	}
	return u
}

// environment is that of the unit, with the files it names.
func (s system) environment(t *testing.T, u unit) []string {
	t.Helper()
	var env []string
	for _, value := range u.lines["Environment"] {
		env = append(env, strings.Trim(value, `"`))
	}
	for _, file := range u.lines["EnvironmentFile"] {
		for line := range strings.Lines(s.read(t, strings.TrimPrefix(file, "-"))) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				env = append(env, line)
			}
		}
	}
	return env
}

// program is a command line of the unit, such as that of ExecStart.
func (s system) program(t *testing.T, key string, index int) confine.Program {
	t.Helper()
	u := s.readUnit(t)
	p := confine.Program{Root: s.root, Env: s.environment(t, u), Syscalls: syscalls(t, u.lines["SystemCallFilter"])}
	p.UID, p.GID = s.ids(t, u.lines["User"][0])
	options := ""
	for _, variable := range p.Env {
		if value, ok := strings.CutPrefix(variable, "OTELCOL_OPTIONS="); ok {
			options = value // the last one counts
		}
	}
	for word := range strings.FieldsSeq(u.lines[key][index]) {
		if word == "$OTELCOL_OPTIONS" {
			p.Args = append(p.Args, strings.Fields(options)...)
		} else {
			p.Args = append(p.Args, word)
		}
	}
	p.Args[0] = s.first(t, "/usr/local/bin/"+p.Args[0], "/usr/bin/"+p.Args[0]) // in the order of systemd
	return p
}

// ids are the numbers of a user of the system and its group.
func (s system) ids(t *testing.T, user string) (uid, gid int) {
	t.Helper()
	for scanner := bufio.NewScanner(strings.NewReader(s.read(t, "etc/passwd"))); scanner.Scan(); {
		fields := strings.Split(scanner.Text(), ":")
		if fields[0] != user {
			continue
		}
		uid, err := strconv.Atoi(fields[2])
		require.NoError(t, err)
		gid, err := strconv.Atoi(fields[3])
		require.NoError(t, err)
		require.NotZero(t, uid)
		return uid, gid
	}
	require.Fail(t, "there is no such user", user)
	return 0, 0
}

// syscalls are the system calls that filters allow, with systemd's sets written out.
func syscalls(t *testing.T, filters []string) []string {
	t.Helper()
	allowed := map[string]bool{}
	for _, filter := range filters {
		names, denied := strings.CutPrefix(filter, "~")
		for name := range strings.FieldsSeq(names) {
			for _, call := range expand(t, name) {
				allowed[call] = !denied
			}
		}
	}
	var found []string
	for call, yes := range allowed {
		if yes {
			found = append(found, call)
		}
	}
	require.Greater(t, len(found), 100, fmt.Sprint(filters))
	return found
}

func expand(t *testing.T, name string) []string {
	t.Helper()
	if !strings.HasPrefix(name, "@") {
		return []string{name}
	}
	var found []string
	for line := range strings.Lines(dist.Run(t, "systemd-analyze", "--no-pager", "syscall-filter", name)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && line != name {
			found = append(found, expand(t, line)...)
		}
	}
	return found
}
