// Package coldstart recognises spans that load or initialise a component by
// their names, and remembers which loads are reloads.
//
// Names finds the component in a span's name. Identify returns the instance (the
// process) of a resource, Instance.Load the identity of a load, and Memory.Reload
// whether that load happened before. Names does not change; Memory is bounded.
// Both may be used concurrently.
package coldstart

import (
	"slices"
	"strings"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/pattern"
)

// DefaultSpanNames are the names under which services load components.
var DefaultSpanNames = []string{
	"*_init", "*_load", "*_warmup", "*_cold_start",
	"*.init", "*.load", "*.warmup",
	"init_*", "load_*", "warmup_*", "warm_up_*", "initialize_*",
}

// DefaultComponents are words for the components of model servers.
var DefaultComponents = []string{
	"model", "tokenizer", "scaler", "preprocessor", "vectorizer", "encoder", "decoder", "embedder", "embedding", "classifier",
	"weights", "checkpoint", "engine", "pipeline", "index", "adapter", "lora", "transformer", "processor", "predictor",
	"ranker", "reranker", "detector", "ensemble", "vocabulary", "vocab", "kv_cache", "cuda", "gpu",
}

// others are words that exclude a name, because it is of something else than a
// component of a model server: a data pipeline, the engine of a database.
var others = []string{
	"data", "dataset", "datasets", "database", "db", "sql", "etl", "batch", "page", "file", "files", "table", "search",
	"test", "tests", "ci", "build", "deploy", "payment", "template", "view", "game", "query", "domain",
}

// Names finds the component in the name of a span.
type Names struct {
	patterns   []pattern.Pattern
	index      *pattern.Index
	components []string
}

// NewNames compiles patterns such as *_init, where the * stands for the
// component. Its name must end in one of the components, unless there are none.
func NewNames(patterns, components []string) (*Names, error) {
	n := &Names{components: components}
	for _, text := range patterns {
		p, err := pattern.Parse(text)
		if err != nil {
			return nil, err
		}
		n.patterns = append(n.patterns, p)
	}
	n.index = pattern.NewIndex(n.patterns)
	return n, nil
}

// Component returns the component that a span of this name loads, "" for none.
// The first pattern of the list that matches counts. A name that matches a
// pattern without a star is itself the component.
func (n *Names) Component(span string) string {
	first := len(n.patterns)
	n.index.Each(span, func(i int) { first = min(first, i) })
	if first == len(n.patterns) {
		return ""
	}
	p := n.patterns[first]
	if p.Exact() {
		return span
	}
	component := p.Capture(span)
	if component == "" || !n.known(component) {
		return ""
	}
	return component
}

// known reports whether the name is that of a component, such as feature_scaler, bert_model_v2 or tokenizers.
func (n *Names) known(name string) bool {
	if len(n.components) == 0 {
		return true
	}
	words := slices.Collect(pattern.Words(name))
	if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(others, w) }) {
		return false
	}
	for len(words) > 1 && isVersion(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	name = strings.Join(words, "_")
	for _, c := range n.components {
		if whole := strings.TrimSuffix(name, "s"); name == c || whole == c || strings.HasSuffix(name, "_"+c) || strings.HasSuffix(whole, "_"+c) {
			return true
		}
	}
	return false
}

// isVersion reports whether a word is a version, such as v2 or 3.
func isVersion(word string) bool {
	word = strings.TrimPrefix(word, "v")
	return word != "" && strings.Trim(word, "0123456789") == ""
}
