package page

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/kept"
	"github.com/otelcol-ml/otelcol-ml/exporter/mlviewexporter/internal/viewtest"
)

// BenchmarkPages loads each page with the traces' share of 64 MiB full.
func BenchmarkPages(b *testing.B) {
	td := viewtest.Article(b)
	p := newPage(b, td)
	p.Traces = kept.NewStore(48 << 20)
	for i := 0; ; i++ {
		var id pcommon.TraceID
		copy(id[:], fmt.Sprintf("%016d", i))
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					span.SetTraceID(id)
				}
			}
		}
		p.Traces.Add(td, time.Now())
		if _, _, evicted := p.Traces.Stats(); evicted > 0 {
			break
		}
	}
	held, _, _ := p.Traces.Stats()
	handler := p.Handler()
	for _, path := range []string{"/", "/traces", "/traces?sort=lost&signal=queue_bound", "/traces/" + p.Traces.Requests()[0].ID.String(), "/map", "/compare", "/training"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
				require.Equal(b, http.StatusOK, w.Code)
			}
			b.ReportMetric(float64(held), "traces")
		})
	}
}
