package installed

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/package/internal/collect"
	"github.com/otelcol-ml/otelcol-ml/test/package/internal/confine"
	"github.com/otelcol-ml/otelcol-ml/test/package/internal/dist"
)

func TestMain(m *testing.M) {
	confine.Main()
	os.Exit(m.Run())
}

const (
	configFile  = "/etc/otelcol-ml/otelcol.yaml"
	environment = "/etc/otelcol-ml/environment"
	dataDir     = "/var/lib/otelcol-ml"
	firstTrace  = "5b8efff798038103d269b633813fc60c"
	secondTrace = "6b8efff798038103d269b633813fc60c"
)

// change is what a user does after the installation: another threshold, and ports in the file of environment variables.
func (s system) change(t *testing.T, ports collect.Ports) (config string) {
	t.Helper()
	config = strings.Replace(s.read(t, configFile), "threshold_ms: 800", "threshold_ms: 900", 1)
	require.Contains(t, config, "threshold_ms: 900")
	s.write(t, configFile, config)
	s.write(t, environment, s.read(t, environment)+strings.Join(ports.Env(), "\n")+"\n")
	return config
}

// start does what systemd does at the start of the unit, and after it: ExecStartPre, then ExecStart.
func (s system) start(t *testing.T, ports collect.Ports) *confine.Process {
	t.Helper()
	output, err := confine.Run(t, s.program(t, "ExecStartPre", 0))
	require.NoError(t, err, output)
	running := confine.Start(t, s.program(t, "ExecStart", 0))
	collect.Healthy(t, running, ports)
	return running
}

// keepChanged is what the user answers where dpkg asks about a changed file of configuration.
const keepChanged = "--force-confold"

// newer is the package as its next version, with a configuration that has changed.
func newer(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "newer")
	dist.Run(t, "dpkg-deb", "--raw-extract", dist.Deb(t), dir)
	for path, change := range map[string][2]string{
		"DEBIAN/control":              {"Version: " + dist.Version(t), "Version: " + dist.Version(t) + "+next"},
		"etc/otelcol-ml/otelcol.yaml": {"# The otelcol-ml pipeline.", "# The otelcol-ml pipeline of the next version."},
	} {
		path = filepath.Join(dir, path)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(text), change[0])
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), change[0], change[1], 1)), 0o600))
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "etc/otelcol-ml/otelcol.yaml"), 0o644))
	made := filepath.Join(t.TempDir(), "newer.deb")
	dist.Run(t, "dpkg-deb", "-Znone", "--build", dir, made)
	return made
}

