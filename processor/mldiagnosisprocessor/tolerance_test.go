package mldiagnosisprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
)

// shiftService sets the clock of a service of the article's request off.
func shiftService(td ptrace.Traces, service string, ms float64) {
	off := func(ts pcommon.Timestamp) pcommon.Timestamp { return pcommon.Timestamp(int64(ts) + int64(ms*1e6)) }
	for _, rs := range td.ResourceSpans().All() {
		if name, _ := rs.Resource().Attributes().Get("service.name"); name.Str() != service {
			continue
		}
		for _, span := range rs.ScopeSpans().At(0).Spans().All() {
			span.SetStartTimestamp(off(span.StartTimestamp()))
			span.SetEndTimestamp(off(span.EndTimestamp()))
			for _, e := range span.Events().All() {
				e.SetTimestamp(off(e.Timestamp()))
			}
		}
	}
}

const articleFinding = "gpu_queue 580, gpu_compute 315, feature_store 823, cold_start 38, revalidation 19, other 45"

// TestClockSkew: the article's request with clocks that are off has the same diagnosis, and says so.
func TestClockSkew(t *testing.T) {
	for _, test := range []struct {
		name   string
		clocks map[string]float64
		want   string
	}{
		{"in step", nil, articleFinding},
		{"a service is ahead", map[string]float64{"ml.inference": 5000}, articleFinding + ", clock_skew"},
		{"a service is behind", map[string]float64{"ml.feature_extractor": -5000}, articleFinding + ", clock_skew"},
		{"a leaf is ahead", map[string]float64{"ml.feature_store": 5000}, articleFinding + ", clock_skew"},
		{"the gateway is behind", map[string]float64{"ml.api_gateway": -3_600_000}, articleFinding + ", clock_skew"},
		{"the gateway is ahead", map[string]float64{"ml.api_gateway": 400}, articleFinding + ", clock_skew"},
		{"two services, each its own way", map[string]float64{"ml.inference": 60_000, "ml.feature_extractor": -60_000}, articleFinding + ", clock_skew"},
		{"less than anybody would notice", map[string]float64{"ml.tokenizer": -1}, "gpu_queue 580, gpu_compute 315, feature_store 823, cold_start 37, revalidation 19, other 46"},
	} {
		t.Run(test.name, func(t *testing.T) {
			td := marked(t, golden.ReadTraces(t, article))
			for service, ms := range test.clocks {
				shiftService(td, service, ms)
			}
			before := ptrace.NewTraces()
			td.CopyTo(before)
			out := diagnosed(t, td)
			assert.Equal(t, test.want, finding(t, find(t, out, "ml.pipeline.request")))
			for i, span := range spansOf(out) {
				require.Equal(t, spansOf(before)[i].StartTimestamp(), span.StartTimestamp(), "the spans' own times stay")
			}
		})
	}
}

// TestOverhang: a server that ends its span when the client has read the answer
// and gone on has no bad clock. A real one is found, however short the span.
func TestOverhang(t *testing.T) {
	const inPlace = "gpu_queue 15, gpu_compute 10, other 95"
	for _, test := range []struct {
		name     string
		from, to float64 // of the server's span; the client's is 10 to 40 ms, the request's 120 ms
		want     string
	}{
		{"within", 12, 39, inPlace},
		{"ended 2 ms late", 13, 42, inPlace},
		{"ended 12 ms late", 13, 52, inPlace},
		{"began 2 ms early", 8, 38, inPlace},
		{"both", 8, 42, inPlace},
		{"with a task in the background", 13, 500, inPlace},
		{"with a task in the background, and began 2 ms early", 8, 500, inPlace},
		{"ended later than it had run", 38, 56, inPlace},
		{"ended 20 ms late on a busy machine", 31, 60, inPlace},
		{"the clock is 30 ms ahead", 42, 69, inPlace + ", clock_skew"},
		{"the clock is 20 ms behind", -7, 20, inPlace + ", clock_skew"},
		{"the clock is 50 ms ahead", 62, 89, inPlace + ", clock_skew"},
		{"the clock is 50 ms behind", -38, -11, inPlace + ", clock_skew"},
		{"the clock is 25 ms behind, with a task in the background", -13, 500, inPlace + ", clock_skew"},
		{"the clock is 5 s ahead", 5013, 5040, inPlace + ", clock_skew"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := diagnosed(t, traces(t, traceA,
				s{name: "root", to: 120},
				s{name: "POST", parent: "root", from: 10, to: 40, kind: ptrace.SpanKindClient},
				s{name: "POST /inference", parent: "POST", service: "model", from: test.from, to: test.to, kind: ptrace.SpanKindServer},
				s{name: "ml.inference", parent: "POST /inference", service: "model", from: test.from + 2, to: test.from + 27, attrs: inference(15, 10)},
			))
			assert.Equal(t, test.want, finding(t, find(t, out, "root")))
		})
	}
}

