package observe

import (
	"cmp"
	"unicode/utf8"

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
	values   [64 * compiled.Words]pcommon.Value // by span slot
	present  compiled.Set                       // which of values are of this span
	event    *attributes
	// durationMS is 0 where the span has no valid duration.
	durationMS float64
	lasts      bool
	weight     float64
	arrived    pcommon.Timestamp
	texts      texts
}

// attributes are those of a resource or of a span event, by slot.
type attributes struct {
	values  []pcommon.Value
	present []bool
}

func newAttributes(keys *compiled.KeyTable) attributes {
	return attributes{make([]pcommon.Value, keys.Len()), make([]bool, keys.Len())}
}

// collect finds the attributes that the plan reads. Of two values of a key the first counts, as in every component.
func (a *attributes) collect(all pcommon.Map, keys *compiled.KeyTable) {
	clear(a.present)
	for key, v := range all.All() {
		if slot := keys.Index(key); slot >= 0 && !a.present[slot] {
			a.values[slot], a.present[slot] = v, true
		}
	}
}

// text returns a field's text, and whether the field is present.
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

// value returns a field's value, and whether the field is present.
func (s *span) value(f *compiled.Field) (v pcommon.Value, present bool) {
	if f.Origin == metric.Event {
		return s.event.values[f.EventSlot], s.event.present[f.EventSlot]
	}
	if f.SpanSlot >= 0 && s.present.Has(f.SpanSlot) {
		v = s.values[f.SpanSlot]
		if f.ResourceSlot < 0 || v.Type() != pcommon.ValueTypeStr || v.Str() != "" {
			return v, true
		}
	}
	text, present := s.text(f)
	if present {
		v = pcommon.NewValueStr(text)
	}
	return v, present
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

// statusCode is the status in the words of the OpenTelemetry conventions' otel.status_code, with UNSET for spans without one.
func statusCode(c ptrace.StatusCode) string {
	return cmp.Or(map[ptrace.StatusCode]string{ptrace.StatusCodeOk: "OK", ptrace.StatusCodeError: "ERROR"}[c], "UNSET")
}

// texts makes labels' texts of values.
type texts struct {
	// limit is the largest number of bytes of a text. 0: no limit.
	limit int
	// wasCut reports whether a text was cut since it was last set to false.
	wasCut bool
}

// of returns the text of a value. Maps, lists and bytes have none.
func (t *texts) of(v pcommon.Value) string {
	if v.Type() == pcommon.ValueTypeStr { // nearly always
		return t.cut(v.Str())
	}
	switch v.Type() {
	case pcommon.ValueTypeBool, pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
		return v.AsString()
	}
	return ""
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
