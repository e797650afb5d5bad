package alerts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/proc"
)

// What fires of a collector: in a tier whose sampler is killed, at its restart, and by what is configured.
var (
	killed    = []string{"MLCollectorDown sampler", "MLSpansWaitForSampler", "MLUndecidedTracesLost"}
	restarted = []string{"MLUndecidedTracesAtRestart"}
	dropping  = []string{"MLTracesDropped memory"}
	refusing  = []string{"MLSpansRefused"}
	flooded   = []string{
		"MLAdaptiveSampling", "MLGPUQueueOverCompute", "MLSamplingPolicyFails", "MLSeriesLimitReached", "MLSeriesNearLimit", "MLSignalUnusual",
		"MLSpansAfterDecision", "MLTracesDecidedEarly", "MLTracesNotDelivered",
	}
)

// notLive are the alerts that no live run raises, with the reason.
var notLive = map[string]string{
	"MLKafkaBehind": "needs a Kafka broker, and records that are a minute old by the wall clock",
}

// TestEveryAlertIsLive: each alert of the rules is expected in a live run, or is known not to be.
func TestEveryAlertIsLive(t *testing.T) {
	live := names(slices.Concat(expected, expectedOfDays, killed, restarted, dropping, refusing, flooded))
	files, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/rules*.yaml"))
	require.NoError(t, err)
	var known []string
	for _, group := range startPrometheus(t, files...).groups {
		for _, rule := range group.Rules() {
			if alert, ok := rule.(*rules.AlertingRule); ok && notLive[alert.Name()] == "" {
				known = append(known, alert.Name())
			}
		}
	}
	assert.ElementsMatch(t, known, live)
}

// TestCollectorDies: a sampler behind a gateway is killed and stays away, comes back, and is killed and started at once.
func TestCollectorDies(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	sampler := f.machine("sampler", "deploy/two-tier/sampler.yaml")
	sampler.start()
	gateway := f.machine("gateway")
	gateway.files = []string{filepath.Join(root, "deploy/two-tier/gateway-static.yaml")}
	gateway.env = []string{"OTELCOL_ML_SAMPLERS=" + sampler.addresses.GRPC}
	gateway.scrapesMetrics = false // it counts no spans
	gateway.start()
	traffic := client{t: t, url: "http://" + gateway.addresses.HTTP + "/v1/traces"}
	sent := 0
	minute := func() { sent += traffic.send(vision(false), llm(false)) }
	counted := func() {
		t.Helper()
		sampler.until("every span", func(ctx context.Context) error {
			scraped, err := sampler.process.Metrics(ctx)
			if err != nil {
				return err
			}
			if n := int(scraped.Sum("duration_ms_count")); n < sent {
				return fmt.Errorf("%d of %d", n, sent)
			}
			return nil
		})
	}

	f.minutes(30, func() { minute(); counted() })
	assert.Empty(t, f.fired())

	sampler.kill()
	f.minutes(20, minute)
	assert.Equal(t, killed, slices.Sorted(maps.Keys(f.seen)))
	assert.Equal(t, []string{"sampler"}, notified(t, slices.Collect(maps.Values(f.seen))), "both ports are scraped: one page")

	sampler.start()
	sent = 0 // a new process, which gets what waited in the gateway as well
	f.minutes(15, func() { minute(); counted() })
	assert.Empty(t, f.now(), "it is back")

	f.fired()
	sampler.kill()
	sampler.start()
	sent = 0
	f.minutes(2, func() { minute(); counted() })
	assert.Equal(t, restarted, f.fired())
	f.minutes(20, func() { minute(); counted() })
	assert.Empty(t, f.now(), "all is over")
}

