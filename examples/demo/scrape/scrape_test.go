package scrape

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFetchAndQuery(t *testing.T) {
	const openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	count := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", openMetrics)
		fmt.Fprintf(w, `# TYPE waits histogram
waits_bucket{service_name="a",le="100"} %d
waits_bucket{service_name="a",le="200"} %d # {trace_id="abc"} 150
waits_bucket{service_name="a",le="+Inf"} %d
waits_count{service_name="a"} %d
waits_sum{service_name="a"} %d
# EOF
`, count/2, count, count, count, 130*count)
	}))
	defer server.Close()

	history := NewHistory()
	at := time.Date(2026, 3, 3, 14, 3, 0, 0, time.UTC)
	for i, n := range []int{0, 10} {
		count = n
		samples, err := Fetch(t.Context(), server.URL)
		require.NoError(t, err)
		assert.Equal(t, float64(n), samples.Sum("waits_count"))
		assert.Equal(t, float64(n), samples.Sum("waits_count", "service_name", "a"))
		assert.Zero(t, samples.Sum("waits_count", "service_name", "b"))
		assert.Equal(t, map[string]float64{"a": float64(130 * n)}, samples.By("waits_sum", "service_name"))
		history.Add(at.Add(time.Duration(i)*time.Second), samples)
	}

	for query, want := range map[string]float64{
		`increase(waits_count[5m])`: 10,
		`histogram_quantile(0.75, sum by (service_name, le) (rate(waits_bucket[5m])))`: 150,
		`sum(rate(waits_sum[5m])) / sum(rate(waits_count[5m]))`:                        130,
	} {
		answer, err := history.Query(t.Context(), query)
		require.NoError(t, err)
		require.Len(t, answer, 1, query)
		assert.InEpsilon(t, want, answer[0].F, 1e-9, query)
	}
	empty, err := history.Query(t.Context(), `waits_count > 10`)
	require.NoError(t, err)
	assert.Empty(t, empty)
	_, err = history.Query(t.Context(), `waits_count[`)
	assert.Error(t, err)
}

func TestFetchFails(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, err := Fetch(t.Context(), server.URL)
	assert.ErrorContains(t, err, "404")
}
