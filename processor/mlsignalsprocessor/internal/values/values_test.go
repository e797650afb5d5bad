package values

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

func TestVocabularyFitsTheMasks(t *testing.T) {
	assert.LessOrEqual(t, len(vocab.Attributes), Size)
}

func value(raw any) pcommon.Value {
	v := pcommon.NewValueEmpty()
	if err := v.FromRaw(raw); err != nil {
		panic(err)
	}
	return v
}

func TestReadAndWriteCoerce(t *testing.T) {
	for _, tc := range []struct {
		name    string
		key     string
		in      any
		out     any
		invalid bool
	}{
		{"double stays", vocab.QueueWait, 580.5, 580.5, false},
		{"int in a double's place", vocab.QueueWait, int64(580), 580.0, false},
		{"text in a double's place", vocab.QueueWait, "580.25", 580.25, false},
		{"zero", vocab.QueueWait, 0.0, 0.0, false},
		{"NaN", vocab.QueueWait, math.NaN(), math.NaN(), true},
		{"infinite", vocab.QueueWait, math.Inf(1), math.Inf(1), true},
		{"infinite text", vocab.QueueWait, "Inf", "Inf", true},
		{"NaN text", vocab.QueueWait, "nan", "nan", true},
		{"negative duration", vocab.QueueWait, -1.0, -1.0, true},
		{"ten years", vocab.QueueWait, vocab.LongestMS, vocab.LongestMS, false},
		{"a wait since 1970", vocab.QueueWait, 1.79e12, 1.79e12, true},
		{"more than the universe is old", vocab.QueueWait, 1e300, 1e300, true},
		{"memory that no GPU has", vocab.GPUMemoryAllocated, 1e300, 1e300, true},
		{"share over one", vocab.FeaturesDBShare, 1.5, 1.5, true},
		{"words", vocab.QueueWait, "slow", "slow", true},
		{"bool in a double's place", vocab.QueueWait, true, true, true},
		{"list", vocab.QueueWait, []any{1.0}, []any{1.0}, true},
		{"empty", vocab.QueueWait, nil, nil, true},
		{"rate above one", vocab.FeaturesHitRate, 1.5, 1.5, true},
		{"negative loss is a loss", vocab.EvaluationLoss, int64(-3), -3.0, false},
		{"int stays", vocab.BatchSize, int64(8), int64(8), false},
		{"integral double in an int's place", vocab.BatchSize, 8.0, int64(8), false},
		{"fraction in an int's place", vocab.BatchSize, 8.5, 8.5, true},
		{"text in an int's place", vocab.BatchSize, "8", int64(8), false},
		{"integral double as text", vocab.BatchSize, "8.0", int64(8), false},
		{"the largest text", vocab.InputSizeBytes, "1000000000000000", int64(1e15), false},
		{"larger than there are", vocab.InputSizeBytes, "9007199254740993", "9007199254740993", true},
		{"too large", vocab.InputSizeBytes, 1e300, 1e300, true},
		{"2^63", vocab.InputSizeBytes, 9223372036854775808.0, 9223372036854775808.0, true},
		{"negative count", vocab.BatchSize, int64(-1), int64(-1), true},
		{"bool stays", vocab.OutputValid, true, true, false},
		{"true as text", vocab.OutputValid, "true", true, false},
		{"false as text", vocab.OutputValid, "false", false, false},
		{"true as Python writes it", vocab.OutputValid, "True", true, false},
		{"false as Python writes it", vocab.OutputValid, "False", false, false},
		{"true in capitals", vocab.OutputValid, "TRUE", true, false},
		{"false in capitals", vocab.OutputValid, "FALSE", false, false},
		{"other text in a bool's place", vocab.OutputValid, "yes", "yes", true},
		{"number in a bool's place", vocab.OutputValid, int64(1), int64(1), true},
		{"string stays", vocab.DeviceID, "0", "0", false},
		{"int in a string's place", vocab.DeviceID, int64(0), "0", false},
		{"map in a string's place", vocab.DeviceID, map[string]any{"id": int64(0)}, map[string]any{"id": int64(0)}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			attrs := pcommon.NewMap()
			value(tc.in).CopyTo(attrs.PutEmpty(tc.key))
			v, _ := attrs.Get(tc.key)
			i := vocab.Index(tc.key)

			var r Values
			r.Read(i, v)
			r.Write(attrs)

			assert.Equal(t, tc.invalid, r.Invalid.Has(i))
			assert.Equal(t, !tc.invalid, r.Known.Has(i))
			got, _ := attrs.Get(tc.key)
			if f, ok := tc.out.(float64); ok && math.IsNaN(f) {
				assert.True(t, math.IsNaN(got.Double()))
				return
			}
			assert.Equal(t, tc.out, got.AsRaw())
		})
	}
}

