// Command loadtime fills the memory of the page with kept traces and measures
// in Chromium how long each page takes to load: from the request to the load
// event, scripts, styles and layout included. The median of several loads.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/browser/internal/chrome"
)

const patience = time.Minute

func main() {
	binary := flag.String("collector", "../../../bin/otelcol-ml", "the collector, built by `make build`")
	config := flag.String("config", "../../../otelcol.yaml", "its configuration")
	traces := flag.Int("traces", 12000, "requests to fill the memory with; about 7 in 10 are kept, and 64 MB hold some 7,700")
	loads := flag.Int("loads", 15, "loads of each page")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *binary, *config, *traces, *loads); err != nil {
		fmt.Fprintln(os.Stderr, "loadtime:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, config string, traces, loads int) (failed error) {
	data, err := os.MkdirTemp("", "loadtime")
	if err != nil {
		return err
	}
	defer func() { failed = errors.Join(failed, os.RemoveAll(data)) }()
	addresses, err := collector.FreeAddresses()
	if err != nil {
		return err
	}
	running, err := collector.Start(ctx, collector.Options{
		Binary: binary, Configs: []string{config, "yaml:connectors::mlmetrics::metrics_flush_interval: 2s"}, Addresses: addresses, DataDir: data, Log: filepath.Join(data, "log"),
		Env: []string{"OTELCOL_ML_DECISION_WAIT=1s"},
	})
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		failed = errors.Join(failed, running.Stop(ending))
	}()
	one, err := fill(ctx, running, traces)
	if err != nil {
		return err
	}
	browser, err := chrome.Start(ctx)
	if err != nil {
		return err
	}
	defer browser.Close()
	tab, err := browser.Open(chrome.Look{Width: 1280, Height: 900})
	if err != nil {
		return err
	}
	defer tab.Close()
	fmt.Printf("%-12s %12s %12s %10s\n", "page", "load, ms", "server, ms", "HTML, kB")
	for _, page := range []string{"/", "/traces", "/traces/" + one, "/map", "/compare", "/training", "/arrivals"} {
		var whole, server []float64
		size := 0.0
		for range loads {
			if err := tab.Go("http://" + addresses.View + page); err != nil {
				return fmt.Errorf("%s: %w", page, err)
			}
			t, err := chrome.Evaluate[[]float64](tab, `(() => { const t = performance.getEntriesByType("navigation")[0];
				return [t.loadEventStart, t.responseEnd - t.requestStart, t.decodedBodySize, t.responseStatus] })()`)
			if err != nil {
				return fmt.Errorf("%s: %w", page, err)
			}
			if t[3] != 200 {
				return fmt.Errorf("%s: status %v", page, t[3])
			}
			whole, server, size = append(whole, t[0]), append(server, t[1]), t[2]
		}
		if len(page) > 12 {
			page = "/traces/..."
		}
		fmt.Printf("%-12s %12.0f %12.0f %10.0f\n", page, median(whole), median(server), size/1000)
	}
	return nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// fill sends requests of which most are kept, and returns the ID of the last one when all are decided.
func fill(ctx context.Context, running *collector.Collector, traces int) (one string, failed error) {
	services, err := shop.Open(ctx, shop.Config{Endpoint: running.GRPC})
	if err != nil {
		return "", err
	}
	defer func() { failed = errors.Join(failed, services.Close(ctx)) }()
	source := shop.NewSource(1, shop.Rates{LongQueue: 0.4, FeatureCascade: 0.3, Revalidated: 0.2, ColdStart: 0.1}, time.Now().Add(-time.Minute), time.Millisecond)
	for i := range traces {
		one = services.Play(source.Next()).TraceID.String()
		if i%200 == 199 {
			if err := services.Flush(ctx); err != nil {
				return "", err
			}
		}
	}
	if err := services.Flush(ctx); err != nil {
		return "", err
	}
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return one, running.Until(limit, "the decisions", func(ctx context.Context) error {
		sampling, err := running.Sampling(ctx)
		if err != nil {
			return err
		}
		if sampling.Decided < traces {
			return fmt.Errorf("%d of %d", sampling.Decided, traces)
		}
		fmt.Printf("%d traces kept\n", sampling.Kept)
		return nil
	})
}
