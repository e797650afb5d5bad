package packages

import (
	"archive/tar"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/package/internal/dist"
)

// unpack returns the folders that hold the files of each package.
func unpack(t *testing.T) map[string]string {
	t.Helper()
	roots := map[string]string{"deb": t.TempDir(), "rpm": t.TempDir(), "apk": t.TempDir()}
	dist.Run(t, "dpkg-deb", "--extract", dist.Deb(t), roots["deb"])
	shell := exec.CommandContext(t.Context(), "sh", "-c", `rpm2cpio "$0" | cpio --extract --quiet --make-directories --no-absolute-filenames`, dist.RPM(t))
	shell.Dir = roots["rpm"]
	output, err := shell.CombinedOutput()
	require.NoError(t, err, string(output))
	dist.Run(t, "tar", "-xzf", dist.APK(t), "-C", roots["apk"], "--warning=no-unknown-keyword", "--exclude=.*")
	return roots
}

// files lists the files of a folder with their modes.
func files(t *testing.T, root string) map[string]fs.FileMode {
	t.Helper()
	found := map[string]fs.FileMode{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		relative, _ := filepath.Rel(root, path)
		found["/"+relative] = info.Mode()
		return err
	}))
	return found
}

// TestContents: the packages of all kinds have the same files, among them every file of deploy/ that users need.
func TestContents(t *testing.T) {
	roots := unpack(t)
	deb := files(t, roots["deb"])
	assert.Equal(t, deb, files(t, roots["rpm"]), "the rpm has what the deb has")
	assert.Equal(t, deb, files(t, roots["apk"]), "the apk has what the deb has")

	assert.Equal(t, fs.FileMode(0o755), deb["/usr/bin/otelcol-ml"])
	assert.Equal(t, fs.FileMode(0o644), deb["/etc/otelcol-ml/otelcol.yaml"])
	assert.Equal(t, fs.FileMode(0o640), deb["/etc/otelcol-ml/environment"], "it may have tokens")
	for _, path := range []string{
		"/usr/lib/systemd/system/otelcol-ml.service", "/usr/share/man/man1/otelcol-ml.1.gz",
		"/usr/share/doc/otelcol-ml/README.md", "/usr/share/doc/otelcol-ml/LICENSE", "/usr/share/doc/otelcol-ml/THIRD-PARTY-NOTICES.txt",
		"/usr/share/doc/otelcol-ml/copyright", "/usr/share/doc/otelcol-ml/docs/deployment.md", "/usr/share/otelcol-ml/deploy/prometheus/rules-signals.yaml",
		"/usr/share/otelcol-ml/deploy/adaptive-sampling/otelcol.yaml",
	} {
		assert.Contains(t, deb, path)
	}
	for _, path := range shipped(t) {
		assert.Contains(t, deb, "/usr/share/otelcol-ml/"+path)
	}
	for path := range deb {
		assert.NotContains(t, path, "_test.", "tests are not installed")
		assert.NotContains(t, path, "/source/", "sources are not installed")
	}
}

// shipped lists the files of deploy/ that users need.
func shipped(t *testing.T) []string {
	t.Helper()
	var found []string
	for path := range files(t, dist.Root(t, "deploy")) {
		if !strings.Contains(path, "_test.") && !strings.HasPrefix(path, "/grafana/source/") {
			found = append(found, "deploy"+path)
		}
	}
	require.Greater(t, len(found), 30)
	return found
}

