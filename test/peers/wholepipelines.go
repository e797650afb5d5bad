package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/collector"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/load"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/proctime"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/traffic"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/whole"
)

// wholeBench measures complete pipelines, in which traces wait for their decision.
type wholeBench struct {
	*bench
	shipped string // path of otelcol.yaml
	// rate is spans a second for the cost of a span.
	rate float64
	wait time.Duration
	// only is in the names of the pipelines to measure.
	only string
}

// shortWait is the decision_wait of the run that memory is compared with: few traces wait in it.
const shortWait = time.Second

// wholeRun is what one round measured of a pipeline.
type wholeRun struct {
	perSpan   float64 // µs of CPU, at the given rate with waiting traces
	perTrace  float64 // bytes of resident memory that a waiting trace takes
	memory    int64   // resident, with waiting traces
	rate      float64 // spans a second, as fast as the collector takes them
	saturated float64 // µs of CPU a span at that rate
}

// all measures every pipeline in turn and writes the tables.
func (b *wholeBench) all(ctx context.Context, rounds int, sources map[string]*traffic.Source) error {
	for _, name := range []string{"requests of 480 spans", "requests of 10 spans"} {
		source := sources[name]
		if source == nil {
			continue
		}
		runs := map[string][]wholeRun{}
		for round := range rounds {
			for _, p := range whole.All {
				if !strings.Contains(p.Name, b.only) {
					continue
				}
				r, err := b.run(ctx, p, source)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", name, p.Name, err)
				}
				runs[p.Name] = append(runs[p.Name], r)
				progress("round %d of %d, %s, %s: %.2f µs a span at %.0f spans/s, %.1f kB a waiting trace, %.0f spans/s at most",
					round+1, rounds, name, p.Name, r.perSpan, b.rate, r.perTrace/1e3, r.rate)
			}
		}
		if len(runs) == 0 {
			continue
		}
		if err := b.write(os.Stdout, name, runs); err != nil {
			return err
		}
	}
	memory, err := b.flat(ctx, sources["requests of 480 spans"])
	if err != nil {
		return err
	}
	fmt.Printf("\nMemory of otelcol.yaml at that rate and a decision_wait of 3s, with small caches: %d MB at most after 6 to 18 s, %d MB after 30 to 42 s, %d MB after 90 to 102 s.\n",
		memory[0]/1_000_000, memory[1]/1_000_000, memory[2]/1_000_000)
	return nil
}

// smallMemories are full before flat measures: what remembers decisions, and the page.
const smallMemories = `
processors:
  mltailsampling:
    decision_cache: { sampled_cache_size: 1000, non_sampled_cache_size: 10000 }
exporters:
  mlview: { memory_mib: 8 }
`

// flat sends at the given rate for more than thirty times a short decision_wait and
// returns the largest resident memory early on, after ten times, and after thirty times.
func (b *wholeBench) flat(ctx context.Context, source *traffic.Source) (memory [3]int64, err error) {
	const wait = 3 * time.Second
	running, err := b.start(ctx, whole.Shipped, wait, "yaml:"+smallMemories)
	if err != nil {
		return memory, err
	}
	defer func() {
		if stopped := running.Stop(); err == nil {
			err = stopped
		}
	}()
	sent, err := load.Start(ctx, running.Address(), source, connections, 0, b.rate/source.SpansPerRequest())
	if err != nil {
		return memory, err
	}
	for i, pause := range []time.Duration{2, 4, 16} {
		if err == nil {
			_, _, memory[i], err = b.measured(ctx, running, sent, pause*wait, 4*wait)
		}
	}
	if failed := sent.Stop(); err == nil {
		err = failed
	}
	return memory, err
}

func (b *wholeBench) run(ctx context.Context, p whole.Pipeline, source *traffic.Source) (r wholeRun, err error) {
	var without int64
	if p.Samples {
		if _, without, err = b.steady(ctx, p, source, shortWait); err != nil {
			return r, err
		}
	}
	if r.perSpan, r.memory, err = b.steady(ctx, p, source, b.wait); err != nil {
		return r, err
	}
	if p.Samples {
		traces := b.rate / source.SpansPerTrace() * (b.wait - shortWait).Seconds()
		r.perTrace = float64(r.memory-without) / traces
	}
	r.rate, r.saturated, err = b.saturated(ctx, p, source)
	return r, err
}

// start runs a pipeline on all cores, with more configuration if there is any.
func (b *wholeBench) start(ctx context.Context, p whole.Pipeline, wait time.Duration, more ...string) (*collector.Collector, error) {
	dir, err := os.MkdirTemp(b.dir, "whole")
	if err != nil {
		return nil, err
	}
	files, err := p.Write(dir, b.shipped)
	if err != nil {
		return nil, err
	}
	return collector.Start(ctx, collector.Options{
		Binary: b.binary, Name: p.Name, Files: append(files, more...), Cores: b.machine.Len(), Machine: b.machine, Flush: b.flush, Dir: dir,
		Env: []string{"OTELCOL_ML_DECISION_WAIT=" + wait.String()},
	})
}

