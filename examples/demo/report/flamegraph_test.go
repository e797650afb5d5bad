package report

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

func span(name string, id, parent byte, start, duration time.Duration, attributes map[string]any) kept.Span {
	s := ptrace.NewSpan()
	s.SetName(name)
	s.SetSpanID(pcommon.SpanID{id})
	if parent != 0 {
		s.SetParentSpanID(pcommon.SpanID{parent})
	}
	s.SetStartTimestamp(pcommon.Timestamp(start))
	s.SetEndTimestamp(pcommon.Timestamp(start + duration))
	_ = s.Attributes().FromRaw(attributes)
	return kept.Span{Span: s, Resource: pcommon.NewResource()}
}

func TestFlamegraph(t *testing.T) {
	article := shop.Sent{Request: shop.ArticleRequest(time.Time{})}
	findings := Findings{Sent: []shop.Sent{article}, Kept: kept.Traces{pcommon.TraceID(article.TraceID): {
		span("second", 3, 1, 20, 5*time.Millisecond, nil),
		span("inner", 4, 2, 12, time.Millisecond, nil),
		span("first", 2, 1, 10, 1500*time.Millisecond, map[string]any{
			"ml.signal.queue_bound": true, "ml.inference.queue_wait_ms": 580.0, "ml.inference.queue_compute_ratio": 1.84,
		}),
		span("root", 1, 0, 0, 1820*time.Millisecond, map[string]any{
			"ml.diagnosis.causes":               []any{"feature_store", "gpu_queue"},
			"ml.diagnosis.shares.feature_store": 0.446, "ml.diagnosis.shares.gpu_queue": 0.319,
		}),
	}}}
	var out bytes.Buffer
	findings.printFlamegraph(&Printer{out: &out})
	assert.Equal(t, `
The article's request of 1 820 ms
---------------------------------
  span       duration  found
  root       1 820 ms
    first    1 500 ms  waited 580 ms for the GPU, 1.8 times the compute
      inner    1.0 ms
    second     5.0 ms
  Diagnosis of its time: feature_store 45 %, gpu_queue 32 %
`, out.String())
}

func TestFlamegraphOfALostTrace(t *testing.T) {
	findings := Findings{Sent: []shop.Sent{{Request: shop.ArticleRequest(time.Time{})}}}
	var out bytes.Buffer
	findings.printFlamegraph(&Printer{out: &out})
	assert.Contains(t, out.String(), "It was not kept. It should have been")
}
