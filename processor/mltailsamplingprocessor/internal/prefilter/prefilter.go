// Package prefilter reports which traces no policy of tail sampling can keep.
//
// It models the policies of contrib's tail_sampling v0.158.0. It can exclude a
// match, but never confirms one: if it cannot exclude a match, the policy itself
// decides. An unknown policy, of an extension or of a later version, is never
// excluded, which only costs time.
//
// New compiles the policies. Attribute and Span take the fields of a span and
// return the tests that it passes, as bits. MayKeep takes their union over a
// trace, together with a few numbers. A Filter does not change and may be used
// concurrently.
package prefilter

import (
	"bytes"
	"hash/fnv"
	"math"
	"time"

	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/otlpwire"
)

// Bits is a set of tests.
type Bits uint64

// Facts is what is noted of a trace.
type Facts struct {
	ID               [16]byte
	Seen             Bits
	Spans            int64
	Earliest, Latest uint64 // first start and last end, Unix time in nanoseconds
}

// Filter is the compiled form of the policies.
type Filter struct {
	policies []chain
	// always is whether there is a policy that may keep any trace.
	always bool
	// unknown are the names of the policies that can keep any trace, as far as the filter knows.
	unknown []string

	tests       int // how many bits are taken
	byKey       [][]keyTests
	traceStates []traceStateTest
	statuses    []statusTest
	flags       Bits
	passOn      Bits
}

// chain is a policy: all of its checks must match.
type chain []check

// check is one condition on a trace.
type check struct {
	kind    checkKind
	seen    Bits    // seenTest
	above   int64   // latency: longer than this many whole milliseconds
	minimum int64   // spanCount
	maximum int64   // spanCount, 0 for none
	salt    []byte  // probability
	limit   float64 // probability: the largest hash that is kept
}

type checkKind uint8

const (
	unknown checkKind = iota // cannot be excluded
	seenTest
	latency
	spanCount
	probability
)

// keyTests are the tests of an attribute.
type keyTests struct {
	key   string
	tests []attributeTest
}

type attributeTest struct {
	bit   Bits
	match func(otlpwire.Value) bool
}

type traceStateTest struct {
	bit Bits
	key []byte
}

type statusTest struct {
	bit  Bits
	code uint64
}

// PassOn returns the tests of pass_on. A trace that passes one of them is passed on.
func (f *Filter) PassOn() Bits { return f.passOn }

// Unknown returns the names of the policies that the filter cannot exclude.
func (f *Filter) Unknown() []string { return f.unknown }

// Attribute returns the tests that an attribute of a span or resource passes, a KeyValue message.
func (f *Filter) Attribute(keyValue []byte) (passed Bits) {
	key := otlpwire.Key(keyValue)
	if len(key) >= len(f.byKey) {
		return 0
	}
	for i := range f.byKey[len(key)] {
		k := &f.byKey[len(key)][i]
		if string(key) != k.key {
			continue
		}
		value := otlpwire.ValueOf(keyValue)
		for _, t := range k.tests {
			if t.match(value) {
				passed |= t.bit
			}
		}
	}
	return passed
}

// Span returns the tests that the rest of a span passes.
func (f *Filter) Span(s *otlpwire.Span) (passed Bits) {
	for _, t := range f.statuses {
		if t.code == s.Status {
			passed |= t.bit
		}
	}
	if f.flags != 0 && s.Flags&1 != 0 {
		passed |= f.flags
	}
	if len(s.TraceState) > 0 {
		for _, t := range f.traceStates {
			if bytes.Contains(s.TraceState, t.key) {
				passed |= t.bit
			}
		}
		if bytes.Contains(s.TraceState, otKey) {
			passed |= otSeen
		}
	}
	return passed
}

// otKey is the key of OpenTelemetry in a W3C trace state. A probabilistic policy
// goes by the sampling information there instead of the hash of the trace ID.
var otKey = []byte("ot=")

// otSeen is the bit of otKey.
const otSeen Bits = 1

// MayKeep reports whether any policy may keep a trace.
func (f *Filter) MayKeep(t *Facts) bool {
	if f.always {
		return true
	}
	for _, c := range f.policies {
		if c.mayMatch(t) {
			return true
		}
	}
	return false
}

func (c chain) mayMatch(t *Facts) bool {
	for i := range c {
		if !c[i].mayMatch(t) {
			return false
		}
	}
	return true
}

func (c *check) mayMatch(t *Facts) bool {
	switch c.kind {
	case seenTest:
		return t.Seen&c.seen != 0
	case latency:
		// Times that do not fit into 63 bits wrap around in the policy; it decides.
		if t.Latest > math.MaxInt64 || t.Earliest > math.MaxInt64 {
			return true
		}
		return time.Duration(t.Latest-t.Earliest).Milliseconds() > c.above
	case spanCount:
		return t.Spans >= c.minimum && (c.maximum == 0 || t.Spans <= c.maximum)
	case probability:
		if t.Seen&otSeen != 0 {
			return true // decided by the trace state
		}
		hash := fnv.New64a()
		_, _ = hash.Write(c.salt)
		_, _ = hash.Write(t.ID[:])
		return float64(hash.Sum64()) <= c.limit
	}
	return true
}