func TestFirstOfADoubleKeyCounts(t *testing.T) {
	i := vocab.Index(vocab.QueueWait)
	var r Values
	r.Read(i, value("text"))
	r.Read(i, value(3.0))
	assert.True(t, r.Invalid.Has(i))
	assert.False(t, r.Known.Has(i))
}

func TestFillNeverReplaces(t *testing.T) {
	for name, had := range map[string]any{"a value": 5.0, "an unreadable value": "fast"} {
		t.Run(name, func(t *testing.T) {
			attrs := pcommon.NewMap()
			value(had).CopyTo(attrs.PutEmpty(vocab.QueueWait))
			v, _ := attrs.Get(vocab.QueueWait)
			i := vocab.Index(vocab.QueueWait)
			var r Values
			r.Read(i, v)
			r.Fill(i, 7)
			r.Borrow(i, 8)
			r.Write(attrs)
			got, _ := attrs.Get(vocab.QueueWait)
			assert.Equal(t, had, got.AsRaw())
		})
	}
}

func TestFillKeepsToTheRange(t *testing.T) {
	attrs := pcommon.NewMap()
	var r Values
	r.Fill(vocab.Index(vocab.QueueWait), -1)
	r.Fill(vocab.Index(vocab.FeaturesHitRate), math.NaN())
	r.Write(attrs)
	assert.Zero(t, attrs.Len())
}

func TestBorrowedIsReadButNotWritten(t *testing.T) {
	attrs := pcommon.NewMap()
	i := vocab.Index(vocab.ForwardPass)
	var r Values
	r.Borrow(i, 20)
	f, ok := r.Get(i)
	assert.True(t, ok)
	assert.Equal(t, 20.0, f)
	r.Write(attrs)
	assert.Zero(t, attrs.Len())
}

// A reading is used for one span after another: what the span before had must not show.
func TestResetForgetsTheSpanBefore(t *testing.T) {
	i := vocab.Index(vocab.ValidationAttempts)
	var r Values
	r.Read(i, pcommon.NewValueInt(3))
	r.Reset()
	f, ok := r.Get(i)
	assert.False(t, ok)
	assert.Zero(t, f)
}

func TestTextOf(t *testing.T) {
	model, component := vocab.Index(vocab.ModelName), vocab.Index(vocab.ColdStartComponent)
	for name, tc := range map[string]struct {
		i       int
		sent    any
		derived string
		want    string
	}{
		"sent":                     {model, "ranker", "", "ranker"},
		"sent, read before":        {component, "tokenizer", "", "tokenizer"},
		"a number":                 {model, int64(7), "", "7"},
		"derived":                  {model, nil, "ranker", "ranker"},
		"sent, and derived anyway": {model, "ranker", "other", "ranker"},
		"no text":                  {model, []any{"a"}, "", ""},
		"none":                     {model, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			attrs := pcommon.NewMap()
			var r Values
			r.FillText(tc.i, "of the span before")
			r.Reset()
			if tc.sent != nil {
				value(tc.sent).CopyTo(attrs.PutEmpty(vocab.Attributes[tc.i].Key))
				v, _ := attrs.Get(vocab.Attributes[tc.i].Key)
				r.Read(tc.i, v)
			}
			if tc.derived != "" {
				r.FillText(tc.i, tc.derived)
			}
			assert.Equal(t, tc.want, r.TextOf(tc.i, attrs))
		})
	}
}
