package dialect

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/knownkeys"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
)

// Condition is a condition on the value of an attribute.
type Condition struct {
	// Any holds for every value.
	Any bool
	// Texts holds for a string that is one of these, and for bools and other types whose text is one of these.
	Texts []string
	// Ints and Doubles hold for a number that is one of these: the numbers among the
	// values, and the numbers that texts among them represent.
	Ints    []int64
	Doubles []float64
	// Patterns holds for a string that matches one of these.
	Patterns []pattern.Pattern
	// Range holds for a number from Min to Max, both inclusive.
	Range    bool
	Min, Max float64
}

// ParseCondition reads "*", a value, a list of values, or {min: n, max: n}.
func ParseCondition(want any) (Condition, error) {
	c := Condition{}
	switch w := want.(type) {
	case []any:
		if len(w) == 0 {
			return c, fmt.Errorf("found an empty list, must have values; write them, or \"*\" for any value")
		}
		for _, v := range w {
			if v == "*" {
				return c, fmt.Errorf("found \"*\" in a list, must be whole values; write \"*\" without a list for any value, or remove it")
			}
			if err := c.add(v, "must be strings, numbers and bools in a list"); err != nil {
				return c, err
			}
		}
		return c, nil
	case map[string]any:
		return parseRange(w)
	}
	if want == "*" {
		return Condition{Any: true}, nil
	}
	return c, c.add(want, `must be "*", a value, a list of values, or {min: n, max: n}`)
}

// add adds one of the values. allowed is the part of the error that says what a value must be.
func (c *Condition) add(value any, allowed string) error {
	switch v := value.(type) {
	case string:
		// Users who write a star here expect a pattern, as in span_names.
		if strings.HasPrefix(v, "*") || strings.HasSuffix(v, "*") {
			return fmt.Errorf("found %q, must be a whole value, because a * is not a pattern here; write whole values in a list, \"*\" for any value, or match span_names", v)
		}
		c.Texts = append(c.Texts, v)
		if i, err := strconv.ParseInt(v, 10, 64); err == nil && pcommon.NewValueInt(i).AsString() == v {
			c.Ints = append(c.Ints, i)
		}
		if f, err := strconv.ParseFloat(v, 64); err == nil && pcommon.NewValueDouble(f).AsString() == v {
			c.Doubles = append(c.Doubles, f)
		}
	case bool:
		text := strconv.FormatBool(v)
		c.Texts = append(c.Texts, text, strings.ToUpper(text[:1])+text[1:], strings.ToUpper(text)) // the spellings of vocab.ParseBool
	case time.Time:
		return fmt.Errorf("found a date, %s; put it in quotes", allowed)
	default:
		f, ok := number(v)
		if !ok {
			return fmt.Errorf("found %s, %s", knownkeys.Found(v), allowed)
		}
		c.Doubles = append(c.Doubles, f)
		if i, isInt := v.(int); isInt {
			c.Ints = append(c.Ints, int64(i))
			c.Texts = append(c.Texts, strconv.Itoa(i))
			return nil
		}
		if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
			c.Ints = append(c.Ints, int64(f))
		}
		c.Texts = append(c.Texts, decimal(f))
	}
	return nil
}

func parseRange(bounds map[string]any) (Condition, error) {
	c := Condition{Range: true, Min: math.Inf(-1), Max: math.Inf(1)}
	if len(bounds) == 0 {
		return c, fmt.Errorf("found an empty range, must have min, max or both; write \"*\" for any value")
	}
	for _, key := range slices.Sorted(maps.Keys(bounds)) {
		n, ok := number(bounds[key])
		switch {
		case key != "min" && key != "max":
			return c, fmt.Errorf("found the key %q, must be min and max", key)
		case !ok:
			return c, fmt.Errorf("%s: found %s, must be a number", key, knownkeys.Found(bounds[key]))
		case key == "min":
			c.Min = n
		default:
			c.Max = n
		}
	}
	if c.Min > c.Max {
		return c, fmt.Errorf("found min %v above max %v, must be at most max; swap them", c.Min, c.Max)
	}
	return c, nil
}

// Holds reports whether the value meets the condition.
func (c *Condition) Holds(v pcommon.Value) bool {
	if c.Any {
		return true
	}
	if c.Range {
		f, ok := vocab.ReadDouble(v)
		return ok && f >= c.Min && f <= c.Max
	}
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return slices.Contains(c.Texts, v.Str()) || slices.ContainsFunc(c.Patterns, func(p pattern.Pattern) bool { return p.Matches(v.Str()) })
	case pcommon.ValueTypeInt:
		return slices.Contains(c.Ints, v.Int())
	case pcommon.ValueTypeDouble:
		return slices.Contains(c.Doubles, v.Double())
	default:
		return slices.Contains(c.Texts, v.AsString())
	}
}

// number returns a finite number and reports whether v is one.
func number(v any) (float64, bool) {
	f := math.NaN()
	switch n := v.(type) {
	case int:
		f = float64(n)
	case int64:
		f = float64(n)
	case uint64:
		f = float64(n)
	case float64:
		f = n
	}
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// decimal writes a number without an exponent.
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
