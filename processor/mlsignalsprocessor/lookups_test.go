package mlsignalsprocessor

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-ml/otelcol-ml/internal/golden"
	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// depth is how many spans of the batches are above a span.
func depth(batches []ptrace.Traces, i int) int {
	parents := map[pcommon.SpanID]pcommon.SpanID{}
	for _, b := range batches {
		span := spansOf(b)[0]
		parents[span.SpanID()] = span.ParentSpanID()
	}
	n := 0
	for id := spansOf(batches[i])[0].ParentSpanID(); !id.IsEmpty() && n < len(batches); id = parents[id] {
		n++
	}
	return n
}

// childrenFirst is an order in which SDKs send: a span comes after those below it.
func childrenFirst(batches []ptrace.Traces, random *rand.Rand) []int {
	order := random.Perm(len(batches))
	slices.SortStableFunc(order, func(a, b int) int { return depth(batches, b) - depth(batches, a) })
	return order
}

// timed are the names of the spans of each trace that carry the time of a database lookup, and the time.
func timed(batches []ptrace.Traces) map[pcommon.TraceID]map[string]float64 {
	all := map[pcommon.TraceID]map[string]float64{}
	for _, b := range batches {
		for _, span := range spansOf(b) {
			if all[span.TraceID()] == nil {
				all[span.TraceID()] = map[string]float64{}
			}
			if v, ok := span.Attributes().Get(vocab.FeaturesDBLookup); ok {
				all[span.TraceID()][span.Name()] = v.Double()
			}
		}
	}
	return all
}

// TestALookupIsCountedOnce sends what real clients recorded in many orders, in one batch and in a batch for each span.
// The spans of SQLAlchemy and of the driver below it are siblings and overlap.
func TestALookupIsCountedOnce(t *testing.T) {
	for _, file := range []string{"sqlalchemy-psycopg", "sqlalchemy-sqlite3"} {
		traces := golden.ReadTraces(t, filepath.Join(dialectData, "db_clients", file+".input.json"))
		lengths := map[pcommon.TraceID]float64{} // of the longest read of each trace, the ORM's
		for _, span := range spansOf(traces) {
			if v, ok := span.Attributes().Get("db.system"); ok && v.Str() != "redis" {
				ms, _ := vocab.Duration(span.StartTimestamp(), span.EndTimestamp())
				lengths[span.TraceID()] = max(lengths[span.TraceID()], ms)
			}
		}
		random := rand.New(rand.NewPCG(3, 4))
		for round := range 200 {
			batches := oneSpanEach(traces)
			order := childrenFirst(batches, random)
			anyOrder := round%2 == 1
			if anyOrder {
				order = random.Perm(len(batches))
			}
			p := forgetful(t)
			if round%4 < 2 {
				for _, i := range order {
					process(t, p, batches[i])
				}
			} else {
				batches = []ptrace.Traces{process(t, p, together(batches, order))}
			}
			for id, carriers := range timed(batches) {
				if anyOrder {
					require.LessOrEqual(t, len(carriers), 1, "%v", carriers)
				} else {
					require.Len(t, carriers, 1, "%v", carriers)
				}
				for name, ms := range carriers {
					require.NotEqual(t, "MGET", name, "a cache's span has the database's time")
					if name != "ml.feature_extraction" { // which measured it itself, the connection included
						require.LessOrEqual(t, ms, lengths[id]+1e-9)
						require.Greater(t, ms, 0.9*lengths[id])
					}
					if !anyOrder {
						require.Contains(t, []string{"ml.feature_extraction", "GET /features/{user}", "POST /predict"}, name)
					}
				}
			}
		}
	}
}

// together is one batch of the spans, in this order.
func together(batches []ptrace.Traces, order []int) ptrace.Traces {
	all := ptrace.NewTraces()
	batches[0].ResourceSpans().At(0).CopyTo(all.ResourceSpans().AppendEmpty())
	scopes := all.ResourceSpans().At(0).ScopeSpans()
	scopes.RemoveIf(func(ptrace.ScopeSpans) bool { return true })
	for _, i := range order {
		batches[i].ResourceSpans().At(0).ScopeSpans().At(0).CopyTo(scopes.AppendEmpty())
	}
	return all
}

