package rules

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Conditions are timed apart by what they say, however it is written.
func TestConditionsThatReadAlike(t *testing.T) {
	s := compile(t, 0, `
name: d
rules:
  - {name: one name, match: {span_names: [load model]}, stage: inference}
  - {name: two names, match: {span_names: [load, model]}, stage: training}
  - {name: one value, match: {attributes: {k: [a b]}}, stage: request}
  - {name: two values, match: {attributes: {k: [a, b]}}, stage: evaluation}
  - {name: short key, match: {attributes: {x: yz}}, stage: tokenization}
  - {name: long key, match: {attributes: {xy: z}}, stage: deployment}
  - {name: number, match: {attributes: {n: 1.0e6}}, stage: batch_assembly}
  - {name: quoted, match: {attributes: {n: "1e+06"}}, stage: data_ingestion}
`)
	for _, tc := range []struct {
		name  string
		attrs map[string]any
		stage any
	}{
		{"load model", nil, "inference"},
		{"load", nil, "training"},
		{"x", map[string]any{"k": "a b"}, "request"},
		{"x", map[string]any{"k": "b"}, "evaluation"},
		{"x", map[string]any{"x": "yz"}, "tokenization"},
		{"x", map[string]any{"xy": "z"}, "deployment"},
		{"x", map[string]any{"n": int64(1_000_000)}, "batch_assembly"},
		{"x", map[string]any{"n": "1e+06"}, "data_ingestion"},
	} {
		adds, _, _ := apply(t, s, newSpan(t, tc.name, tc.attrs))
		assert.Equal(t, tc.stage, adds["ml.stage"], tc)
	}
}
