package observe

import (
	"strconv"
	"unicode/utf8"
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/compiled"
	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector/internal/metric"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// span is a span, with what the metrics read of it. One span follows the other
// in the same memory.
type span struct {
	ptrace.Span
	resource *resource
	values   []pcommon.Value // by span slot
	present  compiled.Set    // which of values are of this span
	event    event
	// durationMS is 0 where the span has no valid duration.
	durationMS float64
	lasts      bool
	weight     float64
	arrived    pcommon.Timestamp
	texts      texts
}

// event is the span event that is being observed.
type event struct {
	values  []pcommon.Value // by event slot
	present []bool
}

// text returns a field's text, and whether the field is present. The text is
// valid until the next span.
func (s *span) text(f *compiled.Field) (string, bool) {
	text, present := s.textOf(f)
	for f.Next != nil && text == "" {
		f = f.Next
		var next bool
		text, next = s.textOf(f)
		present = present || next
	}
	if f.Bool {
		text = vocab.BoolText(text)
	}
	return text, present
}

// textOf is text for the field's own key, without its alternatives.
func (s *span) textOf(f *compiled.Field) (string, bool) {
	switch f.Origin {
	case metric.Intrinsic:
		switch f.Key {
		case metric.SpanName:
			return s.texts.cut(s.Name()), true
		case metric.StatusCode:
			return statusCode(s.Status().Code()), true
		default:
			return s.Kind().String(), true
		}
	case metric.Event:
		if !s.event.present[f.EventSlot] {
			return "", false
		}
		return s.texts.of(s.event.values[f.EventSlot]), true
	}
	present := f.SpanSlot >= 0 && s.present.Has(f.SpanSlot)
	if present {
		if text := s.texts.of(s.values[f.SpanSlot]); text != "" {
			return text, true
		}
	}
	if f.ResourceSlot < 0 {
		return "", present
	}
	text := s.resource.values[f.ResourceSlot]
	return text, present || text != ""
}

// number returns the number of a field, and whether there is one that can be
// true. Where there is none because the attribute is absent, slot is -1;
// otherwise it is the attribute's, and the counts are those of its origin.
func (s *span) number(o *compiled.Observation, counts *Counts) (n float64, ok, absent bool) {
	f := &o.Field
	var v pcommon.Value
	var invalid *uint64
	switch {
	case f.Origin == metric.Event:
		if !s.event.present[f.EventSlot] {
			return 0, false, true
		}
		v, invalid = s.event.values[f.EventSlot], &counts.InvalidEvents[f.EventSlot]
	case f.SpanSlot >= 0 && s.present.Has(f.SpanSlot) && !s.empty(f):
		v, invalid = s.values[f.SpanSlot], &counts.InvalidSpans[f.SpanSlot]
	default:
		text, present := s.text(f)
		if !present {
			return 0, false, true
		}
		v, invalid = pcommon.NewValueStr(text), &counts.InvalidResources[f.ResourceSlot]
	}
	if n, ok = read(v, o); !ok {
		*invalid++
	}
	return n, ok, false
}

// empty reports whether the span's value of a field is an empty text, in place of which the resource's counts.
func (s *span) empty(f *compiled.Field) bool {
	v := s.values[f.SpanSlot]
	return f.ResourceSlot >= 0 && v.Type() == pcommon.ValueTypeStr && v.Str() == ""
}

// read returns the number that a value holds, and whether it is within the observation's range.
func read(v pcommon.Value, o *compiled.Observation) (n float64, ok bool) {
	if o.Whole {
		var i int64
		i, ok = vocab.ReadInt(v)
		n = float64(i)
	} else {
		n, ok = vocab.ReadDouble(v)
	}
	return n, ok && n >= o.Min && n <= o.Max
}

// duration returns the span's duration in the unit of an observation.
func (s *span) duration(o *compiled.Observation) float64 {
	if o.Metric.Unit == "s" {
		return s.durationMS / 1000
	}
	return s.durationMS
}

// statusCode is the status in the words of the OpenTelemetry conventions' otel.status_code, with UNSET for spans without one.
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

// texts makes labels' texts of values.
type texts struct {
	// limit is the largest number of bytes of a text. 0: no limit.
	limit int
	// wasCut reports whether a text was cut since it was last set to false.
	wasCut bool
	// numbers has the texts of numbers, until it is emptied.
	numbers []byte
}

// of returns the text of a value. Maps, lists and bytes have none.
func (t *texts) of(v pcommon.Value) string {
	kind := v.Type()
	if kind == pcommon.ValueTypeStr {
		return t.cut(v.Str())
	}
	start := len(t.numbers)
	switch kind {
	case pcommon.ValueTypeBool:
		return strconv.FormatBool(v.Bool())
	case pcommon.ValueTypeInt:
		t.numbers = strconv.AppendInt(t.numbers, v.Int(), 10)
	case pcommon.ValueTypeDouble:
		t.numbers = strconv.AppendFloat(t.numbers, v.Double(), 'f', -1, 64)
	default:
		return ""
	}
	// Should numbers grow and move, this text still refers to the old array.
	return unsafe.String(&t.numbers[start], len(t.numbers)-start)
}

// cut cuts a text that is too long, between two runes.
func (t *texts) cut(text string) string {
	if len(text) <= t.limit || t.limit == 0 {
		return text
	}
	t.wasCut = true
	end := t.limit
	for end > t.limit-utf8.UTFMax && end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
