package aggregate

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
)

// Flush merges what the stripes hold and gives the series to send, stamped
// with the present time, in parts of at most about maxPoints; it does not call
// send where there is nothing to send. What send refuses stays for the next flush.
//
// With cumulative points a new counter or histogram is given out at zero
// first, for one flush, so that rate() sees its first increment. held tells
// that there are such series, so that another flush would bring more.
func (a *Aggregator) Flush(send func(pmetric.Metrics) error) (held bool, err error) {
	a.flushing.Lock()
	defer a.flushing.Unlock()
	// Two points of a series never share a time, in milliseconds as Prometheus keeps it.
	now := max(a.now(), a.flushed+pcommon.Timestamp(time.Millisecond))
	a.flushed = now
	for _, s := range a.stripes {
		a.merge(s, now)
	}
	a.mergeExemplars()

	w := writer{options: &a.options, now: now}
	w.begin()
	for _, m := range a.registry.metrics {
		// Stripes append to the series meanwhile; those that this flush has not merged wait for the next.
		a.registry.mu.Lock()
		all, overflow := m.series, m.overflow
		a.registry.mu.Unlock()
		a.counts.Active[m.plan.Number] = len(all)
		for part := range slices.Chunk(w.wanted(all, overflow), maxPoints) {
			w.metric(m, part)
			if len(w.written) >= maxPoints {
				if err := a.export(&w, send, &held); err != nil {
					return held, err
				}
			}
		}
	}
	if err := a.export(&w, send, &held); err != nil {
		return held, err
	}
	a.registry.reservoirs.trim()
	a.expire(now)
	if now > a.resketched+pcommon.Timestamp(resketchInterval) {
		a.resketched = now
		a.resketch()
	}
	return held, nil
}

// export sends what was written and begins anew.
func (a *Aggregator) export(w *writer, send func(pmetric.Metrics) error, held *bool) error {
	if len(w.written) == 0 {
		return nil
	}
	if err := send(w.metrics); err != nil {
		return err
	}
	for _, s := range w.written {
		*held = a.sent(s, w.now) || *held
	}
	w.begin()
	return nil
}

// resketchInterval is how long the label values of a series that is gone count.
const resketchInterval = 10 * time.Minute

func (a *Aggregator) merge(s *stripe, now pcommon.Timestamp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.dirty {
		t := c.series
		a.counts.Observed[t.metric.plan.Number] += c.n
		if t.overflow {
			a.counts.Overflowed[t.metric.plan.Number] += c.n
		}
		switch t.metric.plan.Kind {
		case definition.Histogram:
			t.mergeHistogram(c)
		case definition.Counter:
			t.mergeCounter(c)
		case definition.Gauge:
			t.mergeGauge(c)
			t.zeroed = true
		}
		t.seen, t.merged, t.unsent = now, true, true
		// A series may have been created after this flush took its time.
		t.start = min(t.start, now)
		c.n, c.total = 0, 0
	}
	clear(s.dirty)
	s.dirty = s.dirty[:0]
	a.counts.take(&s.counts)
	s.period++
}

// sent notes that a series was exported, and tells whether it was at zero.
func (a *Aggregator) sent(s *series, now pcommon.Timestamp) bool {
	if !s.zeroed && !a.options.Delta {
		s.zeroed = true
		return true
	}
	s.unsent = false
	if s.exemplars != nil {
		a.registry.reservoirs.give(s.exemplars)
		s.exemplars = nil
	}
	if a.options.Delta {
		s.start = now
		switch s.metric.plan.Kind {
		case definition.Histogram:
			s.restartHistogram()
		case definition.Counter:
			s.restartCounter()
		}
	}
	return false
}
