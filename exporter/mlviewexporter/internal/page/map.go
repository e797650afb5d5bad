package page

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/format"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/series"
)

type serviceMap struct {
	Filter        filter
	Chooser       chooser
	Window        string
	Edges         []edge
	Nodes         []mapNode
	Width, Height float64
	Traces        int
	Hidden        int
	Nothing       bool
	Label         string
}

// edge is the number of calls from one service to another in the kept traces.
type edge struct {
	From, To                       string
	Calls                          int
	PerTrace                       float64
	PerMinute                      float64
	Errors                         int
	P50, P95                       float64
	X1, Y1, X2, Y2, MiddleX, Width float64
	Bad                            bool
	ms                             []float32
}

// mapNode is a service. Rates are over all spans.
type mapNode struct {
	Name, Short   string
	Rate, Latency string
	Errors        string
	Bad           bool
	X, Y          float64
	Link          string
	layer         int
}

// mostNodes keeps the drawing readable. The table has all edges between the services with the most calls.
const mostNodes = 40

func (p *Page) serviceMap(w http.ResponseWriter, r *http.Request) {
	f := readFilter(r)
	window := f.window(p.Now())
	v := serviceMap{Filter: f, Chooser: p.chooser(f), Window: f.windowName()}
	edges := map[[2]string]*edge{}
	all := append(p.Traces.Requests(), p.Traces.Runs()...)
	for _, s := range all {
		if f.has(s, window) {
			v.Traces++
			addCalls(edges, s)
		}
	}
	for _, e := range edges {
		slices.Sort(e.ms)
		e.P50, e.P95 = float64(e.ms[len(e.ms)/2]), float64(e.ms[min(len(e.ms)*95/100, len(e.ms)-1)])
		e.PerTrace = float64(e.Calls) / float64(v.Traces)
		e.PerMinute = float64(e.Calls) / p.minutes(window)
		e.Bad = float64(e.Errors) >= wellBelow*float64(e.Calls) && e.Errors > 0
		v.Edges = append(v.Edges, *e)
	}
	slices.SortFunc(v.Edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
	v.Nothing = len(v.Edges) == 0
	v.layout()
	p.figures(&v, f, window)
	p.render(w, http.StatusOK, "map", "Service map", v)
}

func addCalls(edges map[[2]string]*edge, s *kept.Summary) {
	for _, c := range s.Calls {
		key := [2]string{c.From, c.To}
		e := edges[key]
		if e == nil {
			e = &edge{From: c.From, To: c.To}
			edges[key] = e
		}
		e.Calls++
		if c.Failed {
			e.Errors++
		}
		e.ms = append(e.ms, c.Ms)
	}
}

// figures are the figures of services over all of their spans.
func (p *Page) figures(v *serviceMap, f filter, w series.Window) {
	match := f.match()
	match.Service = ""
	byService := func(l series.Labels) string { return l.Service }
	durations := p.Series.By(series.Duration, match, w, byService)
	match.Detail = series.Is("ERROR")
	errors := p.Series.By(series.StageCalls, match, w, byService)
	for i := range v.Nodes {
		n := &v.Nodes[i]
		more := f
		more.Service = n.Name
		n.Link = "/?" + more.query()
		d := durations[n.Name]
		if d == nil {
			n.Rate = "no spans counted"
			continue
		}
		n.Rate = format.Round(d.Count/p.minutes(w)) + " spans a minute"
		n.Latency = "p95 " + quantileOf(d, 0.95)
		n.Errors = "no errors"
		if e := errors[n.Name]; e != nil && e.Sum > 0 {
			n.Errors = format.Percent(e.Sum/d.Count) + " errors"
			n.Bad = e.Sum >= wellBelow*d.Count
		}
	}
}

// Dimensions of the drawing.
const (
	nodeWidth, nodeHeight = 190, 74
	gapX, gapY            = 80, 22
)

// layout arranges services in layers, callers to the left of the services they call.
func (v *serviceMap) layout() {
	at := map[string]int{}
	for _, e := range v.Edges {
		for _, name := range []string{e.From, e.To} {
			if _, known := at[name]; known {
				continue
			}
			if len(v.Nodes) == mostNodes {
				v.Hidden++
				continue
			}
			at[name] = len(v.Nodes)
			v.Nodes = append(v.Nodes, mapNode{Name: name, Short: short(name)})
		}
	}
	// Longest paths. Services that call each other would never settle, so the rounds are limited to the number of
	// services.
	for range v.Nodes {
		moved := false
		for _, e := range v.Edges {
			from, okFrom := at[e.From]
			to, okTo := at[e.To]
			if okFrom && okTo && from != to && v.Nodes[to].layer <= v.Nodes[from].layer && v.Nodes[from].layer+1 < len(v.Nodes) {
				v.Nodes[to].layer = v.Nodes[from].layer + 1
				moved = true
			}
		}
		if !moved {
			break
		}
	}
	v.place(at)
	drawn := v.Edges[:0:0]
	for _, e := range v.Edges {
		from, okFrom := at[e.From]
		to, okTo := at[e.To]
		if okFrom && okTo {
			a, b := v.Nodes[from], v.Nodes[to]
			e.X1, e.Y1, e.X2, e.Y2 = a.X+nodeWidth, a.Y+nodeHeight/2, b.X-6, b.Y+nodeHeight/2
			e.MiddleX = (e.X1 + e.X2) / 2
			e.Width = 1 + 4*float64(e.Calls)/float64(v.Edges[0].Calls)
			drawn = append(drawn, e)
		}
	}
	v.Edges = drawn
}

// place sets the position of each service: layers from left to right without gaps; within a layer, in the order of
// callers.
func (v *serviceMap) place(at map[string]int) {
	layers := map[int][]int{}
	for i, n := range v.Nodes {
		layers[n.layer] = append(layers[n.layer], i)
	}
	keys := make([]int, 0, len(layers))
	tallest := 0
	for layer, members := range layers {
		keys = append(keys, layer)
		tallest = max(tallest, len(members))
	}
	slices.Sort(keys)
	v.Height = float64(max(tallest, 1)*(nodeHeight+gapY) - gapY)
	v.Width = float64(max(len(keys), 1)*(nodeWidth+gapX)-gapX) + 4
	for column, layer := range keys {
		members := layers[layer]
		slices.SortStableFunc(members, func(a, b int) int { return cmp.Compare(v.callersY(a, at), v.callersY(b, at)) })
		top := (v.Height - float64(len(members)*(nodeHeight+gapY)-gapY)) / 2
		for row, i := range members {
			v.Nodes[i].X = 2 + float64(column*(nodeWidth+gapX))
			v.Nodes[i].Y = top + float64(row*(nodeHeight+gapY))
		}
	}
}

func (v *serviceMap) callersY(node int, at map[string]int) float64 {
	sum, n := 0.0, 0.0
	for _, e := range v.Edges {
		from, ok := at[e.From]
		if ok && e.To == v.Nodes[node].Name && v.Nodes[from].layer < v.Nodes[node].layer {
			sum += v.Nodes[from].Y
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// short truncates a name to the size of a box.
func short(name string) string {
	runes := []rune(name)
	if len(runes) > 22 {
		return string(runes[:21]) + "…"
	}
	if name == "" {
		return "(no service.name)"
	}
	return name
}

// Tall returns the height of the drawing with its border.
func (v serviceMap) Tall() float64 { return v.Height + 8 }
