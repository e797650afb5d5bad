package disks

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// inside says that this process has mounts of its own.
const inside = "OTELCOL_ML_OWN_MOUNTS"

// TestMain runs the tests in a mount namespace of their own: what they mount is gone with them, however they end.
func TestMain(m *testing.M) {
	if os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		os.Exit(failed.ExitCode())
	case err != nil:
		fmt.Fprintf(os.Stderr, "a mount namespace: %v; run as root\n", err)
		os.Exit(1)
	}
}

// disk is an ext4 file system in a file.
type disk struct {
	t     testing.TB
	dir   string
	image string
}

func newDisk(t testing.TB, mib int64) *disk {
	t.Helper()
	d := &disk{t: t, dir: filepath.Join(t.TempDir(), "disk"), image: filepath.Join(t.TempDir(), "image")}
	require.NoError(t, os.Mkdir(d.dir, 0o755))
	require.NoError(t, os.WriteFile(d.image, nil, 0o600))
	require.NoError(t, os.Truncate(d.image, mib<<20))
	d.run("mkfs.ext4", "-q", "-F", "-m", "0", d.image)
	d.mount()
	t.Cleanup(d.unmount)
	return d
}

func (d *disk) run(command ...string) {
	d.t.Helper()
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	require.NoError(d.t, err, "%v: %s", command, out)
}

func (d *disk) mount()   { d.t.Helper(); d.run("mount", "-o", "loop", d.image, d.dir) }
func (d *disk) unmount() { d.t.Helper(); d.run("umount", d.dir) }

func (d *disk) path(name string) string { return filepath.Join(d.dir, name) }

// fill writes a file until nothing more can be written.
func (d *disk) fill() {
	d.t.Helper()
	file, err := os.OpenFile(d.path("ballast"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(d.t, err)
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if n, err := file.Write(make([]byte, size)); err != nil {
			require.ErrorIs(d.t, err, syscall.ENOSPC)
			if n == 0 {
				size /= 2
			}
		}
	}
	require.NoError(d.t, file.Sync())
}

// makeRoom removes what fill has written.
func (d *disk) makeRoom() {
	d.t.Helper()
	require.NoError(d.t, os.Remove(d.path("ballast")))
}

// breaks does what ext4 does after an error of the hardware: the disk becomes read-only under whoever has files open.
// What was written before is on it.
func (d *disk) breaks() {
	d.t.Helper()
	d.run("sync", "-f", d.dir)
	d.run("mount", "-o", "remount,abort", d.dir)
	require.Error(d.t, os.WriteFile(d.path("new"), []byte("x"), 0o600), "it can be written")
}

// repair checks the file system of a disk that nobody has open, and mounts it again.
func (d *disk) repair() {
	d.t.Helper()
	d.unmount()
	if out, err := exec.Command("fsck.ext4", "-y", d.image).CombinedOutput(); err != nil {
		var fixed *exec.ExitError
		require.ErrorAs(d.t, err, &fixed)
		require.LessOrEqual(d.t, fixed.ExitCode(), 1, "%s", out)
	}
	d.mount()
}
