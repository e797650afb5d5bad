// Package sink receives metrics over OTLP and counts what they say was observed, whichever their temporality.
package sink

import (
	"context"
	"fmt"
	"net"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/grpc"
)

// maxMessage is far above the metrics of 50,000 series in one request.
const maxMessage = 1 << 30

// Sink is a running server.
type Sink struct {
	pmetricotlp.UnimplementedGRPCServer
	server  *grpc.Server
	address string

	mu      sync.Mutex
	metrics map[string]map[string]uint64 // by metric and label set
}

// Start listens on a free port.
func Start() (*Sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("receive metrics: %w", err)
	}
	s := &Sink{
		server:  grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage)),
		address: listener.Addr().String(),
		metrics: map[string]map[string]uint64{},
	}
	pmetricotlp.RegisterGRPCServer(s.server, s)
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Address is where it listens.
func (s *Sink) Address() string { return s.address }

// Stop ends it.
func (s *Sink) Stop() { s.server.Stop() }

// Export receives metrics.
func (s *Sink) Export(_ context.Context, request pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rm := range request.Metrics().ResourceMetrics().All() {
		resource := key(rm.Resource().Attributes())
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				s.add(resource, m)
			}
		}
	}
	return pmetricotlp.NewExportResponse(), nil
}

func (s *Sink) add(resource string, m pmetric.Metric) {
	of := s.metrics[m.Name()]
	if of == nil {
		of = map[string]uint64{}
		s.metrics[m.Name()] = of
	}
	switch m.Type() {
	case pmetric.MetricTypeHistogram:
		h := m.Histogram()
		for _, p := range h.DataPoints().All() {
			id := resource + key(p.Attributes())
			if h.AggregationTemporality() == pmetric.AggregationTemporalityDelta {
				of[id] += p.Count()
			} else {
				of[id] = max(of[id], p.Count())
			}
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			of[resource+key(p.Attributes())]++
		}
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			of[resource+key(p.Attributes())]++
		}
	}
}

// key is unique for a set of attributes of one source: each writes a set in one order.
func key(attrs pcommon.Map) string {
	var b []byte
	for k, v := range attrs.All() {
		b = append(b, k...)
		b = append(b, 0)
		b = append(b, v.AsString()...)
		b = append(b, 1)
	}
	return string(b)
}

// Observed is how many values a histogram has counted, and over how many label sets.
func (s *Sink) Observed(metric string) (values uint64, series int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, count := range s.metrics[metric] {
		values += count
	}
	return values, len(s.metrics[metric])
}

// Series is how many label sets all metrics have.
func (s *Sink) Series() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for _, of := range s.metrics {
		total += len(of)
	}
	return total
}
