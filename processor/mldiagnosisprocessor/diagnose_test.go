package mldiagnosisprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestCauses: what the time of a request was spent on, each moment once.
func TestCauses(t *testing.T) {
	coldLoad := map[string]any{"ml.signal.cold_start": true, "ml.cold_start.component": "tokenizer", "ml.cold_start.duration_ms": 30.0}
	revalidated := map[string]any{"ml.stage": "post_processing", "ml.signal.revalidated": true, "ml.post_processing.validation_attempts": 2}
	for _, test := range []struct {
		name  string
		spans []s
		want  string
		path  string
	}{
		{"nothing but a root", []s{{name: "root", to: 100}}, "other 100", "root"},
		{"prefill and decode of a generation", []s{{name: "root", to: 100, attrs: phases(20, 75, 30, 40)}}, "gpu_queue 20, gpu_compute 5, gpu_prefill 30, gpu_decode 40, other 5", "root"},
		{"more phases than compute", []s{{name: "root", to: 100, attrs: phases(20, 50, 30, 400)}}, "gpu_queue 20, gpu_prefill 30, gpu_decode 20, other 30", "root"},
		{"decode alone", []s{{name: "root", to: 100, attrs: map[string]any{"ml.stage": "inference", "ml.inference.forward_pass_ms": 60.0, "ml.inference.decode_ms": 60.0}}}, "gpu_decode 60, other 40", "root"},
		{"a root that is all", []s{{name: "root", to: 100, attrs: inference(60, 30)}}, "gpu_queue 60, gpu_compute 30, other 10", "root"},
		{"concurrent children: the last to end is waited for", []s{
			{name: "root", to: 100},
			{name: "features", parent: "root", from: 0, to: 80, attrs: stage("feature_extraction")},
			{name: "inference", parent: "root", from: 0, to: 60, attrs: inference(30, 30)},
		}, "feature_store 80, other 20", "root features"},
		{"the first part of what was overtaken counts", []s{
			{name: "root", to: 100},
			{name: "features", parent: "root", from: 0, to: 50, attrs: stage("feature_extraction")},
			{name: "inference", parent: "root", from: 40, to: 100, attrs: inference(30, 30)},
		}, "gpu_queue 30, gpu_compute 30, feature_store 40", "root features inference"},
		{"spans that say nothing do what the span above does", []s{
			{name: "root", to: 100},
			{name: "features", parent: "root", from: 0, to: 50, attrs: stage("feature_extraction")},
			{name: "GET", parent: "features", service: "store", from: 10, to: 40},
			{name: "inference", parent: "root", from: 50, to: 100, attrs: inference(20, 30)},
			{name: "forward", parent: "inference", service: "model", from: 60, to: 100},
		}, "gpu_queue 20, gpu_compute 30, feature_store 50", "root features GET inference forward"},
		{"a stage below an inference is itself", []s{
			{name: "inference", to: 100, attrs: inference(60, 40)},
			{name: "features", parent: "inference", from: 10, to: 20, attrs: stage("feature_extraction")},
		}, "gpu_queue 50, gpu_compute 40, feature_store 10", "inference features"},
		{"a wait that lies ahead of its span", []s{
			{name: "InferRequest", to: 100, attrs: stage("request")},
			{name: "resnet", parent: "InferRequest", from: 5, to: 95, attrs: stage("inference")},
			{name: "compute", parent: "resnet", from: 60, to: 90, attrs: inference(50, 30)},
		}, "gpu_queue 50, gpu_compute 30, other 20", "InferRequest resnet compute"},
		{"a wait that cannot be true takes only what nothing else has", []s{
			{name: "root", to: 100},
			{name: "features", parent: "root", from: 0, to: 50, attrs: stage("feature_extraction")},
			{name: "inference", parent: "root", from: 60, to: 100, attrs: inference(1e9, 40)},
		}, "gpu_queue 10, gpu_compute 40, feature_store 50", "root features inference"},
		{"the wait on the model, the compute below it", []s{
			{name: "model", to: 100, attrs: map[string]any{"ml.stage": "inference", "ml.inference.queue_wait_ms": 60.0}},
			{name: "compute", parent: "model", from: 60, to: 95, attrs: map[string]any{"ml.inference.forward_pass_ms": 35.0}},
		}, "gpu_queue 60, gpu_compute 35, other 5", "model compute"},
		{"reported by the server and by its caller", []s{
			{name: "client", to: 150, attrs: inference(60, 40)},
			{name: "server", parent: "client", service: "model", from: 25, to: 125, attrs: inference(60, 40)},
		}, "gpu_queue 60, gpu_compute 40, other 50", "client server"},
		{"a caller's time on the way is not compute", []s{
			{name: "chat", to: 150, attrs: stage("inference")},
			{name: "llm_request", parent: "chat", service: "vllm", from: 50, to: 150, attrs: inference(60, 40)},
		}, "gpu_queue 60, gpu_compute 40, other 50", "chat llm_request"},
		{"an inference without details", []s{
			{name: "root", to: 100},
			{name: "chat", parent: "root", from: 10, to: 90, attrs: stage("inference")},
		}, "gpu_compute 80, other 20, undivided", "root chat"},
		{"a handler that looks features up and does more", []s{
			{name: "POST", to: 100, kind: ptrace.SpanKindServer, attrs: map[string]any{"ml.features.db_lookup_ms": 50.0, "ml.features.cache_lookup_ms": 5.0}},
			{name: "SELECT", parent: "POST", from: 10, to: 60, kind: ptrace.SpanKindClient},
			{name: "render", parent: "POST", from: 70, to: 90},
		}, "feature_store 55, other 45", "POST SELECT render"},
		{"a lookup that was most of a handler, with an inference below", []s{
			{name: "POST", to: 100, kind: ptrace.SpanKindServer, attrs: map[string]any{"ml.features.db_lookup_ms": 60.0, "ml.signal.feature_cascade": true}},
			{name: "infer", parent: "POST", from: 65, to: 95, attrs: inference(10, 20)},
		}, "gpu_queue 10, gpu_compute 20, feature_store 60, other 10", "POST infer"},
		{"a request that says everything by itself", []s{
			{name: "root", to: 100, attrs: map[string]any{
				"ml.stage": "request", "ml.inference.queue_wait_ms": 30.0, "ml.inference.forward_pass_ms": 20.0, "ml.features.db_lookup_ms": 40.0}},
		}, "gpu_queue 30, gpu_compute 20, feature_store 40, other 10", "root"},
		{"more than there is", []s{
			{name: "root", to: 100, attrs: map[string]any{"ml.stage": "request", "ml.inference.queue_wait_ms": 300.0, "ml.inference.forward_pass_ms": 20.0}},
		}, "gpu_queue 100", "root"},
		{"a request that says again what is said below", []s{
			{name: "root", to: 100, attrs: map[string]any{
				"ml.stage": "request", "ml.inference.queue_wait_ms": 30.0, "ml.inference.forward_pass_ms": 20.0, "ml.features.db_lookup_ms": 20.0}},
			{name: "features", parent: "root", from: 0, to: 20, attrs: stage("feature_extraction")},
			{name: "infer", parent: "root", from: 30, to: 80, attrs: inference(30, 20)},
		}, "gpu_queue 30, gpu_compute 20, feature_store 20, other 30", "root features infer"},
		{"an inference with its compute only", []s{
			{name: "infer", to: 100, attrs: map[string]any{"ml.inference.forward_pass_ms": 30.0}},
		}, "gpu_compute 30, other 70", "infer"},
		{"repaired, with an event", []s{
			{name: "root", to: 100},
			{name: "post", parent: "root", from: 20, to: 100, attrs: revalidated, failed: []float64{70, 40, 90}},
		}, "revalidation 60, other 40", "root post"},
		{"repaired, without an event", []s{
			{name: "root", to: 100},
			{name: "post", parent: "root", from: 20, to: 100, attrs: revalidated},
		}, "revalidation 40, other 60", "root post"},
		{"the model is called again for a repair", []s{
			{name: "root", to: 100},
			{name: "post", parent: "root", from: 20, to: 100, attrs: revalidated, failed: []float64{30}},
			{name: "again", parent: "post", from: 40, to: 100, attrs: inference(30, 30)},
		}, "revalidation 70, other 30", "root post again"},
		{"a load, and what it does", []s{
			{name: "root", to: 100},
			{name: "init", parent: "root", from: 20, to: 50, attrs: coldLoad},
			{name: "GET", parent: "init", from: 25, to: 40, attrs: stage("inference")},
		}, "cold_start 30, other 70", "root init GET"},
		{"a load within a longer span", []s{
			{name: "invoke", to: 100, attrs: coldLoad},
		}, "cold_start 30, other 70", "invoke"},
		{"a load while the request waits for the GPU", []s{
			{name: "inference", to: 100, attrs: inference(80, 20)},
			{name: "load", parent: "inference", from: 10, to: 40, attrs: coldLoad},
		}, "gpu_queue 50, gpu_compute 20, cold_start 30", "inference load"},
		{"a training run", []s{
			{name: "run", to: 100, attrs: stage("training")},
			{name: "task", parent: "run", from: 10, to: 90, attrs: map[string]any{"ml.stage": "training", "ml.task.queue_wait_ms": 50.0}},
		}, "other 100", "run task"},
		{"values that cannot be true", []s{
			{name: "root", to: 100, attrs: map[string]any{"ml.stage": "inference", "ml.inference.queue_wait_ms": -5.0, "ml.inference.forward_pass_ms": "slow"}},
		}, "gpu_compute 100, undivided", "root"},
		{"values of another type", []s{
			{name: "root", to: 100, attrs: map[string]any{"ml.inference.queue_wait_ms": 60, "ml.inference.forward_pass_ms": "40"}},
		}, "gpu_queue 60, gpu_compute 40", "root"},
	} {
		t.Run(test.name, func(t *testing.T) {
			td := diagnosed(t, traces(t, traceA, test.spans...))
			root := find(t, td, test.spans[0].name)
			assert.Equal(t, test.want, finding(t, root))
			assert.Equal(t, test.path, pathOf(root))
			assert.Equal(t, []string{test.spans[0].name}, flaggedSpans(td), "only the root is touched")
		})
	}
}

