package rules

import (
	"math"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
)

// source is a compiled dialect.Source.
type source struct {
	from     uint8
	key      string    // of the attribute, as the rule gives it
	slot     int       // of the attribute or resource attribute
	minus    int       // slot, -1 for none
	event    int       // of fromEvent and fromCount
	from1    timePoint // of fromGap
	to       timePoint
	constant pcommon.Value
	number   float64 // of the constant
	units    []unit
	between  []string // of a text
	times    float64  // 0 for 1
	onlyIf   []slotCondition
	plus     float64
	unknown  []float64
	texts    []string // unknown ones
	json     string
	values   map[string]pcommon.Value
}

const (
	fromAttribute = iota
	fromResource
	fromEvent
	fromCount
	fromDuration
	fromGap
	fromConstant
)

// slotCondition is a condition on the attribute of a slot.
type slotCondition struct {
	dialect.Condition
	slot int
}

// holds reports whether the conditions of the source hold.
func (s *source) holds(sc *Scratch) bool {
	for i := range s.onlyIf {
		c := &s.onlyIf[i]
		if v, ok := sc.attribute(c.slot); !ok || !c.Holds(v) {
			return false
		}
	}
	return true
}

// timePoint is a compiled dialect.TimePoint. In a join, index is its position among those of its side.
type timePoint struct {
	dialect.TimePoint
	event int
	slot  int
	index int
}

// unit converts a number to milliseconds; text parses strings such as 1.234567ms.
type unit struct {
	times, over float64 // two factors, to avoid rounding errors
	text        bool
	// whole: only whole numbers can be in this unit. Otherwise a number of seconds
	// that is longer than the span would be read as a few nanoseconds.
	whole bool
}

var units = map[string]unit{
	"ns": {times: 1, over: 1e6, whole: true}, "us": {times: 1, over: 1e3}, "ms": {times: 1, over: 1}, "s": {times: 1e3, over: 1},
	"duration": {text: true},
}

// leastNS is the smallest value that is read as nanoseconds if other units are
// possible: serving systems measure nothing below a microsecond, and 3 seconds
// on a span of 2 are not 3 ns.
const leastNS = 1000

// The results of reading a number.
const (
	absent = iota
	found
	invalid
)

func (b *builder) source(s *dialect.Source) source {
	c := source{slot: -1, minus: -1, times: s.Times, plus: s.Plus, json: s.JSON, between: s.Between}
	for text, stands := range s.Values {
		v := pcommon.NewValueEmpty()
		_ = v.FromRaw(stands)
		if c.values == nil {
			c.values = map[string]pcommon.Value{}
		}
		c.values[text] = v
	}
	for _, one := range s.Unknown {
		if text, ok := one.(string); ok {
			c.texts = append(c.texts, text)
			continue
		}
		v := pcommon.NewValueEmpty()
		_ = v.FromRaw(one) // a number, or the dialect would not be valid
		f, _ := vocab.ReadDouble(v)
		c.unknown = append(c.unknown, f)
	}
	for _, key := range sortedKeys(s.OnlyIf) {
		condition, _ := dialect.ParseCondition(s.OnlyIf[key])
		c.onlyIf = append(c.onlyIf, slotCondition{condition, b.slot(key)})
	}
	for _, name := range s.Units {
		c.units = append(c.units, units[name])
	}
	switch {
	case s.Event != "":
		c.from, c.event, c.key = fromEvent, b.event(s.Event), s.Attribute
	case s.Attribute != "":
		c.from, c.slot, c.key = fromAttribute, b.slot(s.Attribute), s.Attribute
	case s.ResourceAttribute != "":
		c.from, c.slot, c.key = fromResource, b.resourceKey(s.ResourceAttribute).slot, s.ResourceAttribute
	case s.CountEvents != "":
		c.from, c.event = fromCount, b.event(s.CountEvents)
	case s.SpanDuration:
		c.from = fromDuration
	case len(s.Gap) == 2:
		c.from = fromGap
		c.from1, c.to = b.timePoint(s.Gap[0]), b.timePoint(s.Gap[1])
	default:
		c.from = fromConstant
		c.constant = pcommon.NewValueEmpty()
		_ = c.constant.FromRaw(s.Value)
		c.number, _ = vocab.ReadDouble(c.constant)
	}
	if s.Minus != "" {
		c.minus = b.slot(s.Minus)
	}
	return c
}

func (b *builder) timePoint(text string) timePoint {
	m, _ := dialect.ParseTimePoint(text)
	c := timePoint{TimePoint: m, event: -1, slot: -1}
	if m.Attribute != "" {
		c.slot = b.slot(m.Attribute)
	}
	if m.Event != "" {
		c.event = b.event(m.Event)
	}
	return c
}

// value returns the attribute that the source reads, as the span has it, or what its text stands for.
func (s *source) value(sc *Scratch) (pcommon.Value, bool) {
	v, ok := s.said(sc)
	if ok && s.values != nil {
		v, ok = s.values[v.AsString()]
	}
	return v, ok
}

