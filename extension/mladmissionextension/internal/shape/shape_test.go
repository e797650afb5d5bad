package shape

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/protobuf/encoding/protowire"
)

const maxDepth = 100

// notLookedAt is how many values fit into the bytes that are not looked at: short bytes of four each.
const notLookedAt = short / 4

// nest fills a value with so many values in each other, lists and maps in turn.
func nest(v pcommon.Value, depth int) {
	for i := range depth - 1 {
		if i%2 == 0 {
			v = v.SetEmptySlice().AppendEmpty()
		} else {
			v = v.SetEmptyMap().PutEmpty("k")
		}
	}
	v.SetStr("leaf")
}

// requests returns requests that have an attribute value of that depth in every place where one can be, by the place.
func requests(t testing.TB, depth int) (binary, json map[string][]byte, signals map[string]Signal) {
	binary, json, signals = map[string][]byte{}, map[string][]byte{}, map[string]Signal{}
	add := func(name string, s Signal, r interface {
		MarshalProto() ([]byte, error)
		MarshalJSON() ([]byte, error)
	}) {
		var err error
		binary[name], err = r.MarshalProto()
		require.NoError(t, err)
		json[name], err = r.MarshalJSON()
		require.NoError(t, err)
		signals[name] = s
	}
	put := func(m pcommon.Map) { m.PutStr("other", "text"); nest(m.PutEmpty("deep"), depth) }

	for name, at := range map[string]func(ptrace.ResourceSpans) pcommon.Map{
		"traces resource": func(rs ptrace.ResourceSpans) pcommon.Map { return rs.Resource().Attributes() },
		"traces scope":    func(rs ptrace.ResourceSpans) pcommon.Map { return rs.ScopeSpans().AppendEmpty().Scope().Attributes() },
		"span": func(rs ptrace.ResourceSpans) pcommon.Map {
			return rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty().Attributes()
		},
		"span event": func(rs ptrace.ResourceSpans) pcommon.Map {
			return rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty().Events().AppendEmpty().Attributes()
		},
		"span link": func(rs ptrace.ResourceSpans) pcommon.Map {
			return rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty().Links().AppendEmpty().Attributes()
		},
	} {
		td := ptrace.NewTraces()
		put(at(td.ResourceSpans().AppendEmpty()))
		add(name, Traces, ptraceotlp.NewExportRequestFromTraces(td))
	}
	for name, at := range map[string]func(plog.LogRecord){
		"log record": func(r plog.LogRecord) { put(r.Attributes()) },
		"log body":   func(r plog.LogRecord) { nest(r.Body(), depth) },
	} {
		ld := plog.NewLogs()
		at(ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty())
		add(name, Logs, plogotlp.NewExportRequestFromLogs(ld))
	}
	for name, at := range map[string]func(pmetric.Metric) pcommon.Map{
		"metric":  func(m pmetric.Metric) pcommon.Map { return m.Metadata() },
		"gauge":   func(m pmetric.Metric) pcommon.Map { return m.SetEmptyGauge().DataPoints().AppendEmpty().Attributes() },
		"sum":     func(m pmetric.Metric) pcommon.Map { return m.SetEmptySum().DataPoints().AppendEmpty().Attributes() },
		"summary": func(m pmetric.Metric) pcommon.Map { return m.SetEmptySummary().DataPoints().AppendEmpty().Attributes() },
		"exponential": func(m pmetric.Metric) pcommon.Map {
			return m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes()
		},
		"histogram": func(m pmetric.Metric) pcommon.Map {
			dp := m.SetEmptyHistogram().DataPoints().AppendEmpty()
			dp.ExplicitBounds().FromRaw(make([]float64, 50))
			dp.BucketCounts().FromRaw(make([]uint64, 51))
			return dp.Attributes()
		},
		"exemplar of a sum": func(m pmetric.Metric) pcommon.Map {
			return m.SetEmptySum().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes()
		},
		"exemplar of a histogram": func(m pmetric.Metric) pcommon.Map {
			return m.SetEmptyHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes()
		},
		"exemplar of an exponential": func(m pmetric.Metric) pcommon.Map {
			return m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes()
		},
	} {
		md := pmetric.NewMetrics()
		put(at(md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()))
		add(name, Metrics, pmetricotlp.NewExportRequestFromMetrics(md))
	}
	return binary, json, signals
}

