package main

import (
	"context"
	"sync"
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
)

// scrapeInterval is short, so that the demo sees each of the collector's flushes.
const scrapeInterval = 500 * time.Millisecond

// recorder scrapes the collector as a Prometheus server would.
type recorder struct {
	cancel  context.CancelFunc
	ended   chan struct{}
	history *scrape.History

	mutex sync.Mutex
	last  scrape.Samples
	count int
}

func record(ctx context.Context, from *collector.Collector) *recorder {
	ctx, cancel := context.WithCancel(ctx)
	r := &recorder{cancel: cancel, ended: make(chan struct{}), history: scrape.NewHistory()}
	go func() {
		defer close(r.ended)
		ticker := time.NewTicker(scrapeInterval)
		defer ticker.Stop()
		for {
			// A scrape that fails is a gap in the history, as with a Prometheus server.
			if samples, err := from.Metrics(ctx); err == nil {
				r.add(samples)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	return r
}

func (r *recorder) add(samples scrape.Samples) {
	r.history.Add(time.Now(), samples)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.last = samples
	r.count++
}

// latest is what the newest scrape read.
func (r *recorder) latest() scrape.Samples {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.last
}

// scrapes is how many there have been.
func (r *recorder) scrapes() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.count
}

// stop ends the recording and returns it.
func (r *recorder) stop() *scrape.History {
	r.cancel()
	<-r.ended
	return r.history
}
