package traffic

import (
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// Service is one of the six services of the article's section 5.
type Service int

// The services.
const (
	Gateway Service = iota
	Validator
	Extractor
	Assembler
	Inference
	Post
	Services
)

var serviceNames = [Services]string{
	"ml.api_gateway", "ml.input_validator", "ml.feature_extractor", "ml.batch_assembler", "ml.inference", "ml.post_processor",
}

// The slots of a trace's spans.
const (
	root = iota
	validation
	extraction
	cacheLookup
	dbFallback
	assembly
	tokenize
	tokenizerInit
	inference
	forward
	post
)

var slots = [...]struct {
	name    string
	service Service
	parent  int
}{
	root:          {"ml.pipeline.request", Gateway, -1},
	validation:    {"ml.input_validation", Validator, root},
	extraction:    {"ml.feature_extraction", Extractor, root},
	cacheLookup:   {"cache_lookup", Extractor, extraction},
	dbFallback:    {"db_fallback", Extractor, extraction},
	assembly:      {"ml.batch_assembly", Assembler, root},
	tokenize:      {"tokenize", Assembler, assembly},
	tokenizerInit: {"tokenizer_init", Assembler, assembly},
	inference:     {"ml.inference", Inference, root},
	forward:       {"model_server.forward", Inference, inference},
	post:          {"ml.post_processing", Post, root},
}

var slotsOf = func() (of [Services]uint16) {
	for slot, s := range slots {
		of[s.service] |= 1 << slot
	}
	return of
}()

// batches are one batch of spans for each service.
type batches [Services]ptrace.SpanSlice

// newBatches returns empty batches and the messages that they are in.
func newBatches() (into batches, messages [Services]ptrace.Traces) {
	for service := range messages {
		messages[service] = ptrace.NewTraces()
		resource := messages[service].ResourceSpans().AppendEmpty()
		attributes := resource.Resource().Attributes()
		attributes.PutStr("service.name", serviceNames[service])
		attributes.PutStr("service.version", "1.4.2")
		attributes.PutStr("service.instance.id", serviceNames[service]+"-0")
		attributes.PutStr("deployment.environment", "production")
		attributes.PutStr("ml.pipeline.name", "recommendation")
		scope := resource.ScopeSpans().AppendEmpty()
		scope.Scope().SetName(serviceNames[service])
		into[service] = scope.Spans()
	}
	return into, messages
}

// request writes the spans of one request into its services' batches.
type request struct {
	shop.Request
	batches
	sent  *Sent
	id    pcommon.TraceID
	index uint32
}

// write appends the request's spans, with the attributes of the article's section 5.
func (r *request) write() {
	now := r.Start
	end := now.Add(r.Duration())
	s := r.span(root, now, end)
	s.str("ml.request.id", r.ID)
	s.str("ml.model.name", r.Model)
	s.str("ml.input.type", r.InputType)
	s.str("ml.client.id", r.Client)
	s.int("ml.input.size_bytes", r.InputBytes)
	s.Attributes().PutBool("ml.pipeline.success", !r.Failed())
	if r.Failed() {
		s.fail()
	} else {
		s.int("ml.output.tokens", r.OutputTokens)
		s.double("ml.pipeline.latency_ms", shop.Milliseconds(r.Duration()))
	}

	now = r.step(validation, now, r.Validation)
	now = r.extract(now)
	now = r.assemble(now)
	now = r.infer(now)
	if r.Inference.Error == "" {
		r.postProcess(now)
	}
}

func (r *request) extract(now time.Time) time.Time {
	f := r.Features
	s := r.span(extraction, now, now.Add(f.Duration()))
	s.int("ml.features.requested_count", f.Requested)
	s.int("ml.features.cache_hits", f.CacheHits)
	s.int("ml.features.cache_misses", f.CacheMisses())
	s.double("ml.features.cache_lookup_ms", shop.Milliseconds(f.CacheLookup))
	s.int("ml.features.retrieved_count", f.Requested-f.Unavailable)
	now = r.step(cacheLookup, now, f.CacheLookup)
	if f.CacheMisses() > 0 {
		now = r.step(dbFallback, now, f.DBLookup)
		s.double("ml.features.db_lookup_ms", shop.Milliseconds(f.DBLookup))
	}
	if f.Unavailable > 0 {
		s.int("ml.features.unavailable_count", f.Unavailable)
		s.event("ml.features.unavailable", now)
	}
	return now.Add(f.Rest)
}

func (r *request) assemble(now time.Time) time.Time {
	a := r.Assembly
	r.span(assembly, now, now.Add(a.Duration()))
	if a.ColdStart > 0 {
		now = r.step(tokenizerInit, now, a.ColdStart)
	}
	if a.Tokenize > 0 {
		now = r.step(tokenize, now, a.Tokenize)
	}
	return now.Add(a.Rest)
}

func (r *request) infer(now time.Time) time.Time {
	i := r.Inference
	s := r.span(inference, now, now.Add(i.Duration()))
	s.int("ml.batch.size", i.BatchSize)
	s.str("ml.model.name", r.Model)
	s.str("ml.model.version", i.ModelVersion)
	s.str("ml.device.id", i.DeviceID)
	s.double("ml.inference.queue_wait_ms", shop.Milliseconds(i.QueueWait))
	s.double("ml.inference.forward_pass_ms", shop.Milliseconds(i.ForwardPass))
	s.double("ml.gpu.memory_allocated_mb", i.AllocatedMB)
	now = now.Add(i.QueueWait)
	f := r.span(forward, now, now.Add(i.ForwardPass))
	if i.Error != "" {
		s.fail()
		f.fail()
	}
	return now.Add(i.ForwardPass)
}

func (r *request) postProcess(now time.Time) {
	s := r.span(post, now, now.Add(r.Post.Duration))
	for n := range r.Post.Failures {
		s.event("ml.output.validation_failed", now.Add(time.Duration(n)*time.Millisecond))
	}
	s.int("ml.post_processing.validation_attempts", r.Post.Attempts())
	s.Attributes().PutBool("ml.output.valid", r.Post.Valid())
	switch {
	case !r.Post.Valid():
		s.fail()
	case len(r.Post.Failures) > 0:
		s.Attributes().PutBool("ml.output.required_repair", true)
	}
}

// step is a span with nothing but its name. It returns the span's end.
func (r *request) step(slot int, now time.Time, takes time.Duration) time.Time {
	r.span(slot, now, now.Add(takes))
	return now.Add(takes)
}

func (r *request) span(slot int, start, end time.Time) span {
	of := slots[slot]
	s := span{r.batches[of.service].AppendEmpty(), r.sent.Types}
	s.SetTraceID(r.id)
	s.SetSpanID(spanID(r.index, slot))
	if of.parent >= 0 {
		s.SetParentSpanID(spanID(r.index, of.parent))
	}
	s.SetName(of.name)
	s.SetKind(ptrace.SpanKindServer)
	s.SetStartTimestamp(at(start))
	s.SetEndTimestamp(at(end))
	r.sent.Spans |= 1 << slot
	return s
}

// span writes attributes in the types of its trace.
type span struct {
	ptrace.Span
	types Types
}

func (s span) str(key, value string) { s.Attributes().PutStr(key, value) }

func (s span) int(key string, value int) {
	if s.types == Strings {
		s.Attributes().PutStr(key, strconv.Itoa(value))
		return
	}
	s.Attributes().PutInt(key, int64(value))
}

// double is an integer only where that says the same.
func (s span) double(key string, value float64) {
	switch {
	case s.types == Strings:
		s.Attributes().PutStr(key, strconv.FormatFloat(value, 'f', -1, 64))
	case s.types == Integers && value == float64(int64(value)):
		s.Attributes().PutInt(key, int64(value))
	default:
		s.Attributes().PutDouble(key, value)
	}
}

func (s span) fail() { s.Status().SetCode(ptrace.StatusCodeError) }

func (s span) event(name string, when time.Time) {
	e := s.Events().AppendEmpty()
	e.SetName(name)
	e.SetTimestamp(at(when))
}
