package aggregate

import "github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"

// maxExtras bounds the extras of a stripe; like rows they only save work.
const maxExtras = 1 << 15

// extra leads from a row to the cell of an observation that has labels besides
// those of the row, such as a cold start's component: only those are read and hashed.
type extra struct {
	row         *row
	observation *plan.Observation
	texts       []string
	cell        *cell
}

// findExtra is find for an observation whose labels need more than the row.
func (s *stripe) findExtra(r *row, o *plan.Observation) *cell {
	if r == &s.spareRow {
		return s.find(o)
	}
	h := mix(r.hash^uint64(o.Number), prime1)
	s.extraTexts = s.extraTexts[:0]
	for _, f := range o.Extra {
		text, _ := s.read(f)
		s.extraTexts = append(s.extraTexts, text)
		h = hashString(h, text)
	}
	for e, i := s.extras.first(h); e != nil; e, i = s.extras.next(h, i) {
		if e.row == r && e.observation == o && equal(e.texts, s.extraTexts) {
			return e.cell
		}
	}
	c := s.find(o)
	// The overflow series has too many label sets to remember.
	if c != unknown && !c.series.overflow && s.extras.n < maxExtras {
		s.extras.add(h, &extra{r, o, cloneAll(s.extraTexts), c})
	}
	return c
}
