package series

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Flush merges what the shards hold and passes all series to send, with the
// present time, in parts of about maxPoints points. It does not call send
// where there is nothing to export. What send refuses is exported by the next
// flush.
//
// The first cumulative point of a counter or histogram is zero, for one flush,
// so that rate() sees the first increment. held reports whether there was such
// a point, so that another flush would export more.
func (s *Store) Flush(send func(pmetric.Metrics) error) (held bool, err error) {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	// Two points of a series never share a time, in milliseconds as Prometheus keeps it.
	now := max(s.now(), s.flushed+pcommon.Timestamp(time.Millisecond))
	s.flushed = now
	for _, shard := range s.shards {
		s.merge(shard, now)
	}
	held, err = s.export(now, send)
	s.expire(now) // also while exports are refused
	return held, err
}

// merge moves what a shard holds to the series.
func (s *Store) merge(shard *Shard, now pcommon.Timestamp) {
	shard.Lock()
	defer shard.Unlock()
	clock := s.now()
	for _, a := range shard.dirty {
		to := a.series
		if a.exemplars != nil {
			to.exemplars, a.exemplars = to.exemplars.merge(a.exemplars), nil
		}
		if a.n == 0 {
			continue
		}
		to.metric.counts.Observed += a.n
		if to.overflow {
			to.metric.counts.Overflowed += a.n
		}
		to.merge(a, clock)
		to.seen, to.merged, to.unsent = now, true, true
		// The series may have been created after this flush took its time.
		to.start = min(to.start, now)
	}
	clear(shard.dirty)
	shard.dirty = shard.dirty[:0]
}

func (s *Store) export(now pcommon.Timestamp, send func(pmetric.Metrics) error) (held bool, err error) {
	w := newWriter(&s.options, now)
	sendPart := func() error {
		if len(w.written) == 0 {
			return nil
		}
		if err := send(w.metrics); err != nil {
			return err
		}
		for _, of := range w.written {
			held = s.sent(of, now) || held
		}
		w.begin()
		return nil
	}
	for _, m := range s.metrics {
		// Shards append series meanwhile; those that this flush has not merged wait for the next.
		all, overflow := s.seriesOf(m)
		m.counts.Active = len(all)
		for part := range slices.Chunk(w.wanted(all, overflow), maxPoints) {
			w.metric(m, part)
			if len(w.written) >= maxPoints {
				if err := sendPart(); err != nil {
					return held, err
				}
			}
		}
	}
	return held, sendPart()
}

// sent notes that a series was exported, and reports whether its point was at zero.
func (s *Store) sent(of *series, now pcommon.Timestamp) bool {
	if !of.zeroed && !s.options.Delta {
		of.zeroed = true
		return true
	}
	of.unsent = false
	of.exemplars = nil
	if s.options.Delta {
		of.restart(now)
	}
	return false
}
