package collector

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
)

// Options say how to run a collector.
type Options struct {
	// Binary is the collector, built by `make build`.
	Binary string
	// Configs are values of --config: files, or yaml: for single settings. Later ones override earlier ones.
	Configs []string
	// Addresses are where it listens.
	Addresses Addresses
	// DataDir is the folder of the kept traces.
	DataDir string
	// Log is the file that takes what it logs.
	Log string
	// Env is added to its environment.
	Env []string
	// OwnGroup keeps Ctrl-C in a terminal from it.
	OwnGroup bool
	// Args come after the configuration.
	Args []string
}

// Collector is a running collector.
type Collector struct {
	*proc.Process
	Addresses
	dataDir string
}

// Start starts a collector and waits until it is ready.
func Start(ctx context.Context, options Options) (*Collector, error) {
	c, err := Launch(options)
	if err != nil {
		return nil, err
	}
	if err := c.Until(ctx, "the collector's health check", c.healthy); err != nil {
		return nil, c.end(err)
	}
	return c, nil
}

// Launch starts a collector and does not wait.
func Launch(options Options) (*Collector, error) {
	if _, err := os.Stat(options.Binary); err != nil {
		return nil, fmt.Errorf("no collector at %s: build it with `make build`", options.Binary)
	}
	env, err := options.Addresses.env()
	if err != nil {
		return nil, err
	}
	dataDir, err := filepath.Abs(options.DataDir)
	if err != nil {
		return nil, err
	}
	var args []string
	for _, config := range options.Configs {
		args = append(args, "--config", config)
	}
	process, err := proc.Start(proc.Command{
		Name: "the collector",
		Path: options.Binary,
		Args: append(args, options.Args...),
		Env:  append(append(env, "OTELCOL_ML_DATA_DIR="+dataDir), options.Env...),
		Log:  options.Log, OwnGroup: options.OwnGroup,
	})
	if err != nil {
		return nil, err
	}
	return &Collector{Process: process, Addresses: options.Addresses, dataDir: dataDir}, nil
}

// end kills a collector that is of no use and returns why.
func (c *Collector) end(reason error) error {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.Stop(ended) // killed at once: it never became ready
	return reason
}

func (c *Collector) healthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.HealthURL(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the health check answers %s", response.Status)
	}
	return nil
}

// KeptFile is the file of the traces that tail sampling kept.
func (c *Collector) KeptFile() string { return filepath.Join(c.dataDir, "kept-traces.jsonl") }

// Metrics reads what Prometheus would scrape.
func (c *Collector) Metrics(ctx context.Context) (scrape.Samples, error) {
	return scrape.Fetch(ctx, c.MetricsURL())
}

// Telemetry reads the collector's own metrics.
func (c *Collector) Telemetry(ctx context.Context) (scrape.Samples, error) {
	return scrape.Fetch(ctx, c.TelemetryURL())
}
