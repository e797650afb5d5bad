package deploy

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
)

// patience is how long a test waits for a condition before it fails.
const patience = 60 * time.Second

// traceID is that of the article's request.
const traceID = "5b8efff798038103d269b633813fc60c"

// TestDelivery sends the article's request through otelcol.yaml and looks for the
// kept trace in the file and at the backend: with TLS, which the scheme of the
// environment variable asks for, and with the overlays of two backends.
func TestDelivery(t *testing.T) {
	plain := start(t, collector.Options{Configs: []string{"testdata/backend.yaml"}})
	cert, key := certificate(t)
	secure := start(t, collector.Options{
		Configs: []string{"testdata/backend.yaml", "testdata/backend-tls.yaml"},
		Env:     []string{"BACKEND_CERTIFICATE=" + cert, "BACKEND_KEY=" + key},
	})
	for _, way := range []struct {
		name    string
		backend *collector.Collector
		configs []string
		env     []string
	}{
		{
			name: "environment variable with TLS", backend: secure, configs: []string{root + "/deploy/backend/otelcol.yaml"},
			env: []string{"OTELCOL_ML_OTLP_ENDPOINT=https://" + secure.HTTP, "SSL_CERT_FILE=" + cert},
		},
		{name: "overlay for Tempo", backend: plain, configs: []string{root + "/deploy/tempo/otelcol.yaml", endpoint(plain.HTTP)}},
		{name: "overlay for Jaeger", backend: plain, configs: []string{root + "/deploy/jaeger/otelcol.yaml", endpoint(plain.HTTP)}},
	} {
		t.Run(way.name, func(t *testing.T) {
			backend := way.backend
			before := occurrences(t, backend.KeptFile())
			sampling := start(t, collector.Options{
				Configs: append([]string{root + "/otelcol.yaml"}, way.configs...),
				Env:     append([]string{"OTELCOL_ML_DECISION_WAIT=1s"}, way.env...),
			})
			send(t, sampling)
			until(t, sampling, "the kept trace at the backend", func() error {
				if occurrences(t, backend.KeptFile()) == before {
					return errors.New("it is not there")
				}
				return nil
			})
			assert.Positive(t, occurrences(t, sampling.KeptFile()), "the trace is in the file as well")
			quiet(t, sampling)
		})
	}
}

// endpoint overrides where kept traces go.
func endpoint(address string) string {
	return "yaml:exporters::otlp_http/backend::endpoint: http://" + address
}

func start(t *testing.T, options collector.Options) *collector.Collector {
	t.Helper()
	addresses, err := collector.FreeAddresses()
	require.NoError(t, err)
	dir := t.TempDir()
	options.Binary, options.Addresses, options.DataDir, options.Log = binary(t, "otelcol-ml"), addresses, dir, dir+"/log"
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	running, err := collector.Start(ctx, options)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, running) })
	return running
}

func stop(t *testing.T, c *collector.Collector) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NoError(t, c.Stop(ctx))
}

func until(t *testing.T, c *collector.Collector, what string, condition func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, c.Until(ctx, what, func(context.Context) error { return condition() }))
}

// send posts the article's request as JSON, as one would with curl.
func send(t *testing.T, c *collector.Collector) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(root, "testdata/article/flamegraph.json"))
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+c.HTTP+"/v1/traces", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
}

// occurrences counts the trace's spans in a file of kept traces.
func occurrences(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
	return strings.Count(string(text), traceID)
}

// quiet checks that the collector logged nothing above info.
func quiet(t *testing.T, c *collector.Collector) {
	t.Helper()
	for line := range strings.Lines(c.Log()) {
		if fields := strings.SplitN(line, "\t", 3); len(fields) == 3 {
			assert.Equal(t, "info", fields[1], line)
		}
	}
	assert.NotContains(t, c.Log(), "panic")
}