// steady sends at the given rate and measures the CPU of a span, and the largest
// resident memory, from the time on at which as many traces are decided as come.
func (b *wholeBench) steady(ctx context.Context, p whole.Pipeline, source *traffic.Source, wait time.Duration) (perSpan float64, memory int64, err error) {
	running, err := b.start(ctx, p, wait)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if stopped := running.Stop(); err == nil {
			err = stopped
		}
	}()
	sent, err := load.Start(ctx, running.Address(), source, connections, 0, b.rate/source.SpansPerRequest())
	if err != nil {
		return 0, 0, err
	}
	perSpan, _, memory, err = b.measured(ctx, running, sent, wait+3*time.Second, b.long())
	if failed := sent.Stop(); err == nil {
		err = failed
	}
	return perSpan, memory, err
}

// saturated sends as much as the collector takes.
func (b *wholeBench) saturated(ctx context.Context, p whole.Pipeline, source *traffic.Source) (rate, perSpan float64, err error) {
	const wait = 3 * time.Second // so that memory is no limit
	running, err := b.start(ctx, p, wait)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if stopped := running.Stop(); err == nil {
			err = stopped
		}
	}()
	sent, err := load.Start(ctx, running.Address(), source, connections, 0, 0)
	if err != nil {
		return 0, 0, err
	}
	perSpan, rate, _, err = b.measured(ctx, running, sent, wait+3*time.Second, b.long())
	if failed := sent.Stop(); err == nil {
		err = failed
	}
	return rate, perSpan, err
}

// measured waits until a pipeline is at its steady state and measures it for the window.
func (b *wholeBench) measured(ctx context.Context, running *collector.Collector, sent *load.Load, warm, window time.Duration) (perSpan, rate float64, memory int64, err error) {
	pause := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-running.Exited():
			return fmt.Errorf("the collector ended while it was measured:\n%s", running.Tail(20))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := pause(warm); err != nil {
		return 0, 0, 0, err
	}
	began, spans := time.Now(), sent.Spans()
	before, err := proctime.Process(running.PID())
	if err != nil {
		return 0, 0, 0, err
	}
	for time.Since(began) < window {
		if err := pause(250 * time.Millisecond); err != nil {
			return 0, 0, 0, err
		}
		now, err := proctime.Memory(running.PID())
		if err != nil {
			return 0, 0, 0, err
		}
		memory = max(memory, now)
	}
	after, err := proctime.Process(running.PID())
	if err != nil {
		return 0, 0, 0, err
	}
	n := float64(sent.Spans() - spans)
	return float64((after - before).Microseconds()) / n, n / time.Since(began).Seconds(), memory, nil
}

// long is a longer window than that of components: decisions and exports come by the second.
func (b *wholeBench) long() time.Duration { return 4 * b.bench.window }

func (b *wholeBench) write(w io.Writer, name string, runs map[string][]wholeRun) error {
	of := func(p whole.Pipeline, value func(wholeRun) float64) float64 {
		var values []float64
		for _, r := range runs[p.Name] {
			values = append(values, value(r))
		}
		slices.Sort(values)
		if len(values) == 0 {
			return 0
		}
		return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	cpu := func(r wholeRun) float64 { return r.perSpan }
	var s strings.Builder
	fmt.Fprintf(&s, "\nComplete pipelines, %s, %.0f spans a second with a decision_wait of %v, %d cores:\n\n", name, b.rate, b.wait, b.machine.Len())
	s.WriteString("| Pipeline | µs a span | Over receiving | Share of contrib's | Memory | A waiting trace | Spans a second at most | µs a span then |\n")
	s.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, p := range whole.All {
		trace := ""
		if p.Samples {
			trace = fmt.Sprintf("%.1f kB", of(p, func(r wholeRun) float64 { return r.perTrace })/1e3)
		}
		fmt.Fprintf(&s, "| %s | %.2f | %.2f | %.2f | %.0f MB | %s | %.0f,000 | %.2f |\n", p.Name, of(p, cpu),
			of(p, cpu)-of(whole.Receive, cpu), of(p, cpu)/of(whole.Contrib, cpu),
			of(p, func(r wholeRun) float64 { return float64(r.memory) })/1e6, trace,
			of(p, func(r wholeRun) float64 { return r.rate })/1e3, of(p, func(r wholeRun) float64 { return r.saturated }))
	}
	_, err := io.WriteString(w, s.String())
	return err
}
