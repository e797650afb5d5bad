package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/report"
	"github.com/otelcol-ml/otelcol-ml/examples/demo/shop"
)

// spacing is the time between two requests: 5,000 of them lie in the last five minutes.
const spacing = 60 * time.Millisecond

// send plays the article's request and then as many as are asked for, and returns what was sent.
func send(ctx context.Context, out *report.Printer, endpoint string, set settings) (sent []shop.Sent, failed error) {
	services, err := shop.Open(ctx, shop.Config{Endpoint: endpoint})
	if err != nil {
		return nil, err
	}
	defer func() {
		flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		failed = errors.Join(failed, services.Close(flushing))
	}()

	began := time.Now().Add(-time.Duration(set.requests+1) * spacing)
	sent = append(sent, services.Play(shop.ArticleRequest(began)))
	source := shop.NewSource(set.seed, shop.ArticleRates, began, spacing)
	progress := out.Progress("sending requests", set.requests+1)
	defer progress.Done()
	for ctx.Err() == nil && len(sent) <= set.requests {
		sent = append(sent, services.Play(source.Next()))
		progress.At(len(sent))
	}
	return sent, ctx.Err()
}

// livePace is the time between two requests of traffic that goes on.
const livePace = 100 * time.Millisecond

// goOn sends requests as they happen, until the context ends or the collector does.
func goOn(ctx context.Context, to *collector.Collector, set settings) (failed error) {
	services, err := shop.Open(ctx, shop.Config{Endpoint: to.GRPC})
	if err != nil {
		return err
	}
	defer func() {
		flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		failed = errors.Join(failed, services.Close(flushing))
	}()
	source := shop.NewSource(set.seed+1, shop.ArticleRates, time.Now(), livePace)
	for {
		request := source.Next()
		ended := time.NewTimer(time.Until(request.Start.Add(request.Duration())))
		select {
		case <-ended.C:
			services.Play(request)
		case <-ctx.Done():
			ended.Stop()
			return nil
		case <-to.Exited():
			ended.Stop()
			return fmt.Errorf("the collector ended:\n%s", to.Tail(12))
		}
	}
}
