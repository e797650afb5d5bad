package suggest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestClosest(t *testing.T) {
	names := []string{"vllm", "triton", "boolean_attribute", "threshold", "ml.signal.queue_bound", "tgi"}
	for name, want := range map[string]string{
		"vlm":                     "vllm",
		"VLLM":                    "vllm",
		"treshold":                "threshold",
		"boolean_atttribute":      "boolean_attribute",
		"ml.signal.queue_bounded": "ml.signal.queue_bound",
		"tritno":                  "triton",
		"tei":                     "tgi",
		"x":                       "",
		"":                        "",
		"deepspeed":               "",
	} {
		assert.Equal(t, want, Closest(name, names), name)
	}
	assert.Equal(t, `; did you mean "vllm"?`, Hint("vlm", names))
	assert.Empty(t, Hint("deepspeed", names))
}
