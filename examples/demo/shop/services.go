package shop

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// highQueueWaitEvent is the wait from which the article's inference service records an event.
const highQueueWaitEvent = 200 * time.Millisecond

// gateway is the article's section 5.2: the trace starts here.
func (p *play) gateway() {
	r, v := &p.sent.Request, &p.values
	ctx, span := p.receive(p.shop.gateway, "ml.pipeline.request", r.Start, http.Header{})
	p.sent.TraceID = span.SpanContext().TraceID()
	span.set(
		attribute.String("ml.request.id", r.ID),
		attribute.String("ml.model.name", r.Model),
		attribute.String("ml.input.type", r.InputType),
		v.int("ml.input.size_bytes", r.InputBytes),
		attribute.String("ml.client.id", r.Client),
	)

	now := p.validate(r.Start, p.call(ctx))
	now = p.extract(now, p.call(ctx))
	now = p.assemble(now, p.call(ctx))
	now, err := p.infer(now, p.call(ctx))
	if err == nil {
		now, err = p.postProcess(now, p.call(ctx))
	}
	if err != nil {
		span.fail(err.Error())
		span.RecordError(err, trace.WithTimestamp(now))
		span.set(v.bool("ml.pipeline.success", false))
	} else {
		span.set(
			v.int("ml.output.tokens", r.OutputTokens),
			v.bool("ml.pipeline.success", true),
			v.double("ml.pipeline.latency_ms", Milliseconds(now.Sub(r.Start))),
		)
	}
	span.end(now)
}

func (p *play) validate(at time.Time, headers http.Header) time.Time {
	_, span := p.receive(p.shop.validator, "ml.input_validation", at, headers)
	return span.end(at.Add(p.sent.Validation))
}

// extract is the article's section 5.3. The feature store's two lookups are spans of its own.
func (p *play) extract(at time.Time, headers http.Header) time.Time {
	f, v := p.sent.Features, &p.values
	ctx, span := p.receive(p.shop.extractor, "ml.feature_extraction", at, headers)
	span.set(v.int("ml.features.requested_count", f.Requested))

	_, cache := p.receive(p.shop.store, "cache_lookup", at, p.call(ctx))
	now := cache.end(at.Add(f.CacheLookup))
	span.set(
		v.int("ml.features.cache_hits", f.CacheHits),
		v.int("ml.features.cache_misses", f.CacheMisses()),
		v.double("ml.features.cache_hit_rate", hitRate(f)),
		v.double("ml.features.cache_lookup_ms", Milliseconds(f.CacheLookup)),
	)
	if f.CacheMisses() > 0 {
		_, db := p.receive(p.shop.store, "db_fallback", now, p.call(ctx))
		now = db.end(now.Add(f.DBLookup))
		span.set(v.double("ml.features.db_lookup_ms", Milliseconds(f.DBLookup)))
	}
	if f.Unavailable > 0 {
		span.event("ml.features.unavailable", now, attribute.Int("count", f.Unavailable),
			attribute.String("sample_ids", "[user_age, last_basket, region]"))
		span.set(v.int("ml.features.unavailable_count", f.Unavailable))
	}
	span.set(v.int("ml.features.retrieved_count", f.Requested-f.Unavailable))
	return span.end(now.Add(f.Rest))
}

// assemble has the tokenizer as a child, and on a cold start its load in place of its work.
func (p *play) assemble(at time.Time, headers http.Header) time.Time {
	a := p.sent.Assembly
	ctx, span := p.receive(p.shop.assembler, "ml.batch_assembly", at, headers)
	tokenizer := p.shop.tokenizers[a.Tokenizer]
	now := at
	if a.ColdStart > 0 {
		_, load := p.receive(tokenizer, "tokenizer_init", now, p.call(ctx))
		now = load.end(now.Add(a.ColdStart))
		p.sent.Reload = p.shop.loaded[tokenizer.instance]
		p.shop.loaded[tokenizer.instance] = true
	}
	if a.Tokenize > 0 {
		_, work := p.receive(tokenizer, "tokenize", now, p.call(ctx))
		now = work.end(now.Add(a.Tokenize))
	}
	return span.end(now.Add(a.Rest))
}

// infer is the article's section 5.4: the wait for the GPU measured apart from the compute.
func (p *play) infer(at time.Time, headers http.Header) (time.Time, error) {
	i, v := p.sent.Inference, &p.values
	ctx, span := p.receive(p.shop.inference, "ml.inference", at, headers)
	span.set(
		v.int("ml.batch.size", i.BatchSize),
		v.int("ml.batch.max_seq_len", i.MaxSeqLen),
		attribute.String("ml.model.name", p.sent.Model),
		attribute.String("ml.model.version", i.ModelVersion),
		attribute.String("ml.device.type", "cuda"),
		attribute.String("ml.device.id", i.DeviceID),
		v.double("ml.inference.queue_wait_ms", Milliseconds(i.QueueWait)),
	)
	now := at.Add(i.QueueWait)
	if i.QueueWait > highQueueWaitEvent {
		span.event("ml.inference.high_queue_wait", now,
			attribute.Float64("queue_wait_ms", Milliseconds(i.QueueWait)), attribute.Int("batch_size", i.BatchSize))
	}

	_, forward := p.receive(p.shop.model, "model_server.forward", now, p.call(ctx))
	now = now.Add(i.ForwardPass)
	span.set(
		v.double("ml.inference.forward_pass_ms", Milliseconds(i.ForwardPass)),
		v.double("ml.gpu.memory_allocated_mb", i.AllocatedMB),
		v.double("ml.gpu.memory_reserved_mb", i.ReservedMB),
	)
	var err error
	if i.Error != "" {
		err = errors.New(i.Error)
		forward.fail(i.Error)
		span.fail(i.Error)
	}
	forward.end(now)
	return span.end(now), err
}

// postProcess is the article's section 5.5: each failed validation is an event, their number an attribute.
func (p *play) postProcess(at time.Time, headers http.Header) (time.Time, error) {
	post, v := p.sent.Post, &p.values
	_, span := p.receive(p.shop.post, "ml.post_processing", at, headers)
	for i, failure := range post.Failures {
		when := at.Add(post.Duration * time.Duration(i+1) / time.Duration(len(post.Failures)+1))
		span.event("ml.output.validation_failed", when, attribute.Int("attempt", i+1),
			attribute.String("reason", failure.Reason), attribute.String("field", failure.Field))
	}
	span.set(
		v.int("ml.post_processing.validation_attempts", post.Attempts()),
		v.bool("ml.output.valid", post.Valid()),
	)
	var err error
	switch {
	case !post.Valid():
		err = fmt.Errorf("output validation failed after %d attempts", MaxAttempts)
		span.fail(err.Error())
	case len(post.Failures) > 0:
		span.set(v.bool("ml.output.required_repair", true))
	}
	return span.end(at.Add(post.Duration)), err
}

// hitRate is rounded to three decimals as in the article.
func hitRate(f Features) float64 {
	return float64(int(float64(f.CacheHits)/float64(f.Requested)*1000+0.5)) / 1000
}
