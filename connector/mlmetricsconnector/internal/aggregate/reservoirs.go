package aggregate

import (
	"sync"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/exemplar"
)

// reservoirs lends exemplar reservoirs to cells, from the first exemplar after a flush until the next flush: most of the
// memory of a series that would otherwise have one for each stripe.
type reservoirs struct {
	mu    sync.Mutex
	chunk chunk[exemplar.Reservoir]
	free  []*exemplar.Reservoir
	// lent is how many were taken since the last trim.
	lent int
}

func (r *reservoirs) take() *exemplar.Reservoir {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lent++
	if n := len(r.free); n > 0 {
		last := r.free[n-1]
		r.free[n-1], r.free = nil, r.free[:n-1]
		return last
	}
	return r.chunk.one()
}

func (r *reservoirs) give(back *exemplar.Reservoir) {
	back.Reset()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = append(r.free, back)
}

// trim keeps as many as were needed since the last time.
func (r *reservoirs) trim() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.free) > r.lent {
		clear(r.free[r.lent:])
		r.free = r.free[:r.lent]
	}
	r.lent = 0
}
