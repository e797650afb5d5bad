package installed

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/package/internal/dist"
)

var exposure = regexp.MustCompile(`Overall exposure level for otelcol-ml\.service: ([0-9.]+)`)

// TestUnit: systemd finds no mistake in the unit where the package is installed, and calls it little exposed.
func TestUnit(t *testing.T) {
	const limit = 2.0
	s := newSystem(t)
	s.run(t, "dpkg", "--install", s.copyIn(t, dist.Deb(t)))
	unit := s.path(unitFile)
	match := exposure.FindStringSubmatch(dist.Run(t, "systemd-analyze", "--no-pager", "security", "--offline=true", unit))
	require.NotNil(t, match)
	level, err := strconv.ParseFloat(match[1], 64)
	require.NoError(t, err)
	assert.LessOrEqual(t, level, limit)

	// It looks for the program in this machine's folders, so it is given one.
	verify := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c",
		`mount --bind "$0" /usr/local/bin && systemd-analyze --no-pager verify --man=no "$1"`, s.path("usr/bin"), unit)
	output, err := verify.CombinedOutput()
	assert.NoError(t, err)
	assert.Empty(t, string(output))
}
