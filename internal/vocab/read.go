package vocab

import (
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// IsMLSpan reports whether a span is one of an ML pipeline: its resource has a
// pipeline (see HasPipeline), or the span has ml.stage, which mlsignals sets on
// every span that a dialect recognises as a stage.
func IsMLSpan(pipeline, staged bool) bool { return pipeline || staged }

// HasPipeline reports whether a resource has ml.pipeline.name, with text.
func HasPipeline(resource pcommon.Map) bool {
	v, ok := resource.Get(PipelineName)
	return ok && v.AsString() != ""
}

// ReadDouble reads a finite number out of a double, an int or a numeric string.
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

// ReadInt reads a whole number out of an int, an integral double or a numeric string.
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

// ReadBool reads a bool out of a bool or its text.
func ReadBool(v pcommon.Value) (value, ok bool) {
	switch v.Type() {
	case pcommon.ValueTypeBool:
		return v.Bool(), true
	case pcommon.ValueTypeStr:
		return ParseBool(v.Str())
	}
	return false, false
}

// ParseBool reads the words true and false in small letters, in capitals, and as Python writes them: True and False.
func ParseBool(text string) (value, ok bool) {
	switch text {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

// BoolText is the one text of a bool in labels: true or false. Other text is returned as it is.
func BoolText(text string) string {
	if b, ok := ParseBool(text); ok {
		return strconv.FormatBool(b)
	}
	return text
}

// InRange reports whether a number can be true for the attribute.
func (a *Attribute) InRange(f float64) bool {
	return f >= a.Min && f <= a.Max
}

func isFinite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// integral converts a whole double that int64 can hold. The upper bound is exclusive: 2^63 itself overflows.
func integral(f float64) (int64, bool) {
	if f != math.Trunc(f) || f < -(1<<63) || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}
