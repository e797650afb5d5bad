// Package pattern compares names of spans and scopes: as patterns with a * at
// the beginning or the end, word by word, and in any spelling.
//
// Parse reads a pattern. The error has the form "found X, must be Y". NewIndex builds an index of many patterns, which finds
// those that match a name without trying each. Patterns and indexes do not
// change, so they may be used concurrently.
package pattern

import (
	"fmt"
	"strings"
)

// Pattern is a name, or a part of one: a * at the beginning or the end stands
// for any text, including the empty text.
type Pattern struct {
	Text      string // without the stars
	StarFront bool
	StarBack  bool
}

// Parse reads a pattern. The error has the form "found X, must be Y".
func Parse(s string) (Pattern, error) {
	p := Pattern{Text: s}
	if strings.HasPrefix(p.Text, "*") {
		p.StarFront, p.Text = true, p.Text[1:]
	}
	if strings.HasSuffix(p.Text, "*") {
		p.StarBack, p.Text = true, p.Text[:len(p.Text)-1]
	}
	if p.Text == "" {
		return Pattern{}, fmt.Errorf("found %q, must be a name or a part of one; anything else would match every name", s)
	}
	if strings.Contains(p.Text, "*") {
		return Pattern{}, fmt.Errorf("found %q, must have a * only at the beginning or at the end", s)
	}
	return p, nil
}

// Exact reports whether the pattern is a whole name.
func (p Pattern) Exact() bool { return !p.StarFront && !p.StarBack }

// Matches reports whether the pattern matches the whole of s.
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

// Capture returns what the star stands for in s. It returns "" if the pattern
// does not match or does not have exactly one star.
func (p Pattern) Capture(s string) string {
	if p.StarFront == p.StarBack || !p.Matches(s) {
		return ""
	}
	if p.StarFront {
		return strings.TrimSuffix(s, p.Text)
	}
	return strings.TrimPrefix(s, p.Text)
}

// Index finds the patterns of a list that match a name. It tries only those
// with the first or the last byte of the name.
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

// Each calls f with the position of every pattern that matches the name.
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
