package report

import (
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
)

// printFlamegraph shows the article's request as it was kept, with what was found in it.
func (f *Findings) printFlamegraph(out *Printer) {
	article := f.Sent[0]
	out.Heading("The article's request of %s", inMilliseconds(article.Duration()))
	trace, ok := f.Kept[pcommon.TraceID(article.TraceID)]
	if !ok {
		out.Note("It was not kept. It should have been: trace %s.", article.TraceID)
		return
	}
	rows := [][]string{{"span", "duration", "found"}}
	for _, branch := range tree(trace) {
		rows = append(rows, []string{branch.indent + branch.span.Name(), inMilliseconds(branch.span.Duration()), found(branch.span)})
	}
	out.Table(rows)
	if text := diagnosis(trace); text != "" {
		out.Note("  %s", text)
	}
}

// diagnosis is what mldiagnosis says on the root span: the causes of the request's time, largest first.
func diagnosis(trace kept.Trace) string {
	for _, s := range trace {
		var causes []string
		for _, cause := range s.List("ml.diagnosis.causes") {
			share, _ := s.Number("ml.diagnosis.shares." + cause)
			causes = append(causes, fmt.Sprintf("%s %.0f %%", cause, 100*share))
		}
		if causes != nil {
			return "Diagnosis of its time: " + strings.Join(causes, ", ")
		}
	}
	return ""
}

// found says in words what the span's signals mean.
func found(s kept.Span) string {
	var words []string
	if s.Is("ml.signal.feature_cascade") {
		db, _ := s.Number("ml.features.db_lookup_ms")
		share, _ := s.Number("ml.features.db_share")
		words = append(words, fmt.Sprintf("fell back to the database: %s, %.0f %% of the span", milliseconds(db), 100*share))
	}
	if s.Is("ml.signal.features_unavailable") {
		words = append(words, s.Text("ml.features.unavailable_count")+" features found nowhere")
	}
	if s.Is("ml.signal.cold_start") {
		again := ""
		if s.Is("ml.cold_start.reload") {
			again = " again"
		}
		words = append(words, fmt.Sprintf("cold start: %s was loaded%s", s.Text("ml.cold_start.component"), again))
	}
	if s.Is("ml.signal.queue_bound") {
		wait, _ := s.Number("ml.inference.queue_wait_ms")
		ratio, _ := s.Number("ml.inference.queue_compute_ratio")
		words = append(words, fmt.Sprintf("waited %s for the GPU, %.1f times the compute", milliseconds(wait), ratio))
	}
	if s.Is("ml.signal.high_queue_wait") {
		words = append(words, "a long wait in itself")
	}
	if s.Is("ml.signal.revalidated") {
		words = append(words, fmt.Sprintf("silent repair: validated %s times", s.Text("ml.post_processing.validation_attempts")))
	}
	return strings.Join(words, "; ")
}

type branch struct {
	indent string
	span   kept.Span
}

// tree orders a trace's spans as a tree, children by their start.
func tree(trace kept.Trace) []branch {
	children := map[pcommon.SpanID][]kept.Span{}
	for _, s := range trace {
		children[s.ParentSpanID()] = append(children[s.ParentSpanID()], s)
	}
	var branches []branch
	var grow func(parent pcommon.SpanID, depth int)
	grow = func(parent pcommon.SpanID, depth int) {
		spans := children[parent]
		slices.SortStableFunc(spans, func(a, b kept.Span) int { return int(int64(a.StartTimestamp()) - int64(b.StartTimestamp())) })
		for _, s := range spans {
			branches = append(branches, branch{indent: strings.Repeat("  ", depth), span: s})
			grow(s.SpanID(), depth+1)
		}
	}
	grow(pcommon.SpanID{}, 0)
	return branches
}
