package stack

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
)

// Prometheus is a running Prometheus server.
type Prometheus struct {
	*proc.Process
	v1.API
	// URL is where the server listens.
	URL string
	t   testing.TB
}

// StartPrometheus starts a server that scrapes the addresses, host:port, every second, loads the rule files and takes
// remote writes. It waits until each target has been scraped, so that what is sent from then on is seen from its first
// increment.
func StartPrometheus(t testing.TB, ruleFiles []string, targets ...string) *Prometheus {
	t.Helper()
	return startPrometheus(t, false, ruleFiles, targets)
}

// StartPrometheusNative starts a server that stores exponential histograms as native ones.
func StartPrometheusNative(t testing.TB, targets ...string) *Prometheus {
	t.Helper()
	return startPrometheus(t, true, nil, targets)
}

func startPrometheus(t testing.TB, native bool, ruleFiles, targets []string) *Prometheus {
	t.Helper()
	config := fmt.Sprintf(`
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [%s]
scrape_configs:
  - job_name: otelcol-ml
    scrape_native_histograms: %t
    static_configs: [{ targets: [%s] }]
`, strings.Join(ruleFiles, ", "), native, strings.Join(targets, ", "))
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/prometheus.yaml", []byte(config), 0o600))
	p := launchPrometheus(t, dir+"/prometheus.yaml", "--web.enable-remote-write-receiver")
	Until(t, p.Process, "the first scrape of each target", func(ctx context.Context) error {
		up, err := p.at(ctx, "up", time.Now())
		if err != nil {
			return err
		}
		for _, sample := range up {
			if sample.Value != 1 {
				return fmt.Errorf("%s is not up", sample.Metric)
			}
		}
		if len(up) != len(targets) {
			return fmt.Errorf("%d of %d targets are scraped", len(up), len(targets))
		}
		return nil
	})
	return p
}

// StartPrometheusConfig starts a server with a configuration of its own, which may name other files of the folder dir. It
// waits until the server is ready.
func StartPrometheusConfig(t testing.TB, dir, config string) *Prometheus {
	t.Helper()
	require.NoError(t, os.WriteFile(dir+"/prometheus.yaml", []byte(config), 0o600))
	p := launchPrometheus(t, dir+"/prometheus.yaml")
	p.untilReady()
	return p
}

// StartPrometheusOTLP starts a server with a configuration file of the repository that takes OTLP. It waits until the
// server is ready.
func StartPrometheusOTLP(t testing.TB, config string) *Prometheus {
	t.Helper()
	p := launchPrometheus(t, config, "--web.enable-otlp-receiver")
	p.untilReady()
	return p
}

func (p *Prometheus) untilReady() {
	p.t.Helper()
	Until(p.t, p.Process, "Prometheus", func(ctx context.Context) error {
		_, err := p.Buildinfo(ctx)
		return err
	})
}

// launchPrometheus starts a server, without waiting, and stops it with the test.
func launchPrometheus(t testing.TB, config string, args ...string) *Prometheus {
	t.Helper()
	binary, dir := prometheusBinary.find(t), t.TempDir()
	address, err := proc.FreeAddress()
	require.NoError(t, err)
	process, err := proc.Start(proc.Command{
		Name: "Prometheus", Path: binary, Dir: dir, Log: dir + "/prometheus.log",
		Args: append([]string{
			"--config.file=" + config, "--storage.tsdb.path=data", "--web.listen-address=" + address,
			"--enable-feature=exemplar-storage", "--log.level=warn",
		}, args...),
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		Stop(t, process)
		if t.Failed() {
			t.Logf("the end of Prometheus' log:\n%s", process.Tail(10))
		}
	})
	client, err := api.NewClient(api.Config{Address: "http://" + address})
	require.NoError(t, err)
	return &Prometheus{Process: process, API: v1.NewAPI(client), URL: "http://" + address, t: t}
}

// In returns the server for a subtest, which fails instead of its parent.
func (p *Prometheus) In(t testing.TB) *Prometheus {
	return &Prometheus{Process: p.Process, API: p.API, t: t}
}

// Ask answers an expression as of the newest scrape: at that time rate() and increase() have nothing to extrapolate.
func (p *Prometheus) Ask(expression string) model.Vector {
	p.t.Helper()
	answer, err := p.ask(p.t.Context(), expression)
	require.NoError(p.t, err, expression)
	return answer
}

// Number answers an expression that has one value.
func (p *Prometheus) Number(expression string) float64 {
	p.t.Helper()
	answer := p.Ask(expression)
	require.Len(p.t, answer, 1, expression)
	return float64(answer[0].Value)
}

// By answers an expression with one value for each set of the labels' values, joined by a slash.
func (p *Prometheus) By(expression string, labels ...model.LabelName) map[string]float64 {
	p.t.Helper()
	by := map[string]float64{}
	for _, sample := range p.Ask(expression) {
		key := make([]string, len(labels))
		for i, label := range labels {
			key[i] = string(sample.Metric[label])
		}
		by[strings.Join(key, "/")] = float64(sample.Value)
	}
	return by
}

// UntilEqual waits until an expression's one value is a number, and fails the test where it goes past it.
func (p *Prometheus) UntilEqual(expression string, want float64) {
	p.t.Helper()
	var past float64
	Until(p.t, p.Process, expression, func(ctx context.Context) error {
		answer, err := p.ask(ctx, expression)
		if err != nil {
			return err
		}
		if len(answer) != 1 {
			return fmt.Errorf("%d values, want %v", len(answer), want)
		}
		got := float64(answer[0].Value)
		if got > want {
			past = got
			return nil
		}
		if got != want {
			return fmt.Errorf("is %v, want %v", got, want)
		}
		return nil
	})
	require.Zerof(p.t, past, "%s: counted more than was sent, %v", expression, want)
}

func (p *Prometheus) ask(ctx context.Context, expression string) (model.Vector, error) {
	newest, err := p.at(ctx, "max(timestamp(up))", time.Now())
	if err != nil {
		return nil, err
	}
	if len(newest) != 1 { // nothing is scraped: what is here was written
		return p.at(ctx, expression, time.Now())
	}
	return p.at(ctx, expression, time.UnixMilli(int64(float64(newest[0].Value)*1000+0.5)))
}

func (p *Prometheus) at(ctx context.Context, expression string, at time.Time) (model.Vector, error) {
	value, _, err := p.Query(ctx, expression, at)
	if err != nil {
		return nil, err
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("%s is a %s, not a vector", expression, value.Type())
	}
	return vector, nil
}
