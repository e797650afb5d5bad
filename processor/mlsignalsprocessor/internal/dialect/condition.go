package dialect

import (
	"fmt"
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Condition says what the value of an attribute must be.
type Condition struct {
	// Any holds for every value.
	Any bool
	// Texts holds for a value whose text is one of these.
	Texts []string
	// Range holds for a number from Min to Max, both inclusive.
	Range    bool
	Min, Max float64
}

// ParseCondition reads "*", a value, a list of values, or {min: n, max: n}.
func ParseCondition(want any) (Condition, error) {
	switch w := want.(type) {
	case string:
		if w == "*" {
			return Condition{Any: true}, nil
		}
		return Condition{Texts: []string{w}}, nil
	case bool, int, int64, float64:
		return Condition{Texts: []string{fmt.Sprint(w)}}, nil
	case []any:
		c := Condition{}
		for _, v := range w {
			one, err := ParseCondition(v)
			if err != nil || len(one.Texts) != 1 {
				return Condition{}, fmt.Errorf("%v: a list may hold strings, numbers and bools", v)
			}
			c.Texts = append(c.Texts, one.Texts[0])
		}
		if len(c.Texts) == 0 {
			return Condition{}, fmt.Errorf("the list is empty; give values, or \"*\" for any value")
		}
		return c, nil
	case map[string]any:
		c := Condition{Range: true, Min: math.Inf(-1), Max: math.Inf(1)}
		for key, v := range w {
			n, ok := number(v)
			switch {
			case !ok:
				return Condition{}, fmt.Errorf("%s: %v must be a number", key, v)
			case key == "min":
				c.Min = n
			case key == "max":
				c.Max = n
			default:
				return Condition{}, fmt.Errorf("%q is not known; use min and max", key)
			}
		}
		if c.Min > c.Max {
			return Condition{}, fmt.Errorf("min %v is above max %v", c.Min, c.Max)
		}
		return c, nil
	default:
		return Condition{}, fmt.Errorf("%v must be \"*\", a value, a list of values, or {min: n, max: n}", want)
	}
}

// Holds tells whether the value fulfils the condition.
func (c *Condition) Holds(v pcommon.Value) bool {
	if c.Any {
		return true
	}
	if c.Range {
		f, ok := vocab.ReadDouble(v)
		return ok && f >= c.Min && f <= c.Max
	}
	if v.Type() == pcommon.ValueTypeStr {
		return slices.Contains(c.Texts, v.Str())
	}
	return slices.Contains(c.Texts, v.AsString())
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	default:
		return 0, false
	}
}
