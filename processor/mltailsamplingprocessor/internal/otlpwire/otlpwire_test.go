package otlpwire

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// rewrite takes encoded traces apart and puts them together again.
func rewrite(traces []byte) (rewritten []byte, spans int, err error) {
	err = EachResource(traces, func(resourceSpans []byte) error {
		resource, _, err := ResourceHeader(resourceSpans)
		if err != nil {
			return err
		}
		g := Group{Resource: resource}
		err = EachScope(resourceSpans, func(scopeSpans []byte) error {
			scope, err := ScopeHeader(scopeSpans)
			if err != nil {
				return err
			}
			s := ScopeGroup{Scope: scope}
			err = EachSpan(scopeSpans, func(span, field []byte) error {
				spans++
				s.Spans = append(s.Spans, field)
				return new(Span).Read(span, func(keyValue []byte) {
					Key(keyValue)
					ValueOf(keyValue)
				})
			})
			g.Scopes = append(g.Scopes, s)
			return err
		})
		rewritten = AppendGroup(rewritten, &g)
		return err
	})
	return rewritten, spans, err
}

func decode(t testing.TB, encoded []byte) ptrace.Traces {
	unmarshaler := ptrace.ProtoUnmarshaler{}
	td, err := unmarshaler.UnmarshalTraces(encoded)
	require.NoError(t, err)
	return td
}

func encode(t testing.TB, td ptrace.Traces) []byte {
	marshaler := ptrace.ProtoMarshaler{}
	encoded, err := marshaler.MarshalTraces(td)
	require.NoError(t, err)
	return encoded
}

func TestRewriteLosesNothing(t *testing.T) {
	article := golden.ReadTraces(t, "../../../../testdata/article/flamegraph.json")
	encoded := encode(t, article)
	rewritten, spans, err := rewrite(encoded)
	require.NoError(t, err)
	assert.Equal(t, encoded, encode(t, decode(t, rewritten)), "but for the order of fields")
	assert.Equal(t, article.SpanCount(), spans)
}

func TestSpanRead(t *testing.T) {
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(pcommon.TraceID{1, 2, 3})
	span.SetStartTimestamp(5)
	span.SetEndTimestamp(1 << 63)
	span.SetFlags(0x301)
	span.Status().SetCode(ptrace.StatusCodeError)
	span.Status().SetMessage("failed")
	span.TraceState().FromRaw("ot=th:8")
	span.SetName(string(make([]byte, 300))) // a length of two bytes
	attributes := span.Attributes()
	attributes.PutStr("text", "x")
	attributes.PutBool("yes", true)
	attributes.PutBool("no", false)
	attributes.PutInt("negative", -3)
	attributes.PutDouble("double", 2.5)
	attributes.PutEmptyBytes("bytes").FromRaw([]byte("x"))
	attributes.PutEmptySlice("list").AppendEmpty().SetStr("x")
	attributes.PutEmpty("empty")
	attributes.PutStr("no text", "")

	read := func() (s Span, values map[string]Value) {
		values = map[string]Value{}
		require.NoError(t, EachResource(encode(t, td), func(rs []byte) error {
			return EachScope(rs, func(ss []byte) error {
				return EachSpan(ss, func(encoded, _ []byte) error {
					return s.Read(encoded, func(kv []byte) { values[string(Key(kv))] = ValueOf(kv) })
				})
			})
		}))
		return s, values
	}
	got, values := read()
	assert.Equal(t, Span{
		TraceID: [16]byte{1, 2, 3}, Root: true, Start: 5, End: 1 << 63, Status: 2, Flags: 0x301, TraceState: []byte("ot=th:8"),
	}, got)
	assert.Equal(t, map[string]Value{
		"text": {Kind: String, Str: []byte("x")}, "yes": {Kind: Bool, Bool: true}, "no": {Kind: Bool}, "negative": {Kind: Int, Int: -3},
		"double": {}, "bytes": {}, "list": {}, "empty": {}, "no text": {Kind: String, Str: []byte{}},
	}, values)

	span.SetParentSpanID(pcommon.SpanID{1})
	got, _ = read()
	assert.False(t, got.Root)
}

// FuzzRewrite: bytes that pdata can decode are taken apart without an error and
// decode to the same spans afterwards; other bytes are an error or not, and
// nothing worse.
func FuzzRewrite(f *testing.F) {
	article := encode(f, golden.ReadTraces(f, "../../../../testdata/article/flamegraph.json"))
	f.Add(article)
	f.Add(article[:len(article)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		unmarshaler := ptrace.ProtoUnmarshaler{}
		td, err := unmarshaler.UnmarshalTraces(data)
		if err != nil {
			_, _, _ = rewrite(data)
			return
		}
		canonical := encode(t, td) // as the processor does: without unknown fields
		rewritten, spans, err := rewrite(canonical)
		require.NoError(t, err)
		require.Equal(t, td.SpanCount(), spans)
		require.Equal(t, canonical, encode(t, decode(t, rewritten)))
	})
}
