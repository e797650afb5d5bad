package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"text/tabwriter"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
)

const (
	// churnRate is how many requests of an instance each a second.
	churnRate = 50
	// churnRows is how many lines the table has.
	churnRows = 12
	// leastChurn is as long as the caches of mlmetrics take to be full: they forget what was idle for five to ten minutes.
	leastChurn = 16 * time.Minute
	// churnGrowth is how much more heap the last quarter may have than the second, live memory being noisy.
	churnGrowth = 1.2
)

// churnConfig has series and instances forgotten ninety times as fast as by default, so that ten minutes are as many
// generations of them as fifteen hours.
const churnConfig = `yaml:
connectors: { mlmetrics: { series_expiration: 10s, metrics_flush_interval: 1s } }
exporters: { prometheus: { metric_expiration: 10s }, mlview: { memory_mib: 16 } }
processors:
  mlsignals: { reload_memory: { max_components: 1000 } }
  mldiagnosis: { late_spans: { max_traces: 1000 } }
  mltailsampling: { decision_wait: 1s, decision_cache: { sampled_cache_size: 1000, non_sampled_cache_size: 1000 } }
`

// churn sends spans of services that are new all the time, each with an instance, a model and a load of its own, and
// prints the memory over time. It returns an error where the heap goes on growing after the first quarter.
func churn(ctx context.Context, binary string, configs []string, duration time.Duration, to io.Writer) error {
	if duration < leastChurn {
		return fmt.Errorf("churn: found %v, must be at least %v; the caches are not full before", duration, leastChurn)
	}
	dir, err := os.MkdirTemp("", "churn")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	addresses, err := collector.FreeAddresses()
	if err != nil {
		return err
	}
	c, err := collector.Start(ctx, collector.Options{
		Binary: binary, Configs: append(configs, churnConfig), Addresses: addresses, DataDir: dir, Log: dir + "/log",
	})
	if err != nil {
		return err
	}
	defer func() {
		ended, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		defer cancel()
		_ = c.Stop(ended)
	}()
	conn, err := grpc.NewClient(addresses.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	client := ptraceotlp.NewGRPCClient(conn)

	out := tabwriter.NewWriter(to, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "after\tinstances\tseries\theap, least MB\tresident MB\t")
	began := time.Now()
	next := time.NewTicker(time.Second / churnRate)
	defer next.Stop()
	var heaps []float64
	least, rows, sent, looked := 0.0, 0, uint64(0), time.Time{}
	for time.Since(began) < duration {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
		}
		sent++
		if _, err := client.Export(ctx, ptraceotlp.NewExportRequestFromTraces(newInstance(sent))); err != nil {
			return fmt.Errorf("instance %d: %w\n%s", sent, err, c.Tail(5))
		}
		if time.Since(looked) < time.Second {
			continue
		}
		looked = time.Now()
		if _, err := c.Metrics(ctx); err != nil { // as Prometheus does: the exporter forgets expired series only then
			return err
		}
		telemetry, err := c.Telemetry(ctx)
		if err != nil {
			return err
		}
		heap := telemetry.Sum("otelcol_process_runtime_heap_alloc_bytes") / 1e6
		if least == 0 || heap < least {
			least = heap
		}
		if time.Since(began) >= duration*time.Duration(rows+1)/churnRows {
			rows++
			fmt.Fprintf(out, "%v\t%d\t%.0f\t%.0f\t%.0f\t\n", time.Since(began).Round(time.Second), sent,
				telemetry.Sum("otelcol_connector_mlmetrics_series_active"), least, telemetry.Sum("otelcol_process_memory_rss")/1e6)
			out.Flush()
			heaps, least = append(heaps, least), 0
		}
	}
	second, last := lowest(heaps[churnRows/4:churnRows/2]), lowest(heaps[len(heaps)-churnRows/4:])
	if last > churnGrowth*second {
		return fmt.Errorf("heap: found %.0f MB in the second quarter and %.0f MB in the last, must not grow", second, last)
	}
	return nil
}

func lowest(of []float64) float64 {
	least := of[0]
	for _, v := range of {
		least = min(least, v)
	}
	return least
}

// newInstance is a request through an instance of a service that was not there before: its model is loaded, waits and infers.
func newInstance(n uint64) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	_ = rs.Resource().Attributes().FromRaw(map[string]any{
		"service.name": fmt.Sprint("ranker-", n), "service.instance.id": fmt.Sprint("instance-", n), "ml.pipeline.name": "recommendation", "host.name": fmt.Sprint("host-", n),
	})
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	var id pcommon.TraceID
	binary.LittleEndian.PutUint64(id[:], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], n)
	now := time.Now()
	for i, name := range []string{"ml.pipeline.request", "load_model", "ml.inference"} {
		span := spans.AppendEmpty()
		span.SetTraceID(id)
		span.SetSpanID(pcommon.SpanID{byte(i + 1)})
		if i > 0 {
			span.SetParentSpanID(pcommon.SpanID{1})
		}
		span.SetName(name)
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-200 * time.Millisecond)))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
		_ = span.Attributes().FromRaw(map[string]any{"ml.model.name": fmt.Sprint("model-", n)})
		if i == 2 {
			span.Attributes().PutDouble("ml.inference.queue_wait_ms", float64(n%500))
			span.Attributes().PutDouble("ml.inference.forward_pass_ms", 50)
			span.Attributes().PutStr("ml.device.id", "0")
		}
	}
	return td
}
