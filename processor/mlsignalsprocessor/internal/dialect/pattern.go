package dialect

import (
	"fmt"
	"strings"
)

// Pattern is a name, or a part of one: a * at the beginning or the end stands
// for any text, the empty text too.
type Pattern struct {
	Text      string // without the stars
	StarFront bool
	StarBack  bool
}

// ParsePattern reads a pattern.
func ParsePattern(s string) (Pattern, error) {
	p := Pattern{Text: s}
	if strings.HasPrefix(p.Text, "*") {
		p.StarFront, p.Text = true, p.Text[1:]
	}
	if strings.HasSuffix(p.Text, "*") {
		p.StarBack, p.Text = true, p.Text[:len(p.Text)-1]
	}
	if p.Text == "" {
		return Pattern{}, fmt.Errorf("%q is empty or matches everything; give a name", s)
	}
	if strings.Contains(p.Text, "*") {
		return Pattern{}, fmt.Errorf("%q has a * in the middle; a * may stand at the beginning and at the end", s)
	}
	return p, nil
}

// exactName tells what is wrong with a name that is no pattern, but compared as it is.
func exactName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%q is empty; give a name, or remove it", name)
	case strings.HasPrefix(name, "*") || strings.HasSuffix(name, "*"):
		return fmt.Errorf("%q: a * stands for any text in span_names and scopes only; give the whole name", name)
	}
	return nil
}

// Exact tells whether the pattern is a whole name.
func (p Pattern) Exact() bool { return !p.StarFront && !p.StarBack }

// Matches tells whether the pattern fits the whole of s.
func (p Pattern) Matches(s string) bool {
	switch {
	case p.StarFront && p.StarBack:
		return strings.Contains(s, p.Text)
	case p.StarFront:
		return strings.HasSuffix(s, p.Text)
	case p.StarBack:
		return strings.HasPrefix(s, p.Text)
	default:
		return s == p.Text
	}
}

// Capture returns what the star stands for in s, "" where the pattern does not
// fit or has no single star.
func (p Pattern) Capture(s string) string {
	if p.StarFront == p.StarBack || !p.Matches(s) {
		return ""
	}
	if p.StarFront {
		return strings.TrimSuffix(s, p.Text)
	}
	return strings.TrimPrefix(s, p.Text)
}

// Index finds the patterns of a list that fit a name, looking only at those
// that can by their first or last byte.
type Index struct {
	patterns        []Pattern
	byFirst, byLast [256][]int
	anywhere        []int
}

// NewIndex returns an index of patterns. Exact ones are found by their first byte.
func NewIndex(patterns []Pattern) *Index {
	x := &Index{patterns: patterns}
	for i, p := range patterns {
		switch {
		case p.StarFront && p.StarBack:
			x.anywhere = append(x.anywhere, i)
		case p.StarFront:
			last := p.Text[len(p.Text)-1]
			x.byLast[last] = append(x.byLast[last], i)
		default:
			x.byFirst[p.Text[0]] = append(x.byFirst[p.Text[0]], i)
		}
	}
	return x
}

// Each calls f with the position of every pattern that fits the name.
func (x *Index) Each(name string, f func(i int)) {
	if name == "" {
		return
	}
	x.each(x.byFirst[name[0]], name, f)
	x.each(x.byLast[name[len(name)-1]], name, f)
	x.each(x.anywhere, name, f)
}

func (x *Index) each(candidates []int, name string, f func(i int)) {
	for _, i := range candidates {
		if x.patterns[i].Matches(name) {
			f(i)
		}
	}
}
