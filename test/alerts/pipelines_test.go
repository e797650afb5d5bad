package alerts

import "time"

const ms = time.Millisecond

// phase is a time of the live run.
type phase int

const (
	before phase = iota
	incident
	after
)

// minuteOf is what the pipelines beside the shop send in a minute, each with a cause of its own in an incident.
func minuteOf(when phase) []span {
	bad := when == incident
	all := []span{
		// Answers begin late, and their tokens are slow.
		llm(bad),
		// Requests come in and the model answers none of them.
		{pipeline: "search", service: "search-validator", name: "ml.input_validation", times: 10, duration: 5 * ms},
		// One GPU of ten machines is too small, and looks healthy in DCGM.
		vision(bad),
		// The version that has most of the traffic.
		{
			pipeline: "ranking", service: "ranker-server", name: "ml.inference", times: 20, duration: 100 * ms,
			with: map[string]any{"ml.model.name": "ranker", "ml.model.version": "1"},
		},
		// No dialect knows the spans of this one: few of them are usual.
		{service: "billing", name: "charge", times: 5, duration: 5 * ms},
	}
	// A service that is new with the incident, so that its slow burn is all of its past.
	if when != before {
		all = append(all, checkout(false, 24), checkout(bad, 1))
	}
	if !bad {
		return append(all,
			span{
				pipeline: "search", service: "search-server", name: "ml.inference", times: 10, duration: 100 * ms,
				with: map[string]any{"ml.model.name": "searcher"},
			},
			batch(4),
			// It stops in the incident.
			span{pipeline: "embedding", service: "embedder", name: "ml.feature_extraction", times: 3, duration: 30 * ms},
		)
	}
	return append(all,
		// The canary takes twice as long.
		span{
			pipeline: "ranking", service: "ranker-server", name: "ml.inference", times: 5, duration: 200 * ms,
			with: map[string]any{"ml.model.name": "ranker", "ml.model.version": "2"},
		},
		// A service has a new SDK, whose spans are named in another way.
		span{service: "billing", name: "charge", times: 150, duration: 5 * ms},
		batch("many"), // A client sends a size as a word.
	)
}

func batch(size any) span {
	return span{
		pipeline: "ranking", service: "ranker-gateway", name: "ml.batch_assembly", times: 3, duration: 5 * ms, with: map[string]any{"ml.batch.size": size},
	}
}

func llm(bad bool) span {
	first, each, duration := 300.0, 20.0, 400*ms
	if bad {
		first, each, duration = 3000, 150, 4000*ms
	}
	return span{
		pipeline: "assistant", service: "llm-server", name: "ml.inference", times: 10, duration: duration,
		with: map[string]any{"ml.model.name": "chat", "ml.inference.time_to_first_token_ms": first, "ml.inference.time_per_output_token_ms": each},
	}
}

func vision(bad bool) span {
	wait := 20.0
	if bad {
		wait = 150
	}
	return span{
		pipeline: "vision", service: "vision-server", name: "ml.inference", host: "gpu-1", times: 10, duration: 300 * ms,
		with: map[string]any{"ml.model.name": "detector", "ml.device.id": "cuda:0", "ml.inference.queue_wait_ms": wait, "ml.inference.forward_pass_ms": 100.0},
	}
}

// checkout fails one request in 25: too few for the fast burn of its objective, too many for the slow one.
func checkout(fails bool, times int) span {
	return span{
		pipeline: "checkout", service: "checkout-gateway", name: "ml.pipeline.request", times: times, failed: fails, duration: 100 * ms,
		with: map[string]any{"ml.pipeline.success": !fails, "ml.pipeline.latency_ms": 100.0},
	}
}

// training is a run of a training pipeline: as always, or of a third of the data, with bad records, failed checks and a worse model.
func training(bad bool) []span {
	records, invalid, failed, accuracy := 9000, 0, 0, 0.92
	if bad {
		records, invalid, failed, accuracy = 3000, 100, 2, 0.80
	}
	of := func(service, name string, with map[string]any) span {
		for key, value := range with {
			if value == 0 { // as libraries do that report failures only where there are any
				delete(with, key)
			}
		}
		return span{pipeline: "nightly", service: service, name: name, duration: time.Second, with: with}
	}
	return []span{
		of("ingest", "data-ingestion", map[string]any{
			"ml.data.records_read": records, "ml.data.parsing_errors": invalid, "ml.data.suite": "orders", "ml.data.checks": 20, "ml.data.checks_failed": failed,
		}),
		of("evaluator", "model-evaluation", map[string]any{"ml.model.name": "ranker", "ml.evaluation.accuracy": accuracy}),
	}
}
