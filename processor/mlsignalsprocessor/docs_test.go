package mlsignalsprocessor

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/dialects"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
)

// TestREADME and TestDialectsPage fail where the pages differ from the code. `go test -update` writes them.
func TestREADME(t *testing.T) {
	golden.EqualSchema(t, "config.schema.json", createDefaultConfig(), settingMeanings)
	golden.EqualSections(t, "README.md", map[string]string{
		"settings": golden.SettingsTable(t, createDefaultConfig(), settingMeanings),
	})
}

func TestDialectsPage(t *testing.T) {
	builtin, err := dialects.All()
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString("| Dialect | System | Versions |\n|---|---|---|\n")
	for _, d := range builtin {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", d.Name, d.Name, d.Title, d.Versions)
	}
	for _, d := range builtin {
		describe(&b, d)
	}
	golden.EqualSections(t, "../../docs/dialects.md", map[string]string{"list": b.String()})

	page, err := os.ReadFile("../../docs/dialects.md")
	require.NoError(t, err)
	require.Contains(t, string(page), fmt.Sprintf("at most %d time points", dialect.MaxTimePoints))
}

// describe writes the part of one dialect: what it is about, what it derives of
// which spans, and where that is known from.
func describe(b *strings.Builder, d *dialect.Dialect) {
	fmt.Fprintf(b, "\n## %s\n\n%s: %s\n", d.Name, d.Title, strings.TrimSpace(d.About))
	b.WriteString("\n| Spans | Stage | Sets | Marks |\n|---|---|---|---|\n")
	for i := range d.Rules {
		r := &d.Rules[i]
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", r.Name, stageOf(r), keysSet(r), marks(r))
	}
	fmt.Fprintf(b, "\nRules: [%s.yaml](../processor/mlsignalsprocessor/dialects/%s.yaml). Sources:\n\n", d.Name, d.Name)
	for _, s := range d.Sources {
		if strings.HasPrefix(s, "http") {
			s = "<" + s + ">"
		}
		fmt.Fprintf(b, "- %s\n", s)
	}
}

func stageOf(r *dialect.Rule) string {
	if r.StageFrom != nil {
		return "by the task's name"
	}
	return strings.ReplaceAll(r.Stage, "_", " ")
}

func keysSet(r *dialect.Rule) string {
	var keys []string
	add := func(sets []dialect.Assignment, note string) {
		for _, s := range sets {
			if key := "`" + s.To + "`" + note; !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	add(r.Set, "")
	if r.Join != nil {
		add(r.Join.Set, " (with its "+r.Join.Relation+")")
	}
	if r.Lookup == dialect.DatabaseLookup {
		keys = append(keys, "`"+vocab.FeaturesDBLookup+"` (of a span above)")
	}
	return strings.Join(keys, ", ")
}

func marks(r *dialect.Rule) string {
	var all []string
	for _, s := range r.Signals {
		all = append(all, "`"+vocab.SignalPrefix+s+"`")
	}
	if r.ColdStart != nil {
		all = append(all, "`"+vocab.SignalColdStart+"`")
	}
	return strings.Join(all, ", ")
}

func TestEveryDialectSaysWhereItIsFrom(t *testing.T) {
	builtin, err := dialects.All()
	require.NoError(t, err)
	for _, d := range builtin {
		require.NotEmpty(t, d.Title, d.Name)
		require.NotEmpty(t, d.About, d.Name)
		require.NotEmpty(t, d.Versions, d.Name)
		require.NotEmpty(t, d.Sources, d.Name)
	}
}

// settingMeanings has a line for each setting of the README.
var settingMeanings = map[string]string{
	"signals::queue_bound::enabled":          "set `ml.signal.queue_bound`",
	"signals::queue_bound::ratio":            "queue wait / forward pass above which a span is queue bound",
	"signals::high_queue_wait::enabled":      "set `ml.signal.high_queue_wait`",
	"signals::high_queue_wait::threshold":    "smallest queue wait that counts as high",
	"signals::feature_cascade::enabled":      "set `ml.signal.feature_cascade`",
	"signals::feature_cascade::db_share":     "smallest share of the span's duration, 0 to 1, at which a database lookup counts as a cascade",
	"signals::features_unavailable::enabled": "set `ml.signal.features_unavailable`",
	"signals::revalidated::enabled":          "set `ml.signal.revalidated`",
	"signals::revalidated::attempts":         "smallest number of validations that counts as a revalidation",
	"signals::cold_start::enabled":           "set `ml.signal.cold_start` and `ml.cold_start.*`",
	"signals::cold_start::min_duration":      "shortest load that counts as a cold start",
	"signals::cold_start::span_names":        "names of spans that load a component, if no built-in dialect but `ml` describes the span; the part that `*` matches is the component",
	"signals::cold_start::components":        "words of which one must end the component's name, so that `load_features` and `page_load` are not cold starts; `[]`, or only `span_names` set: any name",
	"genai_conventions":                      "add the `gen_ai.*` attributes to calls of models, unless the span has them",
	"dialects":                               "built-in dialects to enable, such as `[ml, vllm]`; not set: all; `[]`: none",
	"custom_dialects":                        "your own dialects, see below",
	"reload_memory::max_components":          "number of component loads that are remembered, over all instances",
	"join::max_spans":                        "number of spans of each kind of pair that are remembered until the other span arrives, and number of spans above reads of caches and databases; at least 32",
	"join::ttl":                              "shortest time that such a span is remembered; the longest is twice as long",
}