// TestConfigurationFiles: an upgrade keeps what the user changed in these.
func TestConfigurationFiles(t *testing.T) {
	want := []string{"/etc/otelcol-ml/environment", "/etc/otelcol-ml/otelcol.yaml"}
	assert.Equal(t, want, strings.Fields(dist.Run(t, "dpkg-deb", "--info", dist.Deb(t), "conffiles")))
	assert.Equal(t, want, strings.Fields(dist.Run(t, "rpm", "-qp", "--configfiles", dist.RPM(t))))
	noreplace := dist.Run(t, "rpm", "-qp", "--queryformat", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]", dist.RPM(t))
	for _, path := range want {
		assert.Contains(t, noreplace, path+" cn\n", "configuration that is not replaced")
	}
	environment := dist.Run(t, "rpm", "-qp", "--queryformat", "[%{FILENAMES} %{FILEUSERNAME}:%{FILEGROUPNAME}\n]", dist.RPM(t))
	assert.Contains(t, environment, "/etc/otelcol-ml/environment root:otelcol-ml\n")
	assert.Contains(t, environment, "/var/lib/otelcol-ml otelcol-ml:otelcol-ml\n")
}

// TestVersion: the version has one home, and everything is named by it.
func TestVersion(t *testing.T) {
	version := dist.Version(t)
	assert.Equal(t, version+"\n", dist.Run(t, "dpkg-deb", "--field", dist.Deb(t), "Version"))
	assert.Equal(t, version, dist.Run(t, "rpm", "-qp", "--queryformat", "%{VERSION}", dist.RPM(t)))
	assert.Contains(t, dist.Run(t, "tar", "-xzOf", dist.APK(t), ".PKGINFO"), "pkgver = "+version+"\n")
	assert.Equal(t, "otelcol-ml version "+version+"\n", dist.Run(t, archive(t)+"/otelcol-ml", "--version"))
	manifest, err := os.ReadFile(dist.Root(t, "builder-config.yaml"))
	require.NoError(t, err)
	assert.NotContains(t, strings.ReplaceAll(string(manifest), module+" v"+version+"\n", ""), module+" v", "the components have the version of the distribution")
}

const module = "github.com/otelcol-ml/otelcol-ml"

// archive unpacks the archive for this machine and returns its folder.
func archive(t *testing.T) string {
	t.Helper()
	name := "otelcol-ml_" + dist.Version(t) + "_linux_" + runtime.GOARCH
	dir := t.TempDir()
	dist.Run(t, "tar", "-xzf", dist.File(t, name+".tar.gz"), "-C", dir)
	return filepath.Join(dir, name)
}

// TestArchive: what the archive's configuration needs is in it.
func TestArchive(t *testing.T) {
	dir := archive(t)
	t.Setenv("OTELCOL_ML_OTLP_ENDPOINT", "http://localhost:4318")
	overlays, err := filepath.Glob(dir + "/deploy/*/otelcol.yaml")
	require.NoError(t, err)
	require.Greater(t, len(overlays), 3)
	for _, overlay := range overlays {
		dist.Run(t, dir+"/otelcol-ml", "validate", "--config", dir+"/otelcol.yaml", "--config", overlay)
	}
	inside := files(t, dir)
	for _, path := range append(shipped(t), "otelcol.yaml", "otelcol-ml.1", "LICENSE", "THIRD-PARTY-NOTICES.txt", "README.md", "docs/deployment.md") {
		assert.Contains(t, inside, "/"+path)
	}
}

// TestScripts: the shells that run the maintainers' scripts can read them.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob(dist.Root(t, "tools/package/scripts/*.sh"))
	require.NoError(t, err)
	require.Len(t, scripts, 4)
	for _, script := range scripts {
		dist.Run(t, "sh", "-n", script)
	}
	control := dist.Run(t, "dpkg-deb", "--info", dist.Deb(t))
	installed := dist.Run(t, "rpm", "-qp", "--scripts", dist.RPM(t))
	for _, names := range [][2]string{{"preinst", "preinstall"}, {"postinst", "postinstall"}, {"prerm", "preuninstall"}, {"postrm", "postuninstall"}} {
		assert.Contains(t, control, names[0])
		assert.Contains(t, installed, names[1]+" scriptlet")
	}
	apk := dist.Run(t, "tar", "-tzf", dist.APK(t))
	for _, name := range []string{".pre-install", ".post-install", ".pre-upgrade", ".post-upgrade", ".pre-deinstall", ".post-deinstall"} {
		assert.Contains(t, apk, name+"\n")
	}
}

