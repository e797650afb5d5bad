// Package collect has a running collector do its work: the smallest that shows it can.
package collect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/package/internal/confine"
)

// Ports are free ones of this machine.
type Ports struct{ GRPC, HTTP, Metrics, View, Services, Health, Telemetry string }

// FreePorts returns ports that nothing listens on.
func FreePorts(t testing.TB) Ports {
	t.Helper()
	var found [7]string
	for i := range found {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer listener.Close()
		_, found[i], err = net.SplitHostPort(listener.Addr().String())
		require.NoError(t, err)
	}
	return Ports{found[0], found[1], found[2], found[3], found[4], found[5], found[6]}
}

// Env are the settings that have a collector use these ports, and decide at once.
func (p Ports) Env() []string {
	return []string{
		"OTELCOL_ML_GRPC_ENDPOINT=127.0.0.1:" + p.GRPC, "OTELCOL_ML_HTTP_ENDPOINT=127.0.0.1:" + p.HTTP,
		"OTELCOL_ML_METRICS_ENDPOINT=127.0.0.1:" + p.Metrics, "OTELCOL_ML_VIEW_ENDPOINT=127.0.0.1:" + p.View,
		"OTELCOL_ML_SERVICES_ENDPOINT=127.0.0.1:" + p.Services,
		"OTELCOL_ML_HEALTH_ENDPOINT=127.0.0.1:" + p.Health, "OTELCOL_ML_TELEMETRY_HOST=127.0.0.1", "OTELCOL_ML_TELEMETRY_PORT=" + p.Telemetry,
		"OTELCOL_ML_DECISION_WAIT=1s",
	}
}

// Healthy waits until the collector is.
func Healthy(t testing.TB, process *confine.Process, ports Ports) {
	t.Helper()
	process.Until(t, "the health check", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+ports.Health+"/", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		return nil
	})
}

// Keep sends a span of a request that failed and waits until its trace is in the file of kept traces.
func Keep(t testing.TB, process *confine.Process, ports Ports, dataDir, traceID string) {
	t.Helper()
	span := fmt.Sprintf(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"package-test"}}]},`+
		`"scopeSpans":[{"spans":[{"traceId":%q,"spanId":"eee19b7ec3c1b174","name":"ml.inference","kind":1,`+
		`"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000100000000","status":{"code":2}}]}]}]}`, traceID)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:"+ports.HTTP+"/v1/traces", strings.NewReader(span))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	kept := filepath.Join(dataDir, "kept-traces.jsonl")
	process.Until(t, "the kept trace", func(context.Context) error {
		text, err := os.ReadFile(kept)
		if err == nil && !strings.Contains(string(text), traceID) {
			err = errors.New("the trace is not in " + kept)
		}
		return err
	})
}