// TestShiftedServiceMovesWhole: the spans below that share the clock keep their distance, and are not fitted in again.
func TestShiftedServiceMovesWhole(t *testing.T) {
	out := diagnosed(t, traces(t, traceA,
		s{name: "root", to: 100},
		s{name: "serve", parent: "root", service: "model", from: 5010, to: 5090},
		s{name: "features", parent: "serve", service: "model", from: 5010, to: 5020, attrs: stage("feature_extraction")},
		s{name: "inference", parent: "serve", service: "model", from: 5020, to: 5080, attrs: inference(40, 20)},
	))
	assert.Equal(t, "gpu_queue 40, gpu_compute 20, feature_store 10, other 30, clock_skew", finding(t, find(t, out, "root")))
}

// TestSameMachine: what lies outside of its parent although both have one clock is not skew.
func TestSameMachine(t *testing.T) {
	for _, test := range []struct {
		name   string
		hosts  [2]string
		skewed bool
	}{{"one host", [2]string{"a", "a"}, false}, {"two hosts", [2]string{"a", "b"}, true}, {"not known", [2]string{}, true}} {
		t.Run(test.name, func(t *testing.T) {
			td := traces(t, traceA, s{name: "root", to: 100}, s{name: "call", parent: "root", service: "other", from: 150, to: 190})
			for i, host := range test.hosts {
				if host != "" {
					td.ResourceSpans().At(i).Resource().Attributes().PutStr("host.name", host)
				}
			}
			_, got := find(t, diagnosed(t, td), "root").Attributes().Get("ml.diagnosis.clock_skew")
			assert.Equal(t, test.skewed, got)
		})
	}
}

// TestPartial: traces of which something is missing, or that hang together wrongly.
func TestPartial(t *testing.T) {
	request := stage("request")
	for _, test := range []struct {
		name    string
		spans   []s
		flagged string // the one span that carries a word
		want    string
	}{
		{"an orphan counts below the root", []s{
			{name: "root", to: 100},
			{name: "inference", parent: "lost", from: 10, to: 90, attrs: inference(50, 30)},
		}, "root", "gpu_queue 50, gpu_compute 30, other 20, partial"},
		{"a second root counts below the first", []s{
			{name: "root", to: 100},
			{name: "second", from: 10, to: 90, attrs: inference(50, 30)},
		}, "root", "gpu_queue 50, gpu_compute 30, other 20, partial"},
		{"the request is the root of two", []s{
			{name: "job", to: 500},
			{name: "request", from: 0, to: 100, attrs: request},
			{name: "inference", parent: "request", from: 10, to: 90, attrs: inference(50, 30)},
		}, "request", "gpu_queue 50, gpu_compute 30, other 20, partial"},
		{"a cycle counts below the root", []s{
			{name: "root", to: 100},
			{name: "a", parent: "b", from: 10, to: 90, attrs: inference(50, 30)},
			{name: "b", parent: "a", from: 20, to: 80},
		}, "root", "gpu_queue 50, gpu_compute 30, other 20, partial"},
		{"a span that is its own parent", []s{
			{name: "root", to: 100},
			{name: "a", parent: "a", from: 10, to: 90, attrs: inference(50, 30)},
		}, "root", "gpu_queue 50, gpu_compute 30, other 20, partial"},
		{"a span that ends before it starts: what is below it counts above it", []s{
			{name: "root", to: 100},
			{name: "broken", parent: "root", from: 90, to: 10, attrs: stage("feature_extraction")},
			{name: "inference", parent: "broken", from: 10, to: 90, attrs: inference(50, 30)},
		}, "root", "gpu_queue 50, gpu_compute 30, other 20, partial"},
		{"no root, but the request itself", []s{
			{name: "request", parent: "client", to: 100, attrs: request},
			{name: "inference", parent: "request", from: 10, to: 90, attrs: inference(50, 30)},
		}, "request", "gpu_queue 50, gpu_compute 30, other 20, partial"},
		{"no root, but the server around the request", []s{
			{name: "POST /predict", parent: "browser", to: 100, kind: ptrace.SpanKindServer},
			{name: "fastapi.endpoint", parent: "POST /predict", from: 1, to: 99},
			{name: "request", parent: "fastapi.endpoint", from: 2, to: 98, attrs: request},
			{name: "inference", parent: "request", from: 10, to: 90, attrs: inference(50, 30)},
		}, "POST /predict", "gpu_queue 50, gpu_compute 30, other 20, partial"},
		{"no root, but the server and the request beside it", []s{
			{name: "POST /predict", parent: "browser", to: 100, kind: ptrace.SpanKindServer},
			{name: "request", parent: "browser", from: 2, to: 98, attrs: request},
			{name: "inference", parent: "request", from: 10, to: 90, attrs: inference(50, 30)},
		}, "POST /predict", "gpu_queue 50, gpu_compute 30, other 20, partial"},
		{"no root, and a server around no request", []s{
			{name: "POST /inference", parent: "gateway", to: 100, kind: ptrace.SpanKindServer},
			{name: "inference", parent: "gateway", from: 10, to: 90, attrs: inference(50, 30)},
		}, "POST /inference", "partial"},
		{"no root, but the request and another", []s{
			{name: "request", parent: "client", to: 100, attrs: request},
			{name: "inference", parent: "lost", from: 10, to: 90, attrs: inference(50, 30)},
		}, "request", "partial"},
		{"no root", []s{
			{name: "forward", parent: "inference", from: 60, to: 90},
			{name: "inference", parent: "client", from: 10, to: 90, attrs: inference(50, 30)},
		}, "inference", "partial"},
		{"nothing but a cycle", []s{
			{name: "a", parent: "b", from: 10, to: 90, attrs: inference(50, 30)},
			{name: "b", parent: "a", from: 20, to: 80},
		}, "a", "partial"},
		{"a root that took no time", []s{
			{name: "root", from: 10, to: 10},
			{name: "inference", parent: "root", from: 10, to: 90, attrs: inference(50, 30)},
		}, "root", "partial"},
		{"a root that ends before it starts", []s{
			{name: "root", from: 90, to: 10},
			{name: "inference", parent: "root", from: 10, to: 90, attrs: inference(50, 30)},
		}, "root", "partial"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := diagnosed(t, traces(t, traceA, test.spans...))
			assert.Equal(t, []string{test.flagged}, flaggedSpans(out))
			assert.Equal(t, test.want, finding(t, find(t, out, test.flagged)))
		})
	}
}

