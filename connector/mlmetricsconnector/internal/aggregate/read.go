package aggregate

import (
	"strconv"
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/definition"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/plan"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// read returns a field's text, and whether the field is present. The text is
// valid until the next span.
func (s *stripe) read(f *plan.Field) (string, bool) {
	text, present := s.readKey(f)
	for f.Next != nil && text == "" {
		f = f.Next
		var next bool
		text, next = s.readKey(f)
		present = present || next
	}
	if f.Bool {
		text = vocab.BoolText(text)
	}
	return text, present
}

// readKey is read for the field's own key.
func (s *stripe) readKey(f *plan.Field) (string, bool) {
	switch f.Origin {
	case definition.Intrinsic:
		switch f.Key {
		case definition.SpanName:
			return s.span.Name(), true
		case definition.StatusCode:
			return statusCode(s.span.Status().Code()), true
		default:
			return s.span.Kind().String(), true
		}
	case definition.Event:
		if !s.eventPresent[f.EventSlot] {
			return "", false
		}
		return s.asText(s.eventValues[f.EventSlot]), true
	}
	present := f.SpanSlot >= 0 && s.present.Has(f.SpanSlot)
	if present {
		if text := s.asText(s.values[f.SpanSlot]); text != "" {
			return text, true
		}
	}
	if f.ResourceSlot < 0 {
		return "", present
	}
	text := s.resource.values[f.ResourceSlot]
	return text, present || text != ""
}

// hidesNothing reports whether the span's value of a field is an empty text, in whose place the resource's is read.
func (s *stripe) hidesNothing(f *plan.Field) bool {
	v := s.values[f.SpanSlot]
	return f.ResourceSlot >= 0 && v.Type() == pcommon.ValueTypeStr && v.Str() == ""
}

// asText writes a value out. Numbers go to the span's scratch space.
func (s *stripe) asText(v pcommon.Value) string {
	start := len(s.text)
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return v.Str()
	case pcommon.ValueTypeBool:
		if v.Bool() {
			return "true"
		}
		return "false"
	case pcommon.ValueTypeInt:
		s.text = strconv.AppendInt(s.text, v.Int(), 10)
	case pcommon.ValueTypeDouble:
		s.text = strconv.AppendFloat(s.text, v.Double(), 'f', -1, 64)
	default:
		return v.AsString()
	}
	// Should s.text grow and move, this text still holds on to the old array.
	return unsafe.String(&s.text[start], len(s.text)-start)
}

// value returns what to observe. It counts values that cannot be true, and
// returns false for them as for absent ones.
func (s *stripe) value(o *plan.Observation) (float64, bool) {
	if o.Source == definition.Count {
		return 1, true
	}
	var f float64
	var ok bool
	switch field := &o.Field; {
	case o.Source == definition.Duration:
		return s.duration(o)
	case field.Origin == definition.Event:
		if !s.eventPresent[field.EventSlot] {
			return 0, false
		}
		f, ok = number(s.eventValues[field.EventSlot], o.Whole)
		if !ok || !(f >= o.Min && f <= o.Max) {
			s.counts.InvalidEvents[field.EventSlot]++
			return 0, false
		}
		return f, true
	case field.SpanSlot >= 0 && s.present.Has(field.SpanSlot) && !s.hidesNothing(field):
		f, ok = number(s.values[field.SpanSlot], o.Whole)
		if !ok || !(f >= o.Min && f <= o.Max) {
			s.counts.InvalidSpans[field.SpanSlot]++
			return 0, false
		}
		return f, true
	default:
		text, present := s.read(field)
		if !present {
			return s.duration(o)
		}
		f, ok = number(pcommon.NewValueStr(text), o.Whole)
		if !ok || !(f >= o.Min && f <= o.Max) {
			s.counts.InvalidResources[field.ResourceSlot]++
			return 0, false
		}
		return f, true
	}
}

// duration returns the span's duration where the observation wants it.
func (s *stripe) duration(o *plan.Observation) (float64, bool) {
	if !s.durationValid || o.Source != definition.Duration && !o.OrDuration {
		return 0, false
	}
	if o.Metric.Unit == "s" {
		return s.durationMS / 1000, true
	}
	return s.durationMS, true
}

func number(v pcommon.Value, whole bool) (float64, bool) {
	if whole {
		i, ok := vocab.ReadInt(v)
		return float64(i), ok
	}
	return vocab.ReadDouble(v)
}

// isTrue reads a flag, from a bool or the text of one.
func isTrue(v pcommon.Value) bool {
	b, _ := vocab.ReadBool(v)
	return b
}

// statusCode names the status as the OpenTelemetry conventions' otel.status_code does, with UNSET for spans without one.
func statusCode(c ptrace.StatusCode) string {
	switch c {
	case ptrace.StatusCodeOk:
		return "OK"
	case ptrace.StatusCodeError:
		return "ERROR"
	default:
		return "UNSET"
	}
}
