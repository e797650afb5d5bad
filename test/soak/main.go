// Command soak runs the shipped collector at saturation within limits of
// memory and prints what came of it: what was accepted, refused, counted and
// used. It needs root, to make a control group, where -memory is not 0.
//
//	make soak ARGS="-memory 512,2048 -attributes 0,2000 -for 30s"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	binary := flag.String("collector", "bin/otelcol-ml", "the collector")
	config := flag.String("config", "otelcol.yaml", "its configurations, separated by spaces")
	memory := flag.String("memory", "512,1024,2048,4096", "limits of memory in MiB, comma-separated; 0 for none")
	attributes := flag.String("attributes", "0,500,2000", "bytes of text on each span besides the article's attributes, comma-separated")
	duration := flag.Duration("for", 30*time.Second, "how long each run sends")
	connections := flag.Int("connections", 4, "clients, each with one request at a time")
	rate := flag.Float64("rate", 0, "spans a second at most, of all clients; 0 for as many as are answered")
	cores := flag.Int("cores", 0, "cores that the collector may use; 0 for all")
	churned := flag.Duration("churn", 0, "instead: send spans of instances, models and traces that are new all the time, for so long")
	flag.Parse()
	if *churned > 0 {
		path, err := filepath.Abs(*binary)
		if err != nil {
			return err
		}
		return churn(ctx, path, strings.Fields(*config), *churned, os.Stdout)
	}
	memories, err := numbers(*memory)
	if err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	sizes, err := numbers(*attributes)
	if err != nil {
		return fmt.Errorf("attributes: %w", err)
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "memory MiB\tbytes a span\tspans/s\trefused\tby memory_limiter\tgiven up\tpeak MiB\tdecided early\tcounted\tkept\ttraces dropped\tspans dropped\ttaken after")
	var failed []error
	for _, mib := range memories {
		for _, size := range sizes {
			r, err := soak(ctx, soakOptions{*binary, strings.Fields(*config), mib, size, *duration, *connections, *rate, *cores})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err == nil {
				if wrong := r.wrong(); wrong != nil {
					failed = append(failed, fmt.Errorf("%d MiB, %d bytes: %w", mib, size, wrong))
				}
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("%d MiB, %d bytes: %w", mib, size, err))
				fmt.Fprintf(out, "%d\t%d\t%v\n", mib, size, err)
			} else {
				fmt.Fprintf(out, "%d\t%d\t%.0f\t%.1f %%\t%.1f %%\t%.2f %%\t%d\t%.0f\t%s\t%.0f\t%.0f\t%.0f\t%v\n", mib, r.spanBytes, r.rate, 100*r.refused, 100*r.limited, 100*r.lost, r.peak>>20, r.early, r.counted, r.kept, r.dropped, r.unheld, r.recovery.Round(time.Millisecond))
			}
			out.Flush()
		}
	}
	return errors.Join(failed...)
}

func numbers(list string) ([]int, error) {
	var out []int
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 {
			return nil, fmt.Errorf("found %q, must be numbers separated by commas", list)
		}
		out = append(out, n)
	}
	return out, nil
}