// TestDeb: installed, started as the unit says, upgraded over a changed configuration, removed, purged.
func TestDeb(t *testing.T) {
	s, ports := newSystem(t), collect.FreePorts(t)

	output := s.run(t, "dpkg", "--install", s.copyIn(t, dist.Deb(t)))
	assert.Contains(t, output, "systemctl enable --now otelcol-ml", "it says how to start it")
	assert.Equal(t, "otelcol-ml version "+dist.Version(t)+"\n", s.run(t, "otelcol-ml", "--version"))
	assert.Empty(t, s.run(t, "dpkg", "--audit"))
	assert.Empty(t, s.run(t, "dpkg", "--verify", "otelcol-ml"))
	uid, gid := s.ids(t, "otelcol-ml")
	s.owned(t, dataDir, uid, gid, 0o750)
	s.owned(t, environment, 0, gid, 0o640)
	s.owned(t, configFile, 0, 0, 0o644)

	changed := s.change(t, ports)
	running := s.start(t, ports)
	collect.Keep(t, running, ports, s.path(dataDir), firstTrace)
	s.owned(t, dataDir+"/kept-traces.jsonl", uid, gid, 0)
	reload, err := confine.Run(t, s.program(t, "ExecReload", 0))
	require.NoError(t, err, reload)
	running.Signal(t, syscall.SIGHUP) // kill -HUP $MAINPID
	running.Until(t, "the reload", func(context.Context) error {
		if !strings.Contains(running.Output(), "the collector restarts with it") {
			return errors.New("the log does not say so")
		}
		return nil
	})
	collect.Healthy(t, running, ports)
	running.Stop(t)
	assert.NotContains(t, running.Output(), "operation not permitted", "the system calls that it needs are allowed")

	output = s.run(t, "dpkg", keepChanged, "--install", s.copyIn(t, newer(t)))
	assert.NotContains(t, output, "not started")
	assert.Equal(t, changed, s.read(t, configFile), "the user's configuration stays")
	assert.Contains(t, s.read(t, configFile+".dpkg-dist"), "of the next version", "and the new one is beside it")
	assert.Contains(t, s.read(t, environment), ports.Health)
	running = s.start(t, ports)
	collect.Keep(t, running, ports, s.path(dataDir), secondTrace)
	running.Stop(t)
	assert.Contains(t, s.read(t, dataDir+"/kept-traces.jsonl"), firstTrace, "kept traces stay")

	s.run(t, "dpkg", "--remove", "otelcol-ml")
	assert.NoFileExists(t, s.path("usr/bin/otelcol-ml"))
	assert.NoFileExists(t, s.path(unitFile))
	assert.Equal(t, changed, s.read(t, configFile), "the configuration stays")
	assert.FileExists(t, s.path(dataDir+"/kept-traces.jsonl"))
	s.run(t, "dpkg", keepChanged, "--install", s.copyIn(t, newer(t)))
	assert.Equal(t, changed, s.read(t, configFile), "and is there again")

	s.run(t, "dpkg", "--purge", "otelcol-ml")
	assert.NoDirExists(t, s.path("etc/otelcol-ml"))
	assert.NoDirExists(t, s.path(dataDir))
	assert.NoDirExists(t, s.path("usr/share/otelcol-ml"))
	assert.NoDirExists(t, s.path("usr/share/doc/otelcol-ml"))
	assert.NotContains(t, s.read(t, "etc/passwd"), "otelcol-ml")
	assert.NotContains(t, s.read(t, "etc/group"), "otelcol-ml")
	_, err = s.try(t, "dpkg", "--status", "otelcol-ml")
	assert.Error(t, err, "dpkg has forgotten it")
}

// TestRPM: installed, started as the unit says, and erased, by rpm in the same system; what it needs is not asked for,
// since the system's own packages are dpkg's.
func TestRPM(t *testing.T) {
	s, ports := newSystem(t), collect.FreePorts(t)
	output := s.run(t, "rpm", "--install", "--nodeps", s.copyIn(t, dist.RPM(t)))
	assert.Contains(t, output, "systemctl enable --now otelcol-ml")
	uid, gid := s.ids(t, "otelcol-ml")
	s.owned(t, dataDir, uid, gid, 0o750)
	s.owned(t, environment, 0, gid, 0o640)

	changed := s.change(t, ports)
	running := s.start(t, ports)
	collect.Keep(t, running, ports, s.path(dataDir), firstTrace)
	running.Stop(t)

	output = s.run(t, "rpm", "--upgrade", "--force", "--nodeps", s.copyIn(t, dist.RPM(t)))
	assert.NotContains(t, output, "not started")
	assert.Equal(t, changed, s.read(t, configFile), "the user's configuration stays")

	s.run(t, "rpm", "--erase", "--nodeps", "otelcol-ml")
	assert.NoFileExists(t, s.path("usr/bin/otelcol-ml"))
	assert.Equal(t, changed, s.read(t, configFile+".rpmsave"), "and is kept under another name")
	assert.FileExists(t, s.path(dataDir+"/kept-traces.jsonl"))
}

// owned checks the owner of a file and, unless it is 0, the mode.
func (s system) owned(t *testing.T, name string, uid, gid int, mode os.FileMode) {
	t.Helper()
	info, err := os.Stat(s.path(name))
	require.NoError(t, err)
	stat := info.Sys().(*syscall.Stat_t)
	assert.Equal(t, []int{uid, gid}, []int{int(stat.Uid), int(stat.Gid)}, "owner and group of %s", name)
	if mode != 0 {
		assert.Equal(t, mode, info.Mode().Perm(), name)
	}
}
