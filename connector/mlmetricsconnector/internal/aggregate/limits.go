package aggregate

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/distinct"
)

// overflowLabel marks the series that takes what comes beyond a metric's
// limit, as OpenTelemetry SDKs mark theirs.
const overflowLabel = "otel.metric.overflow"

// sketchSeed differs from the constants of the hash, which would cancel out.
const sketchSeed = 0x8ebc6af09c88c6e3

func (m *metric) full() bool { return m.limit > 0 && len(m.series) >= m.limit }

// overflow returns the overflow series of a metric. It never expires: its
// count is that of many series, of which some are always about.
func (r *registry) overflow(m *metric) *series {
	if m.overflow == nil {
		m.overflow = r.newSeries(m)
		m.overflow.overflow = true
	}
	return m.overflow
}

// sketch notes the label values of a new label set.
func (m *metric) sketch(labels []string) {
	if m.limit == 0 { // nobody asks
		return
	}
	if m.sketches == nil {
		m.sketches = make([]distinct.Sketch, len(m.plan.Names))
	}
	for i, l := range labels {
		m.sketches[i].Add(scatter(hashString(sketchSeed, l)))
	}
}

// labelValues estimates how many values each label has.
func (m *metric) labelValues() []uint64 {
	values := make([]uint64, len(m.sketches))
	for i := range m.sketches {
		values[i] = m.sketches[i].Estimate()
		if i < len(m.estimates) {
			values[i] = max(values[i], m.estimates[i])
		}
	}
	return values
}

// resketch forgets the label values that no longer come, so that estimates fall again once a cause is removed: the last
// ones hold until the next time. Rows that lead to an overflow series ask for their series anew, which notes the values of
// those that do come.
func (a *Aggregator) resketch() {
	a.registry.mu.Lock()
	for _, m := range a.registry.metrics {
		m.estimates = m.estimates[:0]
		for i := range m.sketches {
			m.estimates = append(m.estimates, m.sketches[i].Estimate())
		}
		clear(m.sketches)
		for _, s := range m.series {
			m.sketch(s.labels)
		}
	}
	a.registry.mu.Unlock()
	for _, s := range a.allStripes() {
		s.mu.Lock()
		s.forgetCells(func(s *series) bool { return s.overflow })
		s.mu.Unlock()
	}
}

// expire drops the series that have been idle for longer than their metric's
// expiration, and everything that refers to them. What they counted has been
// exported. It runs with the flush lock held.
func (a *Aggregator) expire(now pcommon.Timestamp) {
	if !slices.ContainsFunc(a.registry.metrics, func(m *metric) bool { return a.anyIdle(m, now) }) {
		return
	}
	// A stripe may be observing an idle series right now, so all of them wait: a few milliseconds, and only when something expires.
	for _, s := range a.allStripes() {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	a.registry.mu.Lock()
	defer a.registry.mu.Unlock()

	expired := 0
	for _, m := range a.registry.metrics {
		m.series = slices.DeleteFunc(m.series, func(s *series) bool {
			observed := slices.ContainsFunc(s.cells, func(c *cell) bool { return c != nil && c.n > 0 })
			s.dead = !observed && s.idle(now)
			if s.dead {
				a.counts.Expired[m.plan.Number]++
				expired++
			}
			return s.dead
		})
	}
	if expired == 0 {
		return
	}
	a.registry.remove()
	for _, s := range a.allStripes() {
		s.forget()
	}
}

func (a *Aggregator) anyIdle(m *metric, now pcommon.Timestamp) bool {
	a.registry.mu.Lock()
	all := m.series
	a.registry.mu.Unlock()
	return slices.ContainsFunc(all, func(s *series) bool { return s.idle(now) })
}

func (s *series) idle(now pcommon.Timestamp) bool {
	expiration := s.metric.expiration
	return expiration > 0 && s.merged && !s.unsent && now > s.seen && now-s.seen > expiration
}

// forget drops the cells of dead series. Rows lose their way to the overflow
// series too: there may be room for a series of their own now.
func (s *stripe) forget() {
	s.cells.keep(func(c *cell) bool { return !c.series.dead })
	s.extras.keep(func(e *extra) bool { return !e.cell.series.dead })
	s.forgetCells(func(s *series) bool { return s.dead || s.overflow })
}

// forgetCells has rows look for some of their series again.
func (s *stripe) forgetCells(of func(*series) bool) {
	for _, e := range s.rows.entries {
		if e.p == nil {
			continue
		}
		for i, c := range e.p.cells {
			if c != nil && c != skipped && of(c.series) {
				e.p.cells[i] = nil
			}
		}
	}
}
