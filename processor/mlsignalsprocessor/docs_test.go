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
	require.Contains(t, string(page), fmt.Sprintf("at most %d moments", dialect.MaxTimePoints))
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
	"signals::high_queue_wait::threshold":    "queue wait from which on it is high",
	"signals::feature_cascade::enabled":      "set `ml.signal.feature_cascade`",
	"signals::feature_cascade::db_share":     "share of the span, 0 to 1, from which on a database lookup is a cascade",
	"signals::features_unavailable::enabled": "set `ml.signal.features_unavailable`",
	"signals::revalidated::enabled":          "set `ml.signal.revalidated`",
	"signals::revalidated::attempts":         "validations from which on an output was revalidated",
	"signals::cold_start::enabled":           "set `ml.signal.cold_start` and `ml.cold_start.*`",
	"signals::cold_start::min_duration":      "a load that took less is no cold start",
	"signals::cold_start::span_names":        "names of spans that load a component, where no built-in dialect but `ml` describes the span; what the `*` stands for is the component",
	"signals::cold_start::components":        "words in one of which the name ends that the `*` stands for, so that `load_features` and `page_load` are no cold starts; any name does if `[]`, or if only `span_names` is set",
	"genai_conventions":                      "write what is known of a call of a model as `gen_ai.*` too, where the span does not have it",
	"dialects":                               "built-in dialects in use, such as `[ml, vllm]`; all if not set, none if `[]`",
	"custom_dialects":                        "your own dialects, see below",
	"reload_memory::max_components":          "loads of components that are remembered, over all instances",
	"join::max_spans":                        "spans of each kind of pair that are remembered because the other one is still to come, and as many with reads of caches and databases below them; 32 at least",
	"join::ttl":                              "how long such a span is remembered at least, and at most twice as long",
}
