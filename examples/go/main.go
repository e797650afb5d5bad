// The example is a service that ranks, with OpenTelemetry's SDK for Go: a feature
// store with a cache before a database, a queue before a model, and a validation
// that repairs. It sends itself requests over HTTP, and says what it did for them.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
)

func main() {
	requests := flag.Int("requests", 60, "requests to send")
	concurrency := flag.Int("concurrency", 6, "requests at a time")
	address := flag.String("address", "localhost:8110", "where the service listens")
	flag.Parse()
	if err := run(context.Background(), *address, *requests, *concurrency); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address string, requests, concurrency int) (err error) {
	shutdown, err := setupTracing(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shutdown(ctx)) }()
	dir, err := os.MkdirTemp("", "example-go-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := openFeatureDB(filepath.Join(dir, "features.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.db.Close()) }()

	s := &service{cache: newFeatureCache(60), db: db, gpu: make(chan struct{}, 1)}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s}
	defer func() { err = errors.Join(err, server.Shutdown(ctx)) }()
	go func() { _ = server.Serve(listener) }() // ends with Shutdown

	counted, err := sendAll(ctx, "http://"+listener.Addr().String(), s, requests, concurrency)
	if err != nil {
		return err
	}
	line, err := json.Marshal(counted)
	fmt.Printf("counted %s\n", line)
	return err
}

// sendAll returns what the service did, by the metric that the collector counts the same in.
func sendAll(ctx context.Context, url string, s *service, requests, concurrency int) (map[string]int, error) {
	next := make(chan int)
	var senders sync.WaitGroup
	var mu sync.Mutex
	var failed error
	counted := map[string]int{}
	for range concurrency {
		senders.Go(func() {
			for i := range next {
				d, err := send(ctx, url, i)
				mu.Lock()
				failed = errors.Join(failed, err)
				d.count(counted)
				mu.Unlock()
			}
		})
	}
	for i := range requests {
		if i%20 == 19 {
			s.evict()
		}
		next <- i
	}
	close(next)
	senders.Wait()
	return counted, failed
}

func send(ctx context.Context, url string, i int) (d did, err error) {
	ctx, span := tracer.Start(ctx, "client")
	defer span.End()
	in := request{ClientID: fmt.Sprintf("client-%d", i%12), Limit: 1000}
	switch {
	case i%15 == 7:
		in.ClientID = fmt.Sprintf("stranger-%d", i)
	case i%30 == 11:
		in.Limit = 5 // nothing to repair
	case i%8 == 4:
		in.Limit = 30
	}
	body, err := json.Marshal(in)
	if err != nil {
		return d, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return d, err
	}
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(request.Header))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return d, err
	}
	defer func() { _ = response.Body.Close() }()
	return d, json.NewDecoder(response.Body).Decode(&d)
}

func (d did) count(counted map[string]int) {
	add := func(metric string, n int) { counted[metric] += n }
	one := map[bool]int{true: 1}
	add(`ml_pipeline_requests_total`, 1)
	add(`ml_pipeline_requests_total{ml_pipeline_success="false"}`, one[d.Failed])
	add(`ml_feature_extraction_db_lookup_ms_count`, one[d.Fallback])
	add(`ml_features_unavailable_total`, d.Unavailable)
	add(`ml_inference_queue_wait_ms_count`, 1)
	add(`ml_signals_total{signal="queue_bound"}`, one[d.Waited])
	add(`ml_post_processing_revalidations_total`, one[d.Attempts > 1])
	add(`ml_cold_starts_total{reload="false"}`, one[d.Load])
	add(`ml_cold_starts_total{reload="true"}`, one[d.Reload])
}
