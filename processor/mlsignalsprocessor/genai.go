package mlsignalsprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/rules"
	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/values"
)

// genAIKeys maps attributes of the vocabulary to those of the GenAI conventions.
var genAIKeys = []struct {
	key string
	of  int
	// over is the divisor from milliseconds to the unit of the convention, 0 for none.
	over float64
}{
	{key: vocab.GenAIRequestModel, of: values.ModelName},
	{key: vocab.GenAIInputTokens, of: values.InputTokens},
	{key: vocab.GenAIOutputTokens, of: values.OutputTokens},
	{key: vocab.GenAICacheReadTokens, of: vocab.Index(vocab.CachedTokens)},
	{key: vocab.GenAICacheCreationTokens, of: vocab.Index(vocab.CacheWriteTokens)},
	{key: vocab.GenAIReasoningTokens, of: vocab.Index(vocab.ReasoningTokens)},
	{key: vocab.GenAITimeToFirstChunk, of: values.TimeToFirstToken, over: 1000},
}

// unknownOperation is the operation of a call that generates tokens and may or
// may not be a chat: backends recognise calls of models by their operation.
const unknownOperation = "generate_content"

// writeGenAI adds the attributes of the GenAI conventions to a call of a model,
// unless the span has them.
func (w *worker) writeGenAI(span ptrace.Span) {
	sc, attrs := w.scratch, span.Attributes()
	if !sc.Known.Has(values.Stage) || sc.Text[values.Stage] != vocab.StageInference || !sc.Known.Meets(&tokens) {
		return
	}
	for i := range genAIKeys {
		g := &genAIKeys[i]
		if !sc.Known.Has(g.of) || has(attrs, g.key) {
			continue
		}
		a := &vocab.Attributes[g.of]
		switch {
		case a.Type == vocab.String:
			v, _ := attrs.Get(a.Key) // already written; read before the map grows
			text := v.Str()
			attrs.PutStr(g.key, text)
		case g.over != 0:
			attrs.PutDouble(g.key, sc.Number[g.of]/g.over)
		default:
			attrs.PutInt(g.key, int64(sc.Number[g.of]))
		}
	}
	if !has(attrs, vocab.GenAIOperation) && sc.Known.Has(values.OutputTokens) && sc.Number[values.OutputTokens] > 0 {
		attrs.PutStr(vocab.GenAIOperation, unknownOperation)
	}
	if !has(attrs, vocab.GenAIProvider) {
		if system, ok := attrs.Get(vocab.GenAISystem); ok {
			attrs.PutStr(vocab.GenAIProvider, system.AsString())
		} else if w.out.Dialect != rules.None && w.out.Dialect != w.rules.Vocabulary {
			attrs.PutStr(vocab.GenAIProvider, w.rules.Dialects[w.out.Dialect])
		}
	}
}

func has(attrs pcommon.Map, key string) bool {
	_, ok := attrs.Get(key)
	return ok
}
