package truth

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestQuantile(t *testing.T) {
	bounds := []float64{1, 2, 4}
	for name, test := range map[string]struct {
		q      float64
		values []float64
		want   float64
	}{
		"half of one bucket":                {0.5, []float64{0.1, 0.2}, 0.5},
		"a bound belongs to its bucket":     {1, []float64{2}, 2},
		"inside the second bucket":          {0.75, []float64{0.5, 0.5, 1.5, 1.5}, 1.5},
		"beyond the last bound, that bound": {0.9, []float64{9, 9}, 4},
		"an empty bucket is passed over":    {0.5, []float64{3, 3}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			assert.InDelta(t, test.want, Quantile(test.q, test.values, bounds), 1e-12)
		})
	}
}
