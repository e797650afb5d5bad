package aggregate

import "go.opentelemetry.io/collector/pdata/pmetric"

// observeGauge keeps the value of the span that ended last, whichever arrived last.
func (c *cell) observeGauge(value float64, endTime uint64) {
	if c.n == 1 || endTime >= c.newest {
		c.total, c.newest = value, endTime
	}
}

func (s *series) mergeGauge(c *cell) {
	if c.newest >= s.newest {
		s.total, s.newest = c.total, c.newest
	}
}

// writeGauge fills the series' point.
func (s *series) writeGauge(dp pmetric.NumberDataPoint) { dp.SetDoubleValue(s.total) }
