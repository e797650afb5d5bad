package mlsignalsprocessor

import (
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/dialects"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/attempts"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/coldstart"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/join"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/lookup"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/metadata"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/nested"
)

// FuzzOTLP sends arbitrary OTLP, grown from the test data of every dialect.
func FuzzOTLP(f *testing.F) {
	inputs, err := filepath.Glob(filepath.Join(dialectData, "*", "*.input.json"))
	require.NoError(f, err)
	require.NotEmpty(f, inputs)
	for _, input := range inputs {
		encoded, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(golden.ReadTraces(f, input))
		require.NoError(f, err)
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(encoded)
		if err != nil {
			return
		}
		checkBatch(t, td)
	})
}

// FuzzSpans sends spans that are put together of the words that the rules know
// and of values that are hard to read.
func FuzzSpans(f *testing.F) {
	words := ruleWords(f)
	f.Add([]byte("a few bytes that make a span of some attributes and events"))
	f.Add(bytes.Repeat([]byte{0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233}, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkBatch(t, (&spanBuilder{words: words, data: data}).traces())
	})
}

// checkBatch holds what is true of every batch: no span is lost, added,
// reordered or changed but for its attributes; no attribute of the user is lost
// or means something else; and a second pass changes nothing.
func checkBatch(t *testing.T, td ptrace.Traces) {
	before := ptrace.NewTraces()
	td.CopyTo(before)
	out := process(t, forgetful(t), td)

	stripped := ptrace.NewTraces()
	out.CopyTo(stripped)
	was, is := spansOf(before), spansOf(stripped)
	require.Len(t, is, len(was))
	for i := range was {
		checkAttributes(t, was[i].Attributes(), is[i].Attributes())
		was[i].Attributes().CopyTo(is[i].Attributes())
	}
	require.True(t, bytes.Equal(encode(t, before), encode(t, stripped)), "something else than attributes of spans changed")

	once := encode(t, out)
	twice := process(t, forgetful(t), out)
	if !bytes.Equal(once, encode(t, twice)) {
		was := asJSON(t, once)
		require.Equal(t, was, asJSON(t, encode(t, twice)), "a second pass changed something")
	}
}

// template is compiled once; compiling all dialects costs more than a batch.
var template = sync.OnceValues(func() (*signalsProcessor, error) {
	tel, err := newTelemetry(componenttest.NewNopTelemetrySettings(), component.NewID(metadata.Type))
	if err != nil {
		return nil, err
	}
	p, err := newSignalsProcessor(defaultConfig(), tel)
	if err != nil {
		return nil, err
	}
	return p, tel.observe(p)
})

// forgetful returns a processor that remembers no span yet.
func forgetful(t *testing.T) *signalsProcessor {
	compiled, err := template()
	require.NoError(t, err)
	cfg := defaultConfig()
	p := &signalsProcessor{
		rules: compiled.rules, settings: compiled.settings, minColdMS: compiled.minColdMS,
		memory: coldstart.NewMemory(cfg.ReloadMemory.MaxComponents), joins: join.NewTables(compiled.rules.Joins, cfg.Join.MaxSpans, cfg.Join.TTL),
		lookups:   lookup.NewTable(cfg.Join.MaxSpans, cfg.Join.TTL),
		calls:     nested.NewTable(cfg.Join.MaxSpans, cfg.Join.TTL),
		attempts:  attempts.NewTable(cfg.Join.MaxSpans, cfg.Join.TTL),
		telemetry: compiled.telemetry,
	}
	p.pool.New = p.newWorker
	return p
}

// checkAttributes: the user's attributes come first, in their order, with
// their values; only the type of a value may differ, and only to its key's own.
func checkAttributes(t *testing.T, was, is pcommon.Map) {
	require.GreaterOrEqual(t, is.Len(), was.Len())
	type attribute struct {
		key   string
		value pcommon.Value
	}
	var old []attribute
	for key, value := range was.All() {
		old = append(old, attribute{key, value})
	}
	i := 0
	for key, value := range is.All() {
		if i == len(old) {
			return
		}
		require.Equal(t, old[i].key, key)
		if !sameValue(old[i].value, value) {
			a := vocab.Lookup(key)
			require.NotNil(t, a, "%s is none of ours", key)
			checkCoerced(t, a, old[i].value, value)
		}
		i++
	}
}