type lookupSpan struct {
	id, parent byte
	name       string
	kind       ptrace.SpanKind
	start, end int // ms
	system     string
	flags      uint32
	attrs      map[string]any
}

func lookupTraces(t *testing.T, resource map[string]any, spans ...lookupSpan) ptrace.Traces {
	t.Helper()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	require.NoError(t, rs.Resource().Attributes().FromRaw(resource))
	for _, s := range spans {
		span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{7})
		span.SetSpanID(pcommon.SpanID{s.id})
		if s.parent != 0 {
			span.SetParentSpanID(pcommon.SpanID{s.parent})
		}
		span.SetName(s.name)
		span.SetKind(s.kind)
		span.SetFlags(s.flags)
		span.SetStartTimestamp(startTime + pcommon.Timestamp(time.Duration(s.start)*time.Millisecond))
		span.SetEndTimestamp(startTime + pcommon.Timestamp(time.Duration(s.end)*time.Millisecond))
		require.NoError(t, span.Attributes().FromRaw(s.attrs))
		if s.system != "" {
			span.SetKind(ptrace.SpanKindClient)
			span.Attributes().PutStr("db.system.name", s.system)
		}
	}
	return td
}

// TestWhichSpanCarriesALookup has the rule case by case, in one batch.
func TestWhichSpanCarriesALookup(t *testing.T) {
	const server, internal = ptrace.SpanKindServer, ptrace.SpanKindInternal
	cache := lookupSpan{2, 1, "MGET", 0, 1, 3, "redis", 0, nil}
	read := lookupSpan{3, 1, "SELECT features", 0, 4, 14, "postgresql", 0, nil}
	entry := lookupSpan{1, 0, "GET /features", server, 0, 15, "", 0, nil}
	for name, tc := range map[string]struct {
		resource map[string]any
		spans    []lookupSpan
		want     map[string]float64
	}{
		"the entry of the service":  {pipeline, []lookupSpan{cache, read, entry}, map[string]float64{"GET /features": 10}},
		"no read of a cache":        {pipeline, []lookupSpan{read, entry}, map[string]float64{}},
		"the database came first":   {pipeline, []lookupSpan{{2, 1, "MGET", 0, 20, 21, "redis", 0, nil}, read, entry}, map[string]float64{}},
		"no pipeline and no Feast":  {map[string]any{"service.name": "shop"}, []lookupSpan{cache, read, entry}, map[string]float64{}},
		"reads one after the other": {pipeline, []lookupSpan{cache, read, {4, 1, "SELECT more", 0, 16, 20, "postgresql", 0, nil}, entry}, map[string]float64{"GET /features": 14}},
		"reads at the same time":    {pipeline, []lookupSpan{cache, read, {4, 1, "SELECT more", 0, 9, 20, "postgresql", 0, nil}, entry}, map[string]float64{"GET /features": 16}},
		"a driver below the ORM":    {pipeline, []lookupSpan{cache, {4, 3, "select", 0, 5, 13, "postgresql", 0, nil}, read, entry}, map[string]float64{"GET /features": 10}},
		"feature extraction below the entry": {pipeline, []lookupSpan{{2, 5, "MGET", 0, 1, 3, "redis", 0, nil}, {3, 5, "SELECT features", 0, 4, 14, "postgresql", 0, nil},
			{5, 1, "ml.feature_extraction", internal, 0, 15, "", 0, nil}, entry}, map[string]float64{"ml.feature_extraction": 10}},
		"feature extraction above an inner span, which has the time": {pipeline, []lookupSpan{{2, 5, "MGET", 0, 1, 3, "redis", 0, nil}, {3, 5, "SELECT features", 0, 4, 14, "postgresql", 0, nil},
			{5, 6, "get", internal, 0, 15, "", 0, nil}, {6, 1, "ml.feature_extraction", internal, 0, 15, "", 0, map[string]any{vocab.FeaturesDBLookup: 11.0}}, entry},
			map[string]float64{"ml.feature_extraction": 11}},
		"the parent is of another service": {pipeline, []lookupSpan{{2, 9, "MGET", 0, 1, 3, "redis", knowsRemote | isRemote, nil}, {3, 9, "SELECT features", 0, 4, 14, "postgresql", knowsRemote | isRemote, nil}},
			map[string]float64{"SELECT features": 10}},
		"spans in the order of their start":     {pipeline, []lookupSpan{entry, cache, read, {4, 1, "select", 0, 5, 13, "postgresql", 0, nil}}, map[string]float64{"GET /features": 10}},
		"spans in the opposite order":           {pipeline, []lookupSpan{entry, read, cache}, map[string]float64{"GET /features": 10}},
		"a span with the time comes first":      {pipeline, []lookupSpan{{1, 0, "GET /features", server, 0, 15, "", 0, map[string]any{vocab.FeaturesDBLookup: 11.0}}, cache, read}, map[string]float64{"GET /features": 11}},
		"a read that an earlier collector gave": {pipeline, []lookupSpan{cache, {3, 1, "SELECT features", 0, 4, 14, "postgresql", 0, map[string]any{vocab.FeaturesDBLookup: 10.0}}, {4, 1, "select", 0, 5, 13, "postgresql", 0, nil}, entry}, map[string]float64{"SELECT features": 10}},
	} {
		t.Run(name, func(t *testing.T) {
			td := process(t, forgetful(t), lookupTraces(t, tc.resource, tc.spans...))
			assert.Equal(t, tc.want, timed([]ptrace.Traces{td})[pcommon.TraceID{7}])
			for _, span := range spansOf(td) {
				_, cascade := span.Attributes().Get(vocab.SignalFeatureCascade)
				_, carries := tc.want[span.Name()]
				assert.Equal(t, carries, cascade, span.Name())
			}
		})
	}
}

