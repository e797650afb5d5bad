package traffic

import (
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// batch returns the spans of some requests shaped like the article's, those of each service under one resource, as SDKs
// and gateways send them. The first of every twenty has all of the article's problems, the others have none. Durations and
// values differ from request to request. Names and trace IDs are markers, to be overwritten.
func batch(article ptrace.Traces, r *rand.Rand, requests, first int) ptrace.Traces {
	healthy := ptrace.NewTraces()
	article.CopyTo(healthy)
	for _, rs := range healthy.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			ss.Spans().RemoveIf(func(span ptrace.Span) bool {
				return span.Name() == "db_fallback" || span.Name() == "tokenizer_init"
			})
			for _, span := range ss.Spans().All() {
				heal(span)
			}
		}
	}
	td := ptrace.NewTraces()
	article.CopyTo(td) // for the resources and the scopes
	for _, rs := range td.ResourceSpans().All() {
		rs.Resource().Attributes().PutStr("ml.pipeline.name", pipelineMarker)
		rs.ScopeSpans().At(0).Spans().RemoveIf(func(ptrace.Span) bool { return true })
	}
	now := time.Now()
	for i := range requests {
		one := healthy
		if (first+i)%slowEvery == 0 {
			one = article
		}
		start := now.Add(time.Duration(i) * time.Millisecond)
		stretch := 0.7 + 0.6*r.Float64()
		for j, rs := range one.ResourceSpans().All() {
			for _, span := range rs.ScopeSpans().At(0).Spans().All() {
				added := td.ResourceSpans().At(j).ScopeSpans().At(0).Spans().AppendEmpty()
				span.CopyTo(added)
				vary(added, i, start, stretch)
			}
		}
	}
	return td
}

// slowEvery: one request in so many is the article's.
const slowEvery = 20

// heal leaves a span as it is where the request has no problem.
func heal(span ptrace.Span) {
	attrs := span.Attributes()
	span.Events().RemoveIf(func(ptrace.SpanEvent) bool { return true })
	attrs.Remove("ml.features.db_lookup_ms")
	attrs.Remove("ml.output.required_repair")
	for key, value := range map[string]any{
		"ml.inference.queue_wait_ms": 4.25, "ml.inference.forward_pass_ms": 31.5, "ml.pipeline.latency_ms": 91.0,
		"ml.post_processing.validation_attempts": 1,
		"ml.features.cache_hits":                 20, "ml.features.cache_misses": 0, "ml.features.cache_hit_rate": 1.0,
	} {
		if v, ok := attrs.Get(key); ok {
			_ = v.FromRaw(value)
		}
	}
	if d, ok := healthyDurations[span.Name()]; ok {
		span.SetEndTimestamp(span.StartTimestamp() + pcommon.Timestamp(d))
	}
}

var healthyDurations = map[string]time.Duration{
	"ml.pipeline.request":   91 * time.Millisecond,
	"ml.feature_extraction": 12 * time.Millisecond,
	"ml.batch_assembly":     9 * time.Millisecond,
	"ml.inference":          36 * time.Millisecond,
	"model_server.forward":  31500 * time.Microsecond,
	"ml.post_processing":    8 * time.Millisecond,
}

// vary gives a span its request's markers, time and values.
func vary(span ptrace.Span, request int, start time.Time, stretch float64) {
	span.SetTraceID(traceMarker(request))
	duration := float64(span.EndTimestamp()-span.StartTimestamp()) * stretch
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Duration(duration))))
	attrs := span.Attributes()
	for _, key := range []string{
		"ml.inference.queue_wait_ms", "ml.inference.forward_pass_ms", "ml.pipeline.latency_ms",
		"ml.features.cache_lookup_ms", "ml.features.db_lookup_ms", "ml.gpu.memory_allocated_mb",
	} {
		if v, ok := attrs.Get(key); ok {
			v.SetDouble(v.Double() * stretch)
		}
	}
	if v, ok := attrs.Get("ml.output.tokens"); ok {
		v.SetInt(1 + int64(float64(v.Int())*stretch))
	}
	if _, ok := attrs.Get("ml.request.id"); ok {
		attrs.PutStr("ml.request.id", fmt.Sprintf("8f14e45f-ceea-467f-a3b8-%012d", request))
	}
	if _, ok := attrs.Get("ml.model.name"); ok {
		attrs.PutStr("ml.model.name", modelMarker(request))
	}
}
