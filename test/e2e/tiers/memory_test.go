package tiers

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// BenchmarkWaitingTraces measures how much of a collector's largest resident memory traces take that wait for their
// decision, while others come and go, so that garbage is in it:
//
//	go test -C test/e2e/tiers -run none -bench WaitingTraces -benchtime 1x .
func BenchmarkWaitingTraces(b *testing.B) {
	const warm, waves, wave = 1000, 300, 500
	options := stack.CollectorOptions(b)
	options.Env = []string{"OTELCOL_ML_DECISION_WAIT=4s"}
	running := stack.StartCollector(b, options)
	traffic := newTraffic(b, running.GRPC, 55)
	traffic.send(1, warm)
	untilDecided(b, running)
	without, most := resident(b, running), 0
	for b.Loop() {
		for range waves {
			traffic.send(1, wave)
			now := sampling(b, running)
			most = max(most, now.Arrived-now.Decided)
		}
	}
	sent := traffic.all()
	b.ReportMetric(float64(most), "waiting")
	b.ReportMetric(float64(resident(b, running)-without)/float64(most), "B/trace")
	b.ReportMetric(float64(spans(sent))/float64(len(sent)), "spans/trace")
	b.ReportMetric(float64(without)/1e6, "MB-before")
}

// resident is the largest resident memory that a process has had, in bytes.
func resident(t testing.TB, running *collector.Collector) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", running.PID()))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	var kilobytes int
	_, err = fmt.Sscan(after, &kilobytes)
	require.NoError(t, err)
	return kilobytes * 1024
}
