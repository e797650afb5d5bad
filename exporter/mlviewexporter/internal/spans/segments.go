package spans

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Part is the kind of a part of a span's time.
type Part string

// The kinds of parts.
const (
	Queue    Part = "queue"
	Compute  Part = "compute"
	Prefill  Part = "prefill" // the part of compute that reads the prompt
	Decode   Part = "decode"  // the part that writes the tokens
	Cache    Part = "cache"
	Database Part = "database"
	Load     Part = "load"
	Repair   Part = "repair"
)

// Segment is a part of a span's time, in nanoseconds from the span's start. A wait before the span starts below 0.
type Segment struct {
	Part     Part
	From, To int64
}

const millisecond = 1e6

// Segments returns the parts of the span's time according to its attributes. Queue and compute are placed as in
// mldiagnosis.
func (s Span) Segments() []Segment {
	var out []Segment
	length := s.End() - s.Start()
	add := func(part Part, from, to int64) {
		if to > from {
			out = append(out, Segment{part, from, to})
		}
	}
	wait, waited := s.nanoseconds(vocab.QueueWait)
	compute, computed := s.nanoseconds(vocab.ForwardPass)
	prefill, _ := s.nanoseconds(vocab.Prefill)
	decode, _ := s.nanoseconds(vocab.Decode)
	if !computed {
		compute = prefill + decode
	}
	if waited || compute > 0 {
		compute = min(compute, length)
		inside := min(wait, length-compute)
		prefill = min(prefill, compute)
		decode = min(decode, compute-prefill)
		add(Queue, inside-wait, inside)
		add(Prefill, inside, inside+prefill)
		add(Decode, inside+prefill, inside+prefill+decode)
		add(Compute, inside+prefill+decode, inside+compute)
	}
	cache, _ := s.nanoseconds(vocab.FeaturesCacheLookup)
	db, _ := s.nanoseconds(vocab.FeaturesDBLookup)
	cache = min(cache, length)
	add(Cache, 0, cache)
	add(Database, cache, min(cache+db, length))
	load, timed := s.nanoseconds(vocab.ColdStartDuration)
	switch {
	case timed && (s.Is(vocab.SignalColdStart) || s.Is(vocab.ColdStartRepeated)):
		add(Load, 0, min(load, length))
	case s.Is(vocab.SignalColdStart):
		add(Load, 0, length)
	}
	if s.Is(vocab.SignalRevalidated) {
		add(Repair, s.repairFrom(length), length)
	}
	return out
}

// repairFrom returns when the first validation failed. Without an event all attempts are assumed to take equally
// long.
func (s Span) repairFrom(length int64) int64 {
	var first pcommon.Timestamp
	for _, e := range s.Events().All() {
		if at := e.Timestamp(); e.Name() == vocab.EventValidationFailed && at > 0 && (first == 0 || at < first) {
			first = at
		}
	}
	if first > 0 {
		return min(max(int64(first)-s.Start(), 0), length)
	}
	if n, ok := s.Number(vocab.ValidationAttempts); ok && n > 1 {
		return int64(float64(length) / n)
	}
	return 0
}

// longest is more than the duration of any span, in ms, and far below the overflow of nanoseconds.
const longest = 10 * 365 * 24 * 3600 * 1000

func (s Span) nanoseconds(key string) (int64, bool) {
	ms, ok := s.Number(key)
	if !ok || ms > longest {
		return 0, false
	}
	return int64(ms * millisecond), true
}
