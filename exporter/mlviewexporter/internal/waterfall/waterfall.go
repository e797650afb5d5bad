// Package waterfall arranges a trace as rows of bars, with the findings of each span. Draw does not change its
// arguments and may be called concurrently; the caller owns the result.
package waterfall

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Chart is a trace as a waterfall.
type Chart struct {
	Start, End int64 // nanoseconds since 1970
	Ticks      []Tick
	Rows       []Row
	// Hidden is the number of spans without a row, because there are more than MostRows.
	Hidden int
}

// Tick is a mark on the time axis.
type Tick struct {
	X       float64
	Elapsed int64 // nanoseconds since Start
}

// Row is a row for a span. X and Width are in parts of Scale of the chart's width.
type Row struct {
	spans.Span
	ID       string
	Depth    int
	X, Width float64
	Bars     []Bar
	Critical bool
	Findings []Finding
}

// Bar is a part of the span's time.
type Bar struct {
	Part     spans.Part
	X, Width float64
	Duration int64 // nanoseconds
}

// Scale is the width of a chart.
const Scale = 1000

// MostRows limits the size of the page of a huge trace.
const MostRows = 500

// Draw arranges the spans of a trace.
func Draw(all []spans.Span) *Chart {
	c := &Chart{}
	if len(all) == 0 {
		return c
	}
	root, _ := spans.Root(all)
	t := newTree(all, root)
	skewed := all[root].Is(vocab.DiagnosisClockSkew)
	critical := t.critical(root, all[root].Texts(vocab.DiagnosisCriticalPath), skewed)
	c.bounds(all)
	c.ticks()
	rows := make([]Row, 0, len(all))
	for _, i := range t.order {
		row := c.row(all[i])
		if all[i].SpanID().IsEmpty() {
			row.ID = "n" + strconv.Itoa(i)
		}
		row.Depth, row.Critical = t.nodes[i].depth, critical[i]
		row.Findings = findings(all[i])
		if t.lost[i] {
			row.Findings = append(row.Findings, Finding{"gap", "its parent has not come"})
		}
		if p := t.nodes[i].parent; skewed && p != none {
			row.skew(all[p])
		}
		rows = append(rows, row)
	}
	c.Rows = withinLimit(rows)
	c.Hidden = len(rows) - len(c.Rows)
	return c
}

func (c *Chart) bounds(all []spans.Span) {
	c.Start, c.End = math.MaxInt64, 0
	for _, s := range all {
		if s.Start() == 0 {
			continue // a span without a start does not determine the start of the trace
		}
		c.Start, c.End = min(c.Start, s.Start()), max(c.End, s.End())
		for _, segment := range s.Segments() {
			c.Start = min(c.Start, s.Start()+segment.From)
		}
	}
	if c.Start > c.End {
		c.Start, c.End = 0, 0
	}
}

// at returns the position of a time.
func (c *Chart) at(ns int64) float64 {
	if c.End == c.Start {
		return 0
	}
	x := float64(ns-c.Start) / float64(c.End-c.Start) * Scale
	return min(max(x, 0), Scale)
}

func (c *Chart) row(s spans.Span) Row {
	r := Row{Span: s, ID: s.SpanID().String(), X: c.at(s.Start())}
	r.Width = c.at(s.End()) - r.X
	for _, segment := range s.Segments() {
		from, to := c.at(s.Start()+segment.From), c.at(s.Start()+segment.To)
		r.Bars = append(r.Bars, Bar{segment.Part, from, to - from, segment.To - segment.From})
	}
	return r
}

// skew adds a finding if a span lies outside its caller.
func (r *Row) skew(parent spans.Span) {
	tolerance := (parent.End() - parent.Start()) / 100
	if r.Start() < parent.Start()-tolerance || r.End() > parent.End()+tolerance {
		r.Findings = append(r.Findings, Finding{"skew", "its clock differs from its caller's: drawn where it says it was"})
	}
}

// withinLimit drops the shortest rows in excess of the limit, but keeps those with findings.
func withinLimit(rows []Row) []Row {
	if len(rows) <= MostRows {
		return rows
	}
	byWorth := make([]int, len(rows))
	for i := range byWorth {
		byWorth[i] = i
	}
	worth := func(r *Row) int {
		switch {
		case r.Depth == 0:
			return 2
		case r.Critical || r.Failed() || len(r.Findings) > 0:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(byWorth, func(a, b int) int {
		x, y := &rows[a], &rows[b]
		return cmp.Or(cmp.Compare(worth(y), worth(x)), cmp.Compare(y.End()-y.Start(), x.End()-x.Start()))
	})
	keep := byWorth[:MostRows]
	slices.Sort(keep)
	out := make([]Row, 0, MostRows)
	for _, i := range keep {
		out = append(out, rows[i])
	}
	return out
}

// ticks returns four to nine round times.
func (c *Chart) ticks() {
	length := c.End - c.Start
	if length <= 0 {
		return
	}
	step := int64(1)
	for _, next := range steps {
		if length/step < 7 {
			break
		}
		step = next
	}
	for at := int64(0); at <= length && len(c.Ticks) < 20; at += step {
		c.Ticks = append(c.Ticks, Tick{float64(at) / float64(length) * Scale, at})
	}
}

// steps are round numbers: 1, 2, 5, 10, ... up to a second, then seconds, minutes, hours and days.
var steps = func() (all []int64) {
	for decade := int64(1); decade < 1e9; decade *= 10 {
		all = append(all, decade, 2*decade, 5*decade)
	}
	const second = int64(1e9)
	for _, s := range []int64{1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 4 * 3600, 12 * 3600, 86400} {
		all = append(all, s*second)
	}
	for day := int64(2 * 86400); day < 1e9; day *= 2 {
		all = append(all, day*second)
	}
	return all
}()

// Length returns the duration of the span in nanoseconds.
func (r *Row) Length() int64 { return r.End() - r.Start() }
