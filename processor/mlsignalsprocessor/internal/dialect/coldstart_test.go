package dialect

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMistakesInAColdStart(t *testing.T) {
	for text, says := range map[string]string{
		"{component: a, component_from: b}":          "cold_start: found component and component_from, must be one of them",
		"{min_ms: -1}":                               "cold_start::min_ms: found -1, must be at least 0 (milliseconds)",
		"{min_ms: .nan}":                             "cold_start::min_ms: found NaN, must be at least 0 (milliseconds)",
		"{duration: {}}":                             "cold_start::duration: found 0 sources",
		"{reload: false}":                            "cold_start::reload: found false, must be unknown or left out",
		"{reload: [unknown]}":                        "cold_start::reload: found a list, must be unknown or left out",
		"{reload: never}":                            `cold_start::reload: found "never", must be unknown or left out`,
		"{component_from: \"mod*\"}":                 `cold_start::component_from: found "mod*"`,
		"{component_from: \"\"}":                     `cold_start::component_from: found ""`,
		"{instance_from: [worker, \"w*\"]}":          `cold_start::instance_from[1]: found "w*"`,
		"{instance_from: [\"\"]}":                    `cold_start::instance_from[0]: found ""`,
		"{instance_from: \"a,b\"}":                   `cold_start::instance_from: found "a,b", must be a list`,
		"{reload: unknown, instance_from: [worker]}": "cold_start::instance_from: found beside reload: unknown",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := Parse("d.yaml", []byte("name: d\nrules: [{name: r, match: {span_names: [x]}, cold_start: "+text+"}]"))
			assert.ErrorContains(t, err, says)
		})
	}
	for _, text := range []string{"{}", "{reload: unknown}", "{component: a, instance_from: [worker, process]}"} {
		_, err := Parse("d.yaml", []byte("name: d\nrules: [{name: r, match: {span_names: [x]}, cold_start: "+text+"}]"))
		require.NoError(t, err, text)
	}
}
