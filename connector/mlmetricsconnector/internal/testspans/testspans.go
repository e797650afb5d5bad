// Package testspans makes batches in the shape of the flamegraph in the article
// "Distributed Tracing in ML Pipelines", for benchmarks and tests: traces of
// eight spans from five services, already marked by mlsignals.
package testspans

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// SpansPerTrace is the number of spans of a trace.
const SpansPerTrace = 8

// Start is when the first trace of a batch starts; each of the others starts a millisecond later.
var Start = time.Date(2026, 1, 6, 14, 3, 0, 0, time.UTC)

// Batch returns the spans of some traces, grouped by service as SDKs send
// them. One request in five is slow the way the article's is. Model names vary
// over models, and with them the series.
func Batch(traces, models int, seed uint64) ptrace.Traces {
	r := rand.New(rand.NewPCG(seed, 1))
	td := ptrace.NewTraces()
	services := make(map[string]ptrace.SpanSlice)
	for _, name := range []string{"ml.api_gateway", "ml.feature_extractor", "ml.batch_assembler", "ml.inference", "ml.post_processor"} {
		rs := td.ResourceSpans().AppendEmpty()
		a := rs.Resource().Attributes()
		a.PutStr(vocab.ServiceName, name)
		a.PutStr("service.version", "1.4.2")
		a.PutStr(vocab.DeploymentEnvironment, "production")
		a.PutStr(vocab.PipelineName, "recommendation")
		a.PutStr("telemetry.sdk.language", "python")
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName(name)
		services[name] = ss.Spans()
	}
	for i := range traces {
		addTrace(services, r, Start.Add(time.Duration(i)*time.Millisecond), fmt.Sprintf("ranker-%d", r.IntN(models)))
	}
	return overTheWire(td)
}

func addTrace(services map[string]ptrace.SpanSlice, r *rand.Rand, start time.Time, model string) {
	slow := r.IntN(5) == 0
	var traceID pcommon.TraceID
	binary.LittleEndian.PutUint64(traceID[:], r.Uint64())
	binary.LittleEndian.PutUint64(traceID[8:], r.Uint64())
	span := func(service, name, stage string, ms float64) (ptrace.Span, pcommon.Map) {
		s := services[service].AppendEmpty()
		s.SetTraceID(traceID)
		var id pcommon.SpanID
		binary.LittleEndian.PutUint64(id[:], r.Uint64())
		s.SetSpanID(id)
		s.SetName(name)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Duration(ms * 1e6))))
		if stage != "" {
			s.Attributes().PutStr(vocab.Stage, stage)
		}
		return s, s.Attributes()
	}
	ms := func(fast, slowest float64) float64 {
		if slow {
			return slowest * (0.8 + 0.4*r.Float64())
		}
		return fast * (0.5 + r.Float64())
	}

	total := ms(120, 1820)
	_, a := span("ml.api_gateway", "ml.pipeline.request", vocab.StageRequest, total)
	a.PutStr(vocab.RequestID, fmt.Sprintf("%016x", r.Uint64()))
	a.PutStr(vocab.ModelName, model)
	a.PutStr(vocab.InputType, "user")
	a.PutInt(vocab.InputSizeBytes, r.Int64N(5000))
	a.PutStr(vocab.ClientID, "web")
	a.PutInt(vocab.OutputTokens, r.Int64N(400))
	a.PutBool(vocab.PipelineSuccess, true)
	a.PutDouble(vocab.PipelineLatency, total)

	span("ml.api_gateway", "ml.input_validation", vocab.StageInputValidation, ms(5, 18))

	db := ms(0, 812)
	_, a = span("ml.feature_extractor", "ml.feature_extraction", vocab.StageFeatureExtraction, ms(20, 823))
	a.PutInt(vocab.FeaturesRequested, 48)
	a.PutInt(vocab.FeaturesCacheHits, 40)
	a.PutInt(vocab.FeaturesCacheMisses, 8)
	a.PutDouble(vocab.FeaturesHitRate, 0.833)
	a.PutDouble(vocab.FeaturesCacheLookup, ms(4, 11))
	if slow {
		a.PutDouble(vocab.FeaturesDBLookup, db)
		a.PutDouble(vocab.FeaturesDBShare, 0.98)
		a.PutBool(vocab.SignalFeatureCascade, true)
	}
	a.PutInt(vocab.FeaturesRetrieved, 48)
	span("ml.feature_extractor", "cache_lookup", "", ms(4, 11))
	if slow {
		span("ml.feature_extractor", "db_fallback", "", db)
	} else {
		span("ml.batch_assembler", "ml.batch_assembly", vocab.StageBatchAssembly, ms(9, 47))
	}

	_, a = span("ml.batch_assembler", "tokenizer_init", vocab.StageTokenization, ms(1, 38))
	if slow {
		a.PutBool(vocab.SignalColdStart, true)
		a.PutStr(vocab.ColdStartComponent, "tokenizer")
		a.PutDouble(vocab.ColdStartDuration, 38)
		a.PutBool(vocab.ColdStartReload, true)
	}

	queue, forward := ms(20, 580), ms(60, 315)
	_, a = span("ml.inference", "ml.inference", vocab.StageInference, queue+forward)
	a.PutInt(vocab.BatchSize, 1+r.Int64N(32))
	a.PutInt(vocab.BatchMaxSeqLen, 512)
	a.PutStr(vocab.ModelName, model)
	a.PutStr(vocab.ModelVersion, "2026-01-04")
	a.PutStr(vocab.DeviceType, "cuda")
	a.PutStr(vocab.DeviceID, "0")
	a.PutDouble(vocab.QueueWait, queue)
	a.PutDouble(vocab.ForwardPass, forward)
	a.PutDouble(vocab.GPUMemoryAllocated, 31_000+1000*r.Float64())
	a.PutDouble(vocab.GPUMemoryReserved, 38_000)
	a.PutDouble(vocab.QueueComputeRatio, queue/forward)
	if slow {
		a.PutBool(vocab.SignalQueueBound, true)
		a.PutBool(vocab.SignalHighQueueWait, true)
	}

	s, a := span("ml.post_processor", "ml.post_processing", vocab.StagePostProcessing, ms(8, 37))
	a.PutInt(vocab.ValidationAttempts, 1)
	a.PutBool(vocab.OutputValid, true)
	if slow {
		a.PutInt(vocab.ValidationAttempts, 2)
		a.PutBool(vocab.OutputRequiredRepair, true)
		a.PutBool(vocab.SignalRevalidated, true)
		e := s.Events().AppendEmpty()
		e.SetName(vocab.EventValidationFailed)
		e.Attributes().PutInt(vocab.EventAttempt, 1)
		e.Attributes().PutStr(vocab.EventReason, "missing_field")
		e.Attributes().PutStr(vocab.EventField, "items")
	}
}

// overTheWire gives the batch the memory layout of one that was received: no two of its strings are the same memory.
func overTheWire(td ptrace.Traces) ptrace.Traces {
	data, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	if err != nil {
		panic(err)
	}
	received, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data)
	if err != nil {
		panic(err)
	}
	return received
}
