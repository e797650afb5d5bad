package dialect

import (
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// constantProblem returns an error if a constant cannot be the value of an attribute.
func constantProblem(value any, to *vocab.Attribute) error {
	v := pcommon.NewValueEmpty()
	_ = v.FromRaw(value) // a value of another type stays empty and fits no attribute
	text, isText := value.(string)
	fits := false
	switch to.Type {
	case vocab.String:
		fits = isText && text != ""
	case vocab.Bool:
		_, fits = vocab.ReadBool(v)
	default:
		f, ok := vocab.ReadDouble(v)
		fits = ok && to.InRange(f) && (to.Type != vocab.Int || f == math.Trunc(f))
	}
	if fits {
		return nil
	}
	return fmt.Errorf("found %s, must be %s for %s%s", knownkeys.Found(value), wanted(to), to.Key, hint(value, to))
}

// wanted describes the values of an attribute.
func wanted(to *vocab.Attribute) string {
	number := "a number"
	switch to.Type {
	case vocab.String:
		return "text"
	case vocab.Bool:
		return "true or false"
	case vocab.Int:
		number = "a whole number"
	}
	if isTime(to) {
		number += " of ms"
	}
	switch {
	case to.Min == -math.MaxFloat64:
		return number
	case to.Max == math.MaxFloat64:
		return number + " from " + decimal(to.Min) + " on"
	default:
		return number + " from " + decimal(to.Min) + " to " + decimal(to.Max)
	}
}

// hint returns what to write instead, "" if that is not clear.
func hint(value any, to *vocab.Attribute) string {
	switch v := value.(type) {
	case string:
		if d, err := time.ParseDuration(v); err == nil && isTime(to) && d >= 0 {
			return "; write " + decimal(float64(d)/float64(time.Millisecond))
		}
	case int, float64, bool, time.Time:
		if to.Type == vocab.String {
			return "; put it in quotes here, not in a variable"
		}
	}
	return ""
}
