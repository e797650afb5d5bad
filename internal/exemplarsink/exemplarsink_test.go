package exemplarsink

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

type sink struct{ name string }

func (*sink) Exemplify(ptrace.Traces) {}

func TestRegister(t *testing.T) {
	id := component.MustNewID("mlmetrics")
	_, ok := Find(id)
	assert.False(t, ok)

	first, second := &sink{"first"}, &sink{"second"}
	endFirst := Register(id, first)
	endSecond := Register(id, second) // a reload that begins before the old one has ended
	endFirst()
	found, ok := Find(id)
	assert.True(t, ok)
	assert.Same(t, second, found)
	_, ok = Find(component.MustNewIDWithName("mlmetrics", "other"))
	assert.False(t, ok)
	endSecond()
	_, ok = Find(id)
	assert.False(t, ok)
}
