package waterfall

import (
	"fmt"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/format"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/spans"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Finding describes what a span shows, in words. Kind is a cause of mldiagnosis, or error, gap or skew.
type Finding struct{ Kind, Text string }

// findings describes the signals of a span.
func findings(s spans.Span) (all []Finding) {
	add := func(kind, text string, args ...any) { all = append(all, Finding{kind, fmt.Sprintf(text, args...)}) }
	if s.Failed() {
		text := "failed"
		if m := s.Status().Message(); m != "" {
			text += ": " + spans.Clip(m, 300)
		}
		add("error", "%s", text)
	}
	if s.Is(vocab.SignalFeatureCascade) {
		if db, ok := s.Number(vocab.FeaturesDBLookup); ok {
			add("feature_store", "fell back to the database: %s%s", format.Ms(db), ofSpan(s, db))
		} else {
			add("feature_store", "fell back to the database")
		}
	}
	if s.Is(vocab.SignalFeaturesUnavailable) {
		if n, ok := s.Number(vocab.FeaturesUnavailable); ok {
			add("feature_store", "%s found nowhere", format.Count(n, "feature", "features"))
		} else {
			add("feature_store", "features found nowhere")
		}
	}
	all = append(all, wait(s)...)
	if s.Is(vocab.SignalColdStart) {
		component := s.Text(vocab.ColdStartComponent)
		if component == "" {
			component = "a component"
		}
		again := ""
		if s.Is(vocab.ColdStartReload) {
			again = " again"
		}
		add("cold_start", "cold start: %s was loaded%s", spans.Clip(component, 100), again)
	}
	if s.Is(vocab.SignalRevalidated) {
		all = append(all, repair(s))
	}
	return all
}

func wait(s spans.Span) (all []Finding) {
	ms, ok := s.Number(vocab.QueueWait)
	bound, high := s.Is(vocab.SignalQueueBound), s.Is(vocab.SignalHighQueueWait)
	if !ok || !bound && !high {
		return nil
	}
	text := "waited " + format.Ms(ms) + " for the GPU"
	if compute, ok := s.Number(vocab.ForwardPass); ok && compute > 0 && bound {
		text += fmt.Sprintf(", %s times the compute", format.Round(ms/compute))
	}
	return []Finding{{"gpu_queue", text}}
}

func repair(s spans.Span) Finding {
	text := "silent repair"
	if s.Failed() {
		text = "failed validation"
	}
	if n, ok := s.Number(vocab.ValidationAttempts); ok && n > 1 {
		text += fmt.Sprintf(": validated %s times", format.Round(n))
	}
	for _, e := range s.Events().All() {
		if e.Name() != vocab.EventValidationFailed {
			continue
		}
		reason, _ := e.Attributes().Get(vocab.EventReason)
		field, ok := e.Attributes().Get(vocab.EventField)
		if reason.AsString() != "" {
			text += ", " + spans.Clip(reason.AsString(), 80)
			if ok {
				text += " " + spans.Clip(field.AsString(), 80)
			}
		}
		break
	}
	return Finding{"revalidation", text}
}

func ofSpan(s spans.Span, ms float64) string {
	length := float64(s.End()-s.Start()) / 1e6
	if length <= 0 || ms > length*1.01 {
		return ""
	}
	return fmt.Sprintf(", %s of the span", format.Percent(ms/length))
}