// numberValue is value for a number: one needs no text that stands for it.
func (s *source) numberValue(sc *Scratch) (pcommon.Value, bool) {
	v, ok := s.said(sc)
	if ok && s.values != nil && v.Type() != pcommon.ValueTypeInt && v.Type() != pcommon.ValueTypeDouble {
		v, ok = s.values[v.AsString()]
	}
	return v, ok
}

func (s *source) said(sc *Scratch) (pcommon.Value, bool) {
	v, ok := s.held(sc)
	if ok && s.json != "" {
		v, ok = member(v, s.json)
	}
	return v, ok
}

func (s *source) held(sc *Scratch) (pcommon.Value, bool) {
	switch s.from {
	case fromAttribute:
		return sc.attribute(s.slot)
	case fromResource:
		return sc.resourceAttribute(s.slot)
	case fromEvent:
		if e, ok := sc.event(s.event); ok {
			return e.Attributes().Get(s.key)
		}
	case fromConstant:
		return s.constant, true
	}
	return pcommon.Value{}, false
}

// text returns the part of a value that the source reads, "" where it has none.
func (s *source) text(v pcommon.Value) string {
	text := v.AsString()
	if len(s.between) == 0 {
		return text
	}
	_, rest, found := strings.Cut(text, s.between[0])
	if !found {
		return ""
	}
	part, _, _ := strings.Cut(rest, s.between[1])
	return part
}

// numeric returns the number of the source, a duration in ms.
func (s *source) numeric(sc *Scratch) (float64, int) {
	f, got := s.measured(sc)
	if s.times != 0 {
		f *= s.times
	}
	return f + s.plus, got
}

// measured returns the number before Times and Plus are applied.
func (s *source) measured(sc *Scratch) (float64, int) {
	switch s.from {
	case fromConstant:
		return s.number, found
	case fromCount:
		n := sc.eventCount(s.event)
		if n == 0 {
			return 0, absent
		}
		return float64(n), found
	case fromDuration:
		if sc.DurationMS < 0 {
			return 0, absent
		}
		return sc.DurationMS, found
	case fromGap:
		from, ok1 := s.from1.of(sc)
		to, ok2 := s.to.of(sc)
		if !ok1 || !ok2 {
			return 0, absent
		}
		if to < from {
			return 0, invalid
		}
		return milliseconds(from, to), found
	}
	v, ok := s.numberValue(sc)
	if !ok {
		return 0, absent
	}
	if s.minus >= 0 {
		return s.difference(v, sc)
	}
	return s.scaled(v, sc)
}

func (s *source) difference(v pcommon.Value, sc *Scratch) (float64, int) {
	other, ok := sc.attribute(s.minus)
	if !ok {
		return 0, absent
	}
	a, got := s.scaled(v, sc)
	if got != found {
		return 0, got
	}
	b, got := s.scaled(other, sc)
	if got != found {
		return 0, absent
	}
	if b > a {
		return 0, invalid
	}
	return a - b, found
}

// scaled applies the first unit in which the value is not longer than the span.
func (s *source) scaled(v pcommon.Value, sc *Scratch) (float64, int) {
	if len(s.units) == 0 {
		f, ok := vocab.ReadDouble(v)
		if !ok {
			return 0, invalid
		}
		if s.isUnknown(f) {
			return 0, absent
		}
		return f, found
	}
	if f, numeric := vocab.ReadDouble(v); numeric && s.isUnknown(f) {
		return 0, absent
	}
	for _, u := range s.units {
		ms, ok := u.read(v)
		if !ok || len(s.units) > 1 && (!sc.fits(ms) || u.whole && ms > 0 && ms < leastNS/1e6) {
			continue
		}
		return ms, found
	}
	return 0, invalid
}

func (s *source) isUnknown(f float64) bool {
	for _, u := range s.unknown {
		if f == u {
			return true
		}
	}
	return false
}

func (u unit) read(v pcommon.Value) (float64, bool) {
	if !u.text {
		f, ok := vocab.ReadDouble(v)
		return f * u.times / u.over, ok && f >= 0 && (!u.whole || f == math.Trunc(f))
	}
	if v.Type() != pcommon.ValueTypeStr {
		return 0, false
	}
	// Rust's and Go's text forms of a duration agree for every value that is not negative.
	d, err := time.ParseDuration(v.Str())
	return float64(d) / float64(time.Millisecond), err == nil && d >= 0
}

func (m timePoint) of(sc *Scratch) (pcommon.Timestamp, bool) {
	switch {
	case m.slot >= 0:
		v, ok := sc.attribute(m.slot)
		if !ok {
			return 0, false
		}
		return timeOfDay(v)
	case m.event >= 0:
		if e, ok := sc.event(m.event); ok {
			return e.Timestamp(), e.Timestamp() != 0
		}
		return 0, false
	case m.End:
		return sc.end, sc.end != 0
	default:
		return sc.start, sc.start != 0
	}
}

func milliseconds(from, to pcommon.Timestamp) float64 {
	return float64(to-from) / float64(time.Millisecond)
}

// fits reports whether a duration is not longer than the span. Durations are
// measured with another clock than spans, so some slack is allowed.
func (sc *Scratch) fits(ms float64) bool {
	return !math.IsInf(ms, 0) && sc.DurationMS >= 0 && ms <= sc.DurationMS*1.05+1
}
