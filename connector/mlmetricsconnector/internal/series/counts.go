package series

// Counts is what a metric reports about itself: increases since the last call
// of TakeCounts, unless said otherwise.
type Counts struct {
	// Observed is the number of observations, Overflowed of those in the overflow series, Expired of series dropped.
	Observed, Overflowed, Expired uint64
	// Active is the number of series now, besides the overflow series.
	Active int
	// LabelValues is the number of values of each label among the series now. It is nil unless something overflowed.
	LabelValues []int
}

// TakeCounts calls f with the counts of each metric, by its number.
func (s *Store) TakeCounts(f func(number int, c Counts)) {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	for i, m := range s.metrics {
		if m.counts.Overflowed > 0 {
			all, _ := s.seriesOf(m)
			m.counts.LabelValues = labelValues(all, len(m.Names))
		}
		f(i, m.counts)
		m.counts = Counts{Active: m.counts.Active}
	}
}

// labelValues counts the values of each of n labels.
func labelValues(all []*series, n int) []int {
	type labelValue struct {
		label int
		value string
	}
	counts, seen := make([]int, n), make(map[labelValue]bool)
	for _, s := range all {
		for i, value := range labels(s.key) {
			if v := (labelValue{i, value}); !seen[v] {
				seen[v] = true
				counts[i]++
			}
		}
	}
	return counts
}
