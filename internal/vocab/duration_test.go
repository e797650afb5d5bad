package vocab

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestDuration(t *testing.T) {
	now := pcommon.Timestamp(1_790_000_000 * time.Second)
	for name, tc := range map[string]struct {
		start, end pcommon.Timestamp
		ms         float64
		lasting    Lasting
	}{
		"a span":                       {now, now + 1_500_000, 1.5, Lasts},
		"no time at all":               {now, now, 0, Lasts},
		"a training run of a month":    {now, now + pcommon.Timestamp(31*24*time.Hour), 31 * 24 * 3600e3, Lasts},
		"a device whose clock is at 0": {5e9, 6e9, 1000, Lasts},
		"ten years":                    {now, now + pcommon.Timestamp(Longest), LongestMS, Lasts},
		"longer":                       {now, now + pcommon.Timestamp(Longest) + 1, 0, TooLong},
		"a start near zero":            {5, now, 0, TooLong},
		"an end of 2^64-1":             {now, math.MaxUint64, 0, TooLong},
		"no start":                     {0, now, 0, NoStart},
		"neither start nor end":        {0, 0, 0, NoStart},
		"no end":                       {now, 0, 0, EndsBeforeStart},
		"an end before the start":      {now, now - 1, 0, EndsBeforeStart},
	} {
		ms, lasting := Duration(tc.start, tc.end)
		assert.Equal(t, tc.lasting, lasting, name)
		assert.Equal(t, tc.ms, ms, name)
	}
}

func TestBoolsAsText(t *testing.T) {
	for text, want := range map[string]string{
		"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false",
		"": "", "yes": "yes", "1": "1", "tRUE": "tRUE",
	} {
		assert.Equal(t, want, BoolText(text))
		_, ok := ParseBool(text)
		assert.Equal(t, want == "true" || want == "false", ok, text)
	}
}

func TestHasPipeline(t *testing.T) {
	m := pcommon.NewMap()
	assert.False(t, HasPipeline(m))
	m.PutStr(PipelineName, "")
	assert.False(t, HasPipeline(m))
	m.PutStr(PipelineName, "recommendation")
	assert.True(t, HasPipeline(m))
}
