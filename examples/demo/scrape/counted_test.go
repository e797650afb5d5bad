package scrape

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCounted(t *testing.T) {
	samples, err := parse([]byte("# TYPE signals counter\nsignals_total{signal=\"a\",of=\"x\"} 2\nsignals_total{signal=\"a\",of=\"y\"} 3\nsignals_total{signal=\"b\"} 7\n# EOF\n"), "application/openmetrics-text")
	require.NoError(t, err)

	counted, err := ReadCounted("starting\ncounted {\"signals_total{signal=\\\"a\\\"}\": 5, \"signals_total\": 12, \"signals_total{signal=\\\"c\\\"}\": 0}\nended\n")
	require.NoError(t, err)
	require.Len(t, counted, 3)
	require.NoError(t, counted.Is(samples))

	counted["signals_total"], counted[`signals_total{of="y"}`] = 13, 4
	assert.ErrorContains(t, counted.Is(samples), "signals_total is 12, must be 13")
	assert.ErrorContains(t, counted.Is(samples), `signals_total{of="y"} is 3, must be 4`)
	assert.Error(t, Counted{"signals_total{": 1}.Is(samples))

	_, err = ReadCounted("nothing was counted here\n")
	assert.Error(t, err)
	_, err = ReadCounted("counted {\n")
	assert.Error(t, err)
}
