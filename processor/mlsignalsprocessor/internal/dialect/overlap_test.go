package dialect

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOverlap(t *testing.T) {
	for _, tc := range []struct {
		a, b     string
		overlaps bool
	}{
		{"a", "a", true}, {"a", "b", false},
		{"a*", "ab", true}, {"a*", "ba", false}, {"*a", "ba", true}, {"*a", "ab", false}, {"*a*", "bab", true}, {"*a*", "b", false},
		{"a*", "ab*", true}, {"ab*", "ac*", false}, {"*a", "*ba", true}, {"*ba", "*ca", false},
		{"a*", "*b", true}, {"*a*", "b*", true}, {"*a*", "*b", true}, {"*a*", "*b*", true},
		{"a*b*", "c", true}, // no pattern: a mistake of its own
	} {
		a, b := Match{SpanNames: []string{"-", tc.a}}, Match{SpanNames: []string{tc.b, "+"}}
		assert.Equal(t, tc.overlaps, a.overlaps(&b), "%s, %s", tc.a, tc.b)
		assert.Equal(t, tc.overlaps, b.overlaps(&a), "%s, %s", tc.b, tc.a)
	}
	named := Match{SpanNames: []string{"a"}}
	for _, tc := range []struct {
		o        Match
		overlaps bool
	}{
		{Match{Attributes: map[string]any{"k": 1}}, true},
		{Match{Scopes: []string{"s"}, Kinds: []string{"server"}}, true},
		{Match{SpanNames: []string{"b"}, Scopes: []string{"s"}}, false},
	} {
		assert.Equal(t, tc.overlaps, named.overlaps(&tc.o), "%v", tc.o)
	}
	scoped := Match{Scopes: []string{"s*"}, Kinds: []string{"server", "client"}}
	for _, tc := range []struct {
		o        Match
		overlaps bool
	}{
		{Match{Scopes: []string{"s"}, Kinds: []string{"client"}}, true},
		{Match{Scopes: []string{"t"}, Kinds: []string{"client"}}, false},
		{Match{Scopes: []string{"s"}, Kinds: []string{"internal"}}, false},
	} {
		assert.Equal(t, tc.overlaps, scoped.overlaps(&tc.o), "%v", tc.o)
	}
}
