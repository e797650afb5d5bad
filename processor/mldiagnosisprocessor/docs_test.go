package mldiagnosisprocessor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mldiagnosisprocessor/internal/cause"
)

// documented are the attributes that the processor adds.
var documented = []struct {
	key, kind, meaning string
}{
	{vocab.DiagnosisBottleneck, "string", "what most of the time went to: `" + strings.Join(cause.Names[:], "`, `") + "`"},
	{vocab.DiagnosisShare, "double", "its share of the request's duration, 0 to 1"},
	{vocab.DiagnosisCauses, "string array", "all causes with at least `min_share` of the time, largest first, and those that a signal on the critical path names, however small; `other` only if it is the largest"},
	{vocab.DiagnosisSharesPrefix + "*", "double", "the share of each cause that has one, such as `ml.diagnosis.shares.gpu_queue`; together they are 1"},
	{vocab.DiagnosisCriticalPath, "string array", "names of the spans that the request waited for, in the order of time, the root first; a run of one name once"},
	{vocab.DiagnosisUndivided, "bool", "`true` where at least `min_share` is inference that counts as `gpu_compute` but does not tell wait from compute"},
	{vocab.DiagnosisClockSkew, "bool", "`true` where the clock of a service was off and its spans were moved to where they fit; shares are estimates then"},
	{vocab.DiagnosisPartial, "bool", "`true` where spans are missing, see below"},
}

// TestREADME fails where the page differs from the code. `go test -update` writes it.
func TestREADME(t *testing.T) {
	var b strings.Builder
	b.WriteString("| Attribute | Type | Meaning |\n|---|---|---|\n")
	for _, d := range documented {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", d.key, d.kind, d.meaning)
	}
	golden.EqualSchema(t, "config.schema.json", createDefaultConfig(), settingMeanings)
	golden.EqualSections(t, "README.md", map[string]string{
		"attributes": b.String(),
		"settings":   golden.SettingsTable(t, createDefaultConfig(), settingMeanings),
	})
}

// TestDocumentedAttributes: what is documented is what is set, with that type.
func TestDocumentedAttributes(t *testing.T) {
	out := diagnosed(t, traces(t, traceA,
		s{name: "root", to: 100},
		s{name: "chat", parent: "root", from: 10, to: 60, attrs: stage("inference")},
		s{name: "lost", parent: "nobody", service: "off", from: 1000, to: 1010},
	))
	set := map[string]string{}
	for key, value := range find(t, out, "root").Attributes().All() {
		if strings.HasPrefix(key, vocab.DiagnosisSharesPrefix) {
			key = vocab.DiagnosisSharesPrefix + "*"
		}
		set[key] = kindOf(value)
	}
	want := map[string]string{}
	for _, d := range documented {
		want[d.key] = d.kind
	}
	assert.Equal(t, want, set)
}

func kindOf(v pcommon.Value) string {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return "string"
	case pcommon.ValueTypeSlice:
		return kindOf(v.Slice().At(0)) + " array"
	default:
		return strings.ToLower(v.Type().String())
	}
}

// settingMeanings has a line for each setting of the README.
var settingMeanings = map[string]string{
	"min_share":                "share of the request, 0 to 1, from which on a cause is listed in `ml.diagnosis.causes`",
	"undivided_inference":      "what the time of an inference counts as that does not tell wait from compute: `gpu_compute` or `other`",
	"without_root":             "which span may stand for a root that did not come, if it is the only one on top: `none`, `request` (one of stage `request`, or the server span around it), or `any`",
	"critical_path::max_spans": "spans that `ml.diagnosis.critical_path` names at most, those with the most time",
	"clock_skew::tolerance":    "by how much of the request, 0 to 0.5, a span may lie outside of its parent before a clock is said to be off",
	"late_spans::max_traces":   "traces that are remembered to tell late spans from traces; at least the last half of them",
}
