// Program graph takes the place of main.go in ./build. It builds the pipelines of
// configurations with the collector's own code and the distribution's factories,
// sends a batch into each receiver, and prints each component that gets a copy of
// it instead of the batch itself: the collector copies for a consumer behind a
// fan-out that declares that it mutates data.
//
// Each component is created, asked what it declares, and replaced by one that
// declares the same and hands the batch on.
package main

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/receiver"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(configs []string) error {
	w := &watch{}
	collector, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo: component.NewDefaultBuildInfo(),
		Factories: w.factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs:              configs,
			ProviderFactories: []confmap.ProviderFactory{envprovider.NewFactory(), fileprovider.NewFactory(), yamlprovider.NewFactory()},
		}},
	})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := collector.DryRun(ctx); err != nil {
		return err
	}
	for _, receiver := range w.receivers {
		w.sent = ptrace.NewTraces()
		w.sent.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		if err := receiver.ConsumeTraces(ctx, w.sent); err != nil {
			return err
		}
	}
	fmt.Printf("%d components got a batch\n", w.got)
	return nil
}

// watch sees which components get a copy.
type watch struct {
	receivers []consumer.Traces // what each receiver sends to
	sent      ptrace.Traces
	got       int
}

func (w *watch) factories() (otelcol.Factories, error) {
	f, err := components()
	for name, factory := range f.Receivers {
		f.Receivers[name] = receivers{factory, w}
	}
	for name, factory := range f.Processors {
		f.Processors[name] = processors{factory, w}
	}
	for name, factory := range f.Exporters {
		f.Exporters[name] = exporters{factory, w}
	}
	for name, factory := range f.Connectors {
		f.Connectors[name] = connectors{factory, w}
	}
	return f, err
}

// watched hands batches on in the place of a component. What that makes new, such as
// whole traces, is copied behind it in the same way.
type watched struct {
	component.StartFunc
	component.ShutdownFunc
	id       component.ID
	declared consumer.Capabilities
	next     consumer.Traces // nil at the end
	watch    *watch
}

func (w *watched) Capabilities() consumer.Capabilities { return w.declared }

func (w *watched) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	w.watch.got++
	if td != w.watch.sent {
		fmt.Printf("copied for %s\n", w.id)
		// Behind it only further copies are news.
		original := w.watch.sent
		w.watch.sent = td
		defer func() { w.watch.sent = original }()
	}
	if w.next == nil {
		return nil
	}
	return w.next.ConsumeTraces(ctx, td)
}

func (w *watch) instead(id component.ID, c consumer.Traces, err error, next consumer.Traces) (*watched, error) {
	if err != nil {
		return nil, err
	}
	return &watched{id: id, declared: c.Capabilities(), next: next, watch: w}, nil
}

type receivers struct {
	receiver.Factory
	watch *watch
}

func (f receivers) CreateTraces(ctx context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
	f.watch.receivers = append(f.watch.receivers, next)
	return f.Factory.CreateTraces(ctx, set, cfg, next)
}

type processors struct {
	processor.Factory
	watch *watch
}

func (f processors) CreateTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	p, err := f.Factory.CreateTraces(ctx, set, cfg, next)
	return f.watch.instead(set.ID, p, err, next)
}

type exporters struct {
	exporter.Factory
	watch *watch
}

func (f exporters) CreateTraces(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Traces, error) {
	e, err := f.Factory.CreateTraces(ctx, set, cfg)
	return f.watch.instead(set.ID, e, err, nil)
}

type connectors struct {
	connector.Factory
	watch *watch
}

func (f connectors) CreateTracesToTraces(ctx context.Context, set connector.Settings, cfg component.Config, next consumer.Traces) (connector.Traces, error) {
	c, err := f.Factory.CreateTracesToTraces(ctx, set, cfg, next)
	return f.watch.instead(set.ID, c, err, next)
}

func (f connectors) CreateTracesToMetrics(ctx context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Traces, error) {
	c, err := f.Factory.CreateTracesToMetrics(ctx, set, cfg, next)
	return f.watch.instead(set.ID, c, err, nil)
}
