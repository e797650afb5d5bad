package mldiagnosisprocessor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const (
	client = ptrace.SpanKindClient
	server = ptrace.SpanKindServer
)

func features(db float64) map[string]any {
	return map[string]any{
		"ml.stage": "feature_extraction", "ml.features.db_lookup_ms": db, "ml.signal.feature_cascade": true,
	}
}

func queueBound(wait, compute float64) map[string]any {
	attrs := inference(wait, compute)
	attrs["ml.signal.queue_bound"] = true
	return attrs
}

// TestSpanBesideItsServer: a handler that starts its span with
// context=extract(headers), as the article's do, makes a sibling of the span
// that a framework has made for the same request. Whatever makes that one, the
// handler's span has the time.
func TestSpanBesideItsServer(t *testing.T) {
	const want = "feature_store 780, other 220"
	extraction := func(parent string) s {
		return s{name: "ml.feature_extraction", parent: parent, service: "features", from: 110, to: 890, attrs: features(770)}
	}
	post := func(parent string) s {
		return s{name: "POST /features", parent: parent, service: "features", from: 100, to: 900, kind: server}
	}
	root := s{name: "ml.pipeline.request", to: 1000, attrs: stage("request")}
	call := s{name: "POST", parent: "ml.pipeline.request", from: 95, to: 905, kind: client}
	endpoint := s{name: "fastapi.endpoint", parent: "POST /features", service: "features", from: 105, to: 895}
	for _, test := range []struct {
		name  string
		spans []s
		want  string
	}{
		{"no server span", []s{root, extraction(root.name)}, want},
		{"a child, as it should be", []s{root, post(root.name), extraction("POST /features")}, want},
		{"Flask, Go, Java, ASGI with exclude_spans: a server span alone", []s{root, post(root.name), extraction(root.name)}, want},
		{"FastAPI 0.165: an endpoint below it", []s{root, post(root.name), endpoint, extraction(root.name)}, want},
		{"ASGI: spans of receive and send", []s{root, post(root.name),
			{name: "POST /features http receive", parent: "POST /features", service: "features", from: 100, to: 101},
			{name: "POST /features http send start", parent: "POST /features", service: "features", from: 891, to: 892},
			{name: "POST /features http send body", parent: "POST /features", service: "features", from: 892, to: 900},
			extraction(root.name)}, want},
		{"a streamed answer: sends while the handler's span goes on", []s{root, post(root.name),
			{name: "http send 1", parent: "POST /features", service: "features", from: 300, to: 310},
			{name: "http send 2", parent: "POST /features", service: "features", from: 500, to: 510},
			extraction(root.name)}, want},
		{"a client span that all hang below", []s{root, call, post("POST"), endpoint, extraction("POST")}, want},
		{"a context in the body: the client span is passed by", []s{root, call, post("POST"), endpoint, extraction(root.name)}, want},
		{"a client span that nobody answers", []s{root, call, extraction(root.name)}, want},
		{"a function that calls, and a client span that nobody answers", []s{root,
			{name: "get features", parent: root.name, from: 90, to: 950},
			{name: "POST", parent: "get features", from: 95, to: 905, kind: client}, extraction(root.name)}, want},
		{"a parent that is missing", []s{root, post("lost"), endpoint, extraction("lost")}, want + ", partial"},
		{"only the server's parent is missing", []s{root, post("lost"), extraction(root.name)}, want + ", partial"},
		{"only the handler's parent is missing", []s{root, call, post("POST"), extraction("lost")}, want + ", partial"},
		{"two servers around one another", []s{root, post(root.name),
			{name: "gunicorn", parent: root.name, service: "features", from: 99, to: 901, kind: server}, extraction(root.name)}, want},
		{"a handler's span between", []s{root, post(root.name), endpoint,
			{name: "handle", parent: root.name, service: "features", from: 107, to: 893}, extraction("handle")}, want},
		{"clocks in steps of a millisecond, one for each span", []s{root,
			{name: "POST /features", parent: root.name, service: "features", from: 110.9, to: 890.2, kind: server}, extraction(root.name)},
			"feature_store 779.1, other 220.9"},
		{"the same interval to the nanosecond", []s{root,
			{name: "POST /features", parent: root.name, service: "features", from: 110, to: 890, kind: server}, extraction(root.name)}, want},
		{"with a database below that nothing is known of", []s{root, post(root.name), endpoint, extraction(root.name),
			{name: "SELECT", parent: "ml.feature_extraction", service: "features", from: 115, to: 885, kind: client}}, want},
		{"a request that is itself beside its server", []s{
			{name: "browser", service: "web", to: 1000, kind: client},
			{name: "POST /predict", parent: "browser", from: 5, to: 995, kind: server},
			{name: "ml.pipeline.request", parent: "browser", from: 10, to: 990, attrs: stage("request")},
			post("ml.pipeline.request"), endpoint, extraction("ml.pipeline.request")}, want},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := diagnosed(t, traces(t, traceA, test.spans...))
			assert.Equal(t, test.want, finding(t, find(t, out, test.spans[0].name)))
		})
	}
}

