package pattern

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWords(t *testing.T) {
	assert.Equal(t, []string{"train", "model2", "f", "r"}, slices.Collect(Words("Train-Model2_für")))
	assert.Empty(t, slices.Collect(Words("-ü-")))
}

func TestPattern(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		fits          bool
		capture       string
	}{
		{"a", "a", true, ""},
		{"a", "ab", false, ""},
		{"a*", "a", true, ""},
		{"a*", "abc", true, "bc"},
		{"*a", "cba", true, "cb"},
		{"*a", "ab", false, ""},
		{"*a*", "bab", true, ""},
		{"*a*", "bb", false, ""},
		{" Req *", " Req 1", true, "1"},
		{"* /v1/*", "GET /v1/*", true, ""}, // a star of the name itself is text
	} {
		p, err := Parse(tc.pattern)
		require.NoError(t, err)
		assert.Equal(t, tc.fits, p.Matches(tc.name), "%q %q", tc.pattern, tc.name)
		assert.Equal(t, tc.capture, p.Capture(tc.name), "%q %q", tc.pattern, tc.name)
	}
}

func TestIndexFindsThePatternsThatFit(t *testing.T) {
	var patterns []Pattern
	for _, text := range []string{"*_init", "load_*", "*warm*", "boot", "*_init"} {
		p, err := Parse(text)
		require.NoError(t, err)
		patterns = append(patterns, p)
	}
	index := NewIndex(patterns)
	for name, want := range map[string][]int{
		"a_init": {0, 4}, "load_a_init": {1, 0, 4}, "prewarming": {2}, "boot": {3}, "boots": nil, "": nil,
	} {
		var got []int
		index.Each(name, func(i int) { got = append(got, i) })
		assert.Equal(t, want, got, name)
	}
}
