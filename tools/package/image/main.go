// Command image makes the container image of the collector without a container
// engine, for several architectures: an OCI layout with an index of all, which
// crane pushes, and for each one an archive that docker load and podman load read.
//
// An image has one root file system for each platform, given as a folder:
//
//	image -version 0.1.0 -o dist/image -archive 'dist/otelcol-ml-image_0.1.0_{platform}.tar' linux/amd64=build/package/image/amd64
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	b := build{platforms: map[string]string{}}
	flag.StringVar(&b.version, "version", "", "version of the image, also its tag")
	epoch := flag.Int64("epoch", 0, "time of the image and its files, in seconds since 1970, so that the same files give the same image")
	flag.StringVar(&b.output, "o", "", "folder of the OCI layout")
	flag.StringVar(&b.archive, "archive", "", "path of an archive for each platform, with {platform} in it")
	flag.Parse()
	b.created = time.Unix(*epoch, 0).UTC()
	for _, arg := range flag.Args() {
		platform, root, ok := strings.Cut(arg, "=")
		if !ok {
			fail(fmt.Errorf("found %q, must be a platform and its folder, such as linux/amd64=build/package/image/amd64", arg))
		}
		b.order = append(b.order, platform)
		b.platforms[platform] = root
	}
	if err := b.run(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "image:", err)
	os.Exit(1)
}

// build is what the command line asks for.
type build struct {
	version, output, archive string
	created                  time.Time
	order                    []string
	platforms                map[string]string // root file systems
}

func (b build) run() error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, name := range b.order {
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return err
		}
		image, err := b.image(platform, b.platforms[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := b.writeArchive(platform, image); err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	if err := os.RemoveAll(b.output); err != nil {
		return err
	}
	// The layout names one thing, the index, so that crane push takes it as it is.
	path, err := layout.Write(b.output, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": b.version}))
}

// image is the image of one platform: the files that seldom change, and on top the binary.
func (b build) image(platform *v1.Platform, root string) (v1.Image, error) {
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	for _, want := range []func(path string) bool{
		func(path string) bool { return path != binary },
		func(path string) bool { return path == binary },
	} {
		content, err := archive(root, b.created, want)
		if err != nil {
			return nil, err
		}
		layer, err := tarball.LayerFromOpener(content, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
		if err != nil {
			return nil, err
		}
		image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: b.created}, CreatedBy: "make image"}})
		if err != nil {
			return nil, err
		}
	}
	return mutate.ConfigFile(image, b.config(image, platform))
}

// config is what a container runs, and with what.
func (b build) config(image v1.Image, platform *v1.Platform) *v1.ConfigFile {
	file, err := image.ConfigFile()
	if err != nil {
		fail(err)
	}
	config := file.DeepCopy()
	config.OS, config.Architecture, config.Variant = platform.OS, platform.Architecture, platform.Variant
	config.Created = v1.Time{Time: b.created}
	config.Config = v1.Config{
		User:       "10001:10001",
		Entrypoint: []string{"/" + binary},
		Cmd:        []string{"--config=/etc/otelcol-ml/otelcol.yaml"},
		Env: []string{
			// Inside a container localhost is the container. The page stays there: it shows what spans carry.
			"OTELCOL_ML_GRPC_ENDPOINT=0.0.0.0:4317",
			"OTELCOL_ML_HTTP_ENDPOINT=0.0.0.0:4318",
			"OTELCOL_ML_METRICS_ENDPOINT=0.0.0.0:9464",
			"OTELCOL_ML_SERVICES_ENDPOINT=0.0.0.0:9466",
			"OTELCOL_ML_HEALTH_ENDPOINT=0.0.0.0:13133",
			"OTELCOL_ML_TELEMETRY_HOST=0.0.0.0",
			"OTELCOL_ML_DATA_DIR=/data",
		},
		ExposedPorts: map[string]struct{}{
			"4317/tcp": {}, "4318/tcp": {}, "9464/tcp": {}, "9465/tcp": {}, "9466/tcp": {}, "13133/tcp": {}, "8888/tcp": {},
		},
		Volumes:    map[string]struct{}{"/data": {}},
		WorkingDir: "/",
		// Read by Docker and Podman. Kubernetes has probes of its own.
		Healthcheck: &v1.HealthConfig{
			Test: []string{"CMD", "/" + binary, "health"}, Interval: 10 * time.Second, Timeout: 6 * time.Second, StartPeriod: 30 * time.Second, Retries: 3,
		},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "otelcol-ml",
			"org.opencontainers.image.description": "OpenTelemetry Collector for machine-learning pipelines",
			"org.opencontainers.image.version":     b.version,
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.source":      "https://github.com/otelcol-ml/otelcol-ml",
		},
	}
	return config
}

func (b build) writeArchive(platform *v1.Platform, image v1.Image) error {
	if b.archive == "" {
		return nil
	}
	tag, err := name.NewTag("otelcol-ml:" + b.version)
	if err != nil {
		return err
	}
	path := strings.ReplaceAll(b.archive, "{platform}", platform.OS+"_"+platform.Architecture)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return tarball.WriteToFile(path, tag, image)
}
