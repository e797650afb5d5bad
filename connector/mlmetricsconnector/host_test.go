package mlmetricsconnector

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// TestGPUsOfSeveralHosts: GPU 0 of two machines is two GPUs. A span that names no device gets no host, and neither does
// a metric without a device.
func TestGPUsOfSeveralHosts(t *testing.T) {
	wait := func(resource, more map[string]any) sent {
		attributes := map[string]any{vocab.Stage: vocab.StageInference, vocab.QueueWait: 3.0, vocab.BatchSize: 4, vocab.GPUMemoryReserved: 5.0}
		for key, value := range more {
			attributes[key] = value
		}
		return sent{"ml.inference", resource, attributes}
	}
	gpu := map[string]any{vocab.DeviceID: "0"}
	metrics := consumed(t, createDefaultConfig().(*Config),
		wait(map[string]any{"host.name": "a"}, gpu),
		wait(map[string]any{"host.name": "b"}, gpu),
		wait(map[string]any{"host.name": "pod-1", "k8s.node.name": "node-1"}, gpu),
		wait(map[string]any{}, gpu),
		wait(map[string]any{"host.name": "a"}, nil),
		wait(map[string]any{"host.name": "b"}, nil),
	)
	points := metrics[vocab.QueueWait].Histogram().DataPoints()
	found := map[string]uint64{}
	for i := range points.Len() {
		device, _ := points.At(i).Attributes().Get(vocab.DeviceID)
		host, _ := points.At(i).Attributes().Get("host.name")
		found[device.Str()+"@"+host.Str()] += points.At(i).Count()
	}
	assert.Equal(t, map[string]uint64{"0@a": 1, "0@b": 1, "0@node-1": 1, "0@": 1, "@": 2}, found)
	require.Equal(t, 1, metrics[vocab.BatchSize].Histogram().DataPoints().Len(), "no device, no host")

	gauges := metrics[vocab.GPUMemoryReserved].Gauge().DataPoints()
	hosts := map[string]bool{}
	for i := range gauges.Len() {
		if host, ok := gauges.At(i).Attributes().Get("host.name"); ok {
			hosts[host.Str()] = true
		}
	}
	assert.Equal(t, map[string]bool{"a": true, "b": true, "node-1": true}, hosts)
}

// TestReadmeNamesHostKeys keeps the README's sentence about hosts true.
func TestReadmeNamesHostKeys(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	assert.Contains(t, string(text), "`"+vocab.HostKeys[0]+"`, or `"+vocab.HostKeys[1]+"` where there is none")
}
