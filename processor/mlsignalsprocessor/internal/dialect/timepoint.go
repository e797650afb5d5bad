package dialect

import (
	"fmt"
	"strings"
)

// MaxTimePoints is the number of points in time that a join buffers of one span.
const MaxTimePoints = 4

// TimePoint is a point in time that a span has.
type TimePoint struct {
	// Other reports whether it is one of the other span of a join.
	Other bool
	// Event is the name of an event; empty for the start or the end of the span.
	Event string
	// Attribute is the key of an attribute that holds a time of day.
	Attribute string
	// End reports whether it is the end of the span.
	End bool
}

// ParseTimePoint reads start, end, event.NAME, attribute.KEY, and each of them after "other.".
func ParseTimePoint(s string) (TimePoint, error) {
	p := TimePoint{}
	rest, other := strings.CutPrefix(s, "other.")
	p.Other = other
	if name, ok := strings.CutPrefix(rest, "event."); ok && name != "" {
		p.Event = name
		return p, nil
	}
	if key, ok := strings.CutPrefix(rest, "attribute."); ok && key != "" {
		p.Attribute = key
		return p, nil
	}
	switch rest {
	case "start":
	case "end":
		p.End = true
	default:
		return TimePoint{}, fmt.Errorf("found %q, must be start, end, event.NAME or attribute.KEY, or in a join one of them after other., such as other.start", s)
	}
	return p, nil
}