func TestDepth(t *testing.T) {
	for _, depth := range []int{1, 2, maxDepth - 1, maxDepth} {
		binary, json, signals := requests(t, depth)
		for name, data := range binary {
			_, err := Proto(data, signals[name], maxDepth)
			assert.NoError(t, err, "%s, %d deep", name, depth)
		}
		for name, data := range json {
			_, err := JSON(data, maxDepth)
			assert.NoError(t, err, "%s in JSON, %d deep", name, depth)
		}
	}
	for _, depth := range []int{maxDepth + 1 + notLookedAt, 5000} {
		binary, _, signals := requests(t, depth)
		for name, data := range binary {
			_, err := Proto(data, signals[name], maxDepth)
			assert.ErrorIs(t, err, ErrTooDeep, "%s, %d deep", name, depth)
		}
	}
	_, json, _ := requests(t, 2*maxDepth)
	for name, data := range json {
		_, err := JSON(data, maxDepth)
		assert.ErrorIs(t, err, ErrTooDeep, "%s in JSON", name)
	}
}

// TestMillionsDeep: the walk itself does not exhaust the stack.
func TestMillionsDeep(t *testing.T) {
	inner := []byte{}
	var lengths []int
	for range 400_000 {
		lengths = append(lengths, len(inner))
	}
	// Built from the inside, in the order of the wire: tag and length of each level.
	size := 0
	var levels [][]byte
	for range lengths {
		level := protowire.AppendVarint([]byte{0x2a}, uint64(size+1+protowire.SizeVarint(uint64(size))))
		level = protowire.AppendVarint(append(level, 0x0a), uint64(size))
		size += len(level)
		levels = append(levels, level)
	}
	value := make([]byte, 0, size)
	for i := len(levels) - 1; i >= 0; i-- {
		value = append(value, levels[i]...)
	}
	wrap := func(number protowire.Number, inside []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), inside)
	}
	data := wrap(1, wrap(2, wrap(2, wrap(9, wrap(2, value)))))
	_, err := Proto(data, Traces, maxDepth)
	require.ErrorIs(t, err, ErrTooDeep)
	_, err = JSON([]byte(strings.Repeat(`{"arrayValue":{"values":[`, 1_000_000)), maxDepth)
	require.ErrorIs(t, err, ErrTooDeep)
}

