// Package metric defines metrics as data. Built-in metrics and those of the
// configuration are both a Definition and are handled alike. Definitions are not
// changed after the configuration is built, so they may be read concurrently.
package metric

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Kind is the kind of a metric.
type Kind uint8

// The kinds of metrics.
const (
	Histogram Kind = iota
	Counter
	Gauge
)

func (k Kind) String() string { return [...]string{"histogram", "counter", "gauge"}[k] }

// Form is the form of a histogram.
type Form string

// The forms of histograms.
const (
	Explicit    Form = "explicit"
	Exponential Form = "exponential"
	// Both is for moving from one form to the other.
	Both Form = "both"
)

// Origin is where a field is read from.
type Origin uint8

// The origins of fields.
const (
	// SpanOrResource is the span's attribute or, where the span has none or an empty one, the resource's.
	SpanOrResource Origin = iota
	Span
	Resource
	// Event is an attribute of the span event that is being counted.
	Event
	// Intrinsic is a property of the span itself: SpanName, StatusCode or SpanKind.
	Intrinsic
)

// The keys of intrinsic fields, which are also the names of their labels.
const (
	SpanName   = "span.name"
	StatusCode = "status.code"
	SpanKind   = "span.kind"
)

// Field names one thing that can be read off a span.
type Field struct {
	Origin Origin
	Key    string
	// Alternatives are keys to read where Key is absent or empty, in this order.
	Alternatives []string
}

// Label is a label of a metric.
type Label struct {
	Name  string
	Field Field
	// Default is the value where the field is absent; a label without a value is left out.
	Default string
	// With is a field that the label needs: where it is absent the label is left out. Nil: none.
	With *Field
}

// Condition is a test on one field. All the tests that are set must pass.
type Condition struct {
	Field Field
	// Exists, if set, requires that the field is present (true) or absent (false).
	Exists *bool
	// In passes where the field's text is one of these. Empty: any text.
	In []string
	// NotIn holds if the field's text is none of these.
	NotIn []string
	// Matches, where set, must match the field's text.
	Matches *regexp.Regexp
	// Min and Max, where set, bound the field's number, both inclusive.
	Min, Max *float64
}

// Holds reports whether a field passes, given its text ("" where absent).
func (c *Condition) Holds(text string, present bool) bool {
	if c.Exists != nil && *c.Exists != present {
		return false
	}
	if !present {
		return c.HoldsAbsent()
	}
	if len(c.In) > 0 && !slices.Contains(c.In, text) || slices.Contains(c.NotIn, text) || c.Matches != nil && !c.Matches.MatchString(text) {
		return false
	}
	if c.Min == nil && c.Max == nil {
		return true
	}
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && (c.Min == nil || f >= *c.Min) && (c.Max == nil || f <= *c.Max)
}

// HoldsAbsent reports whether an absent field passes: if absence is required, or
// if the field must only not be one of some values.
func (c *Condition) HoldsAbsent() bool {
	if c.Exists != nil {
		return !*c.Exists
	}
	return len(c.In) == 0 && c.Matches == nil && c.Min == nil && c.Max == nil
}

// Source is the kind of an observed value.
type Source uint8

// The sources of values.
const (
	// Attribute is the number in a field.
	Attribute Source = iota
	// Duration is the span's duration.
	Duration
	// Count is 1 for every span or event that passes the conditions.
	Count
)

// Value is one thing that a metric observes.
type Value struct {
	Source Source
	// OrDuration observes the span's duration where the field is absent.
	OrDuration bool
	// Milliseconds: the number of the attribute is in ms, like a duration, and is observed in s if that is the metric's unit.
	Milliseconds bool
	// Whole reports whether only whole numbers are valid.
	Whole bool
	// Min and Max are the bounds of valid values, inclusive; other values are counted as invalid and not observed.
	Min, Max float64
	Field    Field
	// Event is the name of the span events that are observed. Empty: the span itself.
	Event string
	// When must hold in addition to the metric's own conditions.
	When []Condition
	// Split is the value of the metric's SplitLabel for this value.
	Split string
}

// Definition defines a metric.
type Definition struct {
	Name        string
	Description string
	// Unit is a UCUM unit. Durations are in milliseconds unless it is "s".
	Unit string
	Kind Kind
	// Values are the observed values: one, or several with a SplitLabel.
	Values     []Value
	SplitLabel string
	Labels     []Label
	When       []Condition
	// AllSpans observes every span, not only those of ML pipelines.
	AllSpans bool
	// Buckets are the upper bounds of a histogram's explicit buckets: inclusive, sorted, finite.
	Buckets []float64
	// Form says which kinds of buckets a histogram has. Empty: the connector's setting.
	Form Form
	// Expiration is how long a series may be idle before it is dropped, 0 for ever. Nil: the connector's setting.
	Expiration *time.Duration
	// SeriesLimit is the largest number of series, 0 for no limit. Nil: the connector's setting.
	SeriesLimit *int
}

// Whole reports whether a counter only grows by whole numbers, so that its points are integers.
func (m *Definition) Whole() bool {
	for i := range m.Values {
		if v := &m.Values[i]; v.Source == Duration || v.Source == Attribute && !v.Whole {
			return false
		}
	}
	return true
}

// LabelNames returns the names of the labels, that of SplitLabel last.
func (m *Definition) LabelNames() []string {
	var names []string
	for _, l := range m.Labels {
		names = append(names, l.Name)
	}
	if m.SplitLabel != "" {
		names = append(names, m.SplitLabel)
	}
	return names
}
