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
	{vocab.DiagnosisBottleneck, "string", "the cause with the most time: `" + strings.Join(cause.Names[:], "`, `") + "`"},
	{vocab.DiagnosisShare, "double", "its share of the request's duration, 0 to 1"},
	{vocab.DiagnosisCauses, "string array", "all causes with at least `min_share` of the time, largest first, and those that a signal on the critical path names, however small; `other` only if it is the largest"},
	{vocab.DiagnosisSharesPrefix + "*", "double", "the share of each cause that has one, such as `ml.diagnosis.shares.gpu_queue`; together they are 1"},
	{vocab.DiagnosisCriticalPath, "string array", "names of the spans that the request waited for, in chronological order, the root first; consecutive equal names once"},
	{vocab.DiagnosisUndivided, "bool", "`true` if at least `min_share` is inference that counts as `gpu_compute` but reports neither wait nor compute"},
	{vocab.DiagnosisClockSkew, "bool", "`true` if the clock of a service was off and its spans were shifted for the analysis; shares are then estimates"},
	{vocab.DiagnosisPartial, "bool", "`true` if spans are missing, see below"},
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
	"min_share":                "smallest share of the request, 0 to 1, with which a cause is listed in `ml.diagnosis.causes`",
	"undivided_inference":      "cause of an inference that reports neither wait nor compute: `gpu_compute` or `other`",
	"without_root":             "which span replaces a missing root, if it is the only top span: `none`, `request` (one of stage `request`, or the server span around it), or `any`",
	"critical_path::max_spans": "most spans that `ml.diagnosis.critical_path` names; those with the most time are named",
	"clock_skew::tolerance":    "share of the request, 0 to 0.5, that a span may lie outside its parent before its clock is considered off",
	"late_spans::max_traces":   "number of traces that are remembered to detect late spans; at least the latest half of them is remembered",
}
