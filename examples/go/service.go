package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const maxAttempts = 3

// tracer is of the provider that setupTracing sets.
var tracer = otel.Tracer("ml.ranker")

type service struct {
	cache *featureCache
	db    *featureDB
	// gpu has room for the one request that computes; the others queue for it.
	gpu chan struct{}

	mu    sync.Mutex
	model *network // nil while it is evicted
	loads int
}

type request struct {
	ClientID string `json:"client_id"`
	Limit    int    `json:"limit"`
}

// did is what the service did for a request, to compare with the metrics.
type did struct {
	Failed, Fallback, Waited, Load, Reload bool
	Unavailable, Attempts                  int
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := tracer.Start(ctx, "ml.pipeline.request", trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	var in request
	var d did
	err := json.NewDecoder(r.Body).Decode(&in)
	if err == nil {
		span.SetAttributes(attribute.String("ml.model.name", "ranker"), attribute.String("ml.client.id", in.ClientID))
		err = s.rank(ctx, in, &d)
	}
	span.SetAttributes(attribute.Bool("ml.pipeline.success", err == nil))
	if err != nil {
		d.Failed = true
		span.SetStatus(codes.Error, err.Error())
		w.WriteHeader(http.StatusBadGateway)
	}
	_ = json.NewEncoder(w).Encode(d) // the client has gone if it fails
}

func (s *service) rank(ctx context.Context, in request, d *did) error {
	features, err := s.extractFeatures(ctx, in.ClientID, d)
	if err != nil {
		return err
	}
	return postProcess(ctx, s.infer(ctx, features, in.Limit, d), d)
}

func (s *service) extractFeatures(ctx context.Context, client string, d *did) (map[string]float64, error) {
	_, span := tracer.Start(ctx, "ml.feature_extraction")
	defer span.End()
	ids := make([]string, len(featureNames))
	for i, name := range featureNames {
		ids[i] = client + ":" + name
	}
	start := time.Now()
	features, missing := s.cache.get(ids)
	span.SetAttributes(
		attribute.Int("ml.features.requested_count", len(ids)),
		attribute.Int("ml.features.cache_hits", len(features)),
		attribute.Int("ml.features.cache_misses", len(missing)),
		attribute.Float64("ml.features.cache_lookup_ms", ms(time.Since(start))))
	if len(missing) > 0 {
		start = time.Now()
		found, err := s.db.get(missing)
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
			return nil, err
		}
		span.SetAttributes(attribute.Float64("ml.features.db_lookup_ms", ms(time.Since(start))))
		s.cache.put(found)
		for id, value := range found {
			features[id] = value
		}
		d.Fallback, d.Unavailable = true, len(missing)-len(found)
		span.SetAttributes(attribute.Int("ml.features.unavailable_count", d.Unavailable))
	}
	span.SetAttributes(attribute.Int("ml.features.retrieved_count", len(features)))
	return features, nil
}

func (s *service) infer(ctx context.Context, features map[string]float64, limit int, d *did) string {
	ctx, span := tracer.Start(ctx, "ml.inference")
	defer span.End()
	span.SetAttributes(attribute.String("ml.model.name", "ranker"), attribute.String("ml.model.version", modelVersion),
		attribute.String("ml.device.type", "cpu"), attribute.String("ml.device.id", "0"))

	// The wait and the compute, measured apart.
	queued := time.Now()
	s.gpu <- struct{}{}
	defer func() { <-s.gpu }()
	wait := ms(time.Since(queued))
	model := s.loadedModel(ctx, d)
	start := time.Now()
	scores := model.forward(features)
	forward := ms(time.Since(start))
	span.SetAttributes(attribute.Float64("ml.inference.queue_wait_ms", wait), attribute.Float64("ml.inference.forward_pass_ms", forward))
	d.Waited = wait > forward
	return decode(scores, limit)
}

// loadedModel loads the model where it is not in memory.
func (s *service) loadedModel(ctx context.Context, d *did) *network {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.model == nil {
		_, span := tracer.Start(ctx, "model_load")
		s.model = newNetwork()
		span.End()
		s.loads++
		d.Load, d.Reload = s.loads == 1, s.loads > 1
	}
	return s.model
}

// evict drops the model, as a server does that needs the memory for another one.
func (s *service) evict() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.model = nil
}

func postProcess(ctx context.Context, text string, d *did) error {
	_, span := tracer.Start(ctx, "ml.post_processing")
	defer span.End()
	var reason, field string
	for d.Attempts = 1; ; d.Attempts++ {
		if _, reason, field = parse(text); reason == "" {
			break
		}
		span.AddEvent("ml.output.validation_failed", trace.WithAttributes(
			attribute.Int("attempt", d.Attempts), attribute.String("reason", reason), attribute.String("field", field)))
		if d.Attempts == maxAttempts {
			break
		}
		text = repair(text)
	}
	span.SetAttributes(attribute.Int("ml.post_processing.validation_attempts", d.Attempts), attribute.Bool("ml.output.valid", reason == ""))
	if reason != "" {
		err := errors.New("the output is not valid after three attempts: " + reason + " " + field)
		span.SetStatus(codes.Error, err.Error())
		return err
	}
	if d.Attempts > 1 {
		span.SetAttributes(attribute.Bool("ml.output.required_repair", true))
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
