package installed

import (
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/package/internal/collect"
	"github.com/otelcol-ml/otelcol-ml/test/package/internal/dist"
)

var (
	headCommand = regexp.MustCompile(`(?m)^#     (.+)$`)
	commented   = regexp.MustCompile(`(?m)^#(OTELCOL_\w+=.+)$`)
)

// TestArchiveInstalled: the commands at the head of the unit, run as printed in the unpacked archive, install a service
// that starts, also with what the file of environment variables suggests.
func TestArchiveInstalled(t *testing.T) {
	s, ports := newSystem(t), collect.FreePorts(t)
	name := "otelcol-ml_" + dist.Version(t) + "_linux_" + runtime.GOARCH
	s.run(t, "tar", "-xzf", s.copyIn(t, dist.File(t, name+".tar.gz")), "-C", "/opt", "--no-same-owner")

	commands := headCommand.FindAllStringSubmatch(s.read(t, "/opt/"+name+"/deploy/systemd/otelcol-ml.service"), -1)
	require.Greater(t, len(commands), 5)
	for _, command := range commands {
		if strings.HasPrefix(command[1], "systemctl ") {
			continue // there is none in a build; start does what it does
		}
		s.run(t, "sh", "-ec", "cd /opt/"+name+"; "+command[1])
	}
	require.Equal(t, "systemctl enable --now otelcol-ml", commands[len(commands)-1][1])
	require.NoError(t, os.RemoveAll(s.path("/opt/"+name)), "nothing of it is needed any more")
	uid, gid := s.ids(t, "otelcol-ml")
	s.owned(t, environment, 0, gid, 0o640)
	s.owned(t, configFile, 0, 0, 0o644)
	// StateDirectory=
	require.NoError(t, os.Mkdir(s.path(dataDir), 0o750))
	require.NoError(t, os.Chown(s.path(dataDir), uid, gid))

	s.change(t, ports)
	running := s.start(t, ports)
	collect.Keep(t, running, ports, s.path(dataDir), firstTrace)
	running.Stop(t)

	suggested := s.read(t, environment)
	for _, match := range commented.FindAllStringSubmatch(suggested, -1) {
		if strings.HasPrefix(match[1], "OTELCOL_OPTIONS=") || strings.HasPrefix(match[1], "OTELCOL_ML_OTLP_ENDPOINT=") {
			suggested = strings.Replace(suggested, match[0], match[1], 1)
		}
	}
	s.write(t, environment, suggested)
	require.Contains(t, s.read(t, environment), "\nOTELCOL_OPTIONS=--config ")
	running = s.start(t, ports)
	assert.Contains(t, running.Output(), "http://tempo:4318", "it says where kept traces go")
	running.Stop(t)
}
