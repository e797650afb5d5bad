// Package suggest finds the name that a mistyped name probably stands for. Its
// functions keep no state and may be called concurrently.
package suggest

import (
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Closest returns the candidate that is nearest to a name in inserted, deleted
// and replaced characters, upper and lower case being equal. It returns "" where
// more than a third of the name, or three characters, would have to change.
func Closest(name string, candidates []string) string {
	lower := strings.ToLower(name)
	best, least := "", min(3, len(name)/3)+1
	for _, candidate := range candidates {
		if d := levenshtein.ComputeDistance(lower, strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// OneOf returns the end of an error about a name that is none of the allowed
// ones: `found "x", must be one of a, b; did you mean "a"?`.
func OneOf(name string, allowed []string) string {
	return "found " + strconv.Quote(name) + ", must be one of " + strings.Join(allowed, ", ") + Hint(name, allowed)
}

// Hint returns the end of an error about an unknown name, `; did you mean "x"?`,
// or "" where no candidate is near.
func Hint(name string, candidates []string) string {
	if c := Closest(name, candidates); c != "" {
		return "; did you mean " + strconv.Quote(c) + "?"
	}
	return ""
}
