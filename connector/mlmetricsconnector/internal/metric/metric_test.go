package metric

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConditionHolds(t *testing.T) {
	yes, no := true, false
	two, five := 2.0, 5.0
	for name, tc := range map[string]struct {
		condition Condition
		holds     []string
		fails     []string
		absent    bool
	}{
		"exists":         {Condition{Exists: &yes}, []string{"", "x"}, nil, false},
		"does not exist": {Condition{Exists: &no}, nil, []string{"", "x"}, true},
		"in":             {Condition{In: []string{"a", "b"}}, []string{"a", "b"}, []string{"", "c"}, false},
		"not in":         {Condition{NotIn: []string{"a"}}, []string{"", "b"}, []string{"a"}, true},
		"exists, not in": {Condition{Exists: &yes, NotIn: []string{"a"}}, []string{"", "b"}, []string{"a"}, false},
		"matches":        {Condition{Matches: regexp.MustCompile("^a+$")}, []string{"a", "aa"}, []string{"", "b"}, false},
		"min":            {Condition{Min: &two}, []string{"2", "2.5", "1e3"}, []string{"1.9", "-3", "", "many"}, false},
		"max":            {Condition{Max: &five}, []string{"5", "-3"}, []string{"5.1", "NaN", ""}, false},
		"min, max":       {Condition{Min: &two, Max: &five}, []string{"2", "5"}, []string{"1", "6"}, false},
		"in, min":        {Condition{In: []string{"1", "3"}, Min: &two}, []string{"3"}, []string{"1", "4"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range tc.holds {
				require.True(t, tc.condition.Holds(text, true), "%q", text)
			}
			for _, text := range tc.fails {
				require.False(t, tc.condition.Holds(text, true), "%q", text)
			}
			require.Equal(t, tc.absent, tc.condition.Holds("", false), "absent")
		})
	}
}
