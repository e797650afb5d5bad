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
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/sink"
	"github.com/otelcol-ml/otelcol-ml/test/peers/internal/traffic"
)

// check sends every label set once and receives the metrics. It fails where they do not have exactly what was sent, and
// returns how many series there are. A pipeline that counts nothing costs little.
func (b *bench) check(ctx context.Context, p pipelines.Pipeline, series int, source *traffic.Source) (emitted int, err error) {
	metrics, err := sink.Start()
	if err != nil {
		return 0, err
	}
	defer metrics.Stop()
	dir, err := os.MkdirTemp(b.dir, "check")
	if err != nil {
		return 0, err
	}
	files, err := p.Write(dir)
	if err != nil {
		return 0, err
	}
	running, err := collector.Start(ctx, collector.Options{
		Binary: cmp.Or(p.Binary, b.binary), Name: p.Name, Files: files, Cores: b.machine.Len(), Machine: b.machine, Flush: time.Second,
		CheckAt: metrics.Address(), Dir: dir,
	})
	if err != nil {
		return 0, err
	}
	defer func() {
		if stopped := running.Stop(); err == nil {
			err = stopped
		}
	}()
	requests := source.Requests()
	sent, err := load.Start(ctx, running.Address(), source, connections, requests, 0)
	if err != nil {
		return 0, err
	}
	if err := sent.Wait(); err != nil {
		return 0, err
	}
	want := source.Counts(requests)
	patience, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	err = running.Until(patience, "the metrics of all spans", func(context.Context) error {
		for _, h := range []struct {
			metric string
			values uint64
		}{
			{p.Histograms.Duration, want.Spans},
			{p.Histograms.QueueWait, want.Requests},
			{p.Histograms.Ratio, want.Requests},
			{p.Histograms.DBLookup, want.Slow},
		} {
			if h.metric == "" {
				continue
			}
			if values, _ := metrics.Observed(h.metric); values != h.values {
				return fmt.Errorf("%s counts %d values, %d were sent", h.metric, values, h.values)
			}
		}
		if _, found := metrics.Observed(p.Histograms.Duration); found != series {
			return fmt.Errorf("%s has %d label sets, %d were sent", p.Histograms.Duration, found, series)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("%w\nthe end of its log:\n%s", err, running.Tail(10))
	}
	return metrics.Series(), nil
}
