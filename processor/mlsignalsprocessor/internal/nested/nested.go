// Package nested tells which of the spans of one call counts. A framework, the
// client below it and a second instrumentation may each have a span for it,
// one within the other.
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
	// Parent is empty where the call enters its service.
	Parent pcommon.SpanID
	// Tokens: the span tells the tokens of the call.
	Tokens bool
}

// Verdict says what counts of a span.
type Verdict struct {
	// Call: the span is the one that stands for the call.
	Call bool
	// Tokens: the tokens that it tells are counted nowhere else.
	Tokens bool
}

// state is what is known of a span that is a call itself or is above one.
type state struct {
	// verdict is that on the span itself, if it was seen.
	verdict Verdict
	seen    bool
	// below and tokensBelow: a call below it is counted, and its tokens are.
	below, tokensBelow bool
	// tokensAbove: the tokens of a span above it are counted.
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

// NewTable returns a table that remembers at most so many spans, each for ttl to twice ttl.
func NewTable(spans int, ttl time.Duration) *Table {
	return &Table{ttl: int64(ttl), perGeneration: max(2, spans/2), young: map[key]state{}, old: map[key]state{}}
}

// Decide says what counts of a call. Spans may come in the order in which they end or in that in which they start: of those
// within each other the first that comes stands for the call, and the tokens are those of the first that tells them.
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

// put leaves what the old generation has of a span: get looks there last.
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

// age forgets the old generation when it is time, and both where nothing came for long.
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

// Len is the number of spans that are remembered.
func (t *Table) Len(now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.age(now.UnixNano())
	return len(t.young) + len(t.old)
}
