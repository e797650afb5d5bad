package validtext

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestIs puts a bad byte and a good character at every place of texts of every length that the fast way has a case for.
func TestIs(t *testing.T) {
	for n := range 40 {
		text := strings.Repeat("a", n)
		assert.True(t, Is(text))
		for i := range n {
			bad := text[:i] + "\xff" + text[i+1:]
			assert.False(t, Is(bad), "%q", bad)
			good := text[:i] + "é" + text[i+1:]
			assert.True(t, Is(good), "%q", good)
		}
	}
}

// filled is a batch whose every text, by what text returns, is the n-th.
func filled(text func(n int) string) ptrace.Traces {
	n := 0
	next := func() string { n++; return text(n) }
	attributes := func(m pcommon.Map) {
		m.PutStr(next(), next())
		nested := m.PutEmptyMap(next())
		nested.PutStr(next(), next())
		nested.PutEmptySlice(next()).AppendEmpty().SetStr(next())
		m.PutInt(next(), 7)
	}
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.SetSchemaUrl(next())
	attributes(rs.Resource().Attributes())
	ss := rs.ScopeSpans().AppendEmpty()
	ss.SetSchemaUrl(next())
	ss.Scope().SetName(next())
	ss.Scope().SetVersion(next())
	attributes(ss.Scope().Attributes())
	span := ss.Spans().AppendEmpty()
	span.SetName(next())
	span.TraceState().FromRaw(next())
	span.Status().SetMessage(next())
	attributes(span.Attributes())
	event := span.Events().AppendEmpty()
	event.SetName(next())
	attributes(event.Attributes())
	link := span.Links().AppendEmpty()
	link.TraceState().FromRaw(next())
	attributes(link.Attributes())
	return td
}

// TestRepairTraces: every place that has a text is repaired, and only that text is different.
func TestRepairTraces(t *testing.T) {
	sound := filled(func(n int) string { return fmt.Sprintf("text %d", n) })
	wanted := filled(func(n int) string { return fmt.Sprintf("text %d", n) })
	assert.Zero(t, RepairTraces(sound))
	assert.Equal(t, wanted, sound)

	places := 0
	filled(func(n int) string { places = n; return fmt.Sprint(n) })
	for bad := 1; bad <= places; bad++ {
		name := func(spoiled string) func(int) string {
			return func(n int) string {
				if n == bad {
					return spoiled
				}
				return fmt.Sprintf("text %d", n)
			}
		}
		td := filled(name("caf\xe9\xe9 au lait"))
		require.Equal(t, 1, RepairTraces(td), "place %d", bad)
		require.Equal(t, filled(name("caf\uFFFD au lait")), td, "place %d", bad)
	}

	td := filled(func(n int) string { return fmt.Sprintf("\xff%d", n) })
	assert.Equal(t, places, RepairTraces(td))
	encoded, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	assert.NotContains(t, string(encoded), "\xff")
}

// TestKeysThatBecomeOne: of two keys that are repaired to one the first stays.
func TestKeysThatBecomeOne(t *testing.T) {
	td := ptrace.NewTraces()
	m := td.ResourceSpans().AppendEmpty().Resource().Attributes()
	m.PutStr("k\xff", "first")
	m.PutStr("k\xfe", "second")
	assert.Equal(t, 2, RepairTraces(td))
	assert.Equal(t, map[string]any{"k\uFFFD": "first"}, m.AsRaw())
}

func FuzzIs(f *testing.F) {
	f.Add("inference")
	f.Add("caf\xe9")
	f.Fuzz(func(t *testing.T, s string) {
		assert.Equal(t, utf8.ValidString(s), Is(s))
		assert.True(t, utf8.ValidString(Repair(s)))
	})
}

func BenchmarkRepairTraces(b *testing.B) {
	td := filled(func(n int) string { return fmt.Sprintf("some.attribute.%d", n) })
	b.ReportAllocs()
	for b.Loop() {
		RepairTraces(td)
	}
}
