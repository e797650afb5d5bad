package observe

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAdjustedCount(t *testing.T) {
	for state, expected := range map[string]float64{
		"":                               1,
		"ot=th:0":                        1,  // everything was kept
		"ot=th:8":                        2,  // one half
		"ot=th:c":                        4,  // one quarter
		"ot=th:f":                        16, // one in 16
		"ot=th:fd70a":                    1 / (1 - float64(0xfd70a)/(1<<20)),
		"ot=rv:6e6d1a75832a2f;th:c":      4,
		"vendor=x:1;th:f , ot=th:c;rv:0": 4,
		"rojo=1,ot=th:8":                 2,
		"ot=th:ffffff":                   maxWeight,
		"ot=rv:6e6d1a75832a2f":           1,
		"not=th:8":                       1,
		"ot":                             1,
	} {
		count, ok := adjustedCount(state)
		require.True(t, ok, state)
		require.InEpsilon(t, expected, count, 1e-12, state)
	}
	for _, state := range []string{
		"ot=th:", "ot=th:xyz", "ot=th:-8",
		"ot=th:fffffffffffffff", // 15 digits
		"ot=th:ffffff8",         // more than maxWeight
		"ot=th:ffffffffffffff",
	} {
		count, ok := adjustedCount(state)
		require.False(t, ok, state)
		require.Equal(t, 1.0, count, state)
	}
}
