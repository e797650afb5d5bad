package aggregate

import "go.opentelemetry.io/collector/pdata/pmetric"

func (c *cell) observeCounter(value, weight float64) { c.total += value * weight }

func (s *series) mergeCounter(c *cell) { s.total = finite(s.total + c.total) }

// writeCounter fills the series' point: 0 where zero is set.
func (s *series) writeCounter(dp pmetric.NumberDataPoint, zero bool) {
	total := s.total
	if zero {
		total = 0
	} else if s.exemplars != nil {
		s.exemplars.Write(dp.Exemplars())
	}
	if s.metric.whole {
		dp.SetIntValue(toWhole(total))
	} else {
		dp.SetDoubleValue(total)
	}
}

// restartCounter begins the next interval of delta points.
func (s *series) restartCounter() {
	if s.metric.whole {
		s.total -= float64(toWhole(s.total))
	} else {
		s.total = 0
	}
}
