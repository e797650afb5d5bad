package dialect

import (
	"fmt"
	"strings"
)

// Moment is a point in time that a span knows of.
type Moment struct {
	// Other is true for a moment of the other span of a join.
	Other bool
	// Event is the name of the event; empty for the start or the end of the span.
	Event string
	// Attribute is the key of an attribute that holds a time of day.
	Attribute string
	// End is true for the end of the span.
	End bool
}

// ParseMoment reads start, end, event.NAME, attribute.KEY, and each of them after "other.".
func ParseMoment(s string) (Moment, error) {
	m := Moment{}
	rest, other := strings.CutPrefix(s, "other.")
	m.Other = other
	if name, ok := strings.CutPrefix(rest, "event."); ok && name != "" {
		m.Event = name
		return m, nil
	}
	if key, ok := strings.CutPrefix(rest, "attribute."); ok && key != "" {
		m.Attribute = key
		return m, nil
	}
	switch rest {
	case "start":
	case "end":
		m.End = true
	default:
		return Moment{}, fmt.Errorf("%q is not a moment; use start, end, event.NAME, attribute.KEY, or in a join each of them after other., such as other.start", s)
	}
	return m, nil
}