// TestCollectorAtItsLimits: configurations are rolled out that are too small, or wrong, and taken back.
func TestCollectorAtItsLimits(t *testing.T) {
	t.Parallel()
	nobody, err := proc.FreeAddress()
	require.NoError(t, err)
	f := newFleet(t)
	c := f.machine("collector")
	c.files = append(c.files, "yaml:processors::mltailsampling::decision_wait: 1s")
	c.start()
	traffic := client{t: t, url: "http://" + c.addresses.HTTP + "/v1/traces"}
	model, first, lateSpans := 0, uint64(0), 0.0
	minute := func() {
		if first == 0 {
			first = traffic.last + 1
		}
		for range 20 {
			model++
			of := vision(true)
			of.times, of.with["ml.model.name"] = 5, fmt.Sprint("model-", model%60)
			traffic.send(of)
		}
		// Spans of a trace that was decided long ago: it was the first, and the sampler holds no more than twenty.
		late := vision(false)
		late.times, late.trace = 10, first
		c.until("late spans, and an export that fails", func(ctx context.Context) error {
			traffic.send(late)
			scraped, err := c.process.Telemetry(ctx)
			if err != nil {
				return err
			}
			n, lost := scraped.Sum("otelcol_processor_mltailsampling_late_spans"), scraped.Sum("otelcol_exporter_send_failed_spans")
			if n <= lateSpans || lost == 0 {
				return fmt.Errorf("%v late, %v lost", n, lost)
			}
			lateSpans = n
			return nil
		})
	}
	usual := func() { traffic.send(vision(false), llm(false)) }
	// Nothing waits when the process is replaced, or MLUndecidedTracesAtRestart says so.
	replace := func(configs []string, env ...string) {
		t.Helper()
		c.until("no trace that waits", func(ctx context.Context) error {
			scraped, err := c.process.Telemetry(ctx)
			if err != nil {
				return err
			}
			of := func(metric string) float64 { return scraped.Sum("otelcol_processor_mltailsampling_" + metric) }
			if n := of("waiting_traces") + of("evaluated_traces") + of("dropped_traces") - of("traces"); n > 0 {
				return fmt.Errorf("%v traces wait", n)
			}
			return nil
		})
		f.minutes(3, func() {})
		c.stop()
		c.files, c.env = append(c.files[:3:3], configs...), env
		c.start()
	}

	f.minutes(20, usual)
	assert.Empty(t, f.fired())

	// The least that the sampler takes for its heap, less than the process has.
	replace([]string{"yaml:processors::mltailsampling::pressure_heap_bytes: 16777216"})
	f.minutes(3, func() {
		c.until("traces that are dropped", func(ctx context.Context) error {
			usual()
			scraped, err := c.process.Telemetry(ctx)
			if err != nil {
				return err
			}
			if scraped.Sum("otelcol_processor_mltailsampling_dropped_traces", "reason", "memory") == 0 {
				return errors.New("none is")
			}
			return nil
		})
	})
	assert.Equal(t, dropping, f.fired())
	replace(nil)
	f.minutes(12, usual)
	assert.Empty(t, f.now(), "all is over")
	f.fired()

	replace([]string{"yaml:processors: {memory_limiter: {limit_percentage: 0, spike_limit_percentage: 0, limit_mib: 5, spike_limit_mib: 1}}"})
	body, _ := traffic.encode(vision(false))
	refused := func() {
		c.until("a refusal", func(context.Context) error {
			if status := traffic.post(body); status != http.StatusServiceUnavailable {
				return fmt.Errorf("status %d", status)
			}
			return nil
		})
	}
	f.minutes(3, refused)
	f.fired()
	f.minutes(3, refused)
	assert.Equal(t, refusing, f.fired())

	replace(nil)
	f.minutes(15, usual)
	assert.Empty(t, f.now(), "all is over")
	f.fired()

	replace([]string{
		filepath.Join(root, "deploy/adaptive-sampling/otelcol.yaml"),
		filepath.Join(root, "deploy/backend/otelcol.yaml"),
		"yaml:connectors::mlmetrics::series_limit: 50",
		"yaml:processors::mltailsampling::num_traces: 20",
		`yaml:{processors: {mltailsampling: {policies: [{name: adaptive, type: mlsampling},
			{name: broken, type: ottl_condition, ottl_condition: {error_mode: propagate, span: ['ParseJSON(span.attributes["ml.model.name"])["a"] == 1']}}]}}}`,
		"yaml:exporters::otlp_http/backend::retry_on_failure::enabled: false",
	}, "OTELCOL_ML_TRACE_BUDGET=1", "OTELCOL_ML_OTLP_ENDPOINT=http://"+nobody)
	f.minutes(25, minute)
	assert.Equal(t, flooded, names(f.fired()))

	replace(nil)
	f.minutes(80, usual)
	assert.Empty(t, f.now(), "all is over")
}

