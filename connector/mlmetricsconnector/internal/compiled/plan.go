// Package compiled compiles metric definitions for the hot path: each attribute
// key that a metric reads gets a slot, so that one pass over a span's attributes
// collects all values, and each observation has the slot of its value.
//
// Compile is called once. A Plan does not change after that and may be used
// concurrently.
package compiled

import (
	"fmt"
	"slices"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/bucketindex"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// groupKeys are the span attributes that define a group, see package observe. They have few values
// and many metrics have them as labels; any other label costs a lookup per observation.
var groupKeys = []string{vocab.Stage, vocab.ModelName, vocab.ModelVersion, vocab.ExperimentVariant, vocab.DeviceID, vocab.PipelineSuccess,
	vocab.PipelineName, vocab.DeploymentEnvironment, vocab.DeploymentEnvironmentName}

// Plan is the compiled form of a set of metrics. It is read-only once compiled.
type Plan struct {
	Span, Resource, Event KeyTable
	Metrics               []*Metric
	// GroupSlots is the number of span slots, from 0 on, that define a group, together with the resource and the span's
	// name, status and kind.
	GroupSlots int
	// StageSlot and PipelineSlot are the slots of ml.stage and of the resource's ml.pipeline.name.
	StageSlot, PipelineSlot int
	// ML observes the spans of ML pipelines, Other the rest.
	ML, Other Work
	// Cached is how many observations find their series through the group.
	Cached int
	// Invalid are the names of what can be invalid: the duration, the trace state, and the attributes that are observed.
	Invalid []string
}

// The positions in Plan.Invalid of what is no attribute.
const (
	InvalidDuration = iota
	InvalidState
)

// Words is the number of 64-bit words in a set of span slots, which bounds the attributes that a plan can read.
const Words = 4

// Set is a set of span slots.
type Set [Words]uint64

// Has reports whether a slot is in the set.
func (s *Set) Has(slot int) bool { return s[slot>>6&(Words-1)]&(1<<(slot&63)) != 0 }

// Remove removes a slot from the set.
func (s *Set) Remove(slot int) { s[slot>>6&(Words-1)] &^= 1 << (slot & 63) }

// Add adds a slot to the set.
func (s *Set) Add(slot int) { s[slot>>6&(Words-1)] |= 1 << (slot & 63) }

// Work is what to observe on a span.
type Work struct {
	// Always is observed on every span.
	Always []*Observation
	// BySlot is observed on spans that have the slot's attribute; Slots is the set of those slots.
	BySlot [][]*Observation
	Slots  Set
	// Events is observed on span events, by their name.
	Events map[string][]*Observation
}

// Metric is a compiled metric.
type Metric struct {
	metric.Definition
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
	// With is a field without which the label is left out, nil for none.
	With *Field
}

// Field is a compiled field. Slots are -1 where the field is not read from there.
type Field struct {
	Origin                            metric.Origin
	Key                               string
	SpanSlot, ResourceSlot, EventSlot int
	// Bool: the attribute is a bool, also if it is sent as text.
	Bool bool
	// InGroup: all spans of one group have the same value for the field.
	InGroup bool
	// Next is read if the field is absent or empty; nil for nothing.
	Next *Field
}

// Condition is a compiled condition.
type Condition struct {
	Field Field
	Test  *metric.Condition
}

// Observation is one value of one metric. What every span needs of it comes
// first, to be in one cache line.
type Observation struct {
	Kind metric.Kind
	// ByGroup: the conditions depend on the group only, so they are tested once per group instead of per span.
	ByGroup bool
	// Seconds: the value is in ms and is observed in s.
	Seconds bool
	// Slot is the span slot of a required attribute, -1 if none is required.
	Slot int32
	// InGroup is the observation's number in a group, -1 if its labels depend on more than the group.
	InGroup int
	// Index finds the buckets of a histogram.
	Index *bucketindex.Index
	metric.Value

	Metric *Metric
	// Number is the observation's position in the plan.
	Number int
	// Invalid is the position of the attribute in the plan's Invalid.
	Invalid int
	// Read is the compiled Field of the value. Conditions are those of the metric and of the value.
	Read       Field
	Conditions []Condition
	// Extra are the fields of the labels that the group does not have.
	Extra []*Field
}

// Empty reports whether there is nothing to observe.
func (w *Work) Empty() bool {
	return len(w.Always) == 0 && len(w.Events) == 0 && w.Slots == Set{}
}

// Compile compiles valid definitions. It returns an error if they read more
// attributes of spans than a Set can hold.
func Compile(metrics []metric.Definition) (*Plan, error) {
	p := &Plan{GroupSlots: len(groupKeys), Invalid: []string{InvalidDuration: "duration", InvalidState: "tracestate"}}
	for _, key := range groupKeys {
		p.Span.add(key)
	}
	p.StageSlot = p.Span.add(vocab.Stage)
	p.PipelineSlot = p.Resource.add(vocab.PipelineName)
	// The rest of the vocabulary gets slots too: known attributes are found faster than unknown ones.
	for i := range vocab.Attributes {
		p.Span.add(vocab.Attributes[i].Key)
	}

	var observations []*Observation
	for i := range metrics {
		m := &Metric{Definition: metrics[i], Number: i, Names: metrics[i].LabelNames()}
		p.Metrics = append(p.Metrics, m)
		for _, l := range m.Definition.Labels {
			label := Label{Field: p.field(l.Field), Default: l.Default}
			if l.With != nil {
				label.With = new(p.field(*l.With))
			}
			m.Labels = append(m.Labels, label)
		}
		for j := range m.Values {
			o := p.observation(m, &m.Values[j])
			o.Number = len(observations)
			observations = append(observations, o)
		}
	}

	// The slots are complete only now.
	if n := p.Span.Len(); n > Words*64 {
		return nil, fmt.Errorf("found %d different attributes, those of the built-in metrics among them, must be %d or fewer; read fewer", n, Words*64)
	}
	p.Span.seal()
	p.Resource.seal()
	p.Event.seal()
	p.ML, p.Other = newWork(p.Span.Len()), newWork(p.Span.Len())
	for _, o := range observations {
		p.ML.add(o)
		if o.Metric.AllSpans {
			p.Other.add(o)
		}
	}
	return p, nil
}

func (p *Plan) observation(m *Metric, v *metric.Value) *Observation {
	o := &Observation{
		Kind: m.Kind, ByGroup: true, InGroup: -1, Value: *v, Metric: m,
		Seconds: m.Unit == "s" && (v.Source == metric.Duration || v.Milliseconds),
	}
	if m.Kind == metric.Histogram {
		o.Index = bucketindex.New(m.Buckets)
	}
	if v.Source == metric.Attribute {
		o.Read = p.field(v.Field)
		if o.Invalid = slices.Index(p.Invalid, v.Field.Key); o.Invalid < 0 {
			o.Invalid = len(p.Invalid)
			p.Invalid = append(p.Invalid, v.Field.Key)
		}
	}
	for _, conditions := range [][]metric.Condition{m.When, v.When} {
		for i := range conditions {
			c := Condition{Field: p.field(conditions[i].Field), Test: &conditions[i]}
			o.Conditions = append(o.Conditions, c)
			o.ByGroup = o.ByGroup && c.Field.InGroup
		}
	}
	for i := range m.Labels {
		for _, f := range []*Field{&m.Labels[i].Field, m.Labels[i].With} {
			if f != nil && !f.InGroup {
				o.Extra = append(o.Extra, f)
			}
		}
	}
	if len(o.Extra) == 0 {
		o.InGroup = p.Cached
		p.Cached++
	}
	o.ByGroup = o.ByGroup && o.InGroup >= 0
	o.Slot = int32(o.trigger())
	return o
}

func (p *Plan) field(f metric.Field) Field {
	c := Field{Origin: f.Origin, Key: f.Key, SpanSlot: -1, ResourceSlot: -1, EventSlot: -1}
	if a := vocab.Lookup(f.Key); a != nil && a.Type == vocab.Bool {
		c.Bool = f.Origin != metric.Event && f.Origin != metric.Intrinsic
	}
	switch f.Origin {
	case metric.SpanOrResource:
		c.SpanSlot, c.ResourceSlot = p.Span.add(f.Key), p.Resource.add(f.Key)
	case metric.Span:
		c.SpanSlot = p.Span.add(f.Key)
	case metric.Resource:
		c.ResourceSlot = p.Resource.add(f.Key)
	case metric.Event:
		c.EventSlot = p.Event.add(f.Key)
	}
	c.InGroup = c.EventSlot < 0 && c.SpanSlot < p.GroupSlots
	if len(f.Alternatives) > 0 {
		c.Next = new(p.field(metric.Field{Origin: f.Origin, Key: f.Alternatives[0], Alternatives: f.Alternatives[1:]}))
		c.InGroup = c.InGroup && c.Next.InGroup
	}
	return c
}

func newWork(slots int) Work {
	return Work{BySlot: make([][]*Observation, slots), Events: make(map[string][]*Observation)}
}

func (w *Work) add(o *Observation) {
	switch {
	case o.Event != "":
		w.Events[o.Event] = append(w.Events[o.Event], o)
	case o.Slot >= 0:
		w.BySlot[o.Slot] = append(w.BySlot[o.Slot], o)
		w.Slots.Add(int(o.Slot))
	default:
		w.Always = append(w.Always, o)
	}
}

// trigger returns the slot of a span attribute that the observation requires, -1 for none.
// A field with alternatives has none: each of its keys is enough.
func (o *Observation) trigger() int {
	if o.Source == metric.Attribute && o.Read.Origin == metric.Span && o.Read.Next == nil && !o.OrDuration {
		return o.Read.SpanSlot
	}
	for _, c := range o.Conditions {
		if c.Field.Origin == metric.Span && c.Field.Next == nil && !c.Test.HoldsAbsent() {
			return c.Field.SpanSlot
		}
	}
	return -1
}