// TestMemoryIsNotUnderestimated decodes requests that are small on the wire and large in memory.
func TestMemoryIsNotUnderestimated(t *testing.T) {
	wrap := func(number protowire.Number, inside []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), inside)
	}
	repeat := func(number protowire.Number, inside []byte, n int) []byte {
		return []byte(strings.Repeat(string(wrap(number, inside)), n))
	}
	span := func(inside []byte) []byte { return wrap(1, wrap(2, wrap(2, inside))) }
	const n = 200_000
	for name, data := range map[string][]byte{
		"empty resources":        repeat(1, nil, n),
		"empty scopes":           wrap(1, repeat(2, nil, n)),
		"empty spans":            wrap(1, wrap(2, repeat(2, nil, n))),
		"empty attributes":       span(repeat(9, nil, n)),
		"empty events":           span(repeat(11, nil, n)),
		"empty links":            span(repeat(13, nil, n)),
		"attributes of events":   span(wrap(11, repeat(3, nil, n))),
		"values of a list":       span(wrap(9, wrap(2, wrap(5, repeat(1, nil, n))))),
		"values of a map":        span(wrap(9, wrap(2, wrap(6, repeat(1, nil, n))))),
		"references to entities": wrap(1, wrap(1, repeat(3, nil, n))),
		"short attributes":       span(repeat(9, wrap(2, wrap(5, repeat(1, nil, 20))), n/20)),
	} {
		memory, err := Proto(data, Traces, maxDepth)
		require.NoError(t, err, name)
		before := heap()
		r := ptraceotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalProto(data), name)
		took := int(heap()-before) + len(data)
		runtime.KeepAlive(r)
		t.Logf("%s: %d kB on the wire, %d kB in memory, %d kB estimated", name, len(data)>>10, took>>10, memory>>10)
		most := 5 * memory / 2 // short attributes are not looked into
		assert.Less(t, took, most, name)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestMalformed(t *testing.T) {
	binary, json, signals := requests(t, 3)
	r := rand.New(rand.NewPCG(1, 2))
	for name, data := range binary {
		for range 300 {
			cut := data[:r.IntN(len(data))]
			if _, err := Proto(cut, signals[name], maxDepth); err != nil {
				assert.ErrorIs(t, err, ErrMalformed)
			}
		}
	}
	for name, data := range json {
		_, err := JSON(data[:len(data)-1], maxDepth)
		assert.ErrorIs(t, err, ErrMalformed, name)
		_, err = JSON(append([]byte(" \n"), data...), maxDepth)
		assert.NoError(t, err, name)
	}
	for _, text := range []string{"", "[]", "null", `"text`, "{", `{"a":"b`, "\x0a\x02\x0a\x00"} {
		_, err := JSON([]byte(text), maxDepth)
		assert.ErrorIs(t, err, ErrMalformed, text)
	}
	_, err := JSON([]byte(`{"a":"\\\"{[{[","b":"\\"}`), maxDepth)
	assert.NoError(t, err)
}

// FuzzProto: what passes decodes to values that are not deeper than they may be, and what pdata writes passes.
func FuzzProto(f *testing.F) {
	for _, depth := range []int{1, 30, 101} {
		binary, _, signals := requests(f, depth)
		for name, data := range binary {
			if signals[name] == Traces {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Proto(data, Traces, 5)
		r := ptraceotlp.NewExportRequest()
		if err != nil || r.UnmarshalProto(data) != nil {
			return
		}
		for _, rs := range r.Traces().ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					for _, v := range span.Attributes().All() {
						require.LessOrEqual(t, depthOf(v), 5+notLookedAt)
					}
				}
			}
		}
		again, err := r.MarshalProto()
		require.NoError(t, err)
		_, err = Proto(again, Traces, 1000)
		require.NoError(t, err)
	})
}

func depthOf(v pcommon.Value) int {
	deepest := 0
	switch v.Type() {
	case pcommon.ValueTypeSlice:
		for _, inner := range v.Slice().All() {
			deepest = max(deepest, depthOf(inner))
		}
	case pcommon.ValueTypeMap:
		for _, inner := range v.Map().All() {
			deepest = max(deepest, depthOf(inner))
		}
	}
	return deepest + 1
}

// BenchmarkProto measures requests as an SDK sends them.
func BenchmarkProto(b *testing.B) {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "inference")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	const n = 500
	for range n {
		span := spans.AppendEmpty()
		span.SetTraceID(pcommon.TraceID{1})
		span.SetSpanID(pcommon.SpanID{1})
		span.SetName("ml.inference")
		span.SetStartTimestamp(1e18)
		span.SetEndTimestamp(1e18 + 1e9)
		for _, key := range []string{"ml.stage", "ml.model.name", "ml.model.version", "ml.inference.device_id", "ml.request.id"} {
			span.Attributes().PutStr(key, "some text of some length")
		}
		span.Attributes().PutDouble("ml.inference.queue_wait_ms", 1.5)
	}
	data, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Proto(data, Traces, maxDepth); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/span")
}
