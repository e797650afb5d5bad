package shop

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel/propagation"
)

// Config says where a shop sends its spans, and what its resources say.
type Config struct {
	// Endpoint is the collector's OTLP gRPC address, host:port.
	Endpoint string
	// Pipeline is the resources' ml.pipeline.name, "recommendation" where empty.
	Pipeline string
	// Environment is the resources' deployment.environment, "production" where empty.
	Environment string
	// Prefix starts every service.name, "ml." where empty, as in the article.
	Prefix string
}

// TokenizerReplicas is how many tokenizers a shop runs. Each loads its vocabulary by itself.
const TokenizerReplicas = 2

// Shop is the running services. It is for one goroutine.
type Shop struct {
	gateway, validator, extractor, store, assembler, inference, model, post *service
	tokenizers                                                              []*service

	services   []*service
	propagator propagation.TextMapPropagator
	// loaded says which tokenizers have loaded before.
	loaded map[string]bool
	lost   lost
}

// Open starts the services. No connection is made before the first export.
func Open(ctx context.Context, cfg Config) (*Shop, error) {
	orDefault(&cfg.Pipeline, "recommendation")
	orDefault(&cfg.Environment, "production")
	orDefault(&cfg.Prefix, "ml.")

	shop := &Shop{propagator: propagation.TraceContext{}, loaded: map[string]bool{}}
	var failed error
	start := func(name string, replica int) *service {
		s := &service{name: cfg.Prefix + name, instance: fmt.Sprintf("%s-%s-%d", cfg.Pipeline, name, replica)}
		s.provider, failed = setupTracing(ctx, cfg, s.name, s.instance, &shop.lost)
		if failed == nil {
			s.tracer = s.provider.Tracer(s.name)
			shop.services = append(shop.services, s)
		}
		return s
	}
	for _, to := range []struct {
		service **service
		name    string
	}{
		{&shop.gateway, "api_gateway"},
		{&shop.validator, "input_validator"},
		{&shop.extractor, "feature_extractor"},
		{&shop.store, "feature_store"},
		{&shop.assembler, "batch_assembler"},
		{&shop.inference, "inference"},
		{&shop.model, "model_server"},
		{&shop.post, "post_processor"},
	} {
		if *to.service = start(to.name, 0); failed != nil {
			return nil, errors.Join(failed, shop.Close(ctx))
		}
	}
	for replica := range TokenizerReplicas {
		shop.tokenizers = append(shop.tokenizers, start("tokenizer", replica))
		if failed != nil {
			return nil, errors.Join(failed, shop.Close(ctx))
		}
	}
	return shop, nil
}

// Services names the running services, one entry for each replica.
func (s *Shop) Services() []string {
	names := make([]string, len(s.services))
	for i, service := range s.services {
		names[i] = service.name
	}
	return names
}

// Flush exports what the services' batch span processors hold. With names it flushes only the services so named.
// It fails where the collector did not take every span so far.
func (s *Shop) Flush(ctx context.Context, names ...string) error {
	var failed error
	for _, service := range s.services {
		if len(names) == 0 || slices.Contains(names, service.name) {
			if err := service.provider.ForceFlush(ctx); err != nil {
				failed = errors.Join(failed, fmt.Errorf("flush %s: %w", service.name, err))
			}
		}
	}
	return errors.Join(failed, s.lost.err())
}

// Close exports what is left and stops the services. It fails where the collector did not take every span.
func (s *Shop) Close(ctx context.Context) error {
	var failed error
	for _, service := range s.services {
		if err := service.provider.Shutdown(ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("stop %s: %w", service.name, err))
		}
	}
	return errors.Join(failed, s.lost.err())
}

func orDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