// TestWhatIsWaitedFor: spans that end after the span that started them, and threads that wait for one another.
func TestWhatIsWaitedFor(t *testing.T) {
	for _, test := range []struct {
		name  string
		spans []s
		want  string
	}{
		{"an answer that streams on after its handler has returned", []s{
			{name: "POST", to: 100},
			{name: "handler", parent: "POST", from: 0, to: 10},
			{name: "llm", parent: "handler", from: 5, to: 95, attrs: inference(30, 60)},
		}, "gpu_queue 30, gpu_compute 60, other 10"},
		{"of two tasks that outlast their handler the one that says something", []s{
			{name: "POST", to: 100},
			{name: "handler", parent: "POST", from: 0, to: 10},
			{name: "log", parent: "handler", from: 5, to: 98},
			{name: "llm", parent: "handler", from: 6, to: 95, attrs: inference(30, 59)},
		}, "gpu_queue 30, gpu_compute 59, other 11"},
		{"a task that nobody waits for", []s{
			{name: "POST", to: 100},
			{name: "warm the cache", parent: "POST", from: 5, to: 500, attrs: stage("feature_extraction")},
			{name: "llm", parent: "POST", from: 10, to: 99, attrs: inference(30, 59)},
		}, "gpu_queue 30, gpu_compute 59, other 11"},
		{"a task below another that outlasts the request", []s{
			{name: "POST", to: 100},
			{name: "handler", parent: "POST", from: 0, to: 10},
			{name: "log", parent: "handler", from: 5, to: 500, attrs: stage("feature_extraction")},
			{name: "llm", parent: "POST", from: 10, to: 100, attrs: inference(30, 60)},
		}, "gpu_queue 30, gpu_compute 60, other 10"},
		{"a call that the caller gave up on", []s{
			{name: "POST", to: 100},
			{name: "llm", parent: "POST", service: "model", from: 10, to: 400, attrs: inference(350, 40)},
		}, "gpu_queue 90, other 10"},
		{"a call that a span gave up on, and another one instead", []s{
			{name: "POST", to: 100},
			{name: "call", parent: "POST", from: 10, to: 40, status: ptrace.StatusCodeError},
			{name: "llm", parent: "call", service: "model", from: 10, to: 99, attrs: inference(80, 9)},
			{name: "features", parent: "POST", from: 40, to: 60, attrs: stage("feature_extraction")},
		}, "gpu_queue 30, feature_store 20, other 50"},
		{"a job that is put into a queue", []s{
			{name: "POST", to: 100},
			{name: "enqueue", parent: "POST", from: 10, to: 11},
			{name: "llm", parent: "enqueue", service: "model", from: 11, to: 90, attrs: inference(50, 25)},
		}, "gpu_queue 50, gpu_compute 25, other 25"},
		{"a job that outlasts the function that put it into a queue, too", []s{
			{name: "POST", to: 100},
			{name: "handler", parent: "POST", from: 0, to: 50},
			{name: "enqueue", parent: "handler", from: 10, to: 11},
			{name: "llm", parent: "enqueue", service: "model", from: 11, to: 90, attrs: inference(50, 25)},
		}, "gpu_queue 50, gpu_compute 25, other 25"},
		{"a job that is put into a queue in no time", []s{
			{name: "POST", to: 100},
			{name: "enqueue", parent: "POST", from: 10, to: 10},
			{name: "llm", parent: "enqueue", service: "model", from: 10, to: 90, attrs: inference(50, 25)},
		}, "gpu_queue 50, gpu_compute 25, other 25"},
		{"a worker behind a message queue", []s{
			{name: "POST", to: 100},
			{name: "send", parent: "POST", from: 1, to: 3, kind: ptrace.SpanKindProducer},
			{name: "work", parent: "send", service: "worker", from: 5, to: 95, kind: ptrace.SpanKindConsumer, attrs: inference(40, 50)},
		}, "gpu_queue 40, gpu_compute 50, other 10"},
		{"a thread that waits for its sibling", []s{
			{name: "Req", to: 100, attrs: stage("inference")},
			{name: "Tokenizer", parent: "Req", from: 0, to: 100},
			{name: "tokenize", parent: "Tokenizer", from: 0, to: 5, attrs: stage("tokenization")},
			{name: "Scheduler", parent: "Req", from: 6, to: 98},
			{name: "waiting", parent: "Scheduler", from: 6, to: 66, attrs: map[string]any{"ml.inference.queue_wait_ms": 60.0}},
			{name: "forward", parent: "Scheduler", from: 66, to: 96, attrs: map[string]any{"ml.inference.forward_pass_ms": 30.0}},
		}, "gpu_queue 60, gpu_compute 30, other 10"},
	} {
		t.Run(test.name, func(t *testing.T) {
			td := diagnosed(t, traces(t, traceA, test.spans...))
			assert.Equal(t, test.want, finding(t, find(t, td, test.spans[0].name)))
		})
	}
}
