package rules

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// TestLongNamesAreNotCached: the caches of names are limited in bytes, and a name that is not cached matches as others do.
func TestLongNamesAreNotCached(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - {name: named, match: {scopes: ["lib*"], span_names: ["infer*"]}, stage: inference}
`)
	sc, out := s.NewScratch(), &Outcome{}
	s.Resource(pcommon.NewMap(), sc)
	longest := strings.Repeat("x", maxNameBytes-len("infer"))
	names := []string{"infer" + longest, "infer" + longest + "x", "other" + longest + "x", "infer"}
	for range 3 {
		for _, name := range names {
			s.Scope("lib"+name, sc)
			span := newSpan(t, name, nil)
			s.Apply(span, sc, out)
			sc.Write(span.Attributes())
			_, stage := span.Attributes().Get("ml.stage")
			assert.Equal(t, strings.HasPrefix(name, "infer"), stage, name)
		}
		sc.Forget()
	}
	assert.Len(t, sc.names, 2, "the two names up to the limit")
	for name := range sc.scopes {
		assert.LessOrEqual(t, len(name), maxNameBytes)
	}
	assert.Contains(t, sc.scopes, "libinfer")
}
