package mldiagnosisprocessor

import (
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/validtext"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// FuzzOTLP sends arbitrary OTLP, grown from marked spans of every dialect.
func FuzzOTLP(f *testing.F) {
	inputs, err := filepath.Glob(filepath.Join(dialectData, "*", "*.expected.json"))
	require.NoError(f, err)
	require.NotEmpty(f, inputs)
	for _, input := range inputs {
		f.Add(encode(f, golden.ReadTraces(f, input)))
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(encoded)
		if err != nil {
			return
		}
		checkBatch(t, td)
	})
}

// FuzzTree sends spans whose parents, times and causes are arbitrary.
func FuzzTree(f *testing.F) {
	f.Add([]byte("a few bytes that make some spans of a trace or two, with parents among them"))
	f.Add(bytes.Repeat([]byte{0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233}, 30))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkBatch(t, (&treeBuilder{data: data}).traces())
	})
}

// checkBatch holds what is true of every batch: nothing but ml.diagnosis.*
// attributes is added and nothing else changes, what is said fits together,
// and a second pass changes nothing, in this processor or in another.
func checkBatch(t *testing.T, td ptrace.Traces) {
	before := ptrace.NewTraces()
	td.CopyTo(before)
	validtext.RepairTraces(before) // the one other thing that the processor changes
	p := newTestProcessor(t, defaultConfig())
	out := process(t, p, td)

	stripped := ptrace.NewTraces()
	out.CopyTo(stripped)
	was, is := spansOf(before), spansOf(stripped)
	require.Len(t, is, len(was))
	for i := range was {
		checkAdded(t, was[i].Attributes(), is[i])
		was[i].Attributes().CopyTo(is[i].Attributes())
	}
	require.Equal(t, encode(t, before), encode(t, stripped), "something else than attributes of spans changed")

	once := encode(t, out)
	require.Equal(t, once, encode(t, process(t, p, out)), "a second pass changed something")
	require.Equal(t, once, encode(t, diagnosed(t, out)), "a second processor changed something")
}

// checkAdded: the span's own attributes come first and as they were. What is added fits together.
func checkAdded(t *testing.T, was pcommon.Map, span ptrace.Span) {
	added := pcommon.NewMap()
	span.Attributes().CopyTo(added)
	n := 0
	added.RemoveIf(func(string, pcommon.Value) bool {
		n++
		return n <= was.Len()
	})
	own := 0
	for key, value := range span.Attributes().All() {
		if own++; own > was.Len() {
			require.True(t, strings.HasPrefix(key, "ml.diagnosis."), key)
			_, existed := was.Get(key)
			require.False(t, existed, key)
			continue
		}
		require.Equal(t, kindAndText(nth(was, own-1)), kindAndText(value))
	}
	bottleneck, ok := added.Get(vocab.DiagnosisBottleneck)
	if !ok {
		require.LessOrEqual(t, added.Len(), 1, "without a diagnosis there is nothing but ml.diagnosis.partial")
		return
	}
	for key := range was.All() {
		if strings.HasPrefix(key, "ml.diagnosis.") {
			return // the user's own words take the place of ours
		}
	}
	sum, largest := 0.0, 0.0
	for key, value := range added.All() {
		if strings.HasPrefix(key, vocab.DiagnosisSharesPrefix) {
			require.Greater(t, value.Double(), 0.0)
			sum += value.Double()
			largest = max(largest, value.Double())
		}
	}
	require.InDelta(t, 1, sum, 1e-9)
	share, _ := added.Get(vocab.DiagnosisShare)
	require.Equal(t, largest, share.Double())
	causes, _ := added.Get(vocab.DiagnosisCauses)
	require.Equal(t, bottleneck.Str(), causes.Slice().At(0).Str())
	path, _ := added.Get(vocab.DiagnosisCriticalPath)
	require.Positive(t, path.Slice().Len())
	require.LessOrEqual(t, path.Slice().Len(), defaultConfig().CriticalPath.MaxSpans)
}

func nth(m pcommon.Map, n int) (found pcommon.Value) {
	for _, v := range m.All() {
		if n--; n < 0 {
			return v
		}
	}
	return found
}

func kindAndText(v pcommon.Value) string { return v.Type().String() + v.AsString() }

func encode(tb testing.TB, td ptrace.Traces) []byte {
	encoded, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	require.NoError(tb, err)
	return encoded
}

// treeBuilder turns bytes into traces; past the end of the bytes everything is zero.
type treeBuilder struct{ data []byte }

func (b *treeBuilder) byte() byte {
	if len(b.data) == 0 {
		return 0
	}
	c := b.data[0]
	b.data = b.data[1:]
	return c
}

// time is mostly near the trace's start, and sometimes any number.
func (b *treeBuilder) time() pcommon.Timestamp {
	c := b.byte()
	if c == 255 {
		var raw [8]byte
		for i := range raw {
			raw[i] = b.byte()
		}
		return pcommon.Timestamp(binary.LittleEndian.Uint64(raw[:]))
	}
	return at(float64(c))
}

func (b *treeBuilder) traces() ptrace.Traces {
	td := ptrace.NewTraces()
	for len(b.data) > 0 {
		rs := td.ResourceSpans().AppendEmpty()
		service := b.byte()
		if service%2 == 0 {
			rs.Resource().Attributes().PutStr("ml.pipeline.name", "test")
		}
		rs.Resource().Attributes().PutInt("service.name", int64(service%8))
		spans := rs.ScopeSpans().AppendEmpty().Spans()
		for range 1 + b.byte()%8 {
			b.span(spans.AppendEmpty())
		}
	}
	return td
}

func (b *treeBuilder) span(span ptrace.Span) {
	where := b.byte()
	span.SetTraceID(pcommon.TraceID{1 + where%2})
	span.SetSpanID(pcommon.SpanID{b.byte() % 32})
	span.SetParentSpanID(pcommon.SpanID{b.byte() % 32})
	span.SetName(string(rune('a' + where%26)))
	span.SetKind(ptrace.SpanKind(where % 6))
	span.SetStartTimestamp(b.time())
	span.SetEndTimestamp(b.time())
	attrs := span.Attributes()
	for range b.byte() % 4 {
		switch b.byte() % 8 {
		case 0:
			attrs.PutStr(vocab.Stage, vocab.Stages[int(b.byte())%len(vocab.Stages)])
		case 1:
			attrs.PutDouble(vocab.QueueWait, float64(b.byte()))
		case 2:
			attrs.PutDouble(vocab.ForwardPass, float64(b.byte()))
		case 3:
			attrs.PutBool(vocab.SignalRevalidated, true)
			attrs.PutInt(vocab.ValidationAttempts, int64(b.byte()))
		case 4:
			attrs.PutBool(vocab.SignalColdStart, true)
			attrs.PutDouble(vocab.ColdStartDuration, float64(b.byte()))
		case 5:
			attrs.PutDouble(vocab.QueueWait, math.Float64frombits(uint64(b.byte())<<56|uint64(b.byte())<<48))
		case 6:
			span.Events().AppendEmpty().SetName(vocab.EventValidationFailed)
			span.Events().At(0).SetTimestamp(b.time())
		case 7:
			attrs.PutStr([...]string{vocab.DiagnosisBottleneck, vocab.DiagnosisPartial, vocab.DiagnosisShare}[b.byte()%3], "mine")
		}
	}
}
