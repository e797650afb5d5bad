// Package nested decides which of several nested spans counts as the call of a
// model. A framework, the client below it and a second instrumentation can each
// have a span for one call.
//
// Call Table.Decide for each such span. All methods may be called concurrently.
// A Table is bounded in spans and time.
package nested

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Call is the span of a call.
type Call struct {
	Trace pcommon.TraceID
	Span  pcommon.SpanID
	// Parent is empty if the call enters its service with this span.
	Parent pcommon.SpanID
	// Tokens: the span has token counts.
	Tokens bool
}

// Verdict says what of a span is counted.
type Verdict struct {
	// Call: the span counts as the call.
	Call bool
	// Tokens: its token counts are on no other span that counts.
	Tokens bool
}

// state is the state of a span that is a call or the parent of one.
type state struct {
	// verdict is that of the span, if seen is set.
	verdict Verdict
	seen    bool
	// below: a call below the span was seen. tokensBelow: token counts below it are counted.
	below, tokensBelow bool
	// tokensAbove: token counts of an ancestor are counted.
	tokensAbove bool
}

type key struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
}

// Table remembers calls. It is safe for concurrent use.
type Table struct {
	mu            sync.Mutex
	ttl           int64
	perGeneration int
	young, old    map[key]state
	born          int64
}

// NewTable returns a table that remembers at most the given number of spans, each for ttl to twice ttl.
func NewTable(spans int, ttl time.Duration) *Table {
	return &Table{ttl: int64(ttl), perGeneration: max(2, spans/2), young: map[key]state{}, old: map[key]state{}}
}

// Decide returns what of a call is counted. Of nested spans, which can arrive parent first or child first, the first one
// counts as the call, and the first one with token counts gives the tokens.
func (t *Table) Decide(c *Call, now time.Time) Verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.age(now.UnixNano())
	own := t.get(key{c.Trace, c.Span})
	if own.seen {
		return own.verdict // the span was sent twice
	}
	var above state
	if !c.Parent.IsEmpty() {
		above = t.get(key{c.Trace, c.Parent})
	}
	own.seen = true
	own.tokensAbove = above.seen && (above.verdict.Tokens || above.tokensAbove)
	own.verdict = Verdict{
		Call:   !own.below && !above.seen,
		Tokens: c.Tokens && !own.tokensBelow && !own.tokensAbove,
	}
	t.put(key{c.Trace, c.Span}, own)
	if !c.Parent.IsEmpty() {
		above.below = true
		above.tokensBelow = above.tokensBelow || own.tokensBelow || own.verdict.Tokens
		t.put(key{c.Trace, c.Parent}, above)
	}
	return own.verdict
}

func (t *Table) get(k key) state {
	if s, ok := t.young[k]; ok {
		return s
	}
	return t.old[k]
}

// put does not remove the span from the old generation: get reads that last.
func (t *Table) put(k key, s state) {
	if len(t.young) >= t.perGeneration {
		if _, known := t.young[k]; !known {
			t.rotate()
		}
	}
	t.young[k] = s
}

func (t *Table) rotate() {
	clear(t.old)
	t.young, t.old = t.old, t.young
}

// age drops the old generation when the young one is as old as the TTL, and both when it is twice as old.
func (t *Table) age(now int64) {
	switch late := now - t.born; {
	case late < 0: // the clock was set back
		t.born = now
	case late >= 2*t.ttl:
		t.rotate()
		t.rotate()
		t.born = now
	case late >= t.ttl:
		t.rotate()
		t.born += t.ttl
	}
}

// Len returns the number of remembered spans.
func (t *Table) Len(now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.age(now.UnixNano())
	return len(t.young) + len(t.old)
}
