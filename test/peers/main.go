// Command peers measures what mlsignals and mlmetrics cost beside the components of OpenTelemetry Collector Contrib that
// do the same work: the CPU time of the whole collector for each span that it received, and its peak memory. `make
// bench-peers` builds the collector and runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/cores"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/pipelines"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/report"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/traffic"
)

// bench is what all runs have in common.
type bench struct {
	binary  string
	dir     string
	machine cores.Set
	window  time.Duration
	flush   time.Duration
	// patience is how long measurements may still be repeated.
	patience time.Duration
	// pipelines are those that are measured as components.
	pipelines []pipelines.Pipeline
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run() error {
	binary := flag.String("collector", "bin/otelcol-peers", "the collector, built from test/peers/builder-config.yaml")
	article := flag.String("article", "testdata/article/flamegraph.json", "the request whose shape the traffic has, OTLP JSON")
	seriesList := flag.String("series", "10,1000,50000", "numbers of label sets of the durations, comma-separated")
	coresList := flag.String("cores", "1,2", "numbers of cores, comma-separated")
	rounds := flag.Int("rounds", 3, "how often everything is measured; the table has the medians")
	window := flag.Duration("window", 3*time.Second, "how long one measurement takes")
	flush := flag.Duration("flush", 15*time.Second, "interval between two exports of metrics; from 10,000 series on a measurement takes as long, so that it has exactly one")
	patience := flag.Duration("patience", 2*time.Minute, "measurements during which other programs took much of the machine are repeated, for so long in all")
	complete := flag.Bool("complete", true, "measure complete pipelines, with sampling, as well")
	shipped := flag.String("shipped", "otelcol.yaml", "the shipped configuration")
	rate := flag.Float64("rate", 40_000, "spans a second at which complete pipelines are measured")
	wait := flag.Duration("wait", 10*time.Second, "decision_wait of complete pipelines")
	only := flag.String("only", "", "measure only the complete pipelines whose name contains this")
	components := flag.Bool("components", true, "measure components")
	peers := flag.Bool("peers", true, "measure the components of OpenTelemetry Collector Contrib as well")
	before := flag.String("before", "", "the collector of another checkout, to be measured in turn with this one")
	samples := flag.String("samples", "", "file for what the components add in each round, in the format of Go benchmarks, for benchstat")
	flag.Parse()

	seriesCounts, err := numbers("series", *seriesList)
	if err != nil {
		return err
	}
	coreCounts, err := numbers("cores", *coresList)
	if err != nil {
		return err
	}
	if *rounds < 1 || *window < time.Second || *flush < time.Second {
		return fmt.Errorf("rounds: found %d, must be at least 1; window: found %v, flush: found %v, must be at least 1s", *rounds, *window, *flush)
	}
	machine, err := cores.Allowed()
	if err != nil {
		return err
	}
	for _, n := range coreCounts {
		if n > machine.Len() {
			return fmt.Errorf("cores: found %d, this machine has %d", n, machine.Len())
		}
	}
	dir, err := os.MkdirTemp("", "otelcol-ml-peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()

	sources := map[int]*traffic.Source{}
	for _, n := range seriesCounts {
		shape, err := traffic.ShapeOf(n)
		if err != nil {
			return err
		}
		if sources[n], err = traffic.New(*article, shape); err != nil {
			return err
		}
	}
	b := &bench{binary: *binary, dir: dir, machine: machine, window: *window, flush: *flush, patience: *patience}
	b.pipelines = []pipelines.Pipeline{pipelines.Receive, pipelines.Ours}
	if *before != "" {
		b.pipelines = append(b.pipelines, pipelines.Before(*before))
	}
	if *peers {
		b.pipelines = append(b.pipelines, pipelines.Peers...)
	}
	if *components {
		if err := b.all(ctx, seriesCounts, coreCounts, *rounds, sources, *samples); err != nil {
			return err
		}
	}
	if !*complete {
		return nil
	}
	shape, err := traffic.ShapeOf(1000)
	if err != nil {
		return err
	}
	sizes := map[string]*traffic.Source{}
	for name, traces := range map[string]int{"requests of 480 spans": 60, "requests of 10 spans": 1} {
		if sizes[name], err = traffic.NewOf(*article, shape, traces); err != nil {
			return err
		}
	}
	return (&wholeBench{bench: b, shipped: *shipped, rate: *rate, wait: *wait, only: *only}).all(ctx, *rounds, sizes)
}

// overhead is about how long a measurement takes besides its window.
const overhead = 2 * time.Second

// all checks every pipeline, measures them in turn and writes the table.
func (b *bench) all(ctx context.Context, seriesCounts, coreCounts []int, rounds int, sources map[int]*traffic.Source, samples string) error {
	r := report.Report{Base: pipelines.Receive.Name, Ours: pipelines.Ours.Name, Emitted: map[report.Case]int{}}
	for _, p := range b.pipelines {
		r.Pipelines = append(r.Pipelines, p.Name)
	}
	var takes time.Duration
	for _, series := range seriesCounts {
		for _, p := range b.pipelines {
			takes += time.Duration(rounds*len(coreCounts)) * (b.windowOf(p, series) + overhead)
		}
	}
	progress("this takes about %v", takes.Round(10*time.Second))
	for _, series := range seriesCounts {
		for _, p := range b.pipelines {
			if p.Histograms.Duration == "" {
				continue
			}
			emitted, err := b.check(ctx, p, series, sources[series])
			if err != nil {
				return fmt.Errorf("check %s at %d series: %w", p.Name, series, err)
			}
			r.Emitted[report.Case{Series: series, Pipeline: p.Name}] = emitted
			progress("checked %s: every value counted, %d label sets of durations, %d series in all", p.Name, series, emitted)
		}
	}
	failed := b.rounds(ctx, &r, seriesCounts, coreCounts, rounds, sources)
	if failed != nil && ctx.Err() == nil {
		return failed
	}
	if failed != nil {
		progress("interrupted; the medians of what was measured until then:")
	}
	if samples != "" {
		if err := os.WriteFile(samples, r.Samples(), 0o600); err != nil {
			return fmt.Errorf("samples: %w", err)
		}
	}
	return r.Write(os.Stdout)
}

// rounds measures every pipeline in turn, as often as set.
func (b *bench) rounds(
	ctx context.Context, r *report.Report, seriesCounts, coreCounts []int, rounds int, sources map[int]*traffic.Source,
) error {
	for round := range rounds {
		for _, n := range coreCounts {
			for _, series := range seriesCounts {
				for _, p := range b.pipelines {
					m, err := b.quietest(ctx, p, n, series, sources[series])
					if err != nil {
						return fmt.Errorf("measure %s on %d cores at %d series: %w", p.Name, n, series, err)
					}
					r.Add(report.Case{Cores: n, Series: series, Pipeline: p.Name}, m)
					progress("round %d of %d, %d cores, %d series, %s: %.3f µs a span; other programs took %.0f %% of a core",
						round+1, rounds, n, series, p.Name, m.PerSpan(), 100*m.OthersShare())
				}
			}
		}
	}
	return nil
}

// progress goes to stderr, so that stdout has the table alone.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

func numbers(flag, list string) ([]int, error) {
	var all []int
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s: found %q, must be numbers from 1, separated by commas", flag, list)
		}
		all = append(all, n)
	}
	return all, nil
}
