package alerts

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// span is a root span of a service, named and with attributes as the article's services send them.
type span struct {
	pipeline, service, name string
	// times is how many of it are sent.
	times    int
	duration time.Duration
	failed   bool
	host     string
	with     map[string]any
	// trace is the number of its trace, or 0 for one of its own.
	trace uint64
}

// client sends spans over OTLP/HTTP, each with a trace of its own.
type client struct {
	t    testing.TB
	url  string
	last uint64
}

// send sends spans, and returns how many of them the metrics count: those that a dialect recognises.
func (c *client) send(spans ...span) (counted int) {
	c.t.Helper()
	body, counted := c.encode(spans...)
	require.Equal(c.t, http.StatusOK, c.post(body))
	return counted
}

// encode makes the body of a request of spans.
func (c *client) encode(spans ...span) (body []byte, counted int) {
	c.t.Helper()
	var all trace.TracesData
	for _, s := range spans {
		if s.times == 0 {
			s.times = 1
		}
		if s.pipeline != "" {
			counted += s.times
		}
		sent := &trace.ScopeSpans{}
		for range s.times {
			sent.Spans = append(sent.Spans, c.span(s))
		}
		all.ResourceSpans = append(all.ResourceSpans, &trace.ResourceSpans{
			Resource: &resource.Resource{Attributes: attributes(map[string]any{
				"service.name": s.service, "ml.pipeline.name": s.pipeline, "deployment.environment": "production", "host.name": s.host,
			})},
			ScopeSpans: []*trace.ScopeSpans{sent},
		})
	}
	body, err := proto.Marshal(&all)
	require.NoError(c.t, err)
	return body, counted
}

func (c *client) span(s span) *trace.Span {
	c.last++
	number := s.trace
	if number == 0 {
		number = c.last
	}
	traceID, id := make([]byte, 16), make([]byte, 8)
	// Not in the last bytes, which the sampler of a share of the traces looks at.
	binary.BigEndian.PutUint64(traceID, number)
	binary.BigEndian.PutUint64(traceID[8:], number*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(id, c.last)
	end := time.Now()
	of := &trace.Span{
		TraceId: traceID, SpanId: id, Name: s.name, Kind: trace.Span_SPAN_KIND_SERVER, Attributes: attributes(s.with),
		StartTimeUnixNano: uint64(end.Add(-s.duration).UnixNano()), EndTimeUnixNano: uint64(end.UnixNano()), //nolint:gosec // after 1970
	}
	if s.failed {
		of.Status = &trace.Status{Code: trace.Status_STATUS_CODE_ERROR, Message: "failed"}
	}
	return of
}

// post sends a request body, and returns the status of the answer.
func (c *client) post(body []byte) int {
	c.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.url, bytes.NewReader(body))
	require.NoError(c.t, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	response, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	return response.StatusCode
}

func attributes(of map[string]any) []*common.KeyValue {
	var all []*common.KeyValue
	for key, value := range of {
		var any common.AnyValue
		switch v := value.(type) {
		case string:
			if v == "" {
				continue
			}
			any.Value = &common.AnyValue_StringValue{StringValue: v}
		case float64:
			any.Value = &common.AnyValue_DoubleValue{DoubleValue: v}
		case int:
			any.Value = &common.AnyValue_IntValue{IntValue: int64(v)}
		case bool:
			any.Value = &common.AnyValue_BoolValue{BoolValue: v}
		default:
			panic(fmt.Sprintf("%s: %T", key, value))
		}
		all = append(all, &common.KeyValue{Key: key, Value: &any})
	}
	return all
}