// TestLinked: the notices and the SBOM name every module that is linked into the binary.
func TestLinked(t *testing.T) {
	info, err := buildinfo.ReadFile(archive(t) + "/otelcol-ml")
	require.NoError(t, err)
	notices, err := os.ReadFile(dist.File(t, "THIRD-PARTY-NOTICES.txt"))
	require.NoError(t, err)
	text, err := os.ReadFile(dist.File(t, "otelcol-ml_"+dist.Version(t)+"_linux_"+runtime.GOARCH+".cdx.json"))
	require.NoError(t, err)
	var bom struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version, PURL string }
	}
	require.NoError(t, json.Unmarshal(text, &bom))
	assert.Equal(t, "CycloneDX 1.6", bom.BOMFormat+" "+bom.SpecVersion)
	assert.Equal(t, "v"+dist.Version(t), bom.Metadata.Component.Version)
	listed := map[string]bool{}
	for _, c := range bom.Components {
		listed[c.Name+" "+c.Version] = true
		assert.NotContains(t, c.PURL, "(devel)")
	}
	require.Greater(t, len(info.Deps), 200)
	for _, dep := range info.Deps {
		if dep.Path == module {
			assert.True(t, listed[module+" v"+dist.Version(t)], "the SBOM has %s", module)
			continue
		}
		assert.Contains(t, string(notices), "\n"+dep.Path+" "+dep.Version+": ", "the notices")
		assert.True(t, listed[dep.Path+" "+dep.Version], "the SBOM has %s %s", dep.Path, dep.Version)
	}
}

// TestChecksums: every file has its checksum, and it is right.
func TestChecksums(t *testing.T) {
	sums := dist.File(t, "SHA256SUMS")
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = filepath.Dir(sums)
	output, err := check.CombinedOutput()
	require.NoError(t, err, string(output))
	entries, err := os.ReadDir(check.Dir)
	require.NoError(t, err)
	for _, entry := range entries {
		if !entry.IsDir() && entry.Name() != "SHA256SUMS" {
			assert.Contains(t, string(output), entry.Name()+": OK\n")
		}
	}
}

var (
	command = regexp.MustCompile(`(?m)^  ([a-z][a-z-]+)  +\S`)
	flag    = regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[a-z-]+)`)
)

// TestManPage: man can read the page, and it has every command and every flag of --help.
func TestManPage(t *testing.T) {
	page := dist.Run(t, "sh", "-c", `MANWIDTH=200 man --warnings --local-file "$0" | col -b`, archive(t)+"/otelcol-ml.1")
	assert.NotContains(t, page, "warning:")
	assert.Contains(t, page, "otelcol-ml "+dist.Version(t))
	help := dist.Run(t, archive(t)+"/otelcol-ml", "--help")
	_, help, _ = strings.Cut(help, "Available Commands:")
	names := append(command.FindAllStringSubmatch(help, -1), flag.FindAllStringSubmatch(help, -1)...)
	require.Greater(t, len(names), 10)
	for _, name := range names {
		assert.Regexp(t, `(?m)(^|[\s,|])`+regexp.QuoteMeta(name[1])+`\b`, page)
	}
}

// TestReproducible: nothing in the archive is newer than the commit, and everything belongs to root.
func TestReproducible(t *testing.T) {
	file, err := os.Open(dist.File(t, "otelcol-ml_"+dist.Version(t)+"_linux_"+runtime.GOARCH+".tar.gz"))
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	var times []int64
	for reader := tar.NewReader(unzipped); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		times = append(times, header.ModTime.Unix())
		assert.Zero(t, header.Uid+header.Gid, header.Name)
	}
	slices.Sort(times)
	assert.Len(t, slices.Compact(times), 1, "one time for all")
}
