package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/collector"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/load"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/pipelines"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/proctime"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/report"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/traffic"
)

// connections is how many clients send at once: enough that the collector never waits for them.
const connections = 8

// warm is how long a collector runs, at the least, before it is measured: its heap has its size by then.
const warm = time.Second

// manySeries is where an export of all series costs enough for a measurement to have to have its fair share of them.
const manySeries = 10_000

// windowOf is how long a pipeline is measured. With many series it is the interval between two exports, so that each
// measurement has exactly one.
func (b *bench) windowOf(p pipelines.Pipeline, series int) time.Duration {
	if p.Exports && series >= manySeries {
		return b.flush
	}
	return b.window
}

// quiet is the largest share of a core that other programs may take: what they take of the caches slows the collector.
const quiet = 0.2

// quietest measures, again and again while other programs take too much and there is patience left, and returns the
// measurement that they disturbed least.
func (b *bench) quietest(ctx context.Context, p pipelines.Pipeline, cores, series int, source *traffic.Source) (report.Measurement, error) {
	var best report.Measurement
	for {
		began := time.Now()
		m, err := b.measure(ctx, p, cores, series, source)
		if err != nil {
			return m, err
		}
		if best.Spans == 0 || m.OthersShare() < best.OthersShare() {
			best = m
		}
		if best.OthersShare() <= quiet || b.patience <= 0 {
			return best, nil
		}
		b.patience -= time.Since(began)
	}
}

// measure sends as much as a collector takes.
func (b *bench) measure(ctx context.Context, p pipelines.Pipeline, cores, series int, source *traffic.Source) (_ report.Measurement, err error) {
	var none report.Measurement
	dir, err := os.MkdirTemp(b.dir, "measure")
	if err != nil {
		return none, err
	}
	files, err := p.Write(dir)
	if err != nil {
		return none, err
	}
	running, err := collector.Start(ctx, collector.Options{
		Binary: cmp.Or(p.Binary, b.binary), Name: p.Name, Files: files, Cores: cores, Machine: b.machine, Flush: b.flush, Dir: dir,
	})
	if err != nil {
		return none, err
	}
	defer func() {
		if stopped := running.Stop(); err == nil {
			err = stopped
		}
	}()
	sent, err := load.Start(ctx, running.Address(), source, connections, 0, 0)
	if err != nil {
		return none, err
	}
	m, failed := b.observe(ctx, running, sent, source.Requests(), b.windowOf(p, series))
	if err := sent.Stop(); err != nil {
		return m, err
	}
	if failed != nil {
		return m, failed
	}
	if m.Memory, err = proctime.PeakMemory(running.PID()); err != nil {
		return m, err
	}
	return m, accepted(ctx, running, sent.Spans())
}

// observe measures from the time at which every label set has come at least once.
func (b *bench) observe(ctx context.Context, running *collector.Collector, sent *load.Load, all uint64, window time.Duration) (report.Measurement, error) {
	var m report.Measurement
	warmed := time.Now().Add(warm)
	patience, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	err := running.Until(patience, "every label set to be sent", func(context.Context) error {
		if requests := sent.Requests(); requests < all || time.Now().Before(warmed) {
			return fmt.Errorf("%d requests of %d were sent", requests, all)
		}
		return nil
	})
	if err != nil {
		return m, err
	}
	began, spans := time.Now(), sent.Spans()
	before, err := cost(running)
	if err != nil {
		return m, err
	}
	select {
	case <-time.After(window):
	case <-running.Exited():
		return m, fmt.Errorf("the collector ended while it was measured:\n%s", running.Tail(20))
	case <-ctx.Done():
		return m, ctx.Err()
	}
	after, err := cost(running)
	if err != nil {
		return m, err
	}
	m.CPU, m.Spans, m.Elapsed = after.collector-before.collector, sent.Spans()-spans, time.Since(began)
	m.Others = after.others - before.others
	return m, nil
}

// cpu is CPU time so far: of the collector, and of everything on the machine but the collector and this process.
type cpu struct{ collector, others time.Duration }

func cost(running *collector.Collector) (cpu, error) {
	of, err := proctime.Process(running.PID())
	if err != nil {
		return cpu{}, err
	}
	own, err := proctime.Process(os.Getpid())
	if err != nil {
		return cpu{}, err
	}
	machine, err := proctime.Machine()
	if err != nil {
		return cpu{}, err
	}
	return cpu{collector: of, others: machine - of - own}, nil
}

// accepted compares the collector's own counters with what was sent.
func accepted(ctx context.Context, running *collector.Collector, sent uint64) error {
	counters, err := running.Counters(ctx)
	if err != nil {
		return err
	}
	if got := uint64(counters["otelcol_receiver_accepted_spans"]); got != sent {
		return fmt.Errorf("the collector says that it accepted %d spans of the %d that were sent", got, sent)
	}
	for _, name := range []string{"otelcol_receiver_refused_spans", "otelcol_receiver_failed_spans"} {
		if n := counters[name]; n != 0 {
			return fmt.Errorf("%s is %v: every span has to be taken", name, n)
		}
	}
	return nil
}