func checkCoerced(t *testing.T, a *vocab.Attribute, was, is pcommon.Value) {
	switch a.Type {
	case vocab.Double:
		f, ok := vocab.ReadDouble(was)
		require.True(t, ok)
		require.Equal(t, pcommon.ValueTypeDouble, is.Type())
		require.Equal(t, f, is.Double())
	case vocab.Int:
		n, ok := vocab.ReadInt(was)
		require.True(t, ok)
		require.Equal(t, pcommon.ValueTypeInt, is.Type())
		require.Equal(t, n, is.Int())
	case vocab.Bool:
		b, ok := vocab.ReadBool(was)
		require.True(t, ok)
		require.Equal(t, pcommon.ValueTypeBool, is.Type())
		require.Equal(t, b, is.Bool())
	case vocab.String:
		require.Equal(t, pcommon.ValueTypeStr, is.Type())
		if was.Type() != pcommon.ValueTypeStr || was.Str() != "" { // an empty text may be filled
			require.Equal(t, was.AsString(), is.Str())
		}
	}
}

func sameValue(a, b pcommon.Value) bool {
	if a.Type() == pcommon.ValueTypeDouble && b.Type() == pcommon.ValueTypeDouble {
		return math.Float64bits(a.Double()) == math.Float64bits(b.Double())
	}
	return a.Type() == b.Type() && a.AsString() == b.AsString()
}

func encode(t *testing.T, td ptrace.Traces) []byte {
	encoded, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	return encoded
}

// asJSON is for the message of a failed test.
func asJSON(t *testing.T, encoded []byte) string {
	td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(encoded)
	require.NoError(t, err)
	text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	return strings.ReplaceAll(string(text), "},{", "},\n{")
}

func spansOf(td ptrace.Traces) []ptrace.Span {
	var all []ptrace.Span
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				all = append(all, span)
			}
		}
	}
	return all
}

// words are what the built-in rules look for.
type words struct{ names, keys, events, scopes, texts []string }

func ruleWords(tb testing.TB) words {
	builtin, err := dialects.All()
	require.NoError(tb, err)
	w := words{
		names: []string{"", "x", "tokenizer_init", "load_model"}, events: []string{"", "x"}, scopes: []string{"", "x"},
		texts: []string{"", "true", "false", "1", "-1", "1.5", "1e400", "NaN", "inf", "12.5ms", "3µs", "-2s", "x", "\xff"},
	}
	for _, a := range vocab.Attributes {
		w.keys = append(w.keys, a.Key)
	}
	addMatch := func(m *dialect.Match) {
		w.names = append(w.names, m.SpanNames...)
		w.scopes = append(w.scopes, m.Scopes...)
		w.events = append(w.events, m.Events...)
		w.keys = append(w.keys, m.AnyAttribute...)
		for _, conditions := range []map[string]any{m.Attributes, m.AnyOf, m.ResourceAttributes} {
			for key, want := range conditions {
				w.keys = append(w.keys, key)
				if c, err := dialect.ParseCondition(want); err == nil {
					w.texts = append(w.texts, c.Texts...)
				}
			}
		}
	}
	for _, d := range builtin {
		for i := range d.Rules {
			r := &d.Rules[i]
			addMatch(&r.Match)
			if r.Join != nil {
				addMatch(&r.Join.Match)
			}
			for _, set := range r.Set {
				w.keys = append(w.keys, set.Attribute, set.ResourceAttribute, set.Minus)
				w.events = append(w.events, set.Event, set.CountEvents)
			}
		}
	}
	return w
}

// spanBuilder turns bytes into spans; past the end of the bytes everything is zero.
type spanBuilder struct {
	words
	data []byte
}

