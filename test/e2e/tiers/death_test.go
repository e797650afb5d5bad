package tiers

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/kept"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// holding is what a sampler that is going to be killed has, known from the spans that arrived at each sampler and not
// from what any of them says about itself.
type holding struct {
	all, its  []shop.Sent // what all samplers have got, and what this one has
	undecided int         // of its traces, as its metrics say
}

// untilHeld waits until samplers have every span of traces that were sent while they had nothing undecided.
func untilHeld(t testing.TB, sent []shop.Sent, dying *collector.Collector, living ...*collector.Collector) holding {
	t.Helper()
	var its kept.Traces
	stack.Until(t, dying.Process, "the spans at the samplers", func(context.Context) error {
		n := 0
		for _, s := range append([]*collector.Collector{dying}, living...) {
			traces, err := arrivals(s)
			if err != nil {
				return err
			}
			if s == dying {
				its = traces
			}
			for _, s := range sent {
				n += len(traces[[16]byte(s.TraceID)])
			}
		}
		if want := spans(sent); n != want {
			return fmt.Errorf("%d of %d", n, want)
		}
		return nil
	})
	h := holding{all: sent}
	for _, s := range sent {
		switch len(its[[16]byte(s.TraceID)]) {
		case 0:
		case len(s.Spans):
			h.its = append(h.its, s)
		default:
			assert.Fail(t, "a trace at two samplers", "%s", s.TraceID)
		}
	}
	now := sampling(t, dying)
	h.undecided = now.Arrived - now.Decided
	require.Positive(t, h.undecided)
	require.LessOrEqual(t, h.undecided, len(h.its), "what it has not decided on is of these traces")
	return h
}

// assertLost checks that of what was sent before the death exactly the dead one's undecided traces are lost: all that
// were to be kept and are not in its file, and not one of the others'. It returns how many.
func (h holding) assertLost(t testing.TB, dead *collector.Collector, living ...*collector.Collector) int {
	t.Helper()
	decided := map[[16]byte]bool{}
	traces, err := kept.Read(dead.KeptFile())
	require.NoError(t, err)
	for id := range traces {
		decided[id] = true
	}
	var want []shop.Sent
	for _, s := range h.its {
		if toKeep(s) && !decided[s.TraceID] {
			want = append(want, s)
		}
	}
	found := look(t, h.all, append([]*collector.Collector{dead}, living...)...)
	assert.NotEmpty(t, want, "it held a trace that must be kept, or this test shows nothing")
	assert.Equal(t, ids(want), ids(found.missing), "lost is what the dead one held undecided, and nothing else")
	assert.LessOrEqual(t, len(found.missing), h.undecided)
	assert.Empty(t, ids(found.partial), "traces that are kept in part")
	return len(found.missing)
}

// arrivals are the spans that a sampler has got since it started, with testdata/arrived.yaml.
func arrivals(s *collector.Collector) (kept.Traces, error) {
	return kept.Read(filepath.Join(filepath.Dir(s.KeptFile()), "arrived.jsonl"))
}

// twice counts the spans that came to samplers a second time.
func twice(t testing.TB, sent []shop.Sent, samplers ...*collector.Collector) (n int) {
	t.Helper()
	have := map[[16]byte][]kept.Span{}
	for _, s := range samplers {
		traces, err := arrivals(s)
		require.NoError(t, err)
		for id, trace := range traces {
			have[id] = append(have[id], trace...)
		}
	}
	for _, s := range sent {
		different := map[[8]byte]bool{}
		for _, span := range have[s.TraceID] {
			different[span.SpanID()] = true
		}
		assert.Len(t, different, len(s.Spans), "spans of trace %s", s.TraceID)
		n += len(have[s.TraceID]) - len(different)
	}
	return n
}
