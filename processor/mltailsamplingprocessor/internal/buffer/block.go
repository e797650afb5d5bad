package buffer

import (
	"encoding/binary"

	"github.com/otelcol-ml/otelcol-ml/processor/mltailsamplingprocessor/internal/otlpwire"
)

// blockSize is the size of a block in bytes. A block is freed when the last
// trace in it is; smaller blocks are freed sooner, larger ones are fewer.
const blockSize = 128 << 10

// block is an append-only run of records.
type block struct {
	data []byte
	live int        // bytes of records that are held
	wait int        // bytes of records whose traces wait
	from []*context // the contexts of its records, in order of appearance
}

// A record holds consecutive spans of one trace from one batch:
//
//	next    8 bytes  ref of the trace's next record, 0 for none
//	group   4 bytes  number of the ResourceSpans in which the spans came
//	context 4 bytes  index in block.from
//	length  4 bytes  of the spans
//	spans   as fields of ScopeSpans, tags included
const recordHeader = 20

// ref is the place of a record: 1 + number of the block in the upper half,
// offset in the lower half. 0 is none.
type ref uint64

func newRef(block, offset int) ref { return ref(uint64(block+1)<<32 | uint64(offset)) }
func (r ref) block() int           { return int(r>>32) - 1 }
func (r ref) offset() int          { return int(uint32(r)) }

// record is a record as read.
type record struct {
	next    ref
	group   uint32
	context *context
	spans   []byte
}

func (r *record) size() int { return recordHeader + len(r.spans) }

// blocks are the blocks of a shard.
type blocks struct {
	list    []*block // nil where freed
	free    []int    // numbers of list that are free
	current int      // number of the block that is appended to, -1 for none
	buffer  *Buffer
}

// append writes a record of a trace that waits, and returns its place.
func (b *blocks) append(group uint32, from *context, spans []byte) ref {
	size := recordHeader + len(spans)
	if b.current < 0 || len(b.list[b.current].data)+size > cap(b.list[b.current].data) {
		b.begin(size)
	}
	blk := b.list[b.current]
	if n := len(blk.from); n == 0 || blk.from[n-1] != from {
		from.users.Add(1)
		blk.from = append(blk.from, from)
	}
	at := newRef(b.current, len(blk.data))
	data := blk.data
	data = binary.LittleEndian.AppendUint64(data, 0)
	data = binary.LittleEndian.AppendUint32(data, group)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(blk.from)-1))
	data = binary.LittleEndian.AppendUint32(data, uint32(len(spans)))
	blk.data = append(data, spans...)
	if blk.live > 0 && blk.wait == 0 {
		b.buffer.leaving.Add(-int64(cap(blk.data)))
	}
	blk.live += size
	blk.wait += size
	return at
}

// leave says that the trace of a record no longer waits.
func (b *blocks) leave(at ref, size int) {
	blk := b.list[at.block()]
	if blk.wait -= size; blk.wait == 0 {
		b.buffer.leaving.Add(int64(cap(blk.data)))
	}
}

// begin makes a block current that has room for size bytes.
func (b *blocks) begin(size int) {
	blk := b.buffer.takeBlock(max(size, blockSize))
	if n := len(b.free); n > 0 {
		b.current = b.free[n-1]
		b.free = b.free[:n-1]
		b.list[b.current] = blk
		return
	}
	b.current = len(b.list)
	b.list = append(b.list, blk)
}

// link makes next the record after the one at a place.
func (b *blocks) link(at, next ref) {
	binary.LittleEndian.PutUint64(b.list[at.block()].data[at.offset():], uint64(next))
}

// read returns the record at a place. Its spans are the block's memory.
func (b *blocks) read(at ref) record {
	blk := b.list[at.block()]
	data := blk.data[at.offset():]
	length := binary.LittleEndian.Uint32(data[16:])
	return record{
		next:    ref(binary.LittleEndian.Uint64(data)),
		group:   binary.LittleEndian.Uint32(data[8:]),
		context: blk.from[binary.LittleEndian.Uint32(data[12:])],
		spans:   data[recordHeader : recordHeader+length],
	}
}

// drop counts a record that has left as gone and frees its block if it was the last one.
func (b *blocks) drop(at ref, size int) {
	n := at.block()
	blk := b.list[n]
	blk.live -= size
	if blk.live > 0 {
		return
	}
	if n == b.current {
		b.current = -1
	}
	b.release(n)
}

func (b *blocks) release(n int) {
	blk := b.list[n]
	b.buffer.leaving.Add(-int64(cap(blk.data)))
	for _, c := range blk.from {
		b.buffer.contexts.release(c)
	}
	b.buffer.returnBlock(blk)
	b.list[n] = nil
	b.free = append(b.free, n)
}

// appendRecords appends the records of a trace to buf, as encoded traces with the
// ResourceSpans in which they came, and returns the size of those.
func appendRecords(buf []byte, records []record) (encoded []byte, size int64) {
	for from := 0; from < len(records); {
		to := from + 1
		for to < len(records) && records[to].group == records[from].group {
			to++
		}
		g := otlpwire.Group{Resource: records[from].context.resource}
		for _, r := range records[from:to] {
			if n := len(g.Scopes); n > 0 && sameHeader(g.Scopes[n-1].Scope, r.context.scope) {
				g.Scopes[n-1].Spans = append(g.Scopes[n-1].Spans, r.spans)
				continue
			}
			g.Scopes = append(g.Scopes, otlpwire.ScopeGroup{Scope: r.context.scope, Spans: [][]byte{r.spans}})
		}
		buf = otlpwire.AppendGroup(buf, &g)
		size += int64(g.Size())
		from = to
	}
	return buf, size
}