// TestWhatGivesWay: all causes, and who has the time where both say something.
func TestWhatGivesWay(t *testing.T) {
	cold := map[string]any{"ml.signal.cold_start": true, "ml.cold_start.component": "tokenizer", "ml.cold_start.duration_ms": 30.0}
	repaired := map[string]any{"ml.stage": "post_processing", "ml.signal.revalidated": true, "ml.post_processing.validation_attempts": 2}
	for _, test := range []struct {
		name  string
		spans []s
		want  string
	}{
		{"an inference", []s{
			{name: "root", to: 100},
			{name: "POST", parent: "root", service: "model", from: 10, to: 90, kind: server},
			{name: "ml.inference", parent: "root", service: "model", from: 15, to: 85, attrs: queueBound(50, 20)},
		}, "gpu_queue 50, gpu_compute 20, other 30"},
		{"an inference, and below it a model server with a span beside its server again", []s{
			{name: "root", to: 100},
			{name: "POST", parent: "root", service: "model", from: 10, to: 90, kind: server},
			{name: "ml.inference", parent: "root", service: "model", from: 15, to: 85, attrs: stage("inference")},
			{name: "call", parent: "ml.inference", service: "model", from: 16, to: 84, kind: client},
			{name: "Infer", parent: "call", service: "gpu", from: 18, to: 82, kind: server},
			{name: "forward", parent: "call", service: "gpu", from: 20, to: 80, attrs: inference(40, 20)},
		}, "gpu_queue 40, gpu_compute 20, other 40"},
		{"a repair", []s{
			{name: "root", to: 100},
			{name: "POST", parent: "root", service: "post", from: 10, to: 90, kind: server},
			{name: "ml.post_processing", parent: "root", service: "post", from: 20, to: 80, attrs: repaired, failed: []float64{30}},
		}, "revalidation 50, other 50"},
		{"a stage that is no cause", []s{
			{name: "root", to: 100, attrs: stage("inference")},
			{name: "POST", parent: "root", service: "post", from: 10, to: 90, kind: server},
			{name: "ml.post_processing", parent: "root", service: "post", from: 20, to: 80, attrs: stage("post_processing")},
		}, "gpu_compute 40, other 60, undivided"},
		{"a load beside the stage that it is a part of", []s{
			{name: "root", to: 100},
			{name: "ml.batch_assembly", parent: "root", service: "assembler", from: 10, to: 60, attrs: stage("batch_assembly")},
			{name: "tokenizer_init", parent: "root", service: "assembler", from: 15, to: 45, attrs: cold},
		}, "cold_start 30, other 70"},
		{"a load beside the inference that it is a part of", []s{
			{name: "root", to: 100},
			{name: "ml.inference", parent: "root", service: "model", from: 10, to: 90, attrs: inference(0, 40)},
			{name: "model.load", parent: "root", service: "model", from: 10, to: 40, attrs: cold},
		}, "gpu_compute 10, cold_start 30, other 60"},
		{"an inference with a signal within a stage that is no cause", []s{
			{name: "root", to: 100},
			{name: "ml.post_processing", parent: "root", service: "post", from: 10, to: 90, attrs: stage("post_processing")},
			{name: "again", parent: "root", service: "post", from: 20, to: 80, attrs: queueBound(40, 20)},
		}, "gpu_queue 40, gpu_compute 20, other 40"},
		{"of two causes the one that ended last was waited for", []s{
			{name: "root", to: 100},
			{name: "features", parent: "root", from: 0, to: 80, attrs: features(80)},
			{name: "inference", parent: "root", from: 0, to: 60, attrs: queueBound(40, 20)},
		}, "feature_store 80, other 20"},
		{"and what is below it does what it does", []s{
			{name: "root", to: 100},
			{name: "features", parent: "root", from: 0, to: 80, attrs: features(80)},
			{name: "SELECT", parent: "features", from: 2, to: 78, kind: client},
			{name: "inference", parent: "root", from: 5, to: 60, attrs: queueBound(40, 15)},
		}, "feature_store 80, other 20"},
		{"a function that waits for nothing of ML, beside a shorter inference", []s{
			{name: "root", to: 100},
			{name: "rules", parent: "root", from: 0, to: 100},
			{name: "llm", parent: "root", from: 10, to: 60, attrs: inference(30, 20)},
		}, "gpu_queue 30, gpu_compute 20, other 50"},
		{"a longer call to another service was waited for", []s{
			{name: "root", to: 100},
			{name: "authorize", parent: "root", service: "auth", from: 0, to: 100, kind: server},
			{name: "llm", parent: "root", service: "model", from: 10, to: 60, attrs: queueBound(30, 20)},
		}, "other 100"},
		{"two calls of one service at the same time", []s{
			{name: "root", to: 100},
			{name: "call 1", parent: "root", from: 5, to: 95, kind: client},
			{name: "POST 1", parent: "call 1", service: "model", from: 10, to: 90, kind: server},
			{name: "infer 1", parent: "call 1", service: "model", from: 15, to: 85, attrs: queueBound(50, 20)},
			{name: "call 2", parent: "root", from: 20, to: 96, kind: client},
			{name: "POST 2", parent: "call 2", service: "model", from: 25, to: 92, kind: server},
			{name: "infer 2", parent: "call 2", service: "model", from: 30, to: 90, attrs: queueBound(10, 50)},
		}, "gpu_queue 15, gpu_compute 50, other 35"},
		{"a task that goes on behind the request's back", []s{
			{name: "root", to: 100},
			{name: "refresh", parent: "root", from: 5, to: 500},
			{name: "llm", parent: "root", from: 10, to: 60, attrs: queueBound(30, 20)},
		}, "gpu_queue 30, gpu_compute 20, other 50"},
		{"an answer that streams on after the call has returned", []s{
			{name: "root", to: 100},
			{name: "call", parent: "root", from: 5, to: 20, kind: client},
			{name: "POST", parent: "call", service: "model", from: 6, to: 96, kind: server},
			{name: "llm", parent: "call", service: "model", from: 10, to: 90, attrs: queueBound(60, 20)},
		}, "gpu_queue 60, gpu_compute 20, other 20"},
		{"a server with a task in the background", []s{
			{name: "root", to: 100},
			{name: "call", parent: "root", from: 5, to: 60, kind: client},
			{name: "POST", parent: "call", service: "model", from: 6, to: 600, kind: server},
			{name: "llm", parent: "call", service: "model", from: 10, to: 58, attrs: queueBound(28, 20)},
		}, "gpu_queue 28, gpu_compute 20, other 52"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := diagnosed(t, traces(t, traceA, test.spans...))
			assert.Equal(t, test.want, finding(t, find(t, out, "root")))
		})
	}
}