func (b *spanBuilder) byte() byte {
	if len(b.data) == 0 {
		return 0
	}
	c := b.data[0]
	b.data = b.data[1:]
	return c
}

func (b *spanBuilder) word(from []string) string {
	return from[(int(b.byte())<<8|int(b.byte()))%len(from)]
}

func (b *spanBuilder) number() uint64 {
	var raw [8]byte
	n := int(b.byte()) % 9
	for i := range n {
		raw[i] = b.byte()
	}
	return binary.LittleEndian.Uint64(raw[:])
}

func (b *spanBuilder) traces() ptrace.Traces {
	td := ptrace.NewTraces()
	for len(b.data) > 0 {
		rs := td.ResourceSpans().AppendEmpty()
		b.attributes(rs.Resource().Attributes())
		for range 1 + b.byte()%2 {
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName(b.word(b.scopes))
			for range 1 + b.byte()%4 {
				b.span(ss.Spans().AppendEmpty())
			}
		}
	}
	return td
}

func (b *spanBuilder) span(span ptrace.Span) {
	span.SetName(b.word(b.names))
	span.SetKind(ptrace.SpanKind(int8(b.byte())))
	span.SetTraceID(pcommon.TraceID{b.byte() % 2})
	span.SetSpanID(pcommon.SpanID{b.byte() % 4})
	span.SetParentSpanID(pcommon.SpanID{b.byte() % 4})
	span.SetStartTimestamp(pcommon.Timestamp(b.number()))
	span.SetEndTimestamp(pcommon.Timestamp(b.number()))
	span.Status().SetCode(ptrace.StatusCode(b.byte() % 4))
	b.attributes(span.Attributes())
	for range b.byte() % 4 {
		e := span.Events().AppendEmpty()
		e.SetName(b.word(b.events))
		e.SetTimestamp(pcommon.Timestamp(b.number()))
		b.attributes(e.Attributes())
	}
}

func (b *spanBuilder) attributes(attrs pcommon.Map) {
	for range b.byte() % 8 {
		v := attrs.PutEmpty(b.word(b.keys))
		switch b.byte() % 7 {
		case 0:
			v.SetDouble(math.Float64frombits(b.number()))
		case 1:
			v.SetInt(int64(b.number()))
		case 2:
			v.SetStr(b.word(b.texts))
		case 3:
			v.SetBool(b.byte()%2 == 0)
		case 4:
			v.SetEmptySlice().AppendEmpty().SetStr("x")
		case 5:
			v.SetDouble(float64(b.byte()))
		case 6: // stays empty
		}
	}
}

// FuzzCustomDialect reads arbitrary YAML as a dialect, and uses it if it is one.
func FuzzCustomDialect(f *testing.F) {
	builtin, err := dialects.Files()
	require.NoError(f, err)
	for _, yaml := range builtin {
		f.Add(yaml)
	}
	article := golden.ReadTraces(f, "../../testdata/article/flamegraph.json")
	f.Fuzz(func(t *testing.T, yaml []byte) {
		d, err := dialect.Parse("custom.yaml", yaml)
		if err != nil {
			return
		}
		d.Name = "custom"
		cfg := defaultConfig()
		cfg.Dialects = []string{}
		cfg.CustomDialects = []dialect.Dialect{*d}
		if cfg.Validate() != nil {
			t.Fatal("valid as a file, but not as a setting")
		}
		tel, err := newTelemetry(componenttest.NewNopTelemetrySettings(), component.NewID(metadata.Type))
		require.NoError(t, err)
		p, err := newSignalsProcessor(cfg, tel)
		require.NoError(t, err)
		require.NoError(t, tel.observe(p))
		td := ptrace.NewTraces()
		article.CopyTo(td)
		out := process(t, p, td)
		require.Equal(t, article.SpanCount(), out.SpanCount())
		for i, span := range spansOf(out) {
			checkAttributes(t, spansOf(article)[i].Attributes(), span.Attributes())
		}
	})
}
