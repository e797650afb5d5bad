package packages

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
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

// loadIndex returns the index of the layout, and this machine's image in it.
func loadIndex(t *testing.T) (v1.ImageIndex, v1.Image) {
	t.Helper()
	path, err := layout.FromPath(dist.File(t, "image"))
	require.NoError(t, err)
	top, err := path.ImageIndex()
	require.NoError(t, err)
	manifest, err := top.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 1, "one thing to push")
	index, err := top.ImageIndex(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	manifest, err = index.IndexManifest()
	require.NoError(t, err)
	for _, one := range manifest.Manifests {
		if one.Platform.OS == "linux" && one.Platform.Architecture == runtime.GOARCH {
			image, err := index.Image(one.Digest)
			require.NoError(t, err)
			return index, image
		}
	}
	require.Fail(t, "there is no image for linux/"+runtime.GOARCH)
	return nil, nil
}

// rootfs writes the file system of an image, with its owners.
func rootfs(t *testing.T, image v1.Image) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(root), 0o755))
	content := mutate.Extract(image)
	defer content.Close()
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		path := filepath.Join(root, header.Name)
		if header.Typeflag == tar.TypeDir {
			require.NoError(t, os.MkdirAll(path, header.FileInfo().Mode()))
		} else {
			text, err := io.ReadAll(reader)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, text, header.FileInfo().Mode()))
		}
		require.NoError(t, os.Chown(path, header.Uid, header.Gid), "run these tests as root")
	}
	return root
}

// TestImageRuns: the file system of the image, as its user, receives, keeps a trace, answers the health check and ends.
func TestImageRuns(t *testing.T) {
	_, image := loadIndex(t)
	file, err := image.ConfigFile()
	require.NoError(t, err)
	root, ports := rootfs(t, image), collect.FreePorts(t)
	program := confine.Program{
		Root: root, Env: append(slices.Clone(file.Config.Env), ports.Env()...), Args: append(slices.Clone(file.Config.Entrypoint), file.Config.Cmd...),
	}
	_, err = fmt.Sscanf(file.Config.User, "%d:%d", &program.UID, &program.GID)
	require.NoError(t, err, "a number, so that Kubernetes can see that it is not root")
	require.NotZero(t, program.UID)

	health := program
	require.Equal(t, "CMD", file.Config.Healthcheck.Test[0])
	health.Args = file.Config.Healthcheck.Test[1:]
	output, err := confine.Run(t, health)
	require.Error(t, err, "nothing runs yet: %s", output)

	running := confine.Start(t, program)
	collect.Healthy(t, running, ports)
	output, err = confine.Run(t, health)
	require.NoError(t, err, output)
	collect.Keep(t, running, ports, root+"/data", "5b8efff798038103d269b633813fc60c")
	running.Stop(t)
	output, err = confine.Run(t, health)
	require.Error(t, err, output)

	for _, overlay := range shipped(t) {
		if !strings.HasSuffix(overlay, "/otelcol.yaml") {
			continue
		}
		validate := program
		validate.Env = append(validate.Env, "OTELCOL_ML_OTLP_ENDPOINT=http://tempo:4318")
		validate.Args = []string{"/otelcol-ml", "validate", "--config=/etc/otelcol-ml/otelcol.yaml", "--config=/etc/otelcol-ml/" + overlay}
		output, err := confine.Run(t, validate)
		assert.NoError(t, err, "%s: %s", overlay, output)
	}
}

// TestImageConfig: what an engine reads of the image.
func TestImageConfig(t *testing.T) {
	index, image := loadIndex(t)
	file, err := image.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, dist.Version(t), file.Config.Labels["org.opencontainers.image.version"])
	for _, port := range []string{"4317", "4318", "9464", "9465", "9466", "13133", "8888"} {
		assert.Contains(t, file.Config.ExposedPorts, port+"/tcp")
	}
	assert.Contains(t, file.Config.Volumes, "/data")
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	for _, one := range manifest.Manifests {
		assert.Equal(t, "linux", one.Platform.OS)
	}

	inside := files(t, rootfs(t, image))
	for _, path := range shipped(t) {
		assert.Contains(t, inside, "/etc/otelcol-ml/"+path)
	}
	for _, path := range []string{"/otelcol-ml", "/etc/ssl/certs/ca-certificates.crt", "/usr/share/doc/otelcol-ml/THIRD-PARTY-NOTICES.txt"} {
		assert.Contains(t, inside, path)
	}
	for path := range inside {
		assert.NotRegexp(t, `^/(bin|sbin|lib|usr/bin|usr/lib)/`, path, "nothing but the collector")
	}
}

// TestImageArchive: the archive for docker load has the same image, under the name that the documentation runs.
func TestImageArchive(t *testing.T) {
	path := dist.File(t, "otelcol-ml-image_"+dist.Version(t)+"_linux_"+runtime.GOARCH+".tar")
	tag, err := name.NewTag("otelcol-ml:" + dist.Version(t))
	require.NoError(t, err)
	loaded, err := tarball.ImageFromPath(path, &tag)
	require.NoError(t, err)
	_, image := loadIndex(t)
	want, err := image.ConfigName()
	require.NoError(t, err)
	found, err := loaded.ConfigName()
	require.NoError(t, err)
	assert.Equal(t, want, found)
}

// TestImagePushed: crane pushes the layout to a registry as make push does, and an engine of this machine's architecture finds its image there.
func TestImagePushed(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	repository := strings.TrimPrefix(server.URL, "http://") + "/otelcol-ml"
	dist.Run(t, "make", "-s", "-C", dist.Root(t, "."), "push", "IMAGE="+repository, "DIST="+filepath.Dir(dist.File(t, "image")))
	crane := dist.Root(t, "bin/tools/crane")
	_, image := loadIndex(t)
	digest, err := image.Digest()
	require.NoError(t, err)
	found := dist.Run(t, crane, "digest", "--platform", "linux/"+runtime.GOARCH, repository+":"+dist.Version(t))
	assert.Equal(t, digest.String(), strings.TrimSpace(found))
	dist.Run(t, crane, "validate", "--remote", repository+":"+dist.Version(t))
}
