package coldstart

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestComponent(t *testing.T) {
	names, err := NewNames(append([]string{"boot"}, DefaultSpanNames...))
	require.NoError(t, err)
	for span, component := range map[string]string{
		"tokenizer_init":            "tokenizer",
		"load_feature_scaler":       "feature_scaler",
		"model.load":                "model",
		"image_preprocessor_warmup": "image_preprocessor",
		"boot":                      "boot",
		"_init":                     "_init",
		"init":                      "",
		"ml.inference":              "",
		"tokenizer_initial":         "",
		"":                          "",
	} {
		assert.Equal(t, component, names.Component(span), span)
	}
}

func span(n byte) pcommon.SpanID { return pcommon.SpanID{n} }

func TestReload(t *testing.T) {
	m := NewMemory(10)
	assert.False(t, m.Reload("a", "tokenizer", 100, span(1)), "first load")
	assert.True(t, m.Reload("a", "tokenizer", 200, span(2)), "loaded again")
	assert.False(t, m.Reload("a", "tokenizer", 100, span(1)), "the first span, sent twice")
	assert.True(t, m.Reload("a", "tokenizer", 200, span(2)), "the second span, sent twice")
	assert.False(t, m.Reload("a", "model", 200, span(3)), "another component")
	assert.False(t, m.Reload("b", "tokenizer", 300, span(4)), "another instance")
	assert.False(t, m.Reload("a", "tokenizer", 50, span(5)), "late, but earlier than all others")
	assert.True(t, m.Reload("a", "tokenizer", 100, span(1)), "not the first after all")
	assert.True(t, m.Reload("a", "tokenizer", 50, span(6)), "at the same time, by another span")
}

func TestMemoryIsBoundedAndForgetsTheLeastRecent(t *testing.T) {
	m := NewMemory(1000)
	for i := range 1000 {
		assert.False(t, m.Reload("a", fmt.Sprint(i), 1, span(1)))
	}
	assert.True(t, m.Reload("a", "0", 2, span(2)), "a thousand components are remembered")
	assert.False(t, m.Reload("a", "one more", 3, span(3)))
	assert.Equal(t, 1000, m.Len())
	assert.EqualValues(t, 1, m.Evicted())
	assert.True(t, m.Reload("a", "0", 4, span(4)), "used recently")
	assert.False(t, m.Reload("a", "1", 5, span(5)), "forgotten")
}

func TestMemoryFromManyGoroutines(t *testing.T) {
	m := NewMemory(100)
	var wg sync.WaitGroup
	first := make([]int, 8)
	for g := range first {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 50 {
				if !m.Reload("a", fmt.Sprint(i), 1, span(byte(g+1))) {
					first[g]++
				}
			}
		}()
	}
	wg.Wait()
	total := 0
	for _, n := range first {
		total += n
	}
	assert.Equal(t, 50, total, "each component is first once")
}

func TestIdentity(t *testing.T) {
	id := func(attrs map[string]any) string {
		m := pcommon.NewMap()
		require.NoError(t, m.FromRaw(attrs))
		return Identity(m)
	}
	base := id(map[string]any{"service.name": "inference", "service.instance.id": "pod-1"})
	assert.Equal(t, base, id(map[string]any{"service.name": "inference", "service.instance.id": "pod-1", "service.version": "2"}))
	for key, value := range map[string]any{"service.instance.id": "pod-2", "process.pid": int64(7), "k8s.container.restart_count": int64(1), "process.creation.time": "2026-01-01T00:00:00Z"} {
		attrs := map[string]any{"service.name": "inference", "service.instance.id": "pod-1"}
		attrs[key] = value
		assert.NotEqual(t, base, id(attrs), key)
	}
	assert.NotEqual(t, id(map[string]any{"service.name": "a", "service.instance.id": ""}), id(map[string]any{"service.name": "", "service.instance.id": "a"}))
}
