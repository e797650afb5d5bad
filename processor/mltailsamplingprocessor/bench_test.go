package mltailsamplingprocessor

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/buffer"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/prefilter"
)

// articleBatch returns the article's request so many times, the spans of a service under one resource.
func articleBatch(tb testing.TB, traces int) ptrace.Traces {
	article := golden.ReadTraces(tb, "../../testdata/article/flamegraph.json")
	td := ptrace.NewTraces()
	article.CopyTo(td)
	for i := 1; i < traces; i++ {
		for r, rs := range article.ResourceSpans().All() {
			for s, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					span.CopyTo(td.ResourceSpans().At(r).ScopeSpans().At(s).Spans().AppendEmpty())
				}
			}
		}
	}
	return td
}

// renew gives the traces of a batch IDs that have not been before.
func renew(td ptrace.Traces, traces int, number *uint64) {
	first := *number
	*number += uint64(traces)
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			perTrace := ss.Spans().Len() / traces
			for i, span := range ss.Spans().All() {
				n := first + uint64(i/perTrace)
				var id pcommon.TraceID
				binary.BigEndian.PutUint64(id[:], n*0x9e3779b97f4a7c15)
				binary.BigEndian.PutUint64(id[8:], n*0xbf58476d1ce4e5b9)
				span.SetTraceID(id)
			}
		}
	}
}

// BenchmarkBuffer is what a span costs that waits for ten seconds, at 5,000 traces
// a second, and is dropped: ns/span, and the bytes that a waiting trace takes.
func BenchmarkBuffer(b *testing.B) {
	for name, traces := range map[string]int{"spans=600": 60, "spans=10": 1} {
		b.Run(name, func(b *testing.B) {
			cfg := createDefaultConfig().(*Config)
			require.NoError(b, confmap.NewFromStringMap(map[string]any{"policies": neverMatch}).Unmarshal(cfg))
			var clock atomic.Int64
			h := buffer.New(buffer.Options{
				Filter: prefilter.New(cfg.PolicyCfgs, nil),
				Wait:   10 * time.Second, MaxTraces: 1e6, MaxBytes: 1 << 32,
				RememberKept: 100_000, RememberDropped: 500_000, RememberPassed: 1,
				Now: func() time.Time { return time.Unix(0, clock.Load()) },
			})
			b.Cleanup(h.Free)
			td := articleBatch(b, traces)
			spans := td.SpanCount()
			var number uint64
			var batch buffer.Batch
			marshaler := ptrace.ProtoMarshaler{}
			step := time.Duration(float64(time.Second) * float64(traces) / 5000)
			one := func() {
				clock.Add(int64(step))
				encoded, err := marshaler.MarshalTraces(td)
				require.NoError(b, err)
				require.NoError(b, h.Add(encoded))
				for h.Due(&batch, false) {
				}
			}
			for clock.Load() < int64(11*time.Second) { // steady
				renew(td, traces, &number)
				one()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				renew(td, traces, &number)
				one()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*spans), "ns/span")
			b.ReportMetric(float64(h.Bytes())/float64(h.Waiting()), "B/trace")
		})
	}
}

// neverMatch are policies like those of otelcol.yaml, none of which matches the article's request.
var neverMatch = []any{
	map[string]any{"name": "slow", "type": string(tailsampling.Latency), "latency": map[string]any{"threshold_ms": 80_000}},
	map[string]any{"name": "errors", "type": "status_code", "status_code": map[string]any{"status_codes": []any{"ERROR"}}},
	map[string]any{"name": "a", "type": "boolean_attribute", "boolean_attribute": map[string]any{"key": "ml.signal.revalidated", "value": true}},
	map[string]any{"name": "b", "type": "boolean_attribute", "boolean_attribute": map[string]any{"key": "ml.signal.high_queue_wait", "value": true}},
	map[string]any{"name": "c", "type": "boolean_attribute", "boolean_attribute": map[string]any{"key": "ml.signal.queue_bound", "value": true}},
	map[string]any{"name": "d", "type": "boolean_attribute", "boolean_attribute": map[string]any{"key": "ml.signal.feature_cascade", "value": true}},
	map[string]any{"name": "e", "type": "boolean_attribute", "boolean_attribute": map[string]any{"key": "ml.signal.cold_start", "value": true}},
	map[string]any{"name": "f", "type": "string_attribute", "string_attribute": map[string]any{"key": "ml.stage", "values": []any{"training"}}},
	map[string]any{"name": "baseline", "type": "probabilistic", "probabilistic": map[string]any{"sampling_percentage": 0}},
}

// BenchmarkPause is the longest time that a sender waits, in ms, while 100,000
// waiting traces become due at once: a hundred times more than come due between
// two looks at 10,000 traces a second.
func BenchmarkPause(b *testing.B) {
	const waiting, perBatch = 100_000, 50
	cfg := createDefaultConfig().(*Config)
	require.NoError(b, confmap.NewFromStringMap(map[string]any{"policies": neverMatch}).Unmarshal(cfg))
	td := articleBatch(b, perBatch)
	marshaler := ptrace.ProtoMarshaler{}
	var longest, all time.Duration
	for range b.N {
		var clock atomic.Int64
		h := buffer.New(buffer.Options{
			Filter: prefilter.New(cfg.PolicyCfgs, nil),
			Wait:   10 * time.Second, MaxTraces: 1e6, MaxBytes: 1 << 32,
			RememberKept: 100_000, RememberDropped: 500_000, RememberPassed: 1,
			Now: func() time.Time { return time.Unix(0, clock.Load()) },
		})
		var number uint64
		add := func() time.Duration {
			renew(td, perBatch, &number)
			encoded, err := marshaler.MarshalTraces(td)
			require.NoError(b, err)
			began := time.Now()
			require.NoError(b, h.Add(encoded))
			return time.Since(began)
		}
		for number < waiting {
			add()
		}
		clock.Add(int64(10 * time.Second))
		done := make(chan time.Duration)
		go func() {
			began := time.Now()
			var batch buffer.Batch
			for h.Due(&batch, false) {
			}
			done <- time.Since(began)
		}()
		for ended := false; !ended; {
			longest = max(longest, add())
			select {
			case took := <-done:
				all, ended = max(all, took), true
			default:
			}
		}
		h.Discard()
		h.Free()
	}
	b.ReportMetric(float64(longest.Microseconds())/1e3, "ms-longest")
	b.ReportMetric(float64(all.Microseconds())/1e3, "ms-all-due")
}
