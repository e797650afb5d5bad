package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

const (
	tracesPerRequest = 60
	spansPerTrace    = 8
	spansPerRequest  = tracesPerRequest * spansPerTrace
	templates        = 40
)

// template is an encoded request, and where its trace IDs are, so that each request has traces of its own.
type template struct {
	data []byte
	ids  []int
	// telling is the number of traces that are to be kept.
	telling uint64
}

// newTemplates makes requests of the article's shape: each trace is a request through services, one in a hundred is
// must be kept, and each span has so many bytes of text besides.
func newTemplates(text int) ([]template, error) {
	r := rand.New(rand.NewPCG(1, 2))
	var out []template
	for range templates {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", "ml.inference")
		rs.Resource().Attributes().PutStr("ml.pipeline.name", "recommendation")
		spans := rs.ScopeSpans().AppendEmpty().Spans()
		var ids [][]byte
		var toKeep uint64
		now := time.Now()
		for range tracesPerRequest {
			var id pcommon.TraceID
			binary.LittleEndian.PutUint64(id[:], r.Uint64())
			binary.LittleEndian.PutUint64(id[8:], r.Uint64())
			ids = append(ids, bytes.Clone(id[:]))
			mustKeep := r.IntN(100) == 0
			for i := range spansPerTrace {
				s := spans.AppendEmpty()
				s.SetTraceID(id)
				s.SetSpanID(pcommon.SpanID{byte(i + 1)})
				if i > 0 {
					s.SetParentSpanID(pcommon.SpanID{1})
				}
				s.SetName([...]string{"ml.pipeline.request", "ml.input_validation", "ml.feature_extraction", "cache_lookup", "ml.batch_assembly", "ml.inference", "ml.post_processing", "encode"}[i])
				s.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-100 * time.Millisecond)))
				s.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
				a := s.Attributes()
				a.PutStr("ml.model.name", fmt.Sprint("ranker-", r.IntN(20)))
				if i == 5 {
					a.PutDouble("ml.inference.queue_wait_ms", map[bool]float64{false: 3, true: 900}[mustKeep])
					a.PutDouble("ml.inference.forward_pass_ms", 20)
					a.PutInt("ml.inference.batch_size", 4)
				}
				if text > 0 {
					a.PutStr("gen_ai.prompt", strings.Repeat("x", text))
				}
			}
		}
		data, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
		if err != nil {
			return nil, err
		}
		t := template{data: data, telling: toKeep}
		for _, id := range ids {
			for from := 0; ; {
				at := bytes.Index(data[from:], id)
				if at < 0 {
					break
				}
				t.ids = append(t.ids, from+at)
				from += at + len(id)
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// request writes the n-th request into a buffer: the template with trace IDs of its own.
func (t *template) request(n uint64, buffer []byte) []byte {
	buffer = append(buffer[:0], t.data...)
	for _, at := range t.ids {
		for _, half := range [][]byte{buffer[at : at+8], buffer[at+8 : at+16]} {
			binary.LittleEndian.PutUint64(half, binary.LittleEndian.Uint64(half)+n)
		}
	}
	return buffer
}
