package page

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/format"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/waterfall"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

type traceView struct {
	*kept.Summary
	ID        string
	Clock     string
	Chart     *waterfall.Chart
	Rows      []chartRow
	Causes    []causeBar
	Listed    []string // causes without a share
	Warnings  []string
	JSON      string
	Elsewhere string
	Critical  bool
	Parts     []legend
}

type chartRow struct {
	waterfall.Row
	Name    string
	Service string
	Label   string // description of the bar
	Link    string
	Open    *details
	Indent  int
}

type legend struct{ Class, Text string }

// partNames are the names of the parts of a span, in the order of the legend.
var partNames = []legend{
	{string(spans.Queue), "wait for the GPU"}, {string(spans.Compute), "compute on the GPU"},
	{string(spans.Prefill), "prefill"}, {string(spans.Decode), "decode"}, {string(spans.Cache), "cache lookup"},
	{string(spans.Database), "database lookup"}, {string(spans.Load), "cold start"}, {string(spans.Repair), "repair"},
}

// details are the attributes and events of a span.
type details struct {
	Attributes, Resource []attribute
	Events               []event
	Links                []string
	Facts                []attribute
	Close                string
}

type attribute struct{ Key, Value string }

type event struct {
	Name       string
	At         string
	Attributes []attribute
}

const maxIndent = 12

func (p *Page) trace(w http.ResponseWriter, r *http.Request) {
	text, asJSON := strings.CutSuffix(r.PathValue("id"), ".json")
	id, ok := traceID(text)
	var summary *kept.Summary
	var td ptrace.Traces
	if ok {
		summary, td, ok = p.Traces.Trace(id)
	}
	if !ok {
		p.message(w, http.StatusNotFound, "This trace is not here",
			"It was not kept by the sampler, or it has left memory to make room for newer ones. Traces that are stored elsewhere, such as in data/kept-traces.jsonl, are still there.")
		return
	}
	if asJSON {
		p.json(w, summary.ID.String(), td)
		return
	}
	v := p.traceView(summary, spans.All(td), param(r, "span"))
	p.render(w, http.StatusOK, "trace", "Trace "+v.ID[:8], v)
}

func traceID(text string) (id pcommon.TraceID, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, false
	}
	copy(id[:], b)
	return id, true
}

func (p *Page) json(w http.ResponseWriter, id string, td ptrace.Traces) {
	out, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	if err != nil {
		p.message(w, http.StatusInternalServerError, "This trace cannot be written as JSON", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="`+id+`.json"`)
	_, _ = w.Write(out) // the client may have disconnected
}

func (p *Page) traceView(s *kept.Summary, all []spans.Span, open string) *traceView {
	id := s.ID.String()
	v := &traceView{
		Summary: s, ID: id, Clock: format.Clock(s.Start, p.Now()), Chart: waterfall.Draw(all), Causes: causeBars(s.Shares),
		JSON: "/traces/" + id + ".json", Warnings: warnings(s),
	}
	if p.TraceURL != "" {
		v.Elsewhere = strings.ReplaceAll(p.TraceURL, "{trace_id}", id)
	}
	root, _ := spans.Root(all)
	for _, c := range all[root].Texts(vocab.DiagnosisCauses) {
		if !slices.ContainsFunc(s.Shares, func(share kept.Share) bool { return share.Cause == c }) && len(v.Listed) < len(causes) {
			v.Listed = append(v.Listed, words(spans.Clip(c, 50)))
		}
	}
	shown := map[string]bool{}
	for _, row := range v.Chart.Rows {
		cr := chartRow{Row: row, Name: spans.Clip(row.Span.Name(), 200), Service: spans.Clip(row.Span.Service(), 100), Label: v.label(&row), Indent: min(row.Depth, maxIndent)}
		cr.Link = traceLink(id, "span", row.ID) + "#s" + row.ID
		if open == row.ID {
			cr.Open = p.details(row.Span, v.Chart.Start)
			cr.Open.Close = traceLink(id) + "#s" + row.ID
		}
		for _, bar := range row.Bars {
			shown[string(bar.Part)] = true
		}
		v.Critical = v.Critical || row.Critical
		v.Rows = append(v.Rows, cr)
	}
	for _, part := range partNames {
		if shown[part.Class] {
			v.Parts = append(v.Parts, part)
		}
	}
	return v
}

// label describes a bar in words.
func (v *traceView) label(r *waterfall.Row) string {
	text := "starts at " + format.Ns(max(r.Start()-v.Chart.Start, 0)) + ", takes " + format.Ns(r.End()-r.Start())
	for _, bar := range r.Bars {
		for _, part := range partNames {
			if part.Class == string(bar.Part) {
				text += "; " + part.Text + " " + format.Ns(bar.Duration)
			}
		}
	}
	if r.Critical {
		text += "; on the critical path"
	}
	return text
}

func warnings(s *kept.Summary) (all []string) {
	add := func(set bool, text string) {
		if set {
			all = append(all, text)
		}
	}
	add(s.NoRoot, "No root span has come: the trace begins somewhere else, or its first span was lost. Times are those of the spans that are here.")
	add(s.Partial, "Spans are missing, or came after the trace was released: shares are of what was there.")
	add(s.Skewed, "The clock of a service was off. Bars are drawn where the spans say they were; shares are estimates.")
	add(s.Undivided, "A part of GPU compute may have been waiting: an inference does not separate the two.")
	return all
}

func (p *Page) details(s spans.Span, began int64) *details {
	d := &details{Attributes: attributes(s.Attributes()), Resource: attributes(s.Resource)}
	d.Facts = []attribute{
		{"span ID", s.SpanID().String()}, {"parent", s.ParentSpanID().String()}, {"kind", s.Kind().String()},
		{"scope", s.Scope}, {"start", time.Unix(0, s.Start()).UTC().Format(time.RFC3339Nano)},
		{"end", time.Unix(0, s.End()).UTC().Format(time.RFC3339Nano)}, {"status", s.Status().Code().String()},
	}
	if m := s.Status().Message(); m != "" {
		d.Facts = append(d.Facts, attribute{"status message", spans.Clip(m, 2000)})
	}
	for i, e := range s.Events().All() {
		if i == mostEvents {
			d.Events = append(d.Events, event{Name: fmt.Sprintf("%s more events: see the JSON", format.Whole(int64(s.Events().Len()-i)))})
			break
		}
		d.Events = append(d.Events, event{spans.Clip(e.Name(), 200), format.Ns(int64(e.Timestamp()) - began), attributes(e.Attributes())})
	}
	for i, l := range s.Links().All() {
		if i < mostEvents {
			d.Links = append(d.Links, l.TraceID().String())
		}
	}
	return d
}

// Limits that keep the page of one span small. The JSON has everything.
const (
	mostEvents     = 50
	mostAttributes = 200
	mostText       = 2000
)

func attributes(m pcommon.Map) []attribute {
	all := make([]attribute, 0, min(m.Len(), mostAttributes))
	for key, v := range m.All() {
		if len(all) == mostAttributes {
			break
		}
		all = append(all, attribute{spans.Clip(key, 200), spans.Clip(v.AsString(), mostText)})
	}
	slices.SortFunc(all, func(a, b attribute) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// ValidTraceURL returns an error if the URL of a trace in another system is not valid.
func ValidTraceURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(strings.ReplaceAll(text, "{trace_id}", strings.Repeat("0", 32)))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !strings.Contains(text, "{trace_id}") {
		return fmt.Errorf("found %q, must be an http or https address with {trace_id} in it; write it like http://localhost:16686/trace/{trace_id}", text)
	}
	return nil
}
