package dialect

import (
	"fmt"
	"strings"
)

func gapProblems(gap []string, joined bool) []error {
	if len(gap) != 2 {
		return []error{fmt.Errorf("gap: found %d points in time, must be two: [from, to]", len(gap))}
	}
	var errs []error
	for i, text := range gap {
		m, err := ParseTimePoint(text)
		if name := m.Event + m.Attribute; err == nil && name != "" {
			err = exactName(name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("gap[%d]: %w", i, err))
		} else if m.Other && !joined {
			errs = append(errs, fmt.Errorf("gap[%d]: found %q, must be of this span; only the set of a join has another span", i, text))
		}
	}
	if len(errs) == 0 && !joined {
		return orderProblems(gap, nil)
	}
	return errs
}

// orderProblems returns the mistakes in a gap that always is 0 or negative. join is nil outside of a join.
func orderProblems(gap []string, join *Join) []error {
	if len(gap) != 2 {
		return nil
	}
	from, err1 := ParseTimePoint(gap[0])
	to, err2 := ParseTimePoint(gap[1])
	found := strings.Join(gap, ", ")
	switch {
	case err1 != nil || err2 != nil:
		return nil
	case from == to:
		return []error{fmt.Errorf("gap: found [%s], must be two different points in time", found)}
	case neverBefore(from, to, join):
		return []error{fmt.Errorf("gap: found [%s], must be in order, and %s is never before %s; write [%s, %s]", found, gap[0], gap[1], gap[1], gap[0])}
	}
	return nil
}

// neverBefore reports whether from can never be before to. Events and times in attributes can be anywhere.
func neverBefore(from, to TimePoint, join *Join) bool {
	switch {
	case from.Event != "" || to.Event != "" || from.Attribute != "" || to.Attribute != "":
		return false
	case from.Other == to.Other:
		return from.End
	case from.Other:
		return false
	case join.After: // the other span ends before this one starts
		return true
	default:
		return join.Relation == Parent && !to.End // the parent starts first
	}
}
