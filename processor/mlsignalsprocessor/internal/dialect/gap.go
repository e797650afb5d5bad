package dialect

import (
	"fmt"
	"strings"
)

func gapProblems(gap []string, joined bool) []error {
	if len(gap) != 2 {
		return []error{fmt.Errorf("gap: has %d moments; give two: [from, to]", len(gap))}
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
			errs = append(errs, fmt.Errorf("gap[%d]: %q speaks of another span; only the set of a join can", i, text))
		}
	}
	if len(errs) == 0 && !joined {
		return orderProblems(gap, nil)
	}
	return errs
}

// orderProblems are those of a gap, in a join or elsewhere, that is never found or never more than 0.
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
		return []error{fmt.Errorf("gap: found [%s], from a moment to itself; give two moments", found)}
	case neverBefore(from, to, join):
		return []error{fmt.Errorf("gap: found [%s], but %s is never before %s; write [%s, %s]", found, gap[0], gap[1], gap[1], gap[0])}
	}
	return nil
}

// neverBefore tells whether a moment cannot lie before another one. An event, or a time in an attribute, can be anywhere.
func neverBefore(from, to TimePoint, join *Join) bool {
	switch {
	case from.Event != "" || to.Event != "" || from.Attribute != "" || to.Attribute != "":
		return false
	case from.Other == to.Other:
		return from.End
	case from.Other:
		return false
	case join.After: // the other span had ended when this one started
		return true
	default:
		return join.Relation == Parent && !to.End // the parent starts first
	}
}
