package report

import (
	"context"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/scrape"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// Findings are what was sent and what the collector made of it.
type Findings struct {
	// Sent starts with the article's request.
	Sent []shop.Sent
	Kept kept.Traces
	// Metrics are the last scrape of the metrics, Telemetry that of the collector's own, History all scrapes.
	Metrics, Telemetry scrape.Samples
	History            *scrape.History
	KeptFile           string
	Addresses          collector.Addresses
	// Running is whether the collector goes on running afterwards.
	Running bool
}

// Print writes the whole report.
func (f *Findings) Print(ctx context.Context, out *Printer) error {
	f.printFlamegraph(out)
	f.printBottlenecks(out)
	if err := f.printQueries(ctx, out); err != nil {
		return err
	}
	f.printSampling(out)
	f.printNext(out)
	return nil
}

func (f *Findings) printNext(out *Printer) {
	out.Heading("Where to look next")
	rows := [][]string{
		{"what", "where"},
		{"kept traces, OTLP JSON lines", f.KeptFile},
	}
	if f.Running {
		rows = append(rows,
			[]string{"the page: overview, waterfalls, what arrives", f.Addresses.ViewURL()},
			[]string{"metrics for Prometheus", f.Addresses.MetricsURL()},
			[]string{"the collector's own metrics", f.Addresses.TelemetryURL()},
			[]string{"for your services: OTLP over gRPC", f.Addresses.GRPC},
			[]string{"for your services: OTLP over HTTP", "http://" + f.Addresses.HTTP},
		)
	} else {
		usual := collector.DefaultAddresses()
		rows = append(rows,
			[]string{"see it in a browser, with traffic", "make demo ARGS=-keep"},
			[]string{"  the page", usual.ViewURL()},
			[]string{"run it for your own services", "make run"},
			[]string{"  they send OTLP to", usual.GRPC + " (gRPC) or http://" + usual.HTTP},
			[]string{"  Prometheus scrapes", usual.MetricsURL()},
			[]string{"  the collector's own metrics", usual.TelemetryURL()},
		)
	}
	rows = append(rows, []string{"the configuration, with its reasons", "otelcol.yaml"})
	out.Table(rows)
}
