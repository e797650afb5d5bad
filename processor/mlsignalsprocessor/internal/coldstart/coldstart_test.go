package coldstart

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

func TestComponent(t *testing.T) {
	names, err := NewNames(append([]string{"boot"}, DefaultSpanNames...), DefaultComponents)
	require.NoError(t, err)
	for span, component := range map[string]string{
		"tokenizer_init":            "tokenizer",
		"load_feature_scaler":       "feature_scaler",
		"model.load":                "model",
		"image_preprocessor_warmup": "image_preprocessor",
		"boot":                      "boot",
		"_init":                     "",
		"load_bert_model_v2":        "bert_model_v2",
		"load_models":               "models",
		"load_model_3":              "model_3",
		"model-weights.load":        "model-weights",
		"load_lora_adapter":         "lora_adapter",
		"warm_up_engine":            "engine",
		"load_kv_cache":             "kv_cache",
		"load_features":             "",
		"load_data":                 "",
		"load_dataset":              "",
		"data.load":                 "",
		"batch_load":                "",
		"page_load":                 "",
		"load_data_pipeline":        "",
		"db_engine_init":            "",
		"load_model_features":       "",
		"model_registry_init":       "",
		"cache_warmup":              "",
		"load_search_index":         "",
		"load_remodel":              "",
		"init":                      "",
		"ml.inference":              "",
		"tokenizer_initial":         "",
		"":                          "",
	} {
		assert.Equal(t, component, names.Component(span), span)
	}
}

func TestComponentsOfOnesOwn(t *testing.T) {
	any, err := NewNames([]string{"boot_*"}, nil)
	require.NoError(t, err)
	assert.Equal(t, "cache", any.Component("boot_cache"))
	own, err := NewNames([]string{"boot_*"}, []string{"graph"})
	require.NoError(t, err)
	assert.Equal(t, "user_graph", own.Component("boot_user_graph"))
	assert.Empty(t, own.Component("boot_model"))
}

func span(n byte) pcommon.SpanID { return pcommon.SpanID{n} }

func TestReload(t *testing.T) {
	m := NewMemory(10)
	a := instance(t, map[string]any{"service.instance.id": "a"})
	b := instance(t, map[string]any{"service.instance.id": "b"})
	assert.False(t, m.Reload(a.Load("tokenizer"), 100, span(1)), "first load")
	assert.True(t, m.Reload(a.Load("tokenizer"), 200, span(2)), "loaded again")
	assert.False(t, m.Reload(a.Load("tokenizer"), 100, span(1)), "the first span, sent twice")
	assert.True(t, m.Reload(a.Load("tokenizer"), 200, span(2)), "the second span, sent twice")
	assert.False(t, m.Reload(a.Load("model"), 200, span(3)), "another component")
	assert.False(t, m.Reload(b.Load("tokenizer"), 300, span(4)), "another instance")
	assert.False(t, m.Reload(a.Load("tokenizer"), 50, span(5)), "late, but earlier than all others")
	assert.True(t, m.Reload(a.Load("tokenizer"), 100, span(1)), "not the first after all")
	assert.True(t, m.Reload(a.Load("tokenizer"), 50, span(6)), "at the same time, by another span")
}

func TestLoadsDiffer(t *testing.T) {
	a := instance(t, map[string]any{"service.instance.id": "a"})
	seen := map[Load]string{}
	for name, load := range map[string]Load{
		"component":             a.Load("model", "", ""),
		"model":                 a.Load("", "model", ""),
		"joined":                a.Load("mo", "del", ""),
		"version":               a.Load("model", "", "1"),
		"named by the span":     a.Named("7").Load("model", "", ""),
		"named otherwise":       a.Named("8").Load("model", "", ""),
		"of another instance":   Identify(pcommon.NewMap()).Load("model", "", ""),
		"of its named instance": Identify(pcommon.NewMap()).Named("7").Load("model", "", ""),
	} {
		assert.Empty(t, seen[load], name)
		seen[load] = name
	}
	assert.Equal(t, a.Named("7").Load("model"), a.Named("7").Load("model"))
}

func TestMemoryIsBoundedAndForgetsTheLeastRecent(t *testing.T) {
	m := NewMemory(1000)
	for i := range 1000 {
		assert.False(t, m.Reload(Load(i), 1, span(1)))
	}
	assert.True(t, m.Reload(0, 2, span(2)), "a thousand loads are remembered")
	for i := range 3000 {
		m.Reload(Load(1000+i), 3, span(3))
		assert.LessOrEqual(t, m.Len(), 2000)
		assert.True(t, m.Reload(0, 4, span(4)), "used recently")
	}
	assert.Positive(t, m.Evicted())
	assert.False(t, m.Reload(1, 5, span(5)), "forgotten")
}