func TestWithoutRoot(t *testing.T) {
	spans := []s{{name: "llm_request", parent: "gateway", to: 100, attrs: inference(60, 40)}}
	entry := []s{{name: "request", parent: "client", to: 100, attrs: stage("request")}}
	for setting, want := range map[string][2]string{
		"none":    {"partial", "partial"},
		"request": {"partial", "other 100, partial"},
		"any":     {"gpu_queue 60, gpu_compute 40, partial", "other 100, partial"},
	} {
		cfg := defaultConfig()
		cfg.WithoutRoot = setting
		p := newTestProcessor(t, cfg)
		assert.Equal(t, want[0], finding(t, find(t, process(t, p, traces(t, traceA, spans...)), "llm_request")), setting)
		other := pcommon.TraceID{2}
		assert.Equal(t, want[1], finding(t, find(t, process(t, p, traces(t, other, entry...)), "request")), setting)
	}
}

// TestLateSpans: tail sampling passes on what comes after a trace's release by itself.
func TestLateSpans(t *testing.T) {
	root := s{name: "root", to: 100, attrs: stage("request")}
	child := s{name: "inference", parent: "root", from: 10, to: 90, attrs: inference(50, 30)}
	below := s{name: "request", parent: "inference", from: 60, to: 90, attrs: stage("request")}
	const whole = "gpu_queue 50, gpu_compute 30, other 20"
	for _, test := range []struct {
		name    string
		batches [][]s
		want    []string // of the span that carries a word, batch by batch
	}{
		{"a child after its trace", [][]s{{root}, {child}}, []string{"root: other 100", "inference: partial"}},
		{"a request within the request after its trace", [][]s{{root, child}, {below}}, []string{"root: " + whole, "request: partial"}},
		{"the root after its children", [][]s{{child}, {root}}, []string{"inference: partial", "root: partial"}},
		{"the root again, alone", [][]s{{root, child}, {root}}, []string{"root: " + whole, "root: partial"}},
		{"the whole trace again", [][]s{{root, child}, {root, child}}, []string{"root: " + whole, "root: " + whole}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTestProcessor(t, defaultConfig())
			for i, batch := range test.batches {
				out := process(t, p, traces(t, traceA, batch...))
				names := flaggedSpans(out)
				require.Len(t, names, 1)
				assert.Equal(t, test.want[i], names[0]+": "+finding(t, find(t, out, names[0])))
			}
		})
	}
}
