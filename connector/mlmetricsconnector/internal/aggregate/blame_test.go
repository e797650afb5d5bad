package aggregate

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// TestBlame has the same label values overflow for an hour, then one that does not: the label stays to blame as long as
// its values come, and no longer than that.
func TestBlame(t *testing.T) {
	clock := newFakeClock()
	a := New(calls(), Options{Now: clock.Now, SeriesLimit: 20})
	names := make([]string, 4000)
	for i := range names {
		names[i] = fmt.Sprint("span ", i)
	}
	values := func(names ...string) (n uint64) {
		a.Consume(spansNamed(names...))
		clock.advance(15 * time.Second)
		_, err := a.Flush(func(pmetric.Metrics) error { return nil })
		require.NoError(t, err)
		a.TakeCounts(func(c *Counts) { n = c.LabelValues[0][0] })
		return n
	}
	for range 4 * 60 {
		require.InEpsilon(t, len(names), values(names...), 0.15)
	}
	fell := false
	for range 4 * 21 {
		fell = values(names[0]) <= 21
	}
	require.True(t, fell)
}
