package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/backend"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/truth"
)

// TestBackendFlaps: a backend answers each request in another way: 502, 503, 504, 429, not at all, late, and with an answer that
// is lost after it has taken the request. It gets every kept trace. One that answers 500, which OTLP says is final,
// loses what the collector counts as lost, and the file of kept traces has it.
func TestBackendFlaps(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) } // closes the connection
	for name, test := range map[string]struct {
		ways  func(take http.HandlerFunc) []http.HandlerFunc
		loses bool
	}{
		"flapping": {func(take http.HandlerFunc) []http.HandlerFunc {
			late := func(w http.ResponseWriter, r *http.Request) { <-time.After(500 * time.Millisecond); take(w, r) }
			lost := func(w http.ResponseWriter, r *http.Request) { take(w, r); abort(w, r) }
			return []http.HandlerFunc{status(503), abort, status(429), late, status(502), lost, status(504), take}
		}, false},
		"500": {func(take http.HandlerFunc) []http.HandlerFunc {
			return []http.HandlerFunc{take, status(500)}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := backend.Start(t)
			ways := test.ways(store.ServeHTTP)
			var next atomic.Uint64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ways[next.Add(1)%uint64(len(ways))](w, r)
			}))
			t.Cleanup(server.Close)
			options := stack.CollectorOptions(t, stack.Root(t, "deploy/tempo/otelcol.yaml"),
				"yaml:exporters::otlp_http/backend::retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}",
				"yaml:exporters::otlp_http/backend::sending_queue::batch: {flush_timeout: 200ms, min_size: 5000, max_size: 20000}")
			options.Env = []string{"OTELCOL_ML_DECISION_WAIT=1s", "OTELCOL_ML_OTLP_ENDPOINT=" + server.URL}
			running := stack.StartCollector(t, options)
			sent := sendSome(t, running, 1000)
			untilDecided(t, running, len(sent))
			lost := 0
			stack.Until(t, running.Process, "an empty queue", func(ctx context.Context) error {
				telemetry, err := running.Telemetry(ctx)
				if err != nil {
					return err
				}
				if n := telemetry.Sum("otelcol_exporter_queue_size", "exporter", "otlp_http/backend"); n > 0 {
					return fmt.Errorf("%v bytes wait", n)
				}
				lost = int(telemetry.Sum("otelcol_exporter_send_failed_spans", "exporter", "otlp_http/backend"))
				return nil
			})
			received := store.Received()
			missing := 0
			for _, s := range sent {
				if truth.MustKeep(s) || truth.InBaseline(s.TraceID) {
					different := map[pcommon.SpanID]bool{}
					for _, span := range received[pcommon.TraceID(s.TraceID)] {
						different[span.SpanID()] = true
					}
					missing += len(s.Spans) - len(different)
				}
			}
			assert.Equal(t, lost, missing, "spans that are counted as lost")
			assert.Equal(t, test.loses, lost > 0)
			require.Greater(t, next.Load(), uint64(2*len(ways)), "each way was taken")
			t.Logf("%d requests, %d of %v spans lost", next.Load(), lost, spans(sent))
		})
	}
}
