// Package whole has the complete pipelines that are compared: the shipped
// otelcol.yaml, and what does the same with contrib's components. Their policies
// are those of otelcol.yaml, read from it.
package whole

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml
var files embed.FS

// Pipeline is a complete configuration.
type Pipeline struct {
	// Name is how the table calls it.
	Name string
	// shipped: otelcol.yaml itself. Otherwise file, with the policies of otelcol.yaml.
	shipped bool
	file    string
	// Samples reports whether traces wait in it for a decision.
	Samples bool
}

// The pipelines, in the order of the table.
var (
	Receive  = Pipeline{Name: "receive, decode, discard", file: "receive.yaml"}
	Shipped  = Pipeline{Name: "otelcol.yaml", shipped: true, Samples: true}
	Contrib  = Pipeline{Name: "transform + spanmetrics + tail_sampling", file: "contrib.yaml", Samples: true}
	Ours     = Pipeline{Name: "otelcol.yaml with contrib's tail_sampling", file: "ours-contrib-sampling.yaml", Samples: true}
	Counting = Pipeline{Name: "mlsignals + mlmetrics, no sampling", file: "counting.yaml"}
)

// All are the pipelines in the order of the table.
var All = []Pipeline{Receive, Counting, Shipped, Ours, Contrib}

// Write writes the configuration files of a pipeline into a folder and returns
// their paths. shipped is the path of otelcol.yaml. Endpoints and folders are
// given by the environment variables of otelcol.yaml.
func (p Pipeline) Write(dir, shipped string) ([]string, error) {
	if p.shipped {
		return []string{shipped}, nil
	}
	base, err := p.write(dir, "base.yaml", nil)
	if err != nil {
		return nil, err
	}
	var sampling map[string]any
	if p.Samples {
		if sampling, err = policies(shipped); err != nil {
			return nil, err
		}
	}
	file, err := p.write(dir, p.file, sampling)
	if err != nil {
		return nil, err
	}
	return []string{base, file}, nil
}

// policies returns the settings that contrib's tail_sampling shares with the mltailsampling of otelcol.yaml.
func policies(shipped string) (map[string]any, error) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		return nil, err
	}
	var config struct {
		Processors map[string]map[string]any `yaml:"processors"`
	}
	if err := yaml.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", shipped, err)
	}
	settings := config.Processors["mltailsampling"]
	if settings["policies"] == nil {
		return nil, fmt.Errorf("%s: processors::mltailsampling::policies: found none", shipped)
	}
	return map[string]any{
		"decision_wait":  settings["decision_wait"],
		"num_traces":     settings["num_traces"],
		"decision_cache": settings["decision_cache"],
		"policies":       settings["policies"],
	}, nil
}

// write writes an embedded file, with the settings of tail_sampling where there are any.
func (p Pipeline) write(dir, name string, sampling map[string]any) (string, error) {
	data, err := files.ReadFile(name)
	if err != nil {
		return "", err
	}
	if sampling != nil {
		var config map[string]any
		if err := yaml.Unmarshal(data, &config); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		config["processors"].(map[string]any)["tail_sampling"] = sampling
		if data, err = yaml.Marshal(config); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, data, 0o600)
}
