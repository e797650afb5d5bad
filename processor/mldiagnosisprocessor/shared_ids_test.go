package mldiagnosisprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestSharedIDs: a client and its server that share a span ID, as Zipkin's
// libraries have it, get the diagnosis that they get with an ID each.
func TestSharedIDs(t *testing.T) {
	for _, test := range []struct {
		name  string
		spans []s
		// halves are the servers whose ID is that of the span that called them.
		halves []string
		want   string
	}{
		{"below the root", []s{
			{name: "root", to: 1000, attrs: stage("request")},
			{name: "call", parent: "root", from: 100, to: 900, kind: client},
			{name: "POST", parent: "call", service: "model", from: 110, to: 890, kind: server},
			{name: "infer", parent: "POST", service: "model", from: 120, to: 880, attrs: queueBound(500, 260)},
		}, []string{"POST"}, "gpu_queue 500, gpu_compute 260, other 240"},
		{"at the root", []s{
			{name: "call", to: 1000, kind: client},
			{name: "POST", parent: "call", service: "model", from: 10, to: 990, kind: server, attrs: stage("request")},
			{name: "infer", parent: "POST", service: "model", from: 20, to: 980, attrs: queueBound(500, 460)},
		}, []string{"POST"}, "gpu_queue 500, gpu_compute 460, other 40"},
		{"at the root and below it", []s{
			{name: "call", to: 1000, kind: client},
			{name: "POST", parent: "call", service: "gateway", from: 10, to: 990, kind: server},
			{name: "call model", parent: "POST", service: "gateway", from: 100, to: 900, kind: client},
			{name: "POST model", parent: "call model", service: "model", from: 110, to: 890, kind: server},
			{name: "infer", parent: "POST model", service: "model", from: 120, to: 880, attrs: queueBound(500, 260)},
		}, []string{"POST", "POST model"}, "gpu_queue 500, gpu_compute 260, other 240"},
		{"the server's span says it", []s{
			{name: "root", to: 1000, attrs: stage("request")},
			{name: "call", parent: "root", from: 100, to: 900, kind: client},
			{name: "infer", parent: "call", service: "model", from: 110, to: 890, kind: server, attrs: queueBound(500, 280)},
		}, []string{"infer"}, "gpu_queue 500, gpu_compute 280, other 220"},
		{"and the server's clock is off", []s{
			{name: "root", to: 1000, attrs: stage("request")},
			{name: "call", parent: "root", from: 100, to: 900, kind: client},
			{name: "infer", parent: "call", service: "model", from: 5110, to: 5890, kind: server, attrs: queueBound(500, 280)},
		}, []string{"infer"}, "gpu_queue 500, gpu_compute 280, other 220, clock_skew"},
		{"the caller's own work during the call is the caller's", []s{
			{name: "root", to: 1000, attrs: stage("request")},
			{name: "call", parent: "root", from: 100, to: 900, kind: client},
			{name: "connect", parent: "call", from: 100, to: 300},
			{name: "infer", parent: "call", service: "model", from: 310, to: 890, kind: server, attrs: queueBound(300, 280)},
		}, []string{"infer"}, "gpu_queue 300, gpu_compute 280, other 420"},
		{"a server's half that outlasts its client", []s{
			{name: "root", to: 120},
			{name: "call", parent: "root", from: 10, to: 40, kind: client},
			{name: "POST", parent: "call", service: "model", from: 13, to: 42, kind: server},
			{name: "infer", parent: "POST", service: "model", from: 14, to: 41, attrs: queueBound(15, 10)},
		}, []string{"POST"}, "gpu_queue 15, gpu_compute 10, other 95"},
	} {
		t.Run(test.name, func(t *testing.T) {
			apart := traces(t, traceA, test.spans...)
			shared := traces(t, traceA, test.spans...)
			for _, half := range test.halves {
				share(t, shared, half)
			}
			root := test.spans[0].name
			apart, out := diagnosed(t, apart), diagnosed(t, shared)
			assert.Equal(t, test.want, finding(t, find(t, apart, root)))
			assert.Equal(t, test.want, finding(t, find(t, out, root)))
			assert.Equal(t, []string{root}, flaggedSpans(out))
			assert.Equal(t, pathOf(find(t, apart, root)), pathOf(find(t, out, root)))
		})
	}
}

// share gives a server's span the IDs of the span that called it.
func share(t *testing.T, td ptrace.Traces, name string) {
	t.Helper()
	half := find(t, td, name)
	own, ids := half.SpanID(), map[pcommon.SpanID]ptrace.Span{}
	for _, span := range spansOf(td) {
		ids[span.SpanID()] = span
	}
	call := ids[half.ParentSpanID()]
	half.SetSpanID(call.SpanID())
	half.SetParentSpanID(call.ParentSpanID())
	for _, span := range spansOf(td) {
		if span.ParentSpanID() == own {
			span.SetParentSpanID(call.SpanID())
		}
	}
}
