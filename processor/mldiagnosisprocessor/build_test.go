package mldiagnosisprocessor

import (
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// s is a span of a test. Times are milliseconds after the trace's start; a span is known by its name.
type s struct {
	name, parent string
	service      string // its clock and process; "gateway" if empty
	from, to     float64
	kind         ptrace.SpanKind
	attrs        map[string]any
	failed       []float64 // times of failed validations
	status       ptrace.StatusCode
}

const startNano = 1_772_546_580_000_000_000

var traceA = pcommon.TraceID{0xa, 15: 1}

func at(ms float64) pcommon.Timestamp { return pcommon.Timestamp(startNano + int64(ms*1e6)) }

func idOf(name string) (id pcommon.SpanID) {
	if name == "" {
		return id
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	copy(id[:], h.Sum(nil))
	return id
}

// traces makes a trace of spans, each service with a resource of its own.
func traces(tb testing.TB, id pcommon.TraceID, spans ...s) ptrace.Traces {
	tb.Helper()
	td := ptrace.NewTraces()
	services := map[string]ptrace.SpanSlice{}
	for i := range spans {
		in := &spans[i]
		service := in.service
		if service == "" {
			service = "gateway"
		}
		slice, ok := services[service]
		if !ok {
			rs := td.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", service)
			rs.Resource().Attributes().PutStr("ml.pipeline.name", "test")
			slice = rs.ScopeSpans().AppendEmpty().Spans()
			services[service] = slice
		}
		span := slice.AppendEmpty()
		span.SetTraceID(id)
		span.SetName(in.name)
		span.SetSpanID(idOf(in.name))
		span.SetParentSpanID(idOf(in.parent))
		span.SetKind(in.kind)
		span.Status().SetCode(in.status)
		span.SetStartTimestamp(at(in.from))
		span.SetEndTimestamp(at(in.to))
		require.NoError(tb, span.Attributes().FromRaw(in.attrs))
		for _, ms := range in.failed {
			e := span.Events().AppendEmpty()
			e.SetName("ml.output.validation_failed")
			e.SetTimestamp(at(ms))
		}
	}
	return td
}

func inference(wait, compute float64) map[string]any {
	return map[string]any{"ml.stage": "inference", "ml.inference.queue_wait_ms": wait, "ml.inference.forward_pass_ms": compute}
}

// phases is inference with its compute divided.
func phases(wait, compute, prefill, decode float64) map[string]any {
	attrs := inference(wait, compute)
	attrs["ml.inference.prefill_ms"], attrs["ml.inference.decode_ms"] = prefill, decode
	return attrs
}

func stage(name string) map[string]any { return map[string]any{"ml.stage": name} }

// finding is what a diagnosis is expected to say, in a form that is easy to compare: times in
// milliseconds by cause, then what is flagged, then the path.
func finding(t testing.TB, span ptrace.Span) string {
	t.Helper()
	attrs := span.Attributes().AsRaw()
	var words []string
	if bottleneck, ok := attrs["ml.diagnosis.bottleneck"]; ok {
		length := float64(span.EndTimestamp()-span.StartTimestamp()) / 1e6
		sum, largest := 0.0, ""
		for _, c := range []string{"gpu_queue", "gpu_compute", "gpu_prefill", "gpu_decode", "feature_store", "cold_start", "revalidation", "other"} {
			if share, ok := attrs["ml.diagnosis.shares."+c]; ok {
				words = append(words, fmt.Sprintf("%s %.5g", c, share.(float64)*length))
				sum += share.(float64)
				if share == attrs["ml.diagnosis.share"] && largest == "" {
					largest = c
				}
			}
		}
		assert.InDelta(t, 1, sum, 1e-9, "the shares sum to 1")
		assert.Equal(t, bottleneck, largest, "the bottleneck is the largest")
		assert.Equal(t, bottleneck, attrs["ml.diagnosis.causes"].([]any)[0])
	}
	for _, flag := range []string{"undivided", "clock_skew", "partial"} {
		if attrs["ml.diagnosis."+flag] == true {
			words = append(words, flag)
		}
	}
	return strings.Join(words, ", ")
}

func pathOf(span ptrace.Span) string {
	v, ok := span.Attributes().Get("ml.diagnosis.critical_path")
	if !ok {
		return ""
	}
	return strings.Trim(fmt.Sprint(v.Slice().AsRaw()), "[]")
}

// diagnosed has a new processor with the default configuration look at a trace.
func diagnosed(t testing.TB, td ptrace.Traces) ptrace.Traces {
	t.Helper()
	return process(t, newTestProcessor(t, defaultConfig()), td)
}

// flaggedSpans are the names of the spans that carry any word of a diagnosis.
func flaggedSpans(td ptrace.Traces) (names []string) {
	for _, span := range spansOf(td) {
		for key := range span.Attributes().All() {
			if strings.HasPrefix(key, "ml.diagnosis.") {
				names = append(names, span.Name())
				break
			}
		}
	}
	return names
}

func spansOf(td ptrace.Traces) (all []ptrace.Span) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				all = append(all, span)
			}
		}
	}
	return all
}