// names returns the names of alerts, without what identify adds.
func names(alerts []string) []string {
	var all []string
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, " ")
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// fleet is some collectors, scraped by one Prometheus.
type fleet struct {
	t          *testing.T
	prometheus *prometheus
	machines   []*machine
	began, at  time.Time
	// seen are the alerts that have fired, and last those of the last minute.
	seen, last map[string]labels.Labels
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/rules*.yaml"))
	require.NoError(t, err)
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	return &fleet{t: t, prometheus: startPrometheus(t, files...), at: at, began: at, seen: map[string]labels.Labels{}}
}

// minutes passes minutes, in each of which something is sent, every collector is scraped and the rules are evaluated.
func (f *fleet) minutes(n int, send func()) {
	f.t.Helper()
	for range n {
		send()
		f.at = f.at.Add(step)
		for _, m := range f.machines {
			m.scrape(f.at)
		}
		f.last = f.prometheus.evaluate(f.at)
		maps.Copy(f.seen, f.last)
	}
}

// fired returns the alerts that have fired since it was called last.
func (f *fleet) fired() []string {
	seen := slices.Sorted(maps.Keys(f.seen))
	f.seen = map[string]labels.Labels{}
	return seen
}

// now returns the alerts that fire.
func (f *fleet) now() []string { return slices.Sorted(maps.Keys(f.last)) }

// machine is where a collector runs, or ran.
type machine struct {
	fleet          *fleet
	name, dir      string
	addresses      collector.Addresses
	files, env     []string
	scrapesMetrics bool
	process        *collector.Collector
	since          time.Time
}

func (f *fleet) machine(name string, overlays ...string) *machine {
	f.t.Helper()
	addresses, err := collector.FreeAddresses()
	require.NoError(f.t, err)
	m := &machine{fleet: f, name: name, dir: f.t.TempDir(), addresses: addresses, scrapesMetrics: true}
	m.files = []string{filepath.Join(root, "otelcol.yaml"), "yaml:connectors::mlmetrics::metrics_flush_interval: 50ms"}
	for _, overlay := range overlays {
		m.files = append(m.files, filepath.Join(root, overlay))
	}
	f.machines = append(f.machines, m)
	return m
}

func (m *machine) start() {
	t := m.fleet.t
	t.Helper()
	process, err := collector.Start(t.Context(), collector.Options{
		Binary: collectorBinary(), Addresses: m.addresses, DataDir: m.dir, Log: filepath.Join(m.dir, "collector.log"), Configs: m.files, Env: m.env, OwnGroup: true,
	})
	require.NoError(t, err)
	m.process, m.since = process, m.fleet.at
	t.Cleanup(func() { assert.NoError(t, end(process)) })
}

func (m *machine) stop() {
	require.NoError(m.fleet.t, end(m.process))
	m.process = nil
}

func (m *machine) kill() {
	require.NoError(m.fleet.t, syscall.Kill(m.process.PID(), syscall.SIGKILL))
	<-m.process.Exited()
	m.process = nil
}

func end(process *collector.Collector) error {
	stopping, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return process.Stop(stopping)
}

func (m *machine) until(what string, condition func(context.Context) error) {
	m.fleet.t.Helper()
	require.NoError(m.fleet.t, m.process.Until(m.fleet.t.Context(), what, condition))
}

// scrape scrapes both ports of the collector, as prometheus.yml does.
func (m *machine) scrape(at time.Time) {
	t, p := m.fleet.t, m.fleet.prometheus
	t.Helper()
	metrics, telemetry := m.name+":9464", m.name+":8888"
	if m.process == nil {
		if m.scrapesMetrics {
			p.down(at, "otelcol-ml", metrics)
		}
		p.down(at, "otelcol-ml-self", telemetry)
		return
	}
	if m.scrapesMetrics {
		scraped, err := m.process.Metrics(t.Context())
		require.NoError(t, err)
		p.add(at, "otelcol-ml", metrics, scraped)
	}
	own, err := m.process.Telemetry(t.Context())
	require.NoError(t, err)
	for i := range own {
		if own[i].Labels.Get(model.MetricNameLabel) == "otelcol_process_uptime" {
			own[i].Value = at.Sub(m.since).Seconds()
		}
	}
	p.add(at, "otelcol-ml-self", telemetry, own)
}
