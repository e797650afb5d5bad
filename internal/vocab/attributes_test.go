package vocab

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCountsFitDoubles: counts are derived and compared as doubles, which hold whole numbers up to 2^53.
func TestCountsFitDoubles(t *testing.T) {
	for _, a := range Attributes {
		if a.Type == Int {
			assert.LessOrEqual(t, a.Max, float64(1<<53), a.Key)
		}
	}
}
