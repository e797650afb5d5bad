// Package plan compiles metric definitions into what the hot path reads: each
// attribute key that any metric needs gets a slot, so that one pass over a
// span's attributes collects everything, and each observation knows its slot.
package plan

import (
	"slices"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/bounds"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// rowKeys are the span attributes that make a row. They have few values and
// many metrics carry them as labels: a label outside of them costs a lookup per observation.
var rowKeys = []string{vocab.Stage, vocab.ModelName, vocab.ModelVersion, vocab.DeviceID, vocab.PipelineSuccess,
	vocab.PipelineName, vocab.DeploymentEnvironment, vocab.DeploymentEnvironmentName}

// Plan is the compiled form of a set of metrics. It is read-only once compiled.
type Plan struct {
	Span, Resource, Event KeyTable
	Metrics               []*Metric
	// RowSlots is the number of span slots, from 0 on, that make a row, together with the resource and the span's
	// name, status and kind.
	RowSlots int
	// StageSlot and PipelineSlot are where ml.stage and the resource's ml.pipeline.name are found.
	StageSlot, PipelineSlot int
	// ML observes the spans of ML pipelines, Other the rest.
	ML, Other Work
	// SlotWords is how many words of a Set the plan's span slots fill.
	SlotWords int
	// Cells is how many observations find their series through the row.
	Cells int
}

// Words is the number of 64-bit words in a set of span slots, which bounds the attributes that a plan can read.
const Words = 4

// Set is a set of span slots.
type Set [Words]uint64

// Has tells whether a slot is in the set.
func (s *Set) Has(slot int) bool { return s[slot>>6&(Words-1)]&(1<<(slot&63)) != 0 }

// Remove takes a slot out of the set.
func (s *Set) Remove(slot int) { s[slot>>6&(Words-1)] &^= 1 << (slot & 63) }

// Add puts a slot into the set.
func (s *Set) Add(slot int) { s[slot>>6&(Words-1)] |= 1 << (slot & 63) }

// Work is what to observe on a span.
type Work struct {
	// Always is looked at on every span.
	Always []*Observation
	// BySlot is looked at where the span carries the slot's attribute; Slots is the set of those slots.
	BySlot [][]*Observation
	Slots  Set
	// Events is looked at on the span events of that name.
	Events []Event
}

// Event is what to observe on the span events of one name.
type Event struct {
	Name         string
	Observations []*Observation
}

// Metric is a compiled metric.
type Metric struct {
	definition.Metric
	// Number is the metric's position in the plan.
	Number int
	// Labels in the order of the values that identify a series. With a SplitLabel its value comes last.
	Labels []Label
	// Names are the names of the labels, SplitLabel included.
	Names []string
}

// Label is a compiled label.
type Label struct {
	Field   Field
	Default string
}

// Field is a compiled field. Slots are -1 where the field is not read from there.
type Field struct {
	Origin                            definition.Origin
	Key                               string
	SpanSlot, ResourceSlot, EventSlot int
	// Bool: the attribute is a bool, whatever its text.
	Bool bool
	// Next is what to read where the field is absent or empty, nil for nothing.
	Next *Field
}

// Condition is a compiled condition.
type Condition struct {
	Field Field
	Test  *definition.Condition
}

// Read is how an observation is read.
type Read uint8

// The reads. All but ReadAny need no conditions besides those of the row.
const (
	// ReadAny is the general case.
	ReadAny Read = iota
	// ReadCount is 1.
	ReadCount
	// ReadDuration is the span's duration in ms.
	ReadDuration
	// ReadNumber is the number in the slot's attribute.
	ReadNumber
	// ReadFlag is 1 where the slot's attribute is true.
	ReadFlag
)

// Observation is one value of one metric. What every span needs of it comes
// first, to be in one cache line.
type Observation struct {
	Read Read
	Kind definition.Kind
	// Whole tells that only whole numbers can be true.
	Whole bool
	// ByRow tells that the row decides the conditions: they are tested once per row, not once per span.
	ByRow bool
	// Slot is the span slot without whose attribute there is nothing to observe, -1 where there is none.
	// ReadNumber and ReadFlag read it.
	Slot int32
	// Cell is the observation's place in a row, -1 where its labels need more than the row.
	Cell int
	// Index finds the buckets of a histogram.
	Index *bounds.Index
	// Min and Max bound the values that can be true, both inclusive.
	Min, Max float64

	Metric *Metric
	// Number is the observation's position in the plan.
	Number int
	// Source, Event, OrDuration, Split and Scale are the definition.Value's.
	Source     definition.Source
	Event      string
	OrDuration bool
	Split      string
	Scale      float64
	Field      Field
	When       []Condition
	// Extra are the fields of the labels that the row does not have.
	Extra []*Field
}

// Empty tells that there is nothing to observe.
func (w *Work) Empty() bool {
	return len(w.Always) == 0 && len(w.Events) == 0 && w.Slots == Set{}
}

// Compile compiles definitions that are valid.
func Compile(metrics []definition.Metric) *Plan {
	p := &Plan{RowSlots: len(rowKeys)}
	for _, key := range rowKeys {
		p.Span.add(key)
	}
	p.StageSlot = p.Span.add(vocab.Stage)
	p.PipelineSlot = p.Resource.add(vocab.PipelineName)
	// The rest of the vocabulary gets slots too: an attribute that is known is found faster than one that is not.
	for i := range vocab.Attributes {
		p.Span.add(vocab.Attributes[i].Key)
	}

	var observations []*Observation
	for i := range metrics {
		m := &Metric{Metric: metrics[i], Number: i}
		p.Metrics = append(p.Metrics, m)
		for _, l := range m.Metric.Labels {
			m.Labels = append(m.Labels, Label{Field: p.field(l.Field), Default: l.Default})
			m.Names = append(m.Names, l.Name)
		}
		if m.SplitLabel != "" {
			m.Names = append(m.Names, m.SplitLabel)
		}
		for j := range m.Values {
			o := p.observation(m, &m.Values[j])
			o.Number = len(observations)
			observations = append(observations, o)
		}
	}

	// The slots are complete only now.
	p.Span.seal()
	p.Resource.seal()
	p.Event.seal()
	p.SlotWords = min((p.Span.Len()+63)/64, Words)
	p.ML.init(p.Span.Len())
	p.Other.init(p.Span.Len())
	for _, o := range observations {
		p.ML.add(o)
		if o.Metric.AllSpans {
			p.Other.add(o)
		}
	}
	return p
}

func (p *Plan) observation(m *Metric, v *definition.Value) *Observation {
	o := &Observation{
		Kind: m.Kind, Whole: v.Whole, ByRow: true, Cell: -1, Min: v.Min, Max: v.Max, Metric: m,
		Source: v.Source, Event: v.Event, OrDuration: v.OrDuration, Split: v.Split, Scale: v.Scale,
	}
	if m.Kind == definition.Histogram {
		o.Index = bounds.New(m.Buckets)
	}
	if v.Source == definition.Attribute {
		o.Field = p.field(v.Field)
	}
	for _, conditions := range [][]definition.Condition{m.When, v.When} {
		for i := range conditions {
			c := Condition{Field: p.field(conditions[i].Field), Test: &conditions[i]}
			o.When = append(o.When, c)
			o.ByRow = o.ByRow && p.inRow(c.Field)
		}
	}
	for i := range m.Labels {
		if f := &m.Labels[i].Field; !p.inRow(*f) {
			o.Extra = append(o.Extra, f)
		}
	}
	if len(o.Extra) == 0 {
		o.Cell = p.Cells
		p.Cells++
	}
	o.ByRow = o.ByRow && o.Cell >= 0
	o.Slot = int32(o.trigger())
	o.Read = o.read()
	return o
}

func (o *Observation) read() Read {
	switch {
	case o.Cell < 0 || o.Event != "" || o.Scale != 0:
		return ReadAny
	case o.Source == definition.Count && len(o.When) == 1 && o.When[0].isTrue():
		return ReadFlag
	case !o.ByRow:
		return ReadAny
	case o.Source == definition.Count:
		return ReadCount
	case o.Source == definition.Duration && o.Metric.Unit != "s":
		return ReadDuration
	case o.Source == definition.Attribute && o.Field.SpanSlot >= 0 && int(o.Slot) == o.Field.SpanSlot && !o.OrDuration:
		return ReadNumber
	default:
		return ReadAny
	}
}

// isTrue tells that the condition is that a span attribute is true, and no more.
func (c *Condition) isTrue() bool {
	t := c.Test
	return c.Field.Origin == definition.Span && c.Field.SpanSlot >= 0 && slices.Equal(t.In, []string{"true"}) &&
		t.Exists == nil && len(t.NotIn) == 0 && t.Matches == nil && t.Min == nil && t.Max == nil
}

func (p *Plan) field(f definition.Field) Field {
	c := Field{Origin: f.Origin, Key: f.Key, SpanSlot: -1, ResourceSlot: -1, EventSlot: -1}
	if len(f.Alternatives) > 0 {
		next := p.field(definition.Field{Origin: f.Origin, Key: f.Alternatives[0], Alternatives: f.Alternatives[1:]})
		c.Next = &next
	}
	if a := vocab.Lookup(f.Key); a != nil && a.Type == vocab.Bool {
		c.Bool = f.Origin != definition.Event && f.Origin != definition.Intrinsic
	}
	switch f.Origin {
	case definition.SpanOrResource:
		c.SpanSlot, c.ResourceSlot = p.Span.add(f.Key), p.Resource.add(f.Key)
	case definition.Span:
		c.SpanSlot = p.Span.add(f.Key)
	case definition.Resource:
		c.ResourceSlot = p.Resource.add(f.Key)
	case definition.Event:
		c.EventSlot = p.Event.add(f.Key)
	}
	return c
}

// inRow tells that two spans of one row have the same value for the field.
func (p *Plan) inRow(f Field) bool {
	if f.Next != nil && !p.inRow(*f.Next) {
		return false
	}
	switch f.Origin {
	case definition.Resource, definition.Intrinsic:
		return true
	case definition.Event:
		return false
	default:
		return f.SpanSlot < p.RowSlots
	}
}

func (w *Work) init(slots int) {
	w.BySlot = make([][]*Observation, slots)
}

func (w *Work) add(o *Observation) {
	if o.Event != "" {
		i := slices.IndexFunc(w.Events, func(e Event) bool { return e.Name == o.Event })
		if i < 0 {
			i = len(w.Events)
			w.Events = append(w.Events, Event{Name: o.Event})
		}
		w.Events[i].Observations = append(w.Events[i].Observations, o)
		return
	}
	if o.Slot >= 0 {
		w.BySlot[o.Slot] = append(w.BySlot[o.Slot], o)
		w.Slots.Add(int(o.Slot))
		return
	}
	w.Always = append(w.Always, o)
}

// trigger is a span attribute without which there is nothing to observe, -1 where there is none.
// A field with alternatives is none: each of its keys is enough.
func (o *Observation) trigger() int {
	if o.Source == definition.Attribute && o.Field.Origin == definition.Span && o.Field.Next == nil && !o.OrDuration {
		return o.Field.SpanSlot
	}
	for _, c := range o.When {
		if c.Field.Origin == definition.Span && c.Field.Next == nil && !c.Test.HoldsAbsent() {
			return c.Field.SpanSlot
		}
	}
	return -1
}
