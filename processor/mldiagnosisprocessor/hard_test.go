package mldiagnosisprocessor

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// hardTrace is a trace that is made to be hard: its spans, of which span changes all but the root.
type hardTrace struct {
	name string
	span func(i int, span ptrace.Span)
}

// number returns the ID of the span at a position.
func number(i int) (id pcommon.SpanID) {
	binary.BigEndian.PutUint64(id[:], uint64(i+1))
	return id
}

// hardTraces returns the hard traces of n spans.
func hardTraces(n int) []hardTrace {
	random := rand.New(rand.NewPCG(7, 8))
	return []hardTrace{
		{"a chain", func(i int, span ptrace.Span) { span.SetParentSpanID(number(i - 1)) }},
		{"a chain, each outlasting the one above", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(i - 1))
			span.SetEndTimestamp(at(200 + float64(i)/200))
		}},
		{"children that outlast a short one, among many", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(0))
			from := float64(i) * 900 / float64(n)
			span.SetStartTimestamp(at(from))
			span.SetEndTimestamp(at(from + 0.004))
			if i > n/2 {
				span.SetParentSpanID(number(1))
				span.SetEndTimestamp(at(999 - float64(i)/float64(n)))
			}
		}},
		{"clocks that are all off", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(0))
			shift := 5000 + 10_000*random.Float64()
			span.SetStartTimestamp(at(shift))
			span.SetEndTimestamp(at(shift + float64(i%900)))
		}},
		{"one cycle", func(i int, span ptrace.Span) { span.SetParentSpanID(number(1 + i%(n-1))) }},
		{"orphans", func(i int, span ptrace.Span) { span.SetParentSpanID(number(n + i)) }},
		{"copies of the root", func(_ int, span ptrace.Span) { span.SetSpanID(number(0)) }},
		{"roots", func(int, ptrace.Span) {}},
		{"one ID", func(i int, span ptrace.Span) {
			span.SetSpanID(number(1))
			span.SetParentSpanID(number(i % 3))
		}},
		{"no times, in a chain", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(i - 1))
			span.SetStartTimestamp(0)
		}},
		{"repairs within repairs", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(i - 1))
			span.Attributes().PutBool("ml.signal.revalidated", true)
		}},
		{"idle siblings", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(i % 100 / 50 * (i % 1000)))
			from := random.Float64() * 900
			span.SetStartTimestamp(at(from))
			span.SetEndTimestamp(at(from + random.Float64()*100))
		}},
		{"spans beside those that they ran within", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(0))
			if i > n/2 {
				span.SetStartTimestamp(at(300 + float64(i)/1000))
				span.SetEndTimestamp(at(600 - float64(i)/1000))
				span.Attributes().PutBool("ml.signal.queue_bound", true)
			}
		}},
		{"spans beside those that they ran within, deep down", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(max(0, i-50)))
			if i > n/2 {
				span.SetParentSpanID(number(i % 50))
				span.SetStartTimestamp(at(100 + random.Float64()*100))
				span.SetEndTimestamp(at(800 + random.Float64()*100))
				span.Attributes().PutBool("ml.signal.queue_bound", true)
			}
		}},
		{"a chain beside spans that it covers", func(i int, span ptrace.Span) {
			span.SetParentSpanID(number(max(0, i-50)))
			if i > n/2 {
				span.SetParentSpanID(number(i % 5000))
				span.SetStartTimestamp(at(300))
				span.SetEndTimestamp(at(400))
				span.Attributes().PutBool("ml.signal.queue_bound", true)
			}
		}},
		{"halves of calls", func(i int, span ptrace.Span) {
			span.SetSpanID(number(i / 2 * 2))
			span.SetParentSpanID(number(i/2*2 - 2))
			span.SetKind(ptrace.SpanKindClient - ptrace.SpanKind(i%2))
		}},
	}
}

// traces returns the trace with n spans, of 50 services.
func (h *hardTrace) traces(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	for service := range 50 {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutInt("service.name", int64(service))
		rs.Resource().Attributes().PutStr("ml.pipeline.name", "test")
		spans := rs.ScopeSpans().AppendEmpty().Spans()
		for i := service; i < n; i += 50 {
			span := spans.AppendEmpty()
			span.SetTraceID(traceA)
			span.SetSpanID(number(i))
			span.SetStartTimestamp(at(float64(i) / 1000))
			span.SetEndTimestamp(at(1000 - float64(i)/1000))
			if i == 0 {
				span.SetName("root")
				span.Attributes().PutStr("ml.stage", "request")
				continue
			}
			h.span(i, span)
		}
	}
	return td
}

// hardTraceSpans is the environment variable with the number of spans of TestHardTraces.
const hardTraceSpans = "HARD_TRACE_SPANS"

// TestHardTraces diagnoses huge traces that are made to be hard.
func TestHardTraces(t *testing.T) {
	n := 100_000
	if text := os.Getenv(hardTraceSpans); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	for _, hard := range hardTraces(n) {
		t.Run(hard.name, func(t *testing.T) {
			out := diagnosed(t, hard.traces(n))
			assert.NotEmpty(t, finding(t, find(t, out, "root")))
		})
	}
}

// TestHardTracesWork checks that the work for a trace does not grow with the square of its size. The work is the number of
// statements that the processor executes, which a build of the test that counts its coverage knows.
func TestHardTracesWork(t *testing.T) {
	const (
		spans = 10_000
		times = 4
		// Sorting adds a little to times; the square would be 16.
		most = 6
	)
	program := filepath.Join(t.TempDir(), "hard.test")
	build := exec.Command("go", "test", "-c", "-covermode=count", "-coverpkg=./...,../../internal/...", "-o", program, ".")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, hard := range hardTraces(spans) {
		t.Run(hard.name, func(t *testing.T) {
			small, large := statements(t, program, hard.name, spans), statements(t, program, hard.name, times*spans)
			assert.Greater(t, small, spans)
			assert.Less(t, large, most*small, "%d spans take %d statements, %d spans %d", spans, small, times*spans, large)
		})
	}
}

// statements returns the number of statements that one case of TestHardTraces executes.
func statements(t *testing.T, program, name string, spans int) int {
	t.Helper()
	profile := filepath.Join(t.TempDir(), "profile")
	run := exec.Command(program, "-test.run", "^TestHardTraces$/^"+strings.ReplaceAll(name, " ", "_")+"$", "-test.coverprofile", profile)
	run.Env = append(os.Environ(), hardTraceSpans+"="+strconv.Itoa(spans))
	out, err := run.CombinedOutput()
	require.NoError(t, err, string(out))
	data, err := os.ReadFile(profile)
	require.NoError(t, err)
	sum := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "mode: count\n")) { // place, statements, times
		fields := strings.Fields(line)
		require.Len(t, fields, 3, line)
		n, err := strconv.Atoi(fields[1])
		require.NoError(t, err)
		times, err := strconv.Atoi(fields[2])
		require.NoError(t, err)
		sum += n * times
	}
	return sum
}
