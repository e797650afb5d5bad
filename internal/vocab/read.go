package vocab

import (
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// IsMLSpan reports whether a span is an ML span: its resource has a pipeline (see HasPipeline), or the span has
// ml.stage, which mlsignals sets on every span that a dialect recognises as a stage.
func IsMLSpan(pipeline, staged bool) bool { return pipeline || staged }

// HasPipeline reports whether a resource has a non-empty ml.pipeline.name.
func HasPipeline(resource pcommon.Map) bool {
	v, ok := resource.Get(PipelineName)
	return ok && v.AsString() != ""
}

// ReadDouble reads a finite number from a double, an int or a numeric string.
func ReadDouble(v pcommon.Value) (float64, bool) {
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		f := v.Double()
		return f, isFinite(f)
	case pcommon.ValueTypeInt:
		return float64(v.Int()), true
	case pcommon.ValueTypeStr:
		f, err := strconv.ParseFloat(v.Str(), 64)
		return f, err == nil && isFinite(f)
	default:
		return 0, false
	}
}

// ReadInt reads an integer from an int, an integral double or a numeric string.
func ReadInt(v pcommon.Value) (int64, bool) {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return v.Int(), true
	case pcommon.ValueTypeDouble:
		return integral(v.Double())
	case pcommon.ValueTypeStr:
		if i, err := strconv.ParseInt(v.Str(), 10, 64); err == nil {
			return i, true
		}
		f, err := strconv.ParseFloat(v.Str(), 64)
		if err != nil {
			return 0, false
		}
		return integral(f)
	default:
		return 0, false
	}
}

// ReadBool reads a bool from a bool or a string.
func ReadBool(v pcommon.Value) (value, ok bool) {
	switch v.Type() {
	case pcommon.ValueTypeBool:
		return v.Bool(), true
	case pcommon.ValueTypeStr:
		return ParseBool(v.Str())
	}
	return false, false
}

// ParseBool parses true and false in lower case, in upper case, and as in Python: True and False.
func ParseBool(text string) (value, ok bool) {
	switch text {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

// BoolText returns the normalised text of a bool in labels: true or false. Other text is returned unchanged.
func BoolText(text string) string {
	if b, ok := ParseBool(text); ok {
		return strconv.FormatBool(b)
	}
	return text
}

// InRange reports whether a number is valid for the attribute.
func (a *Attribute) InRange(f float64) bool {
	return f >= a.Min && f <= a.Max
}

func isFinite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// integral converts an integral double that fits into an int64. The upper bound is exclusive, because 2^63 overflows.
func integral(f float64) (int64, bool) {
	if f != math.Trunc(f) || f < -(1<<63) || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}
