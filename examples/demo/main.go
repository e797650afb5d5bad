// Command demo shows otelcol-ml to a newcomer: it starts the collector, sends a
// few thousand requests through an instrumented recommendation pipeline, and
// prints what the collector found in them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/report"
)

// stopWithin is how long the collector may take to flush and end.
const stopWithin = 20 * time.Second

// fastFlush spares the newcomer two waits of the usual 15 s, for the series at zero and for their values. It is longer
// than the demo's scrape interval, so that each export is seen.
const fastFlush = "yaml:connectors::mlmetrics::metrics_flush_interval: 2s"

type settings struct {
	collector, config, data string
	requests                int
	seed                    uint64
	keep                    bool
	patience                time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away, such as head, must not leave the collector behind
	set, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, set)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp): // with --keep, Ctrl-C is the usual end
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "\ndemo: interrupted")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&set.collector, "collector", "../../bin/otelcol-ml", "the collector, built by `make build`")
	flags.StringVar(&set.config, "config", "../../otelcol.yaml", "its configuration")
	flags.StringVar(&set.data, "data", "", "folder of the kept traces (default data/demo beside the configuration)")
	flags.IntVar(&set.requests, "requests", 5000, "requests to send besides the article's")
	flags.Uint64Var(&set.seed, "seed", 1, "seed of what happens to the requests")
	flags.BoolVar(&set.keep, "keep", false, "go on with traffic until Ctrl-C")
	flags.DurationVar(&set.patience, "patience", 3*time.Minute, "how long to wait for the collector's decisions and metrics")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if flags.NArg() > 0 {
		return set, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if set.requests < 1 {
		return set, fmt.Errorf("--requests %d: must be at least 1", set.requests)
	}
	if _, err := os.Stat(set.config); err != nil {
		return set, fmt.Errorf("--config: %w", err)
	}
	if set.data == "" {
		set.data = filepath.Join(filepath.Dir(set.config), "data", "demo")
	}
	return set, os.MkdirAll(set.data, 0o755)
}

func run(ctx context.Context, set settings) (failed error) {
	out := report.NewPrinter(os.Stdout)
	addresses := collector.DefaultAddresses()
	moved, err := addresses.AvoidTaken()
	if err != nil {
		return err
	}
	for _, m := range moved {
		out.Note("%s is taken; this run uses %s instead.", m.From, m.To)
	}

	running, err := start(ctx, set, addresses)
	if err != nil {
		return err
	}
	defer func() {
		// Not the context of the run: an interrupted demo still lets the collector flush.
		ending, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		failed = errors.Join(failed, running.Stop(ending))
	}()

	recorder := record(ctx, running)
	defer recorder.stop()
	sent, err := send(ctx, out, running.GRPC, set)
	if err != nil {
		return err
	}
	traces, err := settle(ctx, out, running, recorder, sent, set.patience)
	if err != nil {
		return err
	}
	history := recorder.stop()
	telemetry, err := running.Telemetry(ctx)
	if err != nil {
		return fmt.Errorf("read the collector's own metrics: %w", err)
	}

	findings := report.Findings{
		Sent: sent, Kept: traces, Metrics: recorder.latest(), Telemetry: telemetry, History: history,
		KeptFile: relative(running.KeptFile()), Addresses: addresses, Running: set.keep,
	}
	if err := findings.Print(ctx, out); err != nil {
		return err
	}
	if set.keep {
		out.Note("\n  Open %s\n  Traffic goes on. Ctrl-C ends it.", addresses.ViewURL())
		return goOn(ctx, running, set)
	}
	return nil
}

func start(ctx context.Context, set settings, addresses collector.Addresses) (*collector.Collector, error) {
	ctx, cancel := context.WithTimeout(ctx, set.patience)
	defer cancel()
	return collector.Start(ctx, collector.Options{
		Binary: set.collector, Configs: []string{set.config, fastFlush}, Addresses: addresses,
		DataDir: set.data, Log: filepath.Join(set.data, "collector.log"), OwnGroup: true,
	})
}

// relative is a path as seen from the working directory, where that is shorter.
func relative(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(dir, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}
