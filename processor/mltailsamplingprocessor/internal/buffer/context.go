package buffer

import (
	"bytes"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/otlpwire"
	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/prefilter"
)

// context is where spans come from, a resource and a scope. Equal ones that are
// in use at the same time are one.
type context struct {
	resource, scope otlpwire.Header
	seen            prefilter.Bits // what the resource's attributes pass
	hash            uint64
	size            int64
	// users are the blocks that hold records of the context, and the batches that are being added.
	users atomic.Int64
}

// contexts are the contexts in use.
type contexts struct {
	mutex  sync.Mutex
	byHash map[uint64]*context
	seed   maphash.Seed
	bytes  atomic.Int64
}

func newContexts() contexts {
	return contexts{byHash: map[uint64]*context{}, seed: maphash.MakeSeed()}
}

func (c *contexts) hash(resource, scope otlpwire.Header) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	for _, part := range [][]byte{resource.Source, resource.SchemaURL, scope.Source, scope.SchemaURL} {
		h.Write(part)
		h.WriteByte(0xff) // ends no field
	}
	return h.Sum64()
}

// acquire returns the context of a resource and scope, with one user more. Copies are made of what it keeps.
func (c *contexts) acquire(resource, scope otlpwire.Header, seen func() prefilter.Bits) *context {
	hash := c.hash(resource, scope)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	known, ok := c.byHash[hash]
	if ok && sameHeader(known.resource, resource) && sameHeader(known.scope, scope) {
		known.users.Add(1)
		return known
	}
	n := resource.Size() + scope.Size()
	text := make([]byte, 0, n)
	keep := func(part []byte) []byte {
		text = append(text, part...)
		return text[len(text)-len(part) : len(text) : len(text)]
	}
	fresh := &context{
		resource: otlpwire.Header{Source: keep(resource.Source), SchemaURL: keep(resource.SchemaURL)},
		scope:    otlpwire.Header{Source: keep(scope.Source), SchemaURL: keep(scope.SchemaURL)},
		seen:     seen(), hash: hash, size: int64(n) + contextOverhead,
	}
	fresh.users.Store(1)
	if !ok { // two with one hash: the second one is its batch's own
		c.byHash[hash] = fresh
	}
	c.bytes.Add(fresh.size)
	return fresh
}

// contextOverhead is about what a context takes beside its text.
const contextOverhead = 200

// release takes a user away from a context and drops it when there is none left.
func (c *contexts) release(ctx *context) {
	if ctx.users.Add(-1) > 0 {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	// A batch may have acquired it meanwhile, or another release dropped it.
	if ctx.users.Load() > 0 || ctx.size == 0 {
		return
	}
	if c.byHash[ctx.hash] == ctx {
		delete(c.byHash, ctx.hash)
	}
	c.bytes.Add(-ctx.size)
	ctx.size = 0
}

func sameHeader(a, b otlpwire.Header) bool {
	return bytes.Equal(a.Source, b.Source) && bytes.Equal(a.SchemaURL, b.SchemaURL)
}