// TestSpansAboveThatCameInABatchBefore: the database's own span carries the time then, and no read of the cache's.
func TestSpansAboveThatCameInABatchBefore(t *testing.T) {
	entry := lookupSpan{1, 0, "GET /features", ptrace.SpanKindServer, 0, 15, "", 0, nil}
	cache := lookupSpan{2, 1, "MGET", 0, 1, 3, "redis", 0, nil}
	read := lookupSpan{3, 1, "SELECT features", 0, 4, 14, "postgresql", 0, nil}
	driver := lookupSpan{4, 1, "select", 0, 5, 13, "postgresql", 0, nil}
	for _, later := range [][]lookupSpan{{cache, read, driver}, {read, cache, driver}, {read, driver, cache}} {
		p := forgetful(t)
		first := process(t, p, lookupTraces(t, pipeline, entry))
		second := process(t, p, lookupTraces(t, pipeline, later...))
		assert.Equal(t, map[string]float64{"SELECT features": 10}, timed([]ptrace.Traces{first, second})[pcommon.TraceID{7}])
	}
}

// TestALookupAloneIsNoStageOfAHandler: a monolith's request is not feature extraction for one read of the database.
func TestALookupAloneIsNoStageOfAHandler(t *testing.T) {
	spans := []lookupSpan{{2, 1, "GET", 0, 1, 3, "redis", 0, nil}, {3, 1, "SELECT features", 0, 4, 14, "postgresql", 0, nil}, {1, 0, "POST /predict", ptrace.SpanKindServer, 0, 500, "", 0, nil}}
	p := forgetful(t)
	for range 2 { // and so it is for a second collector
		td := process(t, p, lookupTraces(t, pipeline, spans...))
		attrs := spansOf(td)[2].Attributes().AsRaw()
		assert.Equal(t, map[string]any{vocab.FeaturesDBLookup: 10.0, vocab.FeaturesDBShare: 0.02}, attrs)
		spans[2].attrs = attrs
		p = forgetful(t)
	}
}
