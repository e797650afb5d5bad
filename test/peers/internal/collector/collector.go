// Package collector runs the collector that is measured, on some of the machine's cores, and reads what it cost.
package collector

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/cores"
)

// Options say how to run it.
type Options struct {
	Binary string
	// Name is how messages call it, Files its configuration, and Env what else it is given.
	Name  string
	Files []string
	Env   []string
	// Cores is how many of the machine's cores it may use.
	Cores   int
	Machine cores.Set
	// Flush is how often metrics are exported.
	Flush time.Duration
	// CheckAt, where not empty, is where metrics go, host:port. They are discarded otherwise.
	CheckAt string
	// Dir takes its configuration and its log.
	Dir string
}

// Collector is a running collector.
type Collector struct {
	*proc.Process
	address   string
	telemetry string
}

// Start starts a collector and waits until it receives.
func Start(ctx context.Context, o Options) (*Collector, error) {
	var err error
	c := &Collector{}
	var http, metrics, serviceMetrics, health, view string
	for _, address := range []*string{&c.address, &c.telemetry, &http, &metrics, &serviceMetrics, &health, &view} {
		if *address, err = proc.FreeAddress(); err != nil {
			return nil, err
		}
	}
	_, port, err := net.SplitHostPort(c.telemetry)
	if err != nil {
		return nil, fmt.Errorf("address of the collector's own metrics: %w", err)
	}
	exporter, check := "nop", "127.0.0.1:1"
	if o.CheckAt != "" {
		exporter, check = "otlp_grpc/check", o.CheckAt
	}
	command := proc.Command{
		Name: "the collector with " + o.Name, Path: o.Binary, Log: filepath.Join(o.Dir, "collector.log"),
		Env: []string{
			"GOMAXPROCS=" + strconv.Itoa(o.Cores),
			"PEERS_GRPC_ENDPOINT=" + c.address,
			"PEERS_TELEMETRY_PORT=" + port,
			"PEERS_FLUSH_INTERVAL=" + o.Flush.String(),
			"PEERS_EXPORTER=" + exporter,
			"PEERS_CHECK_ENDPOINT=" + check,
			// Those of otelcol.yaml.
			"OTELCOL_ML_GRPC_ENDPOINT=" + c.address,
			"OTELCOL_ML_HTTP_ENDPOINT=" + http,
			"OTELCOL_ML_METRICS_ENDPOINT=" + metrics,
			"OTELCOL_ML_SERVICES_ENDPOINT=" + serviceMetrics,
			"OTELCOL_ML_HEALTH_ENDPOINT=" + health,
			"OTELCOL_ML_VIEW_ENDPOINT=" + view,
			"OTELCOL_ML_TELEMETRY_HOST=127.0.0.1",
			"OTELCOL_ML_TELEMETRY_PORT=" + port,
			"OTELCOL_ML_DATA_DIR=" + o.Dir,
		},
	}
	command.Env = append(command.Env, o.Env...)
	for _, f := range o.Files {
		command.Args = append(command.Args, "--config", f)
	}
	err = o.Machine.Divide(o.Cores, func() (err error) {
		c.Process, err = proc.Start(command)
		return err
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err = c.Until(ctx, "the collector to receive", func(ctx context.Context) error {
		if _, err := c.Counters(ctx); err != nil {
			return err
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, c.stopped())
	}
	return c, nil
}

// Address is where it receives OTLP over gRPC.
func (c *Collector) Address() string { return c.address }

// Stop ends it.
func (c *Collector) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return c.Process.Stop(ctx)
}

func (c *Collector) stopped() string {
	if err := c.Stop(); err != nil {
		return err.Error()
	}
	return c.Tail(20)
}

// Counters are the collector's own metrics, summed over their labels.
func (c *Collector) Counters(ctx context.Context) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.telemetry+"/metrics", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("the collector's own metrics: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the collector's own metrics: %w", err)
	}
	defer response.Body.Close()
	counters := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		line := lines.Text()
		end := strings.LastIndexByte(line, ' ')
		if end < 0 || line[0] == '#' {
			continue
		}
		name, _, _ := strings.Cut(line[:end], "{")
		value, err := strconv.ParseFloat(line[end+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("the collector's own metrics: %q: %w", line, err)
		}
		counters[strings.TrimSuffix(name, "_total")] += value
	}
	return counters, lines.Err()
}
