package configcheck

import (
	"context"
	"strings"

	tailsampling "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	core "go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
)

// loadPolicy has tail_sampling load a policy, which it otherwise does only at the start: a condition of OTTL and a regular
// expression are parsed there.
func loadPolicy(c config, r *Result, path string, policy map[string]any) {
	factory := tailsampling.NewFactory()
	cfg := factory.CreateDefaultConfig()
	conf := confmap.NewFromStringMap(map[string]any{"policies": []any{policy}})
	if conf.Unmarshal(cfg, confmap.WithIgnoreUnused()) != nil {
		return // the component says so
	}
	ctx := context.Background()
	next, err := consumer.NewTraces(func(context.Context, ptrace.Traces) error { return nil })
	if err != nil {
		return
	}
	set := processor.Settings{ID: core.NewID(factory.Type()), TelemetrySettings: core.TelemetrySettings{
		Logger: zap.NewNop(), MeterProvider: metricnoop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider(),
	}}
	sampler, err := factory.CreateTraces(ctx, set, cfg, next)
	if err != nil {
		return // on `validate` too
	}
	if err := sampler.Start(ctx, host(c.extensions)); err != nil {
		_, reason, _ := strings.Cut(err.Error(), "failed to create policy evaluator for ")
		if _, after, found := strings.Cut(reason, ": "); found {
			reason = after
		}
		r.fail("%s: found a policy that tail_sampling cannot load, must be one that it can: %s; correct it", path, reason)
		return
	}
	_ = sampler.Shutdown(ctx)
}

// host has the extensions of the configuration, of which each makes policies.
type host []string

func (h host) GetExtensions() map[core.ID]core.Component {
	extensions := map[core.ID]core.Component{}
	for _, text := range h {
		var id core.ID
		if id.UnmarshalText([]byte(text)) == nil {
			extensions[id] = policies{}
		}
	}
	return extensions
}

// policies stands for an extension that makes policies.
type policies struct {
	core.StartFunc
	core.ShutdownFunc
}

func (policies) NewEvaluator(string, map[string]any) (samplingpolicy.Evaluator, error) {
	return never{}, nil
}

// never is a policy that keeps nothing.
type never struct{}

func (never) Evaluate(context.Context, pcommon.TraceID, *samplingpolicy.TraceData) (samplingpolicy.Decision, error) {
	return samplingpolicy.NotSampled, nil
}

func (never) IsStateful() bool { return false }