// The README says what a load takes. A few bytes more or less depend on how full the map is.
func TestALoadTakesAsMuchAsDocumented(t *testing.T) {
	const loads = 10_000
	used := func() uint64 {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := used()
	m := NewMemory(loads)
	for i := range loads {
		pod := instance(t, map[string]any{
			"service.name": "inference", "service.instance.id": fmt.Sprint("9f1c2c6e-58a3-4f5e-8e0e-", i), "k8s.namespace.name": "models",
			"k8s.pod.uid": fmt.Sprint("1b0c2c6e-58a3-4f5e-8e0e-", i), "k8s.pod.name": fmt.Sprint("inference-6d5c9b7c9-", i), "k8s.container.name": "main",
		})
		m.Reload(pod.Load("tokenizer", "distilbert-base-uncased", "3"), 1, span(1))
	}
	each := float64(used()-before) / loads
	t.Logf("%.0f bytes a load", each)
	assert.InDelta(t, 50, each, 25)
	assert.Equal(t, loads, m.Len())
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
				if !m.Reload(Load(i), 1, span(byte(g+1))) {
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

func instance(t *testing.T, attrs map[string]any) Instance {
	t.Helper()
	m := pcommon.NewMap()
	require.NoError(t, m.FromRaw(attrs))
	return Identify(m)
}

func TestIdentify(t *testing.T) {
	base := instance(t, map[string]any{"service.name": "inference", "service.instance.id": "pod-1"})
	assert.Equal(t, base, instance(t, map[string]any{"service.name": "inference", "service.instance.id": "pod-1", "service.version": "2"}))
	for key, value := range map[string]any{
		"service.instance.id": "pod-2", "process.pid": int64(7), "k8s.container.restart_count": int64(1),
		"k8s.namespace.name": "other", "process.creation.time": "2026-01-01T00:00:00Z", "vllm.process_id": "77",
	} {
		attrs := map[string]any{"service.name": "inference", "service.instance.id": "pod-1"}
		attrs[key] = value
		assert.NotEqual(t, base, instance(t, attrs), key)
	}
	assert.NotEqual(t, instance(t, map[string]any{"service.name": "a", "service.instance.id": ""}), instance(t, map[string]any{"service.name": "", "service.instance.id": "a"}))
}

// The README and the runbook say so: a host distinguishes virtual machines, not the containers on them.
func TestContainersOfOneHostAreOneInstance(t *testing.T) {
	for _, key := range []string{"host.id", "host.name"} {
		container := map[string]any{"service.name": "inference", "process.pid": int64(1), key: "node-1"}
		one := instance(t, container)
		assert.Equal(t, one, instance(t, container), "the second container has nothing else")
		assert.True(t, one.Known, key)
		container[key] = "node-2"
		assert.NotEqual(t, one, instance(t, container), "another machine")
		container[key], container["container.id"] = "node-1", "c2"
		assert.NotEqual(t, one, instance(t, container), "a container that says which it is")
	}
}

// The pages that list the attributes which distinguish copies list all of it, and nothing else.
func TestDocsNameWhatTellsCopiesApart(t *testing.T) {
	for file, ends := range map[string][2]string{
		"../../README.md":                {"**Attributes that distinguish the copies of a service**: ", " on the resource."},
		"../../../../docs/vocabulary.md": {"the attributes that distinguish the copies of a service (", ")"},
	} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, rest, found := strings.Cut(string(text), ends[0])
		require.True(t, found, file)
		said, _, found := strings.Cut(rest, ends[1])
		require.True(t, found, file)
		var keys []string
		for _, key := range regexp.MustCompile("`(.+?)`").FindAllStringSubmatch(said, -1) {
			keys = append(keys, key[1])
		}
		assert.Equal(t, vocab.InstanceKeys, keys, file)
	}
}

// Copies of a service have the same name, and may have the same process ID.
func TestCopiesThatNothingTellsApartAreNotKnown(t *testing.T) {
	for key, known := range map[string]bool{
		"service.instance.id": true, "k8s.pod.uid": true, "k8s.pod.name": true, "container.id": true,
		"host.id": true, "host.name": true, "faas.instance": true,
		"service.version": false, "process.pid": false, "vllm.process_id": false, "k8s.container.name": false, "k8s.node.name": false,
	} {
		assert.Equal(t, known, instance(t, map[string]any{"service.name": "inference", key: "x"}).Known, key)
		assert.False(t, instance(t, map[string]any{"service.name": "inference", key: ""}).Known, "%s without a value", key)
	}
	assert.True(t, instance(t, nil).Named("7").Known, "the span says so")
}
