// Package viewtest has test data of the page, processed by the components that precede it in the pipeline.
package viewtest

import (
	"context"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-ml/otelcol-ml/connector/mlmetricsconnector"
	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor"
)

// Article is the article's request of 1 820 ms with its signals and its diagnosis.
func Article(t testing.TB) ptrace.Traces {
	return Diagnosed(t, raw(t))
}

func raw(t testing.TB) ptrace.Traces {
	_, file, _, _ := runtime.Caller(0)
	return golden.ReadTraces(t, filepath.Join(filepath.Dir(file), "../../../../testdata/article/flamegraph.json"))
}

// Diagnosed runs traces through mlsignals and mldiagnosis.
func Diagnosed(t testing.TB, td ptrace.Traces) ptrace.Traces {
	t.Helper()
	for _, factory := range []processor.Factory{mlsignalsprocessor.NewFactory(), mldiagnosisprocessor.NewFactory()} {
		sink := &consumertest.TracesSink{}
		p, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(factory.Type()), factory.CreateDefaultConfig(), sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, p.ConsumeTraces(t.Context(), td))
		require.NoError(t, p.Shutdown(context.Background()))
		require.Len(t, sink.AllTraces(), 1)
		td = sink.AllTraces()[0]
	}
	return td
}

// Metrics returns the metrics that mlmetrics exports for traces until its shutdown, flush by flush. change changes
// its configuration.
func Metrics(t testing.TB, change func(*mlmetricsconnector.Config), traces ...ptrace.Traces) []pmetric.Metrics {
	t.Helper()
	factory := mlmetricsconnector.NewFactory()
	cfg := factory.CreateDefaultConfig().(*mlmetricsconnector.Config)
	if change != nil {
		change(cfg)
	}
	sink := &consumertest.MetricsSink{}
	c, err := factory.CreateTracesToMetrics(t.Context(), connectortest.NewNopSettings(factory.Type()), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	for _, td := range traces {
		require.NoError(t, c.ConsumeTraces(t.Context(), td))
	}
	require.NoError(t, c.Shutdown(context.Background()))
	return sink.AllMetrics()
}

// Span describes a span to create.
type Span struct {
	Name, Service, ID, Parent string
	From, To                  time.Duration
	Attributes                map[string]any
	Failed                    bool
}

// Epoch is the start of the times of created spans.
var Epoch = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// Trace creates a trace. Its ID and those of its spans are derived from strings; for a span with an empty ID, from
// its name.
func Trace(t testing.TB, id string, spans ...Span) ptrace.Traces {
	t.Helper()
	td := ptrace.NewTraces()
	for _, s := range spans {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", s.Service)
		span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetName(s.Name)
		var traceID pcommon.TraceID
		copy(traceID[:], id)
		span.SetTraceID(traceID)
		if s.ID == "" {
			s.ID = s.Name
		}
		span.SetSpanID(spanID(s.ID))
		if s.Parent != "" {
			span.SetParentSpanID(spanID(s.Parent))
		}
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(Epoch.Add(s.From)))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(Epoch.Add(s.To)))
		require.NoError(t, span.Attributes().FromRaw(s.Attributes))
		if s.Failed {
			span.Status().SetCode(ptrace.StatusCodeError)
		}
	}
	return td
}

func spanID(text string) (id pcommon.SpanID) {
	copy(id[:], text)
	return id
}
