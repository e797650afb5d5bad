package series

import (
	"math"
	"slices"
	"time"
)

// Window is a window of time: after From, up to and including To. Zero From is the start of the store.
type Window struct{ From, To time.Time }

// Length is the length of the window that is after the start of the store.
func (s *Store) Length(w Window) time.Duration {
	return max(w.To.Sub(later(w.From, s.began)), 0)
}

// Match selects series. Empty fields match everything.
type Match struct {
	Pipeline, Service, Stage, Model, Version string
	Detail                                   func(string) bool
}

func (m *Match) has(l *Labels) bool {
	return (m.Pipeline == "" || m.Pipeline == l.Pipeline) && (m.Service == "" || m.Service == l.Service) &&
		(m.Stage == "" || m.Stage == l.Stage) && (m.Model == "" || m.Model == l.Model) &&
		(m.Version == "" || m.Version == l.Version) && (m.Detail == nil || m.Detail(l.Detail))
}

// Is matches one value of Labels.Detail.
func Is(value string) func(string) bool { return func(detail string) bool { return detail == value } }

// Sum returns the values of a metric in a window.
func (s *Store) Sum(metric string, match Match, w Window) (sum Dist) {
	for _, d := range s.By(metric, match, w, func(Labels) string { return "" }) {
		sum = *d
	}
	return sum
}

// By returns the values of a metric in a window, by a key derived from the labels.
func (s *Store) By(metric string, match Match, w Window, key func(Labels) string) map[string]*Dist {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	sums := map[string]*Dist{}
	for l, c := range s.cells[metric] {
		if !match.has(&l) {
			continue
		}
		k := key(l)
		sum := sums[k]
		if sum == nil {
			sum = &Dist{}
		}
		before := sum.Count
		if w.From.IsZero() {
			sum.Add(&c.total)
		} else {
			s.ring(c, w).between(w.From, w.To, func(_ time.Time, d *Dist) { sum.Add(d) })
		}
		if sum.Count != before {
			sums[k] = sum
		}
	}
	return sums
}

// ring returns the ring for a window: the finer one if it reaches back far enough.
func (s *Store) ring(c *cell, w Window) *ring {
	if s.newestOf(w).Sub(w.From) <= fineStep*(fineSlots-1) {
		return &c.fine
	}
	return &c.coarse
}

func (s *Store) newestOf(w Window) time.Time { return later(w.To, s.newest) }

// Point is the number of values in a step of time, and their sum.
type Point struct {
	At         time.Time
	Count, Sum float64
}

// Plot returns the points of a metric in a window, including empty ones.
func (s *Store) Plot(metric string, match Match, w Window) (points []Point, step time.Duration) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	points, step = s.steps(w)
	for l, c := range s.cells[metric] {
		if !match.has(&l) {
			continue
		}
		add := func(at time.Time, count, sum float64) {
			if i := int(at.Sub(points[0].At) / step); i >= 0 && i < len(points) {
				points[i].Count += count
				points[i].Sum += sum
			}
		}
		if w.From.IsZero() {
			for i, p := range c.past.slots {
				add(s.began.Add(time.Duration(i)*c.past.step), p.count, p.sum)
			}
			continue
		}
		s.ring(c, w).between(w.From, w.To, func(at time.Time, d *Dist) { add(at, d.Count, d.Sum) })
	}
	return points, step
}

// steps returns the empty points of a window.
func (s *Store) steps(w Window) (points []Point, step time.Duration) {
	from, to := w.From, w.To
	if from.IsZero() {
		from, step = s.began, historyStep
		for to.Sub(from) >= step*historySlots {
			step *= 2
		}
	} else {
		step = s.ring(&cell{fine: ring{step: fineStep}, coarse: ring{step: coarseStep}}, w).step
		from = from.Truncate(step).Add(step)
	}
	for at := from; !at.After(to); at = at.Add(step) {
		points = append(points, Point{At: at})
	}
	if len(points) == 0 {
		points = append(points, Point{At: from})
	}
	return points, step
}

// Gauges returns the latest values of a gauge by labels.
func (s *Store) Gauges(metric string, match Match) map[Labels]Gauge {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	values := map[Labels]Gauge{}
	for l, c := range s.cells[metric] {
		if match.has(&l) && c.last.At != 0 && !math.IsNaN(c.last.Value) {
			values[l] = c.last
		}
	}
	return values
}

// Values returns the values of a label among the matching series, sorted.
func (s *Store) Values(match Match, label func(Labels) string, metrics ...string) []string {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	known := map[string]bool{}
	for _, metric := range metrics {
		for l := range s.cells[metric] {
			if v := label(l); v != "" && match.has(&l) {
				known[v] = true
			}
		}
	}
	values := make([]string, 0, len(known))
	for v := range known {
		values = append(values, v)
	}
	slices.Sort(values)
	return values
}
