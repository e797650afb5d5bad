package aggregate

import (
	"math/bits"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
)

// The tables below only save work: a span that finds them full takes the way
// without them, and its series come out the same.
const (
	// usualRows bounds the rows of a stripe to some 20 MB, mostRows to four times as much, and totalRows those of all
	// stripes where there are many; see rowLimit.
	usualRows = 1 << 15
	mostRows  = 1 << 17
	totalRows = 1 << 18
	// maxResources bounds the resources of a stripe.
	maxResources = 1 << 12
	// rowIdlePeriods is after how many flushes without a span a row is dropped once the table is full.
	rowIdlePeriods = 2
)

// rowLimit is how many rows a stripe may have: enough for all the series that a metric may have, as far as memory allows.
func rowLimit(metrics []*metric, stripes int) int {
	rows := usualRows
	for _, m := range metrics {
		if m.limit == 0 {
			rows = mostRows
		}
		rows = max(rows, 2*m.limit)
	}
	return min(rows, mostRows, totalRows/stripes)
}

// resource is what the metrics need of an OTLP resource.
type resource struct {
	values []string // by resource slot, "" where absent
	// pipeline tells that all the spans are of an ML pipeline.
	pipeline bool
	id       uint64
	used     uint32
}

// row is one combination of a resource, a span's name, status and kind, and
// the attributes that most metrics have as labels. It leads to their cells
// without another lookup.
type row struct {
	resource *resource
	// meta has the status, the kind and which of the row's attributes there are.
	meta   uint64
	name   string   // of the span
	values []string // the attributes that there are
	cells  []*cell  // by the plan's cell number, nil until first observed
	used   uint32
	hash   uint64
	// slots are the attributes to look at.
	slots plan.Set
	// next is the row that followed this one the last time.
	next *row
}

// enter reads the resource of the spans that follow.
func (s *stripe) enter(r pcommon.Resource) {
	clear(s.resourceValues)
	clear(s.resourcePresent)
	// The texts of a resource that finds no place below outlive those of its spans.
	s.text, s.resourceText = s.resourceText[:0], s.text
	defer func() { s.text, s.resourceText = s.resourceText, s.text }()
	for key, v := range r.Attributes().All() {
		if slot := s.plan.Resource.Find(key); slot >= 0 && !s.resourcePresent[slot] {
			s.resourceValues[slot], s.resourcePresent[slot] = s.asText(v), true
		}
	}
	h := s.seed
	for _, v := range s.resourceValues {
		h = hashString(h, v)
	}
	for r, i := s.resources.first(h); r != nil; r, i = s.resources.next(h, i) {
		if equal(r.values, s.resourceValues) {
			r.used = s.period
			s.resource = r
			return
		}
	}
	pipeline := s.resourceValues[s.plan.PipelineSlot] != ""
	if s.resources.n >= maxResources {
		s.dropIdle()
	}
	if s.resources.n >= maxResources {
		// Rows of a stand-in must not be found again under the next one: they do not enter the table.
		s.spareResource.values = append(s.spareResource.values[:0], s.resourceValues...)
		s.spareResource.pipeline = pipeline
		s.spareResource.id = h
		s.resource = &s.spareResource
		return
	}
	s.resource = &resource{values: cloneAll(s.resourceValues), pipeline: pipeline, id: h, used: s.period}
	s.resources.add(h, s.resource)
}

// row returns the row of the span at hand.
func (s *stripe) row() *row {
	name := s.span.Name()
	there := s.present[0] & (1<<s.plan.RowSlots - 1)
	meta := there<<16 | uint64(s.span.Kind())&0xff<<8 | uint64(s.span.Status().Code())&0xff
	// Kinds of spans follow each other in the same order, trace after trace: guess before searching.
	if r := s.last.next; r != nil && r.resource == s.resource && r.meta == meta && s.inRow(r, name, there) {
		r.used = s.period
		s.last = r
		return r
	}
	h := s.rowHash(meta, name, there)
	for r, i := s.rows.first(h); r != nil; r, i = s.rows.next(h, i) {
		if r.resource == s.resource && r.meta == meta && s.inRow(r, name, there) {
			r.used = s.period
			s.last.next, s.last = r, r
			return r
		}
	}
	if s.rows.n >= s.maxRows {
		s.dropIdle()
	}
	if s.rows.n >= s.maxRows || s.resource == &s.spareResource {
		clear(s.spareRow.cells)
		s.spareRow.slots = s.work.Slots
		return &s.spareRow
	}
	r := &row{
		resource: s.resource, meta: meta, hash: h, cells: make([]*cell, s.plan.Cells),
		used: s.period, slots: s.work.Slots, name: strings.Clone(name),
	}
	for t := there; t != 0; t &= t - 1 {
		r.values = append(r.values, strings.Clone(s.asText(s.values[bits.TrailingZeros64(t)])))
	}
	s.rows.add(h, r)
	s.last.next, s.last = r, r
	return r
}

// rowHash is the hash of the span's row. there are the row's attributes that the span has, one bit for each.
func (s *stripe) rowHash(meta uint64, name string, there uint64) uint64 {
	h := hashString(s.resource.id^meta*prime2, name)
	for ; there != 0; there &= there - 1 {
		h = hashString(h, s.rowText(there))
	}
	return h
}

// rowText is the text of the first of the attributes that there are.
func (s *stripe) rowText(there uint64) string {
	v := s.values[bits.TrailingZeros64(there)]
	if v.Type() == pcommon.ValueTypeStr {
		return v.Str()
	}
	return s.asText(v)
}

// inRow compares the span's name and attributes with a row that has the same of them.
func (s *stripe) inRow(r *row, name string, there uint64) bool {
	if !sameText(r.name, name) {
		return false
	}
	for i := 0; there != 0; i++ {
		if !sameText(r.values[i], s.rowText(there)) {
			return false
		}
		there &= there - 1
	}
	return true
}

// dropIdle makes room by dropping the rows and resources that recent flushes have not seen.
// It looks once per period: a flood of new rows would make it look for each.
func (s *stripe) dropIdle() {
	if s.dropped == s.period {
		return
	}
	s.dropped = s.period
	s.last, s.spareRow.next = &s.spareRow, nil
	s.rows.keep(func(r *row) bool {
		r.next = nil // it may be dropped
		return s.period-r.used < rowIdlePeriods
	})
	kept := make(map[*row]bool, s.rows.n)
	inUse := make(map[*resource]bool)
	for _, e := range s.rows.entries {
		if e.p != nil {
			kept[e.p] = true
			inUse[e.p.resource] = true
		}
	}
	s.extras.keep(func(e *extra) bool { return kept[e.row] })
	s.resources.keep(func(r *resource) bool { return s.period-r.used < rowIdlePeriods || inUse[r] })
}

// equal compares as many values as there are of either.
func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !sameText(a[i], b[i]) {
			return false
		}
	}
	return true
}

func cloneAll(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.Clone(v)
	}
	return out
}
