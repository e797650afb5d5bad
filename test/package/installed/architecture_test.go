package installed

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/package/internal/collect"
	"github.com/otelcol-ml/otelcol-ml/test/package/internal/confine"
	"github.com/otelcol-ml/otelcol-ml/test/package/internal/dist"
)

// nobody is a user without rights.
const nobody = 65534

// TestOtherArchitecture: the program for the architecture that this machine does not have, in an emulator: it says its
// version, starts, keeps a trace and ends. The image of that architecture has the same program.
func TestOtherArchitecture(t *testing.T) {
	arch, emulator := "arm64", "qemu-aarch64-static"
	if runtime.GOARCH == "arm64" {
		arch, emulator = "amd64", "qemu-x86_64-static"
	}
	emulator, err := exec.LookPath(emulator)
	require.NoError(t, err, "`make test-package` installs qemu-user-static")
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	name := "otelcol-ml_" + dist.Version(t) + "_linux_" + arch
	dist.Run(t, "tar", "-xzf", dist.File(t, name+".tar.gz"), "-C", dir)
	program := filepath.Join(dir, name, "otelcol-ml")
	assert.Equal(t, "otelcol-ml version "+dist.Version(t)+"\n", dist.Run(t, emulator, program, "--version"))
	file, err := elf.Open(program)
	require.NoError(t, err)
	defer file.Close()
	assert.Equal(t, map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64}[arch], file.Machine)
	image := dist.Run(t, "sh", "-c", `for layer in $(tar -tf "$0" | grep 'gz$'); do tar -xOf "$0" "$layer" | tar -xzO otelcol-ml 2> /dev/null | cmp - "$1" && echo same; done`,
		dist.File(t, "otelcol-ml-image_"+dist.Version(t)+"_linux_"+arch+".tar"), program)
	assert.Contains(t, image, "same\n")

	data, ports := filepath.Join(dir, "data"), collect.FreePorts(t)
	require.NoError(t, os.Mkdir(data, 0o755))
	require.NoError(t, os.Chown(data, nobody, nobody))
	running := confine.Start(t, confine.Program{
		Root: "/", UID: nobody, GID: nobody, Env: append(ports.Env(), "OTELCOL_ML_DATA_DIR="+data),
		Args: []string{emulator, program, "--config", filepath.Join(dir, name, "otelcol.yaml")},
	})
	collect.Healthy(t, running, ports)
	collect.Keep(t, running, ports, data, firstTrace)
	running.Stop(t)
}