// TestAnyParent: in a service whose other spans say nothing, a span that
// carries a signal has its whole time, whichever of them is its parent. The
// others ran around it, within it, before it or after it.
func TestAnyParent(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for range 3000 {
		from := random.Float64() * 900
		to := from + 20 + random.Float64()*(980-from)
		span := s{name: "infer", from: from, to: to, attrs: queueBound(to-from, 0)}
		spans := []s{{name: "root", to: 1000}}
		for i := range 1 + random.IntN(8) {
			other := s{name: fmt.Sprint("silent ", i), kind: ptrace.SpanKind(1 + random.IntN(3))}
			switch random.IntN(4) {
			case 0:
				other.from, other.to = random.Float64()*from, to+random.Float64()*(1000-to)
			case 1:
				other.from = from + random.Float64()*(to-from)
				other.to = other.from + random.Float64()*(to-other.from)
			case 2:
				other.from = random.Float64() * from
				other.to = other.from + random.Float64()*(from-other.from)
			case 3:
				other.from = to + random.Float64()*(1000-to)
				other.to = other.from + random.Float64()*(1000-other.from)
			}
			parent := spans[random.IntN(len(spans))]
			for parent.from > other.from { // nothing starts before what started it
				parent = spans[random.IntN(len(spans))]
			}
			other.parent = parent.name
			spans = append(spans, other)
		}
		for _, parent := range spans {
			if parent.from > from {
				continue
			}
			// A task that outlasts what started it has the time that nothing else has, see TestWhatIsWaitedFor.
			outlasts := false
			for above, end := parent, to; above.name != "root"; {
				outlasts = outlasts || above.to < end
				above, end = spans[slices.IndexFunc(spans, func(s s) bool { return s.name == above.parent })], above.to
			}
			if outlasts {
				continue
			}
			span.parent = parent.name
			all := append(append([]s{}, spans...), span)
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			root := find(t, diagnosed(t, traces(t, traceA, all...)), "root")
			require.InDelta(t, (to-from)/1000, root.Attributes().AsRaw()["ml.diagnosis.shares.gpu_queue"], 1e-6, "%s\n%+v", finding(t, root), all)
		}
	}
}
