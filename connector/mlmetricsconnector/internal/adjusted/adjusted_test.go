package adjusted

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCount(t *testing.T) {
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
		"ot=th:ffffffffffffff":           1 << 56,
		"ot=rv:6e6d1a75832a2f":           1,
		"ot=th:":                         1,
		"ot=th:xyz":                      1,
		"ot=th:-8":                       1,
		"ot=th:fffffffffffffff":          1, // 15 digits
		"not=th:8":                       1,
		"ot":                             1,
	} {
		require.InEpsilon(t, expected, Count(state), 1e-12, state)
	}
}
