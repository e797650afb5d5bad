package rules

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/processor/mlsignalsprocessor/internal/dialect"
)

func TestShortSpansAreNoLoadWhereTheRuleAsksForLongOnes(t *testing.T) {
	for _, tc := range []struct {
		name     string
		duration time.Duration
		minMS    float64
		cold     bool
	}{
		{"short", 499 * time.Millisecond, 500, false},
		{"just long enough", 500 * time.Millisecond, 500, true},
		{"long", 8 * time.Second, 500, true},
		{"no minimum", 0, 0, true},
		{"ends before it starts", -time.Millisecond, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &dialect.Dialect{Name: "activator", Rules: []dialect.Rule{{
				Name: "wait", Match: dialect.Match{SpanNames: []string{"throttler_try"}},
				ColdStart: &dialect.ColdStart{Component: "pod", MinMS: tc.minMS},
			}}}
			require.Empty(t, d.Problems())
			set := Compile([]*dialect.Dialect{d}, Options{})

			span := ptrace.NewSpan()
			span.SetName("throttler_try")
			start := time.Unix(1_700_000_000, 0)
			span.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
			span.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(tc.duration)))
			sc, out := set.NewScratch(), Outcome{}
			set.Resource(pcommon.NewMap(), sc)
			set.Scope("", sc)
			set.Apply(span, sc, &out)

			assert.Equal(t, tc.cold, out.Cold)
			assert.Zero(t, out.Dialect, "the span is recognised either way")
		})
	}
}

func TestAMinimumBelowZeroIsRefused(t *testing.T) {
	d := &dialect.Dialect{Name: "d", Rules: []dialect.Rule{{
		Name: "r", Match: dialect.Match{SpanNames: []string{"x"}}, ColdStart: &dialect.ColdStart{MinMS: -1},
	}}}
	assert.ErrorContains(t, errors.Join(d.Problems()...), "cold_start::min_ms: found -1, must be at least 0 (milliseconds)")
}
