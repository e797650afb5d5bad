package wholetrace

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExtent(t *testing.T) {
	assert.Equal(t, Unknown, From(context.Background()))
	for _, e := range []Extent{Whole, Late, Passed} {
		assert.Equal(t, e, From(With(context.Background(), e)))
	}
}
